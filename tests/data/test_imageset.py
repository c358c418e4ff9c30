"ImageSet: parts, balance, nesting, fingerprints, leakage, and every source of pictures."
import re,subprocess,sys,threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import save_images,some_images
from ssl_course.data import imageset as images
from ssl_course.data.imageset import ImageSet
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch): monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))

# --- the set itself

@pytest.mark.parametrize('x', [np.zeros((4, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8), np.zeros((4, 3, 8, 8), np.uint8), np.zeros((4, 13, 16, 16), np.uint8), np.zeros((4, 32, 32, 17), np.uint8), np.zeros((4, 8, 8, 0), np.uint8)])
def test_pictures_of_wrong_type_or_shape(x):
    with pytest.raises(InputError, match='must be uint8'): ImageSet(x)

@pytest.mark.parametrize('y,kind,dtype,shape', [(None, 'unlabeled', None, None), ([0, 1, 1], 'class', np.int64, (3,)), (np.array([0, 1, 1], np.uint8), 'class', np.int64, (3,)),
    ([.1, .2, .3], 'regression', np.float32, (3, 1)), (np.zeros((3, 2)), 'regression', np.float32, (3, 2)), (np.zeros((3, 8, 8), np.int64), 'mask', np.uint8, (3, 8, 8))])
def test_kinds_of_labels(y, kind, dtype, shape):
    s = ImageSet(np.zeros((3, 8, 8, 3), np.uint8), y)
    assert s.kind==kind and kind in repr(s).replace('classes', 'class')
    assert (s.y is None) if y is None else (s.y.dtype==dtype and s.y.shape==shape)

@pytest.mark.parametrize('y,vocab,text', [([0, 1], None, '3 images and 2 labels'), ([0, 1, 2], 'ab', 'run from 0 to 2'), ([0, -1, 1], 'ab', 'run from -1'), (['a', 'b', 'c'], None, 'neither'),
                                          (np.zeros((3, 4, 4)), None, 'neither')])
def test_labels_that_do_not_fit(y, vocab, text):
    with pytest.raises(InputError, match=text): ImageSet(np.zeros((3, 8, 8, 3), np.uint8), y, vocab)

def test_repr_is_short():
    s = some_images(1234, 10)
    assert repr(s).startswith('ImageSet noise: 1,234 images of 8×8×3, 10 classes (a ') and len(repr(s))<150
    assert repr(ImageSet(np.zeros((2, 6, 9, 1), np.uint8), failures=[('a.jpg', 'empty')], skipped=['b.heic']))=='ImageSet images: 2 images of 9×6×1, unlabeled; 1 unreadable; 1 skipped'

@pytest.mark.parametrize('idx', [[2, 0], np.array([2, 0]), (2, 0), range(2, -1, -2)])
def test_take(idx):
    s = some_images(names=[f'{i}.png' for i in range(60)])
    t = s.take(idx)
    assert list(t.names)==['2.png', '0.png'] and np.array_equal(t.x, s.x[[2, 0]]) and np.array_equal(t.y, s.y[[2, 0]]) and t.vocab==s.vocab

def test_take_edges():
    s = some_images()
    assert len(s.take([]))==0 and len(s.take(s.y==1))==s.counts['b'] and len(s.take([True]+[False]*59))==1
    assert np.shares_memory(s.take(slice(3, 9)).x, s.x)
    with pytest.raises(IndexError): s.take([60])

# --- fingerprints

def test_fingerprint_depends_on_pictures_labels_and_vocabulary_only():
    s = some_images()
    rng = np.random.default_rng(1)
    same = [ImageSet(s.x.copy(), s.y, s.vocab), ImageSet(s.x, s.y, s.vocab, names=range(60), name='other'), s.take(rng.permutation(60)), ImageSet(np.asfortranarray(s.x), s.y, s.vocab)]
    assert all(t.fingerprint==s.fingerprint for t in same)
    x = s.x.copy()
    x[7, 3, 3, 1] ^= 1
    y = s.y.copy()
    y[0] = 2
    other = [ImageSet(x, s.y, s.vocab), ImageSet(s.x, y, s.vocab), ImageSet(s.x, s.y, 'xyz'), s.unlabeled(), s.take(slice(1, None)), ImageSet(s.x, s.y.astype(float)),
             ImageSet(s.x.reshape(60, 4, 16, 3), s.y, s.vocab), ImageSet(s.x, rng.permutation(s.y), s.vocab)]
    prints = [t.fingerprint for t in other]
    assert len({*prints, s.fingerprint})==len(other)+1 and all(len(p)==16 and int(p, 16)>=0 for p in prints)

def test_fingerprint_in_another_process():
    code = "import numpy as np; from ssl_course.data.imageset import ImageSet; print(ImageSet(np.arange(768).reshape(4,8,8,3).astype(np.uint8), [0,1,0,1], 'ab').fingerprint)"
    here = ImageSet(np.arange(768).reshape(4, 8, 8, 3).astype(np.uint8), [0, 1, 0, 1], 'ab').fingerprint
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip()==here

# --- split and few

@pytest.mark.parametrize('valid,test', [(.2, 0), (.3, .3), (.1, .5), (.05, 0)])
def test_split_is_a_partition_in_proportion(valid, test):
    s = some_images(500, 4)
    parts = s.split(valid, test, seed=5)
    assert len(parts)==(3 if test else 2) and sorted(d for p in parts for d in p.digests)==sorted(s.digests)
    assert abs(len(parts[1])-500*valid)<=1 and (not test or abs(len(parts[2])-500*test)<=1)
    for p,fraction in zip(parts, (1-valid-test, valid, test)):
        assert all(abs(p.counts[c]-fraction*s.counts[c])<=2 for c in s.vocab)

def test_split_by_seed():
    s = some_images(200)
    a,b,c = (s.split(seed=i)[1].fingerprint for i in (0, 0, 1))
    assert a==b!=c
    assert s.split(.2, .2, seed=3)[2].fingerprint==s.split(.5, .2, seed=3)[2].fingerprint # the test part stays

def test_split_keeps_copies_together_and_the_only_one_of_a_class_for_training():
    s = some_images(40, 2)
    s = s+s.take(slice(0, 30))+s.take(slice(5, 10))
    for seed in range(5):
        a,b,c = s.split(.25, .25, seed=seed)
        assert not a.find_leakage(b) and not a.find_leakage(c) and not b.find_leakage(c)
    lonely = some_images(30, 2)+ImageSet(np.zeros((1, 8, 8, 3), np.uint8), [0], ['z'])
    assert all(lonely.split(.5, seed=i)[0].counts['z']==1 for i in range(5))

def test_split_of_targets_and_of_nothing():
    s = some_images(50, 0)
    assert [len(p) for p in s.split()]==[40, 10]
    assert [len(p) for p in ImageSet(s.x, np.linspace(0, 1, 50)).split(.5)]==[25, 25]
    same = ImageSet(np.zeros((50, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match='1 different ones'): same.split()
    for bad in ((0, 0), (1, 0), (.5, .5), (-.1, 0), (.2, -.1)):
        with pytest.raises(InputError, match='must be fractions'): s.split(*bad)

def test_few_is_balanced_nested_and_random():
    s = some_images(300, 4, names=range(300))
    for seed in range(3):
        sets = [s.few(n, seed=seed) for n in (1, 5, 10, 50)]
        assert [set(t.counts.values()) for t in sets]==[{1}, {5}, {10}, {50}]
        assert all(set(a.names)<set(b.names) for a,b in pairwise(sets))
        assert all(np.array_equal(s.y[[*t.names]], t.y) for t in sets)
    assert s.few(5, seed=1).fingerprint!=s.few(5, seed=2).fingerprint
    assert s.few(5, seed=1).fingerprint==s.few(5, seed=1).fingerprint
    assert len({s.few(1, seed=i).names[0] for i in range(20)})>5

def test_few_names_the_class_that_has_too_few():
    s = ImageSet(np.zeros((7, 8, 8, 3), np.uint8), [0, 0, 0, 0, 0, 1, 1], ('cat', 'dog', 'owl'), name='zoo')
    with pytest.raises(InputError, match='zoo: 3 labels per class were asked for, and dog has 2, owl has 0'): s.few(3)
    with pytest.raises(InputError, match='no labels'): s.unlabeled().few(1)
    with pytest.raises(InputError, match='at least 1'): s.few(0)

# --- joining and leakage

def test_join_matches_classes_by_name():
    a = ImageSet(some_images(3).x, [0, 1, 1], ('cat', 'dog'), name='a')
    b = ImageSet(some_images(3, seed=1).x, [0, 1, 2], ('owl', 'dog', 'ant'), names=['x', 'y', 'z'], name='b')
    c = a+b
    assert c.vocab==('cat', 'dog', 'owl', 'ant') and [c.vocab[i] for i in c.y]==['cat', 'dog', 'dog', 'owl', 'dog', 'ant']
    assert list(c.names)==['a[0]', 'a[1]', 'a[2]', 'x', 'y', 'z'] and c.name=='a + b'
    assert np.array_equal(c.x, np.concatenate([a.x, b.x]))
    assert (a+b.unlabeled()).y is None and (a.unlabeled()+b).vocab is None

def test_join_refuses_what_does_not_fit():
    with pytest.raises(InputError, match=r'\(8, 8, 3\) and \(9, 9, 3\).*one size'): some_images()+some_images(size=9)
    with pytest.raises(InputError, match='one size'): some_images()+ImageSet(np.zeros((1, 8, 8, 1), np.uint8))
    r = lambda *v: ImageSet(np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, len(v))), v)
    with pytest.raises(InputError, match='regression'): some_images(2)+r('x')
    with pytest.raises(InputError, match="'y'"): r('x')+r('y')
    assert (r('x')+r('x')).y.shape==(4, 1)
    with pytest.raises(TypeError): some_images()+1

def test_leakage_is_found_by_content_and_refused():
    s = some_images(names=[f'{i}.jpg' for i in range(60)])
    t = ImageSet(np.concatenate([s.x[[5, 50]], some_images(9, seed=2).x]), names=[f'renamed{i}.png' for i in range(11)], name='mine')
    assert t.find_leakage(s)==[('renamed0.png', '5.jpg'), ('renamed1.png', '50.jpg')]
    assert s.find_leakage(t)==[('5.jpg', 'renamed0.png'), ('50.jpg', 'renamed1.png')]
    with pytest.raises(InputError, match='(?s)2 of the 11 images of mine are also in the test part, noise.*renamed0.png = 5.jpg'): t.require_no_leakage(s, 'the test part')
    assert t.without(s).require_no_leakage(s) is None and len(t.without(s))==9
    with pytest.raises(InputError, match='can\'t be compared.*one size'): s.find_leakage(some_images(size=9))
    almost = s.x[:1].copy()
    almost[0, 0, 0, 0] ^= 1
    assert ImageSet(almost).find_leakage(s)==[]

def test_long_lists_of_leaks_are_cut():
    s = some_images()
    with pytest.raises(InputError, match='60 of the 60') as e: s.require_no_leakage(s)
    assert '… and 50 more' in str(e.value) and 'noise[9]' in str(e.value) and 'noise[10]' not in str(e.value)
    black = ImageSet(np.zeros((2000, 8, 8, 3), np.uint8))
    assert len(black.find_leakage(black))==2000 # one copy each, not all pairs

# --- from files

def test_folder_of_classes(tmp_path):
    s = some_images()
    t = ImageSet.from_folder(save_images(s, tmp_path/'pets'), 8, progress=False)
    assert t.fingerprint==s.fingerprint and t.name=='pets' and t.vocab==('a', 'b', 'c') and t.names[0]=='a/000.png' and isinstance(t.x, np.memmap)
    assert t.find_leakage(s)[0]==('a/000.png', 'noise[0]')
    u = ImageSet.from_folder(tmp_path/'pets', 8, labels=False, progress=False)
    assert u.kind=='unlabeled' and len(u)==60

def test_flat_folder(tmp_path):
    s = some_images()
    t = ImageSet.from_folder(str(save_images(s, tmp_path/'roll', flat=True)), 8, progress=False)
    assert t.y is None and np.array_equal(t.x, s.x)

def test_folders_with_nothing_to_read(tmp_path, capsys):
    for bad in ('nowhere', 'empty'):
        (tmp_path/'empty').mkdir(exist_ok=True)
        with pytest.raises(InputError, match=bad): ImageSet.from_folder(tmp_path/bad)
    f = save_images(some_images(), tmp_path/'pets')
    (f/'unicorn').mkdir()
    assert ImageSet.from_folder(f, 8, progress=False).vocab==('a', 'b', 'c')
    assert 'no readable image in unicorn' in capsys.readouterr().out

def test_failures_are_kept_and_labels_stay_with_their_pictures(tmp_path):
    s = some_images()
    f = save_images(s, tmp_path/'pets')
    (f/'a'/'000.png').write_bytes(b'')
    (f/'c'/'photo.heic').write_bytes(b'')
    t = ImageSet.from_folder(f, 8, progress=False)
    assert t.failures==[('a/000.png', 'empty file (0 bytes)')] and t.skipped==['c/photo.heic'] and '1 unreadable; 1 skipped' in repr(t)
    assert t.fingerprint==s.take(slice(1, None)).fingerprint

# --- ready-made sets

def test_digits():
    s = ImageSet.from_digits(16)
    assert s.x.shape==(1797, 16, 16, 3) and s.vocab==tuple('0123456789') and s.counts['3']==183
    from sklearn.datasets import load_digits
    small = s.x[..., 0].reshape(-1, 8, 2, 8, 2).mean((2, 4))
    assert np.abs(small-load_digits().images*255/16).mean() < 15

def test_names_of_downloads_are_those_of_fastai():
    from fastai.data.external import URLs
    assert all(isinstance(getattr(URLs, n), str) for n in images.URL_NAMES)
    with pytest.raises(InputError, match="'IMAGENET' is none.*IMAGENETTE_160.*PETS"): ImageSet.from_url('IMAGENET')

def test_download_without_a_network(monkeypatch, tmp_path):
    "The address is one where nothing listens: fastai's own download fails as it does without a network"
    from fastai.data.external import URLs
    monkeypatch.setattr(URLs, 'IMAGENETTE_160', 'http://127.0.0.1:9/imagenette2-160.tgz')
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path))
    with pytest.raises(InputError, match='IMAGENETTE_160 could not be downloaded.*Is there a network'): ImageSet.from_url('IMAGENETTE_160', 8)

