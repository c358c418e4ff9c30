"What a notebook cell can't check well of `explore`: the page in a browser, folders as people have them, and what is refused."
import json,os,re,sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from helpers import save_images,small_encoder,some_images
from ssl_course.cli import main
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.explore import _page_data,explore_folder,explore_images,least_sure,map_points,probe_guesses,write_exploration
from ssl_course.heads import Classify,Regress
from ssl_course.model import TransferModel
from ssl_course.utils import InputError

@pytest.fixture(scope='module')
def explored(tmp_path_factory):
    "100 postcards and three darker copies, and their page"
    s = Postcards(size=32, seed=1).images(100)
    dark = ImageSet((s.x[:3]*.9).astype(np.uint8), s.y[:3], s.vocab, [f'dark <{i}>' for i in range(3)])
    e = explore_images(s+dark, small_encoder(), general=False)
    path = tmp_path_factory.mktemp('explore')/'explore.html'
    write_exploration(path, e, 'Cards & <more>')
    return e,path

def opened(browser, path, width=1280, dark=False, script=True):
    page = browser.new_context(java_script_enabled=script, viewport=dict(width=width, height=900), color_scheme='dark' if dark else 'light').new_page()
    page.bad = []
    page.on('pageerror', lambda e: page.bad.append(str(e)))
    page.on('console', lambda m: page.bad.append(m.text) if m.type=='error' else None)
    page.on('request', lambda r: None if r.url.startswith(('data:', 'file:')) else page.bad.append(r.url))
    page.goto(path.as_uri())
    if script: page.wait_for_selector('html[data-ready]')
    return page

def place(page, e, i):
    "Where image `i` is on the canvas, in pixels"
    box = page.locator('.map canvas').bounding_box()
    fit = min(box['width'], box['height'])-60
    return {k: float(e.points[i][d]-.5)*fit+box[s]/2 for d,(k,s) in enumerate((('x', 'width'), ('y', 'height')))}

@pytest.mark.parametrize('width,dark', [(390, False), (390, True), (1280, False), (1280, True)])
def test_click_shows_neighbors(browser, explored, width, dark):
    e,path = explored
    page = opened(browser, path, width, dark)
    canvas = page.locator('.map canvas')
    i = int(e.picks['typical'][0]) # its thumbnail is drawn: what is marked comes first
    canvas.click(position=place(page, e, i))
    chosen = page.locator('.chosen [data-image]')
    assert [int(b.get_attribute('data-image')) for b in chosen.all()]==e.neighbors[i].tolist()
    assert f'postcards[{i}]' in page.locator('.said').inner_text() and 'looks like' in page.locator('.said').inner_text()
    chosen.nth(2).click()
    assert [int(b.get_attribute('data-image')) for b in chosen.all()]==e.neighbors[e.neighbors[i][2]].tolist()
    assert page.evaluate('document.scrollingElement.scrollWidth')<=width
    assert all(b['height']>=44 for b in (l.bounding_box() for l in page.locator('.tools button, select').all()))
    ground = page.evaluate("getComputedStyle(document.documentElement).colorScheme+matchMedia('(prefers-color-scheme: dark)').matches")
    assert ground=='light dark'+str(dark).lower() and page.bad==[]
    page.context.close()

def drawn(page): return page.evaluate("document.querySelector('.map canvas').toDataURL()")

def becomes(page, holds):
    "Does it hold for what is drawn, within some seconds? A busy machine draws late"
    for _ in range(100):
        if holds(drawn(page)): return True
        page.wait_for_timeout(50)
    return False

def test_by_keyboard(browser, explored):
    e,path = explored
    page = opened(browser, path)
    page.keyboard.press('Tab') # the map comes first
    assert page.evaluate('document.activeElement.tagName')=='CANVAS'
    page.keyboard.press('ArrowRight')
    first = page.locator('.said').inner_text()
    page.keyboard.press('ArrowRight')
    assert page.locator('.said').inner_text()!=first and page.locator('.chosen [data-image]').count()==12
    page.wait_for_timeout(500) # everything has been drawn
    before = drawn(page)
    page.keyboard.press('+')
    assert becomes(page, lambda d: d!=before)
    page.keyboard.press('0')
    assert becomes(page, lambda d: d==before) and page.bad==[]
    page.context.close()

