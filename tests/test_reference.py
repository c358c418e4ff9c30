"Stored comparisons: measured with today's code and encoders, resumable, and read only where the images are the same."
import json

import numpy as np
import pytest

from helpers import NBS
from ssl_course import reference
from ssl_course.data.imageset import ImageSet
from ssl_course.reference import NAMES,labeled_postcards,measure_reference,reference_plan,plot_tries,reference_runs
from ssl_course.resume import source_hash
from ssl_course.utils import asset_path

def stale(name):
    "What is wrong with the stored comparison `name`, or None"
    f = asset_path('reference')/f'{name}.json'
    if not f.exists(): return 'not measured'
    d = json.loads(f.read_text())
    if d['code']!=source_hash(*reference._CODE): return 'other code'
    if d['plan']!=reference_plan(name): return 'another plan'

def test_stored_runs_are_those_of_the_code():
    "Except for those that `nbs/results/stale.json` lists; `python -m ssl_course.reference NAME` measures them"
    listed = json.loads((NBS/'results'/'stale.json').read_text()).get('reference', {})
    wrong = {n: why for n in NAMES if (why := stale(n))}
    assert sorted(wrong)==sorted(listed), wrong
    assert {f.stem for f in asset_path('reference').glob('*.json')} <= set(NAMES)

def test_stored_runs_are_whole():
    "Each number of labels, each seed, once; and a file for every name that `stale.json` doesn't list"
    listed = json.loads((NBS/'results'/'stale.json').read_text()).get('reference', {})
    names = [n for n in NAMES if n not in listed]
    assert 'postcards-simclr' in names
    for name in names:
        d = json.loads((asset_path('reference')/f'{name}.json').read_text())
        assert d['date'] and sorted((r['labels'], r['seed']) for r in d['parts']['runs'])==[
            (n, s) for n in d['plan']['labels'] for s in range(d['plan']['seeds'])]
        assert all(0<=r['accuracy']<=1 and r['updates']>0 for r in d['parts']['runs'])

@pytest.fixture
def tiny(monkeypatch, tmp_path):
    "A stored comparison that takes a second, in a folder of its own"
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    monkeypatch.setattr(reference, 'asset_path', lambda name: tmp_path/name)
    plan = dict(size=16, seed=3, width=4, bs=8, seeds=3, images=dict(pool=80, valid=30, test=40), labels=[1],
                updates=[2, 4])
    monkeypatch.setattr(reference, 'reference_plan', lambda name: plan)
    return plan

def test_cut_off_it_goes_on(tiny, monkeypatch, tmp_path):
    "The runs that were finished are not done again, and the numbers are those of an uninterrupted one"
    straight = [r | dict(seconds=0) for r in measure_reference('scratch', workers=1).rows('runs')]
    (tmp_path/'reference'/'scratch.json').unlink()
    for f in (tmp_path/'home').rglob('scratch-*.json'): f.unlink()
    add = reference.ResultStore.add
    def stop(self, part, row):
        add(self, part, row)
        if len(self.rows(part))==2: raise KeyboardInterrupt
    monkeypatch.setattr(reference.ResultStore, 'add', stop)
    with pytest.raises(KeyboardInterrupt): measure_reference('scratch', workers=1)
    monkeypatch.setattr(reference.ResultStore, 'add', add)
    again = [r | dict(seconds=0) for r in measure_reference('scratch', workers=1).rows('runs')]
    key = lambda r: (r['labels'], r['seed'])
    assert len(again)==3 and sorted(again, key=key)==sorted(straight, key=key)

def test_read_only_for_the_same_images(tiny):
    store = measure_reference('scratch', workers=1)
    tries,chosen = store.all['tries'],store.rows('runs')[0]
    assert {t['labels'] for t in tries}=={1} and len({(t['choice'], t['updates']) for t in tries})==len(tries)>=3
    assert max(t['valid'] for t in tries if t['updates']==chosen['updates'])==chosen['valid'] # what the search chose is among them
    assert len(plot_tries('scratch').axes[0].lines)==1 and plot_tries('nothing') is None
    data = labeled_postcards(16, 3, **tiny['images'])
    runs = reference_runs('scratch', data)
    assert len(runs)==3 and all(r.stored for r in runs) and {r.seed for r in runs}=={0, 1, 2}
    assert not reference_runs('scratch', data | dict(test=data['valid'])) and not reference_runs('nothing', data)
    assert not reference_runs('scratch', labeled_postcards(16, 4, **tiny['images']))

def test_another_machine_draws_the_same_images(tiny):
    "Its vector instructions may round a byte in some thousands the other way: the fingerprint says no, the stored runs still count"
    measure_reference('scratch', workers=1)
    data = labeled_postcards(16, 3, **tiny['images'])
    def elsewhere(images):
        x = np.array(images.x)
        at = np.random.default_rng(0).random(x.shape)<1e-3
        x[at] ^= 1
        return ImageSet(x, images.y, images.vocab, images.names, images.name)
    other = {k: elsewhere(v) for k,v in data.items()}
    assert all(other[k].fingerprint!=data[k].fingerprint for k in data)
    assert len(reference_runs('scratch', other))==3
    wrong = ImageSet(data['pool'].x, np.roll(data['pool'].y, 1), data['pool'].vocab)
    assert not reference_runs('scratch', data | dict(pool=wrong))
