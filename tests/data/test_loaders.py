"What a notebook cell can't check well of `loaders`: which images a batch holds, over epochs and with labels of all kinds."
import numpy as np
import pytest
import torch
from PIL import Image

from ssl_course.compute import seeded
from ssl_course.data.imageset import ImageSet
from ssl_course.data.loaders import float_batches
from ssl_course.utils import InputError

N = 50

@pytest.fixture(scope='module')
def stamped():
    "Images that are their own numbers: every pixel of image i is i"
    return ImageSet(np.arange(N, dtype=np.uint8)[:,None,None,None].repeat(8, 1).repeat(8, 2).repeat(3, 3), np.arange(N)%3, ('a', 'b', 'c'), name='stamped')

def numbers(x): return (x[:,0,0,0]*255).round().long().tolist()

def test_an_epoch_shows_every_image_once_in_another_order(stamped):
    dls = stamped.dls(valid=stamped, bs=10, device='cpu')
    with seeded(0): epochs = [[i for x,_ in dls.train for i in numbers(x)] for _ in range(2)]
    assert all(sorted(e)==list(range(N)) for e in epochs) and epochs[0]!=epochs[1]!=list(range(N))
    assert [i for x,_ in dls.valid for i in numbers(x)]==list(range(N))

def test_labels_stay_with_their_images(stamped):
    for dl in stamped.dls(valid=stamped, bs=7, device='cpu').loaders:
        for x,y in dl: assert [i%3 for i in numbers(x)]==y.tolist()

@pytest.mark.parametrize('steps', [1, 4, 30])
def test_an_epoch_of_so_many_steps(stamped, steps):
    "However few the images are; all are used about equally often"
    dls = stamped.dls(valid=stamped, bs=10, steps=steps, device='cpu')
    with seeded(0): seen = [numbers(x) for x,_ in dls.train]
    counts = np.bincount(sum(seen, []), minlength=N)
    assert len(seen)==steps and all(len(s)==10 for s in seen)
    if steps*10>=N: assert counts.max()-counts.min()<=1

def test_the_same_seed_gives_the_same_batches(stamped):
    def order():
        with seeded(7): return [i for x,_ in stamped.dls(valid=stamped, bs=10, device='cpu').train for i in numbers(x)]
    assert order()==order()

@pytest.mark.parametrize('channels', [1, 3, 4])
def test_float_batches_are_the_images(channels):
    x = np.random.default_rng(0).integers(0, 256, (23, 8, 6, channels), dtype=np.uint8)
    got = list(float_batches(x, 10))
    assert [len(b) for b in got]==[10, 10, 3] and [len(b) for b in float_batches(x, 10, drop_last=True)]==[10, 10]
    assert np.array_equal((torch.cat(got)*255).round().byte().permute(0, 2, 3, 1).numpy(), x)

def test_views_run_in_training_only(stamped):
    dls = stamped.dls(valid=stamped, bs=10, views=lambda x: x*0, device='cpu')
    assert dls.train.one_batch()[0].max()==0 and numbers(dls.valid.one_batch()[0])[:10]==list(range(10))

def test_views_that_move_what_targets_measure_are_refused(stamped):
    from ssl_course.views import mild_views
    with pytest.raises(InputError, match='color_views'): ImageSet(stamped.x, np.arange(N)/N).dls(.2, views=mild_views())

def test_new_images_of_many_channels(tmp_path):
    "Files, and arrays of the right shape; a PIL image can't have them"
    x = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 13), dtype=np.uint8)
    for i,a in enumerate(x): np.save(tmp_path/f'{i}.npy', a)
    dls = ImageSet(x, [0, 1, 0, 1, 0]).dls(valid=.4, bs=2, device='cpu')
    for new in ([tmp_path/f'{i}.npy' for i in range(5)], list(x), x):
        got = torch.cat([b[0] for b in dls.test_dl(new)])
        assert np.array_equal(np.moveaxis((got.numpy()*255).round(), 1, 3), x)
    with pytest.raises(InputError, match='no 13 channels'): dls.test_dl(Image.new('RGB', (16, 16)))
