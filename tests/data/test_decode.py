"Every kind of file that a folder of pictures may hold: read correctly, or listed with the reason."
import errno,io,os,subprocess,sys,tarfile,threading,time,warnings

import numpy as np
import pytest
from PIL import Image,ImageCms

from helpers import ROOT
from ssl_course.data import decode
from ssl_course.data.decode import decode_files,decode_folder,find_images,find_scale,read_image,read_mask,read_masks
from ssl_course.data.imageset import ImageSet
from ssl_course.utils import InputError

CLOTHES = ROOT.parent/'shared'/'data'/'clothing10_96.tgz'

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    "The cache of each test"
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    return tmp_path/'home'

def halves(mode='RGB', size=(120, 80), left=(200, 30, 20), right=(20, 40, 220)):
    "A picture with a left and a right half"
    im = Image.new('RGB', size, right)
    im.paste(left, (0, 0, size[0]//2, size[1]))
    return im.convert(mode)

def near(a, want, tol=12): return np.abs(a.astype(int)-np.array(want)).max() <= tol

def is_halves(a): return near(a[8, 2], (200, 30, 20), 25) and near(a[8, 13], (20, 40, 220), 25)

# --- one picture

TURNED = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
          6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270}

@pytest.mark.parametrize('ending', ['jpg', 'png', 'webp', 'tif'])
@pytest.mark.parametrize('orientation', [1, *TURNED])
def test_exif_orientation(tmp_path, orientation, ending):
    "The picture is stored turned, with a note how to turn it back: all eight give the same"
    im = halves()
    im.putpixel((0, 0), (0, 255, 0))
    im.paste((0, 255, 0), (0, 0, 60, 40)) # upper left quarter green: no two orientations look alike
    stored = im.transpose(TURNED[orientation]) if orientation>1 else im
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path/f'a.{ending}', exif=exif)
    a = read_image(tmp_path/f'a.{ending}', 16, mode='squish')
    assert near(a[2, 2], (0, 255, 0), 40) and near(a[13, 2], (200, 30, 20), 40) and near(a[2, 13], (20, 40, 220), 40)

def test_exif_orientation_of_a_big_photo(tmp_path):
    "`draft` decodes a big JPEG at a fraction of its size; the orientation must survive that"
    exif = Image.Exif()
    exif[0x0112] = 6
    halves(size=(3000, 2000)).transpose(Image.Transpose.ROTATE_90).save(tmp_path/'a.jpg', exif=exif)
    assert is_halves(read_image(tmp_path/'a.jpg', 16))

def test_draft_is_used_and_keeps_the_detail(tmp_path, monkeypatch):
    "A JPEG read at a fraction of its size differs from the whole PNG by no more than JPEG's own loss"
    rng = np.random.default_rng(0)
    im = Image.fromarray(rng.integers(0, 256, (128, 192, 3), dtype=np.uint8)).resize((1536, 1024), Image.Resampling.BICUBIC)
    im.save(tmp_path/'a.jpg', quality=95)
    im.save(tmp_path/'a.png')
    loaded,square = [],decode._square
    monkeypatch.setattr(decode, '_square', lambda im, *a: loaded.append(im.size) or square(im, *a))
    a,b = (read_image(tmp_path/f'a.{e}', 128).astype(int) for e in ('jpg', 'png'))
    assert loaded==[(384, 256), (1536, 1024)] and np.abs(a-b).mean() < 6

@pytest.mark.parametrize('note', [b'Exif\0\0garbagegarbage', b'Exif\0\0II*\0\xff\xff\xff\xff'])
@pytest.mark.filterwarnings('ignore:Corrupt EXIF')
def test_broken_exif_does_not_cost_the_picture(tmp_path, note):
    for e in ('png', 'jpg', 'webp'):
        halves().save(tmp_path/f'a.{e}', exif=note)
        assert is_halves(read_image(tmp_path/f'a.{e}', 16))

@pytest.mark.parametrize('mode,ending', [('CMYK', 'jpg'), ('CMYK', 'tif'), ('YCbCr', 'jpg'), ('P', 'png'), ('P', 'gif'), ('RGBA', 'png'), ('RGBA', 'webp'), ('RGB', 'bmp'),
                                         ('RGB', 'ppm'), ('RGB', 'tga'), ('RGB', 'jp2'), ('PA', 'png'), ('RGB', 'JPG'), ('RGB', 'ico')])
def test_color_modes(tmp_path, mode, ending):
    im = halves('RGBA').convert('P').convert('PA') if mode=='PA' else halves(mode)
    if mode=='PA': im = im.convert('RGBA')
    im.save(tmp_path/f'a.{ending}')
    a = read_image(tmp_path/f'a.{ending}', 16)
    assert a.shape==(16, 16, 3) and a.dtype==np.uint8 and is_halves(a)

def test_lab(tmp_path):
    lab = ImageCms.profileToProfile(halves(), ImageCms.createProfile('sRGB'), ImageCms.createProfile('LAB'), outputMode='LAB')
    lab.save(tmp_path/'a.tif')
    with Image.open(tmp_path/'a.tif') as im: assert im.mode=='LAB'
    assert is_halves(read_image(tmp_path/'a.tif', 16))

