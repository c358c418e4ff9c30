"The collapse meter: its numbers by another way, its warning, and its silence."
import math

import numpy as np
import torch

from ssl_course.collapse import CollapseMeter,alignment,effective_rank,embedding_spread,uniformity
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.simclr import SimCLR
from ssl_course.pretext.simsiam import SimSiam
from ssl_course.pretrain import fit_quietly,pretext_learner

A,B = np.random.default_rng(7).normal(size=(2, 6, 5)) # 6 images, 5 dimensions
T = torch.tensor

def near(a, b, tol=1e-5): assert abs(float(a)-float(b))<=tol*max(1, abs(float(b))), (float(a), float(b))

def learner(task, **kwargs):
    dls = Postcards(size=16, seed=2).images(72).unlabeled().dls(bs=16, **kwargs)
    return pretext_learner(dls, Encoder.small(width=4), task)

def test_meter_numbers_against_numpy():
    z = A/np.linalg.norm(A, axis=1, keepdims=True)
    w = B/np.linalg.norm(B, axis=1, keepdims=True)
    near(embedding_spread(T(A)), z.std(0, ddof=1).mean()*math.sqrt(5))
    p = np.linalg.svd(z, compute_uv=False); p = p/p.sum()
    near(effective_rank(T(A)), np.exp(-(p*np.log(p)).sum()))
    near(alignment(T(A), T(B)), ((z-w)**2).sum(1).mean())
    near(uniformity(T(A)), np.log(np.mean([np.exp(-2*((z[i]-z[j])**2).sum()) for i in range(6) for j in range(6) if i!=j])))

class Collapsing(SimSiam):
    "Scales away what differs: a collapse on command"
    def forward(self, encoder, inputs):
        with torch.no_grad():
            for p in self.projector.parameters(): p.mul_(.5 if p.ndim==2 else 1.)
            self.projector[-1].bias.fill_(1.)
        return super().forward(encoder, inputs)

def test_meter_warns_once_and_names_the_cause(capsys):
    meter = CollapseMeter(every=1)
    with seeded(0):
        learn = learner(Collapsing(batch_norm=False, stop_gradient=False))
        learn.add_cb(meter)
        fit_quietly(learn, lambda l: l.fit(4, 1e-4))
    out = capsys.readouterr().out
    assert out.count('Collapse is under way')==1 and 'there is no stop-gradient' in out and meter.warning in out
    t = meter.table
    assert set(t.of)=={'embedding', 'projection'} and t[t.of=='projection'].spread.iloc[-1]<.2 and meter.plot().alt

def test_meter_is_quiet_when_all_is_well(capsys):
    meter = CollapseMeter(every=1)
    with seeded(0):
        learn = learner(SimCLR(), valid=.1)
        learn.add_cb(meter)
        fit_quietly(learn, lambda l: l.fit(2, 1e-3))
    assert meter.warning is None and 'Collapse' not in capsys.readouterr().out and not any(m._forward_hooks for m in learn.model.modules())
