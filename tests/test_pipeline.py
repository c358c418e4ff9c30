"What a notebook cell can't check well of `pipeline`: which images a run uses, and that its verdict is true whichever way it went. Whole runs are in test_cli.py."
import os,re
from dataclasses import replace
from types import SimpleNamespace
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import save_images,some_images
from ssl_course.compute import seeded
from ssl_course.data.imageset import ImageSet
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import Run
from ssl_course.pipeline import _cheapest,_comparison,_feasible,_run_store,find_task,labeled_splits,load_run_data,recommended_method,run_methods,run_starts,stored_notes,terminal_picture,verdict
from ssl_course.plots import label_curve
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
    save_images(some_images(100, 2, size=16), tmp_path/'own'/'train'), save_images(some_images(40, size=16), tmp_path/'own'/'test')
    with pytest.raises(InputError, match='classes a, b, c, and .*train has a, b;'): labeled_splits(tmp_path/'own', 16)

def test_folders_as_people_have_them(tmp_path, capsys):
    "Strangers, a test folder without classes, a wrapper, a class that no test image has: used as far as possible, and named"
    train = save_images(some_images(200, size=16), tmp_path/'w'/'data'/'train')
    save_images(some_images(30, seed=2, size=16), tmp_path/'w'/'data'/'test', flat=True)
    save_images(some_images(30, seed=3, size=16), tmp_path/'w'/'data'/'unlabeled', flat=True)
    pool,valid,test = labeled_splits(tmp_path/'w', 16)
    said = capsys.readouterr().out
    assert sum(map(len, (pool, valid, test)))==200 and pool.vocab==('a', 'b', 'c')
    assert 'holds nothing but data' in said and 'unlabeled left out' in said and 'data/test has no class folders' in said
    save_images(some_images(60, 2, seed=4, size=16), tmp_path/'own'/'test'), save_images(some_images(200, size=16), tmp_path/'own'/'train')
    pool,valid,test = labeled_splits(tmp_path/'own', 16)
    assert 'own/test has no images of c' in capsys.readouterr().out and test.vocab==pool.vocab and set(test.y)=={0, 1} and len(test)==60

def test_accents_written_by_another_system(tmp_path):
    "A Mac takes é apart: the class is the same"
    for part,form in (('train', 'NFC'), ('test', 'NFD')):
        s = some_images(90, size=16, seed=len(part))
        save_images(ImageSet(s.x, s.y, [normalize(form, v) for v in ('café', 'thé', 'zoo')]), tmp_path/'own'/part)
    pool,valid,test = labeled_splits(tmp_path/'own', 16)
    assert pool.vocab==valid.vocab==test.vocab==('café', 'thé', 'zoo') and len(test)==90 and normalize('NFC', pool.vocab[0])==pool.vocab[0]

def test_deep_images_are_read_by_the_scale_of_the_encoder(tmp_path):
    "It was trained on images that were read so; without one, by the range of all folders of the run"
    rng = np.random.default_rng(0)
    for part,top in (('un', 900), ('own/a', 4000), ('own/b', 900)):
        (tmp_path/part).mkdir(parents=True)
        for i in range(20): Image.fromarray(rng.integers(0, top, (16, 16)).astype(np.uint16)).save(tmp_path/part/f'{i}.png')
    own = dict(unlabeled=str(tmp_path/'un'), labeled=str(tmp_path/'own'))
    e = Encoder.small(width=4)
    e.lineage = [dict(task='simclr', data='cells', size=16, scale=[0, 16383])]
    scales = lambda **kw: {s.scale for s in vars(load_run_data(plan(**own, **kw))).values()}
    assert scales()=={(0, 4095)} and scales(encoder=str(e.save(tmp_path/'e.safetensors')))=={(0, 16383)}

def test_images_in_two_parts_are_refused(tmp_path):
    for part in ('train', 'test'): save_images(some_images(100, size=16), tmp_path/'own'/part)
    with pytest.raises(InputError, match='of own/test are also in the training images'): labeled_splits(tmp_path/'own', 16)

def test_one_class_is_none(tmp_path):
    save_images(some_images(40, 1, size=16), tmp_path/'own')
    with pytest.raises(InputError, match='only one class folder, a.*at least two.$'): labeled_splits(tmp_path/'own', 16)
    (tmp_path/'own'/'labels.csv').write_text('file,class') # as many data sets have it, beside a folder of images
    with pytest.raises(InputError, match=r'only one class folder, a.*\(labels.csv\).*ImageSet.from_csv'): labeled_splits(tmp_path/'own', 16)

def test_one_folder_alone_is_refused(tmp_path):
    with pytest.raises(InputError, match='needs both folders'): load_run_data(plan(unlabeled=str(tmp_path)))

