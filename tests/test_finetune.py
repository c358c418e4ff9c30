"Recipes and batch-norm policies: what a notebook cell can't check well."
import copy
from functools import cache

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback

from helpers import interrupt_at
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.finetune import BN_POLICIES,BatchNormPolicy,Decay,RECIPES,Recipe,Stage,discriminative,gradual,group_rates,head_only,lr_find_groups,naive,probe_then_tune,run_recipe,run_resumable,two_stage
from ssl_course.heads import Classify
from ssl_course.model import transfer_learner
from ssl_course.pretrain import fit_quietly
from ssl_course.utils import InputError
from ssl_course.views import mild_views

@cache
def few(): return Postcards(size=32, seed=1).images(200).few(2, seed=0)

@cache
def pretrained():
    "Not to be changed: tests take copies"
    with seeded(0): return Encoder.small(width=8)

def learner(steps=2):
    dls = few().dls(valid=few(), bs=20, views=mild_views(), steps=steps)
    return transfer_learner(dls, copy.deepcopy(pretrained()), Classify(few().vocab))

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
    ours,our_rates = run(lambda l: run_recipe(l, two_stage(3, 4e-3, freeze_epochs=2), quiet=True))
    theirs,their_rates = run(lambda l: fit_quietly(l, lambda l: l.fine_tune(3, 4e-3, freeze_epochs=2, wd=.05, cbs=BatchNormPolicy())))
    np.testing.assert_array_equal(our_rates, their_rates)
    for (k,a),(_,b) in zip(ours.model.state_dict().items(), theirs.model.state_dict().items()): assert torch.equal(a, b), k

@pytest.mark.parametrize('name', RECIPES)
def test_what_is_drawn_is_what_runs(name):
    "`schedule` agrees with the rates of a real fit, step by step and group by group"
    recipe = RECIPES[name](lr=1e-2)
    _,seen = run(lambda l: run_recipe(l, recipe, quiet=True), steps=1)
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
    l,_ = run(lambda l: run_recipe(l, head_only(2, 1e-2), quiet=True))
    for (k,a),(_,b) in zip(l.model.encoder.state_dict().items(), pretrained().state_dict().items()): assert torch.equal(a, b), k

def test_from_scratch_keeps_nothing_but_the_normalization():
    l = learner()
    with seeded(1): run_recipe(l, Recipe('nothing learned', [Stage(1, -1, 1e-9)], fresh=True), quiet=True)
    own,old = l.model.encoder.state_dict(),pretrained().state_dict()
    convs = [k for k,v in own.items() if v.ndim==4 and k.startswith('body')]
    assert convs and not any(torch.equal(own[k], old[k]) for k in convs) and torch.equal(own['mean'], old['mean'])

# --- batch norm ---

@pytest.mark.parametrize('make', [naive, two_stage, discriminative, gradual, probe_then_tune])
@pytest.mark.parametrize('policy', BN_POLICIES)
def test_batch_norm_obeys_its_policy(make, policy):
    "Running statistics are bit-equal under both frozen policies; weights of batch norm are under `frozen_method` only"
    epochs = 6 if make is gradual else 2
    l,_ = run(lambda l: run_recipe(l, make(epochs, 1e-2).but(bn=policy), quiet=True), steps=1)
    before,after = statistics(pretrained()),statistics(l.model.encoder)
    same = [torch.equal(after[k], before[k]) for k in before]
    assert len(same)>=30 and all(same)==(policy!='train')
    norms = [k for k,p in pretrained().named_parameters() if p.ndim==1]
    changed = [not torch.equal(dict(l.model.encoder.named_parameters())[k], dict(pretrained().named_parameters())[k]) for k in norms]
    assert any(changed)==(policy!='frozen')

def test_frozen_groups_keep_their_statistics_under_every_policy():
    l,_ = run(lambda l: run_recipe(l, Recipe('late', [Stage(1, -2, 1e-2, bn='train')]), quiet=True))
    for i,(stage,old) in enumerate(zip(l.model.encoder.stages(), pretrained().stages())):
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
    with pytest.raises(InputError, match=said): run_recipe(l, Recipe('bad', [Stage(1, 0, 1e-3), stage]), quiet=True)
    for (k,a),(_,b) in zip(l.model.encoder.state_dict().items(), pretrained().state_dict().items()): assert torch.equal(a, b), k

def test_empty_recipe_and_too_few_epochs():
    with pytest.raises(InputError, match='no stages'): run_recipe(learner(), Recipe('empty', []))
    with pytest.raises(InputError, match='needs 6 at least'): gradual(5)
    with pytest.raises(InputError, match='has 6 groups'): run_recipe(learner(), gradual(8, groups=8))

# --- a rate for each group ---

@pytest.mark.parametrize('interrupted', [False, True])
def test_lr_find_groups_leaves_the_learner_as_it_was(interrupted):
    "What was frozen stays frozen, also after Ctrl-C, and the next fit is the same to the last bit"
    def frozen(): l = learner(); l.freeze(); fit_quietly(l, lambda l: l.fit(1, 1e-3)); return l
    def trained(l):
        for dl in l.dls.loaders: dl.rng.seed(5)
        with seeded(4): return fit_quietly(l, lambda l: l.fit(1, 1e-3))
    with seeded(3): l = frozen()
    with seeded(3): calm = frozen()
    if interrupted:
        with pytest.raises(KeyboardInterrupt), l.added_cbs(interrupt_at(4)): lr_find_groups(l, num_it=6)
    else: assert set(lr_find_groups(l, num_it=6).group)==set(range(6))
    free = lambda l: [p.requires_grad for p in l.model.parameters()]
    assert free(l)==free(calm) and not all(free(l)) and l.opt.frozen_idx==calm.opt.frozen_idx
    for (k,a),(_,b) in zip(trained(l).model.state_dict().items(), trained(calm).model.state_dict().items()): assert torch.equal(a, b), k

# --- interrupted ---

@pytest.mark.parametrize('step', [3, 5, 10, None])
def test_a_recipe_goes_on_bit_for_bit(step, tmp_path):
    "In any stage, with what is frozen there, and the optimizer of the stages before"
    def train(file, step=None):
        with seeded(3):
            l = learner()
            if step: l.add_cb(interrupt_at(step))
            return run_resumable(l, two_stage(3, 1e-2, freeze_epochs=2), tmp_path/file)
    want = train('straight.pt')
    if step:
        with pytest.raises(KeyboardInterrupt): train('c.pt', step)
    else: train('c.pt')
    got = train('c.pt')
    for (k,a),(_,b) in zip(got.model.state_dict().items(), want.model.state_dict().items()): assert torch.equal(a, b), k
    assert got.model.encoder.lineage==want.model.encoder.lineage and want.model.encoder.lineage[-1]['epochs']==5
    with seeded(3), pytest.raises(InputError, match='of another training .recipe: '): run_resumable(learner(), naive(6, 1e-2), tmp_path/'c.pt')
