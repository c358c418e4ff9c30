import os; os.environ['SSL_COURSE_BUDGET']='cpu'
from ssl_course.all import *
from ssl_course.course.experiments.contrast_choices import CONTRAST_CHOICES,encoder_values
from ssl_course.settings import load_settings
p=CONTRAST_CHOICES.plan(load_settings(budget='cpu',seed=42)); sets=CONTRAST_CHOICES.data(p)
def go(task,seed=42):
    with seeded(seed):
        plain=sets['images'].unlabeled()
        dls=plain.dls(plain.take(slice(0,128)),bs=128,steps=1171)
        learn=pretext_learner(dls,Encoder.small(width=p['width']),task)
        with learn.no_logging(): fit_quietly(learn,lambda l:l.fit_one_cycle(1,3e-3,pct_start=.15))
    v=encoder_values(learn.encoder,sets,p); return {k:round(v[k],3) for k in ('probe','full','same_class','same_hue')}
V=lambda **k: strong_views(size=24,**k)
for seed in (42,):
    print('base',go(SimCLR(temp=.1,views=V()),seed),flush=True)
    print('hue',go(SimCLR(temp=.1,views=V(hue=0.,gray=0.)),seed),flush=True)
    print('hot',go(SimCLR(temp=1.,views=V()),seed),flush=True)
