import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root='/tmp/wt/seven'
p=f'{root}/nbs/course/experiments/pretext_tasks.ipynb'
base=json.load(open('/work/main/nbs/course/experiments/patch_shortcuts.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def md(t): n.ins(len(n.c),t,'markdown')
def code(t):
    for i,o in enumerate(t.split('\n#---\n')): n.ins(len(n.c), ('#| export\n' if i else '')+o)
md('''# course.experiments.pretext_tasks

> The matrix of lesson 7: what ten pretext tasks, at equal compute, know of postcards.''')
code('#| default_exp course.experiments.pretext_tasks')
code('''#| export
from functools import partial

import numpy as np
import pandas as pd

from ssl_course.course.experiment import Experiment,read_experiment
from ssl_course.course.experiments.pretext_compute import PRETEXT_COMPUTE,TASKS as COMPUTE_TASKS
from ssl_course.course.experiments.pretext_compute import WORKERS,best_rates,find_rates,make_task
from ssl_course.course.experiments.pretext_compute import plan as compute_plan,pretrained
from ssl_course.course.experiments.pretext_compute import rates_left,searched,untrained_encoder
from ssl_course.course.experiments.two_view_methods import class_sources
from ssl_course.data.clips import Clips
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import fit_few
from ssl_course.evaluate.pretext_matrix import fine_tuned_score,model_score,probe_score
from ssl_course.evaluate.probes import segmentation_probe
from ssl_course.finetune import from_scratch
from ssl_course.pretext.artifacts import Artifacts
from ssl_course.pretext.base import Pretext
from ssl_course.pretext.jigsaw import RelativePosition
from ssl_course.pretext.reconstruction import Autoencoder
from ssl_course.pretext.temporal import FrameOrder
from ssl_course.utils import InputError
from ssl_course.views import Views,mild_views''')
code('''#| hide
import tempfile
from fastcore.test import test_close,test_eq
from ssl_course.course.experiment import known_experiments
from ssl_course.settings import load_settings''')
code('''from ssl_course.evaluate.pretext_matrix import matrix_summary''')
md('''## The tasks

The six whose accuracy is measured against compute in [pretext_compute](pretext_compute.ipynb), and four more from lessons 4 to 6. All rows are encoders of 16 units, each at the rate that a search at 4 units found, as there; those six are taken from the cache, if they lie there.''')
code('''#| export
TASKS = COMPUTE_TASKS | dict(relative_position=RelativePosition, autoencoder=Autoencoder,
                             artifacts=Artifacts, frame_order=FrameOrder)

def matrix_task(
    name:str, # of `TASKS`
    p:dict, # a `matrix_plan`
)->Pretext:
    "The pretext task, with the defaults of the library or those of `make_task`."
    return make_task(name, p) if name in COMPUTE_TASKS else TASKS[name]()''')
code('list(TASKS)')
md('''## The questions

Everything is known about a postcard, so one set of images serves all questions. We left out those that even a network with 10,000 labels can hardly answer at this size: how far the object leans (12° at most), how many rocks there are. A hue is an angle, so its targets are sine and cosine.''')
code('''#| export
QUESTIONS = dict(object='which of ten things', landscape='which of six landscapes',
                 place='where the object is, across and down', size='how large the object is',
                 hue='the main color of the object', brightness='how bright the image is',
                 mask='which pixels are the object')

def labeled_by(
    world, # `Postcards`
    numbers, # indices of the images
    questions=tuple(QUESTIONS), # names
)->dict: # name of a question → `ImageSet`; all of the same images
    "Postcards with the labels of each question."
    f,x = world.factors(numbers),world.draw(numbers)
    names,hue = [f'postcards[{i}]' for i in numbers],2*np.pi*f['hue']
    y = dict(object=(f['object'], world.classes), landscape=(f['biome'], world.biomes),
             place=(np.c_[f['x'], f['y']], 'xy'), size=(f['scale'][:,None], ['size']),
             hue=(np.c_[np.sin(hue), np.cos(hue)], ['sin', 'cos']),
             brightness=(f['brightness'][:,None], ['brightness']))
    if 'mask' in questions: y['mask'] = world.masks(numbers),['background', 'object']
    return {k: ImageSet(x, *y[k], names, f'postcards, {k}') for k in questions}''')
code('''sets = labeled_by(Postcards(size=32, seed=1), range(50))
test_eq([s.kind for s in sets.values()], ['class']*2+['regression']*4+['mask'])
test_eq(len({id(s.x) for s in sets.values()}), 1)
test_close((sets['hue'].y**2).sum(1), np.ones(50), eps=1e-5)
{k: s.caption(0) for k,s in sets.items()}''')
code('''#| export
def matrix_plan(
    s, # a `Settings`
)->dict: # plain values
    "All sizes and settings of the experiment: those of `pretext_compute`, and some more."
    p = compute_plan(s) | dict(worlds=['postcards'], clips=s.pick(40, 8000))
    few = 'rotation', 'simclr', 'autoencoder', 'frame_order'
    return p | dict(tasks=list(s.pick(few, tuple(TASKS))), questions=list(QUESTIONS),
                    tune=dict(labels=s.pick(20, 100), updates=s.pick(2, 150), bs=s.pick(16, 32)),
                    ceiling=dict(updates=s.pick(4, 1000), bs=s.pick(16, 64)),
                    labeled=s.pick(100, 10_000))
#---
def matrix_data(
    p:dict, # a `matrix_plan`
)->dict: # name → `ImageSet`
    "The images of `pretext_compute`, clips, and the labeled sets of each question."
    world,n = Postcards(p['size'], seed=p['seed']),p['images']
    start = {k: 2_000_000+100_000*i for i,k in enumerate(n)}
    sets = dict(images=world.images(n['images'], start=start['images']),
                clips=Clips(p['size'], p['seed']).images(p['clips']))
    ranges = {k: range(start[k], start[k]+n[k]) for k in ('pool', 'valid', 'test')}
    ranges['labeled'] = range(start['images'], start['images']+p['labeled'])
    for k,r in ranges.items():
        of = labeled_by(world, r, p['questions'])
        sets |= {f'{q}: {k}': of[q] for q in p['questions']}
    return sets

def parts_of(
    sets:dict, # returned by `matrix_data`
    question:str, # of `QUESTIONS`
)->dict: # part → `ImageSet`
    "The sets that belong to one question."
    return {k: sets[f'{question}: {k}'] for k in ('labeled', 'pool', 'valid', 'test')}''')
md('''## Rows

An encoder answers each question through a linear model on its frozen features, fitted to the 2,000 labels of the pool. And it's fine-tuned with 100 labels of the first question, by one recipe for all rows, untrained ones too.''')
code('''#| export
def row_run(
    sets:dict, # returned by `matrix_data`
    p:dict, # a `matrix_plan`
    key:dict, # task; lr; seed
)->dict: # probe: question → score; tuned: accuracy on the first question
    "One encoder, and all questions."
    images,seed,q = sets['images'],key['seed'],p['questions'][0]
    if key['task']=='untrained': encoder = untrained_encoder(images, p['width'], seed)
    else:
        new = partial(matrix_task, key['task'], p)
        if new().clips: images = sets['clips']
        unseen = images.take(slice(0, 64)) if new().clips else sets[f'{q}: valid']
        encoder,_ = pretrained(new, images, unseen, p, key | dict(units=p['keep']))
    parts = {k: parts_of(sets, k) for k in p['questions']}
    scores = {k: probe_score(encoder, s['pool'], s['test'],
                             s['valid'] if s['pool'].kind=='class' else None)
              for k,s in parts.items()}
    tune = {k: v for k,v in p['tune'].items() if k!='labels'}
    tuned,lr = fine_tuned_score(encoder, parts[q]['pool'], parts[q]['test'], seed,
                                labels=p['tune']['labels'], **tune)
    return dict(probe=scores, tuned=tuned, tuned_lr=lr)''')
md('''## Ceilings

What can be known at all? The same encoder, trained from scratch on 10,000 labels of one question. The rate is searched as for the tasks. Only classes are learned from changed views: a changed color or place would be a wrong label elsewhere.''')
code('''#| export
STILL = dict(scale=(1., 1.), ratio=(1, 1), flip=0., jitter=0., gray=0.) # views that change nothing

def ceiling_run(
    sets:dict, # returned by `parts_of`
    p:dict, # a `matrix_plan`
    key:dict, # question, lr, seed
)->dict: # valid and test: accuracy, R² or IoU
    "Train with all labels of one question."
    views = mild_views() if sets['labeled'].kind=='class' else Views(**STILL)
    try: model = fit_few(sets['labeled'], partial(Encoder.small, width=p['width']),
                         from_scratch(lr=key['lr']), key['seed'], views=views, **p['ceiling'])
    except InputError as e:
        if 'The loss is' not in str(e): raise
        return dict(valid=-1., test=-1.)
    return {k: model_score(model, sets[k]) for k in ('valid', 'test')}

def find_ceiling(
    store, # a `ResultStore`
    sets:dict, # returned by `matrix_data`
    p:dict, # a `matrix_plan`
    question:str, # of `QUESTIONS`
):
    "Search the rate of one ceiling."
    run = partial(ceiling_run, parts_of(sets, question), p)
    while True:
        tried = searched(store.rows('ceilings'), 'question').get(('postcards', question), {})
        if not (rates := rates_left(tried, p)): return
        store.each('ceilings', [dict(world='postcards', question=question, lr=lr, seed=0)
                                for lr in rates], run, WORKERS)''')
md('''## Runs''')
code('''#| export
def known_rates()->dict: # task → learning rate
    "The rates that `pretext_compute` found on postcards."
    try: found = best_rates(read_experiment('pretext_compute'))
    except InputError: return {} # it was never run: then all are searched here
    return {t: lr for (w,t),lr in found.items() if w=='postcards'}

def matrix_work(
    store, # a `ResultStore`
    sets:dict, # returned by `matrix_data`
    p:dict, # a `matrix_plan`
):
    "Do the runs that are missing: rates that aren't known yet, rows, ceilings, the second seed."
    rates,first = known_rates(),parts_of(sets, p['questions'][0])
    more = p | dict(tasks=[t for t in p['tasks'] if t not in rates])
    same = dict(images=sets['images'], clips=sets['clips'])
    find_rates(store, first | same, more, 'postcards', matrix_task)
    rates |= {t: lr for (_,t),lr in best_rates(store).items()}
    asked = {k: v for k,v in sets.items() if not k.endswith('labeled')}
    for i in range(p['seeds']):
        keys = [dict(task='untrained', lr=0., seed=i)]
        keys += [dict(task=t, lr=rates[t], seed=i) for t in p['tasks']]
        store.each('encoders', keys, partial(row_run, asked, p), WORKERS)
        for q in p['questions']: find_ceiling(store, sets, p, q)

PRETEXT_MATRIX = Experiment('pretext_matrix', matrix_plan, matrix_data, matrix_work,
    (*PRETEXT_COMPUTE.code, *class_sources((RelativePosition, Artifacts, FrameOrder)), matrix_task,
     labeled_by, matrix_plan, matrix_data, row_run, ceiling_run, probe_score, fine_tuned_score,
     model_score, segmentation_probe))''')
md('''## The table

Tidy, as `matrix_summary` and `plot_matrix` take it; the row `supervised` has each question's ceiling.''')
code('''#| export
def matrix_table(
    store, # the stored runs
)->pd.DataFrame: # columns task, downstream, seed, probe
    "All scores, a row for each encoder and question, with the ceilings."
    rows = [dict(task=r['task'], downstream=q, seed=r['seed'], probe=v)
            for r in store.rows('encoders') for q,v in r['probe'].items()]
    for q in store.plan['questions']:
        tries = [r for r in store.rows('ceilings') if r['question']==q]
        rows.append(dict(task='supervised', downstream=q, seed=0,
                         probe=max(tries, key=lambda r: r['valid'])['test']))
    return pd.DataFrame(rows)

def tuned_table(
    store, # the stored runs
)->pd.DataFrame: # columns task, seed, tuned
    "Accuracy on the first question after fine-tuning, a row for each encoder."
    return pd.DataFrame([{k: r[k] for k in ('task', 'seed', 'tuned')}
                         for r in store.rows('encoders')])''')
code('''smoke = load_settings(budget='smoke')
store = known_experiments()['pretext_matrix'].run(smoke, tempfile.mkdtemp())
table = matrix_table(store)
test_eq(set(table.task), {'untrained', 'supervised', *store.plan['tasks']})
test_eq(len(tuned_table(store)), store.plan['seeds']*(1+len(store.plan['tasks'])))
matrix_summary(table)''')
n.save()
