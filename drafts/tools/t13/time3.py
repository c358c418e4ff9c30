import time,torch
torch.set_num_threads(1)
from ssl_course.encoder import Encoder
from ssl_course.pretext.masked_autoencoder import MaskedAutoencoder
x=torch.rand(64,3,32,32)
for prec in (torch.bfloat16,torch.float32)*2:
    task=MaskedAutoencoder(width=64); e=Encoder.vit_tiny(width=64,heads=2); task.setup(e); e.precision=prec
    t=[]
    for n in range(5):
        i,y=task.make(x); a=time.process_time(); task.loss(task(e,i),y).backward(); t.append(time.process_time()-a)
    print(prec,[round(v,3) for v in t],flush=True)
