"What the notebook can't check well of `_drawing`: random numbers by counter, colours by a second way, textures."
import colorsys

import numpy as np
import pytest
from fastcore.test import test_eq as same

from helpers import python
from ssl_course.data._drawing import CLASSES,CounterRandom,dead_leaves,hsv,noise_sheet,painters

def test_dice_are_even():
    u = CounterRandom(3, range(20_000)).each('throw', n=3)
    assert (u>=0).all() and (u<1).all()
    for o in u.T: assert abs(np.histogram(o, 20, (0,1))[0]/1000-1).max()<.15
    assert abs(np.corrcoef(u.T)-np.eye(3)).max()<.03
    assert abs(np.corrcoef(u[1:,0], u[:-1,0])[0,1])<.03, 'neighbouring pictures'
    assert abs(np.corrcoef(u[:,0], CounterRandom(4, range(20_000)).each('throw')[:,0])[0,1])<.03, 'neighbouring seeds'

def test_colors_agree_with_the_standard_library():
    g = np.random.default_rng(0).random((50,3))
    np.testing.assert_allclose(hsv(*g.T).T, [colorsys.hsv_to_rgb(*o) for o in g], atol=1e-5)

def test_canvas_and_noise():
    c = dead_leaves(32)
    assert c.dtype==np.uint8 and abs(c[...,:7].sum(-1, dtype=int)-255).max()<=4
    fraction = (c[...,:7]>127).mean((0,1))
    assert fraction.min()>.05, 'every paint is used'
    n = noise_sheet(1.)
    assert abs(n.mean())<1e-4 and abs(n.std()-1)<1e-3
    jump = abs(n[0]-n[-1]).mean()/abs(n[1]-n[0]).mean()
    assert .7<jump<1.4, 'wraps around without a seam'

def test_every_class_has_its_thing(): same(set(painters), set(CLASSES))

@pytest.mark.parametrize('module', ['_drawing', 'decode', 'labels'])
def test_importing_is_cheap(module):
    "Drawing and decoding need NumPy and Pillow: their workers load nothing that takes seconds"
    r = python(f"import sys, ssl_course.data.{module}; print([m for m in ('torch','fastai','pandas','sklearn','matplotlib') if m in sys.modules])")
    assert r.stdout.strip()=='[]', r.stderr
