"The site as readers meet it: in a browser, on a desk and on a telephone, in the light and in the dark."
import importlib,json,os,re,shutil,subprocess,sys,tomllib
from html import unescape
from pathlib import PurePosixPath
from urllib.parse import unquote,urljoin,urlsplit

import pytest,yaml
from playwright.sync_api import expect

from helpers import LESSONS,ROOT

# what is asked of every page, in the browser
LOOK = '''() => { const prose = e => { e = e.cloneNode(true); e.querySelectorAll('code, .katex').forEach(c => c.remove()); return e.textContent };
  return ({
  ids: [...document.querySelectorAll('[id],a[name]')].map(e => e.id || e.name),
  links: [...document.querySelectorAll('a[href],link[href],img[src],script[src]')].map(e => e.getAttribute('href') ?? e.getAttribute('src')),
  flat: [...document.querySelectorAll('.katex svg')].filter(e => e.checkVisibility() && e.getBoundingClientRect().height<4 && e.closest('.sqrt')).length,
  roots: document.querySelectorAll('.katex .sqrt svg').length,
  math: document.querySelectorAll('.katex').length, badmath: [...document.querySelectorAll('.katex-error')].map(e => e.textContent),
  rawmath: [...document.querySelectorAll('main p, main li, main summary')].map(prose).filter(t => t.includes('$$') || t.includes('\\\\(')),
  sources: document.querySelectorAll('pre.mermaid').length, diagrams: [...document.querySelectorAll('pre.mermaid svg')].map(e => e.textContent),
  noalt: [...document.querySelectorAll('main img:not([alt])')].length, title: document.title }) }'''

# what sticks out of the window without a box to scroll it in (smalldocs clips the page, so it would be lost, not scrolled)
CUT = '''() => [...document.querySelectorAll('main *')].filter(e => !e.closest('svg > *, .katex-mathml') && e.getBoundingClientRect().right > innerWidth+1 && e.checkVisibility() && (() => {
  for (let p = e.parentElement; p.tagName!='MAIN'; p = p.parentElement) if (['auto','scroll','hidden'].includes(getComputedStyle(p).overflowX)) return false;
  return true })()).map(e => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0,60)}`).slice(0, 3)'''

def listen(page, base):
    "Note everything that goes wrong on `page`"
    bad = []
    page.on('console', lambda m: bad.append(f'console: {m.text}') if m.type in ('error','warning') else None)
    page.on('pageerror', lambda e: bad.append(f'script: {e}'))
    page.on('requestfailed', lambda r: bad.append(f'failed: {r.url}'))
    page.on('response', lambda r: bad.append(f'{r.status}: {r.url}') if r.status>=400 else None)
    page.on('request', lambda r: None if r.url.startswith((base,'data:','blob:')) else bad.append(f'asks another host: {r.url}'))
    return bad

def too_wide(page, width):
    "What doesn't fit a window of this width"
    page.set_viewport_size(dict(width=width, height=800))
    over = page.evaluate('document.scrollingElement.scrollWidth') - width
    return page.evaluate(CUT) + ([f'the page by {over} pixels'] if over>1 else [])

def visit(page, base, name):
    "Load one page; what was found on it and what went wrong"
    bad = listen(page, base)
    page.goto(base+name, wait_until='load')
    page.wait_for_function("[...document.querySelectorAll('pre.mermaid')].every(e => e.querySelector('svg'))")
    look = page.evaluate(LOOK)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return dict(look, bad=bad, wide={w: too_wide(page, w) for w in (1280, 390)})

@pytest.fixture(scope='session')
def visits(site, base, browser):
    "Every page of the site, visited once: {name: what was found}"
    res,window = {},browser.new_context() # one for all pages: what they share is read once
    for f in sorted(site.rglob('*.html')):
        page = window.new_page()
        name = f.relative_to(site).as_posix()
        res[name] = visit(page, base, name)
        page.close()
    window.close()
    return res

def dead_links(pages, files):
    "Links in `pages` ({name: {'links', 'ids'}}) that lead neither to a page, nor to an anchor on it, nor to one of `files`"
    dead = []
    for name,p in pages.items():
        for href in p['links']:
            url = urlsplit(urljoin(f'http://site/{name}', href))
            if url.netloc!='site' or url.scheme not in ('http','https') or href in ('','#'): continue
            to = unquote(url.path).lstrip('/') or 'index.html'
            if to.endswith('/'): to += 'index.html'
            if to not in files: dead.append(f'{name}: {href}')
            elif url.fragment and to in pages and unquote(url.fragment) not in pages[to]['ids']: dead.append(f'{name}: {href} (no such anchor)')
    return dead

