"What a notebook cell can't check well of `energy`: the losses against NumPy and finite differences, and the figure with knobs in a browser."
import base64,re

import numpy as np,pytest,torch
from torch.nn import functional as F

from ssl_course import energy as en,explorer
from ssl_course.settings import CourseError


# --- the losses, worked out a second time ---

@pytest.fixture
def pairs():
    rng = np.random.default_rng(3)
    return rng.standard_normal((7, 4)),rng.standard_normal((7, 4))

def unit(z): return z/np.linalg.norm(z, axis=1, keepdims=True)
def tensors(*arrays): return [torch.tensor(a, dtype=torch.float64) for a in arrays]

def margin_by_hand(a, b, margin):
    n = len(a)
    d = [[np.sqrt(sum((p-q)**2 for p,q in zip(a[i], b[j]))) for j in range(n)] for i in range(n)]
    near = sum(d[i][i]**2 for i in range(n))/n
    far = sum(max(0, margin-d[i][j])**2 for i in range(n) for j in range(n) if i!=j)/(n*(n-1))
    return near+far

def nce_by_hand(a, b, temp):
    e = ((a[:,None]-b[None])**2).sum(2) # the formula of the lesson, with energies; the library takes cosines
    p = np.exp(-e/(2*temp))
    own = np.diag(p)
    return -(np.log(own/p.sum(1)).mean()+np.log(own/p.sum(0)).mean())/2

def vicreg_by_hand(a, b, std, cov, sim):
    n,d = a.shape
    total = sim*((a-b)**2).mean() # as the authors' code: mean over all entries
    for z in (a, b):
        z = z-z.mean(0)
        c = z.T@z/(n-1)
        total += std*np.maximum(0, 1-np.sqrt(np.diag(c)+1e-4)).mean()/2 + cov*((c**2).sum()-(np.diag(c)**2).sum())/d
    return total

@pytest.mark.parametrize('margin', [.3, 1., 2.5])
def test_margin_loss(pairs, margin): assert float(en.margin_loss(*tensors(*pairs), margin))==pytest.approx(margin_by_hand(*pairs, margin), rel=1e-6)

@pytest.mark.parametrize('temp', [.05, .5, 3.])
def test_info_nce_is_a_softmax_of_energies(pairs, temp):
    a,b = map(unit, pairs)
    assert float(en.info_nce(*tensors(a, b), temp))==pytest.approx(nce_by_hand(a, b, temp), rel=1e-9)

@pytest.mark.parametrize('weights', [(25., 1., 25.), (0., 0., 1.), (3., 0., 0.), (0., 2., 0.)])
def test_vicreg_is_that_of_the_paper_in_another_scale(pairs, weights):
    a,b = (.4*z for z in pairs) # small enough for the hinge to be at work
    scaled = tensors(a/2, b/2) # √4 dimensions
    assert float(en.vicreg_small(*scaled, *weights))==pytest.approx(vicreg_by_hand(a, b, *weights), rel=1e-9, abs=1e-12)

@pytest.mark.parametrize('loss', [en.pull_down, en.margin_loss, en.info_nce, en.vicreg_small])
def test_gradients(pairs, loss):
    a,b = (z.requires_grad_() for z in tensors(*map(unit, pairs)))
    assert torch.autograd.gradcheck(loss, (a, b), atol=1e-5)

@pytest.mark.parametrize('loss', [en.pull_down, en.margin_loss, en.info_nce, en.vicreg_small])
def test_order_of_the_batch_and_of_the_sides_is_nothing(pairs, loss):
    a,b = tensors(*map(unit, pairs))
    i = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    assert float(loss(a[i], b[i]))==pytest.approx(float(loss(a, b))) and float(loss(b, a))==pytest.approx(float(loss(a, b)))

