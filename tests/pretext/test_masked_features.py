"Masked features against NumPy: target, loss, the slow copy's update; no gradient into it; the collapse meter sees it."
import math

import numpy as np
import pytest
import torch

from equations import images
from ssl_course.collapse import CollapseMeter
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.masked_features import MaskedFeatures
from ssl_course.pretrain import pretext_learner,trace_encoder_passes
from ssl_course.utils import InputError

def ready(**kwargs):
    with seeded(0):
        encoder,task = Encoder.vit_tiny(16, width=32, depth=3, heads=2),MaskedFeatures(width=32, **kwargs)
        task.setup(encoder)
    encoder.precision = task.target[0].precision = torch.float32
    return encoder,task.eval()

@pytest.mark.parametrize('blocks', [1, 2, 3])
def test_target_and_loss_are_those_of_the_papers(blocks):
    "Mean of what the copy's last blocks give, each patch standardised; smooth L1 with β=1"
    encoder,task = ready(blocks=blocks)
    for p in task.target.parameters(): p.data.mul_(1.3) # other than the student
    inputs,_ = task.make(images())
    given,net = [],task.target[0].body.model
    hooks = [b.register_forward_hook(lambda m,i,o: given.append(o.detach().numpy().astype(float))) for b in net.blocks]
    with torch.no_grad(): pred,features = task(encoder, inputs)
    for h in hooks: h.remove()
    assert len(given)==3
    plain = [(z-z.mean(-1, keepdims=True))/np.sqrt(z.var(-1, keepdims=True)+1e-5) for z in given[-blocks:]]
    want = np.stack([np.mean(plain, 0)[b,inputs[2][b].numpy()] for b in range(16)])
    assert np.allclose(features.numpy(), want, atol=1e-4)
    d = np.abs(pred.numpy()-want)
    assert task.loss((pred, features), None).item()==pytest.approx(np.where(d<1, d*d/2, d-.5).mean(), rel=1e-4)

@pytest.mark.parametrize('momentum,progress', [(.9, 0.), (.9, .5), (.99, 1.), (0., 0.)])
def test_the_copy_follows(momentum, progress):
    encoder,task = ready(momentum=momentum)
    before = [p.detach().numpy().copy() for p in task.target.parameters()]
    with torch.no_grad(): [p.add_(torch.randn_like(p)) for p in encoder.parameters()]
    task.progress = progress
    task.after_step(encoder)
    m = 1-(1-momentum)*(math.cos(math.pi*progress)+1)/2
    for a,p,s in zip(before, task.target.parameters(), encoder.parameters(), strict=True): assert np.allclose(p.numpy(), m*a+(1-m)*s.detach().numpy(), atol=1e-6)

def test_the_copy_sees_everything_and_is_never_trained():
    encoder,task = ready()
    learn = pretext_learner(Postcards(16, seed=2).images(32).dls(bs=16), encoder, task)
    assert sorted(trace_encoder_passes(learn, images()))==[((16, 3, 4, 16), True), ((16, 3, 16, 16), False)]
    assert not any(p.requires_grad for p in task.target.parameters()) and set(map(id, task.target.parameters())).isdisjoint(map(id, learn.model.encoder.parameters()))
    assert sum(p.numel() for p in task.target.parameters())==sum(p.numel() for p in encoder.parameters())

def test_the_meter_watches_embedding_and_copy():
    meter = CollapseMeter(every=1)
    with seeded(0):
        learn = pretext_learner(Postcards(16, seed=2).images(64).dls(bs=16), Encoder.vit_tiny(16, width=32, depth=1, heads=2), MaskedFeatures(width=32), cbs=meter)
        with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-3)
    assert set(meter.table.of)=={'embedding', 'target'} and meter.table[['spread', 'rank']].notna().to_numpy().all() and meter.table.alignment.isna().all()

def test_causes_of_collapse():
    assert MaskedFeatures(momentum=0).collapse_causes()==['the slow copy is no slower than the network'] and MaskedFeatures().collapse_causes()==[]

@pytest.mark.parametrize('bad', [dict(momentum=-.1), dict(momentum=1.1), dict(blocks=0)])
def test_arguments_that_make_no_sense(bad):
    with pytest.raises(InputError): MaskedFeatures(**bad)

def test_more_blocks_than_there_are():
    with pytest.raises(InputError, match='blocks is 4, and the encoder has 3'): MaskedFeatures(blocks=4).check_encoder(Encoder.vit_tiny(depth=3))
