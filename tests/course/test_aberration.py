"The lens, the fringes it leaves, and the views that hide them."
import pytest
import torch

from ssl_course.compute import seeded
from ssl_course.course.aberration import ShiftedChannels,chromatic_aberration,fringe_features,with_aberration
from ssl_course.data.postcards import Postcards
from ssl_course.evaluate.shortcuts import diagnose_shortcut
from ssl_course.pretext.jigsaw import RelativePosition
from ssl_course.views import Views

WORLD = Postcards(size=32, seed=5, threads=1)

@pytest.fixture(scope='module')
def x(): return torch.from_numpy(WORLD.draw(range(300))).permute(0, 3, 1, 2)/255

def test_a_lens_and_its_reverse(x):
    assert torch.equal(chromatic_aberration(x[:4])[:,1], x[:4,1])
    assert torch.allclose(chromatic_aberration(x[:4], .05)[:,0], chromatic_aberration(x[:4].flip(1), -.05).flip(1)[:,0], atol=1e-5) # red through one is blue through the other
    s = WORLD.images(20)
    assert with_aberration(s, 0.) is s and (with_aberration(s, .05).y==s.y).all() and with_aberration(s, .05).vocab==s.vocab

def test_fringes_point_where_they_were_made(x):
    gray = x.mean(1, keepdim=True)
    for place,move in enumerate(((0, 1), (1, 0), (1, 1), (1, -1))):
        red = torch.cat([gray.roll(move, (2, 3)), gray, gray], 1)
        away = torch.cat([gray.roll([-m for m in move], (2, 3)), gray, gray], 1)
        assert (fringe_features(red)[:,place]>0).float().mean()>.98 and (fringe_features(away)[:,place]<0).float().mean()>.98
        assert fringe_features(red)[:,4:8].abs().mean()<.3 # green and blue agree

def test_loose_channels_move_each_by_itself(x):
    task = ShiftedChannels(jitter=0., gray=0.)
    with seeded(0): y = task.color(x)
    moved = {}
    for c in range(3):
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                same = ((y[:,c]-x[:,c].roll((down, right), (1, 2)))[:,2:-2,2:-2].abs()<1e-4).flatten(1).all(1)
                moved[c,down,right] = same
    fraction = {k: v.float().mean().item() for k,v in moved.items()}
    assert all(.03<v<.22 for v in fraction.values())
    assert all(sum(v[i] for (c,_,_),v in moved.items() if c==0)>=1 for i in range(len(x))) # and nothing else was done to it

def test_the_hole_is_found_and_closed():
    seen = with_aberration(Postcards(size=32, seed=6).images(1200), .06)
    def fool(views): return diagnose_shortcut(RelativePosition(views=views), seen, 1200, dict(fringes=fringe_features), 15).accuracy.iloc[0]
    assert fool(Views(scale=(.6, 1.), jitter=0., gray=0.))>.4 and fool(ShiftedChannels(scale=(.6, 1.)))<.26
