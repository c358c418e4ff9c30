"Probes: values by another way, and what a probe can't see."
import numpy as np
import pytest
import torch

from ssl_course.data.imageset import ImageSet
from ssl_course.encoder import Encoder
from ssl_course.evaluate.pretext_matrix import probe_score
from ssl_course.evaluate.probes import embed,knn_accuracy,linear_probe,segmentation_probe
from ssl_course.utils import InputError

class Place(torch.nn.Module):
    "Features that are the mean colours of 8×8 blocks"
    def forward(self, x): return torch.nn.functional.avg_pool2d(x, 8)

def blocks(): return Encoder(Place(), n_features=3)

def test_mask_probe_sees_each_place_by_itself():
    "Masks that follow from the colour of their own block are told; those of the block beside it are not"
    on = np.random.default_rng(0).random((150, 4, 4))<.3
    x = np.repeat((on*220).repeat(8, 1).repeat(8, 2)[..., None], 3, 3).astype(np.uint8)
    big = lambda m: m.repeat(8, 1).repeat(8, 2).astype(np.uint8)
    def told(m): return segmentation_probe(blocks(), ImageSet(x[:100], big(m[:100])), ImageSet(x[100:], big(m[100:])))
    assert told(on)==1 and told(np.roll(on, 1, 2))<.5

def test_masks_that_do_not_divide_are_refused():
    s = ImageSet(np.zeros((4, 36, 36, 3), np.uint8), np.zeros((4, 36, 36), np.uint8))
    class Three(torch.nn.Module):
        def forward(self, x): return torch.nn.functional.adaptive_avg_pool2d(x, 5)
    with pytest.raises(InputError, match='multiples'): segmentation_probe(Encoder(Three(), n_features=3), s, s)

def test_regression_probe_against_least_squares():
    "Nearly without penalty, and for two targets the mean of both R²"
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (400, 16, 16, 3), np.uint8)
    e = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(x).permute(0, 3, 1, 2)/255, 1).flatten(1).numpy()
    y = np.c_[e@[1, 2, -1], rng.normal(size=400)].astype(np.float32)
    got = probe_score(blocks(), ImageSet(x[:300], y[:300]), ImageSet(x[300:], y[300:]))
    def r2(c):
        w = np.linalg.lstsq(np.c_[e[:300], np.ones(300)], y[:300, c], rcond=None)[0]
        return 1-((np.c_[e[300:], np.ones(100)]@w-y[300:, c])**2).sum()/((y[300:, c]-y[300:, c].mean())**2).sum()
    assert got==pytest.approx((r2(0)+r2(1))/2, abs=.02)

def test_a_probe_may_be_below_0():
    "Worse than the mean is worse than the mean: a search must see it"
    x = np.random.default_rng(0).integers(0, 255, (60, 16, 16, 3), np.uint8)
    y = np.random.default_rng(1).normal(size=(60, 1))
    assert probe_score(blocks(), ImageSet(x[:40], y[:40]), ImageSet(x[40:], y[40:]+5))<0

def test_embeddings_are_in_the_order_of_the_images():
    x = np.random.default_rng(2).integers(0, 255, (23, 16, 16, 3), np.uint8)
    want = x.reshape(23, -1, 3).mean(1)/255 # blocks of one size: the mean of means
    e = blocks()
    e.precision = torch.float32
    got = embed(e, ImageSet(x), bs=10)
    assert got.shape==(23, 3) and np.allclose(got, (want-.5)/.25, atol=1e-4)

def test_neighbours_vote_by_cosine_and_their_number():
    "Worked out with loops; lengths of vectors count for nothing"
    rng = np.random.default_rng(3)
    a,b,y = rng.normal(size=(30, 5)),rng.normal(size=(12, 5)),rng.integers(0, 3, 30)
    def vote(v, k): # weighted by the cosine, where it is above 0
        c = np.array([v@w/np.sqrt(v@v)/np.sqrt(w@w) for w in a])
        near = np.argsort(-c)[:k]
        return np.argmax([sum(max(c[i], 0)*(y[i]==j) for i in near) for j in range(3)])
    for k in (1, 3, 100):
        want = np.array([vote(v, min(k, 30)) for v in b])
        assert knn_accuracy(a*rng.uniform(.1, 9, (30, 1)), y, 7*b, want, k)==1

def test_a_linear_probe_ignores_scale_and_shift_of_features():
    rng = np.random.default_rng(4)
    x,y = rng.normal(size=(200, 6)),rng.integers(0, 2, 200)
    x[:,0] += 2*y
    a = linear_probe(x[:100], y[:100]).score(x[100:], y[100:])
    moved = x*[1e3, 1, 1e-3, 1, 1, 1]+5
    assert a>.75 and linear_probe(moved[:100], y[:100]).score(moved[100:], y[100:])==pytest.approx(a, abs=.03)
