"What lesson 16 runs on: folder before solar cells before postcards, the same columns for all."
import numpy as np
import pytest
from PIL import Image

from ssl_course.course import own_images as own
from ssl_course.data.postcards import Postcards
from ssl_course.utils import InputError

@pytest.fixture
def folder(tmp_path):
    for i,a in enumerate(Postcards(32).images(24).x):
        d = tmp_path/'mine'/('hole' if i%4==0 else 'fine')
        d.mkdir(parents=True, exist_ok=True)
        Image.fromarray(a).save(d/f'plant{i//6}_{i:02d}.png')
    return tmp_path/'mine'

@pytest.fixture
def package(tmp_path):
    "Twelve cells in two modules"
    data = tmp_path/'elpv_dataset'/'data'
    (data/'images').mkdir(parents=True)
    for i,a in enumerate(Postcards(32, seed=1).images(12).x): Image.fromarray(a).convert('L').save(data/f'images/cell{i+1:04d}.png')
    rows = [f"images/cell{i+1:04d}.png  {(0., 1/3, 2/3, 1.)[i%4]}  {('mono', 'poly')[i//6]}" for i in range(12)]
    (data/'labels.csv').write_text('\n'.join(rows))
    return tmp_path

def same_columns(o):
    n = len(o.images)
    assert o.images.kind=='class' and len(o.images.vocab)==2 and set(o.images.y)=={0, 1}
    assert len(o)==len(o.grade)==len(o.kind)==n and 0<=o.grade.min()<=o.grade.max()<=1 and o.credit
    assert len(o.find_groups(np.random.default_rng(0).standard_normal((n, 8))))==n
    assert o.defect.sum()==o.images.counts[o.images.vocab[1]]

def test_all_sources_have_the_same_columns(folder, package):
    for o in (own.folder_images(folder, 32), own.solar_cells(package, 32, groups=3), own.postcard_series(160, 32)): same_columns(o)

def test_order_of_sources(folder, package, monkeypatch):
    monkeypatch.setattr(own, 'find_spec', lambda name: None)
    assert own.own_images('postcards', 32, n=80).images.name=='postcards in series' # the setting's default is no folder
    spec = type('Spec', (), dict(submodule_search_locations=[str(package/'elpv_dataset')]))
    monkeypatch.setattr(own, 'find_spec', lambda name: spec)
    assert own.own_images(None, 32).images.name=='solar cells'
    assert own.own_images(folder, 32).images.name=='mine'

def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(own, 'find_spec', lambda name: None)
    with pytest.raises(InputError, match='pip install'): own.solar_cells()

def test_cells_keep_the_order_of_the_table(package):
    o = own.solar_cells(package, 32, groups=2)
    assert list(o.images.names)==[f'images/cell{i+1:04d}.png' for i in range(12)]
    assert o.images.y.tolist()==[0, 0, 1, 1]*3 and o.kind.tolist()==['mono']*6+['poly']*6
    assert o.grade.tolist()==pytest.approx([0, 1/3, 2/3, 1]*3)

def test_groups_by_the_names_of_files(folder):
    o = own.own_images(folder, 32, pattern=r'/plant(\d)_')
    assert np.bincount(o.find_groups(None)).tolist()==[6]*4 and o.find_groups(None).tolist()==sorted(o.find_groups(None))

def test_fewer_images(folder):
    o = own.own_images(folder, 32, n=8)
    same_columns(o)
    assert len(o)==8

def test_shrinking_takes_means():
    big = Postcards(32).images(2)
    assert np.abs(own.shrunk(big, 16).x.astype(float)-big.x.reshape(2, 16, 2, 16, 2, 3).mean((2, 4))).max()<=.5
