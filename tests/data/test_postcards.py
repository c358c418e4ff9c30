"What the notebook can't check well: other processes, many pictures at once, and that overrides touch nothing else."
import hashlib,os,re,subprocess,sys

import numpy as np
import pytest
from fastcore.test import test_eq as same
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ssl_course.data._drawing import BIOMES,CLASSES,FACTORS
from ssl_course.data.postcards import Postcards
from ssl_course.utils import InputError

def digest(a): return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()

@pytest.fixture(scope='module')
def many():
    "2,000 pictures of 32 px with factors and masks"
    w = Postcards(32, seed=5)
    return w.draw(range(2000)),w.factors(range(2000)),w.masks(range(2000))

@pytest.mark.parametrize('size', [32, 64, 17])
def test_batch_and_order_make_no_difference(size):
    w = Postcards(size, seed=2)
    x,m = w.draw(range(120)),w.masks(range(120))
    i = np.random.default_rng(0).permutation(120)
    same(w.draw(i), x[i]); same(w.masks(i), m[i])
    for j in range(0, 120, 9): same(w.draw([j])[0], x[j])
    same(w.draw([7,7,3]), x[[7,7,3]])

def test_threads_and_chunks_make_no_difference(monkeypatch):
    x = Postcards(32, threads=1).draw(range(300))
    same(Postcards(32, threads=4).draw(range(300)), x)
    monkeypatch.setattr('ssl_course.data.postcards._chunk', 9*32*32)
    same(Postcards(32, threads=2).draw(range(300)), x)

def test_another_process_draws_the_same():
    code = "import hashlib,numpy as np; from ssl_course.data.postcards import Postcards; w=Postcards(32,seed=9); " \
           "print(hashlib.sha256(w.draw(range(100,40,-1)).tobytes()+w.masks(range(50)).tobytes()).hexdigest())"
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, env={**os.environ, 'PYTHONHASHSEED': '7'}).stdout
    w = Postcards(32, seed=9)
    same(out.strip(), hashlib.sha256(w.draw(range(100,40,-1)).tobytes()+w.masks(range(50)).tobytes()).hexdigest())

def test_far_away_numbers_and_other_seeds():
    w = Postcards(32, seed=1)
    x = w.draw([0, 12_000, 2**31, 2**40])
    assert len({digest(o) for o in x})==4
    other = Postcards(32, seed=2).draw([0, 12_000, 2**31, 2**40])
    assert all(digest(a)!=digest(b) for a,b in zip(x, other))
    assert len({digest(o) for o in w.draw(range(1000))})==1000

def test_shapes_types_and_ranges(many):
    x,f,m = many
    same((x.shape, x.dtype, m.shape, m.dtype), ((2000,32,32,3), np.uint8, (2000,32,32), np.uint8))
    same(set(f), set(FACTORS))
    assert all(len(v)==2000 for v in f.values())
    assert set(np.unique(m))=={0,1}
    for k,(lo,hi) in dict(x=(0,1), y=(0,1), scale=(.3,.9), tilt=(-12,12), hue=(0,1), light=(-65,65), brightness=(.7,1.3),
                          rocks=(0,4), object=(0,9), biome=(0,5), horizon=(.3,.65)).items():
        assert lo<=f[k].min() and f[k].max()<=hi, k
    same(f['closeup'].dtype, bool); same(f['object'].dtype, np.int64)
    assert x.std((1,2,3)).min()>5, 'no picture is blank'
    assert (x==255).mean()<.05 and (x==0).mean()<.1, 'few pixels are cut off'

def test_all_kinds_are_equally_common_and_independent(many):
    f = many[1]
    for k,n in (('object',len(CLASSES)),('biome',len(BIOMES)),('rocks',5)):
        fraction = np.bincount(f[k], minlength=n)/2000
        assert abs(fraction-1/n).max()<4*np.sqrt(1/n*(1-1/n)/2000), (k, fraction)
    assert abs(f['closeup'].mean()-.75)<.04
    c = np.corrcoef([f[k] for k in ('object','biome','hue','light','brightness','rocks','tilt','closeup')])
    assert abs(c-np.eye(8)).max()<.09, c.round(2)