def test_drag_and_wheel_move_and_choose_nothing(browser, explored):
    e,path = explored
    page = opened(browser, path)
    page.wait_for_timeout(50)
    seen = [drawn(page)]
    box = page.locator('.map canvas').bounding_box()
    page.mouse.move(box['x']+300, box['y']+300), page.mouse.down(), page.mouse.move(box['x']+380, box['y']+340, steps=3), page.mouse.up()
    page.wait_for_timeout(50)
    seen.append(drawn(page))
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(50)
    assert len({*seen, drawn(page)})==3 and page.locator('.chosen [data-image]').count()==0 and page.bad==[]
    page.context.close()

def test_lists(browser, explored):
    "What to label first in order, and the copies as groups"
    e,path = explored
    page = opened(browser, path)
    choice,ids = page.locator('select'),lambda: [int(b.get_attribute('data-image')) for b in page.locator('.list [data-image]').all()]
    assert ids()==e.picks['typical'].tolist() and page.locator('.list ol').count()==1
    choice.select_option('2')
    assert ids()==e.picks['unsure'].tolist() and 'linear probe' in page.locator('.about').inner_text()
    choice.select_option('3')
    groups = [[int(b.get_attribute('data-image')) for b in ul.locator('[data-image]').all()] for ul in page.locator('.list ul').all()]
    assert groups==[g.tolist() for g in e.twins] and all(any({i, 100+i}<=set(g) for g in groups) for i in range(3)) and page.bad==[]
    page.context.close()

def test_can_be_read_aloud(browser, explored):
    from axe_playwright_python.sync_playwright import Axe
    page = opened(browser, explored[1], 390)
    found = Axe().run(page).response['violations']
    assert [(v['id'], v['nodes'][0]['html'][:80]) for v in found if v['impact'] in ('serious', 'critical')]==[]
    page.context.close()

def test_without_scripts_there_is_a_picture(browser, explored):
    page = opened(browser, explored[1], 390, script=False)
    still = page.locator('noscript img')
    assert still.is_visible() and still.bounding_box()['width']<=390 and 'Map of 103 images' in still.get_attribute('alt')
    assert page.locator('noscript li').count()==60 and not page.locator('canvas').is_visible() and 'Cards & <more>' in page.locator('h1').inner_text()
    page.context.close()

# --- what is on it ---

def test_page_is_self_contained(explored):
    text = explored[1].read_text(encoding='utf-8')
    assert not re.search(r'https?://|@import|url\(|\beval\b', text) and text.count('</script>')==2 and len(text)<400_000
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    assert data['names'][-1]=='dark <2>' and len(data['sheets'])==1 and data['side']==32

