"VICReg against the paper's equations in NumPy; gradient, limits, invariances."
import math

import numpy as np
import torch

from equations import A,B,HADAMARD,SAME,T,gradient_is_right,near,refused,symmetric
from ssl_course.pretext.vicreg import VICReg,covariance_term,variance_term,vicreg_loss

def np_vicreg(z1, z2, sim=25, std=25, cov=1):
    n,d = z1.shape
    s = ((z1-z2)**2).sum()/(n*d)
    v = [np.mean([max(0, 1-math.sqrt(sum((z[k,j]-z[:,j].mean())**2 for k in range(n))/(n-1)+1e-4)) for j in range(d)]) for z in (z1, z2)]
    covar = lambda z,i,j: sum((z[k,i]-z[:,i].mean())*(z[k,j]-z[:,j].mean()) for k in range(n))/(n-1)
    c = [sum(covar(z, i, j)**2 for i in range(d) for j in range(d) if i!=j)/d for z in (z1, z2)]
    return sim*s + std*np.mean(v) + cov*sum(c)

def test_value_is_that_of_the_equations():
    near(vicreg_loss(T(A), T(B)), np_vicreg(A, B)), near(vicreg_loss(T(A)/3, T(B)/4, 3, 7, 11), np_vicreg(A/3, B/4, 3, 7, 11))

def test_gradient(): gradient_is_right(vicreg_loss)

def test_limits(): near(variance_term(SAME), 1-.01), near(variance_term(2*HADAMARD), 0), near(covariance_term(HADAMARD), 0)

def test_invariances(): symmetric(vicreg_loss)

def test_changes_that_must_show():
    a = T(A)
    near(vicreg_loss(a+2, a) - vicreg_loss(a, a), 25*4, 1e-9) # centring before comparing would hide it
    assert vicreg_loss(a/10, a/10)>vicreg_loss(a, a) # too little spread
    assert covariance_term(torch.cat([a, a], 1))>covariance_term(a)

def test_a_validation_batch_of_one_is_refused(): refused(VICReg(), 'in validation one has 1', n=17, valid=1/17)
