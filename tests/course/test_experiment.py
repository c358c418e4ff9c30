"What a notebook cell can't check of `experiment`: the course's own experiments, their plans, and that stored ones are whole."
import json

import numpy as np,pytest,torch
from PIL import Image

from ssl_course.compute import seeded
from ssl_course.course.experiment import known_experiments,main,read_experiment
from ssl_course.course.experiments import rounds as r
from ssl_course.course.experiments.bounds import BOUNDS
from ssl_course.course.experiments.learning_rates import PHOTO_RATES,PHOTO_STATISTICS,RECIPES_COMPARED as RECIPES
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.resume import StoredRuns
from ssl_course.settings import load_settings
from ssl_course.utils import InputError,to_plain

@pytest.mark.parametrize('budget', ['smoke', 'cpu'])
def test_plans_are_plain(budget):
    "What a stored file can hold, at every budget"
    known = known_experiments()
    assert len(known)>=20
    for name,e in known.items():
        p = to_plain(e.plan(load_settings(budget=budget)))
        assert json.loads(json.dumps(p))==p and e.code and e.name==name

def test_one_that_needs_a_folder_says_so():
    needy = [e for e in known_experiments().values() if e.needs]
    assert needy
    for e in needy:
        with pytest.raises(InputError, match=f'{e.name}=FOLDER'): e.run()

def test_photographs_from_a_folder(tmp_path):
    "The experiments on learning rates that need one: each recipe at each rate, and the folder is not changed"
    world = Postcards(96, seed=1)
    for k,part in enumerate(('train', 'test')):
        images = world.images(16, start=100*k)
        for i,(x,y) in enumerate(zip(images.x, images.y)):
            file = tmp_path/'photos'/part/('odd' if y%2 else 'even')/f'{part}{i}.png'
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(x).save(file)
    for e in (PHOTO_RATES, PHOTO_STATISTICS):
        done = e.run(load_settings(budget='smoke'), tmp_path/e.name, tmp_path/'photos')
        assert done.table('rates').recipe.tolist()==done.plan['recipes'] and done.table('rates').accuracy.between(0, 1).all()
    done = BOUNDS.run(load_settings(budget='smoke'), tmp_path/'bounds', tmp_path/'photos').table('bounds')
    assert set(zip(done.source, done.bound))=={(k, b) for k in ('postcards', 'scenes', 'photographs') for b in ('floor', 'ceiling')}
    assert done.accuracy.between(0, 1).all() and (done.images>0).all()
    assert len(list((tmp_path/'photos').rglob('*.*')))==32

def test_an_unknown_name_stops_the_command():
    with pytest.raises(SystemExit, match="There is no .*'nothing'.*fine_tuning"): main(['nothing'])

def test_the_comparison_is_whole():
    "Every recipe at every number of labels with every seed; one learning rate for all seeds, and no choice at the edge of its grid"
    s = read_experiment('fine_tuning')
    t = s.table('recipes')
    assert len(t)==len(RECIPES)*len(s.plan['labels'])*s.plan['seeds'] and set(t.method)==set(RECIPES) and not t.duplicated(['method', 'labels', 'seed']).any()
    assert (t.groupby(['method', 'labels']).choice.nunique()==1).all() and s.plan['seeds']>=5
    assert t.converged.all() and (t[t.method=='head only'].drift==0).all() and t.accuracy.between(0, 1).all()

def test_a_missing_one_says_how_to_run_it():
    with pytest.raises(InputError, match='make lessons'): read_experiment('nothing')

# lesson 15: paths of rounds, mixtures, features that are computed once

@pytest.fixture(scope='module')
def rounds_plan(): return r.plan(load_settings(budget='smoke'))

@pytest.fixture(scope='module')
def rounds_sets(rounds_plan): return r.data(rounds_plan)

