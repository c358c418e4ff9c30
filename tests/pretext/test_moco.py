"MoCo against InfoNCE in NumPy; the queue, the shuffled keys, the momentum encoder."
import numpy as np
import pytest
import torch
from torch import nn

from equations import A,B,C,QUEUE,T,gradient_is_right,images,made,near,refused
from ssl_course.pretext.moco import MoCo,moco_scores
from ssl_course.utils import InputError

def np_moco(q, k, queue, temp):
    return np.mean([-np.log(np.exp(a@b/temp)/(np.exp(a@b/temp)+sum(np.exp(a@c/temp) for c in queue))) for a,b in zip(q, k)])

def loss(q, k, queue): return nn.functional.cross_entropy(moco_scores(q, k, queue, .2), torch.zeros(6, dtype=torch.long))

def test_moco_is_infonce_with_a_queue():
    q,k,queue = (z/np.linalg.norm(z, axis=1, keepdims=True) for z in (A, B, QUEUE))
    assert moco_scores(T(q), T(k), T(queue), .2).shape==(6, 9)
    near(loss(T(q), T(k), T(queue)), np_moco(q, k, queue, .2))

def test_gradient(): gradient_is_right(lambda a,b: loss(a, b, T(C)))

def test_keys_are_normalized_in_other_company():
    "Shuffling BN: the batch statistics of a key are those of a random part of the batch, not of its query's batch"
    encoder,task = made('moco')
    x = images()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        k = task.key(x)
        torch.manual_seed(5)
        order = torch.randperm(len(x))
    want = torch.empty_like(k)
    for part in order.chunk(2): want[part] = nn.functional.normalize(task.target(x[part]), dim=1)
    torch.testing.assert_close(k, want)
    whole = nn.functional.normalize(task.target(x), dim=1)
    assert (k-whole).abs().max()>1e-3 and not k.requires_grad

def test_queue_holds_the_latest_keys():
    encoder,task = made('moco')
    task.target.eval() # keys then don't depend on their company, and the shuffled ones must be those in order
    x = images()
    for i in range(5): # 80 keys into 64 places
        inputs,_ = task.make(x)
        task(encoder, inputs)
        with torch.no_grad(): k = nn.functional.normalize(task.target(inputs.chunk(2)[1]), dim=1)
        torch.testing.assert_close(task.keys[i*16%64:i*16%64+16], k)
    assert task.place==16
    before = task.keys.clone()
    task.eval(); task(encoder, inputs)
    assert torch.equal(task.keys, before)

def test_a_queue_that_is_no_whole_number_of_batches_is_refused(): refused(MoCo(queue=100), 'not a whole number of batches of 16; take 96')

def test_temperature_must_be_above_0():
    with pytest.raises(InputError, match='above 0'): MoCo(temp=0)
