"Continued pretraining: what moves how fast, what the guard stops and puts back, and what the lineage says of it."
import copy,json
from functools import cache

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import ParamScheduler
from PIL import Image

from helpers import interrupt_at
from ssl_course.cli import main
from ssl_course.compute import seeded
from ssl_course.continued import FeatureGuard,continue_pretraining,leave_one_out_knn,slow_norms,view_match
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.probes import knn_accuracy
from ssl_course.pipeline import encoder_size,find_encoder
from ssl_course.pretext.byol import BYOL
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretext.simclr import SimCLR
from ssl_course.pretrain import encoder_groups,fit_quietly,pretext_groups,pretext_learner
from ssl_course.resume import fit_resumable
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))

@cache
def world(): return Postcards(size=32, seed=1).images(96, target=None)
@cache
def labelled(): return Postcards(size=32, seed=1).images(60, start=500)

@cache
def trained():
    "Trained for a few steps, so that it has a lineage; not to be changed: tests take copies"
    with seeded(1): return fit_quietly(learner(encoder=Encoder.small(width=8)), lambda l: l.fit_one_cycle(2, 1e-3)).encoder

def learner(task=SimCLR, encoder=None, **kwargs):
    encoder = encoder or copy.deepcopy(trained()) # before the seed: the first call trains
    with seeded(0):
        dls = world().dls(valid=world().take(slice(0, 16)), bs=16)
        return pretext_learner(dls, encoder, task(), **kwargs)

def go_on(epochs=2, lr=1e-3, task=SimCLR, guard=None, **kwargs):
    l = learner(task)
    with seeded(1): return continue_pretraining(l, epochs, lr, guard=guard, quiet=True, **kwargs)

def state(module): return {k: v.clone() for k,v in module.state_dict().items()}
def same(a, b): return a.keys()==b.keys() and all(torch.equal(v, b[k]) for k,v in a.items())

class Scripted(FeatureGuard):
    "A guard that measures what a test says, one value after the other, and remembers the weights of each"
    def __init__(self, values, **kwargs):
        super().__init__(labelled() if kwargs.pop('labels', True) else world(), **kwargs)
        self.values,self.states = iter(values),[]
    def measure(self, encoder):
        self.states.append(state(encoder))
        return {self.score: next(self.values), 'rank': 1.}

# --- layer groups and the schedule ---

@pytest.mark.parametrize('task', [SimCLR, BYOL, Rotation])
def test_groups_hold_every_trained_parameter_once(task):
    m = learner(task).model
    groups = pretext_groups(m)
    ids = [id(p) for g in groups for p in g]
    assert len(groups)==len(m.encoder.stages())+1 and len(set(ids))==len(ids)
    assert set(ids)=={id(p) for p in m.parameters() if p.requires_grad} # no target network
    assert {id(p) for g in encoder_groups(m.encoder) for p in g}=={id(p) for p in m.encoder.parameters()}

@pytest.mark.parametrize('task', [SimCLR, BYOL])
def test_groups_with_one_rate_change_no_bit(task):
    def fit(**kwargs):
        l = learner(task, **kwargs)
        with seeded(2): return state(fit_quietly(l, lambda l: l.fit_one_cycle(2, 1e-3)).model)
    assert same(fit(), fit(splitter=pretext_groups, train_bn=False))

def test_early_stages_learn_more_slowly():
    class Rates(Callback):
        order = ParamScheduler.order+1
        def before_batch(self):
            if self.training: seen.append([h['lr'] for h in self.opt.hypers])
    seen,l = [],learner(cbs=Rates())
    before = state(l.encoder)
    with seeded(1): continue_pretraining(l, 2, 1e-3, factor=3., warmup=0, quiet=True)
    np.testing.assert_allclose(np.array(seen)[:, 1:]/np.array(seen)[:, :-1], 3.)
    weights = [n for n,p in l.encoder.named_parameters() if p.ndim==4]
    moved = [(l.encoder.state_dict()[n]-before[n]).abs().mean().item() for n in weights]
    assert moved[0]<moved[-1]/3

def test_warm_up_leaves_every_bit_of_the_encoder():
    class Look(Callback):
        def after_epoch(self): states.append((state(self.model.encoder), state(self.model.task)))
    states,l = [],learner(cbs=Look())
    task = state(l.task)
    with seeded(1): continue_pretraining(l, 1, 1e-3, warmup=2, quiet=True)
    assert same(states[1][0], trained().state_dict()) and not same(states[1][1], task)
    assert not same(states[2][0], trained().state_dict()) and len(states)==3

