"Patches against NumPy; which are hidden; a decoder that knows places and not the order; hidden pixels reach nothing."
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from equations import images
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.masked_autoencoder import MaskedAutoencoder
from ssl_course.pretext.masked_features import MaskedFeatures
from ssl_course.pretext.masking import MASKS,PatchDecoder,at,patch_order,patchify,unpatchify
from ssl_course.pretrain import pretext_learner
from ssl_course.utils import InputError

TASKS = MaskedAutoencoder,MaskedFeatures
def vit(**kwargs):
    with seeded(0): return Encoder.vit_tiny(**dict(size=16, width=32, depth=2, heads=2) | kwargs)

def ready(make, encoder=None, **kwargs):
    encoder,task = encoder or vit(),make(width=32, **kwargs)
    with seeded(1): task.setup(encoder)
    return encoder,task

# --- patches ---

@pytest.mark.parametrize('p,shape', [(4, (3, 2, 8, 12)), (2, (1, 5, 6, 4)), (3, (2, 1, 3, 9))])
def test_patches_are_those_of_loops(p, shape):
    x = np.random.default_rng(0).random(shape)
    rows = [[x[b,:,i:i+p,j:j+p].ravel() for i in range(0, shape[2], p) for j in range(0, shape[3], p)] for b in range(shape[0])]
    got = patchify(torch.from_numpy(x), p)
    assert np.array_equal(got.numpy(), np.array(rows)) and np.array_equal(unpatchify(got, shape, p).numpy(), x)

@pytest.mark.parametrize('side,p', [(10, 4), (4, 4), (3, 4)])
def test_broken_patches_are_refused(side, p):
    with pytest.raises(InputError, match=f'{side}×{side} pixels') as e: patchify(torch.rand(1, 3, side, side), p)
    assert str(e.value).count('. ')==0

def test_some_rows():
    rows,places = torch.rand(3, 5, 2),torch.tensor([[4, 0], [1, 1], [2, 3]])
    assert torch.equal(at(rows, places), torch.stack([r[p] for r,p in zip(rows, places)]))

# --- which are hidden ---

@pytest.mark.parametrize('mask', MASKS)
def test_an_order_has_each_patch_once_and_images_have_their_own(mask):
    with seeded(3): a = patch_order(50, (4, 6), mask)
    with seeded(3): assert torch.equal(a, patch_order(50, (4, 6), mask))
    assert torch.equal(a.sort(1).values, torch.arange(24).expand(50, -1)) and len({tuple(o) for o in a.tolist()})>20
    assert patch_order(2, (4, 6), mask, 'meta').is_meta # drawn where the images are

def hidden(mask, ratio, n=400, side=8):
    gone = torch.zeros(n, side*side, dtype=torch.bool)
    with seeded(0): order = patch_order(n, (side, side), mask)
    return gone.scatter(1, order[:,round(side*side*(1-ratio)):], True).view(n, side, side)

def test_random_hides_all_places_alike():
    share = hidden('random', .75, 4000).float().mean(0)
    assert share.min()>.71 and share.max()<.79

def test_a_grid_alternates():
    quarter = hidden('grid', .75)
    assert (quarter.unfold(1, 2, 2).unfold(2, 2, 2).flatten(3).sum(3)==3).all() # three of every four
    half = hidden('grid', .5)
    assert (half[:,1:]!=half[:,:-1]).all() and (half[:,:,1:]!=half[:,:,:-1]).all() # a chessboard

def test_a_block_is_one_square_and_blocks_are_more_broken():
    "Borders between hidden and visible: fewest around one block, most where patches are scattered"
    def borders(mask, ratio=.5):
        g = hidden(mask, ratio)
        return ((g[:,1:]!=g[:,:-1]).sum()+(g[:,:,1:]!=g[:,:,:-1]).sum())/len(g)
    one,four,scattered,grid = (borders(m) for m in ('block', 'blocks', 'random', 'grid'))
    assert one<four<.6*scattered<scattered<grid and one<18

@pytest.mark.parametrize('make', TASKS)
@pytest.mark.parametrize('bad', [dict(ratio=0), dict(ratio=1.), dict(ratio=-1), dict(mask='stripes')])
def test_ratios_and_masks_that_do_not_exist(make, bad):
    with pytest.raises(InputError, match='mask one of random, block, blocks, grid'): make(**bad)

@pytest.mark.parametrize('make', TASKS)
@pytest.mark.parametrize('ratio', [.001, .5, .999])
def test_something_is_hidden_and_something_is_seen(make, ratio):
    _,task = ready(make, ratio=ratio)
    visible,gone = task.hide(images())
    assert visible.shape[1]+gone.shape[1]==16 and visible.shape[1]>0 and gone.shape[1]>0
    assert torch.equal(torch.cat([visible, gone], 1).sort(1).values, torch.arange(16).expand(16, -1))
    assert all(len(set(v.tolist()) & set(g.tolist()))==0 for v,g in zip(visible, gone))

