"BYOL against the paper's equations in NumPy; gradient, limits, invariances."
import numpy as np

from equations import A,B,C,D,MIX,SAME,T,cos,gradient_is_right,near,refused
from ssl_course.pretext.byol import BYOL,byol_loss
from ssl_course.views import Views

def np_byol(p1, z2, p2, z1): return np.mean([2-2*cos(a, b) for a,b in zip(p1, z2)]) + np.mean([2-2*cos(a, b) for a,b in zip(p2, z1)])

def test_value_is_that_of_the_equations(): near(byol_loss(*map(T, (A, B, C, D))), np_byol(A, B, C, D))

def test_gradient(): gradient_is_right(lambda a,b: byol_loss(a, b, b, a))

def test_limit_of_equal_vectors(): near(byol_loss(SAME, SAME, SAME, SAME), 0)

def test_invariances():
    a,b,c,d = map(T, (A, B, C, D))
    near(byol_loss(a, b, c, d), byol_loss(c, d, a, b)), near(byol_loss(a, b, c, d), byol_loss(a[MIX], b[MIX], c[MIX], d[MIX]))
    near(byol_loss(2*a, 3*b, 4*c, 5*d), byol_loss(a, b, c, d))

def test_views_of_two_sizes_are_refused(): refused(BYOL(views=(Views(size=16), Views(size=12))), 'different sizes')
