"Recipes, batch-norm policies, drift, and stored comparisons: what a notebook cell can't check well."
import copy,json,os,signal,subprocess,sys,time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback

from ssl_course.compute import seeded
from ssl_course.drift import cka,feature_similarity,total_drift,weight_drift
from ssl_course.encoder import Encoder
from ssl_course.finetune import *
from ssl_course.loaders import *
from ssl_course.postcards import Postcards
from ssl_course.pretrain import quietly
from ssl_course.settings import CourseError
from ssl_course.stored import read_stored,stale_stored
from ssl_course.transfer import Classify,transfer_learner
from ssl_course.views import mild_views

ROOT = Path(__file__).resolve().parents[1]
FEW = Postcards(size=32, seed=1).images(200).few(2, seed=0)
with seeded(0): PRETRAINED = Encoder.small(width=8)

def learner(steps=2):
    dls = FEW.dls(valid=FEW, bs=20, views=mild_views(), steps=steps)
    return transfer_learner(dls, copy.deepcopy(PRETRAINED), Classify(FEW.vocab))

class Rates(Callback):
    "The learning rate of each group at each step, NaN where it is frozen"
    order,run_valid = 61,False
    def before_fit(self): self.seen = getattr(self, 'seen', [])
    def before_batch(self):
        free = [any(p.requires_grad for p in ps) for ps in self.opt.param_lists]
        self.seen.append([h['lr'] if f else np.nan for h,f in zip(self.opt.hypers, free)])

def run(f, steps=2):
    with seeded(3):
        l = learner(steps)
        l.add_cb(note := Rates())
        f(l)
    return l,np.array(note.seen).T

def statistics(encoder): return {k: b.clone() for k,b in encoder.named_buffers() if 'running' in k or 'batches' in k}

# --- the recipes ---

def test_two_stage_is_fastais_fine_tune():
    "The same rate for every group at every step, and every weight the same to the last bit"
    ours,our_rates = run(lambda l: fine_tune(l, two_stage(3, 4e-3, freeze_epochs=2), quiet=True))
    theirs,their_rates = run(lambda l: quietly(l, lambda l: l.fine_tune(3, 4e-3, freeze_epochs=2, wd=.05, cbs=BatchNormPolicy())))
    np.testing.assert_array_equal(our_rates, their_rates)
    for (k,a),(_,b) in zip(ours.model.state_dict().items(), theirs.model.state_dict().items()): assert torch.equal(a, b), k

@pytest.mark.parametrize('name', RECIPES)
def test_what_is_drawn_is_what_runs(name):
    "`schedule` agrees with the rates of a real fit, step by step and group by group"
    recipe = RECIPES[name](lr=1e-2)
    _,seen = run(lambda l: fine_tune(l, recipe, quiet=True), steps=1)
    np.testing.assert_allclose(seen, recipe.schedule(6, steps=1), rtol=1e-9)

def test_each_group_is_slower_by_the_factor():
    "Also in stages that train only some groups"
    for s in gradual(10, 1e-2, factor=3.).stages:
        rates = group_rates(s.lr, 6)
        np.testing.assert_allclose(np.divide(rates[1:], rates[:-1]), 3.)
        assert rates[-1]==1e-2

def test_gradual_unfreezes_one_group_an_epoch():
    assert [s.train_from for s in gradual(10).stages]==[-1, -2, -3, -4, -5, 0] and [s.epochs for s in gradual(10).stages]==[1, 1, 1, 1, 1, 5]

def test_head_only_leaves_every_bit_of_the_encoder():
    l,_ = run(lambda l: fine_tune(l, head_only(2, 1e-2), quiet=True))
    for (k,a),(_,b) in zip(l.model.encoder.state_dict().items(), PRETRAINED.state_dict().items()): assert torch.equal(a, b), k

def test_from_scratch_keeps_nothing_but_the_normalisation():
    l = learner()
    with seeded(1): fine_tune(l, Recipe('nothing learned', [Stage(1, -1, 1e-9)], fresh=True), quiet=True)
    own,old = l.model.encoder.state_dict(),PRETRAINED.state_dict()
    convs = [k for k,v in own.items() if v.ndim==4 and k.startswith('body')]
    assert convs and not any(torch.equal(own[k], old[k]) for k in convs) and torch.equal(own['mean'], old['mean'])

# --- batch norm ---

@pytest.mark.parametrize('make', [naive, two_stage, discriminative, gradual, probe_then_tune])
@pytest.mark.parametrize('policy', BN_POLICIES)
def test_batch_norm_obeys_its_policy(make, policy):
    "Running statistics are bit-equal under both frozen policies; weights of batch norm are under `frozen` only"
    epochs = 6 if make is gradual else 2
    l,_ = run(lambda l: fine_tune(l, make(epochs, 1e-2).but(bn=policy), quiet=True), steps=1)
    before,after = statistics(PRETRAINED),statistics(l.model.encoder)
    same = [torch.equal(after[k], before[k]) for k in before]
    assert len(same)>=30 and all(same)==(policy!='train')
    norms = [k for k,p in PRETRAINED.named_parameters() if p.ndim==1]
    changed = [not torch.equal(dict(l.model.encoder.named_parameters())[k], dict(PRETRAINED.named_parameters())[k]) for k in norms]
    assert any(changed)==(policy!='frozen')

def test_frozen_groups_keep_their_statistics_under_every_policy():
    l,_ = run(lambda l: fine_tune(l, Recipe('late', [Stage(1, -2, 1e-2, bn='train')]), quiet=True))
    for i,(stage,old) in enumerate(zip(l.model.encoder.stages(), PRETRAINED.stages())):
        new,was = ({k: b for m in s for k,b in m.named_buffers()} for s in (stage, old))
        assert all(torch.equal(new[k], was[k]) for k in was)==(i<4), i

