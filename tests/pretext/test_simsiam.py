"SimSiam against the paper's equation in NumPy; gradient, limits, invariances; the stop-gradient."
import numpy as np

from equations import A,B,C,D,SAME,T,cos,gradient_is_right,images,made,near
from ssl_course.pretext.simsiam import simsiam_loss

def np_simsiam(p1, z2, p2, z1): return -np.mean([cos(a, b) for a,b in zip(p1, z2)])/2 - np.mean([cos(a, b) for a,b in zip(p2, z1)])/2

def test_value_is_that_of_the_equation(): near(simsiam_loss(*map(T, (A, B, C, D))), np_simsiam(A, B, C, D))

def test_gradient(): gradient_is_right(lambda a,b: simsiam_loss(a, b, b, a))

def test_limit_of_opposite_vectors(): near(simsiam_loss(SAME, -SAME, SAME, -SAME), 1)

def test_invariances():
    a,b,c,d = map(T, (A, B, C, D))
    near(simsiam_loss(a, b, c, d), simsiam_loss(c, d, a, b)), near(simsiam_loss(2*a, 3*b, c, d), simsiam_loss(a, b, c, d))

def test_stop_gradient_of_simsiam_can_be_taken_away():
    for stop in (True, False):
        encoder,task = made('simsiam', stop_gradient=stop)
        p,z = task(encoder, task.make(images())[0])
        assert p.requires_grad and z.requires_grad!=stop
