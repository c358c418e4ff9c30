"""Made-up runs of consistency_starts with all arms of the plan, to run the lesson's cells before the experiment is done.
usage (in the worktree): python fake_store.py FILE     Never commit the file."""
import sys,json,numpy as np
from ssl_course.course.experiments.consistency_starts import *
from ssl_course.settings import load_settings
r=np.random.default_rng(0); p=plan(load_settings(budget='cpu')); parts=dict(tries=[],draws=[],reference=[])
for a in arms(p):
    first=p['updates'][a[0]][0]; base=dict(zip(('start','method','labels'),a))
    def row(seed,lr,n,v):
        up=np.linspace(.2,.9,11)
        return base|dict(seed=seed,lr=lr,updates=n,valid=v,test=v-.01*r.random(),at=list(range(11)),right=up.tolist(),passed=up.tolist(),right_passed=[None,*up[1:].tolist()],stuck=.5,seconds=1.)
    v=.5+.3*r.random()
    parts['tries']+=[row(0,3e-3,first,v),row(0,1e-2,first,v-.1),row(0,9e-4,first,v-.1),row(0,3e-3,2*first,v)]
    parts['draws']+=[row(i,3e-3,first,v+.02*r.random()) for i in range(1,p['seeds'][a[0]])]
parts['reference']=[dict(start='from scratch',method='alone',labels=n,seed=i,lr=.03,updates=800,valid=.3,test=.3+.01*i,converged=n<10) for n in (1,5,10) for i in range(3)]
d=dict(name='consistency_starts',plan=p,key='fake',date='2000-01-01',seconds=1.,machine=dict(processor='made up',cores=0),parts=parts,code='',data={})
json.dump(d,open(sys.argv[1],'w'))
