import time,torch
torch.set_num_threads(1)
from ssl_course.course.experiments.two_view_compute import *
from ssl_course.settings import load_settings
if __name__=='__main__':
    p=plan(load_settings(budget='cpu')); t=time.time(); sets=data(p); print('data',time.time()-t, {k:len(v) for k,v in sets.items()})
    for key in (dict(method='byol',lr=3e-3,seed=0,units=.2), dict(method='lejepa',lr=3e-3,seed=0,units=.1), dict(variant='SimSiam, no stop-gradient',lr=3e-3,seed=0,units=.1), dict(method='simclr',lr=1e20,seed=0,units=.05)):
        t=time.time(); print(key, compute_run(sets,p,key), time.time()-t, flush=True)
    for b in ('pixels','untrained'):
        t=time.time(); print(b, compute_bound(sets,p,dict(bound=b,seed=0)), time.time()-t, flush=True)
