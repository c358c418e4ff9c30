"The site as readers meet it: in a browser, on a desk and on a telephone, in the light and in the dark."
import importlib,json,os,re,shutil,subprocess,sys,tomllib
from html import unescape
from pathlib import PurePosixPath
from types import SimpleNamespace
from urllib.parse import unquote,urljoin,urlsplit

import pytest,yaml
from playwright.sync_api import expect

from helpers import LESSONS,ROOT,cells
from looks import COLOURS,QUARTO,contrast,listen,too_wide

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

def test_callouts_are_boxes(site):
    "A <div> in the notebook, which GitHub shows without marks; a box with its title on the page"
    for f in LESSONS:
        html = (site/'lessons'/f"{re.sub(r'^[0-9]+_', '', f.stem)}.html").read_text(encoding='utf-8')
        source = f.read_text(encoding='utf-8')
        assert ':::' not in source and source.count('<div class=\\"callout-')==html.count('class="callout-header')>0, f.name

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

def test_the_front_page_opens_with_the_promise(base, browser):
    "Numbers, the way in and the figure on the first screen; commands and gigabytes come later"
    page = browser.new_page(viewport=dict(width=1280, height=900))
    page.goto(base, wait_until='load')
    top = lambda selector: page.locator(selector).first.bounding_box()['y']
    start,figure,command = top('main a:text-matches("Start lesson 1")'),top('main .cell-output-display img'),top('main pre')
    assert re.search(r'five labels per class.*\d\d%.*\d\d%', page.locator('main').inner_text()[:600], re.S)
    assert start<figure<600<command
    page.close()

def test_every_lesson_has_a_card_and_a_place_on_the_map(base, browser):
    "Picture, question, minutes; all pictures have arrived, all links lead to the lesson"
    page = browser.new_page()
    page.goto(base, wait_until='networkidle')
    names = [re.sub(r'^\d+_', '', f.stem) for f in LESSONS]
    cards = page.locator('.lesson-cards :is(td,th):has(a)')
    assert cards.count()==len(names)
    for i,n in enumerate(names):
        assert cards.nth(i).locator(f'a[href$="lessons/{n}.html"]').count()==2
        assert re.search(rf'{i+1} · .+\n.+ · \d+ min', cards.nth(i).inner_text()), n
    assert page.evaluate("[...document.querySelectorAll('.lesson-cards img')].every(i => i.complete && i.naturalWidth==480)")
    on_map = page.locator('.pipeline.map a').evaluate_all('links => links.map(a => a.getAttribute("href"))')
    assert set(on_map)=={f'lessons/{n}.html' for n in names}
    page.close()

def test_lessons_link_what_belongs_to_them(site, tmp_path):
    "Exercises, solutions, the notebooks; no link elsewhere as long as no repository is configured"
    titles = [re.search('^# (.+)', cells(f, 'markdown')[0])[1] for f in LESSONS]
    for i,f in enumerate(LESSONS):
        html = (site/'lessons'/f"{re.sub(r'^[0-9]+_', '', f.stem)}.html").read_text(encoding='utf-8')
        links = re.search(r'<div class="lesson-links">(.*?)</div>', html, re.S)[1]
        assert re.search(r'\b(1 minute|(?!1 )\d+ minutes)\b', links) and 'href="#exercises"' in links and '_exercises.html' in links and 'ssl_lessons.zip' in links, f.name
        assert 'http' not in links
        beside = re.findall(r'class="nav-page-text">(.*?)</span>', html)
        assert titles[i+1:i+2]==[t for t in beside[-1:] if i+1<len(titles)] and titles[max(0, i-1):i]==[t for t in beside[:1] if i]
    shutil.unpack_archive(site/'ssl_lessons.zip', tmp_path)
    assert {f.name for f in (tmp_path/'ssl_lessons/lessons').glob('*.ipynb')}=={f.name for f in LESSONS}

def test_a_repository_brings_links_to_run_a_lesson(root, tmp_path, monkeypatch):
    from ssl_course.course.site import lesson_links
    cfg = SimpleNamespace(user='me', repo='ssl', git_url='https://github.com/me/ssl', branch='main', nbs_path=root/'nbs', config_path=root)
    monkeypatch.setattr('ssl_course.course.site.get_config', lambda path: cfg)
    links = lesson_links(LESSONS[1])
    path = f'nbs/lessons/{LESSONS[1].name}'
    assert f'(https://colab.research.google.com/github/me/ssl/blob/main/{path})' in links
    assert f'(https://kaggle.com/kernels/welcome?src=https://github.com/me/ssl/blob/main/{path})' in links
    assert f'(https://mybinder.org/v2/gh/me/ssl/main?labpath={path})' in links

