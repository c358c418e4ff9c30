"Unlabelled images while fine-tuning: what a notebook cell can't check well."
import copy
from functools import cache,partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastai.callback.core import Callback,CancelFitException
from fastai.callback.mixup import MixUp
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner,load_learner
from fastai.metrics import accuracy
from fastai.optimizer import Adam
from sklearn.datasets import make_moons
from torch import nn

from helpers import interrupt_at
from ssl_course.compute import seeded
from ssl_course.consistency import FixMatch,MeanTeacher,fixmatch_loss,mean_teacher_loss,pseudo_labels,semi_supervised,shift_flip
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.finetune import careful,from_scratch,head_only,naive,run_recipe,two_stage
from ssl_course.heads import Classify,Regress
from ssl_course.model import transfer_learner
from ssl_course.pretrain import fit_quietly
from ssl_course.utils import InputError
from ssl_course.views import mild_views

@cache
def world(): return Postcards(size=32, seed=1).images(200)
@cache
def few(): return world().few(1, seed=0)
@cache
def others(): return Postcards(size=32, seed=1).images(60, start=1000)

@cache
def pretrained():
    "Not to be changed: tests take copies"
    with seeded(0): return Encoder.small(width=4)

def learner(views=None, steps=2, **kwargs):
    dls = few().dls(valid=few(), bs=8, views=views, steps=steps)
    return transfer_learner(dls, copy.deepcopy(pretrained()), Classify(few().vocab, 0.), **kwargs)

def train(method=None, recipe=None, quiet=True, seed=3, cbs=(), **kwargs):
    "A learner, trained by a recipe with or without unlabelled images"
    with seeded(seed):
        l = learner(mild_views(), cbs=cbs)
        method = method() if method else None
        recipe = recipe or naive(2, 1e-2)
        plan = semi_supervised(recipe, method) if method else recipe
        l.fine_tune_with(plan, quiet) if not kwargs else plan.run(l, quiet, **kwargs)
    return l,method

METHODS = {'fixmatch': lambda images=None, **k: FixMatch(images or others(), 0., mu=2, **k),
           'mean teacher': lambda images=None, **k: MeanTeacher(images or others(), mu=2, **k)}
both = pytest.mark.parametrize('make', METHODS.values(), ids=METHODS)

def weights(m): return {k: v.clone() for k,v in m.state_dict().items()}
def same(a, b): return a.keys()==b.keys() and all(torch.equal(v, b[k]) for k,v in a.items())

class Watch(Callback):
    "What a step gave: `see(callback)` before the consistency callback forgets it"
    order,run_valid = 6,False
    def __init__(self, method, see): self.method,self.see,self.seen = method,see,[]
    def after_pred(self): self.seen.append(self.see(self))

# --- losses ---

def softmax(a): return np.exp(a-a.max(1, keepdims=True))/np.exp(a-a.max(1, keepdims=True)).sum(1, keepdims=True)

@pytest.mark.parametrize('threshold', [0., .5, .8, 1.])
def test_losses_against_numpy(threshold):
    rng = np.random.default_rng(0)
    a,b = 3*rng.normal(size=(50, 4)),3*rng.normal(size=(50, 4))
    p,q = softmax(a),softmax(b)
    want = np.mean([-np.log(q[i, p[i].argmax()]) if p[i].max()>=threshold else 0. for i in range(50)])
    assert fixmatch_loss(torch.tensor(a), torch.tensor(b), threshold).item()==pytest.approx(want)
    assert mean_teacher_loss(torch.tensor(b), torch.tensor(a)).item()==pytest.approx(((p-q)**2).mean())

def test_no_gradient_through_targets():
    a,b = (torch.randn(5, 3, requires_grad=True) for _ in range(2))
    (fixmatch_loss(a, b, .1)+mean_teacher_loss(b, a)).backward()
    assert a.grad is None and b.grad.abs().sum()>0

@both
def test_the_total_loss(make):
    "The head's loss of the labelled part plus weight times that of the others, in the first step, in either mode"
    for joint in (True, False):
        method = make(weight=2., joint=joint, **({} if make is METHODS['fixmatch'] else dict(ramp=0.)))
        def see(cb): return [o.detach().numpy().astype(float) for o in (cb.pred, *method.pair)]+[cb.yb[0].numpy()]
        with seeded(0):
            l = learner(cbs=(watch := Watch(method, see)))
            fit_quietly(l, lambda l: l.fit(1, 1e-2, cbs=method))
        pred,target,strong,y = watch.seen[0]
        p,q = softmax(target),softmax(strong)
        other = -np.log(q[np.arange(len(p)), p.argmax(1)]).mean() if make is METHODS['fixmatch'] else ((p-q)**2).mean()
        assert len(pred)==8 and len(p)==len(q)==16 and method.rows[0]['loss']==pytest.approx(other, rel=1e-5)
        assert l.record_lineage.losses[0]==pytest.approx(-np.log(softmax(pred)[range(8), y]).mean()+2*other, rel=1e-5)