def test_dead_links_are_found():
    pages = {'index.html': dict(ids=['top'], links=['a/b.html#x', 'a/b.html#y', 'a/c.html', 'https://other.org', '#top', '#bottom', 'pic.png']),
             'a/b.html': dict(ids=['x'], links=['../index.html', '../pic.png', 'pic.png'])}
    assert dead_links(pages, {*pages, 'pic.png'}) == [
        'index.html: a/b.html#y (no such anchor)', 'index.html: a/c.html', 'index.html: #bottom (no such anchor)', 'a/b.html: pic.png']

def test_pages_load(visits):
    assert {n: v['bad'] for n,v in visits.items() if v['bad']} == {}

def test_bad_pages_are_noticed(base, browser):
    page = browser.new_page()
    bad = listen(page, base)
    page.route('**/*', lambda r: r.fulfill(status=404) if 'nothing' in r.request.url else
               r.fulfill(body='<script>throw Error("oh")</script><img src="/nothing.png"><img src="http://other.test/nothing.png">', content_type='text/html'))
    page.goto(base+'toy.html')
    page.close()
    assert any('oh' in b for b in bad) and any('404' in b for b in bad) and any('asks another host' in b for b in bad)

def test_no_dead_links(visits, site):
    files = {f.relative_to(site).as_posix() for f in site.rglob('*') if f.is_file()}
    assert dead_links(visits, files) == []

def test_no_link_in_scripts_or_styles_to_other_hosts(site):
    "Nothing is loaded from elsewhere, not even by a page nobody has opened yet"
    loads = re.compile(r'(?:src|srcset)="(?:https?:)?//|<link[^>]+href="(?:https?:)?//|url\(["\']?(?:https?:)?//|@import[^;]*//|\bfrom ["\']https?://')
    own = [f for f in site.rglob('*') if f.suffix in ('.html','.css') and 'vendor' not in f.parts]
    text = lambda f: re.sub(r'<code.*?</code>|<span[^>]*>.*?</span>', '', f.read_text(encoding='utf-8'), flags=re.S)
    assert [f.name for f in own if loads.search(text(f))] == []

def test_page_for_every_notebook(visits, root):
    books = [p.relative_to(root/'nbs') for p in (root/'nbs').rglob('*.ipynb') if not any(q[0] in '._' for q in p.relative_to(root/'nbs').parts)]
    names = {PurePosixPath(p).with_name(re.sub(r'^\d+_', '', p.name)).with_suffix('.html').as_posix() for p in books}
    assert names == set(visits)

def test_every_name_has_an_anchor(visits):
    "Whatever nbdev's index or ours knows can be linked to: on the page of the module, and in the lesson that exports it"
    from ssl_course._modidx import d
    from ssl_course.course.site import NameLinks
    links = [link for module in d['syms'].values() for link,_ in module.values()] + [l.lstrip('/') for l in NameLinks('index').ours.values() if '#' in l]
    dead = [l for l in links if l.split('#')[1] not in visits.get(l.split('#')[0], {'ids': []})['ids']]
    assert len(links)>1000 and dead == []

def test_names_on_the_map_are_links(visits, root):
    "Each module and each name leads to its own page: none is plain text, none leads to a namesake"
    from ssl_course.course.site import NameLinks,api_map
    ours = NameLinks('library/api').ours
    names = re.findall(r'^\| (?:\*\*)?`([\w.]+)`', api_map(), flags=re.M)
    assert len(names)>300 and [n for n in names if n not in ours]==[]
    have = {urljoin('/library/api.html', l) for l in visits['library/api.html']['links']}
    assert [n for n in names if ours[n] not in have]==[]

# --- the tree of pages ---

def test_map_of_the_api_is_up_to_date(root, monkeypatch):
    "The stored table is what the package gives now"
    from ssl_course.course.site import api_map
    monkeypatch.chdir(root)
    cells = json.loads((root/'nbs/library/api.ipynb').read_text(encoding='utf-8'))['cells']
    stored = [''.join(o['data']['text/markdown']) for c in cells for o in c.get('outputs', []) if 'text/markdown' in o.get('data', {})]
    now = api_map()
    changed = sorted(set(now.splitlines()) ^ set(stored[0].splitlines())) if stored else []
    assert stored==[now], '\n'.join(['nbdev-test --save nbs/library/api.ipynb && nbdev-clean --fname nbs/library/api.ipynb', *changed[:20]])

