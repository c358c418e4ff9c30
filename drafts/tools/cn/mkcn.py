import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root=sys.argv[1] if len(sys.argv)>1 else '/work/main'
p=f'{root}/nbs/course/experiments/contrast_choices.ipynb'
base=json.load(open('/work/main/nbs/course/experiments/patch_shortcuts.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def md(t): n.ins(len(n.c),t,'markdown')
def code(t): n.ins(len(n.c),t)
md('''# course.experiments.contrast_choices

> The choices behind lesson 11: temperature, number of negatives, false ones, views, and the age of a queue's keys.''')
code('#| default_exp course.experiments.contrast_choices')
code('''#| export
from functools import partial

import numpy as np
import pandas as pd
import torch
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import r2_score

from ssl_course.compute import seeded
from ssl_course.course.experiment import Experiment
from ssl_course.course.experiments.two_view_methods import class_sources,cost
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import fit_few,next_tries
from ssl_course.evaluate.probes import PROBE_C,embed,linear_probe,ridge_probe
from ssl_course.finetune import from_scratch
from ssl_course.plots import INK,METHOD_COLORS,PALETTE,course_style,new_figure
from ssl_course.pretext.moco import MoCo
from ssl_course.pretext.simclr import SimCLR
from ssl_course.pretext.two_views import TwoViews
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.views import strong_views''')
code('''#| hide
import tempfile
from fastcore.test import expect_fail,test_eq
from ssl_course.course.experiment import known_experiments,read_experiment
from ssl_course.settings import load_settings
from ssl_course.utils import InputError''')
md('''Each arm differs from `base` in one thing. Steps, images and batches are those of `base` even where fewer *negatives* are wanted: a smaller batch would also mean more steps and noisier statistics, so we keep the batch and hide candidates.

## Hide some candidates''')
code('''#| export
class CandidateSimCLR(SimCLR):
    "SimCLR in which each view sees only some of the batch's other images."
    def __init__(self,
        group:int=None, # images that compete with each other; default: the whole batch
        labels:dict=None, # bytes of an image → its class: images of the same class don't compete
        **kwargs, # arguments of `SimCLR`
    ):
        super().__init__(**kwargs)
        self.group,self.labels = group,labels

    def make(self, x):
        "As `SimCLR.make`; also notes which views compete."
        i = torch.arange(len(x))
        ok = torch.ones(len(x), len(x), dtype=torch.bool)
        if self.group: ok &= (i//self.group)[:,None]==i//self.group
        if self.labels:
            y = torch.tensor([self.labels[o] for o in image_keys(x)])
            ok &= (y[:,None]!=y) | torch.eye(len(x), dtype=torch.bool)
        self.hidden_pairs = ~ok.repeat(2, 2)
        return super().make(x)

    def forward(self, encoder, inputs):
        "Scores (2B,2B), with −∞ for a view that doesn't compete."
        return super().forward(encoder, inputs).masked_fill(self.hidden_pairs, -torch.inf)''')
code('''#| export
def image_keys(
    x, # float images (B,C,H,W) in [0,1]
)->list: # of bytes
    "The images' own bytes, by which their classes can be looked up inside a pretext task."
    return [o.tobytes() for o in (x*255).round().byte().permute(0, 2, 3, 1).cpu().numpy()]

def labels_of(
    images:ImageSet, # with labels
)->dict: # bytes of an image → class
    "For `CandidateSimCLR`, which gets images without labels."
    return {o.tobytes(): int(y) for o,y in zip(images.x, images.y)}''')
code('''few = Postcards(size=32, seed=1).images(8)
x = torch.from_numpy(few.x).permute(0, 3, 1, 2)/255
task = CandidateSimCLR(group=4)
task.make(x)
test_eq((~task.hidden_pairs).sum(1), torch.full((16,), 8)) # 4 images, 2 views of each
task = CandidateSimCLR(labels=labels_of(few))
task.make(x)
y = torch.tensor(few.y).repeat(2)
test_eq(task.hidden_pairs, (y[:,None]==y) & ~torch.eye(8, dtype=torch.bool).repeat(2, 2))''')
md('## The arms')
code('''#| export
VIEWS = {'all': {}, 'no color change': dict(jitter=0., gray=0.), 'same hue': dict(hue=0., gray=0.),
         'no crop': dict(scale=(1., 1.), ratio=(1., 1.))}
ARMS = {'base': {}, **{f'τ {t:g}': dict(temp=t) for t in (.03, .3, 1.)},
        **{f'{n} compete': dict(group=n) for n in (4, 16)}, 'no false negatives': dict(told=True),
        **{k: dict(views=k) for k in VIEWS if k!='all'}, 'batch 32': dict(bs=32),
        'queue 512': dict(bs=32, queue=512), 'queue 4096': dict(bs=32, queue=4096),
        'queue 4096, slower': dict(bs=32, queue=4096, momentum=.999)}

def arm_task(
    arm:str, # of `ARMS`
    images:ImageSet, # to pretrain on; the labels are for the arm without false negatives
    temp:float=.1, # temperature where the arm names none
)->TwoViews:
    "The pretext task of one arm."
    a = ARMS[arm]
    views = strong_views(size=24, **VIEWS[a.get('views', 'all')])
    if 'queue' in a:
        return MoCo(a['queue'], a.get('momentum', .99), temp=temp, views=views)
    return CandidateSimCLR(a.get('group'), labels_of(images) if a.get('told') else None,
                           temp=a.get('temp', temp), views=views)''')
code('''#| export
def plan(
    s, # a `Settings`
)->dict: # plain values
    "All sizes and settings of the experiment."
    n = dict(images=s.pick(128, 20_000), pool=s.pick(240, 2000), valid=s.pick(60, 1000),
             test=s.pick(60, 2000))
    return dict(seed=s.seed, size=32, arms=list(ARMS), images=n, seen=s.pick(128, 300_000), bs=128,
                temp=.1, width=s.pick(4, 16), rates=list(s.pick((3e-3,), (3e-3, 1e-3, 1e-2))),
                seeds=s.pick(1, 2), labels=s.pick(2, 5), draws=3, neighbors=5,
                curve=list(s.pick((64,), (25_000, 75_000, 1_200_000))),
                ceiling=dict(updates=s.pick(4, 1500)))

def data(
    p:dict, # a `plan`
)->dict: # images, pool, valid, test
    "Ranges of postcards that don't overlap."
    world = Postcards(p['size'], seed=p['seed'])
    return {k: world.images(n, start=2_000_000+100_000*i)
            for i,(k,n) in enumerate(p['images'].items())}''')
code('''#| export
def pretrain_arm(
    arm:str, # of `ARMS`
    images:ImageSet, # to pretrain on
    p:dict, # a `plan`
    lr:float, # largest learning rate for batches of 128, scaled by the root of the batch size
    seed:int=0, # of weights, batches and views
    seen:int=None, # images that SimCLR sees, half for small batches; MoCo gets the same compute
    desc:str='', # of a progress bar
): # a `PretextLearner`
    "Pretrain by one cycle."
    bs = min(ARMS[arm].get('bs', p['bs']), len(images)//2)
    task = arm_task(arm, images, p['temp'])
    seen = seen or p['seen']*(1 if bs==p['bs'] else .5)
    steps = max(2, round(seen*cost(SimCLR)/cost(task)/bs))
    with seeded(seed):
        plain = images.unlabeled()
        dls = plain.dls(plain.take(slice(0, bs)), bs=bs, steps=steps)
        learn = pretext_learner(dls, Encoder.small(width=p['width']), task)
        return fit_quietly(learn, lambda l: l.fit_one_cycle(1, lr*(bs/128)**.5, pct_start=.15),
                           desc)''')
md('''## What an encoder knows

The class, with five labels per class and with the whole pool, on validation and test images apart. The penalty is chosen on validation images. Then the factors that drew the postcard, by ridge regression, and how often the nearest neighbour has the same class or the same hue.''')
code('''#| export
FACTORS = ('hue', 'x', 'y', 'scale', 'light', 'brightness')

def class_accuracy(
    z:dict, # embeddings of pool, valid and test
    sets:dict, # the images
    p:dict, # a `plan`
)->dict: # valid, probe: with few labels; full: with the pool
    "Linear probes, the mean over draws of labels."
    place = {name: i for i,name in enumerate(sets['pool'].names)}
    def best(rows):
        fits = [linear_probe(z['pool'][rows], sets['pool'].y[rows], C, z['pool']) for C in PROBE_C]
        scores = [f.score(z['valid'], sets['valid'].y) for f in fits]
        return max(scores),fits[int(np.argmax(scores))].score(z['test'], sets['test'].y)
    few = [best([place[o] for o in sets['pool'].few(p['labels'], i).names])
           for i in range(p['draws'])]
    valid,test = np.mean(few, 0)
    return dict(valid=float(valid), probe=float(test), full=best(np.arange(len(place)))[1])''')
code('''#| export
def factor_values(
    p:dict, # a `plan`
    part:str, # name of the images
)->dict: # factor → (N,k); the hue, an angle, as cosine and sine
    "What drew the postcards."
    start = 2_000_000+100_000*list(p['images']).index(part)
    f = Postcards(p['size'], seed=p['seed']).factors(range(start, start+p['images'][part]))
    turn = 2*np.pi*f['hue']
    return {k: np.c_[np.cos(turn), np.sin(turn)] if k=='hue' else f[k][:,None] for k in FACTORS}

def factors_read(
    z:dict, # embeddings of pool and test
    p:dict, # a `plan`
)->dict: # factor → R², at least 0
    "R² of ridge regression from embeddings to each factor."
    a,b = factor_values(p, 'pool'),factor_values(p, 'test')
    fits = {k: ridge_probe(z['pool'], v).predict(z['test']).reshape(b[k].shape)
            for k,v in a.items()}
    return {k: max(0., float(r2_score(b[k], v))) for k,v in fits.items()}''')
code('''#| export
def neighbors(
    z:dict, # embeddings of pool and test
    sets:dict, # the images
    p:dict, # a `plan`
)->dict: # same_class, same_hue: fractions; nearest: rows of the pool for two queries per class
    "What the nearest images of the pool have in common with those of the test set."
    unit = lambda e: e/np.linalg.norm(e, axis=1, keepdims=True)
    mean = z['pool'].mean(0)
    near = np.argsort(-unit(z['test']-mean)@unit(z['pool']-mean).T, 1)[:,:p['neighbors']]
    a,b = factor_values(p, 'test')['hue'],factor_values(p, 'pool')['hue']
    close = (a*b[near[:,0]]).sum(1)>np.cos(2*np.pi/12) # less than a twelfth of a turn apart
    y = sets['test'].y
    shown = np.sort(np.concatenate([np.flatnonzero(y==c)[:2] for c in np.unique(y)]))
    return dict(same_class=float((sets['pool'].y[near[:,0]]==y).mean()),
                same_hue=float(close.mean()), shown=shown.tolist(),
                nearest=near[shown].tolist())

def measure(
    z:dict, # embeddings of pool, valid and test
    sets:dict, # the images
    p:dict, # a `plan`
)->dict:
    "Class, factors and neighbors."
    return class_accuracy(z, sets, p) | dict(factors=factors_read(z, p)) | neighbors(z, sets, p)''')
code('''#| export
def encoder_values(
    encoder, # an `Encoder`
    sets:dict, # pool, valid and test
    p:dict, # a `plan`
)->dict:
    "What `measure` finds in the encoder's embeddings."
    return measure({k: embed(encoder, sets[k]) for k in ('pool', 'valid', 'test')}, sets, p)

def arm_run(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # arm, lr, seed; seen, if it isn't the plan's
)->dict: # measured values
    "Pretrain once, and measure."
    learn = pretrain_arm(key['arm'], sets['images'], p, key['lr'], key['seed'], key.get('seen'))
    return dict(loss=float(np.mean(learn.recorder.losses[-10:]))) | encoder_values(
        learn.encoder, sets, p)''')
code('''#| export
def bound_run(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # bound: untrained, pixels or supervised; seed
)->dict: # measured values
    "What to compare the encoders with."
    if key['bound']=='pixels':
        return measure({k: sets[k].x.reshape(len(sets[k]), -1)/255
                        for k in ('pool', 'valid', 'test')}, sets, p)
    new = partial(Encoder.small, width=p['width'])
    with seeded(key['seed']): encoder = new()
    if key['bound']=='supervised':
        pool = sets['images'].take(slice(0, len(sets['images'])//2))
        encoder = fit_few(pool, new, from_scratch(lr=3e-3), key['seed'], **p['ceiling']).encoder
    return encoder_values(encoder, sets, p)''')
code('''#| export
WORKERS = 2 # processes that train side by side, one thread each
LADDER = 3e-4,1e-3,3e-3,1e-2,3e-2,1e-1 # rates to go on to from the edge of the plan's

def best_rates(
    store, # a `ResultStore` or `StoredRuns`
)->dict: # arm → learning rate
    "The rate with the highest accuracy on validation images."
    rows = sorted(store.rows('rates'), key=lambda r: (r['valid'], -r['lr']))
    return {r['arm']: r['lr'] for r in rows}

def rates_left(
    store, # a `ResultStore`
    p:dict, # a `plan`
)->list: # of keys
    "The rates beside each arm's best that were not tried yet."
    tried = {a: {r['lr']: r['valid'] for r in store.rows('rates') if r['arm']==a}
             for a in p['arms']}
    return [dict(arm=a, lr=lr, seed=0) for a in p['arms']
            for lr in next_tries(tried[a], p['rates'], len(LADDER)+1, LADDER)]

def chosen_runs(
    store, # a `ResultStore` or `StoredRuns`
): # a DataFrame, a row for each arm and seed
    "The runs at each arm's best rate, those of the search among them."
    best = best_rates(store)
    first = [r | dict(seed=0) for r in store.rows('rates') if r['lr']==best[r['arm']]]
    return pd.DataFrame(first+store.rows('seeds'))''')
code('''#| export
def work(
    store, # a `ResultStore`
    sets:dict, # returned by `data`
    p:dict, # a `plan`
):
    "Search each arm's rate, repeat the best, compare, then train longer and shorter."
    run,bounds = partial(arm_run, sets, p),[dict(bound='supervised', seed=0),
                                            dict(bound='pixels', seed=0)]
    for lr in p['rates']:
        store.each('rates', [dict(arm=a, lr=lr, seed=0) for a in p['arms']], run, WORKERS)
    if len(p['rates'])>1:
        while left := rates_left(store, p): store.each('rates', left, run, WORKERS)
    best = best_rates(store)
    for i in range(1, p['seeds']):
        store.each('seeds', [dict(arm=a, lr=best[a], seed=i) for a in p['arms']], run, WORKERS)
    store.each('bounds', bounds+[dict(bound='untrained', seed=i) for i in range(p['seeds'])],
               partial(bound_run, sets, p), WORKERS)
    store.each('curve', [dict(arm='base', lr=best['base'], seed=0, seen=n)
                         for n in p['curve'][::-1]], run, WORKERS)

CONTRAST_CHOICES = Experiment('contrast_choices', plan, data, work,
    (*class_sources((SimCLR, MoCo, CandidateSimCLR)), arm_task, plan, data, pretrain_arm,
     class_accuracy, factor_values, factors_read, neighbors, measure, arm_run, bound_run))''')
exec(open('/tmp/cn/plots.py').read())
for t in PLOTS: (md if t.startswith('##') else code)(t)
code('''smoke = load_settings(budget='smoke')
store = known_experiments()['contrast_choices'].run(smoke, tempfile.mkdtemp())
test_eq(set(best_rates(store)), set(ARMS))
test_eq(len(chosen_runs(store)), len(ARMS))
store.table('bounds')[['bound', 'probe', 'full', 'same_class', 'same_hue']].round(2)''')
n.save()
