"Holes and noise, damage, clips and order in time: values worked out by hand, and bad input before any training."
import ast
from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_course.clips import Clips,as_frames,pick_frames,postcards_for
from ssl_course.compute import seeded
from ssl_course.decoder import Decoder,box_masks,random_masks,stride_of
from ssl_course.encoder import Encoder
from ssl_course.loaders import *
from ssl_course.postcards import Postcards
from ssl_course.pretext.inpaint import Autoencoder,Denoise,Inpaint
from ssl_course.pretext.order import Future,Order,three_times
from ssl_course.pretext.restore import Damage,WeakPainter,blur_piece,noise_piece,swap_pieces
from ssl_course.pretrain import pretext_learner,pretext_tasks
from ssl_course.settings import CourseError
from ssl_course.shortcuts import diagnose_shortcut
from ssl_course.transfer import load_encoder,save_encoder

ROOT = Path(__file__).resolve().parents[1]
PICTURES = (Autoencoder, Denoise, Inpaint, Damage)
FILMS = (Order, Future)

def small(channels=3): return Encoder.small(channels=channels, width=4)

@pytest.fixture(scope='module')
def x(): return torch.from_numpy(Postcards(32, 1, threads=1).draw(range(24))).permute(0, 3, 1, 2)/255

@pytest.fixture(scope='module')
def strips(): return Clips(16, 1).images(30)

@pytest.fixture(scope='module')
def film(strips): return torch.from_numpy(strips.x).permute(0, 3, 1, 2)/255

def learner(images, task, bs=8): return pretext_learner(images.dls(.2, bs=bs), small(images.x.shape[-1]), task)

def quiet_fit(learn, epochs=1):
    with learn.no_bar(), learn.no_logging(): learn.fit(epochs, 1e-3)

# --- values ---

def test_hole_loss_is_that_of_loops(x):
    task = Inpaint(holes=2).eval()
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
    task = Inpaint().eval()
    inputs,target = task.make(x[:4])
    pred = torch.rand(4, 3, 32, 32, requires_grad=True)
    task.loss(pred, target).backward()
    hole = (target[:,3:]>0).expand_as(pred)
    assert (pred.grad[~hole]==0).all() and (pred.grad[hole]!=0).any()

def test_autoencoder_and_denoiser_want_the_same_answer(x):
    for task,noise in ((Autoencoder(), 0), (Denoise(noise=.3), .3)):
        inputs,target = task.eval().make(x)
        assert torch.equal(target, x) and (inputs-x).std().item()==pytest.approx(noise, abs=.01)
        assert task.loss(x+.2, target).item()==pytest.approx(.04, rel=1e-4)

def test_boxes_cover_the_pixels_whose_middle_is_inside():
    with seeded(0): boxes = torch.rand(50, 4)*.6
    for (l,t,w,h),m in zip(boxes.double().tolist(), box_masks(boxes, (20, 30))[:,0]):
        want = [[l<=(j+.5)/30<l+w and t<=(i+.5)/20<t+h for j in range(30)] for i in range(20)]
        assert (m.numpy()!=np.array(want)).sum()<=2 # float32 at the very edge

def test_decoder_sees_one_place_at_a_time():
    encoder = small()
    decoder = Decoder(encoder, channels=5)
    features = torch.rand(2, encoder.n_features, 3, 4)
    out = decoder(features, (24, 32))
    assert out.shape==(2,5,24,32)
    cell = decoder(features[:,:,2:,1:2], (8, 8))
    assert torch.allclose(out[:,:,16:24,8:16], cell, atol=1e-5)
    assert decoder(features, (19, 25)).shape==(2,5,19,25)
    assert stride_of(encoder)==8

def test_swapping_moves_pixels_and_twice_is_none(x):
    with seeded(1): m = random_masks(x, (.08, .2))
    y = swap_pieces(x, m)
    assert torch.equal(swap_pieces(y, m), x)
    assert torch.equal(y.flatten(2).sort().values, x.flatten(2).sort().values)
    i,j = m[0,0].nonzero()[0].tolist()
    assert torch.equal(y[0,:,i,j], x[0,:,(i+16)%32,(j+16)%32])

@pytest.mark.parametrize('f', [blur_piece, noise_piece], ids=lambda f: f.__name__)
def test_damage_stays_in_its_box(f, x):
    m = random_masks(x, (.08, .2))
    y = f(x, m)
    assert torch.equal(y[~m.expand_as(x)], x[~m.expand_as(x)]) and (y!=x).flatten(1).any(1).all() and 0<=y.min() and y.max()<=1