# taught in a lesson of the same name, which is its page: two pages of one name would collide
TAUGHT = {'course.energy': 'lessons/10_energy'}

def test_notebooks_mirror_the_package(root):
    "Each module has the page that `page_of` names, which exports it or, where a lesson does, is its reference; and there are no other pages"
    from ssl_course.course.site import module_files,module_notebook,page_of
    page = lambda f: f.relative_to(root/'nbs').with_suffix('').as_posix()
    want,wrong = {m: TAUGHT.get(m) or page_of(m) for m in module_files(root/'ssl_course')},[]
    for m,p in want.items():
        by = page(module_notebook(root/'ssl_course'/f"{m.replace('.', '/')}.py"))
        if not (root/f'nbs/{p}.ipynb').exists(): wrong.append(f'{m}: there is no nbs/{p}.ipynb')
        elif by!=p and not by.startswith('lessons/'): wrong.append(f'{m} is exported by nbs/{by}.ipynb; its page is nbs/{p}.ipynb')
    have = {page(f) for top in ('library', 'course', 'exercises') for f in (root/'nbs'/top).rglob('*.ipynb') if '.ipynb_checkpoints' not in f.parts}
    assert wrong==[] and sorted(have-set(want.values()))==['library/api']
    assert {'data._drawing': 'library/data/drawing', 'course.__init__': 'course/teaching_helpers'}.items() <= want.items()

def test_numbers_are_for_lessons_only(root):
    numbered = [f for f in (root/'nbs').rglob('[0-9]*.ipynb') if f.parent.name!='lessons' and '.ipynb_checkpoints' not in f.parts]
    assert numbered==[] and all(f.name[:2].isdigit() for f in (root/'nbs/lessons').glob('*.ipynb'))

def test_every_page_is_in_the_sidebar_once(root):
    from ssl_course.course.site import page_groups
    listed = [p for pages in page_groups(root).values() for p in pages]
    have = [f.relative_to(root/'nbs').with_suffix('').as_posix() for top in ('library', 'course') for f in (root/'nbs'/top).rglob('*.ipynb') if '.ipynb_checkpoints' not in f.parts]
    assert sorted(listed)==sorted(have)

def test_every_name_on_the_map_is_explained(root):
    "A docstring, a comment behind a constant, or a value"
    from ssl_course.course.site import api_map
    assert [l for l in api_map().splitlines() if re.fullmatch(r'\| \S+ \|\s*\|', l)]==[]

def test_assets_of_the_package_are_files(root):
    "Style sheets, scripts and drawings live in nbs/assets/package, which the package sees through a link; none is left over"
    assert (root/'ssl_course/assets').is_symlink() and (root/'ssl_course/assets').resolve()==root/'nbs/assets/package'
    code = ''.join(f.read_text(encoding='utf-8') for f in (root/'ssl_course').rglob('*.py'))
    stations = importlib.import_module('ssl_course.course.figures').STATIONS
    assert {f.stem for f in (root/'nbs/assets/package/icons').iterdir()}=={s.replace(' ', '-') for s in stations}
    assert [f.name for f in (root/'nbs/assets/package').iterdir() if f.is_file() and f.name not in code]==[]

def lesson_pages(site):
    "Lessons as (name, visible text of their code cells, all text), from the HTML"
    plain = lambda html: unescape(re.sub(r'<[^>]+>', '', html))
    for f in sorted((site/'lessons').glob('*.html')):
        html = f.read_text(encoding='utf-8')
        folded = re.findall(r'<details class="code-fold".*?</details>', html, re.S)
        shown = re.sub(r'<details class="code-fold".*?</details>', '', html, flags=re.S)
        yield f.name,plain('\n'.join(re.findall(r'<pre[^>]*>.*?</pre>', shown, re.S))),plain(html),plain('\n'.join(folded))

def test_lessons_give_no_answers_away_and_hide_their_machinery(site):
    "The source above the fold would say what the fold hides; imports and the end of a lesson are no content, and bars that ended long ago are no warnings"
    pages = list(lesson_pages(site))
    assert len(pages)==len(LESSONS)
    for name,code,text,folded in pages:
        assert 'Predict before you run' in text and 'Quiz' in text, name
        assert not re.search(r"\b(wrong|question)\(|(?<![.\w])predict\(|lesson\.finish|= Lesson\('|%\|", code), name
        assert not re.search(r'^(from|import) ', code.split('\n\n')[0], re.M) and re.search(r"= Lesson\('", folded), name

