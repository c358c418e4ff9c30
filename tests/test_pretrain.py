"Pretraining as a fastai Learner: its tools, what the encoder remembers, and where files go."
import subprocess,sys
from functools import cache

import matplotlib
import numpy as np
import pytest
import torch
from fastai.callback.core import CancelFitException,Callback
from fastai.callback.tracker import EarlyStoppingCallback
from fastai.learner import load_learner
from matplotlib import pyplot as plt

from helpers import interrupt_at
from ssl_course.compute import seeded
from ssl_course.data.clips import Clips
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.heads import Classify
from ssl_course.model import transfer_learner
from ssl_course.pretext.byol import BYOL
from ssl_course.pretext.jigsaw import Jigsaw
from ssl_course.pretext.reconstruction import Autoencoder
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretext.simclr import SimCLR
from ssl_course.pretext.swav import SwAV
from ssl_course.pretrain import learner_folder,pretext_learner,pretext_tasks,_try_encoder
from ssl_course.utils import InputError

matplotlib.use('agg')
TASKS = dict(simclr=SimCLR, byol=BYOL, rotation=Rotation, jigsaw=Jigsaw, autoencoder=Autoencoder)

@cache
def world(): return Postcards(size=32, seed=1).images(40).unlabeled()

@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    "A working folder and a cache of its own, and no figure left open"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    yield
    plt.close('all')

def learner(task=Rotation, **kwargs):
    with seeded(0): l = pretext_learner(world().dls(.2, bs=16), Encoder.small(width=8), task(), **kwargs)
    l.remove_cb(l.progress)
    l.logger = lambda *_: None
    return l

def fit(l, epochs=1, lr=1e-3, **kwargs):
    with seeded(1): l.fit(epochs, lr, **kwargs)
    return l

def state(l): return {k: v.clone() for k,v in l.model.state_dict().items()}
def same(a, b): return a.keys()==b.keys() and all(torch.equal(v, b[k]) for k,v in a.items())

# --- fastai's tools ---

@pytest.mark.parametrize('name', TASKS)
def test_a_learner_of_each_kind(name):
    l = fit(learner(TASKS[name]))
    before,lineage,lr = state(l),l.encoder.lineage,l.record_lineage.max_lr
    l.show_batch(4)
    assert plt.get_fignums() and 'Total params' in str(l.summary())
    l.lr_find(num_it=8, show_plot=False)
    assert same(state(l), before) and l.encoder.lineage is lineage and l.record_lineage.max_lr==lr
    assert np.isfinite(l.validate()).all() and len(l.validate())==1+len(l.metrics)
    assert same(state(l), before) and l.encoder.lineage is lineage
    file = l.save('stage-1')
    assert file==learner_folder()/'models'/'stage-1.pth'
    fit(l, lr=1e-2)
    assert not same(state(l), before) and same(state(l.load('stage-1')), before)

@pytest.mark.parametrize('task,shape,labels', [(Rotation, (8, 4), (8,)), (Jigsaw, (8, 24), (8,)), (Autoencoder, (8, 3, 32, 32), (8, 3, 32, 32)), (SimCLR, (16, 16), (16,))])
def test_predictions_of_a_task(task, shape, labels):
    l = learner(task)
    with seeded(2): pred,target = l.get_preds()
    assert tuple(pred.shape)==shape and tuple(target.shape)==labels
    with seeded(2): loss = l.validate()[0]
    assert l.task.loss(pred, target).item()==pytest.approx(loss, rel=1e-4)
    assert len(l.get_preds(dl=l.dls.test_dl(world().x[:5]))[0])==len(pred)*5//8

def test_a_refusal_does_not_lock_the_learner():
    "A callback that raises before validation once left fastai's lock closed: the next call never came back"
    l = learner(SwAV)
    for _ in range(2):
        with pytest.raises(InputError, match='prototypes'): l.validate()
        with pytest.raises(InputError, match='prototypes'): l.get_preds()
    assert not l.lock.locked() and not hasattr(l, 'gather_preds')