def test_labels_of_damage_say_what_was_done(x):
    task = Damage().eval()
    task.setup(small())
    torch.nn.init.normal_(task.painter.net[-1].weight)
    with seeded(2), torch.no_grad(): inputs,kind = task.make(x.repeat(10, 1, 1, 1))
    many = x.repeat(10, 1, 1, 1)
    assert torch.equal((inputs!=many).flatten(1).any(1), kind>0)
    share = torch.bincount(kind, minlength=5)/len(kind)
    assert share.min()>.1 and share.max()<.3
    same_pixels = (inputs.flatten(2).sort().values==many.flatten(2).sort().values).flatten(1).all(1)
    assert same_pixels[kind==1].all() and not same_pixels[kind>1].any() # only swapping keeps all pixels

def test_the_painter_learns_and_is_kept(x, tmp_path):
    with seeded(0):
        painter,m = WeakPainter(),random_masks(x, (.1, .2))
        errors = [painter.learn(x, m) for _ in range(60)]
    assert errors[-1]<.95*errors[0]
    images = Postcards(16, 1, threads=1).images(40, target=None)
    learn = learner(images, Damage(), 16)
    before = {k: v.clone() for k,v in learn.model.state_dict().items() if 'painter' in k}
    quiet_fit(learn)
    after = learn.model.state_dict()
    assert before and all(not torch.equal(before[k], after[k]) for k in before)
    learn.path = tmp_path
    learn.save('all')
    other = learner(images, Damage(), 16)
    other.path = tmp_path
    other.load('all')
    assert all(torch.equal(after[k].cpu(), v.cpu()) for k,v in other.model.state_dict().items())

# --- clips ---

def test_a_clip_depends_on_its_number_alone():
    c = Clips(16, 3)
    all_of_them = c.draw(range(20))
    assert all_of_them.shape==(20,5,16,16,3) and all_of_them.dtype==np.uint8
    assert np.array_equal(c.draw([17, 4]), all_of_them[[17, 4]])
    assert not np.array_equal(Clips(16, 4).draw([4]), all_of_them[[4]])

def test_the_thing_stays_in_view_and_moves():
    f = Clips(32, 1).factors(range(500))
    for k in ('x', 'y'): assert (f[k]>0).all() and (f[k]<1).all()
    far = np.hypot(f['x'][:,-1]-f['x'][:,0], f['y'][:,-1]-f['y'][:,0])
    assert np.median(far)>.3
    assert (f['object']==f['object'][:,:1]).all() and (f['hue']==f['hue'][:,:1]).all()
    assert (f['object'][:,0]==Postcards(32, 1).factors(range(500))['object']).all() # the same things as those of the postcards

def test_what_does_not_move_does_not_change():
    still = dict(path=0, drift=0, shake=0, light=0, flicker=0)
    x = Clips(16, 1, **still).draw(range(6))
    assert (x==x[:,:1]).all()
    for k,v in dict(path=.3, drift=.1, shake=.1, light=1., flicker=.2).items():
        y = Clips(16, 1, **{**still, k: v}).draw(range(6))
        assert (y!=y[:,:1]).any(), k

def test_strips_are_frames_one_below_the_other(strips, film):
    x = Clips(16, 1).draw(range(30))
    assert strips.x.shape==(30,80,16,3) and strips.kind=='unlabelled'
    assert np.array_equal((as_frames(film)*255).round().byte().permute(0, 1, 3, 4, 2).numpy(), x)
    a,b = strips.split(.3)
    assert len(a)+len(b)==30 and not set(a.digests) & set(b.digests)

@pytest.mark.parametrize('kw,said', [(dict(frames=1), 'fewer than 2'), (dict(size=12), '16 to 91'), (dict(size=100), '16 to 91'),
                                     (dict(drift=.2, shake=.1), 'together'), (dict(path=-1), 'below 0')])
def test_impossible_clips(kw, said):
    with pytest.raises(CourseError, match=said): Clips(**kw)

# --- order ---

