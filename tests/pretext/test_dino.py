"DINO against the paper's equations in NumPy; the teacher without gradient, the center, limits, invariances."
import math

import numpy as np
import pytest
import torch

from equations import A,B,C,D,SAME,T,gradient_is_right,images,made,near,softmax,symmetric
from ssl_course.pretext.dino import DINO,dino_loss
from ssl_course.utils import InputError

def np_dino(s, t, center, temp, teacher_temp):
    half = lambda a,b: -np.mean([softmax((b[i]-center)/teacher_temp)@np.log(softmax(a[i]/temp)) for i in range(len(a))])
    return (half(s[1], t[0]) + half(s[0], t[1]))/2

def test_value_is_that_of_the_equations():
    a,b,c,d = map(T, (A, B, C, D))
    near(dino_loss([a, b], [c, d], c[0]/2, .1, .04), np_dino([A, B], [C, D], C[0]/2, .1, .04), 1e-8)

def test_gradient(): gradient_is_right(lambda a,b: dino_loss([a, b], [T(C), T(D)], T(C[0])))

def test_no_gradient_through_the_teacher():
    t = [T(z).requires_grad_() for z in (C, D)]
    s = [T(z).requires_grad_() for z in (A, B)]
    dino_loss(s, t, T(C[0])).backward()
    assert all(o.grad is None or not o.grad.any() for o in t) and all(o.grad.any() for o in s)

def test_limit_of_equal_scores(): near(dino_loss([SAME, SAME], [SAME, SAME], SAME[0]), math.log(5))

def test_invariances():
    a,b,c,d = map(T, (A, B, C, D))
    symmetric(lambda a,b: dino_loss([a, b], [a, b], c[0]))
    near(dino_loss([a, b], [c+4, d+4], c[0]+4), dino_loss([a, b], [c, d], c[0]), 1e-8)

def test_center_is_a_running_mean():
    encoder,task = made('dino', center_momentum=.5)
    for _ in range(3):
        was = task.center.clone()
        _,t,center = task(encoder, task.make(images())[0])
        assert torch.equal(center, was)
        torch.testing.assert_close(task.center, .5*was+.5*torch.cat(t).mean(0))
    task.eval(); was = task.center.clone(); task(encoder, task.make(images())[0])
    assert torch.equal(task.center, was)

@pytest.mark.parametrize('bad', (dict(temp=0), dict(teacher_temp=-.1)))
def test_temperatures_must_be_above_0(bad):
    with pytest.raises(InputError, match='above 0'): DINO(**bad)
