"Autoencoder, denoising and inpainting: losses by loops, and what costs nothing."
import pytest
import torch

from ssl_course.compute import seeded
from ssl_course.pretext.reconstruction import Autoencoder,Denoising,Inpainting

def test_hole_loss_is_that_of_loops(x):
    task = Inpainting(holes=2).eval()
    with seeded(3): inputs,target = task.make(x[:4])
    pred,total,count = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)),0.,0
    for b in range(4):
        for i in range(32):
            for j in range(32):
                if target[b,3,i,j]==0: continue
                count += 3
                total += sum((float(pred[b,c,i,j])-float(x[b,c,i,j]))**2 for c in range(3))
    assert task.loss(pred, target).item()==pytest.approx(total/count, rel=1e-4)
    assert not torch.isnan(task.loss(pred, target))

def test_what_is_around_a_hole_costs_and_teaches_nothing(x):
    task = Inpainting().eval()
    inputs,target = task.make(x[:4])
    pred = torch.rand(4, 3, 32, 32, requires_grad=True)
    task.loss(pred, target).backward()
    hole = (target[:,3:]>0).expand_as(pred)
    assert (pred.grad[~hole]==0).all() and (pred.grad[hole]!=0).any()

def test_autoencoder_and_denoiser_want_the_same_answer(x):
    for task,noise in ((Autoencoder(), 0), (Denoising(noise=.3), .3)):
        inputs,target = task.eval().make(x)
        assert torch.equal(target, x) and (inputs-x).std().item()==pytest.approx(noise, abs=.01)
        assert task.loss(x+.2, target).item()==pytest.approx(.04, rel=1e-4)