def test_sheets_hold_every_thumbnail():
    "More than a sheet: each image at its place"
    import base64,io
    x = np.broadcast_to((np.arange(1100)%250)[:, None, None, None], (1100, 8, 8, 3)).astype(np.uint8)
    e = explore_images(some_images(20, 0), small_encoder())
    e.images,e.points,e.neighbors = ImageSet(x),np.zeros((1100, 2)),np.zeros((1100, 1), int)
    d = _page_data(e)
    sheets = [np.asarray(Image.open(io.BytesIO(base64.b64decode(s.split(',')[1])))) for s in d['sheets']]
    assert len(sheets)==2
    for i in (0, 31, 32, 1023, 1024, 1099):
        at,side = i%d['per'],d['side']
        r,c = at//d['columns']*side,at%d['columns']*side
        assert abs(int(sheets[i//d['per']][r+4, c+4, 0])-i%250)<12

def test_unsure_is_between_the_classes():
    rng = np.random.default_rng(0)
    z = np.r_[rng.normal(-3, .3, (40, 2)), rng.normal(3, .3, (40, 2)), [[0, .1]]] @ rng.normal(size=(2, 8))
    y = np.r_[np.zeros(40, int), np.ones(41, int)]
    assert least_sure(probe_guesses(z, y, 2), 1)[0]==80

def test_rare_classes_are_judged_too():
    z = np.random.default_rng(0).normal(size=(30, 4))
    p = probe_guesses(z, np.r_[np.zeros(14, int), np.ones(15, int), 2], 4)
    assert p.shape==(30, 4) and np.allclose(p.sum(1), 1)
    assert probe_guesses(z[:3], np.array([0, 1, 2]), 3) is None

def test_same_seed_same_map():
    s = some_images(40)
    a,b = (explore_images(s, small_encoder_of(0), seed=s_) for s_ in (1, 1))
    assert np.array_equal(a.points, b.points) and all(np.array_equal(a.picks[k], b.picks[k]) for k in a.picks)

def small_encoder_of(seed):
    from ssl_course.compute import seeded
    with seeded(seed): return small_encoder()

def test_equal_images_only():
    e = explore_images(ImageSet(np.zeros((8, 8, 8, 3), np.uint8)), small_encoder())
    assert np.isfinite(e.points).all() and [g.tolist() for g in e.twins]==[list(range(8))]

# --- folders and the command ---

@pytest.fixture
def here(monkeypatch, tmp_path):
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    monkeypatch.chdir(tmp_path)
    small_encoder().save('e.safetensors')
    save_images(some_images(40, 3, size=16), tmp_path/'photos')
    return tmp_path

def refused(capsys, *args):
    with pytest.raises(SystemExit) as e: main(['explore', *map(str, args)])
    assert e.value.code==2
    return capsys.readouterr().err

def test_command(here, capsys):
    main('explore photos --encoder e.safetensors --size 16'.split())
    assert 'Wrote explore.html' in capsys.readouterr().out
    data = json.loads(re.search(r'id="data">(.*?)</script>', (here/'explore.html').read_text(encoding='utf-8'), re.S)[1])
    assert data['vocab']==['a', 'b', 'c'] and len(data['lists'])==4 and data['names'][0].startswith('a/')
    assert sorted(f.name for f in here.iterdir())==['e.safetensors', 'explore.html', 'home', 'photos']
    assert 'exists already' in refused(capsys, 'photos') and 'must end in .html' in refused(capsys, 'photos', '--out', 'x.htm')

def test_folders_as_people_have_them(here, capsys):
    "Images beside folders, and a folder of parts: no classes, and it says so"
    save_images(some_images(6, 0, size=16, seed=5), here/'photos', flat=True)
    e = explore_folder('photos', 'e.safetensors', size=16)
    assert len(e.images)==46 and e.images.y is None and 'unsure' not in e.picks and 'without classes' in capsys.readouterr().out

def test_a_model_says_what_it_is_unsure_of(here):
    "At its own size, and only if it predicts classes"
    TransferModel(Encoder.load('e.safetensors'), Classify(['x', 'y'])).save('m.safetensors', size=24)
    e = explore_folder('photos', 'e.safetensors', 'm.safetensors', size=16)
    assert e.prob.shape==(40, 2) and e.vocab==('x', 'y') and 'm.safetensors' in e.by and e.images.vocab==('a', 'b', 'c')
    TransferModel(Encoder.load('e.safetensors'), Regress(['v'])).save('r.safetensors', size=16)
    with pytest.raises(InputError, match="kind 'regression'"): explore_folder('photos', 'e.safetensors', 'r.safetensors', size=16)

def test_refused_before_any_work(here, capsys, monkeypatch):
    monkeypatch.setattr('ssl_course.explore._MOST', 39)
    assert 'photos has 40 images' in refused(capsys, 'photos')
    assert 'does not exist' in refused(capsys, 'nowhere') and 'x' in refused(capsys, 'photos', '--out', 'e.safetensors/x.html')
    if find_spec('umap') is None: assert 'ssl_course[umap]' in refused(capsys, 'nowhere', '--how', 'umap')
    assert not (here/'home').exists() or not any((here/'home').rglob('*.u8'))

def test_umap(monkeypatch):
    "Of the package itself only what it is asked for is known: it is too large for the tests"
    asked = {}
    class UMAP:
        def __init__(self, **kwargs): asked.update(kwargs)
        def fit_transform(self, z): return z[:,:2]*3-1
    monkeypatch.setitem(sys.modules, 'umap', SimpleNamespace(UMAP=UMAP))
    p = map_points(np.random.default_rng(0).normal(size=(30, 8)), 'umap', seed=5)
    assert p.shape==(30, 2) and p.min()==0 and p.max()==1 and asked==dict(n_neighbors=15, random_state=5, n_jobs=1)
    monkeypatch.setitem(sys.modules, 'umap', None)
    with pytest.raises(InputError, match='ssl_course\\[umap\\]'): map_points(np.zeros((30, 2)), 'umap')

def test_interrupted_it_leaves_nothing(here, monkeypatch, capsys):
    def stop(*_): raise KeyboardInterrupt
    monkeypatch.setattr('ssl_course.explore.map_points', stop)
    with pytest.raises(SystemExit) as e: main('explore photos --encoder e.safetensors --size 16'.split())
    assert e.value.code==130 and sorted(f.name for f in here.iterdir())==['e.safetensors', 'home', 'photos']
