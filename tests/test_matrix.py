"The matrix of pretext and downstream tasks: what is equal, what is measured, and that it goes on where it stopped; the lens and the fringes of lesson 7."
import numpy as np
import pytest
import torch

from ssl_course import matrix as M
from ssl_course.clips import Clips
from ssl_course.compute import seeded
from ssl_course.encoder import Encoder
from ssl_course.fringes import LooseChannels,fringes,lens,through_lens
from ssl_course.images import ImageSet
from ssl_course.loaders import *
from ssl_course.matrix import Matrix,SIZES,apart,best_rates,encoder_for,fill,heat_map,mask_probe,matrix_summary,matrix_table,pictures_worth,pretext_matrix,pretrained_on,probe_score,rates_left,scaled,solved
from ssl_course.postcards import Postcards
from ssl_course.pretext.joint import TwoViews
from ssl_course.pretext.patches import RelativePosition
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretrain import pretext_tasks
from ssl_course.settings import CourseError
from ssl_course.shortcuts import diagnose_shortcut
from ssl_course.stored import Stored
from ssl_course.views import Views

WORLD = Postcards(size=32, seed=5, threads=1)
TINY = dict(pictures=32, search=32, bs=16, width=4, first=(3e-3,), labels=20, tries=(1e-2,), updates=2, fit_bs=16)

def parts(n=60, k=30, **kwargs): return WORLD.images(n, **kwargs),WORLD.images(k, start=n, **kwargs)

@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch): monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))

# --- equal compute ---

WORTH = dict(rotation=1, colour=1, colour_l2=1, autoencoder=1, denoise=1, inpaint=1, damage=1, simclr=2, simsiam=2, vicreg=2, barlow_twins=2, swav=2,
             moco=1+1/3, byol=2+2/3, dino=2+2/3, position=2*8**2/32**2, jigsaw=4*12**2/32**2, order=3, future=2)

def test_worth_of_every_task():
    "By hand: pixels through the encoder, for each picture of 32×32; a target network's count a third"
    films,pictures = Clips(32, 5).images(20),WORLD.images(20)
    for name,make in pretext_tasks().items():
        task = make()
        got = pictures_worth(task, films if getattr(make, 'clips', 0) else pictures)
        assert got==pytest.approx(WORTH[name]), name
        if isinstance(task, TwoViews): assert got==pytest.approx(task.passes[0]+task.passes[1]/3) # what lesson 12 counts by

@pytest.mark.parametrize('name', ('rotation', 'simclr', 'jigsaw', 'position'))
def test_compute_and_updates_are_those_asked_for(name):
    learn = pretrained_on(pretext_tasks()[name], WORLD.images(120), 1e-3, 64, bs=16, width=4)
    dl = learn.dls.train
    assert len(dl)*dl.bs*WORTH[name]==pytest.approx(64, rel=.2) and (len(dl)==4 or dl.bs==120)

def test_a_task_that_can_not_is_refused_before_training():
    with pytest.raises(CourseError, match='clips of 1 frame'): pictures_worth(pretext_tasks()['order'](), WORLD.images(20))

def test_the_same_seed_gives_the_same_encoder():
    def weights(seed): return pretrained_on(Rotation, WORLD.images(40), 1e-3, 32, bs=16, width=4, seed=seed).encoder.state_dict()['body.0.0.weight']
    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))

def test_measuring_a_task_does_not_move_the_dice():
    learn = pretrained_on(Rotation, WORLD.images(40), 1e-3, 32, bs=16, width=4)
    with seeded(3):
        a = solved(learn, WORLD.images(20))
        b = torch.rand(1)
    with seeded(3): assert torch.equal(b, torch.rand(1))
    assert a==solved(learn, WORLD.images(20)) and 0<=a['accuracy']<=1

# --- probes ---

class Place(torch.nn.Module):
    "Features that are the mean colours of 8×8 blocks"
    def forward(self, x): return torch.nn.functional.avg_pool2d(x, 8)

def blocks(): return Encoder(Place(), dict(name='blocks'), n_features=3)

def test_mask_probe_sees_each_place_by_itself():
    "Masks that follow from the colour of their own block are told; those of the block beside it are not"
    on = np.random.default_rng(0).random((150, 4, 4))<.3
    x = np.repeat((on*220).repeat(8, 1).repeat(8, 2)[..., None], 3, 3).astype(np.uint8)
    big = lambda m: m.repeat(8, 1).repeat(8, 2).astype(np.uint8)
    def told(m): return mask_probe(blocks(), ImageSet(x[:100], big(m[:100])), ImageSet(x[100:], big(m[100:])))
    assert told(on)==1 and told(np.roll(on, 1, 2))<.5

def test_masks_that_do_not_divide_are_refused():
    s = ImageSet(np.zeros((4, 36, 36, 3), np.uint8), np.zeros((4, 36, 36), np.uint8))
    class Three(torch.nn.Module):
        def forward(self, x): return torch.nn.functional.adaptive_avg_pool2d(x, 5)
    with pytest.raises(CourseError, match='multiples'): mask_probe(Encoder(Three(), dict(name='three'), n_features=3), s, s)

