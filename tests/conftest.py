"What several tests share: the checkout, a browser, and the site, built once."
import functools,gc,http.server,os,re,shutil,signal,subprocess,sys,threading

import pytest

pytest.register_assert_rewrite('helpers', 'equations')
from helpers import ROOT

QUIET = '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'.split()

# a shell that starts something in the background lets it ignore Ctrl-C, and all that it starts in turn
if signal.getsignal(signal.SIGINT)==signal.SIG_IGN: signal.signal(signal.SIGINT, signal.default_int_handler)

# several tests at once (pytest-xdist): one thread and one process for each, also in what they start
if 'PYTEST_XDIST_WORKER' in os.environ:
    for k in ('OMP_NUM_THREADS', 'LOKY_MAX_CPU_COUNT'): os.environ.setdefault(k, '1')

@functools.cache
def _group(file):
    "Tests of one file that share what takes long to make run in one process; those of the site are one group, whatever their file"
    text = (ROOT/file).read_text(encoding='utf-8')
    if re.search(r'^def test_\w+\(.*\b(site|base)\b', text, re.M): return 'site'
    return file if "scope='module'" in text else None

def pytest_xdist_make_scheduler(config, log):
    "Groups by files (xdist 3.8 loses the marks of its own `loadgroup` under pytest 9.2)"
    from xdist.scheduler import LoadScopeScheduling
    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid): return _group(nodeid.split('::')[0]) or nodeid
    return ByWhatIsShared(config, log)

def pytest_collection_modifyitems(items):
    "Kills and the site take minutes, and some notebooks a minute: these begin first, so that no process waits for another at the end"
    early = dict(test_killed_at_random_instants=0, test_runs=2)
    items.sort(key=lambda i: 1 if 'site' in i.fixturenames else early.get(getattr(i, 'originalname', ''), 3))

@pytest.fixture(scope='module', autouse=True)
def _few_to_look_through():
    "Each fit collects garbage: what was imported by then needn't be looked through again"
    gc.freeze()

@pytest.fixture(scope='session')
def root(): return ROOT

@pytest.fixture(scope='session')
def browser():
    from playwright.sync_api import sync_playwright
    path = next(filter(None, map(shutil.which, ('chromium','chromium-browser','google-chrome'))), None)
    if not path: pytest.fail('These tests need a browser: apt-get install chromium')
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=path, args=QUIET)
        yield b
        b.close()

# what the extra `docs` does not install: a page whose imports need one of these can't be built by `make docs`
NOT_IN_DOCS = 'pypandoc onnx onnxruntime onnxscript jupyterlab pytest playwright axe_playwright_python build'.split()
DOCS = f"""import sys
for m in {NOT_IN_DOCS}: sys.modules[m] = None # as if it were missing
from ssl_course.course.site import main
sys.exit(main(['docs', '--builder', 'smalldocs', '--out', sys.argv[1]]))"""

@pytest.fixture(scope='session')
def site(tmp_path_factory):
    "Folder of the site, built as `make docs` builds it where only the extra `docs` is installed"
    out = tmp_path_factory.mktemp('site')/'docs'
    r = subprocess.run([sys.executable, '-c', DOCS, out], cwd=ROOT, capture_output=True, text=True)
    assert r.returncode==0, r.stdout + r.stderr
    return out

class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

@pytest.fixture(scope='session')
def base(site):
    "Address of the site, served on a free local port"
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(_Quiet, directory=os.fspath(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()
