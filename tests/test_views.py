"What a notebook cell can't check well of `views`: resizing by a second way, and that every image has its own."
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ssl_course.compute import seeded
from ssl_course.views import Views,box_masks,crop_resize,random_boxes

@pytest.fixture(scope='module')
def x(): return torch.rand(6, 3, 24, 32, generator=torch.Generator().manual_seed(0))

@pytest.mark.parametrize('size', [8, 16, 24, 40])
def test_resizing_is_that_of_torch_with_antialiasing(x, size):
    whole = torch.tensor([[0., 0, 1, 1]]).expand(6, 4)
    want = F.interpolate(x, (size, size), mode='bilinear', antialias=True)
    torch.testing.assert_close(crop_resize(x, whole, size), want, rtol=0, atol=2e-3)
    torch.testing.assert_close(crop_resize(x, whole, size, torch.ones(6)>0), want.flip(3), rtol=0, atol=2e-3)

def test_a_view_depends_on_its_own_image_alone(x):
    "The same random numbers, another image in place 3: all other views stay as they are"
    other = x.clone()
    other[3] = 1-other[3]
    for views in (Views(size=16), Views(size=16, blur=1., gray=.5)):
        with seeded(4): a = views(x)
        with seeded(4): b = views(other)
        changed = (a!=b).flatten(1).any(1)
        assert changed.tolist()==[i==3 for i in range(6)]

def test_every_image_has_its_own_view(x):
    same = x[:1].expand(50, -1, -1, -1)
    with seeded(1): v = Views(size=16)(same)
    assert len({t.numpy().tobytes() for t in v})==50 and 0<=v.min() and v.max()<=1

def test_boxes_are_inside_and_as_large_as_asked():
    with seeded(2): l,t,w,h = random_boxes(5_000, (.2, 1.), (1, 1)).T
    assert min(l.min(), t.min())>=0 and max((l+w).max(), (t+h).max())<=1+1e-6
    area = (w*h).numpy()
    assert abs(np.quantile(area, [.25, .5, .75])-[.4, .6, .8]).max()<.03 # uniform

def test_masks_of_a_view_are_those_of_its_pixels():
    "An image that is its mask: both are cropped, mirrored and resized alike"
    with seeded(3): m = (torch.rand(40, 4, 4)>.5).long().repeat_interleave(8, 1).repeat_interleave(8, 2)
    pictures = m[:,None].expand(-1, 3, -1, -1).float()
    with seeded(3): v,got = Views(jitter=0., gray=0.).with_mask(pictures, m)
    sure = (v[:,0]-.5).abs()>.1 # not at an edge
    assert sure.float().mean()>.5 and torch.equal(got[sure], (v[:,0]>.5).long()[sure])

def test_boxes_cover_the_pixels_whose_middle_is_inside():
    with seeded(0): boxes = torch.rand(50, 4)*.6
    for (l,t,w,h),m in zip(boxes.double().tolist(), box_masks(boxes, (20, 30))[:,0]):
        want = [[l<=(j+.5)/30<l+w and t<=(i+.5)/20<t+h for j in range(30)] for i in range(20)]
        assert (m.numpy()!=np.array(want)).sum()<=2 # float32 at the very edge