def test_parts_share_no_image(rounds_sets, rounds_plan):
    sets,p = rounds_sets,rounds_plan
    for s in p['sources']:
        parts = [sets[f'{s}: {k}'] for k in ('pool', 'valid', 'test')]
        for i,a in enumerate(parts):
            for b in parts[:i]: assert a.find_leakage(b)==[]
        for k in ('valid', 'test'): assert sets[f'{s}: images'].find_leakage(sets[f'{s}: {k}'])==[]
    for k in ('masks', 'other masks', 'factors'):
        assert sets[k].find_leakage(sets['postcards: images'])==[]

def test_every_source_is_seen_equally_often(rounds_plan):
    p = rounds_plan
    a,b,c = (ImageSet(np.full((n, 4, 4, 3), v, np.uint8)) for n,v in ((7, 1), (3, 2), (1, 3)))
    x = r.mixture([a, b, c]).x[:, 0, 0, 0]
    assert np.bincount(x).tolist()==[0, 7, 7, 7]

def test_nodes_come_after_their_parents():
    for n in (*r.TREE, *r.SOURCES):
        assert n.rpartition('/')[0] in ('', *r.TREE) and n.rpartition('/')[2] in r.ROUNDS and r.title_of(n)
    seen = set()
    for level in r.node_levels(dict(nodes=r.TREE+r.SOURCES)):
        assert {n.rpartition('/')[0] for n in level}<=seen|{''}
        seen |= set(level)
    assert seen==set(r.TREE+r.SOURCES)

def test_equal_compute():
    "Two rounds cost what the long one costs, and a distilled round what a SimCLR round does"
    steps = lambda task,n: r.steps_for(task, n, 64)
    x = torch.rand(4, 3, 32, 32)
    keys,f = r.image_keys(x),np.random.default_rng(0).normal(size=(4, 8))
    assert 2*steps(r.SimCLR(), 64_000)==steps(r.SimCLR(), 128_000)==steps(r.FeatureDistillation(keys, f), 64_000)

def test_distillation_of_features():
    "The loss is 1 for a constant guess, 0 for the features themselves; the view is of the same image"
    x = torch.from_numpy(Postcards(32).draw(range(64))).permute(0, 3, 1, 2).float()/255
    f = np.random.default_rng(0).normal(3, 5, size=(64, 16))
    task = r.FeatureDistillation(r.image_keys(x), f)
    task.setup(Encoder.small(width=4))
    with seeded(0): view,target = task.train().make(x)
    assert view.shape==x.shape and not torch.equal(view, x)
    assert abs(task.loss(torch.zeros_like(target), target).item()-63/64)<1e-3 and task.loss(target, target)==0
    assert torch.equal(task.eval().make(x[5:6])[1], target[5:6])
    assert task.spec()==dict(task='distillation', teacher='general')

def test_an_encoder_is_trained_once_and_read_later(rounds_sets, rounds_plan, tmp_path):
    sets,p = rounds_sets,rounds_plan
    key = dict(node='simclr/masks', lr=1e-3, before=[3e-3], seed=1)
    a = r.trained(sets, p, tmp_path, key)
    assert sorted(f.name for f in tmp_path.iterdir())==['simclr+masks, 0.003 0.001, 1.safetensors', 'simclr, 0.003, 1.safetensors']
    assert [e.get('task', e.get('head')) for e in a.lineage if 'parent' not in e]==['simclr', 'segment']
    (tmp_path/'simclr+masks, 0.003 0.001, 1.safetensors').unlink()
    (tmp_path/'simclr, 0.003, 1.safetensors').unlink()
    b = r.trained(sets, p, tmp_path, key)
    for u,v in zip(a.parameters(), b.parameters()): assert torch.equal(u, v)
    before = {f: f.stat().st_mtime_ns for f in tmp_path.iterdir()}
    r.trained(sets, p, tmp_path, key)
    assert before=={f: f.stat().st_mtime_ns for f in tmp_path.iterdir()}