# --- the decoder ---

def test_the_decoder_goes_by_places_and_not_by_order():
    encoder = vit()
    with seeded(0): decoder = PatchDecoder(encoder, 7, 32)
    tokens,order = torch.rand(2, 32, 1, 6),torch.stack([torch.randperm(16) for _ in range(2)])
    visible,gone,mix = order[:,:6],order[:,6:],torch.tensor([3, 0, 5, 1, 4, 2])
    want = decoder(tokens, visible, gone, (4, 4))
    assert want.shape==(2, 10, 7)
    torch.testing.assert_close(decoder(tokens[...,mix], visible[:,mix], gone, (4, 4)), want)
    torch.testing.assert_close(decoder(tokens, visible, gone.flip(1), (4, 4)), want.flip(1))
    assert not torch.allclose(decoder(tokens, visible.flip(1), gone, (4, 4)), want, atol=1e-3) # who stands where matters

@pytest.mark.parametrize('make', TASKS)
@pytest.mark.parametrize('bad', [dict(width=48), dict(width=0), dict(depth=0)])
def test_decoders_that_can_not_be(make, bad):
    with pytest.raises(InputError, match='a multiple of 32'): make(**bad).setup(vit())

# --- both tasks ---

@pytest.mark.parametrize('make', TASKS)
@pytest.mark.parametrize('pool', ['mean', 'class'])
def test_hidden_pixels_reach_no_prediction(make, pool):
    encoder,task = ready(make, vit(pool=pool))
    encoder.precision = torch.float32
    x,visible,gone = task.eval().make(images())[0]
    pred = lambda x: (lambda o: o[0] if isinstance(o, tuple) else o)(task(encoder, (x, visible, gone)))
    other = task.gray(x, gone)
    assert not torch.equal(other, x) and torch.allclose(pred(other), pred(x), atol=1e-5)
    assert not torch.allclose(pred(task.gray(x, visible)), pred(x), atol=1e-4)

@pytest.mark.parametrize('make', TASKS)
def test_gradient_goes_where_it_belongs(make):
    encoder,task = ready(make)
    inputs,target = task.make(images())
    task.loss(task(encoder, inputs), target).backward()
    for n,p in encoder.named_parameters(): assert p.grad is not None and p.grad.any(), n
    for n,p in task.named_parameters(): assert (p.grad is None) if n.startswith('target.') else p.grad.any(), n

class Watch(TorchDispatchMode):
    "Notes the types of all tensors that are made"
    def __init__(self): super().__init__(); self.seen = set()
    def __torch_dispatch__(self, f, types, args=(), kwargs=None):
        out = f(*args, **kwargs or {})
        self.seen |= {o.dtype for o in (out if isinstance(out, (tuple, list)) else [out]) if isinstance(o, torch.Tensor)}
        return out

@pytest.mark.parametrize('make', TASKS)
def test_a_step_makes_no_float64(make):
    encoder,task = ready(make)
    with Watch() as w:
        inputs,target = task.make(images())
        task.loss(task(encoder, inputs), target).backward()
        task.after_step(encoder)
    assert torch.float32 in w.seen and torch.float64 not in w.seen

@pytest.mark.parametrize('make', TASKS)
def test_the_same_seed_gives_the_same_numbers(make):
    def weights(seed):
        with seeded(seed):
            learn = pretext_learner(Postcards(16, seed=2).images(32).dls(bs=16), Encoder.vit_tiny(16, 4, 32, 1, 2), make(width=32))
            with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-3)
        return learn.encoder.state_dict()
    a,b,c = weights(1),weights(1),weights(2)
    assert all(torch.equal(v, b[k]) for k,v in a.items()) and not torch.equal(a['body.model.pos_embed'], c['body.model.pos_embed'])

@pytest.mark.parametrize('make', TASKS)
def test_images_that_are_no_whole_patches_are_refused(make):
    learn = pretext_learner(Postcards(20, seed=2).images(32).dls(bs=16), Encoder.vit_tiny(patch=8, width=32, depth=1, heads=1), make(width=32))
    with learn.no_bar(), learn.no_logging(), pytest.raises(InputError, match='whole patches of 8 pixels'): learn.fit(1)

def test_what_the_encoder_enlarges_is_hidden_as_the_encoder_sees_it():
    encoder = Encoder.from_timm('test_vit', min_size=64)
    task = MaskedAutoencoder(width=32)
    task.setup(encoder)
    (x,visible,gone),patches = task.make(images())
    assert x.shape==(16, 3, 64, 64) and visible.shape==(16, 4) and patches.shape==(16, 12, 3*16*16)
    assert torch.isfinite(task.loss(task(encoder, (x, visible, gone)), patches))