def test_regression_probe_against_least_squares():
    "Nearly without penalty, and for two targets the mean of both R²"
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (400, 16, 16, 3), np.uint8)
    e = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(x).permute(0, 3, 1, 2)/255, 1).flatten(1).numpy()
    y = np.c_[e@[1, 2, -1], rng.normal(size=400)].astype(np.float32)
    got = probe_score(blocks(), ImageSet(x[:300], y[:300]), ImageSet(x[300:], y[300:]))
    def r2(c):
        w = np.linalg.lstsq(np.c_[e[:300], np.ones(300)], y[:300, c], rcond=None)[0]
        return 1-((np.c_[e[300:], np.ones(100)]@w-y[300:, c])**2).sum()/((y[300:, c]-y[300:, c].mean())**2).sum()
    assert got==pytest.approx(max(0, (r2(0)+r2(1))/2), abs=.02)

def test_a_probe_is_never_below_0():
    x = np.random.default_rng(0).integers(0, 255, (60, 16, 16, 3), np.uint8)
    y = np.random.default_rng(1).normal(size=(60, 1))
    assert probe_score(blocks(), ImageSet(x[:40], y[:40]), ImageSet(x[40:], y[40:]+5))==0

def test_choices_use_every_fourth():
    a,b = apart(WORLD.images(21))
    assert (len(a), len(b))==(16, 5) and not set(a.digests) & set(b.digests)

# --- the table ---

def small(seeds=2, targets=('object',), **kwargs): return pretext_matrix(['rotation'], {t: parts(target=t) for t in targets}, seeds, **{**TINY, **kwargs})

def test_rows_and_columns():
    t = small(targets=('object', 'tilt'))
    assert set(t.columns)=={'task', 'downstream', 'seed', 'probe', 'tuned', 'lr', 'pretraining'}
    assert t.groupby('task').size().to_dict()==dict(untrained=4, rotation=4, supervised=4) and t[['probe', 'tuned']].stack().between(0, 1).all()
    assert list(matrix_summary(t).index)==['untrained', 'rotation', 'supervised'] and list(matrix_summary(t).columns)==['object', 'tilt']

def count(monkeypatch, stop=None):
    "Count the encoders that are trained; a Ctrl-C in number `stop`"
    seen,plain = [],M.encoder_for
    def noted(m, key, *args, **kwargs):
        if stop is not None and len(seen)==stop: raise KeyboardInterrupt
        seen.append((key['task'], key.get('of'), key['seed']))
        return plain(m, key, *args, **kwargs)
    monkeypatch.setattr(M, 'encoder_for', noted)
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
    m = Matrix(dict(rotation=Rotation), dict(object=parts()), WORLD.images(60).unlabelled(), dict(SIZES, seeds=1) | TINY)
    def broken(*args, **kwargs): raise CourseError('Exception occured in `StopAtNaN`:\n\tThe loss is nan at step 1 of this fit.')
    monkeypatch.setattr(M, 'encoder_for', broken)
    assert M.rate_run(m, dict(task='rotation', of='', lr=9.))==dict(valid=0., pretext={})
    monkeypatch.setattr(M, 'encoder_for', lambda *args, **kwargs: 1/0)
    with pytest.raises(ZeroDivisionError): M.rate_run(m, dict(task='rotation', of='', lr=9.))

def test_supervised_search_does_not_see_its_validation_images(monkeypatch):
    seen,plain = [],M.tuned_on
    monkeypatch.setattr(M, 'tuned_on', lambda encoder, few, *args, **kwargs: seen.append(few) or plain(encoder, few, *args, **kwargs))
    pool,test = parts()
    m = Matrix(dict(rotation=Rotation), dict(object=(pool, test)), pool.unlabelled(), dict(SIZES, seeds=1) | TINY)
    M.rate_run(m, dict(task='supervised', of='object', lr=3e-3))
    assert len(seen)==1 and not set(seen[0].digests) & set(apart(pool)[1].digests)

def test_the_climb_is_that_of_lesson_12():
    "The same rates, best and ends as `two_views.rates_left`, on a ladder of half decades"
    from ssl_course.comparisons import two_views
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
        m = Matrix(dict(simclr=Rotation), {}, None, dict(first=(1e-3, 3e-3), most=9))
        while left := rates_left(m, ours): ours.all += [k | dict(valid=score(k['lr'])) for k in left]
        p = dict(ladder=ladder, first=[1e-3, 3e-3])
        while left := [k for k in two_views.rates_left(theirs, p) if k['method']=='simclr']: theirs.all += [k | dict(valid=score(k['lr'])) for k in left]
        assert best_rates(ours)['simclr', '']==pytest.approx(two_views.best_rates(theirs)['simclr'], rel=.02)
        assert len(ours.all)==len(theirs.all)

