"The figure with knobs in a browser: what it shows, by keyboard, on a telephone, in the dark, without scripts."
import base64,re

import numpy as np
import pytest

from ssl_course.course import widgets
from ssl_course.utils import InputError

def series(n=9, k=5, label='contrast with a margin', peak=3.):
    "Surfaces that get higher by a known amount"
    t = np.linspace(-1.5, 1.5, n)
    ring = abs(np.sqrt(t[:,None]**2+t[None]**2)-1)
    return dict(label=label, knob='margin m', values=[.5*i for i in range(k)], surfaces=[ring/ring.max()*peak*(i+1)/k for i in range(k)],
                walls=[.1*(i+1) for i in range(k)], leak=[.5/(i+1) for i in range(k)], note='A note & more <here>.')

def test_bytes_keep_the_surface():
    s = series(61)['surfaces'][2]
    b,top = widgets._bytes(s)
    back = (np.frombuffer(base64.b64decode(b), np.uint8).reshape(s.shape)/255.)**2*top
    assert abs(back-s).max()<top/100 and abs(back[s<top/100]-s[s<top/100]).max()<top/1000

def test_wrong_series_are_refused():
    bad = series(); bad['walls'] = bad['walls'][:-1]
    with pytest.raises(InputError, match='one of each'): widgets.energy_explorer([bad])

def test_explorer_is_small_and_loads_nothing():
    shown = widgets.energy_explorer([series(31, 7, f'series {i}') for i in range(4)])
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

def mean_color(page, i=0):
    return page.evaluate('''i => { const c = document.querySelectorAll('.energy-explorer canvas')[i], d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      let s = 0; for (let k = 0; k < d.length; k += 4) s += d[k]+d[k+1]; return s/(d.length/2) }''', i)

def test_knobs_move_by_keyboard(browser):
    page = opened(browser, widgets.energy_explorer([series(), series(label='other', peak=1.)]).html)
    assert page.bad==[] and not page.locator('.still').is_visible()
    said,knob = page.locator('.energy-explorer p[aria-live]'),page.locator('input[type=range]').first
    page.keyboard.press('Tab') # the chooser, the colours, the knob
    assert page.evaluate('document.activeElement.tagName')=='SELECT'
    page.keyboard.press('Tab'), page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.type')=='range' and 'margin m 1: walls of 0.30; 17 %' in said.inner_text()
    before = mean_color(page)
    page.keyboard.press('ArrowRight')
    assert 'margin m 1.5: walls of 0.40' in said.inner_text() and mean_color(page)>before+5
    page.keyboard.press('Home')
    assert 'margin m 0: walls of 0.10' in said.inner_text() and knob.get_attribute('aria-valuetext')=='margin m 0' and mean_color(page)<before-5
    low = mean_color(page)
    page.locator('input[type=checkbox]').check()
    assert mean_color(page)>low+20, 'stretched colours show even a low surface'
    page.locator('select').select_option('1')
    assert 'margin m 1: walls' in said.inner_text() and page.bad==[]
    assert 'A note & more <here>.' in page.locator('.energy-explorer').inner_text()
    page.context.close()

def test_curve_is_the_surface_at_x(browser):
    "The plotted energies at y for the chosen x are those of the array, to a pixel"
    q = series(31, 1)
    page = opened(browser, widgets.energy_explorer([q]).html)
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
    page = opened(browser, widgets.energy_explorer([{**q, 'surfaces': [e]}]).html)
    d = page.evaluate('''() => { const c = document.querySelector('canvas').getContext('2d'); return [[0,0],[14,0],[0,14],[14,14]].map(p => c.getImageData(...p, 1, 1).data[0]) }''')
    assert d[0]>200 and max(d[1:])<50
    page.context.close()

@pytest.mark.parametrize('width', [320, 390, 900])
@pytest.mark.parametrize('dark', [False, True])
def test_fits_and_can_be_read(browser, width, dark):
    page = opened(browser, widgets.energy_explorer([series(31)]).html, width, dark)
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
    html = widgets.energy_explorer([series()]).html
    page = opened(browser, html+html)
    assert page.locator('.energy-explorer.live').count()==2 and page.bad==[]
    second = mean_color(page, 1)
    page.locator('input[type=range]').first.focus(), page.keyboard.press('End')
    assert mean_color(page, 0)>second+20 and mean_color(page, 1)==second
    page.context.close()

