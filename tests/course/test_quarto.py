"""The site where Quarto builds it. Quarto itself can't be installed everywhere, pandoc can: what Quarto would be handed is
rendered with it, under Quarto's classes and with its way of putting things into a page, and looked at in the browser."""
import functools,http.server,json,os,re,shutil,subprocess,sys,threading

import pypandoc,pytest,yaml
from helpers import ROOT,none
from smalldocs.notebook import to_markdown
from looks import COLOURS,QUARTO,contrast,listen,too_wide

PAGES = 'index lessons/01_labels_are_expensive lessons/07_choosing_a_pretext_task lessons/10_energy lessons/12_without_negatives library/api library/encoder library/cli course/quiz contributing'.split()
# a page of Quarto's: the theme's class on body, the way to the root in `quarto:offset`, no box around tables
PAGE = '''<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><meta name="quarto:offset" content="{up}">
<meta name="viewport" content="width=device-width"><link rel="icon" href="{up}assets/favicon.svg"><link rel="stylesheet" href="{up}site_libs/themes/default.min.css">
<style>{dark}</style><link rel="stylesheet" href="{up}styles.css"></head>
<body class="quarto-{scheme}"{theme}><main class="content">{body}</main>{after}</body></html>'''

@pytest.fixture(scope='session')
def processed(site):
    "The notebooks as they are handed to Quarto: `site` left them in `_proc`"
    return ROOT/'_proc'

def notebooks(processed): return [f for f in sorted(processed.rglob('*.ipynb')) if '.ipynb_checkpoints' not in f.parts]
def outputs(nb): return [o for c in nb['cells'] for o in c.get('outputs', [])]
def text(o): return ''.join(o['data']['text/markdown'])

def test_no_output_is_of_html(processed):
    "One would be enough for Quarto to have every reader load jQuery and require.js from other hosts"
    books = {f: json.loads(f.read_text(encoding='utf-8')) for f in notebooks(processed)}
    assert len(books)>90
    none(f.name for f,nb in books.items() for o in outputs(nb) if 'text/html' in o.get('data', {}))
    raw = [text(o) for nb in books.values() for o in outputs(nb) if '{=html}' in str(o.get('data', {}).get('text/markdown'))]
    assert len(raw)>300 and all(re.fullmatch(r'(`{3,})\{=html\}\n.*\n\1', t, re.S) for t in raw)

def html(f, scheme):
    "A page as pandoc makes it of what Quarto gets"
    _,md = to_markdown(f.read_text(encoding='utf-8'))
    body = pypandoc.convert_text(md, 'html', format='markdown', extra_args=['--mathml', '--wrap=none'])
    body = re.sub(r'<table(?! class="dataframe)', '<table class="caption-top table"', body)
    sass = (ROOT/'nbs/assets/dark.scss').read_text(encoding='utf-8')
    rules = ''.join(f'--bs-{k}: {c};' for k,c in re.findall(r'^\$([\w-]+): (#\w{6});$', sass, re.M))
    code = re.search(r'^\$code-block-bg: (#\w{6});', sass, re.M)[1], re.search(r'^\$pre-color: (#\w{6});', sass, re.M)[1]
    dark = f'body.quarto-dark{{{rules}}} body.quarto-dark pre{{background:{code[0]};color:{code[1]}}}' if scheme=='dark' else ''
    return PAGE.format(title=f.stem, up='../'*(len(f.relative_to(ROOT/'_proc').parts)-1), dark=dark, scheme=scheme, body=body,
                       theme=f' data-bs-theme="{scheme}"', after=(ROOT/'nbs/assets/site.html').read_text(encoding='utf-8'))

@pytest.fixture(scope='module')
def pages(site, processed, tmp_path_factory):
    "Address of a site with these pages in both schemes"
    folder = tmp_path_factory.mktemp('quarto')/'docs'
    shutil.copytree(site, folder)
    for name in PAGES:
        for scheme in ('light','dark'):
            f = folder/f'{name}-{scheme}.html'
            f.write_text(html(processed/f'{name}.ipynb', scheme), encoding='utf-8')
    class quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(quiet, directory=os.fspath(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()

@pytest.mark.parametrize('scheme', ['light','dark'])
def test_pages_of_quarto_can_be_read(pages, browser, scheme):
    "Nothing from other hosts, nothing wider than a telephone, mathematics set in quizzes too, contrast as on our own pages"
    window,wrong = browser.new_context(viewport=dict(width=390, height=800)),{}
    for name in PAGES:
        page = window.new_page()
        bad = listen(page, pages)
        page.goto(f'{pages}{name}-{scheme}.html', wait_until='networkidle')
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        raw = page.evaluate("[...document.querySelectorAll('main .cell-output')].filter(e => e.innerText.includes('\\\\(')).length")
        weak = [(t, a, b) for a,b,t in page.evaluate(COLOURS) if contrast(a, b)<4.5]
        if bad or raw or weak or too_wide(page, 390): wrong[name] = bad, raw, weak[:5], too_wide(page, 390)
        page.close()
    window.close()
    assert wrong=={}

def test_a_quiz_has_its_formulas(pages, browser):
    "They are HTML, which pandoc leaves alone: the page's own script sets them"
    page = browser.new_page()
    page.goto(f'{pages}course/quiz-light.html', wait_until='networkidle')
    page.wait_for_selector('.predict .katex', state='attached')
    assert page.locator('main .katex').count()>1 and '\\(' not in page.locator('.predict').first.inner_text()
    page.close()

def test_tables_say_how_wide_their_columns_are(processed):
    "Quarto and pandoc take the dashes for widths: the column of meanings is the widest"
    nb = json.loads((processed/'library/encoder.ipynb').read_text(encoding='utf-8'))
    rows = [r.strip('|').split('|') for o in outputs(nb) for r in re.findall(r'^\|[ \-|]+\|$', text(o) if 'text/markdown' in o.get('data', {}) else '', re.M)]
    widths = [[len(c.strip()) for c in r] for r in rows]
    assert len(widths)>10 and all(w[-1]==max(w) for w in widths if len(w)==4)
    assert yaml.safe_load((ROOT/'_quarto.yml').read_text())['format']['html']['tbl-colwidths'] is False

def test_the_builder_can_be_chosen(tmp_path):
    "Where Quarto is installed, smalldocs is used all the same if asked for; where it isn't, it can't be asked for"
    run = lambda path, *args: subprocess.run([sys.executable, '-m', 'ssl_course.course.site', 'docs', '--out', tmp_path/'out', *args],
        cwd=ROOT, env={**os.environ, 'PATH': path}, capture_output=True, text=True)
    r = run('/nowhere', '--builder', 'quarto')
    assert r.returncode==2 and 'Quarto is not on the PATH' in r.stderr
    from ssl_course.course.site import _builder
    (tmp_path/'quarto').write_text(QUARTO)
    (tmp_path/'quarto').chmod(0o755)
    with pytest.MonkeyPatch.context() as m:
        m.setenv('PATH', os.fspath(tmp_path))
        assert [_builder(), _builder('smalldocs'), _builder('quarto')]==['quarto', 'smalldocs', 'quarto']
        m.setenv('PATH', '/nowhere')
        assert _builder()=='smalldocs'
