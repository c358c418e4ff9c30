"What a notebook cell can't check well of `pipeline`: which images a run uses, and that its verdict is true whichever way it went. Whole runs are in test_cli.py."
import os,re
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers import save_images,some_images
from ssl_course.pipeline import find_task,labeled_splits,load_run_data,terminal_picture,verdict
from ssl_course.settings import load_settings
from ssl_course.stages import RunConfig,run_plan
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    monkeypatch.chdir(tmp_path)

def plan(**kwargs): return run_plan(RunConfig(**kwargs), load_settings(budget='smoke', size=16))

@pytest.mark.parametrize('task', ['simclr', 'frame_order'])
def test_no_image_is_in_two_parts(task):
    d = load_run_data(plan(pretext=task))
    labeled = [d.pool, d.valid, d.test]
    parts = labeled if find_task(task).clips else [d.unlabeled, *labeled]
    digests = [set(p.digests) for p in parts]
    assert len(set.union(*digests))==sum(map(len, parts)) and d.unlabeled.y is None and d.pool.vocab==d.test.vocab

def test_parts_of_a_folder_are_used_and_missing_ones_split_off(tmp_path):
    whole,test = some_images(200, size=16),some_images(40, seed=1, size=16)
    save_images(whole, tmp_path/'own'/'train'), save_images(test, tmp_path/'own'/'test')
    pool,valid,got = labeled_splits(tmp_path/'own', 16)
    assert got.fingerprint==test.fingerprint and len(pool)+len(valid)==200 and not pool.find_leakage(valid)
    save_images(whole, tmp_path/'plain')
    sizes = [len(p) for p in labeled_splits(tmp_path/'plain', 16)]
    assert sum(sizes)==200 and all(abs(n-w)<4 for n,w in zip(sizes, (120, 40, 40)))

def test_other_classes_in_a_part_are_refused(tmp_path):
    save_images(some_images(100, size=16), tmp_path/'own'/'train'), save_images(some_images(40, 2, size=16), tmp_path/'own'/'test')
    with pytest.raises(InputError, match='classes a, b, and .*train has a, b, c'): labeled_splits(tmp_path/'own', 16)

def test_one_folder_alone_is_refused(tmp_path):
    with pytest.raises(InputError, match='needs both folders'): load_run_data(plan(unlabeled=str(tmp_path)))

def compared(scratch, tuned, converged=True, **others):
    "A finished comparison with these accuracies at 1, 5 and 10 labels"
    curves = {'from scratch': scratch, 'fine-tuned': tuned} | {k.replace('_', '-')+', frozen': v for k,v in others.items()}
    rows = [dict(method=m, labels=n, seed=s, accuracy=a, converged=converged or m!='from scratch' or n<10) for m,accs in curves.items() for n,a in zip((1, 5, 10), accs) for s in (0, 1)]
    return SimpleNamespace(labels=(1, 5, 10), table=pd.DataFrame(rows), updates=(100, 800))

def test_the_verdict_is_that_of_the_numbers():
    assert verdict(compared((.1, .4, .5), (.1, .3, .4))).endswith('saved no labels.')
    assert '60.0%, frozen' in verdict(compared((.1, .4, .5), (.1, .3, .4), general_purpose=(.3, .6, .7)))
    saved = verdict(compared((.1, .2, .4), (.2, .3, .6)))
    assert '30.0%' in saved and '20.0%' in saved and 'saved no' not in saved and 'converged' not in saved

def test_the_verdict_names_a_baseline_that_wanted_more_and_a_better_start():
    said = verdict(compared((.1, .2, .4), (.2, .3, .6), converged=False, general_purpose=(.3, .5, .6)))
    assert 'At 10 labels per class scratch had not converged after 800 updates' in said and '50.0%, frozen' in said

def test_pictures_for_terminals_have_their_colors():
    x = some_images(4, size=16).x
    text = terminal_picture(x, columns=4)
    rows = text.split('\n')
    assert len(rows)==8 and all(r.count('▀')==64 for r in rows)
    top = re.findall(r'\x1b\[38;2;(\d+);(\d+);(\d+)m\x1b\[48;2;(\d+);(\d+);(\d+)m', rows[0])
    assert [tuple(map(int, t[:3])) for t in top[:16]]==[tuple(map(int, p)) for p in x[0,0]] and [tuple(map(int, t[3:])) for t in top[-16:]]==[tuple(map(int, p)) for p in x[3,1]]