# --- what goes through the model ---

@both
@pytest.mark.parametrize('joint', [True, False])
def test_what_passes_through_the_model(make, joint):
    "Sizes of the batches, and which of them have a gradient; in the teacher none has"
    method,seen = make(joint=joint),[]
    l = learner()
    l.model.encoder.body.register_forward_pre_hook(lambda m,x: seen.append((len(x[0]), torch.is_grad_enabled())))
    fit_quietly(l, lambda l: l.fit(1, 1e-2, cbs=method))
    own = {(True, True): [(40, True)], (True, False): [(8, True), (16, False), (16, True)],
           (False, True): [(24, True)], (False, False): [(8, True), (16, True)]}[make is METHODS['fixmatch'], joint]
    if make is METHODS['mean teacher']: own.insert(1, (16, False)) # its copy has the hook, too
    assert seen==own*2

def test_batch_norm_sees_both_or_each():
    "By itself, and without weight, the labelled batch trains every parameter as if there were no other images; together it doesn't"
    fit = lambda *cbs: fit_quietly(learner(), lambda l: l.fit(2, 1e-2, cbs=cbs)).model
    def params(*cbs):
        with seeded(1): return dict(fit(*cbs).named_parameters())
    alone = params()
    for make in METHODS.values():
        kwargs = {} if make is METHODS['fixmatch'] else dict(use_teacher=False)
        assert same(alone, params(make(weight=0., joint=False, **kwargs)))
        assert not same(alone, params(make(weight=0., **kwargs)))

@both
def test_labels_of_unlabelled_images_are_not_used(make):
    "Other labels, or none, and the weights are the same to the last bit"
    shuffled = ImageSet(others().x, others().y[::-1], others().vocab)
    a,b,c = (weights(train(partial(make, s))[0].model) for s in (others(), shuffled, others().unlabeled()))
    assert same(a, b) and same(a, c)

@both
def test_same_seed_same_numbers(make):
    (a,m),(b,n) = train(make),train(make)
    assert same(weights(a.model), weights(b.model)) and m.rows==n.rows and len(m.rows)==4
    assert not same(weights(a.model), weights(train(make, seed=4)[0].model))

@both
def test_frozen_layers_stay(make):
    l,_ = train(make, head_only(2, 1e-2))
    assert same(weights(l.encoder), weights(pretrained()))

def test_views_get_the_images_as_floats():
    seen = []
    def look(x): seen.append(x.clone()); return x
    train(partial(FixMatch, others(), mu=2, weak=look, strong=look))
    assert {(tuple(x.shape), x.dtype, type(x)) for x in seen}=={((16, 3, 32, 32), torch.float32, torch.Tensor)}
    known = {x.tobytes() for x in others().x}
    assert all((x*255).round().byte().permute(1, 2, 0).contiguous().numpy().tobytes() in known for b in seen for x in b)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])

def test_each_image_once_before_any_twice():
    "60 images in batches of 12 and epochs of five steps: every epoch is one pass"
    seen = []
    def look(x): seen.extend((x*255).round().byte().numpy()[i].tobytes() for i in range(len(x))); return x
    with seeded(0):
        dls = few().dls(valid=few(), bs=6, steps=5)
        l = transfer_learner(dls, copy.deepcopy(pretrained()), Classify(few().vocab, 0.))
        fit_quietly(l, lambda l: l.fit(2, 1e-3, cbs=FixMatch(others(), mu=2, weak=look, strong=lambda x: x)))
    assert len(seen)==120 and len(set(seen[:60]))==len(set(seen[60:]))==len({x.tobytes() for x in others().x})
    assert seen[:60]!=seen[60:]

def test_shifts_are_those_of_a_padded_image():
    x = torch.rand(20, 3, 9, 17)
    y,pad = shift_flip(x),F.pad(x, (2, 2, 1, 1), mode='reflect')
    places = [(t, l, f) for t in range(3) for l in range(5) for f in (False, True)]
    cut = lambda i,t,l,f: (lambda c: c.flip(-1) if f else c)(pad[i, :, t:t+9, l:l+17])
    assert all(any(torch.equal(y[i], cut(i, *p)) for p in places) for i in range(20))

# --- what is recorded ---

