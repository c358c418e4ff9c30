import torch,time
from ssl_course.all import *
from ssl_course.pretext.two_views import TwoViews,mlp,project
import torch.nn.functional as F, numpy as np
torch.set_num_threads(1)
class PullOnly(TwoViews):
    name=None
    def setup(self,e): self.projector=mlp(e.n_features,128,self.dim)
    def __init__(self,dim=2): super().__init__(); self.dim=dim; self.views=strong_views()
    def forward(self,e,x): return project(self.projector,e,x)
    def loss(self,p,t): return 2-2*F.cosine_similarity(*p.chunk(2),dim=1).mean()
imgs=Postcards(32,seed=42).images(2000,start=2_500_000,target=None)
x=torch.from_numpy(imgs.x[:128]).permute(0,3,1,2).float()/255
for make in (lambda: PullOnly(2),lambda: BYOL(dim=2,hidden=128),lambda: BYOL(dim=3,hidden=128),lambda: BYOL(),lambda: PullOnly(128)):
    t=time.time()
    with seeded(42):
        task=make(); m=CollapseMeter(every=10)
        dls=imgs.unlabeled().dls(.05,bs=64,steps=200)
        learn=pretext_learner(dls,Encoder.small(width=16),task,cbs=m)
        fit_quietly(learn,lambda l:l.fit_one_cycle(1,2e-3))
    tab=m.table[m.table.of=='projection']
    print(type(task).__name__,task.dim,[round(v,3) for v in tab.spread[::3]],f'{time.time()-t:.1f}s',flush=True)