def test_layouts_of_downloads(monkeypatch, tmp_path):
    "Unpacked archives of the three layouts, made here"
    s = some_images(12)
    save_images(s, tmp_path/'IMAGENETTE_160'/'train')
    save_images(some_images(6, seed=1), tmp_path/'IMAGENETTE_160'/'val')
    for i,a in enumerate(s.x):
        (tmp_path/'PETS'/'images').mkdir(parents=True, exist_ok=True)
        Image.fromarray(a).save(tmp_path/'PETS'/'images'/f'{s.vocab[s.y[i]]}_{i}.png')
    save_images(s, tmp_path/'CALTECH_101')
    monkeypatch.setattr(images, '_untar', lambda name: tmp_path/name)
    assert ImageSet.from_url('IMAGENETTE_160', 8, progress=False).fingerprint==s.fingerprint
    v = ImageSet.from_url('IMAGENETTE_160', 8, part='valid', progress=False)
    assert len(v)==6 and v.name=='IMAGENETTE_160/valid'
    with pytest.raises(InputError, match="no part 'test'; it has train, valid"): ImageSet.from_url('IMAGENETTE_160', 8, part='test')
    assert ImageSet.from_url('PETS', 8, progress=False).fingerprint==s.fingerprint
    assert ImageSet.from_url('CALTECH_101', 8, progress=False).name=='CALTECH_101'

