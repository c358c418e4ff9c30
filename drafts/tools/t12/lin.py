import torch,time,itertools
torch.set_num_threads(1)
from ssl_course.compute import seeded
def train(stop=True, predictor=True, ema=False, wd=.02, steps=2000, seeds=5, D=10, lr=.05, bs=128, scale=1., keep=40):
    with seeded(0):
        W=(scale*torch.randn(seeds,D,20)/D**.5).requires_grad_()
        P=torch.eye(D).repeat(seeds,1,1) if not predictor else .5*torch.randn(seeds,D,D)/D**.5
        P.requires_grad_(predictor)
        T=W.detach().clone()
        opt=torch.optim.SGD([W]+[P]*predictor,lr,weight_decay=wd)
        film=[]
        for i in range(steps+1):
            if i%(steps//keep)==0: film.append(W.detach().square().sum(1))
            s=torch.randn(seeds,bs,5)
            x1,x2=(torch.cat([s,torch.randn(seeds,bs,15)],2) for _ in 'ab')
            z=x2@(T if ema else W).mT
            if stop: z=z.detach()
            loss=(x1@W.mT@P.mT-z).square().sum(2).mean(1).sum()/2
            opt.zero_grad(); loss.backward(); opt.step()
            if ema: T=.99*T+.01*W.detach()
    return torch.stack(film,1),W.detach(),P.detach()
if __name__=='__main__':
  for kw in [dict(ema=True),dict(),dict(stop=False),dict(predictor=False),dict(ema=True,wd=0.),dict(wd=0.),dict(stop=False,wd=0.),dict(predictor=False,wd=0.),dict(scale=.1),dict(wd=.2),dict(wd=.3)]:
    for D in (10,):
        t=time.time(); f,W,P=train(D=D,**kw); v=f[:,-1]; 
        print(kw,D,'start',f[:,0].sum(1).mean().item(),'left',v.sum(1).mean().item(),v.sum(1).std().item(),'share',(v[:,:5].sum(1)/v.sum(1)).mean().item(),f'{time.time()-t:.1f}s', flush=True)