def test_only_pulling_likes_it_flat(pairs):
    "The point of the lesson: by each loss but one, a collapsed batch is worse than embeddings in four corners"
    flat,corners = torch.ones(4, 3)/3**.5,torch.tensor([[1., 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])/3**.5
    assert en.pull_down(flat, flat)==en.pull_down(corners, corners)==0
    for loss in (en.margin_loss, en.info_nce, en.vicreg_small): assert loss(flat, flat)>loss(corners, corners)+.2

# --- surfaces ---

def test_surface_has_y_upwards_and_x_to_the_right():
    s = en.surface(lambda x, y: (10*y+x)[:,0], n=5, width=2)
    assert s[0,0]==-22 and s[-1,0]==18 and s[0,-1]==-18

def test_leak_of_energies_that_are_known():
    ring = lambda x, y: ((x**2+y**2)[:,0].sqrt()-1).abs()
    assert en.walls_and_leak(ring)[1]==0
    assert en.walls_and_leak(lambda x, y: 1e-6*ring(x, y))[1]==0 and en.walls_and_leak(lambda x, y: 1e-6*ring(x, y))[0]<1e-6, 'the leak knows the order only, the walls the scale'
    assert en.walls_and_leak(lambda x, y: 1-ring(x, y))[1]>.9, 'upside down'

def test_training_can_be_repeated_and_leaves_random_numbers_alone():
    torch.manual_seed(5); want = torch.rand(3)
    torch.manual_seed(5); a,_ = en.learn_energy(en.info_nce, 4, seed=1)
    assert torch.equal(torch.rand(3), want)
    b,_ = en.learn_energy(en.info_nce, 4, seed=1)
    c,_ = en.learn_energy(en.info_nce, 4, seed=2)
    same = lambda m, n: all(torch.equal(p, q) for p,q in zip(m.parameters(), n.parameters()))
    assert same(a, b) and not same(a, c)

def test_off_the_sphere_unrelated_embeddings_have_energy_two():
    m = en.JointEmbedding(dim=400, sphere=False)
    m.f = m.g = torch.nn.Identity()
    g = torch.Generator().manual_seed(0)
    assert m.energy(*torch.randn(2, 50, 400, generator=g)).mean().item()==pytest.approx(2, abs=.05)

# --- the figure with knobs ---

def series(n=9, k=5, label='contrast with a margin', peak=3.):
    "Surfaces that get higher by a known amount"
    t = np.linspace(-1.5, 1.5, n)
    ring = abs(np.sqrt(t[:,None]**2+t[None]**2)-1)
    return dict(label=label, knob='margin m', values=[.5*i for i in range(k)], surfaces=[ring/ring.max()*peak*(i+1)/k for i in range(k)],
                walls=[.1*(i+1) for i in range(k)], leak=[.5/(i+1) for i in range(k)], note='A note & more <here>.')

def test_bytes_keep_the_surface():
    s = series(61)['surfaces'][2]
    b,top = explorer._bytes(s)
    back = (np.frombuffer(base64.b64decode(b), np.uint8).reshape(s.shape)/255.)**2*top
    assert abs(back-s).max()<top/100 and abs(back[s<top/100]-s[s<top/100]).max()<top/1000

def test_wrong_series_are_refused():
    bad = series(); bad['walls'] = bad['walls'][:-1]
    with pytest.raises(CourseError, match='one of each'): explorer.energy_explorer([bad])

def test_explorer_is_small_and_loads_nothing():
    shown = explorer.energy_explorer([series(31, 7, f'series {i}') for i in range(4)])
    assert len(shown.html)<110_000
    assert not re.search(r'https?://(?!www\.w3\.org/2000/svg)|\bid=|@import|\beval\b|\bon\w+="', shown.html) and '\n\n' not in shown.html
    assert shown.html.count('</script>')==1 and 'series 3: margin m 0: walls 0.1, leak 50.0%' in shown.text

PAGE = '<!doctype html><meta charset=utf-8><meta name=viewport content="width=device-width">%s<body style="margin:12px;color:%s;background:%s;font:16px sans-serif">%s'

def opened(browser, html, width=900, dark=False, script=True, csp=''):
    page = browser.new_context(java_script_enabled=script, viewport=dict(width=width, height=900)).new_page()
    page.bad = []
    page.on('pageerror', lambda e: page.bad.append(str(e)))
    page.on('request', lambda r: None if r.url.startswith(('data:', 'about:')) else page.bad.append(r.url))
    page.set_content(PAGE % ((csp,)+(('#ddd', '#111') if dark else ('#222', '#fff'))+(html,)))
    return page

def mean_colour(page, i=0):
    return page.evaluate('''i => { const c = document.querySelectorAll('.energy-explorer canvas')[i], d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      let s = 0; for (let k = 0; k < d.length; k += 4) s += d[k]+d[k+1]; return s/(d.length/2) }''', i)

def test_knobs_move_by_keyboard(browser):
    page = opened(browser, explorer.energy_explorer([series(), series(label='other', peak=1.)]).html)
    assert page.bad==[] and not page.locator('.still').is_visible()
    said,knob = page.locator('.energy-explorer p[aria-live]'),page.locator('input[type=range]').first
    page.keyboard.press('Tab') # the chooser, the colours, the knob
    assert page.evaluate('document.activeElement.tagName')=='SELECT'
    page.keyboard.press('Tab'), page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.type')=='range' and 'margin m 1: walls of 0.30; 17 %' in said.inner_text()
    before = mean_colour(page)
    page.keyboard.press('ArrowRight')
    assert 'margin m 1.5: walls of 0.40' in said.inner_text() and mean_colour(page)>before+5
    page.keyboard.press('Home')
    assert 'margin m 0: walls of 0.10' in said.inner_text() and knob.get_attribute('aria-valuetext')=='margin m 0' and mean_colour(page)<before-5
    low = mean_colour(page)
    page.locator('input[type=checkbox]').check()
    assert mean_colour(page)>low+20, 'stretched colours show even a low surface'
    page.locator('select').select_option('1')
    assert 'margin m 1: walls' in said.inner_text() and page.bad==[]
    assert 'A note & more <here>.' in page.locator('.energy-explorer').inner_text()
    page.context.close()

def test_curve_is_the_surface_at_x(browser):
    "The plotted energies at y for the chosen x are those of the array, to a pixel"
    q = series(31, 1)
    page = opened(browser, explorer.energy_explorer([q]).html)
    cut = page.locator('input[type=range]').nth(1)
    cut.focus()
    for _ in range(10): page.keyboard.press('ArrowRight') # x = 0.5
    points = page.locator('polyline').get_attribute('points')
    got = np.array([[float(v) for v in p.split(',')] for p in points.split()])
    t = np.linspace(-1.5, 1.5, 31)
    want = np.array([np.interp(.5, t, row) for row in q['surfaces'][0]])
    height = 31*8-26-8
    assert got.shape==(121, 2) and abs(got[::4,1]-(8+height*(1-want/4))).max()<1.5 # 4 points between neighbours of the grid
    page.context.close()

def test_map_is_the_right_way_up(browser):
    q = series(15, 1)
    e = np.zeros((15, 15)); e[10:,:5] = 4 # high y, low x: above on the left
    page = opened(browser, explorer.energy_explorer([{**q, 'surfaces': [e]}]).html)
    d = page.evaluate('''() => { const c = document.querySelector('canvas').getContext('2d'); return [[0,0],[14,0],[0,14],[14,14]].map(p => c.getImageData(...p, 1, 1).data[0]) }''')
    assert d[0]>200 and max(d[1:])<50
    page.context.close()

@pytest.mark.parametrize('width', [320, 390, 900])
@pytest.mark.parametrize('dark', [False, True])
def test_fits_and_can_be_read(browser, width, dark):
    page = opened(browser, explorer.energy_explorer([series(31)]).html, width, dark)
    assert page.evaluate('document.scrollingElement.scrollWidth')<=width
    inside = page.evaluate('''() => { const b = document.querySelector('.energy-explorer').getBoundingClientRect();
      return [...document.querySelectorAll('.ui *')].every(e => { const r = e.getBoundingClientRect(); return !r.width || r.left >= b.left-1 && r.right <= b.right+1 }) }''')
    assert inside
    fill = page.evaluate("getComputedStyle(document.querySelector('.energy-explorer svg text')).fill")
    assert fill==('rgb(221, 221, 221)' if dark else 'rgb(34, 34, 34)'), 'it takes the colour of the page'
    sizes = page.evaluate("[...document.querySelectorAll('.ui label, .ui p')].map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert min(sizes)>=12
    assert all(b['height']>=24 for b in (l.bounding_box() for l in page.locator('input[type=range]').all())), 'too small for a finger'
    page.context.close()

def test_two_on_one_page_are_independent(browser):
    html = explorer.energy_explorer([series()]).html
    page = opened(browser, html+html)
    assert page.locator('.energy-explorer.live').count()==2 and page.bad==[]
    second = mean_colour(page, 1)
    page.locator('input[type=range]').first.focus(), page.keyboard.press('End')
    assert mean_colour(page, 0)>second+20 and mean_colour(page, 1)==second
    page.context.close()

def test_as_jupyter_puts_it_in(browser):
    "JupyterLab sets innerHTML, in which scripts don't run, and then replaces each script by a copy that does"
    page = opened(browser, '<div id=host></div>')
    page.evaluate('''html => { const host = document.getElementById('host'); host.innerHTML = html;
      for (const old of host.querySelectorAll('script')) { const s = document.createElement('script'); s.textContent = old.textContent; old.parentNode.replaceChild(s, old) } }''',
      explorer.energy_explorer([series()]).html)
    assert page.locator('.energy-explorer.live canvas').count()==1 and page.bad==[]
    page.context.close()

@pytest.mark.parametrize('how', [dict(script=False), dict(csp='<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">')])
def test_without_scripts_there_is_a_picture(browser, how):
    page = opened(browser, explorer.energy_explorer([series(31)]).html, 390, **how)
    still = page.locator('.still img')
    assert still.is_visible() and still.bounding_box()['width']<=390 and 'margin m 1: walls 0.3' in still.get_attribute('alt')
    assert page.locator('select').count()==0 and page.bad==[]
    page.context.close()
