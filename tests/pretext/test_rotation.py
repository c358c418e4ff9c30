"Rotation: turns by NumPy, labels that say the truth in training too, and what can't be turned."
import numpy as np
import pytest
import torch

from ssl_course.compute import seeded
from ssl_course.pretext.rotation import Rotation,rotate
from ssl_course.utils import InputError

def test_turns_are_those_of_numpy():
    x = torch.rand(9, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    k = torch.arange(9)-2 # from two clockwise on: whole turns count for nothing
    got = rotate(x, k)
    for a,n,b in zip(x, k, got): assert np.array_equal(np.rot90(a.numpy(), n, (1, 2)), b.numpy())
    assert torch.equal(rotate(got, -k), x) and got.data_ptr()!=x.data_ptr()

def test_memory_stays_channels_last():
    x = torch.rand(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    assert rotate(x, torch.tensor([0, 1, 2, 3])).is_contiguous(memory_format=torch.channels_last)

@pytest.mark.parametrize('training', [True, False])
def test_labels_say_where_up_is(training):
    "Images bright above: their brightest side is where the label says; views flip them, but not upside down"
    ramp = torch.linspace(1, 0, 16)[:,None].expand(400, 3, 16, 16).contiguous()
    task = Rotation().train(training)
    with seeded(1): x,k = task.make(ramp)
    sides = torch.stack([x[:,:,0].mean((1, 2)), x[:,:,:,0].mean((1, 2)), x[:,:,-1].mean((1, 2)), x[:,:,:,-1].mean((1, 2))], 1) # above, left, below, right: anticlockwise
    assert torch.equal(sides.argmax(1), k) and torch.bincount(k, minlength=4).min()>70
    assert [task.describe(t) for t in (0, 3)]==['0°', '270°']

def test_validation_images_are_turned_and_nothing_else():
    x = torch.rand(20, 3, 8, 8)
    with seeded(2): got,k = Rotation().eval().make(x)
    assert torch.equal(rotate(got, -k), x)

def test_what_cannot_be_turned_is_refused():
    with pytest.raises(InputError, match='8×12 pixels'): Rotation().make(torch.rand(4, 3, 8, 12))
    with pytest.raises(InputError, match='one whole number for each'): rotate(torch.rand(4, 3, 8, 8), torch.tensor([1]))