def test_lessons_are_numbered_and_lead_to_their_solutions(site):
    "In sidebar order, the solutions in the order of the lessons, and none of them between a lesson and the next"
    names = [re.sub(r'^\d+_', '', f.stem) for f in LESSONS]
    for i,n in enumerate(names):
        html = (site/'lessons'/f'{n}.html').read_text(encoding='utf-8')
        sidebar = re.search(r'<nav[^>]*id="quarto-sidebar".*?</nav>', html, re.S)[0]
        listed = lambda folder, end='': re.findall(rf'href="[^"]*{folder}/(\w+?){end}\.html"', sidebar)
        assert listed('exercises', '_exercises')==names and re.search(rf'>\s*{i+1} · ', sidebar), n
        assert f'exercises/{n}_exercises.html">Solutions of the exercises' in html
        assert 'exercises' not in re.search(r'class="page-navigation".*', html, re.S)[0].split('</nav>')[0]

@pytest.mark.parametrize('width', [1280, 390])
def test_no_sideways_scrolling(visits, width):
    assert {n: v['wide'][width] for n,v in visits.items() if v['wide'][width]} == {}

def test_sideways_scrolling_is_noticed(base, browser):
    page = browser.new_page()
    page.goto(base+'contributing.html')
    assert too_wide(page, 390)==[]
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<p id=clipped style=width:600px>wide</p>')")
    assert any('wide' in c for c in too_wide(page, 390))
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=width:500px>x</p>')")
    assert any('the page by' in c for c in too_wide(page, 390))
    page.close()

def test_math_and_diagrams(visits):
    assert {n: v['rawmath']+v['badmath'] for n,v in visits.items() if v['rawmath'] or v['badmath']} == {}
    assert any(v['math'] for v in visits.values()), 'no page has a formula'
    assert any(v['diagrams'] for v in visits.values()), 'no page has a diagram'
    for n,v in visits.items():
        assert len(v['diagrams'])==v['sources'] and not any('Syntax error' in t for t in v['diagrams']), n

def test_roots_can_be_seen(visits):
    "smalldocs' `height: auto` for pictures made the radicals of formulas a tenth of a pixel high"
    assert sum(v['roots'] for v in visits.values())>0 and {k: v['flat'] for k,v in visits.items() if v['flat']}=={}

def test_pictures_have_alternative_text(visits):
    assert {n: v['noalt'] for n,v in visits.items() if v['noalt']} == {}

def test_search_finds_a_function_and_opens_it(base, browser):
    page = browser.new_page()
    page.goto(base)
    page.fill('.smalldocs-search input', 'load_settings')
    hit = page.locator('.search-result', has=page.locator('.search-result-section', has_text=re.compile('^load_settings$')))
    hit.first.click()
    page.wait_for_url('**/library/settings.html#load_settings')
    expect(page.locator('#load_settings')).to_be_in_viewport()
    page.close()

def test_functions_have_their_table(base, browser):
    page = browser.new_page()
    page.goto(base+'library/settings.html')
    rows = page.locator('tr', has=page.locator('td:first-child', has_text=re.compile('^start$'))).all_inner_texts()
    assert rows and 'folder to start in' in rows[0]
    page.close()

# (foreground, background) of each piece of text that is visible, without those over pictures
COLOURS = '''() => { const out = {};
  const solid = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number); if (c.length<4 || c[3]==1) return c.slice(0,3) } return [255,255,255] };
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg, .katex-mathml, style, script, [hidden], .anchorjs-link') || !e.checkVisibility({opacityProperty: true})) continue;
    const c = getComputedStyle(e).color.match(/[\\d.]+/g).map(Number).slice(0,3), b = solid(e);
    out[[c,b].join()] = [c, b, walk.currentNode.data.trim().slice(0,40)] }
  return Object.values(out) }'''

def contrast(a, b):
    "Contrast of two sRGB colours by WCAG 2, from 1 to 21"
    line = lambda v: v/12.92 if v<=.04045 else ((v+.055)/1.055)**2.4
    l = sorted(sum(k*line(v/255) for k,v in zip((.2126,.7152,.0722), c)) for c in (a, b))
    return (l[1]+.05)/(l[0]+.05)