def test_export_and_load():
    l = fit(learner(Autoencoder))
    again = load_learner(l.export('l.pkl'))
    a,b = (x.get_preds(dl=x.dls.test_dl(world().x[:5])) for x in (l, again))
    assert torch.equal(a[1], b[1]) and torch.allclose(a[0], b[0], atol=1e-5) and again.encoder.lineage==l.encoder.lineage

def test_a_loss_that_is_not_finite():
    class Explode(Callback):
        def after_pred(self):
            if self.training and self.learn.epoch==1: self.learn.pred = self.pred*float('nan')
    l = learner(cbs=Explode())
    with pytest.raises(InputError, match='nan at step 3 of this fit .epoch 2.'): fit(l, 2)
    assert same(state(l), state(fit(learner()))) and l.encoder.lineage[0]['epochs']==1

class At(Callback):
    "Does something at one step of a fit, after its gradients are there"
    def __init__(self, do, step): self.do,self.step = do,step
    def before_step(self):
        if self.learn.train_iter==self.step: self.do(self.learn)

def spoil_gradients(l): [p.grad.fill_(float('nan')) for p in l.model.parameters() if p.grad is not None]
def spoil_statistics(l): next(b for n,b in l.model.named_buffers() if 'running_var' in n).fill_(float('inf'))

def fitted_again(l):
    "State after one more epoch, with batches in an order of its own"
    for dl in l.dls.loaders: dl.rng.seed(5)
    return state(fit(l, 1, 1e-4))

@pytest.mark.parametrize('spoil,says', [(spoil_gradients, 'nan at step 4 of this fit .epoch 2.'), (spoil_statistics, 'After epoch 2 .* not finite')])
def test_optimizer_and_statistics_come_back_with_the_weights(spoil, says):
    "NaN moments of the optimizer once spoiled every later fit, and infinite statistics were kept"
    l,calm = learner(),fit(learner())
    with pytest.raises(InputError, match=says): fit(l, 2, cbs=At(spoil, step=2))
    assert same(state(l), state(calm))
    assert same(fitted_again(l), fitted_again(calm))

def test_a_model_that_is_not_finite_is_refused():
    l = learner()
    spoil_statistics(l)
    with pytest.raises(InputError, match='before training'): fit(l)

@pytest.mark.parametrize('trained', [False, True])
def test_lr_find_that_is_interrupted_changes_nothing(trained):
    l,calm = learner(),learner()
    if trained: fit(l), fit(calm)
    before = state(l)
    with pytest.raises(KeyboardInterrupt), l.added_cbs(interrupt_at(4)): l.lr_find(num_it=6, show_plot=False)
    assert same(state(l), before) and (l.opt is None)!=trained
    assert same(fitted_again(l), fitted_again(calm))

# --- the lineage ---

def test_stopping_a_training_says_a_sentence_in_a_notebook(capsys):
    "IPython shows what the exception renders; it still is a KeyboardInterrupt for everybody else"
    from IPython.core.interactiveshell import InteractiveShell
    from ssl_course.pretrain import Interrupted,fit_quietly
    class Stop(Callback):
        def after_batch(self):
            if self.train_iter==2: raise KeyboardInterrupt
    l = pretext_learner(Postcards(16).images(64).dls(bs=16), Encoder.small(width=4), SimCLR())
    with pytest.raises(KeyboardInterrupt) as e: fit_quietly(l, lambda l: l.fit(2, cbs=Stop()), 'Pretraining')
    assert isinstance(e.value, Interrupted) and str(e.value).startswith('Pretraining was stopped after 1 of 6 steps')
    assert not any(isinstance(cb, Stop) for cb in l.cbs)
    def fails(): raise e.value
    shell = InteractiveShell(user_ns=dict(fails=fails))
    capsys.readouterr()
    shell.run_cell('fails()')
    said = capsys.readouterr()
    assert (said.out+said.err).strip()==str(e.value)

