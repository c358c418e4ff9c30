import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root='/tmp/wt/seven'
p=f'{root}/nbs/course/experiments/pretext_compute.ipynb'
base=json.load(open('/work/main/nbs/course/experiments/patch_shortcuts.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def md(t): n.ins(len(n.c),t,'markdown')
def code(t):
    for i,o in enumerate(t.split('\n#---\n')): n.ins(len(n.c), ('#| export\n' if i else '')+o)
md('''# course.experiments.pretext_compute

> The experiment behind lesson 7: six pretext tasks at rising compute, on postcards with and without an up, and on photographs.''')
code('#| default_exp course.experiments.pretext_compute')
code('''#| export
import hashlib,json
from functools import cache,partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter
from torch.optim.swa_utils import update_bn

from ssl_course.compute import seeded
from ssl_course.course.experiment import Experiment
from ssl_course.course.experiments.two_view_methods import class_sources
from ssl_course.data.imageset import ImageSet
from ssl_course.data.loaders import float_batches
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import fit_few,next_tries
from ssl_course.evaluate.pretext_matrix import pretext_metrics,pretrain_on,relative_cost
from ssl_course.evaluate.probes import PROBE_C,embed,linear_probe
from ssl_course.finetune import from_scratch
from ssl_course.plots import METHOD_COLORS,_names_at_ends,course_style,new_figure
from ssl_course.pretext.base import Pretext
from ssl_course.pretext.colorization import ColorRegression,Colorization
from ssl_course.pretext.jigsaw import Jigsaw,_Pieces
from ssl_course.pretext.reconstruction import Autoencoder,MaskingNoise
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretext.simclr import SimCLR
from ssl_course.pretext.two_views import TwoViews
from ssl_course.pretext.vicreg import VICReg
from ssl_course.resume import source_hash
from ssl_course.settings import cache_folder
from ssl_course.utils import InputError
from ssl_course.views import strong_views''')
code('''#| hide
import tempfile
from fastcore.test import expect_fail,test_close,test_eq
from PIL import Image
from ssl_course.course.experiment import known_experiments
from ssl_course.settings import load_settings''')
md('''## The tasks

All with the library's defaults, and all on the same small convolutional encoder, so the masked task is that of a convolutional network: `MaskingNoise` of lesson 5. The two methods with two views get views of three quarters of the side, as the stored encoders did. What is measured in pixels grows with the images.''')
code('''#| export
TASKS = dict(rotation=Rotation, jigsaw=Jigsaw, colorization=Colorization, masking=MaskingNoise,
             simclr=SimCLR, vicreg=VICReg)

def make_task(
    name:str, # of `TASKS`
    p:dict, # a `plan`
)->Pretext:
    "The pretext task, for images of the plan's size."
    if name in ('simclr', 'vicreg'):
        return TASKS[name](views=strong_views(size=3*p['size']//4, hue=p['hue']))
    return MaskingNoise(grain=p['size']//8) if name=='masking' else TASKS[name]()''')
md('''## Three worlds

The second is the first with every image turned by a random multiple of 90°, and half of them mirrored: the same images, but none has an up. Think of cells under a microscope, or of satellite images.''')
code('''#| export
def any_way_up(
    images:ImageSet, # square images
    seed:int=0, # of the turns
)->ImageSet: # the same labels
    "Each image turned by a random multiple of 90°, and half of them mirrored."
    rng = np.random.default_rng(seed)
    turns,mirrored = rng.integers(0, 4, len(images)),rng.random(len(images))<.5
    x = images.x.copy()
    for k in range(1, 4): x[turns==k] = np.rot90(images.x[turns==k], k, (1, 2))
    x[mirrored] = x[mirrored][:,:,::-1]
    return ImageSet(x, images.y, images.vocab, images.names, f'{images.name}, any way up')''')
code('''few = Postcards(size=32, seed=1).images(200)
turned = any_way_up(few)
same = [any((t==np.rot90(o, k)).all() for o in (x, x[:,::-1]) for k in range(4))
        for x,t in zip(few.x, turned.x)]
test_eq(all(same), True)
test_close((turned.x==few.x).all((1, 2, 3)).mean(), 1/8, eps=.08) # one of eight ways is upright
test_eq(turned.y, few.y)''')
code('''#| export
PARTS = 'images', 'pool', 'valid', 'test'

def plan(
    s, # a `Settings`
)->dict: # plain values
    "All sizes and settings of the experiment on postcards."
    n = dict(images=s.pick(200, 40_000), pool=s.pick(240, 2000), valid=s.pick(60, 1000),
             test=s.pick(60, 2000))
    return dict(seed=s.seed, size=32, hue=.5, worlds=['postcards', 'any way up'], images=n,
                tasks=list(s.pick(('rotation', 'simclr', 'vicreg', 'masking'), tuple(TASKS))),
                unit=s.pick(16, 20_000), bs=s.pick(32, 128), width=s.pick(4, 16),
                units=list(s.pick((2,), (16, 1))), search=s.pick(1, 4), keep=s.pick(2, 16),
                longest=dict(units=s.pick(4, 64), tasks=list(s.pick(('rotation',),
                    ('simclr', 'rotation', 'masking')))),
                rates=list(s.pick((3e-3,), (3e-3, 1e-3, 1e-2))), most=6, seeds=2,
                labels=s.pick(2, 5), draws=3, ceiling=dict(updates=s.pick(4, 1500), bs=32))
#---
def data(
    p:dict, # a `plan`
)->dict: # '<world>: <part>' → `ImageSet`; the parts are those of `PARTS`
    "Ranges of postcards that don't overlap, upright and any way up."
    world,sets = Postcards(p['size'], seed=p['seed']),{}
    for i,(part,n) in enumerate(p['images'].items()):
        upright = world.images(n, start=2_000_000+100_000*i)
        sets |= {f'postcards: {part}': upright, f'any way up: {part}': any_way_up(upright, i)}
    return sets

def parts_of(
    sets:dict, # returned by `data`
    world:str, # name of a world
)->dict: # part → `ImageSet`
    "The sets of one world."
    return {k: sets[f'{world}: {k}'] for k in PARTS}''')
md('''## Compute

What goes through the encoder is counted, with gradient, in images of 32×32 pixels. 20,000 of them are one **unit**. Each update is worth the same number of images, whatever the task: two views of 24 px are worth 1.1 of them, four pieces of 12 px 0.6. Heads, decoders and the making of labels aren't counted; `pretraining` is the time that everything took, in seconds.

Encoders of 16 units and more are kept in the cache, since [the matrix](pretext_tasks.ipynb) asks them more questions. The name of the file depends on images, task, settings and code.''')
code('''#| export
_bases = (Pretext, ColorRegression, Autoencoder, _Pieces, TwoViews)
_trained_by = (*class_sources((*TASKS.values(), *_bases)), pretrain_on, relative_cost)

@cache
def _training_code(): return source_hash(*_trained_by) # takes a second

def encoder_file(
    task:Pretext, # how it was pretrained
    images:ImageSet, # on what
    p:dict, # a `plan`
    key:dict, # task, lr, units, seed
)->Path:
    "Where an encoder is kept."
    how = [key[k] for k in ('lr', 'units', 'seed')] + [p[k] for k in ('unit', 'bs', 'width')]
    said = [images.unlabeled().fingerprint, task.spec(), how, _training_code()]
    text = json.dumps(said)
    name = f"{key['task']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return cache_folder('encoders')/f'{name}.safetensors'
#---
def pretrained(
    make, # function without arguments that returns the task
    images:ImageSet, # to pretrain on
    unseen:ImageSet, # to measure the task on
    p:dict, # a `plan`
    key:dict, # task, lr, units, seed
)->tuple: # the encoder; `pretraining` (seconds) and `pretext` (the task's metrics)
    "Pretrain, or find what was pretrained in the same way before."
    path,begin = encoder_file(make(), images, p, key),perf_counter()
    if path.exists():
        encoder = Encoder.load(path)
        return encoder,{k: encoder.lineage[-1][k] for k in ('pretraining', 'pretext')}
    whole = key['units']*p['unit']*(32/p['size'])**2 # images of the plan's size
    learn = pretrain_on(make, images, key['lr'], whole, p['bs'], p['width'], key['seed'])
    notes = dict(pretraining=perf_counter()-begin, pretext=pretext_metrics(learn, unseen))
    if key['units']>=p['keep']: learn.encoder.save(path, **notes)
    return learn.encoder,notes''')
md('''## What an encoder is worth

A linear probe on the frozen encoder: with five labels per class, the mean over three draws, and with the whole pool. Its penalty is chosen on validation images.''')
code('''#| export
def class_accuracy(
    encoder, # an `Encoder`, or None for the pixels themselves
    sets:dict, # pool, valid and test
    p:dict, # a `plan`
)->dict: # valid, probe: with few labels; full: with the pool
    "Accuracy of linear probes."
    flat = lambda s: (s.x.reshape(len(s), -1)/255).astype(np.float32)
    read = flat if encoder is None else partial(embed, encoder)
    z = {k: read(sets[k]) for k in ('pool', 'valid', 'test')}
    pool,place = sets['pool'],{name: i for i,name in enumerate(sets['pool'].names)}
    def best(rows):
        fits = [linear_probe(z['pool'][rows], pool.y[rows], C, z['pool']) for C in PROBE_C]
        scores = [f.score(z['valid'], sets['valid'].y) for f in fits]
        return max(scores),fits[int(np.argmax(scores))].score(z['test'], sets['test'].y)
    few = [best([place[o] for o in pool.few(p['labels'], i).names]) for i in range(p['draws'])]
    valid,test = np.mean(few, 0)
    return dict(valid=float(valid), probe=float(test), full=float(best(np.arange(len(pool)))[1]))
#---
def pretext_run(
    sets:dict, # images, pool, valid and test of one world, and clips for a task that needs them
    p:dict, # a `plan`
    key:dict, # task, lr, units, seed
    make=make_task, # function of a task's name and the plan that returns the task
)->dict: # measured values; at a rate at which training breaks off, `valid` is 0
    "Pretrain once, and probe."
    new = partial(make, key['task'], p)
    images = sets['clips' if new().clips else 'images']
    unseen = images.take(slice(0, 64)) if new().clips else sets['valid']
    try: encoder,notes = pretrained(new, images, unseen, p, key)
    except InputError as e:
        if 'The loss is' not in str(e): raise
        return dict(pretraining=0., pretext={}, valid=0., probe=0., full=0.)
    return notes | class_accuracy(encoder, sets, p)''')
md('''## What to compare with

An untrained encoder (its batch norms have seen a thousand images, so that only its weights are random), the pixels themselves, and a ceiling: the same encoder trained with the labels of all images, at the best of several rates, and then probed like the others.''')
code('''#| export
def untrained_encoder(
    images:ImageSet, # for the statistics of batch norm
    width:int=16, # of `Encoder.small`
    seed:int=0, # of the weights
)->Encoder:
    "Random weights, with statistics of batch norm from images."
    with seeded(seed): encoder = Encoder.small(channels=images.x.shape[-1], width=width)
    update_bn(float_batches(images.take(slice(0, 1000)), 250), encoder)
    return encoder.eval()

def bound_run(
    sets:dict, # images, pool, valid and test of one world
    p:dict, # a `plan`
    key:dict, # bound: untrained, pixels or supervised; lr, of the last one; seed
)->dict: # measured values
    "What to compare the encoders with."
    if key['bound']=='pixels': return class_accuracy(None, sets, p)
    if key['bound']=='untrained':
        return class_accuracy(untrained_encoder(sets['images'], p['width'], key['seed']), sets, p)
    model = fit_few(sets['images'], partial(Encoder.small, width=p['width']),
                    from_scratch(lr=key['lr']), key['seed'], **p['ceiling'])
    accuracy = float((model.predict(sets['test'])[0]==sets['test'].y).mean())
    return dict(accuracy=accuracy) | class_accuracy(model.encoder, sets, p)''')
md('''## Runs

The rate is searched at 4 units, for every task and the ceiling in the same way: three rates, and further ones until the best has a worse neighbor on either side. It then serves at all computes.''')
code('''#| export
WORKERS = 2 # processes that train side by side, one thread each

def searched(
    rows:list, # runs of a search
    by:str, # what has a rate of its own: 'task' or 'bound'
)->dict: # (world, task) → {rate: accuracy on validation images}
    "What a search has found so far."
    out = {}
    for r in rows: out.setdefault((r['world'], r[by]), {})[r['lr']] = r['valid']
    return out

def search_rows(
    store, # a `ResultStore` or `StoredRuns`
)->list:
    "The runs of the search for a learning rate."
    return [r for r in store.rows('runs') if r['units']==store.plan['search'] and r['seed']==0]

def best_rates(
    store, # a `ResultStore` or `StoredRuns`
)->dict: # (world, task) → learning rate
    "The rate with the highest accuracy on validation images, the lowest one of equals."
    return {k: max(sorted(v), key=v.get) for k,v in searched(search_rows(store), 'task').items()}

def rates_left(
    tried:dict, # rate → accuracy on validation images
    p:dict, # a `plan`
)->list:
    "The rates to try next."
    return [float(f'{lr:.3g}') for lr in next_tries(tried, p['rates'], p['most'])]''')
code('''test_eq(rates_left({}, dict(rates=[.003, .001, .01], most=6)), [.003, .001, .01])
test_eq(rates_left({.001: .2, .003: .4, .01: .3}, dict(rates=[.003], most=6)), [])
test_eq(rates_left({.001: .2, .003: .4, .01: .5}, dict(rates=[.003], most=6)), [.0333])''')
code('''#| export
def find_rates(
    store, # a `ResultStore`
    sets:dict, # of one world
    p:dict, # a `plan`
    world:str, # its name
    make=make_task, # of `pretext_run`
):
    "Search the rate of each of the plan's tasks."
    run,same = partial(pretext_run, sets, p, make=make),dict(units=p['search'], seed=0)
    while True:
        tried = searched(search_rows(store), 'task')
        left = {t: rates_left(tried.get((world, t), {}), p) for t in p['tasks']}
        keys = [dict(world=world, task=t, lr=lr) | same for i in range(len(p['rates']))
                for t,rates in left.items() for lr in rates[i:i+1]]
        if not keys: return
        store.each('runs', keys, run, WORKERS)
#---
def find_bounds(
    store, # a `ResultStore`
    sets:dict, # of one world
    p:dict, # a `plan`
    world:str, # its name
):
    "Measure what the encoders are compared with, the ceiling at the best of several rates."
    run = partial(bound_run, sets, p)
    first = [dict(world=world, bound=b, lr=0., seed=i) for b,n in (('untrained', 2), ('pixels', 1))
             for i in range(n)]
    store.each('bounds', first, run, WORKERS)
    while True:
        tried = searched(store.rows('bounds'), 'bound').get((world, 'supervised'), {})
        rates = rates_left(tried, p)
        keys = [dict(world=world, bound='supervised', lr=lr, seed=0) for lr in rates]
        if not keys: return
        store.each('bounds', keys, run, WORKERS)''')
code('''#| export
def train_at(
    store, # a `ResultStore`
    sets:dict, # of one world
    p:dict, # a `plan`
    world:str, # its name
    units:int, # compute
    tasks, # names
    seed:int=0, # of weights, batches and labels of the task
    make=make_task, # of `pretext_run`
):
    "Pretrain at each task's best rate."
    best = best_rates(store)
    store.each('runs', [dict(world=world, task=t, lr=best[world, t], units=units, seed=seed)
                        for t in tasks], partial(pretext_run, sets, p, make=make), WORKERS)
#---
def work(
    store, # a `ResultStore`
    sets:dict, # returned by `data`
    p:dict, # a `plan`
):
    "Do the runs that are missing: world by world, then the long ones, then the second seed."
    parts = {w: parts_of(sets, w) for w in p['worlds']}
    for w,s in parts.items():
        find_rates(store, s, p, w)
        for n in p['units']: train_at(store, s, p, w, n, p['tasks'])
        find_bounds(store, s, p, w)
    first,longest = p['worlds'][0],p['longest']
    train_at(store, parts[first], p, first, longest['units'], longest['tasks'])
    for i in range(1, p['seeds']):
        for w,s in parts.items():
            for n in p['units']: train_at(store, s, p, w, n, p['tasks'], i)

_code = (*_trained_by, fit_few, from_scratch, linear_probe, pretext_metrics, make_task, pretrained,
         class_accuracy, pretext_run, untrained_encoder, bound_run)
PRETEXT_COMPUTE = Experiment('pretext_compute', plan, data, work,
                             (*_code, any_way_up, plan, data))''')
md('''## The same on photographs

Clothes in ten classes, 3,068 photographs to pretrain on; they are no part of this project. Every one of them has an up. They are seen at 48 pixels, and views change the hue less, since colors say more about clothes than about postcards. There is no run of 64 units: at 16 units each photograph has been seen some forty times. To run it, name the folder:

    python -m ssl_course.course.experiment pretext_compute_photographs=FOLDER''')
code('''#| export
def photo_plan(
    s, # a `Settings`
)->dict: # plain values
    "`plan` for photographs."
    p = plan(s) | dict(size=48, hue=.1, worlds=['photographs'], bs=s.pick(16, 64))
    return p | dict(longest=dict(units=p['keep'], tasks=[]), labels=s.pick(1, 5))

def photo_data(
    p:dict, # a `photo_plan`
    folder, # with train/CLASS/*.jpg, validation/CLASS/*.jpg and test/CLASS/*.jpg
)->dict: # '<world>: <part>' → `ImageSet`
    """Photographs to pretrain on, the same as the pool; to choose on; to measure on. Raises
    `InputError` when they are missing."""
    dirs = {k: Path(folder)/k for k in ('train', 'validation', 'test')}
    if not all(f.is_dir() for f in dirs.values()):
        raise InputError(f"{folder} lacks a folder train, validation or test; "
                         "unpack the clothing photographs and name their folder.")
    train,valid,test = (ImageSet.from_folder(f, p['size'], name=f'clothes/{k}')
                        for k,f in dirs.items())
    found = dict(images=train, pool=train, valid=valid.without(train), test=test.without(train))
    return {f'photographs: {k}': v for k,v in found.items()}

PHOTO_COMPUTE = Experiment('pretext_compute_photographs', photo_plan, photo_data, work,
                           (*_code, plan, photo_plan, photo_data),
                           needs='the folder of the clothing photographs')''')
md('''## Figures

None of them is part of what the results depend on.''')
code('''#| export
NAMES = dict(simclr='SimCLR', vicreg='VICReg', masking='masking')

def chosen_runs(
    store, # the stored runs
)->pd.DataFrame: # a row for each world, task, compute and seed
    "The runs at each task's best rate, those of the search among them."
    best = best_rates(store)
    return pd.DataFrame([r for r in store.rows('runs') if r['lr']==best[r['world'], r['task']]])

def spread_of(
    values, # numbers
)->tuple: # mean, standard deviation (0 for one value)
    "A pair as `exceeds` and `claim` take it."
    v = np.asarray(values, float)
    return float(v.mean()),float(v.std(ddof=1)) if len(v)>1 else 0.

def bound(
    store, # the stored runs
    world:str, # its name
    name:str, # untrained, pixels or supervised
    of:str='probe', # a measured value
)->tuple: # mean, standard deviation
    "What to compare with; of the supervised encoder, the one at its best rate."
    rows = [r for r in store.rows('bounds') if (r['world'], r['bound'])==(world, name)]
    if name=='supervised': rows = [max(rows, key=lambda r: r['valid'])]
    return spread_of([r[of] for r in rows])''')
code('''#| export
def _panel(ax, store, world, of):
    "One world: a line for each task, and what to compare with -> text"
    runs,best = chosen_runs(store).query('world==@world'),{}
    for task,t in runs.groupby('task', sort=False):
        mean,color = t.groupby('units')[of].mean(),METHOD_COLORS[task]
        ax.plot(mean, color=color, lw=2.4, marker='o', ms=5)
        ax.plot(t.units, t[of], 'o', color=color, ms=3, alpha=.5)
        best[NAMES.get(task, task)] = (mean, color)
    for name in ('supervised', 'untrained'):
        level,color = bound(store, world, name, of)[0],METHOD_COLORS[name]
        ax.axhline(level, color=color, ls='--', lw=1.2)
        ax.annotate(name, (0, level), (3, 3), xycoords=('axes fraction', 'data'), color=color,
                    textcoords='offset points', fontsize=9)
    ends = {k: m.iloc[-1] for k,(m,_) in best.items()}
    _names_at_ends(ax, ends, {k: (c, '', '-') for k,(_,c) in best.items()})
    return '; '.join(f"{k} {', '.join(f'{v:.0%} at {u:g}' for u,v in m.items())}"
                     for k,(m,_) in best.items()) + ''.join(
        f', {k} {bound(store, world, k, of)[0]:.0%}' for k in ('untrained', 'supervised'))''')
code('''#| export
def plot_worlds(
    *stores, # the stored runs of one experiment or several
    titles=(), # what to see, for each world
    of:str='probe', # probe: with few labels; full: with the whole pool
    here=None, # (world, units, accuracy) of a run to mark
): # a matplotlib figure
    "Accuracy against compute, a panel for each world and a line for each task."
    worlds,said = [(s, w) for s in stores for w in s.plan['worlds']],[]
    labels = f"{stores[0].plan['labels']} labels per class" if of=='probe' else 'all labels'
    with course_style():
        fig = new_figure(5.6, .4+2.9*len(worlds))
        axes = fig.subplots(len(worlds), 1, sharex=True, squeeze=False)[:,0]
        for ax,(store,world),title in zip(axes, worlds, titles or [w for _,w in worlds]):
            ax.set(xscale='log', ylim=(0, 1.04), title=title, ylabel=f'accuracy, {labels}')
            said.append(f'{title} ({world}): {_panel(ax, store, world, of)}.')
            if here and here[0]==world:
                ax.plot(*here[1:], '*', ms=15, color='#222222', mec='white')
                ax.annotate('just now, here', here[1:], (8, -12), textcoords='offset points')
            ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            ax.minorticks_off()
        units = sorted({r['units'] for s in stores for r in s.rows('runs')})
        axes[-1].set_xticks(units, [f'{u:g}' for u in units])
        axes[-1].set_xlabel(f"compute: 1 is {stores[0].plan['unit']:,} images through the encoder")
    fig.alt = f'Accuracy with {labels} against compute. '+' '.join(said)
    return fig''')
code('''smoke = load_settings(budget='smoke')
store = known_experiments()['pretext_compute'].run(smoke, tempfile.mkdtemp())
p = store.plan
test_eq(set(best_rates(store)), {(w, t) for w in p['worlds'] for t in p['tasks']})
key = next(r for r in store.rows('runs') if r['units']==p['keep'])
of = parts_of(data(p), key['world'])['images']
assert encoder_file(make_task(key['task'], p), of, p, key).exists() # kept, and found again
plot_worlds(store)''')
code('''with tempfile.TemporaryDirectory() as d:
    known,cards = known_experiments()['pretext_compute_photographs'],Postcards(48, seed=1)
    for k,part in enumerate(('train', 'validation', 'test')):
        for i,x in enumerate(cards.draw(range(40*k, 40*k+40))):
            (f := Path(d)/part/'ab'[i%2]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(x).save(f/f'{i}.png')
    store = known.run(smoke, tempfile.mkdtemp(), d)
    with expect_fail(InputError, 'lacks a folder'): photo_data(known.plan(smoke), f'{d}/train')
store.table('bounds')[['bound', 'probe', 'full']].round(2)''')
n.save()
