import time,torch,sys
torch.set_num_threads(1)
from ssl_course.all import *
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.pretext.masked_autoencoder import MaskedAutoencoder
from ssl_course.pretext.masked_features import MaskedFeatures
world=Postcards(32,seed=42); im=world.images(200,target=None)
print('ready',time.process_time(),flush=True)
for w,h,d,r,T,k in [(64,2,4,.75,MaskedAutoencoder,4),(64,2,4,.75,MaskedFeatures,4)]:
    task=T(ratio=r,width=64)
    with seeded(0):
        dls=im.dls(.2,bs=64,steps=k)
        l=pretext_learner(dls,Encoder.vit_tiny(width=w,heads=h,depth=d),task)
        for _ in range(2):
            a=time.process_time(),time.perf_counter()
            fit_quietly(l,lambda l:l.fit_one_cycle(1,5e-4))
            b=time.process_time(),time.perf_counter()
            print(w,h,d,r,T.__name__,'cpu s/step',(b[0]-a[0])/k,'wall',(b[1]-a[1])/k,l.model.encoder.precision,flush=True)
x=torch.rand(64,3,32,32); task=MaskedAutoencoder(width=64); e=Encoder.vit_tiny(width=64,heads=2); task.setup(e)
opt=torch.optim.AdamW([*e.parameters(),*task.parameters()])
for n in range(3):
    a=time.process_time(); i,t=task.make(x); b=time.process_time(); task.loss(task(e,i),t).backward(); c=time.process_time(); opt.step(); opt.zero_grad(); dd=time.process_time()
    print('make',b-a,'fwd+bwd',c-b,'opt',dd-c,flush=True)