# --- looking

@pytest.mark.parametrize('s', [some_images(), some_images(5, 0), some_images(1), ImageSet(some_images().x, np.zeros((60, 2))), ImageSet(some_images().x, np.ones((60, 8, 8))), ImageSet(some_images().x[..., :1], some_images().y)])
def test_show(s, tmp_path):
    import matplotlib.pyplot as plt
    open_before = plt.get_fignums()
    fig = s.show(10)
    assert plt.get_fignums()==open_before # or a notebook would show it twice
    captions = [t.get_text() for t in fig.axes[0].texts]
    assert len(captions)==(0 if s.kind in ('unlabeled', 'mask') else min(10, len(s))) and (s.kind!='class' or set(captions)<=set(s.vocab))
    fig.savefig(tmp_path/'a.png')
    assert np.asarray(Image.open(tmp_path/'a.png').convert('L')).std()>10

def test_show_puts_each_caption_over_its_image():
    s = ImageSet(np.arange(10, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2).repeat(3, 3)*20, range(10), [str(i) for i in range(10)])
    ax = s.show(10, ncols=4).axes[0]
    sheet = np.asarray(ax.images[0].get_array())
    for t in ax.texts:
        x,y = t.get_position()
        assert sheet[int(y)+2, int(x), 0]==20*int(t.get_text())

