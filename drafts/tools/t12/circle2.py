import torch,time,sys
from ssl_course.all import *
from ssl_course.pretext.two_views import TwoViews,mlp,project
from fastai.callback.core import Callback
import torch.nn.functional as F, numpy as np, matplotlib; matplotlib.use('Agg'); import matplotlib.pyplot as plt
torch.set_num_threads(1)
class PullOnly(TwoViews):
    name=None
    def __init__(self): super().__init__(); self.views=strong_views(size=24)
    def setup(self,e): self.projector=mlp(e.n_features,128,2)
    def forward(self,e,x): return project(self.projector,e,x)
    def loss(self,p,t): return 2-2*F.cosine_similarity(*p.chunk(2),dim=1).mean()
class Film(Callback):
    run_valid=False
    def __init__(self,x,m): self.x,self.m,self.z=x,m,{}
    def before_batch(self):
        if self.train_iter in self.m:
            with torch.no_grad(): self.z[self.train_iter]=F.normalize(self.model.task.projector(self.model.encoder(self.x)),dim=1)
imgs=Postcards(32,seed=42).images(2000,start=2_500_000,target=None)
x=torch.from_numpy(imgs.x[:200]).permute(0,3,1,2).float()/255
fig,ax=plt.subplots(4,5,figsize=(10,8))
m=(0,10,30,80,149)
for r,(make,seed) in enumerate([(PullOnly,42),(lambda: BYOL(dim=2,hidden=128,views=strong_views(size=24)),42),(lambda: BYOL(dim=2,hidden=128,views=strong_views(size=24)),43),(lambda: BYOL(dim=2,hidden=128,views=strong_views(size=24)),44)]):
    t=time.time()
    with seeded(seed):
        f=Film(x,m)
        dls=imgs.unlabeled().dls(.05,bs=64,steps=150)
        learn=pretext_learner(dls,Encoder.small(width=16),make(),cbs=f)
        fit_quietly(learn,lambda l:l.fit_one_cycle(1,2e-3))
    for a,(k,z) in zip(ax[r],f.z.items()):
        rad=1+.1*np.random.rand(len(z)); a.scatter(z[:,0]*rad,z[:,1]*rad,s=4,alpha=.4); a.set(xlim=(-1.3,1.3),ylim=(-1.3,1.3),aspect='equal',title=f'{k}: {embedding_spread(z) if 0 else float(z.std(0).mean()*2**.5):.2f}')
    print(r,time.time()-t,flush=True)
fig.savefig('/tmp/t12/circle.png',dpi=60)