def test_passed_and_right_are_counted():
    "By hand, from the logits of each step; classes are matched by name, and one that the head lacks is never right"
    vocab = [*few().vocab[:0:-1], 'castle'] # all but the first class, backwards
    images = ImageSet(others().x, np.arange(60)%10, vocab)
    method = FixMatch(images, .105, mu=2)
    see = lambda cb: (method.pair[0].detach(), method.truth.clone())
    with seeded(0):
        l = learner(cbs=(watch := Watch(method, see)))
        fit_quietly(l, lambda l: l.fit(3, 1e-2, cbs=method))
    assert -1 in {int(t) for _,y in watch.seen for t in y} and len(method.table)==6
    for (logits,y),row in zip(watch.seen, method.table.itertuples()):
        label,sure = pseudo_labels(logits, .105)
        assert row.passed==pytest.approx(sure.float().mean().item())
        if sure.any(): assert row.right==pytest.approx((label==y)[sure].float().mean().item())
        else: assert np.isnan(row.right)
    kept = [((label==y)&sure, sure) for logits,y in watch.seen[4:] for label,sure in [pseudo_labels(logits, .105)]]
    assert method.right()==pytest.approx(sum(int(r.sum()) for r,_ in kept)/sum(int(s.sum()) for _,s in kept))

def test_columns_come_and_go():
    "Also after Ctrl-C; without true classes there is no column that would need them"
    l = learner(cbs=interrupt_at(3))
    before = [m.name for m in l.metrics]
    with pytest.raises(KeyboardInterrupt), l.no_bar(), l.no_logging(): l.fit(3, 1e-3, cbs=FixMatch(others()))
    assert l.recorder.metric_names[-3:]==['passed', 'right', 'time'] and [m.name for m in l.metrics]==before
    assert len(l.recorder.values[0])==len(before)+4
    for make,images,names in ((FixMatch, others().unlabeled(), ['passed']), (MeanTeacher, others(), ['right']), (MeanTeacher, others().unlabeled(), [])):
        assert [c.name for c in make(images).columns]==names

def test_the_lineage_names_the_images():
    l,m = train(METHODS['fixmatch'])
    assert l.encoder.lineage[-1]['unlabeled']==m.spec() and m.spec()['images']==60 and m.spec()['fingerprint']==others().unlabeled().fingerprint

# --- the teacher ---

def test_the_teacher_is_the_average():
    "Of all weights so far at first, then with the decay; checked step by step against NumPy"
    class Weights(Callback):
        order = 6
        def before_fit(self): seen.append(flat(self.model))
        def after_step(self): seen.append(flat(self.model)), teachers.append(flat(method.teacher))
    flat = lambda m: torch.cat([p.detach().flatten() for p in m.parameters()]).numpy().astype(float)
    seen,teachers,method = [],[],MeanTeacher(others(), decay=.7, mu=1, use_teacher=False)
    with seeded(0): fit_quietly(learner(steps=3), lambda l: l.fit(2, 1e-2, cbs=[method, Weights()]))
    t = seen[0]
    for i,(w,got) in enumerate(zip(seen[1:], teachers), 1):
        m = min(.7, 1-1/(i+1))
        t = m*t+(1-m)*w
        np.testing.assert_allclose(got, t, atol=1e-6)
    assert len(teachers)==6

def test_the_teacher_can_be_the_model():
    "It is validated, and is the model in the end; without, it trains the same student"
    l,m = train(METHODS['mean teacher'], two_stage(2, 1e-2), quiet=False)
    assert same(weights(l.model), weights(m.teacher)) and l.recorder.values[-1][1]==pytest.approx(l.validate()[0])
    own,n = train(partial(METHODS['mean teacher'], use_teacher=False), two_stage(2, 1e-2), quiet=False)
    assert same(weights(n.teacher), weights(m.teacher)) and not same(weights(own.model), weights(l.model))

def test_a_fresh_recipe_has_a_fresh_teacher():
    "Random weights come before the teacher is copied"
    l,m = train(partial(METHODS['mean teacher'], use_teacher=False), from_scratch(1, 1e-9))
    w = lambda e: e.body[0][0].weight
    assert torch.allclose(w(m.teacher.encoder), w(l.encoder), atol=1e-5) and not torch.allclose(w(l.encoder), w(pretrained()), atol=1e-2)

def test_batch_norm_of_the_teacher():
    "Frozen where the model's is; else it has statistics of its own"
    for bn in ('train', 'frozen statistics'):
        l,m = train(partial(METHODS['mean teacher'], use_teacher=False), naive(2, 1e-2).but(bn=bn))
        mean = lambda e: next(m for m in e.modules() if isinstance(m, nn.BatchNorm2d)).running_mean
        assert torch.equal(mean(m.teacher.encoder), mean(pretrained()))==(bn!='train')
        assert torch.equal(mean(m.teacher.encoder), mean(l.encoder))==(bn!='train')

