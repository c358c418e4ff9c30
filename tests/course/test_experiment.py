"What a notebook cell can't check of `experiment`: the course's own experiments, their plans, and that stored ones are whole."
import json

import pytest
from PIL import Image

from ssl_course.course.experiment import known_experiments,main,read_experiment
from ssl_course.course.experiments.bounds import BOUNDS
from ssl_course.course.experiments.learning_rates import PHOTO_RATES,PHOTO_STATISTICS,RECIPES_COMPARED as RECIPES
from ssl_course.data.postcards import Postcards
from ssl_course.settings import load_settings
from ssl_course.utils import InputError,to_plain

@pytest.mark.parametrize('budget', ['smoke', 'cpu'])
def test_plans_are_plain(budget):
    "What a stored file can hold, at every budget"
    known = known_experiments()
    assert len(known)>=18
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