def test_batch_norm_adapts_slowly_and_forgets_that_again():
    norms = lambda e: [m for m in e.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    e = copy.deepcopy(trained())
    with pytest.raises(KeyboardInterrupt), slow_norms(e):
        assert {m.momentum for m in norms(e)}=={.01}
        raise KeyboardInterrupt
    assert {m.momentum for m in norms(go_on(1).encoder)}=={m.momentum for m in norms(e)}=={.1}

def test_impossible_settings_are_refused():
    gray = pretext_learner(world().dls(.2, bs=16), Encoder.small(1, width=8), SimCLR())
    with pytest.raises(InputError, match='1 channel'): continue_pretraining(gray, 1, quiet=True)
    with pytest.raises(InputError, match='learning rate'): go_on(1, lr=0.)
    with pytest.raises(InputError, match='9 images'): FeatureGuard(world().x[:9])

# --- the measures ---

def test_leave_one_out_is_that():
    z,y = torch.randn(40, 8, generator=torch.Generator().manual_seed(0)),np.arange(40)%3
    right = leave_one_out_knn(z, y, 5)
    for i in range(40):
        others = np.delete(np.arange(40), i)
        assert right[i]==bool(knn_accuracy(z[others], y[others], z[i:i+1], y[i:i+1], k=5)), i

def test_view_match():
    "All of it when views are the images themselves, none to speak of when all embeddings are the same"
    assert view_match(trained(), world(), views=lambda x: x)==1.
    e = copy.deepcopy(trained())
    for p in e.parameters(): p.data.zero_()
    assert view_match(e, world())<=.05

def test_the_guard_leaves_training_as_it_is():
    "The same weights to the last bit, with and without, as long as it puts nothing back"
    a,b = go_on().model,go_on(guard=FeatureGuard(world(), tolerance=1., every=3)).model
    assert same(state(a), state(b))

# --- the guard ---

def test_a_wrecking_rate_is_stopped_and_undone(monkeypatch):
    monkeypatch.setenv('SSL_COURSE_PRECISION', 'float32')
    guard = FeatureGuard(world(), every=2, patience=2)
    l = go_on(6, lr=30., factor=1., guard=guard)
    ranks = [r['rank'] for r in guard.rows]
    assert guard.stopped and guard.step==2*(len(ranks)-1)<=6 and max(ranks[-2:])<ranks[0]/2
    assert guard.kept_start and same(state(l.encoder), trained().state_dict())
    assert l.encoder.lineage==trained().lineage and 'did not help' in guard.verdict()

def test_a_harmless_rate_is_not():
    guard = FeatureGuard(world(), patience=1, tolerance=.05)
    l = go_on(2, lr=1e-6, guard=guard)
    assert not guard.stopped and len(guard.table)==3 and 'No alarm' in guard.verdict()
    assert [e['epochs'] for e in l.encoder.lineage]==[2, 3] # with the warm-up

def test_the_best_comes_back_with_its_entry(capsys):
    guard = Scripted([.5, .6, .7, .5, .68, .6, .6], patience=2)
    l = go_on(9, guard=guard) # one bad measurement is forgiven, two in a row are not
    assert guard.stopped and len(guard.rows)==7 and same(state(l.encoder), guard.states[2])
    *before,entry = l.encoder.lineage
    assert before==trained().lineage and entry['epochs']==1+2 and (entry['warmup'], entry['factor'])==(1, 1.7)
    assert entry['guard']==dict(measure='knn', images=60, start=.5, best=.7, end=.6, stopped=True)
    said = capsys.readouterr().out
    assert 'Stopped' in said and '70.0% after epoch 2, 60.0% after epoch 6;' in said and 'The weights of epoch 2 are back' in said

def test_a_fit_that_runs_its_course():
    "With labels the best comes back; without, the last is kept unless there was an alarm"
    values = [.5, .7, .69]
    guard = Scripted(values)
    assert same(state(go_on(2, guard=guard).encoder), guard.states[1]) and not guard.stopped
    guard = Scripted(values, labels=False)
    assert same(state(go_on(2, guard=guard).encoder), guard.states[2]) and not guard.stopped

def test_a_collapse_is_bad_whatever_the_neighbours_say():
    "Tiny differences can still rank neighbours: half of the rank gone is an alarm of its own, and such weights are never the best"
    class Collapsing(Scripted):
        def measure(self, encoder): return super().measure(encoder) | dict(rank=10/(1+len(self.states)))
    guard = Collapsing([.5, .6, .7, .8, .9])
    go_on(4, guard=guard)
    assert guard.stopped and [r['epoch'] for r in guard.rows]==[0, 1, 2, 3, 4] and guard.best is guard.rows[2]

def test_what_does_not_help_gives_the_start_back(capsys):
    l = go_on(2, guard=Scripted([.5, .5, .49]))
    assert same(state(l.encoder), trained().state_dict()) and l.encoder.lineage==trained().lineage
    said = capsys.readouterr().out
    assert 'did not help on these images' in said and 'the encoder is as it was' in said

def test_after_a_restored_fit_one_can_go_on():
    l = go_on(4, guard=Scripted([.5, .6, .4, .4]))
    fit_quietly(l, lambda l: l.fit_one_cycle(1, 1e-4))
    assert l.encoder.lineage[-1]['epochs']==1+1+1 and len(l.encoder.lineage)==len(trained().lineage)+1

def test_lr_find_and_validate_are_not_watched():
    l = learner(cbs=(guard := FeatureGuard(world())))
    with l.no_bar(), l.no_logging(): l.lr_find(num_it=4, show_plot=False), l.validate()
    assert guard.rows==[] and l.encoder.lineage==trained().lineage
    with l.no_bar(), l.no_logging(): l.fit(1, 1e-4), l.validate()
    assert len(guard.rows)==2

def test_ctrl_c_leaves_the_weights_of_that_moment():
    class Interrupt(Callback):
        order = 80
        def after_epoch(self):
            if self.epoch==2: raise KeyboardInterrupt
    guard,l = Scripted([.5, .6, .4, .4], patience=9),learner()
    with pytest.raises(KeyboardInterrupt): fit_quietly(l, lambda l: l.fit_one_cycle(5, 1e-3, cbs=[Interrupt(), guard]))
    assert same(state(l.encoder), guard.states[3]) and not same(guard.states[3], guard.states[1])
    l.model.load_state_dict(guard.good)
    assert same(state(l.encoder), guard.states[1])

def test_resumable_training_goes_on_under_a_guard(tmp_path):
    "Bit for bit; the second process measures its own start"
    def part(stop, name, **kwargs):
        l = learner(cbs=(guard := FeatureGuard(world(), tolerance=1.)))
        with seeded(3): fit_quietly(l, lambda l: fit_resumable(l, 4, 1e-3, tmp_path/f'{name}.pt', stop_after=stop))
        return l,guard
    whole,_ = part(None, 'a')
    part(2, 'b')
    rest,guard = part(None, 'b')
    assert same(state(whole.model), state(rest.model)) and [r['epoch'] for r in guard.rows]==[2, 3, 4]

# --- the command line ---

def test_find_encoder(tmp_path):
    f = trained().save(tmp_path/'e.safetensors')
    e = find_encoder(f)
    assert same(state(e), trained().state_dict()) and encoder_size(e)==32 and encoder_size(Encoder.small(width=8))==128
    with pytest.raises(InputError, match='no model'): find_encoder('timm:resnet_of_mine')
    with pytest.raises(InputError): find_encoder('nothing.safetensors')

def folder(path, images):
    for i,x in enumerate(images.x):
        where = path/(images.vocab[images.y[i]] if images.y is not None else '')
        where.mkdir(parents=True, exist_ok=True)
        Image.fromarray(x).save(where/f'{i}.png')
    return path

@pytest.mark.parametrize('labels', [False, True])
def test_pretrain_from_a_file(labels, tmp_path, capsys):
    "At the size of the encoder, with its lineage and an entry more, and the guard's verdict on the screen"
    trained().save('start.safetensors')
    args = ['pretrain', '--unlabeled', folder(tmp_path/'photos', world().take(slice(0, 40))), '--start', 'start.safetensors']
    if labels: args += ['--labeled', folder(tmp_path/'labelled', labelled())]
    main([*map(str, args), '--budget', 'smoke', '--lr', '1e-5', '--out', 'on.safetensors'])
    said,e = capsys.readouterr().out,Encoder.load('on.safetensors')
    assert ('kNN accuracy' if labels else 'view match') in said and 'finetune' in said
    if 'did not help' in said: assert same(state(e), trained().state_dict())
    else:
        entry = e.lineage[-2] # the last one names the file
        assert (entry['task'], entry['size'], entry['epochs'])==('simclr', 32, 2) and entry['guard']['measure']==('knn' if labels else 'match')
        assert [x.get('task') for x in e.lineage].count('simclr')==2

# --- interrupted ---

def with_checkpoint(file, labels=True, step=None):
    guard = FeatureGuard(labelled() if labels else world(), patience=9)
    l = learner(cbs=[] if step is None else [interrupt_at(step)])
    with seeded(1): continue_pretraining(l, 3, 3e-2, guard=guard, quiet=True, checkpoint=file)
    return l,guard

@pytest.mark.parametrize('step,labels', [(3, True), (8, False), (15, True), (22, False), (22, True), (None, False), (None, True)])
def test_it_goes_on_bit_for_bit(step, labels, tmp_path):
    "Interrupted in the warm-up, in its first, second or last epoch, or after all: weights, lineage and verdict are the same"
    want,guard = with_checkpoint(tmp_path/'straight.pt', labels)
    if step:
        with pytest.raises(KeyboardInterrupt): with_checkpoint(tmp_path/'c.pt', labels, step)
    else: with_checkpoint(tmp_path/'c.pt', labels)
    got,again = with_checkpoint(tmp_path/'c.pt', labels)
    assert same(state(got.model), state(want.model)) and got.encoder.lineage==want.encoder.lineage
    assert again.rows==guard.rows and again.verdict()==guard.verdict()

def test_a_checkpoint_is_of_one_start_and_one_guard(tmp_path):
    with pytest.raises(KeyboardInterrupt): with_checkpoint(tmp_path/'c.pt', step=8)
    with pytest.raises(InputError, match='guard: '): with_checkpoint(tmp_path/'c.pt', labels=False)
    l = learner(encoder=Encoder.small(width=8))
    with pytest.raises(InputError, match='start: '): continue_pretraining(l, 3, 3e-2, guard=FeatureGuard(labelled()), quiet=True, checkpoint=tmp_path/'c.pt')
