"Which choices make two moons tell the story? Needs no ssl_course, only torch and NumPy. About a minute of one core."
import sys,math,numpy as np,torch,torch.nn.functional as F
from torch import nn
from copy import deepcopy
torch.set_num_threads(1)
def moons(n,noise,seed):
    r=np.random.RandomState(seed); t=np.pi*r.rand(n); y=r.randint(2,size=n)
    x=np.c_[np.where(y==0,np.cos(t),1-np.cos(t)),np.where(y==0,np.sin(t),.5-np.sin(t))]+noise*r.randn(n,2)
    return torch.tensor(x,dtype=torch.float32),torch.tensor(y)
class Bumps(nn.Module):
    def __init__(self,w=.2):
        super().__init__(); self.register_buffer('spots',torch.cartesian_prod(torch.arange(-1.8,2.9,w),torch.arange(-1.4,1.9,w)))
        self.w,self.out=w,nn.Linear(len(self.spots),2,bias=False); nn.init.zeros_(self.out.weight)
    def forward(self,x): return self.out((-torch.cdist(x,self.spots).square()/(2*self.w**2)).exp())
RELU='relu' in sys.argv
LR=.05 if RELU else .5
def net(): return nn.Sequential(nn.Linear(2,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2)) if RELU else Bumps()
def labeled(y,seed,per=5):
    g=np.random.default_rng(seed)
    return torch.tensor(np.concatenate([g.choice(np.flatnonzero(y.numpy()==c),per,replace=False) for c in (0,1)]))
def fm(weak,strong,th):
    p,l=weak.detach().softmax(1).max(1)
    return (F.cross_entropy(strong,l,reduction='none')*(p>=th)).mean()
def train(x,y,shown,loss=None,steps=400,seed=0,start=None,teacher=False,lr=1e-2):
    torch.manual_seed(seed); f=deepcopy(start) if start else net(); slow=deepcopy(f); opt=torch.optim.SGD(f.parameters(),LR,momentum=.9)
    for i in range(steps):
        u=x[torch.randint(len(x),(256,))]
        l=F.cross_entropy(f(x[shown]),y[shown])
        if loss: l=l+loss(f,slow,u,i/steps)
        opt.zero_grad(); l.backward(); opt.step()
        with torch.no_grad():
            for a,b in zip(slow.parameters(),f.parameters()): a.lerp_(b,max(.01,1/(i+2)))
    return slow if teacher else f
acc=lambda f,x,y: (f(x).argmax(1)==y).float().mean().item()
shake=lambda u,s: u+s*torch.randn_like(u)
def mt(s,w):
    def g(f,slow,u,t):
        with torch.no_grad(): tt=slow(shake(u,s)).softmax(1)
        return w*math.exp(-5*(1-min(t/.3,1))**2)*F.mse_loss(f(shake(u,s)).softmax(1),tt)
    return g
C={'naive':lambda f,s,u,t:fm(f(u),f(u),0.),'thr .95':lambda f,s,u,t:fm(f(u),f(u),.95),
 'no thr, shaken .2':lambda f,s,u,t:fm(f(u),f(shake(u,.2)),0.) if t>.2 else 0.,'shaken 1.0':lambda f,s,u,t:fm(f(u),f(shake(u,1.)),.95),'fixmatch .2 .95':lambda f,s,u,t:fm(f(u),f(shake(u,.2)),.95),
 'fixmatch .3 .95':lambda f,s,u,t:fm(f(u),f(shake(u,.3)),.95),'fixmatch .2 .8':lambda f,s,u,t:fm(f(u),f(shake(u,.2)),.8),
 'mt .1 w10':mt(.1,10),'mt .2 w10':mt(.2,10),'mt .2 w3':mt(.2,3)}
if __name__=='__main__':
    x,y=moons(2000,.1,1); t={}
    print('seed | alone | naive: all answers, then a fresh network | from fresh weights:',*C,sep=' | ')
    for seed in range(10):
        sh=labeled(y,seed); base=train(x,y,sh,steps=600,seed=seed); row=[acc(base,x,y)]
        with torch.no_grad(): said=base(x).argmax(1)
        wrong=said!=y; again=lambda f,s,u,t:0.
        torch.manual_seed(seed); f=net(); opt=torch.optim.SGD(f.parameters(),LR,momentum=.9)
        for i in range(600):
            j=torch.randint(len(x),(256,)); l=F.cross_entropy(f(x[sh]),y[sh])+F.cross_entropy(f(x[j]),said[j]); opt.zero_grad(); l.backward(); opt.step()
        row.append(acc(f,x,y)); stuck=(f(x).argmax(1)!=y)[wrong].float().mean().item()
        for k,l in C.items(): row.append(acc(train(x,y,sh,l,seed=seed,teacher=k[:2]=='mt',steps=600),x,y))
        t[seed]=row; print(seed,[round(v,3) for v in row],'wrong ones still wrong after naive',round(stuck,3),flush=True)
    print('mean',[round(v,3) for v in np.mean(list(t.values()),0)])
