"The matrix of pretext and downstream tasks: what is equal, what is measured, and that it goes on where it stopped."
import numpy as np
import pytest
import torch

from ssl_course.compute import seeded
from ssl_course.data.clips import Clips
from ssl_course.data.postcards import Postcards
from ssl_course.evaluate import pretext_matrix as M
from ssl_course.evaluate.pretext_matrix import MATRIX_SIZES,PretextMatrix,best_rates,hold_out_quarter,matrix_summary,normalized_scores,plot_matrix,pretext_matrix,pretext_metrics,pretrain_on,rates_left,relative_cost
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretext.two_views import TwoViews
from ssl_course.pretrain import pretext_tasks
from ssl_course.utils import InputError

WORLD = Postcards(size=32, seed=5, threads=1)
TINY = dict(pictures=32, search=32, bs=16, width=4, first=(3e-3,), labels=20, tries=(1e-2,), updates=2, fit_bs=16)
def parts(n=60, k=30, **kwargs): return WORLD.images(n, **kwargs),WORLD.images(k, start=n, **kwargs)

@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch): monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))

# --- equal compute ---

WORTH = dict(rotation=1, colorization=1, color_regression=1, autoencoder=1, denoising=1, inpainting=1, artifacts=1,
             simclr=2, simsiam=2, vicreg=2, barlow_twins=2, swav=2, lejepa=2, distillation=1+9/3, masked_autoencoder=1/4, masked_features=1/4+1/3, moco=1+1/3, byol=2+2/3, dino=2+2/3,
             relative_position=2*8**2/32**2, jigsaw=4*12**2/32**2, frame_order=3, frame_prediction=2)

def test_worth_of_every_task():
    "By hand: pixels through the encoder, for each picture of 32×32; a target network's count a third"
    films,pictures = Clips(32, 5).images(20),WORLD.images(20)
    for name,make in pretext_tasks().items():
        task = make()
        got = relative_cost(task, films if task.clips else pictures)
        assert got==pytest.approx(WORTH[name]), name
        if isinstance(task, TwoViews): assert got==pytest.approx(task.encoder_passes[0]+task.encoder_passes[1]/3) # what lesson 12 counts by

@pytest.mark.parametrize('name', ('rotation', 'simclr', 'jigsaw', 'relative_position'))
def test_compute_and_updates_are_those_asked_for(name):
    learn = pretrain_on(pretext_tasks()[name], WORLD.images(120), 1e-3, 64, bs=16, width=4)
    dl = learn.dls.train
    assert len(dl)*dl.bs*WORTH[name]==pytest.approx(64, rel=.2) and (len(dl)==4 or dl.bs==120)

def test_a_task_that_can_not_is_refused_before_training(monkeypatch):
    seen = count(monkeypatch)
    with pytest.raises(InputError, match='MaskedAutoencoder hides patches'): small(seeds=1, tasks=['masked_autoencoder'])
    assert seen==[]
    with pytest.raises(InputError, match='clips of 1 frame'): relative_cost(pretext_tasks()['frame_order'](), WORLD.images(20))

def test_the_same_seed_gives_the_same_encoder():
    def weights(seed): return pretrain_on(Rotation, WORLD.images(40), 1e-3, 32, bs=16, width=4, seed=seed).encoder.state_dict()['body.0.0.weight']
    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))

def test_measuring_a_task_does_not_move_the_dice():
    learn = pretrain_on(Rotation, WORLD.images(40), 1e-3, 32, bs=16, width=4)
    with seeded(3):
        a = pretext_metrics(learn, WORLD.images(20))
        b = torch.rand(1)
    with seeded(3): assert torch.equal(b, torch.rand(1))
    assert a==pretext_metrics(learn, WORLD.images(20)) and 0<=a['accuracy']<=1

def test_choices_use_every_fourth():
    a,b = hold_out_quarter(WORLD.images(21))
    assert (len(a), len(b))==(16, 5) and not set(a.digests) & set(b.digests)

# --- the table ---

