"Autoencoder, denoising and inpainting: losses by loops, and what costs nothing."
import pytest
import torch

from ssl_course.compute import seeded
from ssl_course.pretext.reconstruction import Autoencoder,Denoising,Inpainting,MaskingNoise
from ssl_course.utils import InputError

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

@pytest.mark.parametrize('hidden,grain', [(.5, 4), (.25, 1), (.75, 5)])
def test_masking_noise_hides_squares_and_nothing_else(x, hidden, grain):
    "Whole squares of gray, about as many as asked for; the target is the whole image, and every pixel counts in the loss"
    many = x.repeat(8, 1, 1, 1)
    task = MaskingNoise(hidden, grain)
    with seeded(1): inputs,target = task.eval().make(many)
    gone = (inputs!=many).any(1)
    assert torch.equal(target, many) and gone.float().mean().item()==pytest.approx(hidden, abs=.05)
    assert (inputs.movedim(1, -1)[gone]==.5).all() and torch.equal(inputs.movedim(1, -1)[~gone], many.movedim(1, -1)[~gone])
    for i in range(0, 32-grain+1, grain):
        for j in range(0, 32-grain+1, grain):
            square = gone[:,i:i+grain,j:j+grain].flatten(1).float().mean(1)
            assert ((square==0)|(square==1)).all()
    assert task.loss(many+.2, target).item()==pytest.approx(.04, rel=1e-4)

@pytest.mark.parametrize('wrong', [dict(hidden=1.5), dict(hidden=-.1), dict(grain=0)])
def test_masking_noise_refuses_what_makes_no_sense(wrong):
    with pytest.raises(InputError, match='hidden is a fraction'): MaskingNoise(**wrong)