def test_masks_agree_with_factors():
    w = Postcards(64, seed=4)
    i = range(600)
    f,m = w.factors(i, rocks=0, tilt=0),w.masks(i, rocks=0, tilt=0)
    inside = (abs(f['x']-.5)+f['scale']/2<.52)&(abs(f['y']-.5)+f['scale']/2<.52)
    assert inside.sum()>250
    for j in np.flatnonzero(inside):
        rows,cols = np.flatnonzero(m[j].any(1)),np.flatnonzero(m[j].any(0))
        kind = w.classes[f['object'][j]]
        middle = ((cols[0]+cols[-1]+1)/128,(rows[0]+rows[-1]+1)/128)
        long = max(cols[-1]-cols[0],rows[-1]-rows[0])/64
        assert abs(middle[1]-f['y'][j])<.05 and abs(middle[0]-f['x'][j])<.17*f['scale'][j]+.02, (j, kind, middle, f['x'][j], f['y'][j])
        assert .8<long/f['scale'][j]<1.2, (j, kind, long, f['scale'][j])

def test_the_object_is_in_view(many):
    area = many[2].mean((1,2))
    assert (area>.01).mean()>.98 and area.max()<.75

def differs(a, b): return (a!=b).any(-1)

def test_an_override_with_the_drawn_value_changes_nothing(many):
    w,f = Postcards(32, seed=5),many[1]
    for k in FACTORS: same(w.draw(range(60), **{k: f[k][:60]}), many[0][:60])
    same(w.draw(range(60), **{k: v[:60] for k,v in f.items()}), many[0][:60])

@pytest.mark.parametrize('factor,value', [('light',60), ('tilt',11), ('x',.5), ('y',.5), ('scale',.7), ('hue',.3), ('rocks',4), ('brightness',.6),
                                          ('biome',3), ('horizon',.5)])
def test_an_override_changes_its_factor_and_no_other(factor, value):
    w = Postcards(32, seed=5)
    a,b = w.factors(range(80)),w.factors(range(80), **{factor: value})
    for k in FACTORS: same(b[k], np.full(80, value, b[k].dtype) if k==factor else a[k])
    near = a['closeup']
    changed = differs(w.draw(range(80)), w.draw(range(80), **{factor: value})).any((1,2))
    seen = ~near if factor in ('biome','horizon') else slice(None)
    assert changed[seen].mean()>(.75 if factor in ('rocks','biome') else .9)
    if factor in ('biome','horizon'): assert not changed[near].any(), 'close-ups have no land'

def test_hue_and_biome_stay_in_their_places():
    w = Postcards(64, seed=5)
    o = dict(rocks=0)
    d = differs(w.draw(range(60), hue=.1, **o), w.draw(range(60), hue=.6, **o))
    m = w.masks(range(60), **o)
    grown = np.zeros_like(m); p = np.pad(m, ((0,0),(2,2),(2,2)))
    for i in range(5):
        for j in range(5): grown |= p[:,i:i+64,j:j+64]
    assert not (d&(grown==0)).any(), 'hue changes the object alone'
    same(w.masks(range(60), hue=.1), w.masks(range(60), hue=.6))
    same(w.masks(range(60), light=-60), w.masks(range(60), light=60))

def test_object_and_closeup_take_along_what_follows():
    w = Postcards(32, seed=5)
    a,b = w.factors(range(200)),w.factors(range(200), closeup=False)
    was = ~a['closeup']
    for k in ('x','y','scale'): same(a[k][was], b[k][was])
    assert b['scale'].max()<.65 and (b['y']>0).all()
    stands = b['y']+b['scale']*np.where(b['object']==CLASSES.index('car'), .27, .5)
    assert (stands>b['horizon'])[b['object']!=CLASSES.index('balloon')].all(), 'nothing but balloons stands in the sky'
    c = w.factors(range(200), object=3)
    for k in set(FACTORS)-{'object','y'}: same(c[k], a[k])

def test_draws_values_for_each_picture():
    w = Postcards(32)
    x = w.draw([4,4,4], light=[-50,0,50])
    for i,l in enumerate((-50,0,50)): same(x[i], w.draw(4, light=l)[0])

