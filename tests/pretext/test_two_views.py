"What joint-embedding methods share: what learns, and target networks that follow."
import pytest
import torch
from torch import nn

from equations import SMALL,images,made,near
from ssl_course.pretext.two_views import cosine_momentum,ema_update,target_network

def test_ema_is_its_closed_form():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    target = target_network(net)
    begin = {k: v.clone() for k,v in target[0].state_dict().items()}
    with torch.no_grad():
        for p in net.parameters(): p.add_(torch.randn_like(p))
        net[1].running_mean.fill_(5.)
    k,m = 7,.9
    for _ in range(k): ema_update(target, [net], m)
    learned = dict(net.named_parameters())
    for n,v in target[0].state_dict().items(): # what is not learned, the running statistics, stays the target's own
        want = m**k*begin[n] + (1-m**k)*learned[n] if n in learned else begin[n]
        torch.testing.assert_close(v, want, rtol=1e-5, atol=1e-6)
    near(cosine_momentum(.996, 0), .996), near(cosine_momentum(.996, 1), 1), near(cosine_momentum(.99, 1/3), 1-.01*.75)

@pytest.mark.parametrize('name', SMALL)
def test_only_what_should_learn_gets_a_gradient(name):
    "Target networks, queue and centre get none; everything else of encoder and task does"
    encoder,task = made(name)
    task.progress = .5 # at first SwAV and DINO let their prototypes rest
    inputs,target = task.make(images())
    task.loss(task(encoder, inputs), target).backward()
    learns = [n for n,p in task.named_parameters() if not n.startswith('target.')]
    assert learns and all(dict(task.named_parameters())[n].grad is not None for n in learns)
    assert all(p.grad is None and not p.requires_grad for n,p in task.named_parameters() if n.startswith('target.'))
    assert any(p.grad is not None and p.grad.abs().sum()>0 for p in encoder.parameters())
    assert hasattr(task, 'target')==(task.encoder_passes[1]>0)

@pytest.mark.parametrize('name', ['swav', 'dino'])
def test_prototypes_rest_at_first(name):
    "Caron et al. (2020, 2021) freeze them for the first epoch"
    for progress,rests in ((0., True), (.14 if name=='dino' else .04, True), (.2, False)):
        encoder,task = made(name)
        task.progress = progress
        inputs,target = task.make(images())
        task.loss(task(encoder, inputs), target).backward()
        p = next(p for n,p in task.named_parameters() if n.startswith('prototype'))
        assert (p.grad is None)==rests

def test_target_networks_follow():
    for name in ('moco', 'byol', 'dino'):
        encoder,task = made(name, momentum=.9)
        begin = task.target[0].body[0][0].weight.clone()
        with torch.no_grad(): encoder.body[0][0].weight.add_(1.)
        task.after_step(encoder)
        torch.testing.assert_close(task.target[0].body[0][0].weight, begin+.1, rtol=0, atol=1e-5)
    task.progress = 1. # at the end of the schedule it stands still
    begin = task.target[0].body[0][0].weight.clone()
    task.after_step(encoder)
    assert torch.equal(task.target[0].body[0][0].weight, begin)