def compared(**curves):
    "A finished comparison: method → accuracies at 1, 5 and 10 labels, with two seeds a point apart"
    names = {k: k.replace('_', ' ').replace(' frozen', ', frozen').replace(' tuned', ', fine-tuned') for k in curves}
    rows = [dict(method=names[k], labels=n, seed=s, valid=a+s/200, accuracy=a, stored=False, converged=True)
            for k,accs in curves.items() for n,a in zip((1, 5, 10), accs) for s in (0, 1)]
    methods = [SimpleNamespace(name=n, labels=(1, 5, 10)) for n in names.values()]
    return SimpleNamespace(labels=(1, 5, 10), methods=methods, table=pd.DataFrame(rows), updates=(100, 800))

SCRATCH = dict(from_scratch=(.1, .2, .4))

def test_the_verdict_is_that_of_the_numbers():
    said = verdict(compared(from_scratch=(.1, .4, .5), pretrained_here_tuned=(.1, .3, .4)))
    assert 'saved no labels' in said and '40.0%' in said and 'pretrained here, fine-tuned 30.0%' in said
    said = verdict(compared(**SCRATCH, pretrained_here_tuned=(.2, .3, .6)), cost={'pretrained here': 200})
    assert said.startswith('Pretraining pays: take pretrained here, fine-tuned.') and '30.0%' in said and '20.0%' in said
    assert '7.1 labels per class instead of 5' in said and 'The others' not in said

def test_the_verdict_may_be_not_to_pretrain():
    starts = dict(general_frozen=(.3, .5, .6), general_tuned=(.3, .52, .6), pretrained_here_tuned=(.2, .3, .6))
    said = verdict(compared(**SCRATCH, **starts), cost={'pretrained here': 200})
    assert said.startswith('You need not pretrain: take general, fine-tuned.') and 'more than 10 labels per class' in said
    assert 'pretrained here, fine-tuned 30.0% after 3 minutes of training' in said and 'general, frozen' not in said

def test_scratch_may_not_have_been_measured_further():
    "Then nothing is said about the labels it needs, and no arrow drawn"
    c = compared(**SCRATCH, pretrained_here_tuned=(.2, .5, .6))
    c.table,c.methods[0].labels = c.table[c.table.labels<=5],(1, 5)
    assert 'not measured with more labels' in verdict(c) and 'instead of' not in verdict(c)
    fig = label_curve(c.table, arrow=('pretrained here, fine-tuned', 5, 'from scratch'))
    assert not [t for t in fig.axes[0].texts if 'labels' in t.get_text()]

def test_what_costs_more_has_to_be_clearly_better():
    "By more than a point, and by more than a standard error"
    best = lambda here: recommended_method(compared(**SCRATCH, general_frozen=(.3, .5, .6), pretrained_here_frozen=(.2, here, .6)), 5)
    assert best(.509)=='general, frozen' and best(.52)=='pretrained here, frozen' and best(.4)=='general, frozen'
    c = compared(**SCRATCH, general_frozen=(.3, .5, .6), pretrained_here_frozen=(.2, .53, .6))
    c.table.loc[(c.table.method=='pretrained here, frozen')&(c.table.seed==0), 'valid'] -= .1 # a wide spread
    c.table.loc[(c.table.method=='pretrained here, frozen')&(c.table.seed==1), 'valid'] += .1
    assert recommended_method(c, 5)=='general, frozen'

def test_a_control_is_not_recommended():
    "As good as the best, and cheaper than all: still it is only there to compare with. A stranger's first run said so"
    both = dict(untrained_frozen=(.2, .5, .6), pretrained_here_frozen=(.2, .5, .6))
    assert recommended_method(compared(**SCRATCH, **both), 5)=='pretrained here, frozen'
    assert recommended_method(compared(from_scratch=(.1, .5, .6), **both), 5)=='from scratch'
    assert 'untrained' not in verdict(compared(**SCRATCH, untrained_frozen=(.2, .9, .9), pretrained_here_frozen=(.2, .5, .6)))

def test_the_verdict_names_a_baseline_that_wanted_more():
    c = compared(**SCRATCH, pretrained_here_tuned=(.2, .3, .6))
    c.table['converged'] = (c.table.method!='from scratch') | (c.table.labels<10)
    c.table['updates'] = 1600 # stored runs may have had more than this run allows
    assert 'At 10 labels per class scratch had not converged after 1,600 updates' in verdict(c)

def test_what_costs_least_is_trained_again():
    runs = lambda **updates: [Run('from scratch', int(n[1:]), 0, .01, .5, .5, 1., u) for n,u in updates.items()]
    assert _cheapest(runs(n1=400, n5=6400, n10=12_800), 5)==1
    assert _cheapest(runs(n1=400, n5=400, n10=400), 5)==5 and _cheapest([], 5) is None