@pytest.mark.parametrize('idx,over,message', [
    ([-1], {}, 'from 0 up'), ([.5], {}, 'from 0 up'), (['a'], {}, 'from 0 up'), ([True], {}, 'from 0 up'), ([1], dict(color=1), 'no factor `color`'),
    ([1], dict(object=10), 'from 0 to 9'), ([1], dict(rocks=7), 'from 0 to 4'), ([1], dict(x=np.nan), '`x`'), ([1,2], dict(x=[1,2,3]), 'for 2 images'),
    ([1], dict(scale=0), '`scale`'), ([1], dict(hue='red'), '`hue`')])
def test_what_cannot_be_drawn_is_refused(idx, over, message):
    with pytest.raises(InputError, match=re.escape(message)): Postcards(32).draw(idx, **over)

def linear_model(x, y):
    "One thread: on a busy machine more of them take fifty times as long"
    with threadpool_limits(1): return make_pipeline(StandardScaler(), LogisticRegression(max_iter=100)).fit(x, y)

def turned(x): return np.concatenate([np.rot90(x, k, (1,2)) for k in range(4)]),np.repeat(np.arange(4), len(x))
def thumbnail(x): return x.reshape(len(x),4,8,4,8,3).mean((2,4)).reshape(len(x),48)

@pytest.mark.parametrize('seed', [1, 2])
def test_rotation_is_not_in_a_thumbnail(seed):
    w = Postcards(32, seed=seed)
    (x,y),(xt,yt) = turned(w.draw(range(3000))),turned(w.draw(range(3000,4000)))
    model = linear_model(thumbnail(x), y)
    accuracy = model.score(thumbnail(xt), yt)
    assert .3<accuracy<=.55, accuracy

def test_class_is_not_in_the_colors(many):
    x,f,_ = many
    c = x.reshape(2000,-1,3)
    s = np.concatenate([c.mean(1), c.std(1)], 1)
    model = linear_model(s[:1500], f['object'][:1500])
    assert model.score(s[1500:], f['object'][1500:])<.25

def test_spectrum_is_like_that_of_photographs():
    x = Postcards(64, seed=6).draw(range(500)).mean(-1)/255
    x = (x-x.mean((1,2), keepdims=True))*np.outer(np.hanning(64), np.hanning(64))
    power = (abs(np.fft.fft2(x))**2).mean(0)
    f = np.fft.fftfreq(64)*64
    ring = np.hypot(*np.meshgrid(f, f)).round()
    k = np.arange(2,32)
    slope = np.polyfit(np.log(k), np.log([power[ring==i].mean() for i in k]), 1)[0]
    assert -3<slope<-2, slope

def test_sizes_show_the_same_card():
    i = range(100)
    big = Postcards(64, seed=3).draw(i).reshape(100,32,2,32,2,3).mean((2,4))
    small = Postcards(32, seed=3).draw(i).astype(float)
    c = [np.corrcoef(a.ravel(), b.ravel())[0,1] for a,b in zip(big, small)]
    other = [np.corrcoef(a.ravel(), b.ravel())[0,1] for a,b in zip(big, small[1:])]
    assert np.median(c)>.9 and np.median(other)<.5, (np.median(c), np.median(other))

def test_postcards():
    w = Postcards(size=32, seed=3)
    s = w.images(50, start=7)
    f = w.factors(range(7, 57))
    assert np.array_equal(s.x, w.draw(range(7, 57))) and np.array_equal(s.y, f['object']) and s.vocab==tuple(w.classes) and s.names[0]=='postcards[7]'
    assert w.images(50, start=7).fingerprint==s.fingerprint!=Postcards(size=32, seed=4).images(50, start=7).fingerprint
    assert not w.images(50).find_leakage(w.images(50, start=50)) and len(w.images(50).find_leakage(s))==43
    r = w.images(20, target=('x', 'tilt'))
    assert r.vocab==('x', 'tilt') and np.allclose(r.y[:, 1], w.factors(range(20))['tilt'])
    assert np.array_equal(w.images(20, target='mask').y, w.masks(range(20)))
    assert w.images(20, target='biome').vocab==tuple(w.biomes) and w.images(20, target=None).kind=='unlabeled'
    with pytest.raises(InputError, match="no factor color; a target is 'mask', 'tags' or one of object, x"): w.images(2, target='color')
