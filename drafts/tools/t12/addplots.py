s=open('/tmp/t12/mkexp.py').read()
if 'plot_compute' in s: raise SystemExit('there')
s=s.replace('''import numpy as np
import pandas as pd
import torch

from ssl_course.collapse''','''import numpy as np
import pandas as pd
import torch
from matplotlib.ticker import PercentFormatter

from ssl_course.collapse''')
s=s.replace('''from ssl_course.finetune import from_scratch
''','''from ssl_course.finetune import from_scratch
from ssl_course.plots import INK,_names_at_ends,course_style,method_colors,new_figure
''')
s=s.replace('''from ssl_course.settings import load_settings\'\'\')
md(\'\'\'This''','''from ssl_course.plots import show
from ssl_course.settings import load_settings\'\'\')
md(\'\'\'This''')
s=s.replace('''n.save()
''','''md('## Look at it')
code(\'\'\'#| export
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
    return float(v.mean()),float(v.std(ddof=1)) if len(v)>1 else 0.\'\'\')
code(\'\'\'#| export
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
    return dict(store.table('bounds').groupby('bound')[value].mean())

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
    return fig\'\'\')
code(\'\'\'#| export
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
    return f"{label[0].upper()}{label[1:]}, at {units} units of compute: {'; '.join(rows)}."\'\'\')
code(\'\'\'#| export
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
    return pd.DataFrame(out).T.assign(rate=lambda t: [rates.get(k, '') for k in t.index])

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
        'warned': f'{int(g.warned.sum())} of {len(g)}'} for k,g in rows.items()}).T\'\'\')
code(\'\'\'show(plot_compute(store))
test_eq(len(method_table(store)), len(TASKS)+2)
ablation_table(store)\'\'\')
n.save()
''')
open('/tmp/t12/mkexp.py','w').write(s)
