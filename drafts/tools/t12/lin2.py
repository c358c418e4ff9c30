import torch,time
torch.set_num_threads(1)
from ssl_course.compute import seeded
def train(stop=True, predictor=True, ema=False, wd=.02, steps=2000, seeds=5, D=20, lr=.05, bs=128, scale=1., pscale=.5, direct=None):
    with seeded(0):
        W=(scale*torch.randn(seeds,D,20)/20**.5).requires_grad_()
        P=torch.eye(D).repeat(seeds,1,1) if not predictor else pscale*torch.randn(seeds,D,D)/D**.5
        train_p = predictor and not direct
        P.requires_grad_(train_p)
        T=W.detach().clone()
        opt=torch.optim.SGD([W]+[P]*train_p,lr,weight_decay=wd)
        for i in range(steps+1):
            s=torch.randn(seeds,bs,5)
            x1,x2=(torch.cat([s,torch.randn(seeds,bs,15)],2) for _ in 'ab')
            if i==0: start=W.detach().square().sum(1)
            if direct:
                with torch.no_grad():
                    val,vec=torch.linalg.eigh(W@W.mT)
                    val=val.clamp(min=0)
                    if direct=='reversed': val=val.flip(1)
                    if direct=='random': vec=torch.linalg.qr(torch.randn(seeds,D,D))[0]
                    P=vec@torch.diag_embed((val/val.max(1,keepdim=True).values).sqrt())@vec.mT
            z=x2@(T if ema else W).mT
            if stop: z=z.detach()
            loss=(x1@W.mT@P.mT-z).square().sum(2).mean(1).sum()/2
            opt.zero_grad(); loss.backward(); opt.step()
            if ema: T=.99*T+.01*W.detach()
    return start,W.detach(),P.detach()
def gains(W,P):
    out=[]
    for w,p in zip(W,P):
        q=torch.linalg.svd(w[:,:5],full_matrices=True)[0]
        g=(q.T@p@q).diag(); out.append((g[:5].mean().item(),g[5:].mean().item()))
    return [sum(o)/len(o) for o in zip(*out)]
if __name__=='__main__':
  for kw in [dict(ema=True),dict(),dict(ema=True,steps=4000),dict(stop=False),dict(predictor=False),dict(ema=True,predictor=False),dict(ema=True,wd=0.),dict(wd=0.),dict(wd=0.,steps=6000),dict(stop=False,wd=0.),dict(predictor=False,wd=0.),dict(predictor=False,wd=0.,steps=6000),dict(scale=.1,pscale=.05),dict(scale=.03,pscale=.03),dict(wd=.2),dict(wd=.23,steps=4000),dict(wd=.3),dict(direct='right'),dict(direct='reversed'),dict(direct='random')]:
        t=time.time(); st,W,P=train(**kw); v=W.square().sum(1)
        print(kw,'start',f"{st.sum(1).mean():.2f}",'left',f"{v.sum(1).mean():.4f} ± {v.sum(1).std():.4f}",'share',f"{(v[:,:5].sum(1)/v.sum(1)).mean():.3f} ± {(v[:,:5].sum(1)/v.sum(1)).std():.3f}",'gains',[round(g,3) for g in gains(W,P)],f'{time.time()-t:.1f}s', flush=True)