def test_as_jupyter_puts_it_in(browser):
    "JupyterLab sets innerHTML, in which scripts don't run, and then replaces each script by a copy that does"
    page = opened(browser, '<div id=host></div>')
    page.evaluate('''html => { const host = document.getElementById('host'); host.innerHTML = html;
      for (const old of host.querySelectorAll('script')) { const s = document.createElement('script'); s.textContent = old.textContent; old.parentNode.replaceChild(s, old) } }''',
      widgets.energy_explorer([series()]).html)
    assert page.locator('.energy-explorer.live canvas').count()==1 and page.bad==[]
    page.context.close()

@pytest.mark.parametrize('how', [dict(script=False), dict(csp='<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">')])
def test_without_scripts_there_is_a_picture(browser, how):
    page = opened(browser, widgets.energy_explorer([series(31)]).html, 390, **how)
    still = page.locator('.still img')
    assert still.is_visible() and still.bounding_box()['width']<=390 and 'margin m 1: walls 0.3' in still.get_attribute('alt')
    assert page.locator('select').count()==0 and page.bad==[]
    page.context.close()

# --- bars under switches ---

def switched(**kwargs):
    "Two switches, three moments, two shared and three private numbers; the second switch needs the first"
    runs = {k: np.outer([1, .5, e], [1, 1, 2, 2, 2]) for k,e in (((True, True), .25), ((True, False), .1), ((False, False), 0.))}
    return widgets.switch_explorer(['stop', 'slow'], runs, [0, 10, 20], [('shared', 2), ('private', 3)], **dict(off='slow', needs=[(1, 0)]) | kwargs)

def test_switches_say_what_is_left(browser):
    page = opened(browser, switched().html)
    said,boxes,knob = page.locator('.switch-explorer p[aria-live]'),page.locator('input[type=checkbox]'),page.locator('input[type=range]')
    assert page.bad==[] and not page.locator('.still').is_visible()
    assert [b.is_checked() for b in boxes.all()]==[True, False] and said.inner_text()=='Squared weights: 0.80 in all, 25 % of it on the shared ones.'
    knob.focus(), page.keyboard.press('Home')
    assert said.inner_text().startswith('Squared weights: 8.') and knob.get_attribute('aria-valuetext')=='after step 0'
    boxes.nth(1).check()
    assert page.wait_for_function("document.querySelector('input[type=range]').value=='2'") and said.inner_text().startswith('Squared weights: 2.0')
    boxes.nth(0).uncheck() # what needs it goes with it
    assert [b.is_checked() for b in boxes.all()]==[False, False]
    page.wait_for_function("document.querySelector('input[type=range]').value=='2'")
    assert said.inner_text()=='Squared weights: 0.00 in all: everything has collapsed.'
    boxes.nth(1).check()
    assert [b.is_checked() for b in boxes.all()]==[True, True] and page.bad==[]
    page.context.close()

def test_bars_are_the_numbers(browser):
    page = opened(browser, switched().html)
    heights = page.evaluate("[...document.querySelectorAll('.switch-explorer rect')].map(r => r.getAttribute('height')/196)")
    assert np.allclose(heights, np.array([.1, .1, .2, .2, .2])/2, atol=.01)
    page.context.close()

@pytest.mark.parametrize('width', [320, 390, 900])
@pytest.mark.parametrize('dark', [False, True])
def test_switches_fit(browser, width, dark):
    page = opened(browser, switched().html, width, dark)
    assert page.evaluate('document.scrollingElement.scrollWidth')<=width
    assert all(b['height']>=24 for b in (l.bounding_box() for l in page.locator('.switch-explorer label').all())), 'too small for a finger'
    page.context.close()

def test_switches_without_scripts_and_two_on_a_page(browser):
    html = switched().html
    page = opened(browser, html, 390, script=False)
    assert page.locator('.still table').is_visible() and 'stop, slow' in page.locator('.still').inner_text()
    page.context.close()
    page = opened(browser, html+html)
    assert page.locator('.switch-explorer.live svg').count()==2 and page.bad==[]
    page.context.close()

def test_switches_of_the_wrong_size_are_refused():
    with pytest.raises(InputError, match='it needs'): switched(off='', needs=()).html and widgets.switch_explorer(['a'], {(True,): [[1]]}, [0, 1], [('x', 1), ('y', 0)])
