"Similarity and drift: the same numbers by another way."
import copy

import numpy as np
import pytest
import torch

from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.forgetting import cka,stage_similarity,total_drift,weight_drift

def test_cka_against_gram_matrices():
    "The same number by another way: HSIC of centred Gram matrices (Kornblith et al. 2019, equations 2 and 3)"
    rng = np.random.default_rng(1)
    x,y = rng.normal(size=(60, 7)),rng.normal(size=(60, 4))+rng.normal(size=(60, 1))
    h = np.eye(60)-1/60
    hsic = lambda a,b: np.trace(a@a.T@h@b@b.T@h)
    assert cka(x, y)==pytest.approx(hsic(x, y)/np.sqrt(hsic(x, x)*hsic(y, y)), rel=1e-9)

def test_drift_counts_weights_and_not_statistics():
    with seeded(0): encoder = Encoder.small(width=8)
    other = copy.deepcopy(encoder)
    for m in other.modules():
        if isinstance(m, torch.nn.BatchNorm2d): m.running_mean.add_(.1)
    assert total_drift(other, encoder)==0 and not weight_drift(other, encoder).any()
    assert stage_similarity(other, encoder, Postcards(size=32, seed=1).images(20)).min()<1
