"Which images to label first: what each method promises, on embeddings made for it, and what it refuses."
import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from ssl_course.data.imageset import ImageSet
from ssl_course.encoder import Encoder
from ssl_course.evaluate.probes import embed
from ssl_course.evaluate.selection import nearest_pick,select
from ssl_course.utils import InputError

HOW = ['typiclust', 'kmeans', 'farthest', 'random']
SIZES = [300, 60, 9]

def noise(n): return ImageSet(np.random.default_rng(0).integers(0, 256, (n, 8, 8, 3), np.uint8))

def kinds(sizes=SIZES, spread=.01, dims=16):
    "Embeddings in tight clusters around orthogonal directions, shuffled, and the cluster of each"
    rng = np.random.default_rng(1)
    y = rng.permutation(np.repeat(range(len(sizes)), sizes))
    return 3+np.eye(dims)[y]+spread*rng.normal(size=(len(y), dims)),y

def pick(n, how, z, **kwargs): return select(noise(len(z)), n, how, embeddings=z, **kwargs)

@pytest.mark.parametrize('how', HOW)
@pytest.mark.parametrize('n', [1, 7, 200, 369])
def test_counts_and_repeats(how, n):
    "Exactly `n` different indices, whatever `n` is"
    z,_ = kinds()
    got = pick(n, how, z)
    assert got.shape==(n,) and got.dtype.kind=='i'
    assert len(set(got))==n and 0<=got.min()<=got.max()<len(z)

@pytest.mark.parametrize('how', HOW)
def test_a_seed_gives_the_same_choice(how):
    z,_ = kinds(spread=.5)
    assert (pick(20, how, z, seed=3)==pick(20, how, z, seed=3)).all()
    other = pick(20, how, z, seed=4)
    if how in ('kmeans', 'random'): assert set(other)!=set(pick(20, how, z, seed=3))
    if how=='farthest': assert (other==pick(20, how, z, seed=3)).all() # nothing is random in it

@pytest.mark.parametrize('how', ['typiclust', 'kmeans'])
@pytest.mark.parametrize('seed', range(3))
def test_one_of_each_cluster_large_ones_first(how, seed):
    z,y = kinds()
    assert y[pick(3, how, z, seed=seed)].tolist()==[0, 1, 2]

def test_random_rarely_finds_a_rare_kind():
    z,y = kinds([300, 60, 2])
    found = lambda how: np.mean([2 in y[pick(3, how, z, seed=s)] for s in range(20)])
    assert found('random')<.2 and found('farthest')==1

@pytest.mark.parametrize('how', ['farthest', 'random'])
def test_a_smaller_choice_is_a_prefix(how):
    z,_ = kinds(spread=.5)
    assert (pick(30, how, z)[:8]==pick(8, how, z)).all()

def test_random_is_a_sample():
    "The same images as `ImageSet.sample`, so tables can name either"
    s = noise(50)
    assert set(s.sample(9, seed=2).digests)=={s.digests[i] for i in select(s, 9, 'random', seed=2)}

def directions(z):
    z = z-z.mean(0)
    return z/np.linalg.norm(z, axis=1, keepdims=True)

def test_farthest_against_loops():
    "From the image nearest to the mean, always the one whose nearest pick is farthest away"
    z,_ = kinds([30, 20, 5], spread=.5)
    u = directions(z)
    d = pairwise_distances(u)
    want = [np.linalg.norm(u-u.mean(0), axis=1).argmin()]
    while len(want)<12: want.append(max(set(range(len(z)))-set(want), key=lambda i: d[i, want].min()))
    assert pick(12, 'farthest', z).tolist()==want

def test_kmeans_takes_the_image_nearest_to_the_center():
    z,y = kinds()
    u = directions(z)
    for i in pick(3, 'kmeans', z):
        own = np.flatnonzero(y==y[i])
        assert i==own[np.linalg.norm(u[own]-u[own].mean(0), axis=1).argmin()]

