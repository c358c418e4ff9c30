"SimCLR against the paper's equation in NumPy; gradient, limits, invariances; and that it stays what it was."
import math

import numpy as np
import pytest
import torch
from torch import nn

from equations import A,B,NEXT,SAME,T,cos,gradient_is_right,images,near,refused,symmetric
from ssl_course.compute import seeded
from ssl_course.encoder import Encoder
from ssl_course.pretext.simclr import SimCLR,nt_xent
from ssl_course.utils import InputError

def np_nt_xent(z1, z2, temp):
    z,n = np.concatenate([z1, z2]),len(z1)
    return np.mean([-np.log(np.exp(cos(z[i], z[(i+n)%(2*n)])/temp)/sum(np.exp(cos(z[i], z[k])/temp) for k in range(2*n) if k!=i)) for i in range(2*n)])

@pytest.mark.parametrize('temp', (.1, .5))
def test_value_is_that_of_the_equation(temp): near(nt_xent(T(A), T(B), temp), np_nt_xent(A, B, temp))

def test_gradient(): gradient_is_right(nt_xent)

def test_limit_of_equal_vectors(): near(nt_xent(SAME, SAME, .3), math.log(11))

def test_invariances():
    symmetric(nt_xent)
    near(nt_xent(3*T(A), 7*T(B)), nt_xent(T(A), T(B)))

def test_partners_must_agree():
    a,b = T(A),T(B)
    assert nt_xent(a, a)<nt_xent(a, b)<nt_xent(a, -a) and nt_xent(a, a[NEXT])>nt_xent(a, a)

def test_simclr_is_unchanged():
    "The projector's layout, its random numbers and the order of the views are those of the first release"
    with seeded(5): encoder = Encoder.small(width=4); task = SimCLR(temp=.2, hidden=256); task.setup(encoder); got = task.make(images())[0]
    with seeded(5):
        encoder = Encoder.small(width=4)
        net = nn.Sequential(nn.Linear(32, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 128))
        x = images(); want = torch.cat([task.views(x), task.views(x)])
    assert torch.equal(got, want) and list(net.state_dict())==list(task.projector.state_dict())
    for a,b in zip(net.parameters(), task.projector.parameters()): assert torch.equal(a, b)
    assert task.spec()=={'task': 'simclr', 'temp': .2, 'dim': 128, 'hidden': 256, 'views': repr(task.views)}

def test_a_batch_of_one_is_refused(): refused(SimCLR(), 'in training one has 1', bs=1)

@pytest.mark.parametrize('temp', (0, -1))
def test_temperature_must_be_above_0(temp):
    with pytest.raises(InputError, match='above 0'): SimCLR(temp=temp)
