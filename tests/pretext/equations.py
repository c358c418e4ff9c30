"What tests of joint-embedding methods share: vectors to work equations out on, in NumPy and independent of the library, and small tasks."
import numpy as np
import torch

rng = np.random.default_rng(7)
A,B,C,D = rng.normal(size=(4, 6, 5)) # N=6 images, 5 dimensions, float64
QUEUE = rng.normal(size=(8, 5))
T = torch.tensor
MIX = torch.tensor([3, 0, 5, 1, 4, 2]) # another order of the batch
NEXT = [1, 2, 3, 4, 5, 0] # each image with the next one's partner
SAME = torch.ones(6, 5, dtype=torch.float64)
HADAMARD = T([[1., 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64) # standardised and uncorrelated

def cos(a, b): return a@b/np.sqrt(a@a)/np.sqrt(b@b)
def softmax(v): return np.exp(v-v.max())/np.exp(v-v.max()).sum()

def near(a, b, tol=1e-9): assert abs(float(a)-float(b))<=tol*max(1, abs(float(b))), (float(a), float(b))

def gradient_is_right(loss):
    "By finite differences; halved, so that VICReg's hinge is at work"
    a,b = (T(z/2).requires_grad_() for z in (A, B))
    assert torch.autograd.gradcheck(loss, (a, b))

def symmetric(loss, tol=1e-9):
    "Neither the sides nor the order of the batch matter"
    a,b = T(A),T(B)
    near(loss(a, b), loss(b, a), tol), near(loss(a, b), loss(a[MIX], b[MIX]), tol)

def images(n=16, size=16):
    from ssl_course.data.postcards import Postcards
    return torch.from_numpy(Postcards(size=size, seed=3).draw(range(n))).permute(0, 3, 1, 2)/255

SMALL = dict(simclr={}, moco=dict(queue=64), byol={}, simsiam={}, barlow_twins=dict(dim=32, hidden=32), vicreg=dict(dim=32, hidden=32), swav=dict(prototypes=8), dino=dict(prototypes=16), lejepa=dict(dim=8, hidden=32, directions=16))

def made(name, width=4, **kwargs):
    "A small encoder and the task of this name, ready for images"
    from ssl_course.encoder import Encoder
    from ssl_course.pretrain import pretext_tasks
    encoder,task = Encoder.small(width=width),pretext_tasks()[name](**SMALL[name], **kwargs)
    task.setup(encoder)
    return encoder,task

def refused(task, match, n=40, bs=16, **kwargs):
    "Training must stop before its first step, with one or two sentences"
    import pytest
    from ssl_course.data.postcards import Postcards
    from ssl_course.encoder import Encoder
    from ssl_course.pretrain import pretext_learner
    from ssl_course.utils import InputError
    learn = pretext_learner(Postcards(size=16, seed=2).images(n).unlabeled().dls(bs=bs, **kwargs), Encoder.small(width=4), task)
    begin = [p.detach().clone() for p in learn.model.parameters()]
    with learn.no_bar(), learn.no_logging(), pytest.raises(InputError, match=match) as e: learn.fit(1)
    assert all(torch.equal(a, b) for a,b in zip(begin, learn.model.parameters())) and str(e.value).count('. ')<=1