@pytest.mark.parametrize('tasks,downstreams,kwargs,said', [
    (['rotation'], lambda: {'object': (WORLD.images(60), WORLD.images(30, start=50))}, {}, 'also in'),
    (['rotation'], lambda: {'object': parts()}, dict(images=WORLD.images(30, start=70)), 'also in'),
    (['rotation'], lambda: {'tags': parts(target='tags')}, {}, 'classes, numbers or masks'),
    (['rotation'], lambda: {'none': parts(target=None)}, {}, 'unlabelled'),
    (['order'], lambda: {'object': parts()}, {}, 'learns from clips'),
    (['rotation'], lambda: {'object': parts()}, dict(colour=1), 'no size'),
    (['rotation'], lambda: {'object': parts()}, dict(seeds=0), 'one repetition'),
    (['rotatoin'], lambda: {'object': parts()}, {}, 'no pretext task'),
    ({'untrained': Rotation}, lambda: {'object': parts()}, {}, 'taken'),
    ([], lambda: {'object': parts()}, {}, 'at least'),
    (['rotation'], dict, {}, 'at least')])
def test_refused_before_any_training(tasks, downstreams, kwargs, said, monkeypatch):
    seen = count(monkeypatch)
    with pytest.raises(CourseError, match=said) as e: pretext_matrix(tasks, downstreams(), **{**dict(seeds=1), **TINY, **kwargs})
    assert seen==[] and str(e.value).split('\n')[0].count('. ')<=1

def test_clips_serve_tasks_about_time():
    t = pretext_matrix(['order'], {'object': parts()}, 1, clips=Clips(32, 5).images(30), **TINY)
    assert set(t.task)=={'untrained', 'order', 'supervised'}

# --- the scale ---

def invented(scores):
    import pandas as pd
    return pd.DataFrame([dict(task=t, downstream=d, seed=i, probe=v[i], tuned=v[i]) for (t,d),v in scores.items() for i in range(len(v))])

def test_shares_by_hand():
    t = invented({('untrained', 'a'): (.1, .3), ('rotation', 'a'): (.5, .0), ('supervised', 'a'): (.6, 1.), ('untrained', 'b'): (.4, .4), ('rotation', 'b'): (.4, .4), ('supervised', 'b'): (.4, .41)})
    s = scaled(t)
    assert s[s.downstream=='a'].scaled.to_list()==pytest.approx([.5, -1/3]) and s[s.downstream=='b'].scaled.isna().all()
    fig = heat_map(t)
    assert 'rotation: a 8' in fig.alt and [x.get_text() for x in fig.axes[0].texts]==['8', '–']

def test_a_scale_needs_both_ends():
    with pytest.raises(CourseError, match='no supervised'): scaled(invented({('untrained', 'a'): (.1,), ('rotation', 'a'): (.5,)}))

# --- the lens ---

X = torch.from_numpy(WORLD.images(300).x).permute(0, 3, 1, 2)/255

def test_a_lens_and_its_reverse():
    assert torch.equal(lens(X[:4])[:,1], X[:4,1])
    assert torch.allclose(lens(X[:4], .05)[:,0], lens(X[:4].flip(1), -.05).flip(1)[:,0], atol=1e-5) # red through one is blue through the other
    s = WORLD.images(20)
    assert through_lens(s, 0.) is s and (through_lens(s, .05).y==s.y).all() and through_lens(s, .05).vocab==s.vocab

def test_fringes_point_where_they_were_made():
    grey = X.mean(1, keepdim=True)
    for place,move in enumerate(((0, 1), (1, 0), (1, 1), (1, -1))):
        red = torch.cat([grey.roll(move, (2, 3)), grey, grey], 1)
        away = torch.cat([grey.roll([-m for m in move], (2, 3)), grey, grey], 1)
        assert (fringes(red)[:,place]>0).float().mean()>.98 and (fringes(away)[:,place]<0).float().mean()>.98
        assert fringes(red)[:,4:8].abs().mean()<.3 # green and blue agree

def test_loose_channels_move_each_by_itself():
    task = LooseChannels(jitter=0., grey=0.)
    with seeded(0): y = task.colour(X)
    moves = {}
    for c in range(3):
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                same = ((y[:,c]-X[:,c].roll((down, right), (1, 2)))[:,2:-2,2:-2].abs()<1e-4).flatten(1).all(1)
                moves[c,down,right] = same
    share = {k: v.float().mean().item() for k,v in moves.items()}
    assert all(.03<v<.22 for v in share.values())
    assert all(sum(v[i] for (c,_,_),v in moves.items() if c==0)>=1 for i in range(len(X))) # and nothing else was done to it

def test_the_hole_is_found_and_closed():
    seen = through_lens(Postcards(size=32, seed=6).images(1200), .06)
    def fool(views): return diagnose_shortcut(RelativePosition(views=views), seen, 1200, dict(fringes=fringes), 15).accuracy.iloc[0]
    assert fool(Views(scale=(.6, 1.), jitter=0., grey=0.))>.4 and fool(LooseChannels(scale=(.6, 1.)))<.26