# --- bad input: one sentence, before anything is trained ---

BAD = [(Stage(1, -7, 1e-3), 'has 6 groups'), (Stage(1, 6, 1e-3), 'has 6 groups'), (Stage(0, 0, 1e-3), 'whole number'), (Stage(1.5, 0, 1e-3), 'whole number'),
       (Stage(1, 0, -1e-3), 'above 0'), (Stage(1, 0, 0.), 'above 0'), (Stage(1, 0, float('nan')), 'above 0'), (Stage(1, 0, float('inf')), 'above 0'),
       (Stage(1, 0, slice(1e-2, 1e-4)), 'near the image'), (Stage(1, 0, slice(-1e-4, 1e-2)), 'both above 0'), (Stage(1, 0, slice(None)), 'both above 0'),
       (Stage(1, 0, [1e-3]*5), '5 learning rates for 6'), (Stage(1, 0, [1e-3]*5+[1e-4]), 'near the image'), (Stage(1, 0, Decay(1e-2, .5)), 'near the image'),
       (Stage(1, 0, 1e-3, bn='off'), 'must be one of'), (Stage(1, 0, 1e-3, wd=-1.), 'at least 0'), (Stage(1, 0, 1e-3, pct_start=1.), 'between 0 and 1')]

@pytest.mark.parametrize('stage,said', BAD, ids=[str(i) for i in range(len(BAD))])
def test_bad_recipes_are_refused_before_training(stage, said):
    l = learner()
    with pytest.raises(CourseError, match=said): fine_tune(l, Recipe('bad', [Stage(1, 0, 1e-3), stage]), quiet=True)
    for (k,a),(_,b) in zip(l.model.encoder.state_dict().items(), PRETRAINED.state_dict().items()): assert torch.equal(a, b), k

def test_empty_recipe_and_too_few_epochs():
    with pytest.raises(CourseError, match='no stages'): fine_tune(learner(), Recipe('empty', []))
    with pytest.raises(CourseError, match='needs 6 at least'): gradual(5)
    with pytest.raises(CourseError, match='has 6 groups'): fine_tune(learner(), gradual(8, groups=8))

# --- drift ---

def test_cka_against_gram_matrices():
    "The same number by another way: HSIC of centred Gram matrices (Kornblith et al. 2019, equations 2 and 3)"
    rng = np.random.default_rng(1)
    x,y = rng.normal(size=(60, 7)),rng.normal(size=(60, 4))+rng.normal(size=(60, 1))
    h = np.eye(60)-1/60
    hsic = lambda a,b: np.trace(a@a.T@h@b@b.T@h)
    assert cka(x, y)==pytest.approx(hsic(x, y)/np.sqrt(hsic(x, x)*hsic(y, y)), rel=1e-9)

def test_drift_counts_weights_and_not_statistics():
    other = copy.deepcopy(PRETRAINED)
    for m in other.modules():
        if isinstance(m, torch.nn.BatchNorm2d): m.running_mean.add_(.1)
    assert total_drift(other, PRETRAINED)==0 and not weight_drift(other, PRETRAINED).any()
    assert feature_similarity(other, PRETRAINED, FEW).min()<1

# --- stored comparisons ---

SCRIPT = '''
import sys,time
from ssl_course.stored import Stored
store = Stored('slow', dict(n=6), folder=sys.argv[1])
def work(key):
    with open(sys.argv[2], 'a') as f: print(key['seed'], file=f, flush=True)
    time.sleep(float(sys.argv[3]))
    return dict(value=key['seed']**2)
store.each('part', [dict(seed=i) for i in range(6)], work)
store.finish()
'''

def test_a_killed_comparison_goes_on_where_it_was(tmp_path):
    "kill -9 in the middle of a run: that run is done again and no other, and no half file is left anywhere"
    (script := tmp_path/'run.py').write_text(SCRIPT)
    out,log,home = tmp_path/'out',tmp_path/'log.txt',tmp_path/'home'
    env = {**os.environ, 'SSL_COURSE_HOME': str(home)}
    command = lambda pause: [sys.executable, str(script), str(out), str(log), pause]
    p = subprocess.Popen(command('1.5'), env=env)
    deadline = time.time()+120
    while not (log.exists() and len(log.read_text().split())==3) and time.time()<deadline: time.sleep(.05)
    p.send_signal(signal.SIGKILL), p.wait()
    assert not out.exists() or not list(out.iterdir())
    subprocess.run(command('0'), env=env, check=True, capture_output=True)
    tried = list(map(int, log.read_text().split()))
    assert tried==[0, 1, 2, 2, 3, 4, 5]
    done = json.loads((out/'slow.json').read_text())
    assert [r['value'] for r in done['parts']['part']]==[0, 1, 4, 9, 16, 25] and done['date']
    assert not [f for f in tmp_path.rglob('.*') if f.is_file()]

def test_stored_results_are_those_of_this_code():
    assert stale_stored(ROOT/'nbs'/'lessons'/'results'/'stored')==[]

def test_the_comparison_is_whole():
    "Every recipe at every number of labels with every seed, and each learning rate was the same for all seeds"
    s = read_stored('fine_tuning', ROOT/'nbs'/'lessons'/'results'/'stored')
    t = s.table('recipes')
    assert len(t)==len(RECIPES)*len(s.plan['labels'])*s.plan['seeds'] and set(t.method)==set(RECIPES) and not t.duplicated(['method', 'labels', 'seed']).any()
    assert (t.groupby(['method', 'labels']).choice.nunique()==1).all() and s.plan['seeds']>=5
    assert (t[t.method=='head only'].drift==0).all() and t.accuracy.between(0, 1).all()