# one page of every kind, and those with the most on them
KINDS = '''index contributing lessons/labels_are_expensive lessons/choosing_a_pretext_task lessons/careful_fine_tuning lessons/energy exercises/color_exercises
    library/api library/encoder library/cli library/evaluate/probes library/pretext/simclr course/quiz course/experiments/fine_tuning'''.split()
WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

def axe(page):
    "What axe-core finds serious or moderate: (rule, how many places, the first of them)"
    from importlib.resources import files
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate((files('axe_playwright_python')/'axe.min.js').read_text(encoding='utf-8'))
    found = page.evaluate('tags => axe.run({runOnly: tags, resultTypes: ["violations"]})', WCAG)['violations']
    return [(v['id'], len(v['nodes']), v['nodes'][0]['html'][:200]) for v in found if v['impact']!='minor']

@pytest.mark.parametrize('scheme,width', [('light', 1280), ('dark', 1280), ('light', 390), ('dark', 390)])
def test_axe_finds_nothing(base, browser, scheme, width):
    "Keyboard, contrast, landmarks, headings, size of targets; quizzes, answers and sources opened"
    window = browser.new_context(color_scheme=scheme, viewport=dict(width=width, height=900))
    bad = {}
    for name in KINDS if width>390 else KINDS[::3]:
        page = window.new_page()
        page.goto(f'{base}{name}.html', wait_until='load')
        page.wait_for_function("[...document.querySelectorAll('pre.mermaid')].every(e => e.querySelector('svg'))")
        if found := axe(page): bad[name] = found
        page.close()
    window.close()
    assert bad=={}

def test_axe_is_heard(browser):
    page = browser.new_page()
    page.set_content('<main><h1>a</h1><h3>b</h3><p style="color:#999;background:#fff">gray</p><img src="data:,"></main>')
    assert {'color-contrast', 'image-alt', 'heading-order'} <= {rule for rule,*_ in axe(page)}
    page.close()

@pytest.mark.parametrize('scheme', ['light','dark'])
def test_text_can_be_read(base, browser, scheme):
    assert round(contrast((0,0,0), (255,255,255)))==21 and round(contrast((119,119,119), (255,255,255)), 2)==4.48
    page = browser.new_page(color_scheme=scheme)
    for name in ('index.html', 'library/settings.html', 'contributing.html'):
        page.goto(base+name)
        page.wait_for_timeout(100) # smalldocs decides by the background what is dark, once it is painted
        weak = [(t, a, b) for a,b,t in page.evaluate(COLOURS) if contrast(a, b)<4.5]
        assert weak == [], name
    page.close()

def test_dark_mode(base, browser):
    page = browser.new_page(color_scheme='light')
    shade = lambda: sum(map(float, re.findall(r'[\d.]+', page.evaluate('getComputedStyle(document.body).backgroundColor'))[:3]))
    page.goto(base+'contributing.html')
    assert shade()>600
    page.click('.quarto-color-scheme-toggle')
    page.wait_for_function("document.documentElement.classList.contains('quarto-dark')")
    assert shade()<150
    page.reload()
    assert shade()<150, 'the choice is forgotten'
    page.wait_for_function("[...document.querySelectorAll('pre.mermaid')].every(e => e.querySelector('svg'))")
    page.close()

def test_dark_as_quarto_says_it(base, browser):
    "Quarto puts the class on body and gives tables and formulas no box: our rules and diagrams follow"
    page = browser.new_page(color_scheme='light', viewport=dict(width=390, height=800))
    page.goto(base+'contributing.html')
    accent = lambda: page.evaluate("getComputedStyle(document.querySelector('main p')).getPropertyValue('--course-accent').trim()")
    drawn = lambda: page.evaluate("document.querySelector('pre.mermaid svg').outerHTML.length")
    before,diagram = accent(),page.evaluate("document.querySelector('pre.mermaid svg').id")
    page.evaluate("""document.documentElement.classList.remove('quarto-light', 'quarto-dark');
        document.body.classList.add('quarto-dark');
        document.querySelector('main').insertAdjacentHTML('beforeend', '<table id=q class="caption-top table"><tr>' +
            '<td>wide_name_without_a_break</td>'.repeat(9) + '</tr></table><p><math display="block"><mtext>' + 'wide '.repeat(60) + '</mtext></math></p>')""")
    page.wait_for_function(f"document.querySelector('pre.mermaid svg')?.id!={diagram!r}")
    assert accent()=='#7cc4e8'!=before and drawn()>0
    assert page.evaluate("document.querySelector('#q').scrollWidth")>400 and too_wide(page, 390)==[]
    page.close()