@pytest.mark.parametrize('mode', ['1', 'L', 'LA'])
def test_gray(tmp_path, mode):
    halves(left=(255,)*3, right=(0,)*3).convert(mode).save(tmp_path/'a.png')
    a = read_image(tmp_path/'a.png', 16)
    assert near(a[8, 2], 255) and near(a[8, 13], 0)

@pytest.mark.parametrize('dtype,high,ending,want', [
    (np.uint16, 65535, 'png', 255), (np.uint16, 65535, 'tif', 255), (np.uint16, 32768, 'png', 128), (np.int32, 65535, 'tif', 255), (np.int32, 10**6, 'tif', 255),
    (np.float32, 1, 'tif', 255), (np.float32, .5, 'tif', 128), (np.float32, 200, 'tif', 200), (np.float32, 65535, 'tif', 255), (np.float32, 1e9, 'tif', 255)])
def test_16_and_32_bits(tmp_path, dtype, high, ending, want):
    a = np.zeros((40, 40), dtype)
    a[:, 20:] = high
    Image.fromarray(a).save(tmp_path/f'a.{ending}')
    b = read_image(tmp_path/f'a.{ending}', 16)
    assert near(b[8, 2], 0, 1) and near(b[8, 13], want, 1)

def test_floats_that_are_no_numbers_or_below_zero(tmp_path):
    a = np.full((40, 40), -3, np.float32)
    a[:, 20:] = 5
    Image.fromarray(a).save(tmp_path/'a.tif')
    b = read_image(tmp_path/'a.tif', 16)
    assert near(b[8, 2], 0, 1) and near(b[8, 13], 255, 1)
    a[0, 0],a[1, 1],a[a<0] = np.nan,np.inf,0
    Image.fromarray(a/5).save(tmp_path/'a.tif')
    assert near(read_image(tmp_path/'a.tif', 16)[8, 13], 255, 1)

