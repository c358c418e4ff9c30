import time,torch,sys
torch.set_num_threads(1)
from ssl_course.all import *
from ssl_course.pretrain import fit_quietly,pretext_learner
world=Postcards(32,seed=42); im=world.images(600,target=None)
for w,h,d,r,T in [(128,4,4,.75,MaskedAutoencoder),(192,3,4,.75,MaskedAutoencoder),(128,4,4,.25,MaskedAutoencoder),(128,4,4,.9,MaskedAutoencoder),(128,4,4,.75,MaskedFeatures),(64,2,4,.75,MaskedAutoencoder)]:
    task=T(ratio=r)
    with seeded(0):
        dls=im.dls(.2,bs=128,steps=8)
        l=pretext_learner(dls,Encoder.vit_tiny(width=w,heads=h,depth=d),task)
        fit_quietly(l,lambda l:l.fit_one_cycle(1,5e-4))
        a=time.process_time(),time.perf_counter()
        fit_quietly(l,lambda l:l.fit_one_cycle(1,5e-4))
        b=time.process_time(),time.perf_counter()
    print(w,h,d,r,T.__name__,'cpu s/step',(b[0]-a[0])/8,'wall',(b[1]-a[1])/8,l.model.encoder.precision,flush=True)