def test_quarto_has_the_colors_of_both_themes():
    "What its Sass needs for a dark theme; smalldocs compiles none, so it has a copy"
    sass,css = ((ROOT/'nbs/assets'/f).read_text(encoding='utf-8') for f in ('dark.scss', 'dark.css'))
    have = dict(re.findall(r'^\$([\w-]+): (#\w{6});$', sass, re.M))
    needs = 'body-bg body-color link-color border-color code-color code-bg code-block-bg pre-color navbar-bg navbar-fg'.split()
    assert set(needs)<=have.keys() and sum(k.startswith('mermaid-') for k in have)>=7
    for k in ('body-bg', 'body-color', 'link-color', 'border-color', 'code-color'): assert f'--bs-{k}: {have[k]}' in css, k
    rgb = lambda c: tuple(int(have[c][i:i+2], 16) for i in (1, 3, 5))
    for a,b in (('body-color', 'body-bg'), ('link-color', 'body-bg'), ('code-color', 'code-bg'), ('pre-color', 'code-block-bg'), ('navbar-fg', 'navbar-bg'), ('mermaid-node-fg-color', 'mermaid-node-bg-color')):
        assert contrast(rgb(a), rgb(b))>=4.5, (a, b)
    site = yaml.safe_load((ROOT/'_quarto.yml').read_text(encoding='utf-8'))
    assert site['format']['html']['respect-user-color-scheme'] is True and site['format']['html']['theme']['dark'][-1]=='assets/dark.scss'

def test_works_without_scripts(site, base, browser):
    "Folded answers open and links lead on when a reader allows no JavaScript"
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(base+'library/settings.html')
    fold = page.locator('details.code-fold').first
    fold.locator('summary').click()
    assert fold.locator('pre').is_visible()
    page.close()

def test_configuration_agrees(root):
    site,proj = yaml.safe_load((root/'_quarto.yml').read_text())['website'],tomllib.loads((root/'pyproject.toml').read_text())
    assert (site['title'], site['description']) == (proj['tool']['nbdev']['title'], proj['project']['description'])
    assert (root/'nbs/_quarto.yml').is_symlink() and (root/'nbs/_quarto.yml').resolve()==root/'_quarto.yml'

def test_search_index_is_whole(site, visits):
    pages = {e['href'].split('#')[0] for e in json.loads((site/'search.json').read_text())}
    assert pages == set(visits)

QUARTO = '''#!/bin/sh
# stands in for Quarto: renders a page for every notebook, and notes how it was called
echo "$PWD $*" >> "$QUARTO_LOG"
for a in "$@"; do out="$a"; done
find . -name '*.ipynb' | while read f; do mkdir -p "$out/$(dirname "$f")"; cp "$f" "$out/${f%.ipynb}.html"; done
'''

def test_quarto_is_used_where_it_is(root, tmp_path):
    "With `quarto` on the PATH it gets the processed notebooks, ours included, and its pages arrive where they were asked for"
    proj,bin = tmp_path/'proj',tmp_path/'bin'
    (proj/'nbs/library').mkdir(parents=True)
    bin.mkdir()
    for f in ('pyproject.toml', '_quarto.yml', 'nbs/library/settings.ipynb'): shutil.copy(root/f, proj/f)
    shutil.copytree(root/'ssl_course', proj/'ssl_course', ignore=shutil.ignore_patterns('__pycache__'))
    (proj/'nbs/_quarto.yml').symlink_to('../_quarto.yml')
    (bin/'quarto').write_text(QUARTO)
    (bin/'quarto').chmod(0o755)
    env = {**os.environ, 'PATH': f"{bin}{os.pathsep}{os.environ['PATH']}", 'QUARTO_LOG': str(tmp_path/'log')}
    r = subprocess.run([sys.executable, '-m', 'ssl_course.course.site', 'docs', '--out', tmp_path/'out'], cwd=proj, env=env, capture_output=True, text=True)
    assert r.returncode==0 and 'by Quarto' in r.stdout, r.stdout + r.stderr
    log = (tmp_path/'log').read_text()
    assert 'render' in log and str(proj/'_proc') in log
    page = (tmp_path/'out/library/settings.html').read_text()
    assert 'value at `smoke`' in page or 'value at the `smoke` budget' in page
    assert 'code-summary' in page
