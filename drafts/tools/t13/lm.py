import time,torch,sys,numpy as np
from torch import nn
import torch.nn.functional as F
from importlib.resources import files
torch.set_num_threads(1)
from pathlib import Path
import importlib.util
d=Path(importlib.util.find_spec('sklearn').submodule_search_locations[0])/'datasets/descr'
texts=[f.read_text(encoding='utf-8') for f in sorted(d.glob('*.rst'))]
print(len(texts),sum(map(len,texts)))
import re
text=[re.sub(r'\s+',' ',t.lower()) for t in texts]
whole='\n'.join(text)
print(len(whole),len(set(whole)))
letters=sorted(set(whole)); vocab={c:i for i,c in enumerate(letters)}
# held-out: every tenth piece of 500
a=torch.tensor([vocab[c] for c in whole])
piece=torch.arange(len(a))//500
test=(piece%8==7)
K=8
ok=torch.arange(K,len(a)-K)
win=a.unfold(0,2*K+1,1) # row i: middle i+K
inside=lambda m: m.float().unfold(0,2*K+1,1).mean(1)==(1.)
tr,te=win[inside(~test)],win[inside(test)]
print(tr.shape,te.shape)
from collections import Counter,defaultdict
def ngram(k):
    C=defaultdict(Counter)
    for r in tr.tolist(): C[tuple(r[K-k:K]+r[K+1:K+1+k])][r[K]]+=1
    return {c:v.most_common(1)[0][0] for c,v in C.items()}
tabs=[ngram(k) for k in range(0,4)]
for n in range(4):
    s=0
    for r in te.tolist():
        for k in range(n,-1,-1):
            c=tuple(r[K-k:K]+r[K+1:K+1+k])
            if c in tabs[k]: s+=tabs[k][c]==r[K]; break
    print('ngram',n,s/len(te),flush=True)
def net(width=96,emb=24,drop=.2):
    return nn.Sequential(nn.Embedding(len(letters)+1,emb),nn.Flatten(1))
class Net(nn.Module):
    def __init__(s,emb=32,width=128,drop=.25):
        super().__init__()
        s.e=nn.Embedding(len(letters)+1,emb)
        s.c=nn.Sequential(nn.Conv1d(emb,width,3),nn.GELU(),nn.Dropout(drop),nn.Conv1d(width,width,3),nn.GELU(),nn.Dropout(drop))
        s.h=nn.Sequential(nn.Flatten(),nn.Linear(width*(2*K+1-4),256),nn.GELU(),nn.Dropout(drop),nn.Linear(256,len(letters)))
    def forward(s,x): return s.h(s.c(s.e(x).mT))
for drop,lr in ((.3,2e-3),):
    torch.manual_seed(0); m=Net(drop=drop); steps=1500; bs=128
    opt=torch.optim.AdamW(m.parameters(),weight_decay=.05)
    sch=torch.optim.lr_scheduler.OneCycleLR(opt,lr,steps)
    t0=time.process_time()
    for i in range(steps):
        b=tr[torch.randint(len(tr),(bs,))].clone(); y=b[:,K].clone(); b[:,K]=len(letters)
        # further letters hidden at random
        l=F.cross_entropy(m(b),y); l.backward(); opt.step(); opt.zero_grad(); sch.step()
        if (i+1)%250==0:
            m.eval()
            with torch.no_grad():
                x=te.clone(); x[:,K]=len(letters); acc=(m(x).argmax(1)==te[:,K]).float().mean()
            m.train(); print(drop,i+1,float(l),'test',float(acc),'cpu',time.process_time()-t0,flush=True)