def test_one_entry_for_each_learner(tmp_path):
    l = learner(SimCLR)
    assert l.encoder.lineage==[]
    l.validate(), l.get_preds(), l.lr_find(num_it=6, show_plot=False)
    assert l.encoder.lineage==[]
    fit(l, 2, 1e-3)
    fit(l, 1, 1e-4)
    l.validate(), l.lr_find(num_it=6, show_plot=False)
    entry, = l.encoder.lineage
    known = dict(task='simclr', temp=.3, data=world().name+'/train', images=32, size=32, epochs=3, batch_size=16, lr=1e-3)
    assert {k: entry[k] for k in known}==known and entry['fingerprint']==l.dls.train_ds.images.fingerprint and entry['final_loss']>0
    e = Encoder.load(l.encoder.save(tmp_path/'e.safetensors', seed=1))
    assert [list(x)==['parent'] for x in e.lineage]==[False, True] and e.lineage[0]['seed']==1
    second = pretext_learner(world().dls(.2, bs=8), e, Rotation())
    with second.no_bar(), second.no_logging(): second.fit(1, 1e-3)
    assert [x.get('task') for x in e.lineage]==['simclr', None, 'rotation'] and len(l.encoder.lineage)==1

def test_it_is_told_epoch_by_epoch():
    seen = []
    class Look(Callback):
        order = 56 # after `RecordLineage`
        def after_epoch(self): seen.append(self.model.encoder.lineage[-1]['epochs'])
    fit(learner(cbs=Look()), 3)
    assert seen==[1, 2, 3]

def test_what_ends_early():
    class Interrupt(Callback):
        def before_batch(self):
            if self.training and self.epoch==1: raise KeyboardInterrupt
    l = learner()
    with pytest.raises(KeyboardInterrupt): fit(l, 3, cbs=Interrupt())
    assert l.encoder.lineage[-1]['epochs']==1
    l = fit(learner(), 5, 1e-12, cbs=EarlyStoppingCallback(min_delta=9., patience=1))
    assert l.encoder.lineage[-1]['epochs']==2==len(l.recorder.values)

def test_a_training_that_goes_on_counts_all_its_epochs():
    assert fit(learner(), 3, start_epoch=2).encoder.lineage[-1]['epochs']==3

def test_no_warning_about_a_shadowed_name(recwarn):
    fit(learner())
    assert not [w for w in recwarn if 'shadowing' in str(w.message)]

def test_fine_tuning_is_an_entry_too():
    labelled = Postcards(size=32, seed=1).images(40)
    l = transfer_learner(labelled.dls(valid=labelled, bs=20), fit(learner()).encoder, Classify(labelled.vocab))
    with l.no_bar(), l.no_logging(): l.fine_tune(1)
    assert [(x.get('task'), x.get('head'), x['epochs']) for x in l.encoder.lineage]==[('rotation', None, 1), (None, 'classify', 2)]

# --- where files go ---

def test_two_projects_do_not_share_a_file(tmp_path, monkeypatch):
    l,files = learner(),[]
    for project in ('a/work', 'b/work'):
        (here := tmp_path/project).mkdir(parents=True)
        monkeypatch.chdir(here)
        l = learner()
        files.append(l.save('stage-1'))
        assert learner_folder()==learner_folder() and l.path==learner_folder() and not list(here.iterdir())
    assert files[0]!=files[1] and all(f.exists() and f.is_relative_to(tmp_path/'home') for f in files)
    assert learner(path=tmp_path).save('x')==tmp_path/'models'/'x.pth' # as fastai has it

# --- memory ---

