"The masked autoencoder against loops in NumPy: its loss, its targets, and what it costs."
import numpy as np
import pytest
import torch

from equations import images
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.masked_autoencoder import MaskedAutoencoder,standardized
from ssl_course.pretrain import pretext_learner,trace_encoder_passes
from ssl_course.utils import InputError

def ready(**kwargs):
    encoder,task = Encoder.vit_tiny(16, width=32, depth=1, heads=2),MaskedAutoencoder(width=32, **kwargs)
    task.setup(encoder)
    return encoder,task.eval()

@pytest.mark.parametrize('norm', [False, True])
def test_loss_of_the_hidden_patches_is_that_of_loops(norm):
    "Patch by patch; normalised ones by their own mean and their spread with D−1 (He et al. 2021, and their code)"
    encoder,task = ready(norm_targets=norm)
    with seeded(3): (x,visible,hidden),target = task.make(images())
    with torch.no_grad(): pred = task(encoder, (x, visible, hidden))
    total = []
    for b in range(len(x)):
        for k,n in enumerate(hidden[b].tolist()):
            i,j = 4*(n//4),4*(n%4)
            patch = x[b,:,i:i+4,j:j+4].numpy().astype(float).ravel()
            if norm: patch = (patch-patch.mean())/np.sqrt(patch.var(ddof=1)+1e-6)
            total.append((pred[b,k].numpy()-patch)**2)
    assert len(total)==16*12 and task.loss(pred, target).item()==pytest.approx(np.mean(total), rel=1e-4)

def test_standardised_patches():
    p = standardized(torch.rand(2, 3, 48))
    assert torch.allclose(p.mean(-1), torch.zeros(2, 3), atol=1e-5) and torch.allclose(p.std(-1), torch.ones(2, 3), atol=1e-3)
    assert not standardized(torch.full((1, 48), .3)).any() # one color: nothing to draw

@pytest.mark.parametrize('norm', [False, True])
def test_filling_leaves_what_is_seen(norm):
    encoder,task = ready(norm_targets=norm)
    x = images()
    with seeded(1): gray,drawn = task.fill(encoder, x)
    with seeded(1): (_,visible,hidden),target = task.make(x)
    seen = task.gray(torch.ones_like(x), hidden)==1
    assert torch.equal(drawn[seen], x[seen]) and (gray[~seen]==.5).all() and not torch.equal(drawn, gray)
    if norm: # a perfect drawing gives the image back
        task.forward = lambda *_: target
        with seeded(1): assert torch.allclose(task.fill(encoder, x)[1], x, atol=1e-3)

def test_only_the_visible_patches_are_encoded():
    encoder,task = ready()
    learn = pretext_learner(Postcards(16, seed=2).images(32).dls(bs=16), encoder, task)
    assert trace_encoder_passes(learn, images())==[((16, 3, 4, 16), True)]

def test_it_learns_to_draw():
    "A few seconds take most of the error away"
    with seeded(0):
        dls = Postcards(16, seed=2, threads=1).images(128).unlabeled().dls(valid=.5, bs=64)
        learn = pretext_learner(dls, Encoder.vit_tiny(16, width=32, depth=1, heads=2), MaskedAutoencoder(.5, width=32))
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(30, 5e-3)
    assert np.mean(learn.recorder.losses[-5:])<.3*learn.recorder.losses[0]

def test_other_encoders_are_refused_when_the_learner_is_made():
    dls = Postcards(16, seed=2).images(32).dls(bs=16)
    for encoder in (Encoder.small(width=4), Encoder.from_timm('test_resnet')):
        with pytest.raises(InputError, match='MaskedAutoencoder hides patches .* Encoder.vit_tiny') as e: pretext_learner(dls, encoder, MaskedAutoencoder())
        assert str(e.value).count('. ')==0