def small(seeds=2, targets=('object',), tasks=('rotation',), **kwargs): return pretext_matrix(tasks, {t: parts(target=t) for t in targets}, seeds, **{**TINY, **kwargs})

def test_rows_and_columns():
    t = small(targets=('object', 'tilt'))
    assert set(t.columns)=={'task', 'downstream', 'seed', 'probe', 'tuned', 'lr', 'pretraining'}
    assert t.groupby('task').size().to_dict()==dict(untrained=4, rotation=4, supervised=4) and t[['probe', 'tuned']].stack().between(0, 1).all()
    assert list(matrix_summary(t).index)==['untrained', 'rotation', 'supervised'] and list(matrix_summary(t).columns)==['object', 'tilt']

def count(monkeypatch, stop=None):
    "Count the encoders that are trained; a Ctrl-C in number `stop`"
    seen,plain = [],M.train_row_encoder
    def noted(m, key, *args, **kwargs):
        if stop is not None and len(seen)==stop: raise KeyboardInterrupt
        seen.append((key['task'], key.get('of'), key['seed']))
        return plain(m, key, *args, **kwargs)
    monkeypatch.setattr(M, 'train_row_encoder', noted)
    return seen

@pytest.mark.parametrize('stop', (1, 5))
def test_goes_on_where_it_stopped(stop, monkeypatch, tmp_path):
    "Interrupted, then called again: nothing is done twice, and the table is that of a run without interruption"
    with monkeypatch.context() as m:
        whole = count(m)
        want = small(folder=tmp_path/'whole')
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'another'))
    with monkeypatch.context() as m:
        first = count(m, stop)
        with pytest.raises(KeyboardInterrupt): small(folder=tmp_path/'cut')
    assert not (tmp_path/'cut'/'pretext_matrix.json').exists()
    with monkeypatch.context() as m:
        second = count(m)
        got = small(folder=tmp_path/'cut')
    assert first+second==whole and len(first)==stop
    numbers = ['task', 'downstream', 'seed', 'probe', 'tuned', 'lr']
    assert got[numbers].equals(want[numbers])
    with monkeypatch.context() as m:
        third = count(m)
        assert small(folder=tmp_path/'cut')[numbers].equals(got[numbers]) and third==[]

def test_another_size_is_another_table(monkeypatch, tmp_path):
    small(folder=tmp_path, seeds=1)
    seen = count(monkeypatch)
    small(folder=tmp_path, seeds=1, updates=3)
    assert len(seen)>0

def test_a_rate_at_which_training_breaks_off_scores_nothing(monkeypatch):
    m = PretextMatrix(dict(rotation=Rotation), dict(object=parts()), WORLD.images(60).unlabeled(), dict(MATRIX_SIZES, seeds=1) | TINY)
    def broken(*args, **kwargs): raise InputError('Exception occured in `StopOnNaN`:\n\tThe loss is nan at step 1 of this fit.')
    monkeypatch.setattr(M, 'train_row_encoder', broken)
    assert M.rate_run(m, dict(task='rotation', of='', lr=9.))==dict(valid=0., pretext={})
    monkeypatch.setattr(M, 'train_row_encoder', lambda *args, **kwargs: 1/0)
    with pytest.raises(ZeroDivisionError): M.rate_run(m, dict(task='rotation', of='', lr=9.))

def test_supervised_search_does_not_see_its_validation_images(monkeypatch):
    seen,plain = [],M.fine_tune_on
    monkeypatch.setattr(M, 'fine_tune_on', lambda encoder, few, *args, **kwargs: seen.append(few) or plain(encoder, few, *args, **kwargs))
    pool,test = parts()
    m = PretextMatrix(dict(rotation=Rotation), dict(object=(pool, test)), pool.unlabeled(), dict(MATRIX_SIZES, seeds=1) | TINY)
    M.rate_run(m, dict(task='supervised', of='object', lr=3e-3))
    assert len(seen)==1 and not set(seen[0].digests) & set(hold_out_quarter(pool)[1].digests)