@pytest.mark.skipif(sys.platform!='linux', reason='asks /proc how much of a file is in memory')
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    "A memory map of 120 MB: its fingerprint, and embeddings part by part, keep less than 50 MB of it; half as many images need as much"
    from ssl_course import pipeline
    from ssl_course.encoder import Encoder
    mapped = lambda: int(re.search(r'RssFile:\s+(\d+)', Path('/proc/self/status').read_text())[1])/1e3
    def most(work):
        "MB of files in memory at most, more than before"
        before,seen,over = mapped(),[0.],threading.Event()
        def watch():
            while not over.wait(.001): seen.append(mapped())
        (t := threading.Thread(target=watch)).start()
        try: work()
        finally: over.set(), t.join()
        return max(seen)-before
    x = np.memmap(tmp_path/'x', dtype=np.uint8, mode='w+', shape=(40_000, 32, 32, 3))
    for i in range(0, 40_000, 10_000): x[i:i+10_000] = np.random.default_rng(i).integers(0, 256, (10_000, 32, 32, 3), np.uint8)
    x.flush()
    everything = np.memmap(tmp_path/'x', dtype=np.uint8, mode='r', shape=x.shape)
    images.release_pages(x)
    assert most(lambda: everything.sum())>100 # the measure sees what a plain reading does
    images.release_pages(everything)
    half,whole = (most(lambda: ImageSet(everything[:n]).fingerprint) for n in (20_000, 40_000))
    assert whole<50 and whole<half+20
    opened = ImageSet(everything[:20_000], names=[f'{i}.png' for i in range(20_000)])
    opened.from_folder = lambda *args, **kwargs: opened
    rows = []
    with pytest.MonkeyPatch.context() as m:
        m.setattr(pipeline, 'ImageSet', opened), m.setattr(pipeline, 'find_encoder', lambda e, *_: e)
        m.setattr(pipeline, 'embed', lambda encoder, part: part.x.mean((1, 2)))
        assert most(lambda: rows.extend(len(t) for t in pipeline.embedding_parts('', Encoder.small(width=4), 32, rows=5000)))<50
    assert rows==[5000]*4
