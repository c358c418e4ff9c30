import sys; sys.argv=['x']
exec(open('/tmp/f14/moons_scan.py').read().split("if __name__")[0])
def film(x,y,sh,loss,seed,at=(40,80,150,300,600),u0=None,relu=False):
    torch.manual_seed(seed); f=net() if not relu else nn.Sequential(nn.Linear(2,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2)); slow=deepcopy(f); opt=torch.optim.SGD(f.parameters(),.05 if relu else .5,momentum=.9); out=[]
    u0=x if u0 is None else u0
    for i in range(600):
        u=u0[torch.randint(len(u0),(256,))]
        l=F.cross_entropy(f(x[sh]),y[sh])
        if loss: l=l+loss(f,slow,u,i/600)
        opt.zero_grad(); l.backward(); opt.step()
        with torch.no_grad():
            for a,b in zip(slow.parameters(),f.parameters()): a.lerp_(b,max(.01,1/(i+2)))
        if i+1 in at: out.append(round(acc(f,x,y),3))
    return out
x,y=moons(2000,.1,1)
torch.manual_seed(0)
up,lo=x[y==0],x[y==1]
uneq=torch.cat([up[:950],lo[:50]]); stra=torch.cat([x[:1000],torch.tensor([.5,.25])+.18*torch.randn(500,2)])
for seed in range(5):
    sh=labeled(y,seed)
    for k in ('alone','thr .95','fixmatch .2 .95','mt .2 w10'): print(seed,k,film(x,y,sh,C.get(k),seed),flush=True)
    print(seed,'unequal',film(x,y,sh,C['fixmatch .2 .95'],seed,u0=uneq),'strangers',film(x,y,sh,C['fixmatch .2 .95'],seed,u0=stra),'relu alone',film(x,y,sh,None,seed,relu=True),'relu fm',film(x,y,sh,C['fixmatch .2 .95'],seed,relu=True),flush=True)