def test_three_times_by_brute_force():
    with seeded(0): which,answer = three_times(4_000, 6)
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
    inputs,answer = Order().eval().make(x)
    code = (inputs[:,0,0,0]*n*t).round().long().view(n, 3)
    assert (code//t==torch.arange(n)[:,None]).all()
    a,b,c = (code%t).T
    assert torch.equal((torch.minimum(a, c)<b) & (b<torch.maximum(a, c)), answer==1)

def test_augmentation_keeps_a_clip_together():
    ramp = torch.linspace(0, 1, 16).expand(6, 3, 3, 16, 16).contiguous()
    task = Order()
    with seeded(0): y = task._augment(ramp)
    order = lambda f: f[...,-1].mean((2, 3))-f[...,0].mean((2, 3)) # positive: left is dark; a flip of one frame alone would show
    assert ((order(y)>0).all(1) | (order(y)<0).all(1)).all()
    assert (y[:,0]!=y[:,1]).any() # colours are each frame's own

def test_future_begins_with_copying(film):
    task,encoder = Future(ahead=2),small()
    task.setup(encoder)
    inputs,target = task.make(film)
    frames = as_frames(film)
    assert torch.equal(target, frames[:,2:4]) and torch.equal(inputs[::2], frames[:,0]) and torch.equal(inputs[1::2], frames[:,1])
    for p in task.decoder.parameters(): torch.nn.init.zeros_(p)
    pred = task(encoder, inputs)
    assert torch.equal(pred[:,0], frames[:,1]) and torch.equal(pred[:,1], frames[:,1])
    assert task.loss(pred, target).item()==pytest.approx(((frames[:,1:2]-frames[:,2:4])**2).mean().item(), rel=1e-5)

def test_picking_frames():
    f = torch.arange(12).view(3, 4)
    assert pick_frames(f, torch.tensor([[3, 0], [1, 1], [2, 3]])).tolist()==[[3, 0], [5, 5], [10, 11]]

# --- as every task ---

@pytest.mark.parametrize('make', PICTURES+FILMS, ids=lambda t: t.name)
def test_trains_and_saves_and_is_listed(make, strips, tmp_path):
    assert pretext_tasks()[make.name] is make
    images = strips if make in FILMS else Postcards(16, 1, threads=1).images(40, target=None)
    with seeded(0):
        learn = learner(images, make())
        before = learn.encoder.state_dict()['body.0.0.weight'].clone()
        quiet_fit(learn)
    assert not torch.equal(before, learn.encoder.state_dict()['body.0.0.weight'])
    encoder = load_encoder(save_encoder(learn, tmp_path/'e.safetensors', epochs=1))
    assert encoder.lineage[0]['task']==make.name
    wanted = postcards_for(make, 3, size=16)
    assert (wanted.x.shape[1]==80)==(make in FILMS)

@pytest.mark.parametrize('make', (Damage, Order), ids=lambda t: t.name)
def test_the_same_seed_gives_the_same_encoder(make, strips):
    images = strips if make in FILMS else Postcards(16, 1, threads=1).images(20, target=None)
    def weights():
        with seeded(5):
            learn = learner(images, make())
            quiet_fit(learn)
        return learn.encoder.state_dict()['body.0.0.weight']
    assert torch.equal(weights(), weights())

@pytest.mark.parametrize('make', (Denoise, Inpaint, Damage, Order, Future), ids=lambda t: t.name)
def test_images_without_colour(make, film):
    x = film[:8,:1] if make in FILMS else film[:8,:1,:16]
    task,encoder = make(),small(1)
    task.setup(encoder)
    inputs,target = task.make(x)
    assert torch.isfinite(task.loss(task(encoder, inputs), target))

@pytest.mark.parametrize('make,said', [(Inpaint, 'too small'), (Damage, 'too small'), (Order, 'clips of 1 frame'), (Future, 'clips of 1 frame')], ids=lambda t: getattr(t, 'name', ''))
def test_pictures_that_will_not_do_are_refused_before_training(make, said):
    from ssl_course.images import ImageSet
    images = ImageSet(np.random.default_rng(0).integers(0, 255, (20,12,12,3), np.uint8))
    learn = learner(images, make())
    before = {k: v.clone() for k,v in learn.model.state_dict().items()}
    with pytest.raises(CourseError, match=said): quiet_fit(learn)
    for k,v in learn.model.state_dict().items():
        if v.is_floating_point(): assert torch.equal(v, before[k]), k

@pytest.mark.parametrize('make', (lambda: Denoise(noise=-.1), lambda: Future(ahead=0)))
def test_impossible_arguments(make):
    with pytest.raises(CourseError): make()

def test_fools_can_be_asked(strips):
    t = diagnose_shortcut(Order(), strips, n=30, epochs=2)
    assert {'thumbnail', 'colour histogram'}<=set(t.index) and t.accuracy.between(0, 1).all()

@pytest.mark.parametrize('module', ('inpaint', 'order'))
def test_task_modules_are_short(module):
    "Sixty lines at most for a task, what it shares with others included, without imports and comments"
    lines = (ROOT/'ssl_course'/'pretext'/f'{module}.py').read_text(encoding='utf-8').splitlines()
    body = ast.parse('\n'.join(lines)).body
    skip = {i for n in body if isinstance(n, (ast.Import, ast.ImportFrom)) or ast.unparse(n).startswith('__all__') for i in range(n.lineno, n.end_lineno+1)}
    tasks = [n for n in body if isinstance(n, ast.ClassDef) and any(ast.unparse(b).startswith('name') for b in n.body)]
    others = lambda t: {i for n in tasks if n is not t for i in range(n.lineno, n.end_lineno+1)}
    assert tasks and all(len([l for i,l in enumerate(lines, 1) if i not in skip|others(t) and l.strip() and l[0] not in '#"'])<=60 for t in tasks)
