# adds plotting cells to the experiment notebook, before the smoke cell
PLOTS = ['''## Figures

Three figures of the lesson. None of them is part of what the results depend on.''',
'''#| export
def bound(
    store, # the stored runs
    name:str, # untrained, pixels or supervised
    of:str='probe', # a measured value
)->float:
    "The mean of a measured value over the runs to compare with."
    return float(np.mean([r[of] for r in store.rows('bounds') if r['bound']==name]))

def _lines(ax, store, of, names=('supervised', 'untrained')):
    for name in names:
        level = bound(store, name, of)
        ax.axhline(level, color=METHOD_COLORS[name], ls='--', lw=1.2)
        ax.annotate(name, (1, level), (-2, 3), xycoords=('axes fraction', 'data'), fontsize=8.5,
                    textcoords='offset points', ha='right', color=METHOD_COLORS[name])

def _percent(ax, **kwargs):
    ax.set(ylim=(0, 1.04), **kwargs)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.minorticks_off()''',
'''#| export
def plot_curve(
    store, # the stored runs
    here=None, # (images seen, accuracy) of a run to mark
    title='', # what to see
): # a matplotlib figure
    "Accuracy with few labels against the images seen in pretraining."
    best = best_rates(store)['base']
    once = [(r['seen'], r['probe']) for r in store.rows('curve')]
    once += [(store.plan['seen'], r['probe']) for r in store.rows('rates')
             if (r['arm'], r['lr'])==('base', best)]
    x,y = np.array(sorted(once)).T
    with course_style():
        fig = new_figure(6.4, 3.4)
        ax = fig.add_subplot()
        ax.plot(x, y, color=METHOD_COLORS['simclr'], marker='o', lw=2.4)
        if here: ax.plot(*here, marker='*', ms=15, color=PALETTE[4], ls='')
        if here: ax.annotate('just now, here', here, (9, -13), textcoords='offset points')
        _lines(ax, store, 'probe')
        _percent(ax, xscale='log', title=title, xlabel='images seen in pretraining',
                 ylabel=f"accuracy, {store.plan['labels']} labels per class")
        ax.set_xticks(x, [f'{v:,.0f}' for v in x], rotation=25)
    ends = ', '.join(f'{k} {bound(store, k):.0%}' for k in ('untrained', 'supervised'))
    said = ', '.join(f'{a:,.0f} images {b:.0%}' for a,b in zip(x, y))
    fig.alt = f'{title}: {said}. {ends}.'
    return fig''',
'''#| export
SEVERAL = {'temperature τ': {.03: 'τ 0.03', .1: 'base', .3: 'τ 0.3', 1.: 'τ 1'},
           'images that compete': {4: '4 compete', 16: '16 compete', 128: 'base'}}

def plot_choices(
    store, # the stored runs
    titles=('', ''), # what to see in each panel
): # a matplotlib figure
    "Accuracy with few labels against temperature, and against the number of candidates."
    runs,color,said = chosen_runs(store),METHOD_COLORS['simclr'],[]
    with course_style():
        fig = new_figure(6.6, 3.3)
        for ax,(name,arms),title in zip(fig.subplots(1, 2, sharey=True), SEVERAL.items(), titles):
            t = runs[runs.arm.isin(arms.values())].assign(
                at=lambda t: t.arm.map({a: v for v,a in arms.items()}))
            mean = t.groupby('at').probe.mean()
            ax.plot(mean, color=color, lw=2.4)
            ax.plot(t['at'], t.probe, 'o', ms=4, color=color, alpha=.6)
            _lines(ax, store, 'probe')
            _percent(ax, xscale='log', xlabel=name, title=title)
            ax.set_xticks(list(mean.index), [f'{v:g}' for v in mean.index])
            said.append(f'{name}: '+', '.join(f'{v:g} {a:.0%}' for v,a in mean.items()))
        fig.axes[0].set_ylabel(f"accuracy, {store.plan['labels']} labels per class")
    fig.alt = '. '.join(said)+f". Untrained {bound(store, 'untrained'):.0%}."
    return fig''',
'''#| export
def known_by_views(
    store, # the stored runs
)->pd.DataFrame: # a row for each choice of views, the untrained and the supervised encoder
    "Accuracy with few labels, and R² of each factor: means over seeds."
    runs,names = chosen_runs(store),{'base': 'all changes', 'no color change': 'no color change',
        'same hue': 'same hue', 'no crop': 'no crop'}
    rows = [dict(views=names[r.arm], arm=r.probe, **r.factors) for r in runs.itertuples()
            if r.arm in names]
    rows += [dict(views=r['bound'], arm=r['probe'], **r['factors']) for r in store.rows('bounds')
             if r['bound']!='pixels']
    order = [*names.values(), 'untrained', 'supervised']
    t = pd.DataFrame(rows).groupby('views').mean().loc[order]
    return t.rename(columns=dict(arm='class', scale='size'))''',
'''#| export
def plot_views(
    store, # the stored runs
    title='', # what to see
): # a matplotlib figure
    "The invariance map: what can be read from the features, by the views of pretraining."
    t = known_by_views(store)
    with course_style():
        fig = new_figure(6.4, 3.4)
        ax = fig.add_subplot()
        ax.imshow(t, cmap='Blues', vmin=0, vmax=1, aspect='auto')
        ax.grid(False)
        for (i,j),v in np.ndenumerate(t.to_numpy()):
            ax.text(j, i, f'{v:.2f}'.lstrip('0'), ha='center', va='center',
                    color='white' if v>.55 else '#222222')
        ax.set_xticks(range(t.shape[1]), t.columns)
        ax.set_yticks(range(len(t)), t.index)
        ax.axhline(3.5, color=INK, lw=1)
        ax.set(title=title)
        ax.xaxis.tick_top()
    fig.alt = f'{title}. ' + '; '.join(
        f"{k}: {', '.join(f'{a} {v:.2f}' for a,v in r.items())}" for k,r in t.iterrows())
    return fig''']