def test_transparency_is_laid_on_white(tmp_path):
    im = Image.new('RGBA', (40, 40), (0, 0, 0, 0))
    im.paste((200, 0, 0, 255), (0, 0, 20, 40))
    im.save(tmp_path/'a.png')
    im.save(tmp_path/'a.webp', lossless=True)
    im.convert('P').save(tmp_path/'a.gif', transparency=im.convert('P').getpixel((30, 5)))
    half = Image.new('LA', (40, 40), (0, 128))
    half.save(tmp_path/'half.png')
    Image.new('RGB', (40, 40), (1, 2, 3)).save(tmp_path/'key.png', transparency=(1, 2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for e in ('png', 'webp', 'gif'):
            a = read_image(tmp_path/f'a.{e}', 16)
            assert near(a[8, 13], 255) and near(a[8, 2], (200, 0, 0), 40), e
        assert near(read_image(tmp_path/'half.png', 16), 127, 2)
        assert near(read_image(tmp_path/'key.png', 16), 255)

@pytest.mark.parametrize('ending', ['gif', 'webp', 'png', 'tif'])
def test_animated_gives_the_first_frame(tmp_path, ending):
    frames = [Image.new('RGB', (40, 40), c) for c in ('red', 'lime', 'blue')]
    frames[0].save(tmp_path/f'a.{ending}', save_all=True, append_images=frames[1:], **({'duration': 50} if ending!='tif' else {}))
    with Image.open(tmp_path/f'a.{ending}') as im: assert im.n_frames==3
    assert near(read_image(tmp_path/f'a.{ending}', 16), (255, 0, 0), 8)

def test_aspect(tmp_path):
    "The middle third is green: all that `crop` keeps; `squish` keeps everything"
    im = Image.new('RGB', (300, 100), 'red')
    im.paste('lime', (100, 0, 200, 100))
    im.save(tmp_path/'a.png')
    assert near(read_image(tmp_path/'a.png', 32)[:, 1:-1], (0, 255, 0))
    squished = read_image(tmp_path/'a.png', 33, mode='squish')
    assert near(squished[16, 3], (255, 0, 0)) and near(squished[16, 16], (0, 255, 0))
    im.transpose(Image.Transpose.ROTATE_90).save(tmp_path/'tall.png')
    assert near(read_image(tmp_path/'tall.png', 32)[1:-1], (0, 255, 0))
    with pytest.raises(InputError, match='crop, squish'): read_image(tmp_path/'a.png', 32, mode='pad')

def test_very_wide_and_very_small(tmp_path):
    halves(size=(20_000, 64)).save(tmp_path/'wide.png')
    assert is_halves(read_image(tmp_path/'wide.png', 16, mode='squish'))
    assert read_image(tmp_path/'wide.png', 64).shape==(64, 64, 3)
    Image.new('RGB', (1, 1)).save(tmp_path/'dot.png')
    with pytest.raises(InputError, match='too small: 1×1'): read_image(tmp_path/'dot.png', 16)
    assert read_image(tmp_path/'dot.png', 16, min_side=1).shape==(16, 16, 3)
    halves(size=(9, 8)).save(tmp_path/'least.png')
    assert read_image(tmp_path/'least.png', 64).shape==(64, 64, 3)

@pytest.mark.parametrize('pixels', [5000, 9000])
def test_bombs_are_refused_without_a_warning(tmp_path, monkeypatch, pixels):
    "Pillow only warns up to twice its limit: 9,600 pixels are above twice 4,500 here, and between once and twice 5,000 and 9,000"
    halves().save(tmp_path/'a.png') # 9,600 pixels
    for limit in (pixels, 4500):
        monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', limit)
        with warnings.catch_warnings(record=True) as leaked, pytest.raises(InputError, match=f'more than {limit:,} pixels'): read_image(tmp_path/'a.png', 16)
        assert not leaked
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 9600)
    assert is_halves(read_image(tmp_path/'a.png', 16))

def test_filters_of_warnings_survive_threads(tmp_path):
    halves().save(tmp_path/'a.png')
    before = list(warnings.filters)
    ts = [threading.Thread(target=lambda: [read_image(tmp_path/'a.png', 16) for _ in range(30)]) for _ in range(8)]
    for t in ts: t.start()
    for t in ts: t.join()
    assert warnings.filters==before

def bad_files(folder):
    "Files that are no readable pictures -> the reason that must be given"
    def jpg():
        b = io.BytesIO()
        Image.effect_noise((200, 200), 50).save(b, 'jpeg')
        return b.getvalue()
    def png():
        b = io.BytesIO()
        Image.effect_noise((200, 200), 50).save(b, 'png')
        return b.getvalue()
    Image.new('RGB', (1, 1)).save(folder/'dot.png')
    files = {'cut.jpg': jpg()[:3000], 'cut.png': png()[:3000], 'empty.jpg': b'', 'drawing.jpg': b'<svg xmlns="http://www.w3.org/2000/svg"/>', 'page.png': b'<!DOCTYPE html><html>',
             'noise.jpg': bytes(range(128, 256)), 'head.jpg': jpg()[:30], 'script.jpg': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'}
    for n,b in files.items(): (folder/n).write_bytes(b)
    os.symlink(folder/'nowhere.jpg', folder/'link.jpg')
    return {'cut.jpg': 'truncated', 'cut.png': '', 'dot.png': 'too small', 'empty.jpg': 'empty file', 'drawing.jpg': "begins '<svg", 'page.png': "begins '<!DOCTYPE",
            'noise.jpg': 'not an image', 'head.jpg': '', 'script.jpg': 'not an image', 'link.jpg': 'no such file'}

def test_bad_files_are_listed_with_the_reason(tmp_path, capsys):
    folder = tmp_path/'photos'
    folder.mkdir()
    bad = bad_files(folder)
    for i in range(10): halves().save(folder/f'good{i}.jpg')
    with pytest.raises(InputError, match='Only 10 of the 20 image files in .*photos could be read, where at least 95% must be'): decode_folder(folder, 16, progress=False)
    d = decode_folder(folder, 16, min_readable=.5, progress=False)
    assert [n for n,_ in d.failures]==sorted(bad) and d.names==[f'good{i}.jpg' for i in range(10)]
    assert all(why and bad[n] in why for n,why in d.failures), d.failures
    assert all(is_halves(a) for a in d.x)
    assert 'head.jpg' in capsys.readouterr().out

def test_the_printed_list_is_short_and_the_returned_one_whole(tmp_path, capsys):
    for i in range(12): (tmp_path/f'bad{i:02}.jpg').write_bytes(b'')
    halves().save(tmp_path/'good.jpg')
    d = decode_folder(tmp_path, 16, min_readable=0, progress=False)
    out = capsys.readouterr().out
    assert len(d.failures)==12 and '12 of 13 image files' in out and '… and 2 more' in out and 'bad09' in out and 'bad10' not in out

def test_95_percent(tmp_path):
    for i in range(19): halves().save(tmp_path/f'{i}.png')
    (tmp_path/'bad.png').write_bytes(b'')
    assert len(decode_folder(tmp_path, 16, progress=False).x)==19
    (tmp_path/'18.png').unlink()
    with pytest.raises(InputError, match='Only 18 of the 19'): decode_folder(tmp_path, 16, progress=False)

def test_nothing_readable(tmp_path):
    (tmp_path/'bad.png').write_bytes(b'')
    with pytest.raises(InputError, match='None of the 1 image files'): decode_folder(tmp_path, 16, min_readable=0, progress=False)

# --- which files

def test_missing_file_empty(tmp_path):
    with pytest.raises(InputError, match='nowhere does not exist'): find_images(tmp_path/'nowhere')
    (tmp_path/'file').write_text('')
    with pytest.raises(InputError, match='is a file, not a folder'): find_images(tmp_path/'file')
    (tmp_path/'empty').mkdir()
    with pytest.raises(InputError, match='empty has no images.*\\.jpg.*found none'): find_images(tmp_path/'empty')
    (tmp_path/'empty'/'a.heic').write_bytes(b'x')
    with pytest.raises(InputError, match='\\.heic \\(1\\)'): find_images(tmp_path/'empty')

def test_what_is_found_and_what_is_skipped(tmp_path, capsys):
    for n in ('b/2.JPG', 'b/10.png', 'a/deep/er/1.Jpeg', '.hidden/x.jpg', '.y.jpg', '__MACOSX/z.jpg', 'Thumbs.db', 'a/.DS_Store', 'notes.txt', 'labels.csv', 'raw.CR2', 'noending'):
        (tmp_path/n).parent.mkdir(parents=True, exist_ok=True)
        halves().save(tmp_path/n, 'png')
    names,skipped = find_images(tmp_path)
    assert names==['a/deep/er/1.Jpeg', 'b/10.png', 'b/2.JPG'] and skipped==['noending', 'raw.CR2']
    d = decode_folder(tmp_path, 16, progress=False)
    assert len(d.x)==3 and d.skipped==skipped
    assert 'skipped 2 other files: no ending (1), .cr2 (1)' in capsys.readouterr().out

def test_links_are_followed_and_loops_are_not(tmp_path):
    real,folder = tmp_path/'real',tmp_path/'folder'
    real.mkdir()
    (folder/'a').mkdir(parents=True)
    halves().save(real/'1.png')
    os.symlink(real, folder/'b')
    os.symlink(real, folder/'c')
    os.symlink(real/'1.png', folder/'a'/'2.png')
    os.symlink(folder, folder/'a'/'up')
    assert find_images(folder)[0]==['a/2.png', 'b/1.png', 'c/1.png']

def test_names_that_are_not_text(tmp_path, capsys):
    bad = os.fsencode(tmp_path)+b'/bad\xff.png'
    with open(bad, 'wb'): pass
    with open(os.fsencode(tmp_path)+b'/good\xff.png', 'wb') as f: halves().save(f, 'png')
    for _ in range(2):
        d = decode_folder(tmp_path, 16, min_readable=.5, progress=False)
        assert os.fsencode(d.names[0])==b'good\xff.png' and os.fsencode(d.failures[0][0])==b'bad\xff.png'
    capsys.readouterr().out.encode('utf-8')

# --- the cache

def cached(home): return sorted(p.suffix for p in (home/'decoded').iterdir()) if (home/'decoded').exists() else []

@pytest.fixture
def photos(tmp_path):
    folder = tmp_path/'photos'
    folder.mkdir()
    for i in range(40): halves(left=(5*i, 0, 0)).save(folder/f'{i:02}.png')
    return folder

def test_second_call_decodes_nothing(photos, home, monkeypatch):
    first = decode_folder(photos, 16, progress=False)
    monkeypatch.setattr(decode, '_read', lambda *a: pytest.fail('decoded again'))
    again = decode_folder(photos, 16, progress=False)
    assert isinstance(again.x, np.memmap) and not again.x.flags.writeable
    assert np.array_equal(first.x, again.x) and first.names==again.names
    assert cached(home)==['.json', '.u8']

def test_order_is_that_of_the_names_whatever_the_threads(photos):
    d = decode_folder(photos, 16, progress=False, workers=7)
    assert d.names==[f'{i:02}.png' for i in range(40)]
    assert near(d.x[:, 8, 2, 0], 5*np.arange(40), 2)

@pytest.mark.parametrize('change', ['new', 'gone', 'other pixels', 'size', 'mode'])
def test_cache_notices_changes(photos, change):
    before = decode_folder(photos, 16, progress=False)
    if change=='new': halves().save(photos/'new.png')
    if change=='gone': (photos/'00.png').unlink()
    if change=='other pixels': halves(left=(0, 255, 0)).save(photos/'00.png')
    after = decode_folder(photos, 24 if change=='size' else 16, mode='squish' if change=='mode' else 'crop', progress=False)
    assert before.x.shape!=after.x.shape or not np.array_equal(before.x, after.x)

@pytest.fixture
def later(monkeypatch):
    "A clock that is ten seconds ahead of the files"
    now = time.time_ns
    monkeypatch.setattr(decode.time, 'time_ns', lambda: now()+10**10)

@pytest.mark.parametrize('change', ['new', 'new below', 'gone', 'renamed', 'replaced', 'set back', 'folder gone', 'size', 'Pillow'])
def test_times_of_folders_show_changes(photos, later, monkeypatch, change):
    "What comes, goes, is renamed or replaced; also where a program sets the time back that a folder had before"
    from PIL import ImageFile
    (photos/'below'/'empty').mkdir(parents=True), halves().save(photos/'below'/'a.png')
    see = lambda size=16: decode_folder(photos, size, check='folders', progress=False)
    before,st = see(),os.stat(photos)
    with monkeypatch.context() as m:
        m.setattr(decode, '_stamp', lambda f: pytest.fail('looked at a file'))
        again = see()
        assert np.array_equal(before.x, again.x) and before.names==again.names
    if change=='new': halves().save(photos/'new.png')
    if change=='new below': halves().save(photos/'below'/'empty'/'new.png')
    if change=='gone': (photos/'00.png').unlink()
    if change=='renamed': (photos/'00.png').rename(photos/'zz.png')
    if change in ('replaced', 'set back'):
        halves(left=(0, 255, 0)).save(photos/'.new', 'png'), os.replace(photos/'.new', photos/'00.png')
    if change=='set back': os.utime(photos, ns=(st.st_atime_ns, st.st_mtime_ns))
    if change=='folder gone': (photos/'below'/'a.png').unlink(), (photos/'below'/'empty').rmdir(), (photos/'below').rmdir()
    if change=='Pillow': monkeypatch.setattr(ImageFile, 'LOAD_TRUNCATED_IMAGES', True)
    looked = []
    stamp = decode._stamp
    monkeypatch.setattr(decode, '_stamp', lambda f: looked.append(f) or stamp(f))
    after,fresh = see(24 if change=='size' else 16),decode_folder(photos, 24 if change=='size' else 16, progress=False)
    assert looked and after.names==fresh.names and np.array_equal(after.x, fresh.x)

def test_what_times_of_folders_do_not_show(photos, later, home):
    "A file that is written into; by default it is noticed. Nothing is kept of a folder that changed just now"
    see = lambda **kwargs: np.array(decode_folder(photos, 16, progress=False, **kwargs).x)
    before = see(check='folders')
    with open(photos/'00.png', 'r+b') as f: f.write((photos/'39.png').read_bytes()), f.truncate()
    assert np.array_equal(see(check='folders'), before) and not np.array_equal(see(), before)
    with pytest.raises(InputError, match="'files' or 'folders'"): see(check='nothing')

def test_a_folder_of_this_moment_is_looked_at_again(photos, monkeypatch):
    "Two changes within one tick of the file system's clock would look like one"
    monkeypatch.setattr(decode.time, 'time_ns', lambda: os.stat(photos).st_ctime_ns+10**9)
    decode_folder(photos, 16, check='folders', progress=False)
    monkeypatch.setattr(decode, '_find_images', lambda *a: pytest.fail('looked at the files'))
    with pytest.raises(pytest.fail.Exception): decode_folder(photos, 16, check='folders', progress=False)

def test_a_note_of_folders_says_what_was_said(photos, later, capsys):
    (photos/'00.png').write_bytes(b''), (photos/'a.heic').write_bytes(b'x')
    texts = []
    for _ in range(2):
        d = decode_folder(photos, 16, check='folders', progress=False)
        assert d.failures==[('00.png', 'empty file (0 bytes)')] and d.skipped==['a.heic']
        texts.append(capsys.readouterr().out)
    assert texts[0]==texts[1] and '1 of 40 image files' in texts[0] and '.heic (1)' in texts[0]

def test_failures_are_remembered_and_mended_ones_read(photos, capsys):
    (photos/'00.png').write_bytes(b'')
    for _ in range(2):
        assert decode_folder(photos, 16, progress=False).failures==[('00.png', 'empty file (0 bytes)')]
        assert '1 of 40 image files could not be read' in capsys.readouterr().out
    with pytest.raises(InputError, match='Only 39'): decode_folder(photos, 16, min_readable=1, progress=False)
    halves().save(photos/'00.png')
    assert decode_folder(photos, 16, progress=False).failures==[]

def test_failures_are_those_of_pillows_switches(photos, monkeypatch):
    "A file that was cut off is refused, and read once Pillow is told to; neither answer outlives the switch"
    from PIL import ImageFile
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(photos/'00.png')
    whole = (photos/'00.png').read_bytes()
    (photos/'00.png').write_bytes(whole[:len(whole)//2])
    read = lambda: len(decode_folder(photos, 16, progress=False).x)
    assert read()==39
    monkeypatch.setattr(ImageFile, 'LOAD_TRUNCATED_IMAGES', True)
    assert read()==40
    monkeypatch.setattr(ImageFile, 'LOAD_TRUNCATED_IMAGES', False)
    assert read()==39

@pytest.mark.parametrize('harm', ['cut', 'no index', 'no pixels'])
def test_damaged_cache_is_made_anew(photos, home, harm):
    want = np.array(decode_folder(photos, 16, progress=False).x)
    pixels,index = next((home/'decoded').glob('*.u8')),next((home/'decoded').glob('*.json'))
    if harm=='cut': os.truncate(pixels, 1000)
    if harm=='no index': index.unlink()
    if harm=='no pixels': pixels.unlink()
    assert np.array_equal(decode_folder(photos, 16, progress=False).x, want)

@pytest.mark.parametrize('where', ['thread', 'main'])
def test_interrupt_leaves_nothing_and_does_not_wait(photos, home, monkeypatch, where):
    read,calls,tqdm = decode._read,[],decode.tqdm
    def counted(path, *args):
        calls.append(path)
        if where=='thread' and path.name=='03.png': raise KeyboardInterrupt
        return read(path, *args)
    class Interrupted(tqdm):
        def update(self, n): raise KeyboardInterrupt
    monkeypatch.setattr(decode, '_read', counted)
    if where=='main': monkeypatch.setattr(decode, 'tqdm', Interrupted)
    for i in range(40, 400): os.link(photos/'00.png', photos/f'{i}.png')
    with pytest.raises(KeyboardInterrupt): decode_folder(photos, 16, progress=False, workers=1)
    assert cached(home)==[] and len(calls)<300
    monkeypatch.setattr(decode, '_read', read)
    monkeypatch.setattr(decode, 'tqdm', tqdm)
    assert len(decode_folder(photos, 16, progress=False).x)==400

def test_disk_without_room_is_noticed_first(photos, home, monkeypatch):
    usage = type('usage', (), dict(free=1000))
    monkeypatch.setattr(decode.shutil, 'disk_usage', lambda p: usage)
    with pytest.raises(InputError, match='No room.*SSL_COURSE_HOME'): decode_folder(photos, 16, progress=False)
    assert cached(home)==[]

def test_disk_that_fills_up_while_writing(photos, home):
    "A limit on the size of files stands for the full disk: the write itself fails"
    code = f"""if True:
        import resource,signal
        from ssl_course.data.decode import decode_folder
        from ssl_course.utils import InputError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try: decode_folder({str(photos)!r}, 16, progress=False)
        except InputError as e: print('InputError', e)"""
    r = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert r.returncode==0 and 'InputError No room for the decoded images' in r.stdout, r.stdout+r.stderr
    assert cached(home)==[]

def test_other_errors_of_writing_are_not_hidden(photos, monkeypatch):
    def fails(*a): raise OSError(errno.EIO, 'Input/output error')
    monkeypatch.setattr(decode, '_decode_to', fails)
    with pytest.raises(OSError, match='Input/output') as e: decode_folder(photos, 16, progress=False)
    assert not isinstance(e.value, InputError)

def test_remains_of_killed_processes_are_removed(photos, home):
    (home/'decoded').mkdir(parents=True)
    old,new = home/'decoded'/'.a.u8.1.u8',home/'decoded'/'.b.u8.2.u8'
    for f in (old, new): f.write_bytes(b'x')
    os.utime(old, (0, 0))
    decode_folder(photos, 16, progress=False)
    assert not old.exists() and new.exists()

def test_permissions_that_are_mended_are_noticed(photos, monkeypatch):
    "Changing permissions changes neither length nor time of a file (root may read everything, so the refusal is played)"
    read = decode._read
    def denied(path, *args):
        if path.name=='00.png' and not path.stat().st_mode & 0o400: raise PermissionError(errno.EACCES, 'Permission denied')
        return read(path, *args)
    monkeypatch.setattr(decode, '_read', denied)
    (photos/'00.png').chmod(0)
    assert 'Permission denied' in decode_folder(photos, 16, progress=False).failures[0][1]
    (photos/'00.png').chmod(0o644)
    assert not decode_folder(photos, 16, progress=False).failures

def test_files_may_be_repeated_and_lie_elsewhere(photos, tmp_path):
    halves().save(tmp_path/'elsewhere.png')
    d = decode_files(photos, ['01.png', '01.png', str(tmp_path/'elsewhere.png'), '../elsewhere.png', 'x'*300+'.png', 'a\0b.png'], 16, min_readable=.5, progress=False)
    assert np.array_equal(d.x[0], d.x[1]) and np.array_equal(d.x[2], d.x[3]) and is_halves(d.x[2])
    assert [why for _,why in d.failures]==['File name too long', 'embedded null byte']

# --- photographs

@pytest.fixture
def clothes(tmp_path):
    "Folder of class folders of JPEGs of different shapes: real photographs where they are, drawn ones of the same shape elsewhere"
    if CLOTHES.is_file():
        with tarfile.open(CLOTHES) as t: t.extractall(tmp_path, members=[m for m in t.getmembers() if '/test/' in m.name], filter='data')
        return tmp_path/'clothing10_96'/'test'
    rng = np.random.default_rng(0)
    for c in ('dress', 'hat', 'pants'):
        (tmp_path/'clothes'/c).mkdir(parents=True)
        for i in range(30): Image.fromarray(rng.integers(0, 256, (12, 9+i%5, 3), dtype=np.uint8)).resize((96+8*(i%5), 128)).save(tmp_path/'clothes'/c/f'{i}.jpg')
    return tmp_path/'clothes'

def test_photographs(clothes):
    d = decode_folder(clothes, 64, progress=False)
    assert d.failures==[] and d.skipped==[] and len(d.names)==len(list(clothes.rglob('*.jpg')))
    assert d.x.shape[1:]==(64, 64, 3) and 40 < d.x.mean() < 220 and d.x.std()>30
    for k in (0, len(d.names)//2):
        with Image.open(clothes/d.names[k]) as im: # worked out plainly: crop the middle, then average
            im = im.convert('RGB')
            s = min(im.size)
            l,t = (im.width-s)//2,(im.height-s)//2
            plain = np.asarray(im.crop((l, t, l+s, t+s)).resize((8, 8), Image.Resampling.BOX), dtype=float)
        ours = np.asarray(Image.fromarray(d.x[k]).resize((8, 8), Image.Resampling.BOX), dtype=float)
        assert np.abs(plain-ours).mean() < 3

# --- images of more than 8 bits: one scale for all of a set

def deep(folder, top, n=6, seed=0):
    "Grey images of 16 bits with values up to `top`, one of them darker"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(n):
        a = rng.integers(0, (top if i else top//2)+1, (40, 40)).astype(np.uint16)
        a[0, :2] = 0,(top if i else top//2)
        Image.fromarray(a).save(folder/f'{i}.{("png", "tif")[i%2]}')
    return folder

@pytest.mark.parametrize('top,scale', [(200, 255), (900, 1023), (4095, 4095), (4096, 16383), (60_000, 65535)])
def test_twelve_bits_in_sixteen_keep_their_grays(tmp_path, capsys, top, scale):
    "All of a set by one scale, that of the brightest; and it is said"
    d = decode_folder(deep(tmp_path/'cells', top), 40, progress=False)
    assert d.scale==find_scale(tmp_path/'cells')==(0, scale)
    want = np.stack([np.asarray(Image.open(tmp_path/'cells'/n)) for n in d.names])*(255/scale)
    assert np.abs(d.x[..., 0]-want).max()<=1 and len(np.unique(d.x))>150*min(1, top/scale)
    said = capsys.readouterr().out
    assert f'cells: 6 images of more than 8 bits, with values from 0 to {top:,}; 0 to {scale:,} became 0 to 255' in said and 'cut off' not in said
    assert decode_folder(tmp_path/'cells', 40, progress=False).scale==(0, scale) and said==capsys.readouterr().out

def test_several_folders_have_one_scale(tmp_path, capsys):
    "As the parts of a data set must"
    a,b = deep(tmp_path/'a', 900),deep(tmp_path/'b', 4000)
    assert find_scale(a)==(0, 1023) and find_scale(a, b)==(0, 4095)
    d = decode_folder(a, 40, scale=(0, 4095), progress=False)
    assert d.scale==(0, 4095) and 50<d.x.max()<60
    capsys.readouterr()
    cut = decode_folder(b, 40, scale=(0, 1023), progress=False)
    assert cut.x.max()==255 and 'what is beyond is cut off' in capsys.readouterr().out

def test_sets_of_different_scales_are_not_joined(tmp_path):
    "Equal grays would mean different things"
    one = lambda top: ImageSet.from_folder(deep(tmp_path/str(top), top), 40, labels=False, progress=False)
    with pytest.raises(InputError, match='find_scale'): one(900)+one(4000)
    assert (one(900)+one(900)).scale==(0, 1023)

def test_files_are_looked_through_once_unless_they_change(tmp_path, monkeypatch):
    "For several folders, then for each of them; a file that was cut off counts when Pillow is told to read it"
    from PIL import ImageFile
    folder,opened,first = deep(tmp_path/'cells', 900),[],decode._open
    monkeypatch.setattr(decode, '_open', lambda f: opened.append(f) or first(f))
    assert find_scale(folder)==find_scale(folder, folder)==(0, 1023) and len(opened)==6
    deep(tmp_path/'brighter', 4000, 1)
    os.replace(tmp_path/'brighter/0.png', folder/'0.png')
    assert find_scale(folder)==(0, 4095) and len(opened)==7
    whole = (folder/'0.png').read_bytes()
    (folder/'0.png').write_bytes(whole[:-400])
    assert find_scale(folder)==(0, 1023)
    monkeypatch.setattr(ImageFile, 'LOAD_TRUNCATED_IMAGES', True)
    assert find_scale(folder)==(0, 4095)

def test_ctrl_c_does_not_wait_for_all_ranges(tmp_path, monkeypatch):
    first,calls = deep(tmp_path/'a', 900, 1)/'0.png',[]
    for i in range(400): os.link(first, tmp_path/f'a/x{i}.png')
    def interrupted(f):
        calls.append(f)
        time.sleep(.02)
        raise KeyboardInterrupt
    monkeypatch.setattr(decode, '_open', interrupted)
    monkeypatch.setattr(os, 'cpu_count', lambda: 1)
    with pytest.raises(KeyboardInterrupt): find_scale(tmp_path/'a')
    assert len(calls)<200

def test_eight_bits_have_no_scale(photos, tmp_path):
    "Whatever one is asked for; and an image alone is read by what its format can hold"
    d = decode_folder(photos, 16, scale=(0, 4095), progress=False)
    assert d.scale is None and find_scale(photos) is None and np.array_equal(d.x, decode_folder(photos, 16, progress=False).x)
    file = deep(tmp_path/'cells', 4095)/'1.tif'
    assert read_image(file, 40).max()==16 and read_image(file, 40, scale=(0, 4095)).max()==255

def test_values_below_zero_and_nothing_but_zeros(tmp_path):
    for name,a in dict(below=np.linspace(-3, 5, 1600), zeros=np.zeros(1600), unit=np.linspace(0, .7, 1600)).items():
        (tmp_path/name).mkdir()
        Image.fromarray(a.reshape(40, 40).astype(np.float32)).save(tmp_path/name/'a.tif')
    assert find_scale(tmp_path/'below')==(-3, 5) and find_scale(tmp_path/'zeros')==find_scale(tmp_path/'unit')==(0, 1)
    read = lambda name: decode_folder(tmp_path/name, 40, progress=False).x
    assert (read('below').min(), read('below').max(), read('zeros').max())==(0, 255, 0) and abs(int(read('unit').max())-178)<=1

# --- other numbers of channels

def bands(folder, channels, n=4, top=4000, dtype=np.uint16, first=False):
    "NumPy files of noise; every second one with its channels first, if `first`"
    folder.mkdir(parents=True, exist_ok=True)
    x = np.random.default_rng(0).integers(0, top+1, (n, 24, 24, channels)).astype(dtype)
    x[:, 0, 0] = top
    for i,a in enumerate(x): np.save(folder/f'{i}.npy', np.moveaxis(a, 2, 0) if first and i%2 else a)
    return x

@pytest.mark.parametrize('channels', [1, 3, 4, 13])
def test_arrays_have_their_channels_and_one_scale(channels, tmp_path, capsys):
    x = bands(tmp_path/'a', channels, first=True)
    d = decode_folder(tmp_path/'a', 24, channels=channels, progress=False)
    assert d.scale==find_scale(tmp_path/'a', channels=channels)==(0, 4095) and '0 to 4,095 became 0 to 255' in capsys.readouterr().out
    assert d.x.shape==(4, 24, 24, channels) and np.abs(d.x-x*(255/4095)).max()<=1
    assert np.array_equal(decode_folder(tmp_path/'a', 24, channels=channels, progress=False).x, d.x)
    if channels not in (1, 3):
        with pytest.raises(InputError, match=f'where an image of {channels+1} channels is needed'): decode_folder(tmp_path/'a', 24, channels=channels+1, progress=False)

def test_signed_bytes_have_one_scale_too(tmp_path):
    bands(tmp_path/'a', 4, top=127, dtype=np.int8)
    assert decode_folder(tmp_path/'a', 24, channels=4, progress=False).x.max()>20

def test_tiffs_of_many_channels(tmp_path, monkeypatch):
    "As pages or as samples of a pixel; without the package it is named before anything is read"
    import tifffile
    x = bands(tmp_path/'npy', 13)
    (tmp_path/'tif').mkdir()
    for i,a in enumerate(x): tifffile.imwrite(tmp_path/f'tif/{i}.tif', np.moveaxis(a, 2, 0) if i%2 else a, photometric='minisblack', compression='zlib')
    Image.new('RGB', (24, 24)).save(tmp_path/'tif/preview.jpg')
    d = decode_folder(tmp_path/'tif', 24, channels=13, progress=False)
    assert np.array_equal(d.x, decode_folder(tmp_path/'npy', 24, channels=13, progress=False).x) and d.skipped==['preview.jpg']
    monkeypatch.setitem(sys.modules, 'tifffile', None)
    with pytest.raises(InputError, match=r"^TIFF files .* need the package tifffile"): decode_folder(tmp_path/'tif', 25, channels=13, progress=False)

def test_arrays_beside_images_are_about_them(tmp_path):
    "Features, say, or masks; in a folder by themselves they are images"
    bands(tmp_path/'a', 3, dtype=np.uint8, top=255)
    assert len(find_images(tmp_path/'a')[0])==4
    Image.new('RGB', (24, 24)).save(tmp_path/'a/x.png')
    assert find_images(tmp_path/'a')==(['x.png'], [])

def test_gray_is_one_channel_of_three(photos):
    "The luma that Pillow computes; a grey array serves as RGB"
    gray,color = (decode_folder(photos, 16, channels=c, progress=False).x for c in (1, 3))
    assert np.array_equal(gray[..., 0], np.stack([np.asarray(Image.fromarray(a).convert('L')) for a in color]))

def test_arrays_that_are_no_images(tmp_path):
    np.save(tmp_path/'text.npy', np.array(['a', 'b'])), np.save(tmp_path/'pickle.npy', np.array([{}]), allow_pickle=True), np.save(tmp_path/'small.npy', np.zeros((4, 4, 5), np.uint8))
    (tmp_path/'cut.npy').write_bytes(b'\x93NUMPY')
    for f,why in dict(text='where an image of 5 channels', pickle='Python objects', small='too small: 4×4', cut="can't be read").items():
        with pytest.raises(InputError, match=why): read_image(tmp_path/f'{f}.npy', 16, channels=5)
    with pytest.raises(InputError, match='between 1 and 16'): read_image(tmp_path/'small.npy', 16, channels=17)

@pytest.mark.parametrize('dtype,top,low,high', [(np.uint8, 200, 0, 200), (bool, 1, 0, 255), (np.float32, .5, 0, 128)])
def test_arrays_of_other_types(dtype, top, low, high, tmp_path):
    a = np.zeros((16, 16, 2), dtype)
    a[:8] = top
    np.save(tmp_path/'a.npy', a)
    b = read_image(tmp_path/'a.npy', 16, channels=2)
    assert (b.min(), b.max())==(low, high)

# --- masks

def test_masks_are_cut_like_their_images_and_never_blended(tmp_path):
    rng = np.random.default_rng(0)
    blocks = rng.choice([0, 3, 255], (6, 9)).astype(np.uint8).repeat(10, 0).repeat(10, 1) # 60×90
    for mode in ('L', 'P', 'RGB'): (Image.fromarray(blocks).convert(mode) if mode!='P' else Image.fromarray(blocks, 'L')).save(tmp_path/f'{mode}.png')
    np.save(tmp_path/'array.npy', blocks)
    for f in ('L.png', 'P.png', 'RGB.png', 'array.npy'):
        cut,all = (read_mask(tmp_path/f, 30, m, of=(90, 60)) for m in ('crop', 'squish'))
        assert np.array_equal(cut, blocks[1::2, 15:75][:, 1::2]) and set(np.unique(all))<={0, 3, 255}

def test_files_that_are_no_masks(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path/'color.png'), Image.fromarray(noise[..., 0].astype(np.uint16)*200).save(tmp_path/'deep.png'), np.save(tmp_path/'float.npy', noise[..., 0]/255)
    for f in ('color.png', 'deep.png', 'float.npy'):
        with pytest.raises(InputError, match='one whole number from 0 to 255'): read_mask(tmp_path/f)
    with pytest.raises(InputError, match='no such file'): read_mask(tmp_path/'none.png')

def test_the_first_bad_mask_is_named(tmp_path):
    for i in range(3): Image.new('L', (20, 20 if i!=1 else 21)).save(tmp_path/f'{i}.png'), Image.new('RGB', (20, 20)).save(tmp_path/f'{i}.jpg')
    with pytest.raises(InputError, match='1.png.*20×21 pixels, and its image has 20×20'): read_masks([tmp_path/f'{i}.png' for i in range(3)], [tmp_path/f'{i}.jpg' for i in range(3)], 16, progress=False)
