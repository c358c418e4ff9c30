"Colour spaces by their definition, with published values, and there and back."
import numpy as np
import pytest
import torch

from ssl_course.colorspace import color_bins,colorize,lab_to_rgb,rgb_to_lab,to_lightness
from ssl_course.data.postcards import Postcards

def _numpy_lab(rgb):
    "CIE Lab worked out anew: the matrix from the chromaticities of the lamps and of D65 (IEC 61966-2-1), in float64"
    xyz = lambda x,y: np.array([x/y, 1, (1-x-y)/y])
    lamps,white = np.stack([xyz(.64, .33), xyz(.30, .60), xyz(.15, .06)], 1),xyz(.3127, .3290)
    matrix = lamps*np.linalg.solve(lamps, white)
    linear = np.where(rgb<=.04045, rgb/12.92, ((rgb+.055)/1.055)**2.4)
    t = linear @ matrix.T/white
    f = np.where(t>216/24389, np.cbrt(t), (24389/27*t+16)/116)
    return np.stack([116*f[:,1]-16, 500*(f[:,0]-f[:,1]), 200*(f[:,1]-f[:,2])], 1)

def _as_picture(rgb): return torch.from_numpy(rgb).float().T.reshape(1, 3, -1, 1)

def test_lab_agrees_with_its_definition():
    v = np.linspace(0, 1, 18) # 255/17 = 15: all bytes that are multiples of 15
    rgb = np.stack(np.meshgrid(v, v, v), -1).reshape(-1, 3)
    got = rgb_to_lab(_as_picture(rgb))[0,:,:,0].T.numpy()
    assert np.abs(got-_numpy_lab(rgb)).max()<.05 # the primaries' published digits allow no more

@pytest.mark.parametrize('rgb,lab', [((1,0,0), (53.2408,80.0925,67.2032)), ((0,1,0), (87.7347,-86.1827,83.1793)),
    ((0,0,1), (32.2970,79.1875,-107.8602)), ((1,1,1), (100,0,0)), ((0,0,0), (0,0,0)), ((1,1,0), (97.1393,-21.5537,94.4780)),
    ((0,1,1), (91.1132,-48.0875,-14.1312)), ((1,0,1), (60.3242,98.2343,-60.8249))])
def test_lab_of_known_colors(rgb, lab):
    got = rgb_to_lab(torch.tensor(rgb).float().view(1, 3, 1, 1)).flatten()
    assert (got-torch.tensor(lab)).abs().max()<1e-3, got

def test_lab_and_back_is_exact_for_every_byte_it_meets():
    g = torch.Generator().manual_seed(1)
    x = torch.cat([torch.randint(0, 256, (200_000, 3), generator=g), torch.arange(256)[:,None].expand(-1, 3)])
    back = lab_to_rgb(rgb_to_lab((x/255).T.reshape(1, 3, -1, 1)))[0,:,:,0].T*255
    assert (back-x).abs().max()<.1 and (back.round()==x).all()

def test_lightness_is_gray_and_keeps_L():
    x = torch.from_numpy(Postcards(size=32, seed=3, threads=1).draw(range(120))).permute(0, 3, 1, 2)/255
    g = to_lightness(x)
    assert (g.amax(1)-g.amin(1)).max()<1e-4
    assert (rgb_to_lab(g)[:,0]-rgb_to_lab(x)[:,0]).abs().max()<1e-2
    assert (colorize(g, rgb_to_lab(x)[:,1:])-x).abs().max()<1/255

def test_bins_cover_every_color():
    bins = color_bins(20.)
    ab = rgb_to_lab(torch.rand(1, 3, 200, 200, generator=torch.Generator().manual_seed(0)))[0,1:].flatten(1).T
    assert ((ab[:,None]-bins).abs().amax(2).amin(1)<=10.01).all() # at most half a step from one, in both directions
