import torch,time; torch.set_num_threads(1)
from ssl_course.all import *
from ssl_course.course.experiments.two_view_methods import pretrained_by
images=Postcards(32,seed=42).images(2000,start=2_500_000,target=None)
for kw in (dict(),):
  for seed in (0,):
    t=time.time(); m=CollapseMeter(every=5)
    l=pretrained_by(BYOL(views=strong_views(size=24),**kw),images,10_000,64,seed=seed,cbs=m)
    tab=m.table[m.table.of=='projection']; print(kw,seed,[round(v,2) for v in tab.spread[::4]],round(tab.spread.iloc[-1],3),round(tab['rank'].iloc[-1],1),f'{time.time()-t:.0f}s',flush=True)