def test_typiclust_takes_the_image_with_the_nearest_neighbors():
    "The smallest mean distance to 20 neighbours of its own cluster; half of them where it is small"
    z,y = kinds()
    u = directions(z)
    for i in pick(3, 'typiclust', z):
        own = np.flatnonzero(y==y[i])
        k = min(20, len(own)//2)
        mean = np.sort(pairwise_distances(u[own]), 1)[:,1:k+1].mean(1)
        assert i==own[mean.argmin()]

def test_typiclust_leaves_odd_ones_out():
    "A cluster with less than five of several hundred images waits till the others have had a turn"
    z,y = kinds([200, 150, 3])
    assert 2 not in y[pick(3, 'typiclust', z)] and 2 in y[pick(3, 'kmeans', z)]

@pytest.mark.parametrize('how', HOW)
def test_copies_are_not_chosen_twice(how):
    "Six images, each ten times: a choice of six has all of them, one of eight two copies"
    s = noise(6).take(np.random.default_rng(3).permutation(np.repeat(range(6), 10)))
    z = s.x.reshape(60, -1)/255
    chosen = lambda n: [s.digests[i] for i in select(s, n, how, embeddings=z)]
    assert len(set(chosen(6)))==6 and len(set(chosen(8)))==6
    assert len(set(select(s, 60, how, embeddings=z)))==60

@pytest.mark.parametrize('how', ['typiclust', 'kmeans', 'farthest'])
def test_near_copies_are_not_chosen_twice(how):
    "As the same photograph saved again: a tenth of the usual distance to a neighbour and less"
    rng = np.random.default_rng(5)
    z = rng.normal(size=(40, 32))
    z = np.r_[z, z[:10]+.01*rng.normal(size=(10, 32))]
    for n in (10, 20, 40): assert len(set(pick(n, how, z)%40))==n

@pytest.mark.parametrize('how', HOW)
def test_equal_images_only(how):
    s = ImageSet(np.zeros((5, 8, 8, 3), np.uint8))
    assert sorted(select(s, 5, how, embeddings=np.ones((5, 4))))==[0, 1, 2, 3, 4]

def test_many_images_in_seconds():
    "Above 10,000 in small batches, all kinds are still found"
    rng = np.random.default_rng(6)
    y = np.repeat(range(20), 1000)
    z = 2*np.eye(32)[y]+.1*rng.normal(size=(20_000, 32))
    s = ImageSet(np.zeros((20_000, 1, 1, 1), np.uint8))
    for how in ('typiclust', 'kmeans', 'farthest'): assert len(set(y[select(s, 30, how, embeddings=z)]))==20, how

def test_with_an_encoder():
    "Images are embedded by it; with random numbers nothing is"
    s,e = noise(30),Encoder.small(width=4)
    assert (select(s, 5, 'kmeans', e)==select(s, 5, 'kmeans', embeddings=embed(e, s))).all()
    def fails(*_): raise AssertionError
    e.forward = fails
    assert len(select(s, 5, 'random', e))==5

def test_nearest_pick():
    z,y = kinds()
    picks = pick(3, 'kmeans', z)
    assert (y[picks][nearest_pick(z, picks)]==y).all()
    assert (nearest_pick(np.ones((4, 3)), [2, 0])[[2, 0]]==[0, 1]).all() # copies stand for themselves

@pytest.mark.parametrize('n,how,says', [
    (5, 'best', "'best'.*typiclust, kmeans, farthest, random"), (0, 'kmeans', '0 images'),
    (41, 'random', '41 images.*40'), (-1, 'random', '-1 images')])
def test_what_is_refused(n, how, says):
    with pytest.raises(InputError, match=says): select(noise(40), n, how, embeddings=np.eye(40))

def test_embeddings_that_do_not_fit():
    with pytest.raises(InputError, match='39 embeddings of 40'): select(noise(40), 3, embeddings=np.eye(39))
    with pytest.raises(InputError, match='NaN'): select(noise(3), 2, embeddings=np.full((3, 4), np.nan))