def test_starts_of_a_run(tmp_path):
    "What is compared, cheapest first; on folders the trained encoder is continued, too"
    own = dict(unlabeled='u', labeled='l')
    file = tmp_path/'mine.safetensors'
    Encoder.small(width=4).save(file)
    starts = lambda **kw: list(run_starts(plan(**kw), tmp_path))
    assert starts()==['pretrained here'] and starts(**own)==['pretrained here'] # smoke: no trained one
    assert starts(**own, encoder='general')==['general-purpose', 'continued here', 'pretrained here']
    assert starts(encoder=str(file))==['general-purpose', 'mine', 'pretrained here']
    names = [m.name for m in run_methods(plan(**own, encoder=str(file)), tmp_path)]
    assert names==['from scratch', 'untrained, frozen', 'mine, frozen', 'mine, fine-tuned', 'continued here, frozen',
                   'continued here, fine-tuned', 'pretrained here, frozen', 'pretrained here, fine-tuned']

def test_make_course_reads_what_is_stored(tmp_path):
    "All but the run of each method that is done again, with the settings found then; other images, and everything is trained"
    p = run_plan(RunConfig(seeds=2, labels=(1, 5, 50)), load_settings(budget='cpu', size=32, seed=42)) | dict(images=20)
    data = load_run_data(p)
    c,stored = _comparison(data, p, tmp_path)
    tuned = [r for r in stored if r.method=='postcards-simclr, fine-tuned']
    assert sorted((r.labels, r.seed) for r in tuned)==[(1, 0), (1, 1), (5, 1), (50, 0), (50, 1)] and all(r.stored for r in stored)
    rate,updates,converged = c.chosen['postcards-simclr, fine-tuned', 5]
    assert 1e-4<rate<.1 and updates>=400 and converged
    other = replace(data, test=data.valid.take(slice(0, 500)), valid=data.valid.take(slice(500, None)))
    c,stored = _comparison(other, p, tmp_path)
    assert not stored and not c.chosen

def test_a_rare_class_does_not_cap_the_comparison(capsys):
    "All of it is used; what every second class lacks is left out"
    y = np.repeat([0, 1, 2], [60, 3, 20])
    pool = ImageSet(np.zeros((83, 8, 8, 3), np.uint8), y, ('a', 'rare', 'c'))
    assert _feasible([1, 5, 10, 50], pool, False)==[1, 5, 10]
    said = capsys.readouterr().out
    assert 'every second class has 20 labelled images or fewer: 50 per class left out' in said and 'all of those are used: rare (3).' in said
    assert pool.few(10, scarce=True).counts==dict(a=10, rare=3, c=10)
    with pytest.raises(InputError, match='rare has 3, c has 20'): _feasible([50], pool, True)
    with pytest.raises(InputError, match='rare has 3'): pool.few(10)
    assert _feasible([1, 5], pool.few(5, scarce=True), False)==[1, 5]

def test_what_was_trained_again_is_compared_with_its_own_run():
    "Not with the mean over seeds, of which the others are only read"
    run = lambda seed,accuracy,stored=False: Run('from scratch', 1, seed, .01, .5, accuracy, 1., 400, stored=stored)
    c = SimpleNamespace(runs=[run(0, .15), run(1, .9, True)])
    assert stored_notes(c, [])==[] and 'from scratch with 1 label per class 15.0% (stored: 16.0%)' in stored_notes(c, [run(0, .16)])[0]

def test_runs_of_another_encoder_are_not_taken_over(tmp_path):
    "The file that was named has changed: its runs are done again"
    file,p = tmp_path/'mine.safetensors',plan(encoder=str(tmp_path/'mine.safetensors'))
    data = load_run_data(p | dict(pool=20, valid=10, test=10, images=16))
    keys = []
    for seed in (0, 1):
        with seeded(seed): Encoder.small(width=4).save(file)
        keys.append(_run_store(data, p, tmp_path).all['key'])
    assert keys[0]!=keys[1]

def test_pictures_for_terminals_have_their_colors():
    x = some_images(4, size=16).x
    text = terminal_picture(x, columns=4)
    rows = text.split('\n')
    assert len(rows)==8 and all(r.count('▀')==64 for r in rows)
    top = re.findall(r'\x1b\[38;2;(\d+);(\d+);(\d+)m\x1b\[48;2;(\d+);(\d+);(\d+)m', rows[0])
    assert [tuple(map(int, t[:3])) for t in top[:16]]==[tuple(map(int, p)) for p in x[0,0]] and [tuple(map(int, t[3:])) for t in top[-16:]]==[tuple(map(int, p)) for p in x[3,1]]
