import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root='/tmp/wt/twelve'
p=f'{root}/nbs/course/experiments/two_view_compute.ipynb'
base=json.load(open('/work/main/nbs/course/experiments/patch_shortcuts.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
import hashlib
def add(t,kind):
    n.ins(len(n.c),t,kind); n.c[-1]['id']=hashlib.sha256(t.encode()).hexdigest()[:8]
def md(t): add(t,'markdown')
def code(t): add(t,'code')
md('''# course.experiments.two_view_compute

> Nine two-view methods at equal compute, each at its own learning rate, and what happens when a part is taken away.''')
code('#| default_exp course.experiments.two_view_compute')
code('''#| export
from functools import partial

import numpy as np
import pandas as pd
import torch
from matplotlib.ticker import PercentFormatter

from ssl_course.collapse import CollapseMeter,effective_rank,embedding_spread
from ssl_course.compute import seeded
from ssl_course.course.experiment import Experiment
from ssl_course.course.experiments.contrast_choices import class_accuracy
from ssl_course.course.experiments.two_view_methods import METHODS,NAMES,class_sources
from ssl_course.course.experiments.two_view_methods import pretrained_by
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import fit_few,next_tries
from ssl_course.evaluate.probes import embed,knn_accuracy
from ssl_course.finetune import from_scratch
from ssl_course.plots import INK,_names_at_ends,course_style,method_colors,new_figure
from ssl_course.pretext.lejepa import LeJEPA
from ssl_course.pretext.two_views import TwoViews
from ssl_course.utils import InputError
from ssl_course.views import strong_views''')
code('''#| hide
import tempfile
import torch
from fastcore.test import test_eq
from ssl_course.course.experiment import known_experiments
from ssl_course.course.experiments.two_view_methods import cost
from ssl_course.plots import show
from ssl_course.settings import load_settings''')
md('''This experiment is about small machines: batches of 64, a small encoder, minutes instead of days. Every method gets the same *compute*. The unit is what SimCLR needs for 25,000 images; a method that runs a second network gets fewer images for it.''')
code('''#| export
TASKS = METHODS | dict(lejepa=LeJEPA)
LABELS = NAMES | dict(lejepa='LeJEPA')
ABLATIONS = {'BYOL, no EMA': ('byol', dict(momentum=0.)), # name → method, what is different
             'BYOL, no predictor': ('byol', dict(predictor=False)),
             'BYOL, no batch norm': ('byol', dict(batch_norm=False)),
             'SimSiam, no stop-gradient': ('simsiam', dict(stop_gradient=False)),
             'SimSiam, no predictor': ('simsiam', dict(predictor=False)),
             'VICReg, no variance term': ('vicreg', dict(std=0.)),
             'LeJEPA, no regularizer': ('lejepa', dict(weight=0.))}

def compute_task(
    method:str, # a key of `TASKS`
    bs:int, # images in a batch
    **changes, # arguments of its class
)->TwoViews:
    "The method with its defaults, except for SwAV's prototypes and MoCo's queue, that suit `bs`."
    small = dict(swav=dict(prototypes=min(64, bs)), moco=dict(queue=16*bs)).get(method, {})
    return TASKS[method](views=strong_views(size=24), **small, **changes)''')
code('''test_eq(compute_task('moco', 64).queue, 1024)
test_eq(compute_task('swav', 32).prototypes, 32)
test_eq(compute_task('lejepa', 64, weight=0.).weight, 0)
test_eq({m: cost(t) for m,t in TASKS.items()}, dict(simclr=6, moco=4, byol=8, simsiam=6,
        barlow_twins=6, vicreg=6, swav=6, dino=8, lejepa=6))''')
code('''#| export
def plan(
    s, # a `Settings`
)->dict: # plain values
    "All sizes and settings of the experiment."
    n = dict(images=s.pick(128, 20_000), pool=s.pick(240, 2000), valid=s.pick(60, 1000),
             test=s.pick(60, 2000))
    return dict(seed=s.seed, size=32, methods=list(TASKS), ablations=list(ABLATIONS), images=n,
                bs=s.pick(32, 64), width=s.pick(4, 16), unit=s.pick(16, 25_000), units=4,
                more=list(s.pick((8,), (16, 1))), rates=list(s.pick((3e-3,), (3e-3, 1e-3, 1e-2))),
                ladder=list(s.pick((3e-3,), (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1))),
                seeds=s.pick(1, 2), ablation_seeds=s.pick(1, 2), labels=s.pick(2, 5), draws=3,
                every=s.pick(1, 25), ceiling=dict(updates=s.pick(4, 1500)))

def data(
    p:dict, # a `plan`
)->dict: # images, pool, valid, test
    "Ranges of postcards that don't overlap."
    world = Postcards(p['size'], seed=p['seed'])
    return {k: world.images(n, start=2_000_000+100_000*i)
            for i,(k,n) in enumerate(p['images'].items())}''')
md('## A run')
code('''#| export
def measure(
    z:dict, # embeddings of pool, valid and test
    sets:dict, # the images
    p:dict, # a `plan`
)->dict: # valid, probe: with few labels; full: with the pool; knn; test spread, test rank
    "What embeddings know of the class, and whether they differ at all."
    pool,test,e = sets['pool'],sets['test'],torch.tensor(z['test'])
    return class_accuracy(z, sets, p) | {
        'knn': float(knn_accuracy(z['pool'], pool.y, z['test'], test.y)),
        'test spread': embedding_spread(e), 'test rank': effective_rank(e)}

def measure_encoder(
    encoder, # an `Encoder`
    sets:dict, # pool, valid and test
    p:dict, # a `plan`
)->dict:
    "`measure` of the encoder's embeddings."
    return measure({k: embed(encoder, sets[k]) for k in ('pool', 'valid', 'test')}, sets, p)''')
code('''#| export
def meter_values(
    meter:CollapseMeter, # after training
)->dict:
    "Spread and effective rank of the last measured batch, and whether the meter warned."
    last = meter.table.groupby('of').last()
    return {f'{of} {what}': float(last.loc[of, what]) for of in last.index
            for what in ('spread', 'rank')} | dict(warned=meter.warning is not None)

def compute_run(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # method, or variant of `ABLATIONS`; lr; seed; units, if they aren't the plan's
)->dict: # measured values; no accuracy above 0 where the training diverged
    "Pretrain once, and measure."
    method,changes = ABLATIONS[key['variant']] if 'variant' in key else (key['method'], {})
    task,meter = compute_task(method, p['bs'], **changes),CollapseMeter(every=p['every'])
    pictures = p['unit']*key.get('units', p['units'])
    try: learn = pretrained_by(task, sets['images'], pictures, p['bs'], key['lr'], p['width'],
                               key['seed'], cbs=meter)
    except InputError as e:
        if 'smaller learning rate' not in str(e): raise
        return dict(diverged=True, valid=0., probe=0., full=0., knn=0.)
    loss = float(np.mean(learn.recorder.losses[-10:]))
    return dict(loss=loss) | meter_values(meter) | measure_encoder(learn.encoder, sets, p)''')
code('''#| export
def compute_bound(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # bound: untrained, pixels or supervised; seed
)->dict: # measured values
    "What to compare the methods with."
    if key['bound']=='pixels':
        flat = {k: (sets[k].x.reshape(len(sets[k]), -1)/255).astype(np.float32)
                for k in ('pool', 'valid', 'test')}
        return measure(flat, sets, p)
    new = partial(Encoder.small, width=p['width'])
    with seeded(key['seed']): encoder = new()
    if key['bound']=='supervised':
        half = sets['images'].take(slice(0, len(sets['images'])//2))
        encoder = fit_few(half, new, from_scratch(lr=3e-3), key['seed'], **p['ceiling']).encoder
    return measure_encoder(encoder, sets, p)''')
md('## All runs')
code('''#| export
WORKERS = 2 # processes that train side by side, one thread each

def best_rates(
    store, # a `ResultStore` or `StoredRuns`
)->dict: # method → learning rate
    "The rate with the highest accuracy on validation images, the lowest one of equals."
    rows = sorted(store.rows('rates'), key=lambda r: (r['valid'], -r['lr']))
    return {r['method']: r['lr'] for r in rows}

def rates_left(
    store, # a `ResultStore`
    p:dict, # a `plan`
)->list: # of keys
    "The rates beside each method's best that were not tried yet."
    tried = {m: {r['lr']: r['valid'] for r in store.rows('rates') if r['method']==m}
             for m in p['methods']}
    return [dict(method=m, lr=lr, seed=0) for m in p['methods']
            for lr in next_tries(tried[m], p['rates'], ladder=p['ladder'])]''')
code('''#| export
def work(
    store, # a `ResultStore`
    sets:dict, # returned by `data`
    p:dict, # a `plan`
):
    "Search each method's rate, repeat the best, train longer and shorter, take parts away."
    run,methods = partial(compute_run, sets, p),p['methods']
    for lr in p['rates']:
        store.each('rates', [dict(method=m, lr=lr, seed=0) for m in methods], run, WORKERS)
    while left := rates_left(store, p): store.each('rates', left, run, WORKERS)
    best = best_rates(store)
    store.each('seeds', [dict(method=m, lr=best[m], seed=i) for i in range(1, p['seeds'])
                         for m in methods], run, WORKERS)
    store.each('compute', [dict(method=m, lr=best[m], seed=0, units=u) for u in p['more']
                           for m in methods], run, WORKERS)
    store.each('ablations', [dict(variant=v, lr=best[ABLATIONS[v][0]], seed=i)
                             for i in range(p['ablation_seeds']) for v in p['ablations']],
               run, WORKERS)
    bounds = [('supervised', 0), ('pixels', 0), *(('untrained', i) for i in range(p['seeds']))]
    store.each('bounds', [dict(bound=b, seed=i) for b,i in bounds],
               partial(compute_bound, sets, p), WORKERS)

TWO_VIEW_COMPUTE = Experiment('two_view_compute', plan, data, work,
    (*class_sources(TASKS.values()), compute_task, pretrained_by, plan, data, class_accuracy,
     measure, compute_run, compute_bound))''')
code('''smoke = load_settings(budget='smoke')
store = known_experiments()['two_view_compute'].run(smoke, tempfile.mkdtemp())
test_eq(set(best_rates(store)), set(TASKS))
test_eq(len(store.rows('ablations')), len(ABLATIONS))
store.table('bounds')[['bound', 'probe', 'full', 'knn', 'test rank']].round(2)''')
md('## Look at it')
code('''#| export
def chosen_runs(
    store, # the stored runs
)->pd.DataFrame: # a row for each method, seed and number of units
    "The runs at each method's best rate, those of the search among them."
    best = best_rates(store)
    first = [r for r in store.rows('rates') if r['lr']==best[r['method']]]
    runs = [r | dict(units=r.get('units', store.plan['units']))
            for r in (*first, *store.rows('seeds'), *store.rows('compute'))]
    return pd.DataFrame(runs).assign(name=lambda t: t.method.map(LABELS))

def mean_sd(
    values, # numbers
)->tuple: # (mean, standard deviation)
    "Mean and standard deviation, which is 0 for a single value."
    v = np.asarray(values, float)
    return float(v.mean()),float(v.std(ddof=1)) if len(v)>1 else 0.''')
code('''#| export
def accuracy_by_compute(
    store, # the stored runs
    value:str='probe', # a measured value
)->pd.DataFrame: # units × methods, the best at the most compute first
    "Mean over the seeds of a value, for each method and amount of compute."
    t = chosen_runs(store).groupby(['units', 'name'])[value].mean().unstack()
    return t[t.iloc[-1].sort_values(ascending=False).index]

def bound_levels(
    store, # the stored runs
    value:str='probe', # a measured value
)->dict: # name → number
    "What to compare the methods with."
    return dict(store.table('bounds').groupby('bound')[value].mean())''')
code('''#| export
def plot_compute(
    store, # the stored runs
    value:str='probe', # a measured value
    label:str='accuracy of a linear probe, 5 labels per class', # of the vertical axis
    title:str='', # what to see
): # a matplotlib figure
    "A value against compute: a line for each method, and what to compare them with."
    t,levels = accuracy_by_compute(store, value),bound_levels(store, value)
    colors = {LABELS[m]: c for m,c in method_colors([*TASKS]).items()}
    with course_style():
        fig = new_figure(6.6, 4.4)
        ax = fig.add_subplot()
        _compute_lines(ax, chosen_runs(store), t, value, colors)
        for name,level in levels.items():
            ax.axhline(level, color=INK, ls='--', lw=1)
            ax.annotate(name, (t.index[0], level), (0, 3), color=INK, textcoords='offset points')
        ax.set(title=title, ylabel=label, xlabel='compute, in units of SimCLR on '
               f"{store.plan['unit']:,} images")
        _names_at_ends(ax, dict(t.iloc[-1]), {m: (colors[m], '', '-') for m in t})
    fig.alt = _compute_text(t, levels, label)
    return fig''')
code('''#| export
def _compute_lines(ax, runs, t, value, colors):
    "A line for each method, a dot for each run"
    for m in t:
        r = runs[runs.name==m]
        ax.plot(t[m], color=colors[m], lw=2)
        ax.plot(r.units, r[value], 'o', color=colors[m], ms=4, alpha=.6)
    ax.set_xscale('log')
    ax.set_xticks(list(t.index), [f'{u:g}' for u in t.index]), ax.minorticks_off()
    if t.max().max()<=1: ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))

def _compute_text(t, levels, label):
    "The figure in words"
    fmt = '{:.1%}'.format if t.max().max()<=1 else '{:.3g}'.format
    units = ', '.join(f'{u:g}' for u in t.index)
    rows = [f"{m} {', '.join(map(fmt, t[m]))}" for m in t] + [f'{k} {fmt(v)}'
                                                             for k,v in levels.items()]
    return f"{label[0].upper()}{label[1:]}, at {units} units of compute: {'; '.join(rows)}."''')
code('''#| export
def _cell(values, fmt='{:.1f}', times=100):
    "Mean ± standard deviation as text; one number where there is one value"
    m,d = mean_sd(values)
    return fmt.format(times*m) + (f' ± {fmt.format(times*d)}' if len(values)>1 else '')

def method_table(
    store, # the stored runs
)->pd.DataFrame: # a row for each method, and for the untrained encoder
    "All methods at the plan's compute, mean ± standard deviation over seeds, in percent."
    runs,best = chosen_runs(store),best_rates(store)
    groups = {m: runs[(runs.method==m)&(runs.units==store.plan['units'])] for m in TASKS}
    order = sorted(groups, key=lambda m: -groups[m].probe.mean())
    bounds = store.table('bounds')
    rows = {LABELS[m]: groups[m] for m in order}
    rows |= {b: bounds[bounds.bound==b] for b in ('untrained', 'supervised')}
    out = {k: {'5 labels per class': _cell(g.probe), 'whole pool': _cell(g.full),
               'kNN': _cell(g.knn), 'effective rank': _cell(g['test rank'], times=1),
               'seconds': f'{g.seconds.mean():.0f}'} for k,g in rows.items()}
    rates = {LABELS[m]: f'{lr:g}' for m,lr in best.items()}
    return pd.DataFrame(out).T.assign(rate=lambda t: [rates.get(k, '') for k in t.index])''')
code('''#| export
def ablation_table(
    store, # the stored runs
)->pd.DataFrame: # a row for each method and each variant without a part
    "What is left when a part is taken away: mean ± standard deviation over seeds."
    runs,cut = chosen_runs(store),store.table('ablations')
    rows = {}
    for m in dict.fromkeys(m for m,_ in ABLATIONS.values()):
        rows[LABELS[m]] = runs[(runs.method==m)&(runs.units==store.plan['units'])]
        rows |= {v: cut[cut.variant==v] for v,(of,_) in ABLATIONS.items() if of==m}
    return pd.DataFrame({k: {'probe': _cell(g.probe), 'spread': _cell(g['projection spread'],
        '{:.2f}', 1), 'rank, projections': _cell(g['projection rank'], times=1),
        'rank, embeddings': _cell(g['test rank'], times=1), 'loss': _cell(g.loss, '{:.3g}', 1),
        'warned': f'{int(g.warned.sum())} of {len(g)}'} for k,g in rows.items()}).T''')
code('''show(plot_compute(store))
test_eq(len(method_table(store)), len(TASKS)+2)
ablation_table(store)''')
n.save()
