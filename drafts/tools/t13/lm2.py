import time,torch
torch.set_num_threads(1)
from ssl_course.course.letters import *
tr,te,letters=letter_windows(); n=len(letters); print(tr.shape,te.shape,n)
for kw in (dict(),dict(also=range(9,17))):
    a=time.process_time(); net=train_letters(tr,n,seed=42,**kw)
    with torch.no_grad(): s=net(hide_letters(te,n,kw.get('also',())))
    print(kw,'acc',float((s.argmax(1)==te[:,8]).float().mean()),'cpu s',time.process_time()-a,flush=True)