# --- whole trainings ---

@both
@pytest.mark.parametrize('step', [3, 5, None])
def test_goes_on_bit_for_bit(make, step, tmp_path):
    "After Ctrl-C in either stage, or after the end: weights, teacher, table and lineage"
    recipe = two_stage(2, 1e-2, freeze_epochs=1)
    go = lambda file, *cbs: train(make, recipe, cbs=cbs, checkpoint=tmp_path/file)
    want,m = go('straight.pt')
    if step:
        with pytest.raises(KeyboardInterrupt): go('c.pt', interrupt_at(step))
    else: go('c.pt')
    got,n = go('c.pt')
    assert same(weights(got.model), weights(want.model)) and n.table.equals(m.table) and len(n.table)==6
    assert got.encoder.lineage==want.encoder.lineage and want.encoder.lineage[-1]['epochs']==3
    if m.teacher: assert same(weights(n.teacher), weights(m.teacher))
    with pytest.raises(InputError, match='of another training .*unlabeled'): train(partial(make, weight=9.), recipe, checkpoint=tmp_path/'c.pt')

@both
def test_prints_before_it_runs(make, capsys):
    "What the unlabelled images are for, the stages, then the table"
    train(make, two_stage(1, 1e-2), quiet=False)
    said = capsys.readouterr().out
    assert said.index('60 unlabelled images')<said.index('two stage + ')<said.index('everything')<said.index('train_loss')
    train(make)
    assert capsys.readouterr().out==''

@both
def test_validation_ends_no_training(make):
    "Neither `validate` nor `get_preds` touches table and teacher of a callback that stays in the learner"
    with seeded(0): fit_quietly(l := learner(cbs=(method := make())), lambda l: l.fit(1, 1e-2))
    before,rows = weights(l.model),list(method.rows)
    with l.no_bar(): l.validate(), l.get_preds()
    assert same(before, weights(l.model)) and method.rows==rows and len(rows)==2

@both
def test_lr_find_leaves_everything(make):
    with seeded(0):
        method = make()
        l = learner(cbs=method)
        before = weights(l.model)
        with l.no_bar(): l.lr_find(num_it=4, show_plot=False)
    assert same(before, weights(l.model)) and method.rows==[] and method.teacher is None

def test_two_recipes_one_callback():
    "A callback can be used again, and begins anew"
    method = MeanTeacher(others(), mu=1)
    for n in (1, 2):
        train(lambda: method, naive(n, 1e-2))
        assert len(method.table)==2*n

@both
def test_with_mixup_and_bfloat16(make):
    l,m = train(make, cbs=MixUp())
    assert np.isfinite(m.table.loss).all() and type(l.loss_func).__name__=='HeadLoss'
    with seeded(0):
        l = learner().to_bf16() # on a CPU only the encoder's own precision counts
        l.encoder.precision = torch.bfloat16
        l.fine_tune_with(semi_supervised(careful(1), make()), quiet=True)
    assert all(v.dtype==torch.float32 for v in l.model.parameters()) and np.isfinite(l.record_lineage.losses).all()

def test_an_exported_learner_has_no_images(tmp_path):
    l = learner(cbs=FixMatch(others(), mu=1))
    fit_quietly(l, lambda l: l.fit(1, 1e-3))
    path = l.export(tmp_path/'l.pkl')
    again = load_learner(path)
    assert path.stat().st_size<others().x.nbytes and torch.equal(again.get_preds(dl=l.dls.valid)[0], l.get_preds(dl=l.dls.valid)[0])
    again.dls = l.dls
    with pytest.raises(InputError, match='no images'): again.fit(1)

# --- refusals ---

@pytest.mark.parametrize('make,said', [
    (lambda: FixMatch(others(), threshold=1.2), 'from 0 to 1'), (lambda: FixMatch(others(), mu=0), 'whole number'), (lambda: FixMatch(others(), mu=1.5), 'whole number'),
    (lambda: FixMatch(others(), weight=-1.), 'at least 0'), (lambda: FixMatch('photos'), 'a str'), (lambda: FixMatch(others().take(slice(0, 0))), 'no unlabelled images'),
    (lambda: FixMatch(torch.rand(9, 2)), 'weak= and strong='), (lambda: FixMatch(others(), truth=[1, 2]), '60 unlabelled images and 2'), (lambda: MeanTeacher(others(), decay=1.), 'below 1'),
    (lambda: MeanTeacher(others(), ramp=2.), 'from 0 to 1'), (lambda: semi_supervised(careful(), others()), 'ImageSet'), (lambda: run_recipe(learner(), semi_supervised(careful(), FixMatch(others()))), 'fine_tune_with')])
