"Order in time: triples by brute force, labels by stamped frames, and a future that begins with copying."
import pytest
import torch

from helpers import small_encoder
from ssl_course.compute import seeded
from ssl_course.data.clips import as_frames
from ssl_course.pretext.temporal import FrameOrder,FramePrediction,sample_triples

def test_three_times_by_brute_force():
    with seeded(0): which,answer = sample_triples(4_000, 6)
    for (a,b,c),y in zip(which.tolist(), answer.tolist()): assert len({a,b,c})==3 and y==(min(a, c)<b<max(a, c))
    assert .45<answer.float().mean()<.55
    assert len(which.unique(dim=0))==6*5*4
    forwards = which[answer==1]
    assert .4<(forwards[:,0]<forwards[:,2]).float().mean()<.6

def test_order_shows_frames_of_one_clip_and_says_the_truth():
    "Clips whose pixels spell out clip and frame"
    n,t = 40,5
    stamp = (torch.arange(n)[:,None]*t+torch.arange(t)).float()/(n*t)
    x = stamp[:,None,:,None,None].expand(n, 3, t, 16, 16).reshape(n, 3, t*16, 16)
    inputs,answer = FrameOrder().eval().make(x)
    code = (inputs[:,0,0,0]*n*t).round().long().view(n, 3)
    assert (code//t==torch.arange(n)[:,None]).all()
    a,b,c = (code%t).T
    assert torch.equal((torch.minimum(a, c)<b) & (b<torch.maximum(a, c)), answer==1)

def test_augmentation_keeps_a_clip_together():
    ramp = torch.linspace(0, 1, 16).expand(6, 3, 3, 16, 16).contiguous()
    task = FrameOrder()
    with seeded(0): y = task._augment(ramp)
    order = lambda f: f[...,-1].mean((2, 3))-f[...,0].mean((2, 3)) # positive: left is dark; a flip of one frame alone would show
    assert ((order(y)>0).all(1) | (order(y)<0).all(1)).all()
    assert (y[:,0]!=y[:,1]).any() # colours are each frame's own

def test_future_begins_with_copying(film):
    task,encoder = FramePrediction(ahead=2),small_encoder()
    task.setup(encoder)
    inputs,target = task.make(film)
    frames = as_frames(film)
    assert torch.equal(target, frames[:,2:4]) and torch.equal(inputs[::2], frames[:,0]) and torch.equal(inputs[1::2], frames[:,1])
    for p in task.decoder.parameters(): torch.nn.init.zeros_(p)
    pred = task(encoder, inputs)
    assert torch.equal(pred[:,0], frames[:,1]) and torch.equal(pred[:,1], frames[:,1])
    assert task.loss(pred, target).item()==pytest.approx(((frames[:,1:2]-frames[:,2:4])**2).mean().item(), rel=1e-5)
