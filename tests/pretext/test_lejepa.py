"LeJEPA against the paper's equations in NumPy and SciPy; gradient, limits, invariances, what it sees that two moments can't."
import math

import numpy as np
import torch
from scipy.integrate import quad

from equations import A,B,C,SAME,T,gradient_is_right,near,refused
from ssl_course.compute import seeded
from ssl_course.pretext.lejepa import LeJEPA,epps_pulley,lejepa_loss,sigreg
from ssl_course.pretext.vicreg import covariance_term,variance_term

def np_epps_pulley(x, end=3.):
    "The integral with complex numbers, as in the paper"
    gap = lambda t: abs(np.mean([complex(math.cos(t*v), math.sin(t*v)) for v in x])-math.exp(-t*t/2))**2*math.exp(-t*t/2)
    return len(x)*quad(gap, -end, end, epsabs=1e-10)[0]

def test_value_is_that_of_the_integral():
    for z in (A, 3*B, C-2):
        got = epps_pulley(T(z), knots=2001)
        for x,v in zip(z.T, got): near(v, np_epps_pulley(x), 1e-5)
        assert torch.allclose(epps_pulley(T(z)), got, rtol=.02) # 17 points are enough

def test_limits():
    whole = math.sqrt(2*math.pi) - 2*math.sqrt(math.pi) + math.sqrt(2*math.pi/3) # a collapse to 0
    near(epps_pulley(0*SAME, knots=500, t_max=12.)[0], 6*whole, 1e-5)
    with seeded(0): draws = torch.randn(1000, 300, dtype=torch.float64)
    near(epps_pulley(draws, 50, 8.).mean(), math.sqrt(2*math.pi)-math.sqrt(2*math.pi/3), .1) # its mean when all is well
    assert epps_pulley(.7*draws).min()>10

def test_gradient():
    def loss(a, b):
        with seeded(3): return lejepa_loss([a, b], .3, 7)
    gradient_is_right(loss)

def test_two_terms():
    near(lejepa_loss([T(A), T(B), T(C)], 0.), np.mean([((A+B)/2-v)**2 for v in (A, B, C)]))
    with seeded(1): both = lejepa_loss([T(A), T(B)], .25, 5)
    with seeded(1): near(both, .75*((A-B)**2).mean()/4 + .25*np.mean([float(sigreg(T(v), 5)) for v in (A, B)]))

def test_directions_have_length_1_and_are_new_each_time():
    with seeded(0): a,b = (float(sigreg(T(A), 50)) for _ in range(2))
    assert a!=b and abs(a-b)<.5*a
    one = T(A[:,:1]) # one dimension: each direction is 1 or −1
    near(sigreg(one, 9), np_epps_pulley(A[:,0]), .02)

def test_it_sees_what_variance_and_covariance_cannot():
    lumps = torch.tensor([[1., 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64).repeat(50, 1)*math.sqrt(199/200)
    assert variance_term(lumps)<1e-4 and covariance_term(lumps)<1e-9 and epps_pulley(lumps).min()>10

def test_weights_and_batches_are_refused():
    import pytest
    from ssl_course.utils import InputError
    with pytest.raises(InputError, match='from 0 to 1'): LeJEPA(weight=-.1)
    refused(LeJEPA(), 'in validation one has 1', n=17, valid=1/17)
