import sys,torch,time; torch.set_num_threads(1)
from ssl_course.course.experiments.two_view_compute import pretrained_by,embed,knn_accuracy,compute_task,data,meter_values,plan
from ssl_course.collapse import CollapseMeter

from ssl_course.settings import load_settings
p=plan(load_settings(budget='cpu')); p['images']['valid']=200; sets=data(p)
key,kw=sys.argv[1],eval(sys.argv[2])
t=time.time(); m=CollapseMeter(every=25)
l=pretrained_by(compute_task('byol',64,**kw),sets['images'],25_000,64,3e-3,16,0,cbs=m)
z={k: embed(l.encoder,sets[k]) for k in('pool','test')}
from ssl_course.evaluate.probes import linear_probe
print(key,meter_values(m),'full',linear_probe(z['pool'],sets['pool'].y).score(z['test'],sets['test'].y),'knn',knn_accuracy(z['pool'],sets['pool'].y,z['test'],sets['test'].y),f'{time.time()-t:.0f}s')