LONG = '''
import resource,torch
from pathlib import Path
from fastai.callback.core import Callback
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.simclr import SimCLR
from ssl_course.pretrain import fit_quietly,pretext_learner
torch.set_num_threads(1)
def resident():
    now = Path('/proc/self/statm')
    return int(now.read_text().split()[1])*resource.getpagesize() if now.exists() else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
class Watch(Callback):
    order = 99 # after `TrimMemory`
    def after_batch(self):
        if self.training and self.train_iter in (64, 320): print(resident())
images = Postcards(48, seed=0).images(256).unlabeled() # without trimming 133 MB more
learn = pretext_learner(images.dls(valid=.5, bs=128, steps=320), Encoder.small(width=8), SimCLR(), cbs=Watch())
fit_quietly(learn, lambda l: l.fit(1, 1e-3))
'''

def test_memory_stays_flat(monkeypatch):
    "From step 64 to step 320 a training grows by less than 60 MB"
    monkeypatch.setenv('SSL_COURSE_PRECISION', 'float32') # grows twice as fast as bfloat16
    out = subprocess.run([sys.executable, '-W', 'ignore', '-c', LONG], capture_output=True, text=True)
    assert out.returncode==0, out.stderr[-2000:]
    before,after = map(int, out.stdout.split())
    assert before>100e6 and (after-before)/1e6<60

# --- every task with every kind of encoder ---

# what each task does with each: True where it trains, else a part of the sentence that refuses
ENCODERS = dict(small=lambda: Encoder.small(width=4), vit=lambda: Encoder.vit_tiny(width=32, depth=2, heads=2), class_token=lambda: Encoder.vit_tiny(patch=8, width=32, depth=1, heads=1, pool='class'),
                timm_vit=lambda: Encoder.from_timm('test_vit'), one_size=lambda: Encoder.from_timm('mixer_s32_224', size=32))
PIECES,PATCHES = 'can.t train this encoder: mixer_s32_224 takes images of 32×32 pixels only, and these have','hides patches of the image, and this encoder needs all of them'
REFUSED = {('one_size', 'jigsaw'): PIECES, ('one_size', 'relative_position'): PIECES} | {(e, t): PATCHES for e in ('small', 'one_size') for t in ('masked_autoencoder', 'masked_features')}
ARGS = dict(distillation=dict(teacher='postcards-rotation', hidden=0), swav=dict(prototypes=8), moco=dict(queue=64), barlow_twins=dict(dim=32, hidden=32), vicreg=dict(dim=32, hidden=32))

@pytest.mark.parametrize('kind', ENCODERS)
def test_each_task_trains_each_encoder_or_refuses_it(kind):
    "A step with a finite loss and gradient into every stage; or one sentence, before any weight has changed"
    films = Clips(32, 1).images(8).unlabeled()
    some = ('rotation', 'simclr', *(t for e,t in REFUSED if e==kind)) # of a large network
    for name,make in pretext_tasks().items():
        if kind=='one_size' and name not in some: continue
        with seeded(0):
            task,encoder = make(**ARGS.get(name, {})),ENCODERS[kind]()
            begin = [p.detach().clone() for p in encoder.parameters()]
            dls = (films if task.clips else world().take(slice(0, 16))).dls(valid=.5, bs=8)
            def train():
                l = pretext_learner(dls, encoder, task)
                with l.no_bar(), l.no_logging(): l.fit(1, 1e-3)
                return l
            if (kind, name) in REFUSED:
                with pytest.raises(InputError, match=REFUSED[kind, name]) as e: train()
                assert all(torch.equal(a, p) for a,p in zip(begin, encoder.parameters())) and str(e.value).count('. ')==0
                continue
            l = train()
        assert np.isfinite(float(l.recorder.losses[-1])), name
        moved = [not torch.equal(a, p) for a,p in zip(begin, encoder.parameters())]
        assert np.mean(moved)>.8 and moved[0], name

def test_the_trial_of_an_encoder_changes_nothing():
    "Neither weights and statistics nor the random numbers of the training"
    l,x = learner(SimCLR),torch.rand(4, 3, 32, 32)
    before = state(l)
    with seeded(5):
        _try_encoder(l.model, x)
        a = torch.rand(1)
    with seeded(5): assert torch.equal(a, torch.rand(1))
    assert same(state(l), before) and l.model.training
