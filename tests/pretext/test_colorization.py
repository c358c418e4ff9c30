"Colour: the loss of the paper in NumPy, its weights, its limits, and grey pictures refused."
import math

import numpy as np
import pytest
import torch

from ssl_course.colorspace import colorize,rgb_to_lab,to_lightness
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.colorization import ColorRegression,Colorization
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.utils import InputError

@pytest.fixture(scope='module')
def pictures(): return torch.from_numpy(Postcards(size=32, seed=3, threads=1).images(120).x).permute(0, 3, 1, 2)/255

@pytest.fixture(autouse=True)
def _seed(): torch.manual_seed(0)

def _numpy_loss(task, scores, ab):
    "Equations 2 and 4 of Zhang et al. 2016, place by place, in float64"
    bins,seen = task.bins.double().numpy(),task.seen.double().numpy()
    p = seen/seen.sum()
    w = 1/((1-task.even)*p+task.even/len(p)); w = w/(p*w).sum()
    total,n = 0,0
    for b in range(scores.shape[0]):
        for i in range(scores.shape[2]):
            for j in range(scores.shape[3]):
                color = ab[b,:,4*i:4*i+4,4*j:4*j+4].mean((1,2)).double().numpy()
                near = np.exp(-((bins-color)**2).sum(1)/(2*(task.grid/2)**2)); z = near/near.sum()
                s = scores[b,:,i,j].double().numpy(); logp = s-np.log(np.exp(s).sum())
                total -= w[z.argmax()]*(z*logp).sum(); n += 1
    return total/n

def test_color_loss_is_that_of_the_paper(pictures):
    task = Colorization()
    task.setup(Encoder.small(width=8))
    for b in pictures.split(30): task.make(b)
    _,ab = task.make(pictures[:2])
    scores = torch.randn(2, task.n_out, 8, 8)
    assert math.isclose(task.loss(scores, ab), _numpy_loss(task, scores, ab), rel_tol=1e-4)
    p = task.seen/task.seen.sum()
    assert math.isclose((p*task.weights).sum(), 1, rel_tol=1e-5)
    rare,frequent = p.argmin(),p.argmax()
    assert task.weights[rare]>task.weights[frequent]

def test_color_counts_in_training_only_and_keeps_its_counts(pictures):
    task = Colorization()
    before = task.seen.clone()
    task.eval().make(pictures[:8])
    assert torch.equal(task.seen, before)
    task.train().make(pictures[:8])
    assert math.isclose((task.seen-before).sum(), 8*8*8, rel_tol=1e-4) # one for each of 8×8 places of 8 pictures
    assert torch.equal(task.state_dict()['seen'], task.seen)

def test_annealed_mean_has_its_limits():
    task = Colorization()
    scores = torch.randn(1, task.n_out, 2, 2)
    task.temp = 1e-3
    likeliest = task.bins[scores.argmax(1)].movedim(-1, 1)
    assert (task.decode(scores)-likeliest).abs().max()<1e-2
    task.temp = 1.
    mean = torch.einsum('bqhw,qc->bchw', scores.softmax(1), task.bins)
    assert (task.decode(scores)-mean).abs().max()<1e-4

def test_regression_loss_and_its_best_answer():
    task = ColorRegression()
    ab = torch.randn(6, 2, 8, 8)*40
    mean = torch.nn.functional.adaptive_avg_pool2d(ab, 2)
    assert task.loss(mean/100, ab)<1e-10
    off = torch.tensor([30., -40.]).view(2, 1, 1)
    assert math.isclose(task.loss((mean+off)/100, ab), .5*.5**2, rel_tol=1e-4)
    two = torch.stack([torch.full((8, 8), 50.), torch.full((8, 8), -50.)])[:,None].expand(-1, 2, -1, -1) # two truths, one picture
    t = torch.linspace(-1, 1, 21)
    cost = torch.stack([task.loss(torch.full((2, 2, 2, 2), .5*v), two) for v in t.tolist()])
    assert t[cost.argmin()].abs()<1e-6 # the mean, which is grey

def test_regression_asks_for_the_colors_of_what_it_shows(pictures):
    task = ColorRegression()
    inputs,ab = task.make(pictures[:16])
    gray = rgb_to_lab(inputs)[:,1:].abs().max()
    assert gray<.05 and inputs.shape==(16, 3, 32, 32) and ab.shape==(16, 2, 32, 32)
    inputs,ab = task.eval().make(pictures[:16])
    assert (colorize(inputs, ab)-pictures[:16]).abs().max()<1/255

@pytest.mark.parametrize('make', [Colorization, ColorRegression])
def test_gray_pictures_are_refused_before_any_training(pictures, make):
    g = (to_lightness(pictures).permute(0, 2, 3, 1)*255).round().byte().numpy()
    for gray in (g, g[...,:1]):
        learn = pretext_learner(ImageSet(gray).dls(.2, bs=16, device='cpu'), Encoder.small(channels=gray.shape[-1], width=8), make())
        before = {k: v.clone() for k,v in learn.model.state_dict().items()}
        with pytest.raises(InputError, match="can't be learned from grey") as e: fit_quietly(learn, lambda l: l.fit(1, 1e-2))
        assert str(e.value).split('\n\t')[-1].count('\n')==0 # fastai puts a line before it that names the callback
        assert all(torch.equal(v, before[k]) for k,v in learn.model.state_dict().items())