def test_impossible_settings(make, said):
    with pytest.raises(InputError, match=said): make()

def test_learners_that_do_not_suit(monkeypatch):
    "Nothing is trained, and the callback is gone again"
    numbers = Postcards(size=32, seed=1).images(20, target=('x', 'y'))
    l = transfer_learner(numbers.dls(valid=numbers, bs=4), copy.deepcopy(pretrained()), Regress(2))
    before,n = weights(l.model),len(l.cbs)
    plan = semi_supervised(naive(1), FixMatch(others()))
    with pytest.raises(InputError, match='the head is a Regress'): l.fine_tune_with(plan)
    assert same(before, weights(l.model)) and len(l.cbs)==n
    with pytest.raises(InputError, match='two callbacks'): learner(cbs=FixMatch(others())).fine_tune_with(plan)
    large = Postcards(size=16, seed=1).images(20)
    with pytest.raises(InputError, match=r'\(3, 16, 16\)'): learner().fit(1, cbs=FixMatch(large))
    monkeypatch.setenv('WORLD_SIZE', '2')
    with pytest.raises(InputError, match='one process'): learner().fit(1, cbs=FixMatch(others()))

def test_smoothing_below_the_threshold(recwarn):
    "A head that learns .91 at most, and a threshold above it: said once, and only then"
    for threshold in (.9, .95):
        l = transfer_learner(few().dls(valid=few(), bs=8, steps=1), copy.deepcopy(pretrained()), Classify(few().vocab))
        l.fine_tune_with(semi_supervised(two_stage(1), FixMatch(others(), threshold, mu=1)), quiet=True)
    assert ['needs 0.95' in str(w.message) for w in recwarn if 'Label smoothing' in str(w.message)]==[True]

# --- two moons ---

def moons(make=None):
    "An MLP that knows four labels of each moon, and the callback with the other points"
    x,y = make_moons(400, noise=.08, random_state=0)
    x,y = torch.tensor(x, dtype=torch.float32),torch.tensor(y)
    at = torch.cat([torch.where(y==c)[0][:4] for c in (0, 1)])
    with seeded(0):
        dls = DataLoaders(DataLoader(list(zip(x[at], y[at]))*4, bs=8, shuffle=True), DataLoader(list(zip(x, y)), bs=400))
        net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
        l = Learner(dls, net, nn.CrossEntropyLoss(), opt_func=Adam, metrics=accuracy)
        cbs = make(x, truth=y, mu=8, weak=lambda x: x, strong=lambda x: x+.2*torch.randn_like(x)) if make else []
        fit_quietly(l, lambda l: l.fit(10, 1e-2, cbs=cbs))
    return net,cbs,x,y

@pytest.mark.parametrize('make', [partial(FixMatch, threshold=.8), partial(MeanTeacher, weight=10., use_teacher=False)])
def test_two_moons(make):
    "A plain learner with rows instead of images: 64 other points in each step, and the last row of the table is what the network answers"
    net,method,x,y = moons(make)
    assert len(method.table)==40 and method.table.loss.between(0, 2).all() and method.table.loss.max()>0 and not same(weights(net), weights(moons()[0]))
    final = (net if method.teacher is None else method.teacher)(x).softmax(1)
    sure = final.max(1)[0]>=method.threshold
    assert method.table.right.iloc[-4:].mean()==pytest.approx((final.argmax(1)==y)[sure].float().mean().item(), abs=.1)
    assert ('passed' in method.table)==(method.teacher is None)

def test_ctrl_c_while_the_teacher_is_validated_leaves_the_model_its_own_weights():
    method,own = MeanTeacher(others(), mu=1, decay=.7),{}
    class Stop(Callback):
        order = 6
        def before_validate(self):
            own.update({k: v.clone() for k,v in method.student.items()})
            raise KeyboardInterrupt
    with seeded(0):
        l = learner(cbs=[method, stop := Stop()])
        with pytest.raises(KeyboardInterrupt), l.no_bar(), l.no_logging(): l.fit(1, 1e-2)
        assert own and not same(weights(l.model), own) # they are the teacher's
        class Look(Callback):
            def before_train(self):
                self.seen = weights(self.model)
                raise CancelFitException
        l.remove_cb(stop), l.add_cb(look := Look())
        with l.no_bar(), l.no_logging(): l.fit(1, 1e-2)
    assert same(look.seen, own)