def test_a_lesson_weighs_little(site):
    "With its pictures, before compression"
    weights = {f.stem: f.stat().st_size for f in (site/'lessons').glob('*.html')}
    assert len(weights)==len(LESSONS) and {n: w for n,w in weights.items() if w>600_000}=={}

@pytest.mark.parametrize('width', [1920, 1280, 390])
def test_no_line_of_a_lesson_is_cut(base, browser, width):
    "Code wraps where the column ends: nobody scrolls sideways to read it"
    page,cut = browser.new_page(viewport=dict(width=width, height=900)),{}
    for f in LESSONS[::3]:
        page.goto(f"{base}lessons/{re.sub(r'^[0-9]+_', '', f.stem)}.html", wait_until='load')
        n = page.evaluate("[...document.querySelectorAll('main pre.sourceCode, main pre.sourceCode code')].filter(e => e.checkVisibility() && e.scrollWidth>e.clientWidth+1 && getComputedStyle(e).display!='inline').length")
        if n: cut[f.stem] = n
    page.close()
    assert cut=={}

def test_search_prefers_teaching(base, browser):
    "Lessons before the library; but who types the name of a function wants the function"
    page = browser.new_page()
    page.goto(base, wait_until='load')
    def hits(query):
        page.fill('.smalldocs-search input', query)
        page.wait_for_timeout(500)
        return page.locator('.search-result').evaluate_all('all => all.map(a => [new URL(a.href).pathname, a.querySelector(".search-result-section")?.textContent])')
    for query,n in (('collapse', 4), ('augmentation', 4), ('learning rate', 4), ('stop-gradient', 2)):
        found = [h for h,section in hits(query) if section!=query][:n] # a name's own entry may come first
        assert len(found)==n and all(h.startswith('/lessons/') for h in found), (query, found)
    for name in ('pretext_learner', 'label_efficiency'): assert hits(name)[0][1]==name and '/library/' in hits(name)[0][0]
    page.close()

def test_a_telephone_has_everything_in_its_menu(base, browser):
    "Search, the contents of the page, the lessons; the present one is marked, and a tap leads there"
    page = browser.new_page(viewport=dict(width=390, height=844))
    page.goto(base+'lessons/energy.html', wait_until='load')
    menu = page.locator('.phone-menu')
    assert not menu.is_visible() and not page.locator('.quarto-btn-toggle').is_visible()
    page.click('.navbar-toggler')
    menu.wait_for()
    assert page.locator('.smalldocs-search input').is_visible()
    assert menu.locator('summary').all_inner_texts()[:2]==['On this page', 'Lessons']
    assert menu.locator('.here').all_inner_texts()[-1]=='10 · Energy' and menu.locator('a[href$="api.html"]').count()==1
    menu.locator('summary').first.click()
    assert menu.locator('details').first.locator('a').count()>5
    assert page.evaluate("[...document.querySelectorAll('.phone-menu :is(a,summary)')].filter(e => e.checkVisibility() && e.getBoundingClientRect().height<24).length")==0
    menu.get_by_text('11 · Contrast').first.click()
    page.wait_for_url('**/contrast.html')
    page.close()

def test_figures_open_in_full_size(base, browser):
    page = browser.new_page(viewport=dict(width=390, height=844))
    page.goto(base+'lessons/energy.html', wait_until='load')
    button = page.locator('button.enlarge').first
    button.focus()
    page.keyboard.press('Enter')
    large = page.locator('dialog.large-figure img')
    assert large.is_visible() and large.bounding_box()['width']>button.bounding_box()['width'] and large.get_attribute('alt')
    page.keyboard.press('Escape')
    assert not large.is_visible()
    page.close()

def test_paper_keeps_answers_closed_and_code_whole(base, browser):
    page = browser.new_page()
    page.goto(base+'lessons/energy.html', wait_until='load')
    page.evaluate("document.querySelectorAll('.predict details').forEach(d => d.open = true)")
    state = lambda: page.evaluate("document.querySelectorAll('.predict details[open]').length")
    opened = state()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media='print')
    assert opened>0 and state()==0
    assert page.evaluate("[...document.querySelectorAll('main pre')].filter(e => e.checkVisibility()).every(e => getComputedStyle(e).whiteSpace=='pre-wrap')")
    assert not page.locator('#quarto-sidebar').is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert state()==opened
    page.close()

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
    assert r.returncode==0 and 'by quarto' in r.stdout, r.stdout + r.stderr
    log = (tmp_path/'log').read_text()
    assert 'render' in log and str(proj/'_proc') in log
    page = (tmp_path/'out/library/settings.html').read_text()
    assert 'value at `smoke`' in page or 'value at the `smoke` budget' in page
    assert 'code-summary' in page
