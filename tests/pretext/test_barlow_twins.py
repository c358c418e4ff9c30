"Barlow Twins against the paper's equations in NumPy; gradient, limits, invariances."
import numpy as np
import pytest
import torch

from equations import A,B,HADAMARD,NEXT,SAME,T,gradient_is_right,near,symmetric
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.barlow_twins import BarlowTwins,barlow_twins_loss,cross_correlation
from ssl_course.pretrain import pretext_learner
from ssl_course.utils import InputError

def np_barlow(z1, z2, lambd):
    n,d = z1.shape
    a,b = ((z-z.mean(0))/np.sqrt(((z-z.mean(0))**2).mean(0)+1e-5) for z in (z1, z2))
    c = np.array([[sum(a[k,i]*b[k,j] for k in range(n))/n for j in range(d)] for i in range(d)])
    return sum((1-c[i,i])**2 for i in range(d)) + lambd*sum(c[i,j]**2 for i in range(d) for j in range(d) if i!=j)

@pytest.mark.parametrize('lambd', (.0051, .5))
def test_value_is_that_of_the_equations(lambd): near(barlow_twins_loss(T(A), T(B), lambd), np_barlow(A, B, lambd))

def test_cross_correlation_is_that_of_numpy():
    near((cross_correlation(T(A), T(B)) - T(np.corrcoef(A.T, B.T)[:5,5:])).abs().max(), 0, 1e-4)

def test_gradient(): gradient_is_right(barlow_twins_loss)

def test_limits(): near(barlow_twins_loss(HADAMARD, HADAMARD), 0, 1e-8), near(barlow_twins_loss(SAME, SAME), 5)

def test_invariances():
    symmetric(barlow_twins_loss)
    near(barlow_twins_loss(5*T(A)+2, T(B)-3), barlow_twins_loss(T(A), T(B)), 1e-4)

def test_partners_must_agree_and_dimensions_must_not():
    a = T(A)
    assert barlow_twins_loss(a, a[NEXT])>barlow_twins_loss(a, a)
    twice = torch.cat([a, a], 1)
    assert barlow_twins_loss(twice, twice)>2*barlow_twins_loss(a, a)

def test_a_last_batch_of_one_is_refused():
    dls = Postcards(size=16, seed=2).images(40).unlabeled().dls(bs=16, valid=7/40)
    dls.train.drop_last = False # 33 images: batches of 16, 16 and 1
    learn = pretext_learner(dls, Encoder.small(width=4), BarlowTwins())
    with learn.no_bar(), learn.no_logging(), pytest.raises(InputError, match='in training one has 1'): learn.fit(1)
