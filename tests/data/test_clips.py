"What a notebook cell can't check well of `clips`: a clip depends on its number alone, what moves moves, strips are frames."
import numpy as np
import pytest
import torch

from ssl_course.data.clips import Clips,as_frames,pick_frames
from ssl_course.data.postcards import Postcards
from ssl_course.utils import InputError

@pytest.fixture(scope='module')
def x(): return torch.from_numpy(Postcards(32, 1, threads=1).draw(range(24))).permute(0, 3, 1, 2)/255

@pytest.fixture(scope='module')
def strips(): return Clips(16, 1).images(30)

@pytest.fixture(scope='module')
def film(strips): return torch.from_numpy(strips.x).permute(0, 3, 1, 2)/255

# --- clips ---

def test_a_clip_depends_on_its_number_alone():
    c = Clips(16, 3)
    all_of_them = c.draw(range(20))
    assert all_of_them.shape==(20,5,16,16,3) and all_of_them.dtype==np.uint8
    assert np.array_equal(c.draw([17, 4]), all_of_them[[17, 4]])
    assert not np.array_equal(Clips(16, 4).draw([4]), all_of_them[[4]])

def test_the_thing_stays_in_view_and_moves():
    f = Clips(32, 1).factors(range(500))
    for k in ('x', 'y'): assert (f[k]>0).all() and (f[k]<1).all()
    far = np.hypot(f['x'][:,-1]-f['x'][:,0], f['y'][:,-1]-f['y'][:,0])
    assert np.median(far)>.3
    assert (f['object']==f['object'][:,:1]).all() and (f['hue']==f['hue'][:,:1]).all()
    assert (f['object'][:,0]==Postcards(32, 1).factors(range(500))['object']).all() # the same things as those of the postcards

def test_what_does_not_move_does_not_change():
    still = dict(path=0, drift=0, shake=0, light=0, flicker=0)
    x = Clips(16, 1, **still).draw(range(6))
    assert (x==x[:,:1]).all()
    for k,v in dict(path=.3, drift=.1, shake=.1, light=1., flicker=.2).items():
        y = Clips(16, 1, **{**still, k: v}).draw(range(6))
        assert (y!=y[:,:1]).any(), k

def test_strips_are_frames_one_below_the_other(strips, film):
    x = Clips(16, 1).draw(range(30))
    assert strips.x.shape==(30,80,16,3) and strips.kind=='unlabeled'
    assert np.array_equal((as_frames(film)*255).round().byte().permute(0, 1, 3, 4, 2).numpy(), x)
    a,b = strips.split(.3)
    assert len(a)+len(b)==30 and not set(a.digests) & set(b.digests)

@pytest.mark.parametrize('kw,said', [(dict(frames=1), 'fewer than 2'), (dict(size=12), '16 to 91'), (dict(size=100), '16 to 91'),
                                     (dict(drift=.2, shake=.1), 'together'), (dict(path=-1), 'below 0')])
def test_impossible_clips(kw, said):
    with pytest.raises(InputError, match=said): Clips(**kw)

def test_picking_frames():
    f = torch.arange(12).view(3, 4)
    assert pick_frames(f, torch.tensor([[3, 0], [1, 1], [2, 3]])).tolist()==[[3, 0], [5, 5], [10, 11]]
