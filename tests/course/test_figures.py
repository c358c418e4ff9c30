"What a notebook cell can't check of `figures`: how the pipeline looks in a browser."
import pytest

from helpers import python
from ssl_course.course.figures import Rendered,STATIONS,pipeline
from ssl_course.utils import InputError

LOOK = '''() => { const w = document.scrollingElement.scrollWidth, lis = [...document.querySelectorAll('.pipeline li')];
  const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] };
  const lit = document.querySelector('.lit'), s = getComputedStyle(lit.querySelector('b'));
  return {width: w, boxes: lis.map(box), fits: lis.every(li => [...li.querySelectorAll('b, small')].every(e => e.getBoundingClientRect().left >= li.getBoundingClientRect().left && e.getBoundingClientRect().right <= li.getBoundingClientRect().right)),
    sizes: [...document.querySelectorAll('.pipeline b, .pipeline small, .pipeline i')].map(e => parseFloat(getComputedStyle(e).fontSize)),
    fore: s.color, back: getComputedStyle(lit).backgroundColor, plain: getComputedStyle(document.querySelector('li:not(.lit) b')).color} }'''

@pytest.mark.parametrize('slim', [True, False])
@pytest.mark.parametrize('width', [390, 760])
@pytest.mark.parametrize('color', ['#222222', '#dddddd'])
def test_pipeline_in_a_browser(browser, slim, width, color):
    page = browser.new_page(viewport=dict(width=width, height=800))
    back = '#111' if color=='#dddddd' else '#fff'
    page.set_content(f'<meta name=viewport content="width=device-width"><body style="color:{color};background:{back};font-family:sans-serif">{pipeline("transfer", slim=slim).html}')
    see = page.evaluate(LOOK)
    page.close()
    assert see['width']<=width and see['fits'], 'it must not be wider than the screen, nor a text wider than its station'
    assert min(see['sizes'])>=12, 'too small to read'
    assert see['fore']=='rgb(255, 255, 255)' and see['back']=='rgb(0, 114, 178)'
    assert see['plain']==('rgb(34, 34, 34)' if color=='#222222' else 'rgb(221, 221, 221)'), 'it takes the colour of the page'
    rows = len({round(b[1]) for b in see['boxes']})
    assert rows==(7 if width==390 and not slim else 1 if not slim else rows)
    for i,a in enumerate(see['boxes']):
        for b in see['boxes'][i+1:]: assert a[2]<=b[0] or b[2]<=a[0] or a[3]<=b[1] or b[3]<=a[1], 'stations overlap'

def test_pipeline_says_where_we_are():
    "In words too, for those who read no drawing; several stations may be lit"
    strip = pipeline(['transfer', 'new head'])
    assert strip.text.count('[')==2 and '[transfer] → [new head]' in strip.text and strip.html.count('aria-current')==2 and 'Here: transfer, new head.' in strip.html
    assert all(s in strip.html for s in STATIONS) and '\n\n' not in strip.html and '<script' not in strip.html
    with pytest.raises(InputError, match='no station `nowhere`'): pipeline('nowhere')

def test_results_show_as_html_and_as_text(monkeypatch, capsys):
    import IPython.display,sys
    shown = []
    monkeypatch.setattr(IPython.display, 'display', shown.append)
    r = Rendered('<b>yes</b>', 'yes')
    r.show()
    assert shown==[r] and r._repr_mimebundle_()=={'text/html': '<b>yes</b>', 'text/plain': 'yes'} and repr(r)=='yes'
    monkeypatch.setitem(sys.modules, 'IPython.display', None) # as where it isn't installed
    r.show()
    assert capsys.readouterr().out.strip()=='yes' and len(shown)==1

def test_plain_installation_is_enough():
    "Without Jupyter the strip is a line of text; neither IPython nor torch is imported"
    r = python("import sys; sys.modules['IPython'] = None; from ssl_course.course.figures import Rendered,pipeline; print(pipeline()); Rendered('', 'said').show(); print('torch' in sys.modules)")
    out = r.stdout.splitlines()
    assert out[0].startswith('unlabelled images → pretext task') and out[1:]==['said', 'False'], r.stderr
