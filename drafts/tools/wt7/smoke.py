# the smoke cells of both experiment notebooks, and small JSONs where the lesson looks for them
import os,sys,tempfile,time
os.environ['SSL_COURSE_BUDGET']='smoke'
sys.path.insert(0,'/tmp/wt/seven'); os.chdir('/tmp/wt/seven/nbs/course/experiments')
t=time.process_time()
def say(*a): print(*a, f'[{time.process_time()-t:.1f} s CPU]', flush=True)
import ssl_course.course.experiments.pretext_compute as pc
from ssl_course.settings import load_settings
say('imported')
pc.WORKERS=1
s=load_settings(budget='smoke'); p=pc.plan(s)
store=pc.PRETEXT_COMPUTE.run(s)
say('compute', pc.best_rates(store))
fig=pc.plot_worlds(store); print(fig.alt[:300]); fig.savefig('/tmp/wt7/worlds.png')
import ssl_course.course.experiments.pretext_tasks as pt
pt.WORKERS=1
store=pt.PRETEXT_MATRIX.run(s)
say('matrix'); 
from ssl_course.evaluate.pretext_matrix import matrix_summary
print(matrix_summary(pt.matrix_table(store)))
