"The experiment of lesson 15: paths of rounds, mixtures, features that are computed once."
import numpy as np,pytest,torch

from ssl_course.compute import seeded
from ssl_course.course.experiments import rounds as r
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.resume import StoredRuns
from ssl_course.settings import load_settings
from ssl_course.utils import InputError

@pytest.fixture(scope='module')
def p(): return r.plan(load_settings(budget='smoke'))

@pytest.fixture(scope='module')
def sets(p): return r.data(p)

def test_parts_share_no_image(sets, p):
    for s in p['sources']:
        parts = [sets[f'{s}: {k}'] for k in ('pool', 'valid', 'test')]
        for i,a in enumerate(parts):
            for b in parts[:i]: assert a.find_leakage(b)==[]
        for k in ('valid', 'test'): assert sets[f'{s}: images'].find_leakage(sets[f'{s}: {k}'])==[]
    for k in ('masks', 'other masks', 'factors'):
        assert sets[k].find_leakage(sets['postcards: images'])==[]

def test_every_source_is_seen_equally_often(p):
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

def test_an_encoder_is_trained_once_and_read_later(sets, p, tmp_path):
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
    from PIL import Image
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
