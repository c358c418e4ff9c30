from ssl_course.course.experiments.two_view_compute import *
from ssl_course.course.experiments.two_view_compute import TWO_VIEW_COMPUTE
from ssl_course.course.experiment import read_experiment
from ssl_course.resume import source_hash
st=read_experiment('two_view_compute'); print(st.all['code'], source_hash(*TWO_VIEW_COMPUTE.code))
f=plot_compute(st,title='x'); f.savefig('/tmp/t12/c.png',dpi=70,facecolor='white',bbox_inches='tight'); print(f.alt)
print(method_table(st).to_string()); print(ablation_table(st).to_string())