def test_the_climb_is_that_of_lesson_12():
    "The same rates, best and ends as `two_views.rates_left`, on a ladder of half decades"
    from ssl_course.course.experiments import two_view_methods as two_views
    class Rows:
        def __init__(self): self.all = []
        def rows(self, part): return self.all
        def has(self, part, **key): return any(all(r[k]==v for k,v in key.items()) for r in self.all)
    rng = np.random.default_rng(0)
    ladder = [float(f'{1e-3*3**i:.3g}') for i in range(-4, 5)]
    for _ in range(20):
        peak = rng.uniform(-2, 3)
        score = lambda lr: -abs(np.log(lr/1e-3)/np.log(3)-peak)
        ours,theirs = Rows(),Rows()
        m = PretextMatrix(dict(simclr=Rotation), {}, None, dict(first=(1e-3, 3e-3), most=9))
        while left := rates_left(m, ours): ours.all += [k | dict(valid=score(k['lr'])) for k in left]
        p = dict(methods=['simclr'], ladder=ladder, rates=[1e-3, 3e-3])
        while left := two_views.rates_left(theirs, p): theirs.all += [k | dict(valid=score(k['lr'])) for k in left]
        assert best_rates(ours)['simclr', '']==pytest.approx(two_views.best_rates(theirs)['simclr'], rel=.02)
        assert len(ours.all)==len(theirs.all)

@pytest.mark.parametrize('tasks,downstreams,kwargs,said', [
    (['rotation'], lambda: {'object': (WORLD.images(60), WORLD.images(30, start=50))}, {}, 'also in'),
    (['rotation'], lambda: {'object': parts()}, dict(images=WORLD.images(30, start=70)), 'also in'),
    (['rotation'], lambda: {'tags': parts(target='tags')}, {}, 'classes, numbers or masks'),
    (['rotation'], lambda: {'none': parts(target=None)}, {}, 'unlabeled'),
    (['frame_order'], lambda: {'object': parts()}, {}, 'learns from clips'),
    (['rotation'], lambda: {'object': parts()}, dict(color=1), 'no size'),
    (['rotation'], lambda: {'object': parts()}, dict(seeds=0), 'one repetition'),
    (['rotatoin'], lambda: {'object': parts()}, {}, 'no pretext task'),
    ({'untrained': Rotation}, lambda: {'object': parts()}, {}, 'taken'),
    ([], lambda: {'object': parts()}, {}, 'at least'),
    (['rotation'], dict, {}, 'at least')])
def test_refused_before_any_training(tasks, downstreams, kwargs, said, monkeypatch):
    seen = count(monkeypatch)
    with pytest.raises(InputError, match=said) as e: pretext_matrix(tasks, downstreams(), **{**dict(seeds=1), **TINY, **kwargs})
    assert seen==[] and str(e.value).split('\n')[0].count('. ')<=1

def test_clips_serve_tasks_about_time():
    t = pretext_matrix(['frame_order'], {'object': parts()}, 1, clips=Clips(32, 5).images(30), **TINY)
    assert set(t.task)=={'untrained', 'frame_order', 'supervised'}

# --- the scale ---

def invented(scores):
    import pandas as pd
    return pd.DataFrame([dict(task=t, downstream=d, seed=i, probe=v[i], tuned=v[i]) for (t,d),v in scores.items() for i in range(len(v))])

def test_shares_by_hand():
    t = invented({('untrained', 'a'): (.1, .3), ('rotation', 'a'): (.5, .0), ('supervised', 'a'): (.6, 1.), ('untrained', 'b'): (.4, .4), ('rotation', 'b'): (.4, .4), ('supervised', 'b'): (.4, .41)})
    s = normalized_scores(t)
    assert s[s.downstream=='a'].scaled.to_list()==pytest.approx([.5, -1/3]) and s[s.downstream=='b'].scaled.isna().all()
    fig = plot_matrix(t)
    assert 'rotation: a 8' in fig.alt and [x.get_text() for x in fig.axes[0].texts]==['8', '–']

def test_a_scale_needs_both_ends():
    with pytest.raises(InputError, match='no supervised'): normalized_scores(invented({('untrained', 'a'): (.1,), ('rotation', 'a'): (.5,)}))
