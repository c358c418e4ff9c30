"Near duplicates: copies that were changed a little are found, strangers are not."
import io,tarfile

import numpy as np
import pytest
from PIL import Image

from helpers import ROOT
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.leakage import group_split,near_duplicates,perceptual_hashes,stretches
from ssl_course.utils import InputError

@pytest.fixture(scope='session')
def cards(): return Postcards(64, seed=3).images(260)

def jpeg(im):
    b = io.BytesIO()
    im.save(b, 'jpeg', quality=30)
    return Image.open(b)

CHANGED = dict(compressed=jpeg, smaller=lambda im: im.resize((32, 32)), larger=lambda im: im.resize((90, 90)),
               brighter=lambda im: im.point(lambda v: min(255, round(1.1*v))))

def changed(cards, change): return np.stack([np.asarray(change(Image.fromarray(a)).resize((64, 64))) for a in cards.x])

@pytest.mark.parametrize('how', CHANGED)
def test_changed_copies_are_found(how, cards):
    "Each at its place, behind two hundred strangers"
    held,strangers = cards.take(range(20)),cards.take(range(60, 260))
    other = ImageSet(np.concatenate([strangers.x, changed(held, CHANGED[how])]))
    assert held.find_leakage(other)==[]
    t = near_duplicates(held, other)
    assert t.here.tolist()==[*range(20)] and t.there.tolist()==[*range(200, 220)] and t.bits.max()<=4 and t.cosine.isna().all()

def test_strangers_are_not(cards):
    t = near_duplicates(cards.take(range(60)), cards.take(range(60, 260)))
    assert t.empty and list(t)==['here', 'there', 'bits', 'cosine']

def test_mirrored_and_cut_copies_are_found_by_an_encoder(cards):
    "A hash alone misses them"
    held = cards.take(range(20))
    mirrored = changed(held, lambda im: im.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    other = ImageSet(np.concatenate([cards.x[60:160], mirrored]))
    assert len(near_duplicates(held, other))<3
    t = near_duplicates(held, other, Encoder.general())
    found = t[t.there>=100]
    assert len(found)>=15 and (found.there-100==found.here).mean()>.9 and (found.cosine>=.82).all()

def test_distances_are_those_of_the_hashes(cards):
    "Also in sets that are compared piece by piece"
    a,b = cards.take(range(30)),cards.take(range(30, 260))
    t,(p,q) = near_duplicates(a, b, bits=64),map(perceptual_hashes, (a, b))
    d = (p[:, None]!=q).sum(-1)
    assert p.shape==(30, 64) and t.bits.tolist()==d.min(1).tolist() and (d[t.here, t.there]==d.min(1)).all()

CLOTHES = ROOT.parent/'shared'/'data'/'clothing10_96.tgz'

@pytest.fixture(scope='session')
def photographs(tmp_path_factory):
    "150 to test on and 600 to train on: clothes where they are, postcards elsewhere"
    if not CLOTHES.is_file():
        s = Postcards(96, seed=4).images(750)
        return s.take(range(150)),s.take(range(150, 750))
    folder = tmp_path_factory.mktemp('clothes')
    with tarfile.open(CLOTHES) as f: f.extractall(folder, filter='data')
    read = lambda part: ImageSet.from_folder(folder/'clothing10_96'/part, 96, progress=False)
    return read('test').sample(150),read('train').sample(600)

def test_the_thresholds_tell_photographs_apart(photographs):
    "The notebook's table, on fewer images: hardly a stranger within them, nearly all changed copies, a part of those that were cut"
    test,train = photographs
    assert len(near_duplicates(test, train, Encoder.general()))<=3
    few = train.take(range(60))
    def found(change, encoder=None):
        x = np.stack([np.asarray(change(Image.fromarray(a)).resize((96, 96))) for a in few.x])
        t = near_duplicates(ImageSet(x), train, encoder)
        return (t.there==t.here).sum()/60
    cut = lambda share: lambda im: im.crop([round(v*96) for v in (share/2, share/2, 1-share/2, 1-share/2)])
    assert found(jpeg)>=.95 and found(lambda im: im.resize((48, 48)))>=.95 and found(lambda im: im.point(lambda v: min(255, round(1.2*v))))>=.95
    near,far = (found(cut(s), Encoder.general()) for s in (.05, .1))
    assert near>=.7 and near>far and found(cut(.05))<near

def test_gray_images(cards):
    gray = ImageSet(cards.x[..., :1])
    assert near_duplicates(gray.take(range(5)), gray.take(range(3, 20))).here.tolist()==[3, 4]

# --- what was photographed together ---

def sources(sizes, noise, seed=0):
    "Embeddings of images from sources of these sizes, one after the other"
    rng = np.random.default_rng(seed)
    return rng.standard_normal((len(sizes), 16)).repeat(sizes, axis=0)+noise*rng.standard_normal((sum(sizes), 16))

@pytest.mark.parametrize('seed', range(3))
def test_stretches_are_the_sources(seed):
    sizes = [12, 30, 8, 25]
    assert np.bincount(stretches(sources(sizes, .3, seed), 4)).tolist()==sizes

@pytest.mark.parametrize('n', [2, 3])
def test_fewer_stretches_cut_no_source(n):
    ends = set(np.flatnonzero(np.diff(stretches(sources([12, 30, 8, 25], .3), n))))
    assert len(ends)==n-1 and ends<={11, 41, 49}

def test_the_same_look_later_is_another_stretch():
    a,b = sources([10], .1),sources([10], .1, seed=1)
    assert np.bincount(stretches(np.concatenate([a, b, a]), 3)).tolist()==[10]*3

@pytest.mark.parametrize('seed', range(4))
def test_groups_stay_together(seed):
    rng = np.random.default_rng(seed)
    group,y = rng.integers(0, 25, 300),rng.integers(0, 2, 300)
    images = ImageSet(np.zeros((300, 8, 8, 3), np.uint8), y)
    parts = group_split(images, group, seed=seed)
    assert sorted(np.concatenate(parts))==[*range(300)]
    assert all(not set(group[a]) & set(group[b]) for i,a in enumerate(parts) for b in parts[:i])
    assert all(.1<len(p)/300<.3 and .3<y[p].mean()<.7 for p in parts[1:])

def test_too_few_groups():
    images = ImageSet(np.zeros((9, 8, 8, 3), np.uint8), np.arange(9)%2)
    with pytest.raises(InputError, match='2 groups'): group_split(images, np.arange(9)//5)

def test_too_few_folds():
    images = ImageSet(np.zeros((9, 8, 8, 3), np.uint8), np.arange(9)%2)
    with pytest.raises(InputError, match='at least 3 folds'): group_split(images, np.arange(9), folds=2)
