import torch,time,sys
torch.set_num_threads(1)
from ssl_course.compute import seeded
def train(stop=True, predictor=True, ema=False, wd=.02, steps=3000, seeds=5, D=20, lr=.1, bs=128, scale=1., pscale=.5, mode=None, m=.98, weak=None):
    with seeded(0):
        W=(scale*torch.randn(seeds,D,20)/20**.5)
        if weak: W[:,:,:2]*=weak
        W.requires_grad_()
        eye=torch.eye(D).repeat(seeds,1,1)
        P=eye.clone() if not predictor else pscale*torch.randn(seeds,D,D)/D**.5
        if mode=='number': P=.5*torch.ones(seeds,1,1)
        fixed = mode in('direct','turned') or isinstance(mode,float)
        if isinstance(mode,float): P=mode*eye
        P.requires_grad_(predictor and not fixed)
        T=W.detach().clone()
        opt=torch.optim.SGD([o for o in (W,P) if o.requires_grad],lr,weight_decay=wd)
        for i in range(steps+1):
            s=torch.randn(seeds,bs,5)
            x1,x2=(torch.cat([s,torch.randn(seeds,bs,15)],2) for _ in 'ab')
            if i==0: start=W.detach().square().sum(1)
            Q=P*eye if mode=='number' else P
            if mode in('direct','turned'):
                with torch.no_grad():
                    val,vec=torch.linalg.eigh(W@W.mT)
                    if mode=='turned': vec=turn
                    Q=vec@torch.diag_embed(val.clamp(min=0).sqrt())@vec.mT
            elif i==0: turn=None
            z=x2@(T if ema else W).mT
            if stop: z=z.detach()
            loss=(x1@W.mT@Q.mT-z).square().sum(2).mean(1).sum()/2
            opt.zero_grad(); loss.backward(); opt.step()
            if ema: T=m*T+(1-m)*W.detach()
    return start,W.detach(),(P*eye if mode=='number' else P).detach()
def gains(W,P):
    out=[]
    for w,p in zip(W,P):
        q=torch.linalg.svd(w[:,:5],full_matrices=True)[0]
        g=(q.T@p@q).diag(); out.append((g[:5].mean().item(),g[5:].mean().item()))
    return [sum(o)/len(o) for o in zip(*out)]
def show(**kw):
        t=time.time(); st,W,P=train(**kw); v=W.square().sum(1)
        print(kw,'start',f"{st.sum(1).mean():.2f}",'left',f"{v.sum(1).mean():.4f} ± {v.sum(1).std():.4f}",'share',f"{(v[:,:5].sum(1)/v.sum(1)).mean():.3f} ± {(v[:,:5].sum(1)/v.sum(1)).std():.3f}",'gains',[round(g,3) for g in gains(W,P)],'cols',v[0,:5].numpy().round(2),f'{time.time()-t:.1f}s', flush=True)
if __name__=='__main__':
  base=dict(ema=True)
  for kw in [base,dict(),dict(ema=False,stop=False),base|dict(predictor=False),dict(predictor=False),base|dict(wd=0.),dict(stop=False,wd=0.),dict(predictor=False,wd=0.),base|dict(predictor=False,wd=0.),
     base|dict(wd=.1),base|dict(wd=.2),base|dict(wd=.24),base|dict(wd=.26),base|dict(wd=.3),
     dict(mode='number'),base|dict(mode='number'),dict(mode='direct'),dict(mode=.9),base|dict(weak=.1),base|dict(weak=.1,mode='number'),base|dict(weak=.1,mode='direct')]:
     show(**kw)
