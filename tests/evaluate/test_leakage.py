"Near duplicates: copies that were changed a little are found, strangers are not."
import io

import numpy as np
import pytest
from PIL import Image

from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.leakage import near_duplicates,perceptual_hashes

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

def test_gray_images(cards):
    gray = ImageSet(cards.x[..., :1])
    assert near_duplicates(gray.take(range(5)), gray.take(range(3, 20))).here.tolist()==[3, 4]
