import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root='/tmp/wt/fourteen'
p=f'{root}/nbs/course/experiments/consistency_starts.ipynb'
base=json.load(open('/work/main/nbs/course/experiments/patch_shortcuts.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def md(t): n.ins(len(n.c),t,'markdown')
def code(t): n.ins(len(n.c),t)
md('''# course.experiments.consistency_starts

> The experiment behind lesson 14: unlabelled images while fine-tuning, from a weak, a general and a strong start.''')
code('#| default_exp course.experiments.consistency_starts')
code('''#| export
from functools import partial

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from matplotlib.ticker import PercentFormatter
from torch import nn

from ssl_course.compute import seeded
from ssl_course.consistency import FixMatch,MeanTeacher,pseudo_labels,semi_supervised,shift_flip
from ssl_course.course.experiment import Experiment
from ssl_course.course.experiments.learning_rates import ENCODER
from ssl_course.data.loaders import float_batches
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import climb
from ssl_course.finetune import careful,from_scratch
from ssl_course.heads import Classify
from ssl_course.model import transfer_learner
from ssl_course.plots import METHOD_COLORS,_names_at_ends,course_style,new_figure
from ssl_course.pretrain import fit_quietly,fused_adamw
from ssl_course.reference import labeled_postcards,reference_runs
from ssl_course.utils import asset_path,sha256_file
from ssl_course.views import mild_views,strong_views''')
code('''#| hide
import tempfile
from fastcore.test import test_close,test_eq
from ssl_course.course.experiment import known_experiments
from ssl_course.settings import load_settings''')
md('''Three starts: random weights, the general-purpose model, and our own encoder `postcards-simclr`. Each is fine-tuned on 1, 5 or 10 labels per class, once on the labelled postcards alone and once with 2,000 unlabelled ones beside them. What differs between the arms of a start is the method and nothing else: same labels, same recipe, same views of the labelled images, and **no label smoothing in any of them**, since a head that learns smoothed labels never gets as sure as FixMatch asks for.

## Sizes''')
code('''#| export
METHODS = {'alone': None, 'FixMatch': FixMatch, 'Mean Teacher': MeanTeacher}
STARTS = 'from scratch','general-purpose',ENCODER

def plan(
    s, # a `Settings`
)->dict: # plain values
    "All sizes and settings of the experiment."
    n = dict(pool=s.pick(120, 2000), valid=s.pick(40, 1000), test=s.pick(40, 2000),
             unlabeled=s.pick(24, 2000))
    every,semi = list(s.pick((1,), (1, 5, 10))),['FixMatch', 'Mean Teacher']
    arms = {'from scratch': {'FixMatch': every[:2]},
            **{k: {m: every for m in ('alone', *semi)} for k in STARTS[1:]}}
    updates = {k: list(s.pick((10, 20), v)) for k,v in zip(STARTS, ((800, 6400), *[(200, 800)]*2))}
    return dict(size=32, seed=42, encoder=sha256_file(_file()), images=n, arms=arms,
                updates=updates, rate=3e-3, rates=list(s.pick((1e-3, 5e-3), (1e-5, .3))),
                bs=32, unlabeled_bs=s.pick(10, 64), threshold=.95, width=s.pick(4, 32),
                kept=s.pick(2, 4), watched=s.pick(20, 400),
                seeds=dict(zip(STARTS, s.pick((1, 1, 1), (2, 3, 3)))))

def _file(): return asset_path('encoders')/f'{ENCODER}.safetensors'

def data(
    p:dict, # a `plan`
)->dict: # pool, valid, test, unlabeled
    "Postcards that no encoder of the package was pretrained on."
    return labeled_postcards(p['size'], p['seed'], **p['images'])''')
md('''A step from scratch costs about as much as one from our own encoder, but it takes thousands of them instead of hundreds. So from scratch there's only FixMatch, at 1 and 5 labels. What the labels alone give from scratch at 1, 5 and 10 is stored already, searched up to 12,800 updates (`reference_runs`; with label smoothing of .1). Nothing is left out at the cost of updates.

## Who watches the pseudo-labels

fastai's callback notes at eleven moments of a training what the model, or the teacher if there is one, answers for 400 of the unlabelled images. Besides the accuracy we want to know how *lasting* a mistake is: of the images whose pseudo-label counted and was wrong after two tenths of the training, how many have the same wrong label in the end?''')
code('''#| export
class Watch(Callback):
    "Notes what the model answers for some unlabelled images, at even distances in a training."
    order,run_valid = 90,False
    def __init__(self,
        answers, # function of the model that gives logits (N,n), in evaluation mode
        truth, # true classes (N,)
        method=None, # a `Consistency`; if it has a teacher, that one is asked
        threshold:float=.95, # least probability of a pseudo-label
    ):
        self.answers,self.truth = answers,torch.as_tensor(truth)
        self.method,self.threshold = method,threshold
        self.labels,self.sure,self.at = [],[],[]
    def before_train(self):
        if self.epoch==0: self.step,total = 0,self.n_epoch*len(self.dls.train)
        if self.epoch==0: self.marks = {round(total*i/10) for i in range(1, 11)} | {1}
    def after_batch(self):
        self.step += 1
        if self.step not in self.marks: return
        model = getattr(self.method, 'teacher', None) or self.model
        mode = model.training
        model.eval()
        with torch.no_grad(): label,sure = pseudo_labels(self.answers(model), self.threshold)
        model.train(mode)
        self.at.append(self.step), self.labels.append(label.cpu()), self.sure.append(sure.cpu())''')
code('''#| export
def watched(
    w:Watch, # after a training
)->dict: # lists over its moments, and `stuck`
    """at: the steps; right: accuracy of all pseudo-labels; passed: fraction above the threshold;
    right_passed: accuracy of these (None: there are none); stuck: of those that passed and were
    wrong at the third moment, the fraction with the same label at the end."""
    ok = torch.stack(w.labels)==w.truth
    sure = torch.stack(w.sure)
    share = lambda o, of: float(o[of].float().mean()) if of.any() else None
    early = min(2, len(ok)-1)
    same = w.labels[early]==w.labels[-1]
    return dict(at=w.at, right=[float(o.float().mean()) for o in ok],
                passed=[float(o.float().mean()) for o in sure],
                right_passed=[share(o, of) for o,of in zip(ok, sure)],
                stuck=share(same, sure[early] & ~ok[early]))''')
code('''w,tensors = Watch(None, [0, 0, 1, 1]),lambda rows: [torch.tensor(o) for o in rows]
w.at,w.labels = [1, 5, 9, 13],tensors([[0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]])
w.sure = [o==1 for o in tensors([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])]
found = watched(w)
test_eq((found['right'], found['right_passed'][:2]), ([.5, .5, .75, 1.], [None, 1.]))
test_close(found['right_passed'][2], 2/3)
test_eq(found['stuck'], 0.) # one was wrong and counted at the third moment, and was put right''')
md('''## One training on images''')
code('''#| export
def method_for(
    name:str, # of `METHODS`
    images, # unlabelled
    labeled:int, # labelled images in a batch
    p:dict, # a `plan`
    **views, # `weak` and `strong`, for rows of a tensor, and `truth`
): # a `Consistency`, or None for the labels alone
    "The callback, with about as many unlabelled images in a step as the plan says."
    if METHODS[name] is None: return None
    mu = max(1, round(p['unlabeled_bs']/labeled))
    more = dict(threshold=p['threshold']) if name=='FixMatch' else {}
    return METHODS[name](images, mu=mu, **more, **views)

def start_encoder(
    start:str, # of `STARTS`
    p:dict, # a `plan`
)->Encoder:
    "A fresh copy of what a training starts from."
    if start=='general-purpose': return Encoder.general()
    return Encoder.small(width=p['width']) if start=='from scratch' else Encoder.load(_file())

def accuracies(
    predict, # function of the name of a set: predicted classes
    sets:dict, # valid and test
)->dict: # valid, test
    "Fractions classified correctly."
    return {k: float((predict(k)==sets[k].y).mean()) for k in ('valid', 'test')}''')
code('''#| export
def image_run(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # start, method, labels, seed, lr, updates
)->dict: # measured values
    "Fine-tune all of an encoder, once."
    few,un = sets['pool'].few(key['labels'], key['seed']),sets['unlabeled']
    bs,some = min(p['bs'], len(few)),un.take(slice(0, p['watched']))
    x = torch.cat([*float_batches(some)])
    method = method_for(key['method'], un, bs, p)
    answers = lambda model: model(x.to(next(model.parameters()).device))
    watch = Watch(answers, some.y, method, p['threshold'])
    make = from_scratch if key['start']=='from scratch' else careful
    with seeded(key['seed']):
        dls = few.dls(valid=few, bs=bs, views=mild_views(), steps=key['updates']//10)
        learn = transfer_learner(dls, start_encoder(key['start'], p),
                                 Classify(few.vocab, smoothing=0.), cbs=watch)
        recipe = make(lr=key['lr'])
        (semi_supervised(recipe, method) if method else recipe).run(learn, quiet=True)
    return accuracies(lambda k: learn.model.predict(sets[k])[0], sets) | watched(watch)''')
md('''## The general-purpose model, at reduced cost

All of EfficientNet-Lite0 would have to see every postcard at 96 pixels in every step. When this was written, a step with 32 of them took about thirty times as long as one of our own encoder, and FixMatch needs five times as many images. So it stays as it is, frozen, and only the head learns. (In lesson 9 the head alone was as good as any recipe for this model with few images.) Then its features need to be computed once: of each unlabelled image some weak and some strong views, of each labelled one some of the usual views. Each step draws one of them.''')
code('''#| export
def view_features(
    encoder:Encoder, # frozen
    images, # an `ImageSet`
    views, # list of functions of a batch, one for each view
)->torch.Tensor: # (N,views,D)
    "Embeddings of views of all images."
    encoder.eval()
    with torch.no_grad():
        return torch.cat([torch.stack([encoder(v(x)).float() for v in views], 1)
                          for x in float_batches(images, 100)])

def general_features(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
)->dict: # name → (N,views,D); of the unlabelled images `kept` weak views, then as many strong ones
    "All that training the head of the general-purpose model needs."
    encoder,start,plain,k = Encoder.general(),'general-purpose',lambda x: x,p['kept']
    most = max(n for m in p['arms'][start].values() for n in m)
    with seeded(p['seed']):
        few = {i: view_features(encoder, sets['pool'].few(most, i), [mild_views()]*2*k)
               for i in range(p['seeds'][start])}
        un = view_features(encoder, sets['unlabeled'], [shift_flip]*k+[strong_views()]*k)
    return {k: view_features(encoder, sets[k], [plain]) for k in ('valid', 'test')} | dict(
        few=few, unlabeled=un, watched=view_features(
            encoder, sets['unlabeled'].take(slice(0, p['watched'])), [plain]))''')
code('''#| export
def pick_view(
    x, # (B,views,D)
)->torch.Tensor: # (B,D)
    "One of the views of each image, drawn at random."
    return x[torch.arange(len(x)),torch.randint(x.shape[1], (len(x),))]

def few_rows(
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    n:int, # labels per class
    seed:int, # of the choice
)->list: # places of `few(n)` in `few` of the most labels, which contains it
    "Which rows of the features of labelled images belong to a smaller choice."
    most = max(n for m in p['arms']['general-purpose'].values() for n in m)
    place = {o: i for i,o in enumerate(sets['pool'].few(most, seed).names)}
    return [place[o] for o in sets['pool'].few(n, seed).names]''')
code('''#| export
def head_run(
    z:dict, # returned by `general_features`
    sets:dict, # returned by `data`
    p:dict, # a `plan`
    key:dict, # start, method, labels, seed, lr, updates
)->dict: # measured values
    "Train a head on the features of the frozen general-purpose model, once."
    few,k,un = sets['pool'].few(key['labels'], key['seed']),p['kept'],sets['unlabeled']
    x = z['few'][key['seed']][few_rows(sets, p, key['labels'], key['seed'])]
    bs,n = min(p['bs'], len(few)),key['updates']//10*min(p['bs'], len(few))
    method = method_for(key['method'], z['unlabeled'], bs, p, truth=un.y,
                        weak=lambda x: pick_view(x[:,:k]), strong=lambda x: pick_view(x[:,k:]))
    watch = Watch(lambda net: net(z['watched'][:,0]), un.y[:p['watched']], method, p['threshold'])
    d = x.shape[2]
    net = nn.Sequential(nn.BatchNorm1d(d, affine=False), nn.Linear(d, len(few.vocab)))
    for w in net[1].parameters(): nn.init.zeros_(w) # as `Classify` starts
    with seeded(key['seed']):
        rows = list(zip(x, torch.as_tensor(few.y)))*(n//len(few)+1)
        train = DataLoader(rows, bs=bs, shuffle=True, n=n, drop_last=True, num_workers=0,
                           after_batch=lambda b: (pick_view(b[0]), b[1]))
        learn = Learner(DataLoaders(train, train, device='cpu'), net, nn.CrossEntropyLoss(),
                        opt_func=fused_adamw, wd=.05, cbs=watch)
        fit_quietly(learn, lambda l: l.fit_one_cycle(10, key['lr'], cbs=method or []))
    net.eval()
    return accuracies(lambda k: net(z[k][:,0]).argmax(1).numpy(), sets) | watched(watch)''')
md('''## The search

The same for every arm: the learning rate first, outward from 0.003 in steps of 10/3, with the smallest number of updates; then twice as many updates for as long as that gains more than a point on validation images. The other draws of labels take what the first one chose. Every training is stored as soon as it is done, so an interrupted run goes on from there.''')
code('''#| export
WORKERS = 2 # processes that train side by side, one thread each

def chosen_settings(
    tried:dict, # (rate, updates) → accuracy on validation images
    rate:float, # to begin with
    rates:tuple, # smallest, largest
    updates:tuple, # to begin with, and at most
)->tuple: # (rate, updates, converged?), None; or None and the settings to try next
    "The search so far: `climb` over the rate, then over the number of updates."
    first,most = updates
    try:
        (lr,),_,ok = climb(lambda r: (tried[r, first],), (rate,), (10/3,), (rates,), (True,))
        (n,),_,enough = climb(lambda n: (tried[lr, n],), (first,), (2,), (updates,), (False,),
                              (.01,))
    except KeyError as e: return None,e.args[0]
    return (lr, n, ok and enough),None

def arms(
    p:dict, # a `plan`
)->list: # of (start, method, labels per class)
    "All arms of the experiment."
    return [(s, m, n) for s,ms in p['arms'].items() for m,ns in ms.items() for n in ns]''')
code('''#| export
def search_state(
    store, # a `ResultStore` or `StoredRuns`
)->dict: # arm → what `chosen_settings` gives
    "Where the search of each arm stands."
    p,tried = store.plan,{}
    for r in store.rows('tries'):
        of = tried.setdefault((r['start'], r['method'], r['labels']), {})
        of[r['lr'], r['updates']] = r['valid']
    return {a: chosen_settings(tried.get(a, {}), p['rate'], p['rates'], p['updates'][a[0]])
            for a in arms(p)}

def run_all(
    store, # a `ResultStore`
    part:str, # tries or draws
    keys:list, # of the runs
    sets:dict, # returned by `data`
    z:dict, # the general-purpose model's features are kept here
):
    "Do the runs that are missing: images in two processes, the longest first; heads in this one."
    keys,p = [k for k in keys if not store.has(part, **k)],store.plan
    heads = [k for k in keys if k['start']=='general-purpose']
    if heads and not z: z.update(general_features(sets, p))
    store.each(part, heads, partial(head_run, z, sets, p))
    images = sorted((k for k in keys if k not in heads),
                    key=lambda k: -k['updates']*(1 if k['method']=='alone' else 4))
    store.each(part, images, partial(image_run, sets, p), WORKERS)''')
code('''#| export
def work(
    store, # a `ResultStore`
    sets:dict, # returned by `data`
    p:dict, # a `plan`
):
    "Search with the first draw of labels, then train on the others."
    z,name = {},('start', 'method', 'labels', 'seed', 'lr', 'updates')
    key = lambda a, seed, lr, n: dict(zip(name, (*a, seed, lr, n)))
    if not store.rows('reference'):
        for r in reference_runs('scratch', {k: sets[k] for k in ('pool', 'valid', 'test')}):
            store.add('reference', dict(start='from scratch', method='alone', labels=r.labels,
                seed=r.seed, lr=r.choice, updates=r.updates, valid=r.valid, test=r.accuracy,
                converged=r.converged))
    while todo := [key(a, 0, *more) for a,(_,more) in search_state(store).items() if more]:
        run_all(store, 'tries', todo, sets, z)
    best = {a: found for a,(found,_) in search_state(store).items()}
    run_all(store, 'draws', [key(a, i, *best[a][:2]) for a in best
                             for i in range(1, p['seeds'][a[0]])], sets, z)

CONSISTENCY_STARTS = Experiment('consistency_starts', plan, data, work,
    (Watch, watched, method_for, start_encoder, image_run, view_features, general_features,
     pick_view, few_rows, head_run, chosen_settings, plan, data))''')
code('''ask = partial(chosen_settings, rate=3e-3, rates=(1e-3, 1e-1), updates=(10, 40))
test_eq(ask({}), (None, (3e-3, 10)))
test_eq(ask({(3e-3, 10): .5}), (None, (1e-2, 10)))
test_eq(ask({(3e-3, 10): .5, (1e-2, 10): .4}), (None, (3e-3, 20))) # 9e-4 is out of range
test_eq(ask({(3e-3, 10): .5, (1e-2, 10): .4, (3e-3, 20): .6}), (None, (3e-3, 40)))
found = {(3e-3, 10): .5, (1e-2, 10): .4, (3e-3, 20): .6}
test_eq(ask(found | {(3e-3, 40): .7})[0][1:], (40, False)) # at the limit: not measured to the end
wide = partial(chosen_settings, rate=3e-3, rates=(1e-5, 1e-1), updates=(10, 40))
done = {(3e-3, 10): .5, (1e-2, 10): .4, (9e-4, 10): .4, (3e-3, 20): .505}
test_eq(wide(done), ((3e-3, 10, True), None)) # half a point more is no gain''')
md('''## Tables and figures

None of what follows is part of what the results depend on.''')
code('''#| export
def chosen_runs(
    store, # the stored runs
)->pd.DataFrame: # a row for each arm and draw of labels
    "The runs with the settings that the search chose, and those of the reference."
    best = {a: found[:2] for a,(found,_) in search_state(store).items()}
    rows = [r for r in store.rows('tries')
            if best[r['start'], r['method'], r['labels']]==(r['lr'], r['updates'])]
    return pd.DataFrame([*rows, *store.rows('draws'),
                         *(r for r in store.rows('reference') if r['labels']<=10)])

def accuracy_of(
    store, # the stored runs
    start:str, # of `STARTS`
    method:str, # of `METHODS`
    labels:int, # per class
    of:str='test', # a measured value
)->tuple: # (mean, standard deviation) over draws of labels
    "An arm's accuracy on the test images."
    t = chosen_runs(store).query('start==@start and method==@method and labels==@labels')
    return float(t[of].mean()), float(t[of].std(ddof=1)) if len(t)>1 else 0.''')
code('''#| export
def gain_of(
    store, # the stored runs
    start:str, # of `STARTS`
    labels:int, # per class
    method:str='FixMatch', # of `METHODS`
)->tuple: # (mean, standard deviation) over draws of labels
    "What the unlabelled images add, on the same labels."
    t = chosen_runs(store).query('start==@start and labels==@labels')
    t = t.pivot(index='seed', columns='method', values='test').dropna(subset=[method, 'alone'])
    d = t[method]-t['alone']
    return float(d.mean()), float(d.std(ddof=1)) if len(d)>1 else 0.''')
code('''#| export
def accuracy_table(
    store, # the stored runs
)->pd.DataFrame: # start and method × labels per class
    """Accuracy on test images in per cent, mean ± standard deviation over draws. †: twice the
    updates might still have helped, or another rate; the search ended at a limit."""
    best = {a: found[2] for a,(found,_) in search_state(store).items()}
    cells = {}
    for r in store.rows('reference'):
        best[r['start'], r['method'], r['labels']] = r['converged']
    for (s,m,n),t in chosen_runs(store).groupby(['start', 'method', 'labels']):
        spread = f' ± {100*t.test.std(ddof=1):.1f}' if len(t)>1 else ''
        mark = '' if best[s, m, n] else '†'
        cells.setdefault((s, m), {})[n] = f'{100*t.test.mean():.1f}{spread}{mark}'
    rows = [(s, m) for s in STARTS for m in METHODS if (s, m) in cells]
    t = pd.DataFrame([cells[r] for r in rows], pd.MultiIndex.from_tuples(rows))
    return t.sort_index(axis=1).fillna('–')''')
code('''#| export
LOOKS = {'alone': ('--', 'o', 1.6), 'FixMatch': ('-', 'o', 2.6), 'Mean Teacher': ('', 'D', 0)}

def plot_starts(
    store, # the stored runs
    title='', # what to see
    names=None, # start → its name in the figure
): # a matplotlib figure
    "Accuracy against labels per class: dashed the labels alone, solid with unlabelled images."
    t,names,said,ends = chosen_runs(store),names or {},[],{}
    with course_style():
        fig = new_figure(6.4, 3.9)
        ax = fig.add_subplot()
        ax.set(xscale='log', ylim=(0, 1.02), xlabel='labels per class',
               ylabel='accuracy on test images', title=title)
        for (s,m),part in t.groupby(['start', 'method'], sort=False):
            y,(line,mark,width) = part.groupby('labels').test.mean(),LOOKS[m]
            ax.plot(y, line, color=METHOD_COLORS[s], marker=mark, lw=width, ms=5,
                    mfc='none' if m=='Mean Teacher' else None)
            shown = ', '.join(f'{a:.0%} at {n}' for n,a in y.items())
            said.append(f'{names.get(s, s)}, {m}: {shown}')
        for s,part in t.groupby('start', sort=False):
            last = part[part.labels==part.labels.max()].groupby('method').test.mean()
            ends[names.get(s, s)] = last.get('FixMatch', last.iloc[0]),s
        _names_at_ends(ax, {k: y for k,(y,_) in ends.items()},
                       {k: (METHOD_COLORS[s], '', '-') for k,(_,s) in ends.items()})
        labels = sorted(set(t.labels))
        ax.set_xticks(labels, [f'{n}' for n in labels]), ax.minorticks_off()
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    fig.alt = f"{title}. Labels per class: {'; '.join(said)}."
    return fig''')
code('''#| export
PANELS = {'passed': 'above the threshold', 'right_passed': 'right, of these'}

def over_training(
    store, # the stored runs
    of:str, # a column of lists: right, passed, right_passed
    labels:int=5, # per class
    method:str='FixMatch', # of `METHODS`
)->dict: # start → (draws, moments), NaN where none passed
    "What the watched pseudo-labels were over the trainings."
    t = chosen_runs(store).query('method==@method and labels==@labels')
    return {s: np.array([*part[of]], float) for s,part in t.groupby('start', sort=False)}''')
code('''#| export
def plot_pseudo_labels(
    store, # the stored runs
    labels:int=5, # per class
    titles=('', ''), # what to see in each panel
    names=None, # start → its name in the figure
): # a matplotlib figure
    "FixMatch over a training: which fraction of the pseudo-labels counts, and how many are right."
    names,said = names or {},[]
    with course_style():
        fig = new_figure(6.6, 3.2)
        for ax,(of,what),title in zip(fig.subplots(1, 2, sharey=True), PANELS.items(), titles):
            for s,rows in over_training(store, of, labels).items():
                y = _lines(ax, rows, METHOD_COLORS[s])
                half,end = y[len(y)//2],y[-1]
                said.append(f'{names.get(s, s)}, {what}: {half:.0%} halfway, {end:.0%} at the end')
            ax.set(title=title, xlabel='fraction of the training', ylim=(0, 1.04))
            ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for i,s in enumerate(over_training(store, 'passed', labels)):
            fig.axes[1].annotate(names.get(s, s), (.98, .04+.09*i), weight='bold', ha='right',
                                 xycoords='axes fraction', color=METHOD_COLORS[s])
    fig.alt = f'FixMatch, {labels} labels per class. '+'; '.join(said)+'.'
    return fig

def _lines(ax, rows, color):
    "Thin lines for the rows, a thick one for their mean, which is returned"
    x,n = np.linspace(0, 1, rows.shape[1]),(~np.isnan(rows)).sum(0)
    y = np.where(n>0, np.nansum(rows, 0)/np.maximum(n, 1), np.nan)
    for r in rows: ax.plot(x, r, color=color, lw=.8, alpha=.5)
    ax.plot(x, y, color=color, lw=2.4)
    return y''')
code('''smoke = load_settings(budget='smoke')
store = known_experiments()['consistency_starts'].run(smoke, tempfile.mkdtemp())
test_eq(set(arms(store.plan)), set(search_state(store)))
test_eq(len(chosen_runs(store)), len(arms(store.plan)))
accuracy_table(store)''')
code('''#| hide
assert 'from scratch' in plot_starts(store).alt
for of in ('right', 'passed'): assert {len(v) for v in chosen_runs(store)[of].dropna()}<={10, 11}
plot_pseudo_labels(store, 1)
test_eq(over_training(store, 'passed', 1)['from scratch'].shape[0], 1)
test_eq(accuracy_of(store, 'general-purpose', 'alone', 1)[1], 0.)''')
n.save()