def test_rates_are_searched_from_the_parents_best():
    runs = [dict(node='simclr', lr=lr, before=[], seed=0, valid=v) for lr,v in ((3e-3, .3), (1e-3, .2), (1e-2, .4))]
    store = StoredRuns(dict(parts=dict(rates=runs), plan={}))
    p = dict(rates=[3e-3, 1e-3], most=6, ladder=[1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2])
    assert [k['lr'] for k in r.keys_left(store, p, ['simclr'])]==[3e-2] # outward
    runs.append(dict(node='simclr', lr=3e-2, before=[], seed=0, valid=.1))
    assert r.keys_left(store, p, ['simclr'])==[]
    assert {(k['lr'], *k['before']) for k in r.keys_left(store, p, ['simclr/masks'])}=={(3e-3, 1e-2), (1e-3, 1e-2)}

def test_solar_cells(tmp_path):
    with pytest.raises(InputError, match='labels.csv'): r.solar_cells(tmp_path, 32)
    (tmp_path/'data'/'images').mkdir(parents=True)
    rng,lines = np.random.default_rng(0),[]
    for i in range(60):
        Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)).save(tmp_path/'data'/'images'/f'{i:02}.png')
        lines.append(f'images/{i:02}.png  {(0., 1., 1/3)[i%3]}    mono')
    (tmp_path/'data'/'labels.csv').write_text('\n'.join(lines)+'\n')
    cells = r.solar_cells(tmp_path, 32)
    parts = r.solar_parts(cells, 0)
    assert cells.counts==dict(broken=20, fine=20, unsure=20)
    sure = [parts[f'solar: {k}'] for k in ('pool', 'valid', 'test')]
    assert sum(map(len, sure))==40 and all(sorted(s.vocab)==['broken', 'fine'] for s in sure)
    assert all(np.ptp([*s.counts.values()])<=1 for s in sure) # as many of each
    out = set(sure[1].names)|set(sure[2].names)
    assert set(parts['solar: images'].names)==set(cells.names)-out

def test_refitting_changes_statistics_only():
    "What comes back by it was not in the weights; the encoder itself stays as it was"
    with seeded(0): e = Encoder.small(width=4)
    was = {k: v.clone() for k,v in e.state_dict().items()}
    new = r.fitted(e, Postcards(32).images(64))
    assert all(torch.equal(was[k], v) for k,v in e.state_dict().items())
    assert all(torch.equal(a, b) for a,b in zip(e.parameters(), new.parameters()))
    moved = [k for k,v in new.state_dict().items() if not torch.equal(was[k], v)]
    assert moved and all('running_' in k or 'num_batches' in k for k in moved)

def test_evened_images_hide_brightness(rounds_plan):
    "Dark and bright noise: mean and spread tell them apart, and nothing does afterwards"
    rng,p = np.random.default_rng(0),rounds_plan | dict(sources=['solar'], labels=5)
    def noise(n):
        y = np.arange(n)%2
        x = rng.normal(70+90*y[:, None, None, None], 12, (n, 16, 16, 3)).clip(0, 255).astype(np.uint8)
        return ImageSet(x, y, ('dark', 'bright'), [str(i) for i in range(n)])
    sets = {f'solar: {k}': noise(n) for k,n in (('images', 80), ('pool', 80), ('valid', 60), ('test', 200))}
    assert r.plain_run(sets, p, dict(features='channels'))['solar']['probe']>.97
    even = {k: r.evened(v) for k,v in sets.items()}
    assert np.ptp(even['solar: test'].x.mean((1, 2, 3)))<1 and np.ptp(even['solar: test'].x.std((1, 2, 3)))<1
    assert r.plain_run(even, p, dict(features='channels'))['solar']['probe']<.75
    assert r.evened_run(sets, p, dict(on='solar', seed=0))['solar']['probe']<.75

def test_an_end_of_the_ladder_is_marked():
    rate = lambda node, lr, valid: dict(node=node, lr=lr, before=[], seed=0, valid=valid)
    rates = [rate('a', 1e-3, .2), rate('a', 3e-3, .4), rate('a', 1e-2, .3), rate('b', 1e-3, .1), rate('b', 3e-3, .2)]
    tuned = [dict(node='a', seed=0, converged=True), dict(node='b', seed=0, converged=False), dict(node='b', seed=1)]
    store = StoredRuns(dict(parts=dict(rates=rates, tuned=tuned), plan={}))
    assert r.open_searches(store)==(['b'], ['b'])
