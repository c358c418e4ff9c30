"Artifacts: damage stays in its box, labels say what was done, the painter learns."
import pytest
import torch

from helpers import small_encoder
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.pretext.artifacts import Artifacts,RepairNetwork,blur_patch,noise_patch,swap_patch
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.views import random_masks

def learner():
    dls = Postcards(16, 1, threads=1).images(40, target=None).dls(.2, bs=16)
    return pretext_learner(dls, small_encoder(), Artifacts())

def test_swapping_moves_pixels_and_twice_is_none(x):
    with seeded(1): m = random_masks(x, (.08, .2))
    y = swap_patch(x, m)
    assert torch.equal(swap_patch(y, m), x)
    assert torch.equal(y.flatten(2).sort().values, x.flatten(2).sort().values)
    i,j = m[0,0].nonzero()[0].tolist()
    assert torch.equal(y[0,:,i,j], x[0,:,(i+16)%32,(j+16)%32])

@pytest.mark.parametrize('f', [blur_patch, noise_patch], ids=lambda f: f.__name__)
def test_damage_stays_in_its_box(f, x):
    m = random_masks(x, (.08, .2))
    y = f(x, m)
    assert torch.equal(y[~m.expand_as(x)], x[~m.expand_as(x)]) and (y!=x).flatten(1).any(1).all() and 0<=y.min() and y.max()<=1

def test_labels_of_damage_say_what_was_done(x):
    task = Artifacts().eval()
    task.setup(small_encoder())
    torch.nn.init.normal_(task.painter.net[-1].weight)
    with seeded(2), torch.no_grad(): inputs,kind = task.make(x.repeat(10, 1, 1, 1))
    many = x.repeat(10, 1, 1, 1)
    assert torch.equal((inputs!=many).flatten(1).any(1), kind>0)
    fraction = torch.bincount(kind, minlength=5)/len(kind)
    assert fraction.min()>.1 and fraction.max()<.3
    same_pixels = (inputs.flatten(2).sort().values==many.flatten(2).sort().values).flatten(1).all(1)
    assert same_pixels[kind==1].all() and not same_pixels[kind>1].any() # only swapping keeps all pixels

def test_the_painter_learns_and_is_kept(x, tmp_path):
    with seeded(0):
        painter,m = RepairNetwork(),random_masks(x, (.1, .2))
        errors = [painter.learn(x, m) for _ in range(60)]
    assert errors[-1]<.95*errors[0]
    learn = learner()
    before = {k: v.clone() for k,v in learn.model.state_dict().items() if 'painter' in k}
    fit_quietly(learn, lambda l: l.fit(1, 1e-3))
    after = learn.model.state_dict()
    assert before and all(not torch.equal(before[k], after[k]) for k in before)
    learn.path = tmp_path
    learn.save('all')
    other = learner()
    other.path = tmp_path
    other.load('all')
    assert all(torch.equal(after[k].cpu(), v.cpu()) for k,v in other.model.state_dict().items())
