import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root='/tmp/wt/thirteen'
p=f'{root}/nbs/course/experiments/mask_choices.ipynb'
base=json.load(open(f'{root}/nbs/course/experiments/patch_shortcuts.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
import hashlib
def add(t,k):
    n.ins(len(n.c),t,k); n.c[-1]['id']=hashlib.sha256(f'{len(n.c)}{t[:60]}'.encode()).hexdigest()[:8]
def md(t): add(t,'markdown')
def code(t): add(t,'code')
md('''# course.experiments.mask_choices

> The choices behind lesson 13: how much is hidden, in what shape, pixels or features, and what the encoder is then worth.''')
code('#| default_exp course.experiments.mask_choices')
code('''#| export
import base64,io
from functools import partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.ticker import PercentFormatter
from PIL import Image

from ssl_course.compute import seeded
from ssl_course.course.experiment import Experiment
from ssl_course.course.experiments.two_view_methods import class_sources
from ssl_course.data.loaders import float_batches
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import Method,fit_few,next_tries
from ssl_course.evaluate.probes import PROBE_C,embed,linear_probe
from ssl_course.finetune import careful,from_scratch
from ssl_course.plots import INK,METHOD_COLORS,PALETTE,as_images,course_style,new_figure
from ssl_course.pretext.masked_autoencoder import MaskedAutoencoder
from ssl_course.pretext.masked_features import MaskedFeatures
from ssl_course.pretext.masking import Masked,PatchDecoder,at,patchify
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.reference import labeled_postcards''')
code('''#| hide
import tempfile
from fastcore.test import test_close,test_eq
from ssl_course.course.experiment import known_experiments
from ssl_course.settings import load_settings''')
md('''Each arm differs from `75%`, a masked autoencoder with the paper's settings, in one thing; `features, blocks`, I-JEPA's choice, differs from `features` in one. All get the same compute.

## The arms''')
code('''#| export
ARMS = {'75%': {}, '25%': dict(ratio=.25), '50%': dict(ratio=.5), '90%': dict(ratio=.9),
        'one block': dict(mask='block'), 'normalized': dict(norm_targets=True),
        'features': dict(features=True), 'features, blocks': dict(features=True, mask='blocks')}

def arm_task(
    arm:str, # of `ARMS`
    width:int=64, # of the decoder
)->Masked:
    "The pretext task of one arm; single patches are hidden where the arm names no other mask."
    a = dict(mask='random') | ARMS[arm]
    kind = MaskedFeatures if a.pop('features', False) else MaskedAutoencoder
    return kind(width=width, **a)

def new_vit(
    p:dict, # a `plan`
)->Encoder:
    "The untrained transformer; its heads are 32 wide."
    vit = Encoder.vit_tiny(p['size'], width=p['width'], depth=p['depth'], heads=p['width']//32)
    vit.precision = torch.float32 # .067 s for a step of 64 images, bfloat16 .088: it is narrow
    return vit''')
md('''What a step costs: an encoder's block has $12w^2$ weights, and multiplies by each of them once for each token that it sees. A step with gradient counts three times, the slow copy, which sees all patches, once. (Attention itself is small with 64 tokens.) Checked against the seconds in `nbs/results/search/masked_settings.jsonl`: by the seconds per unit, pixels and features there differ by 4 %.''')
code('''#| export
def cost(
    arm:str, # of `ARMS`
    p:dict, # a `plan`
)->float: # multiplications for one image in one step
    "Three times the tokens of encoder and decoder, and once those of a slow copy."
    a,n = ARMS[arm],(p['size']//4)**2
    block = lambda width: 12*width**2
    encoder = lambda tokens: tokens*p['depth']*block(p['width'])
    seen = round(n*(1-a.get('ratio', .75)))
    return 3*(encoder(seen)+n*block(p['decoder']))+('features' in a)*encoder(n)''')
code('''p = dict(size=32, width=128, depth=4, decoder=96) # as in that file
test_close(cost('features', p)/cost('75%', p), (4.59/51_200)/(4.28/92_160), eps=.1)
p |= dict(width=64, decoder=64)
{a: round(cost(a, p)/cost('75%', p), 2) for a in ARMS}''')
md('## Data')
code('''#| export
def plan(
    s, # a `Settings`
)->dict: # plain values
    "All sizes and settings of the experiment."
    tuning = dict(labels=list(s.pick((2,), (5, 50))), updates=list(s.pick((2,), (200, 300))),
                  bs=32, seeds=s.pick(1, 3), patience=4,
                  ladder=list(s.pick((3e-3,), (3e-4, 1e-3, 3e-3, 1e-2, 3e-2))))
    return dict(seed=42, size=32, arms=list(ARMS), images=s.pick(128, 20_000),
                width=s.pick(32, 64), depth=s.pick(1, 4), decoder=s.pick(32, 64),
                bs=s.pick(32, 64), seen=s.pick(64, 38_400), first=5e-4, seeds=s.pick(1, 2),
                ladder=list(s.pick((5e-4,), (5e-5, 1.5e-4, 5e-4, 1.5e-3, 4.5e-3))),
                longer=dict(arms=list(s.pick(('75%',), ('75%', 'features'))), times=s.pick(1, 4)),
                labeled=dict(pool=s.pick(240, 2000), valid=s.pick(30, 1000),
                             test=s.pick(30, 2000)),
                labels=s.pick(2, 5), draws=s.pick(1, 3), shown=6, tuning=tuning,
                ceiling=dict(images=s.pick(100, 10_000), updates=s.pick(2, 500), bs=64,
                             rates=list(s.pick((1e-3,), (1e-3, 3e-3)))))

def data(
    p:dict, # a `plan`
)->dict: # images, pool, valid, test
    "Postcards to pretrain on, and labelled ones beyond them."
    images = Postcards(p['size'], seed=p['seed']).images(p['images'])
    return dict(images=images, **labeled_postcards(p['size'], p['seed'], **p['labeled']))''')
md('## Train an arm')
code('''#| export
def pretrain_arm(
    arm:str, # of `ARMS`
    images, # an `ImageSet` to pretrain on
    p:dict, # a `plan`
    lr:float, # largest learning rate
    seed:int=0, # of weights, batches, views and masks
    times:float=1, # so many times the plan's compute
    desc:str='', # of a progress bar
): # a `PretextLearner`
    "Pretrain by one cycle, with the compute of `75%` on `seen` images."
    bs = min(p['bs'], len(images)//2)
    steps = max(2, round(times*p['seen']*cost('75%', p)/cost(arm, p)/bs))
    with seeded(seed):
        plain = images.unlabeled()
        dls = plain.dls(plain.take(slice(0, bs)), bs=bs, steps=steps)
        learn = pretext_learner(dls, new_vit(p), arm_task(arm, p['decoder']))
        return fit_quietly(learn, lambda l: l.fit_one_cycle(1, lr, pct_start=.15), desc)''')
md('''## What an encoder is worth

A linear probe with few labels and with the whole pool, its penalty chosen on validation images.''')
code('''#| export
def probed(
    encoder:Encoder, # frozen
    sets:dict, # pool, valid and test
    p:dict, # a `plan`
)->dict: # valid: with the pool, on validation images; full and few: on test images
    "Accuracy of linear probes; with few labels the mean over draws."
    z = {k: embed(encoder, sets[k]) for k in ('pool', 'valid', 'test')}
    pool,place = sets['pool'],{name: i for i,name in enumerate(sets['pool'].names)}
    def best(rows):
        fits = [linear_probe(z['pool'][rows], pool.y[rows], C, z['pool']) for C in PROBE_C]
        scores = [f.score(z['valid'], sets['valid'].y) for f in fits]
        i = int(np.argmax(scores))
        return float(scores[i]),float(fits[i].score(z['test'], sets['test'].y))
    valid,full = best(np.arange(len(pool)))
    few = [best([place[o] for o in pool.few(p['labels'], i).names])[1] for i in range(p['draws'])]
    return dict(valid=valid, full=full, few=float(np.mean(few)))''')
md('''How well does it draw? On whole test postcards, with three quarters of the patches hidden, the same ones for all. A few drawings are stored.''')
code('''#| export
def covered(
    task:Masked, # set up
    sets:dict, # with `test`
    n:int=256, # how many postcards
)->tuple: # postcards (B,C,H,W) in [0,1], numbers of their visible patches, and of the hidden ones
    "Test postcards of which three quarters are hidden, always the same patches."
    x = next(float_batches(sets['test'].take(slice(0, n)), n))
    with seeded(0): return task.eval().make(x)[0]

def drawn(
    learn, # a `PretextLearner` of a `MaskedAutoencoder`
    sets:dict, # with `test`
)->tuple: # the postcards as drawn (B,C,H,W), mean squared error in the hidden patches
    "Fill the hidden patches of `covered` postcards."
    task,encoder = learn.task,learn.encoder.eval()
    x,visible,hidden = covered(task, sets)
    with seeded(0): _,whole = task.fill(encoder, x.to(encoder.mean.device))
    whole = whole.cpu()
    a,b = (at(patchify(o, task.patch), hidden) for o in (whole, x))
    return whole,float(F.mse_loss(a, b))

def as_strip(
    images, # float images (B,C,H,W) in [0,1]
)->str: # a PNG as text
    "Images side by side, in a form that fits into a file of results."
    Image.fromarray(np.concatenate(list(as_images(images)), 1)).save(b := io.BytesIO(), 'png')
    return base64.b64encode(b.getvalue()).decode()''')
code('''#| export
def from_strip(
    text:str, # made by `as_strip`
)->np.ndarray: # uint8 (N,H,W,3); the images are square
    "The images of a strip."
    a = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
    return np.stack(np.split(a, a.shape[1]//a.shape[0], 1))''')
code('''few = Postcards(32, seed=1).images(3)
test_eq(from_strip(as_strip(torch.from_numpy(few.x).permute(0, 3, 1, 2)/255)), few.x)''')
code('''#| export
def drawing(
    learn, # a `PretextLearner`
    arm:str, # of `ARMS`
    sets:dict, # with `test`
    p:dict, # a `plan`
)->dict: # drawing_error, strip; empty where an arm draws no such pixels
    "What is stored of the drawings of an arm that hides as `75%` does."
    if arm!='75%': return {}
    whole,error = drawn(learn, sets)
    return dict(drawing_error=error, strip=as_strip(whole[:p['shown']]))

def arm_run(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # arm, lr, seed
)->dict: # measured values
    "Pretrain once, and measure."
    learn = pretrain_arm(key['arm'], sets['images'], p, key['lr'], key['seed'])
    losses = learn.recorder.losses
    found = dict(loss=float(np.mean(losses[-10:])), steps=len(losses))
    return found | drawing(learn, key['arm'], sets, p) | probed(learn.encoder, sets, p)''')
md('''## Fine-tuning

A start is fine-tuned by `careful`, random weights by `from_scratch`. The rate is chosen on validation images with the first draw of labels, outward until its neighbours are worse. Random weights get four times the updates as well, as patience is all they need.''')
code('''#| export
def tune(
    encoder:Encoder, # it stays as it is
    recipe, # a function of `lr` that gives a `Recipe`
    sets:dict, # pool, valid and test
    p:dict, # a `plan`
    patient:bool=False, # also train longer, at the rate that was found?
)->list: # of dicts: labels, lr, tried, accuracy (a list), longer
    "Fine-tune on each number of labels."
    t,out = p['tuning'],[]
    score = lambda model, part: float((model.predict(sets[part])[0]==sets[part].y).mean())
    for n,updates in zip(t['labels'], t['updates']):
        def fit(lr, seed, times=1):
            few = sets['pool'].few(n, seed)
            return fit_few(few, Method('', encoder).make, recipe(lr=lr), seed,
                           updates=times*updates, bs=t['bs'])
        tried = {}
        while todo := next_tries(tried, [3e-3], 5, t['ladder']):
            tried |= {lr: score(fit(lr, 0), 'valid') for lr in todo}
        lr = max(tried, key=tried.get)
        accuracy = [score(fit(lr, i), 'test') for i in range(t['seeds'])]
        more = dict(longer=score(fit(lr, 0, t['patience']), 'test')) if patient else {}
        out.append(dict(labels=n, lr=lr, tried=list(tried.items()), accuracy=accuracy, **more))
    return out''')
code('''#| export
def start_run(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # start: an arm, or 'untrained'; lr
)->dict: # measured values; `tuned` as `tune` returns it
    "Pretrain for longer, probe, and fine-tune."
    if key['start']=='untrained':
        with seeded(0): encoder = new_vit(p)
        return probed(encoder, sets, p) | dict(tuned=tune(encoder, from_scratch, sets, p, True))
    learn = pretrain_arm(key['start'], sets['images'], p, key['lr'], 0, p['longer']['times'])
    return (drawing(learn, key['start'], sets, p) | probed(learn.encoder, sets, p)
            | dict(tuned=tune(learn.encoder, careful, sets, p)))

def bound_run(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # bound: untrained, simclr or supervised; lr and seed
)->dict: # measured values
    "What to compare the encoders with."
    if key['bound']=='simclr': return probed(Encoder.pretrained('postcards-simclr'), sets, p)
    with seeded(key['seed']): encoder = new_vit(p)
    if key['bound']=='supervised':
        many,c = sets['images'].take(slice(0, p['ceiling']['images'])),p['ceiling']
        encoder = fit_few(many, lambda: encoder, from_scratch(lr=key['lr']), key['seed'],
                          updates=c['updates'], bs=c['bs']).encoder
    return probed(encoder, sets, p)''')
md('## The runs')
code('''#| export
WORKERS = 2 # processes that train side by side, one thread each

def best_rates(
    store, # a `ResultStore` or `StoredRuns`
)->dict: # arm → learning rate
    "The rate with the highest accuracy of the probe on validation images, the lowest of equals."
    rows = sorted(store.rows('rates'), key=lambda r: (r['valid'], -r['lr']))
    return {r['arm']: r['lr'] for r in rows}

def rates_left(
    store, # a `ResultStore`
    p:dict, # a `plan`
)->list: # of dicts: arm, lr, seed
    "The rates to try next: the first, then the untried neighbors of each arm's best."
    out = []
    for arm in p['arms']:
        tried = {r['lr']: r['valid'] for r in store.rows('rates') if r['arm']==arm}
        todo = next_tries(tried, [p['first']], 5, p['ladder'])
        out += [dict(arm=arm, lr=lr, seed=0) for lr in todo]
    return out

def chosen_runs(
    store, # a `ResultStore` or `StoredRuns`
)->pd.DataFrame: # a row for each arm and seed
    "The runs at each arm's best rate, those of the search among them."
    best = best_rates(store)
    first = [r for r in store.rows('rates') if r['lr']==best[r['arm']]]
    return pd.DataFrame(first+store.rows('seeds'))''')
code('''#| export
def work(
    store, # a `ResultStore`
    sets:dict, # returned by `data`
    p:dict, # a `plan`
):
    "Search each arm's rate, repeat the best, train two for longer, fine-tune, and the bounds."
    run = partial(arm_run, sets, p)
    while left := rates_left(store, p): store.each('rates', left, run, WORKERS)
    best = best_rates(store)
    starts = [dict(start=a, lr=best[a]) for a in p['longer']['arms']]
    store.each('starts', [*starts, dict(start='untrained', lr=None)], partial(start_run, sets, p),
               WORKERS)
    for i in range(1, p['seeds']):
        store.each('seeds', [dict(arm=a, lr=best[a], seed=i) for a in p['arms']], run, WORKERS)
    bounds = [dict(bound='supervised', lr=lr, seed=0) for lr in p['ceiling']['rates']]
    bounds += [dict(bound='untrained', lr=None, seed=i) for i in range(3)]
    bounds += [dict(bound='simclr', lr=None, seed=0)]
    store.each('bounds', bounds, partial(bound_run, sets, p), WORKERS)

MASK_CHOICES = Experiment('mask_choices', plan, data, work,
    (*class_sources((MaskedAutoencoder, MaskedFeatures, Masked, PatchDecoder)), arm_task, new_vit,
     cost, plan, data, pretrain_arm, probed, covered, drawn, drawing, arm_run, careful,
     from_scratch, fit_few, tune, start_run, bound_run))''')
md('## Figures')
code('''#| export
COLORS = {'pixels': PALETTE[0], 'features': PALETTE[2], 'untrained': METHOD_COLORS['untrained'],
          'supervised': METHOD_COLORS['supervised'], 'simclr': METHOD_COLORS['simclr']}

def bound(
    store, # the stored runs
    name:str, # untrained, simclr or supervised
    of:str='full', # a measured value
)->float:
    "Mean over seeds; of supervised networks the one that is best on validation images."
    rows = [r for r in store.rows('bounds') if r['bound']==name]
    if name=='supervised': rows = [max(rows, key=lambda r: r['valid'])]
    return float(np.mean([r[of] for r in rows]))

def spread(
    store, # the stored runs
    of:str='full', # a measured value
)->dict: # arm → (mean, standard deviation over seeds); 0 for a single seed
    "Each arm at its best rate."
    t = chosen_runs(store).groupby('arm')[of].agg(['mean', 'std']).fillna(0.)
    return {k: (float(r['mean']), float(r['std'])) for k,r in t.iterrows()}

def _level(ax, store, name, of):
    level = bound(store, name, of)
    ax.axhline(level, color=COLORS[name], ls='--', lw=1.2)
    ax.annotate(f'{name} {level:.0%}', (1, level), (-2, 3), xycoords=('axes fraction', 'data'),
                fontsize=8.5, textcoords='offset points', ha='right', color=COLORS[name])''')
code('''#| export
RATIOS = {.25: '25%', .5: '50%', .75: '75%', .9: '90%'}

def plot_masks(
    store, # the stored runs
    titles=('', ''), # what to see in each panel
): # a matplotlib figure
    "Accuracy of a probe against the fraction that is hidden, and for the other choices."
    found,n = spread(store),f"{store.plan['labeled']['pool']:,}"
    others = ['75%', *[a for a in found if a not in RATIOS.values()]]
    with course_style():
        fig = new_figure(7., 3.6)
        axes = fig.subplots(1, 2, sharey=True, width_ratios=(1, 1.25))
        _draw_ratios(axes[0], chosen_runs(store), found)
        _draw_others(axes[1], chosen_runs(store), found, others)
        for ax,title in zip(axes, titles):
            ax.set_title(title)
            _level(ax, store, 'untrained', 'full')
            ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes[0].set(xlabel='fraction hidden', ylim=(0, None), ylabel=f'probe, {n} labels')
        axes[1].annotate(f"supervised {bound(store, 'supervised'):.0%} ↑", (1, 1), ha='right',
                         va='top', xycoords='axes fraction', color=COLORS['supervised'])
    said = ', '.join(f'{a} {m:.1%} ± {100*d:.1f}' for a,(m,d) in found.items())
    fig.alt = f"Probe with {n} labels: {said}. Untrained {bound(store, 'untrained'):.1%}, " + (
        f"supervised {bound(store, 'supervised'):.1%}.")
    return fig''')
code('''#| export
def _draw_ratios(ax, runs, found):
    "Accuracy against the fraction hidden: mean, and a dot for each seed"
    color = COLORS['pixels']
    ax.plot([*RATIOS], [found[a][0] for a in RATIOS.values()], color=color, lw=2.4)
    for r,a in RATIOS.items():
        y = runs.full[runs.arm==a]
        ax.plot([r]*len(y), y, 'o', ms=4.5, color=color, alpha=.7)
    ax.set_xticks([*RATIOS], list(RATIOS.values()))

def _draw_others(ax, runs, found, arms):
    "A bar for each arm that hides three quarters, with a dot for each seed"
    for i,a in enumerate(arms):
        y,kind = runs.full[runs.arm==a],'features' if a.startswith('features') else 'pixels'
        ax.bar(i, found[a][0], .55, color=COLORS[kind], alpha=.35)
        ax.plot([i]*len(y), y, 'o', ms=4.5, color=COLORS[kind])
    names = {'75%': 'pixels', 'one block': 'one\\nblock', 'normalized': 'patch\\nless mean'}
    ax.set_xticks(range(len(arms)), [names.get(a, a.replace(', ', ',\\n')) for a in arms],
                  fontsize=8.5)
    ax.grid(axis='x', visible=False)''')
code('''#| export
def worth(
    store, # the stored runs
)->pd.DataFrame: # a row for each start: probes, and fine-tuned with each number of labels
    "Probed and fine-tuned: random weights, and the arms that were trained for longer."
    def row(r):
        tuned = {f"tuned, {o['labels']}": float(np.mean(o['accuracy'])) for o in r['tuned']}
        return {'probe, few': r['few'], 'probe, all': r['full'], **tuned}
    return pd.DataFrame({r['start']: row(r) for r in store.rows('starts')}).T

def tuned_gain(
    store, # the stored runs
    start:str, # an arm that was trained for longer
    labels:int, # per class
)->tuple: # mean, standard deviation over draws of labels
    "How far ahead of random weights a start is, fine-tuned on the same labels."
    found = {r['start']: next(o['accuracy'] for o in r['tuned'] if o['labels']==labels)
             for r in store.rows('starts')}
    d = np.subtract(found[start], found['untrained'])
    return float(d.mean()),float(d.std(ddof=1)) if len(d)>1 else 0.''')
code('''#| export
def plot_worth(
    store, # the stored runs
    title='', # what to see
): # a matplotlib figure
    "The same encoders probed and fine-tuned."
    t = worth(store)
    color = lambda a: COLORS.get(a, COLORS['features' if a.startswith('features') else 'pixels'])
    names = {'75%': 'pixels', 'untrained': 'random weights'}
    with course_style():
        ax = (fig := new_figure(6.4, 3.4)).add_subplot()
        for a,r in t.iterrows():
            ax.plot(range(len(r)), r, color=color(a), marker='o', lw=2.2)
            ax.annotate(names.get(a, a), (len(r)-1, r.iloc[-1]), (8, 0), va='center',
                        textcoords='offset points', color=color(a), weight='bold')
        ax.set(title=title, ylabel='accuracy', ylim=(0, 1.02), xlim=(-.3, t.shape[1]-.1))
        said = [f"{c} labels{' per class' if ' all' not in c else ''}" for c in t.columns]
        ax.set_xticks(range(t.shape[1]), [o.replace(', ', ',\\n') for o in said], fontsize=8.5)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    line = lambda r: ', '.join(f'{c} {v:.0%}' for c,v in r.items())
    fig.alt = f'{title}. ' + '; '.join(f'{names.get(a, a)}: {line(r)}' for a,r in t.iterrows())
    return fig''')
code('''smoke = load_settings(budget='smoke')
store = known_experiments()['mask_choices'].run(smoke, tempfile.mkdtemp())
test_eq(set(best_rates(store)), set(ARMS))
test_eq(len(chosen_runs(store)), len(ARMS))
test_eq(from_strip(store.rows('starts')[0]['strip']).shape, (6, 32, 32, 3))
test_eq([r['start'] for r in store.rows('starts')], ['75%', 'untrained'])
assert plot_masks(store, ('a', 'b')).alt and plot_worth(store, 'c').alt
worth(store).round(2)''')
n.save()
for i,c in enumerate(n.c):
    s=''.join(c['source'])
    if c['cell_type']=='code':
        compile(s,str(i),'exec')
        L=[l for l in s.split('\n') if not l.startswith('#|')]
        if len(L)>30 and s.startswith('#| export'): print('long',i,len(L),s[:60])
        for l in s.split('\n'):
            if len(l)>=100: print('wide',i,len(l),l[:80])
print(len(n.c))
