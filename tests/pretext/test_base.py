"Every pretext task: it trains, is saved and listed, repeats itself, and refuses what it can't learn from."
import json

import numpy as np
import pytest
import torch

from helpers import small_encoder
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.data.sources import postcards_for_task
from ssl_course.encoder import Encoder
from ssl_course.pretext.artifacts import Artifacts
from ssl_course.pretext.base import Pretext
from ssl_course.pretext.colorization import ColorRegression,Colorization
from ssl_course.pretext.jigsaw import Jigsaw,RelativePosition
from ssl_course.pretext.reconstruction import Autoencoder,Denoising,Inpainting
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretext.temporal import FrameOrder,FramePrediction
from ssl_course.pretrain import fit_quietly,pretext_learner,pretext_tasks
from ssl_course.utils import InputError

IMAGES = (Autoencoder, Denoising, Inpainting, Artifacts)
FILMS = (FrameOrder, FramePrediction)
def learner(images, task, bs=8): return pretext_learner(images.dls(.2, bs=bs), small_encoder(images.x.shape[-1]), task)

def quiet_fit(learn, epochs=1):
    with learn.no_bar(), learn.no_logging(): learn.fit(epochs, 1e-3)

@pytest.mark.parametrize('make', IMAGES+FILMS, ids=lambda t: t.name)
def test_trains_and_saves_and_is_listed(make, strips, tmp_path):
    assert pretext_tasks()[make.name] is make
    images = strips if make in FILMS else Postcards(16, 1, threads=1).images(40, target=None)
    with seeded(0):
        learn = learner(images, make())
        before = learn.encoder.state_dict()['body.0.0.weight'].clone()
        quiet_fit(learn)
    assert not torch.equal(before, learn.encoder.state_dict()['body.0.0.weight'])
    encoder = Encoder.load(learn.encoder.save(tmp_path/'e.safetensors'))
    assert encoder.lineage[0]['task']==make.name
    wanted = postcards_for_task(make, 3, size=16)
    assert (wanted.x.shape[1]==80)==(make in FILMS)

@pytest.mark.parametrize('make', (Artifacts, FrameOrder), ids=lambda t: t.name)
def test_the_same_seed_gives_the_same_encoder(make, strips):
    images = strips if make in FILMS else Postcards(16, 1, threads=1).images(20, target=None)
    def weights():
        with seeded(5):
            learn = learner(images, make())
            quiet_fit(learn)
        return learn.encoder.state_dict()['body.0.0.weight']
    assert torch.equal(weights(), weights())

@pytest.mark.parametrize('make', (Denoising, Inpainting, Artifacts, FrameOrder, FramePrediction), ids=lambda t: t.name)
def test_images_without_color(make, film):
    x = film[:8,:1] if make in FILMS else film[:8,:1,:16]
    task,encoder = make(),small_encoder(1)
    task.setup(encoder)
    inputs,target = task.make(x)
    assert torch.isfinite(task.loss(task(encoder, inputs), target))

@pytest.mark.parametrize('make,said', [(Inpainting, 'too small'), (Artifacts, 'too small'), (FrameOrder, 'clips of 1 frame'), (FramePrediction, 'clips of 1 frame')], ids=lambda t: getattr(t, 'name', ''))
def test_pictures_that_will_not_do_are_refused_before_training(make, said):
    from ssl_course.data.imageset import ImageSet
    images = ImageSet(np.random.default_rng(0).integers(0, 255, (20,12,12,3), np.uint8))
    learn = learner(images, make())
    before = {k: v.clone() for k,v in learn.model.state_dict().items()}
    with pytest.raises(InputError, match=said): quiet_fit(learn)
    for k,v in learn.model.state_dict().items():
        if v.is_floating_point(): assert torch.equal(v, before[k]), k

@pytest.mark.parametrize('make', (lambda: Denoising(noise=-.1), lambda: FramePrediction(ahead=0)))
def test_impossible_arguments(make):
    with pytest.raises(InputError): make()

TASKS = dict(rotation=Rotation, colorization=Colorization, color_regression=ColorRegression, relative_position=RelativePosition, jigsaw=Jigsaw)

@pytest.mark.parametrize('name', TASKS)
def test_a_task_learns_through_the_learner_and_is_saved_whole(name, tmp_path):
    world = Postcards(size=32, seed=3, threads=1).images(120).unlabeled()
    torch.manual_seed(0)
    learn = pretext_learner(world.dls(.2, bs=32, device='cpu'), Encoder.small(width=8), TASKS[name](), path=tmp_path)
    fit_quietly(learn, lambda l: l.fit(1, 3e-3))
    learn.save('once')
    state = {k: v.clone() for k,v in learn.model.state_dict().items()}
    again = pretext_learner(world.dls(.2, bs=32, device='cpu'), Encoder.small(width=8), TASKS[name](), path=tmp_path).load('once')
    assert all(torch.equal(v, state[k]) for k,v in again.model.state_dict().items())
    assert all(torch.isfinite(v).all() for v in state.values() if torch.is_floating_point(v))

# --- the protocol ---

def test_every_task_answers_what_may_be_asked():
    "Each declared attribute has its kind, and with the default arguments nothing makes collapse likely"
    for name,make in pretext_tasks().items():
        task = make()
        task.setup(small_encoder())
        assert issubclass(make, Pretext) and task.name==name and isinstance(task.clips, int) and isinstance(task.metrics, tuple)
        assert len(task.min_batch)==len(task.encoder_passes)==2 and isinstance(task.paired_views, bool) and task.progress==0
        assert all(isinstance(m, torch.nn.Module) for m in task.watched().values()) and task.collapse_causes()==[]
        assert json.loads(json.dumps(task.spec()))==task.spec() and task.spec()['task']==name

class Brighter(Pretext):
    "A task with two methods: is the image brighter than grey?"
    def setup(self, encoder): self.head = torch.nn.Linear(encoder.n_features, 2)
    def make(self, x): return x,(x.flatten(1).mean(1)>.5).long()

def test_two_methods_are_enough():
    "The rest is that of a classification"
    task,encoder = Brighter(),small_encoder()
    task.setup(encoder)
    x = torch.stack([torch.full((3, 16, 16), v) for v in (.1, .9, .8)])
    inputs,target = task.make(x)
    pred = task(encoder, inputs)
    assert target.tolist()==[0, 1, 1] and pred.shape==(3, 2) and task.describe(target[1])=='1'
    assert torch.allclose(task.loss(pred, target), -pred.log_softmax(1)[range(3), target].mean()) and task.spec()==dict(task='brighter')
    task.check_batch(x, (3, 1)), task.after_step(encoder)
    with pytest.raises(InputError, match='needs 1 images in each batch, and in validation one has 0'): task.check_batch(x, (3, 0))

def test_without_make_it_says_so():
    with pytest.raises(TypeError, match='does not say how it makes labels'): Pretext().make(torch.rand(2, 3, 16, 16))
