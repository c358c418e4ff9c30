"SwAV against the paper's equations and its listing in NumPy; codes without gradient, limits, invariances."
import math

import numpy as np
import pytest
import torch

from equations import A,B,C,SAME,T,near,refused,softmax,symmetric
from ssl_course.pretext.swav import SwAV,sinkhorn,swav_loss
from ssl_course.utils import InputError

def np_sinkhorn(scores, eps, iters):
    q = np.exp(scores/eps).T # (K,N), as in the paper's listing
    q /= q.sum()
    for _ in range(iters):
        q /= q.sum(1, keepdims=True); q /= len(q)
        q /= q.sum(0, keepdims=True); q /= q.shape[1]
    return (q*q.shape[1]).T

def np_swav(s1, s2, temp, eps, iters):
    q1,q2 = np_sinkhorn(s1, eps, iters),np_sinkhorn(s2, eps, iters)
    half = lambda s,q: -np.mean([q[i]@np.log(softmax(s[i]/temp)) for i in range(len(s))])
    return (half(s1, q2) + half(s2, q1))/2

def test_value_is_that_of_the_equations():
    a,b = T(A),T(B)
    near(swav_loss([a, b], .1, .5, 3), np_swav(A, B, .1, .5, 3)), near(swav_loss([a/9, b/9]), np_swav(A/9, B/9, .1, .05, 3), 1e-7)

def test_more_views_are_averaged_over_pairs():
    "Multi-crop: two views give labels, all others must predict them"
    q = [np_sinkhorn(s, .5, 3) for s in (A, B)]
    ce = lambda q,s: -np.mean([q[i]@np.log(softmax(s[i]/.1)) for i in range(len(s))])
    near(swav_loss([T(A), T(B), T(C)], .1, .5), np.mean([ce(q[0], B), ce(q[0], C), ce(q[1], A), ce(q[1], C)]))

def test_gradient_is_that_of_fixed_codes():
    q1,q2 = (T(np_sinkhorn(z, .5, 3)) for z in (A, B))
    fixed = lambda a,b: -((q2*(a/.1).log_softmax(1)).sum(1).mean() + (q1*(b/.1).log_softmax(1)).sum(1).mean())/2
    grads = []
    for f in (fixed, lambda a,b: swav_loss([a, b], .1, .5, 3)):
        a,b = (T(z).requires_grad_() for z in (A, B))
        grads.append(torch.autograd.grad(f(a, b), (a, b)))
    for g,h in zip(*grads): torch.testing.assert_close(g, h)
    assert torch.autograd.gradcheck(fixed, (a, b))

def test_no_gradient_through_codes():
    "If codes had a gradient, the scores of a view that is only a label would get one"
    a,b = (T(z).requires_grad_() for z in (A, B))
    q = sinkhorn(a, .5, 3)
    (-(q*(b/.1).log_softmax(1)).sum(1).mean()).backward()
    assert a.grad is None and b.grad.any()

def test_limit_of_equal_scores(): near(swav_loss([SAME, SAME]), math.log(5))

def test_invariances():
    symmetric(lambda a,b: swav_loss([a, b]))
    near(sinkhorn(T(A)+3).sum(), sinkhorn(T(A)).sum())

@pytest.mark.parametrize('shape', [(6, 3), (40, 8), (8, 8)])
def test_sinkhorn_sums(shape):
    s = torch.rand(shape, dtype=torch.float64)
    q = sinkhorn(s, .1, 200)
    torch.testing.assert_close(q.sum(1), torch.ones(shape[0], dtype=torch.float64))
    torch.testing.assert_close(q.sum(0), torch.full((shape[1],), shape[0]/shape[1], dtype=torch.float64))
    np.testing.assert_allclose(sinkhorn(s, .1, 3), np_sinkhorn(s.numpy(), .1, 3), rtol=1e-9)
    assert not sinkhorn(s.requires_grad_()).requires_grad and torch.isfinite(sinkhorn(s, 1e-3)).all()

def test_more_prototypes_than_images_are_refused(): refused(SwAV(prototypes=17), '16 prototypes at most')

@pytest.mark.parametrize('bad', (dict(temp=0), dict(eps=0)))
def test_temperatures_must_be_above_0(bad):
    with pytest.raises(InputError, match='above 0'): SwAV(**bad)
