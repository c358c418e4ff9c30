"The notebooks: they run at the budget smoke, agree with the package, are clean, small, and written as this project writes."
import ast,json,multiprocessing,os,re,shutil,statistics,subprocess,sys
from multiprocessing import forkserver
from pathlib import Path

import pytest
from joblib.externals.loky import get_reusable_executor

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(f for f in (ROOT/'nbs').rglob('*.ipynb') if not any(p[0] in '._' for p in f.relative_to(ROOT).parts))
LESSONS = [f for f in NOTEBOOKS if f.parent.name=='lessons']
def name_of(f): return f.relative_to(ROOT/'nbs').as_posix()
each = pytest.mark.parametrize('nb', NOTEBOOKS, ids=name_of)

def cells(nb, kind='code'):
    return [''.join(c['source']) for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']==kind]

def command(name): return os.path.join(os.path.dirname(sys.executable), name)
def run(*args, **kwargs): return subprocess.run([*map(str, args)], capture_output=True, text=True, **kwargs)

# --- they run ---

def run_notebook(nb, env, log):
    "Target of a process: run one notebook as `nbdev-test` does, everything that it says goes to `log`"
    out = os.open(log, os.O_WRONLY|os.O_CREAT|os.O_TRUNC)
    for fd in (1, 2): os.dup2(out, fd)
    os.environ.update(env)
    os.chdir(ROOT)
    from nbdev.test import nbdev_test
    try: nbdev_test(str(nb))
    finally: get_reusable_executor().shutdown(kill_workers=True) # idle ones would keep this process waiting for minutes

@pytest.fixture
def fresh(tmp_path_factory, worker_id):
    "Maker of processes that have imported what every notebook imports, and done nothing else: forks of one server; and the environment of notebooks"
    home = tmp_path_factory.getbasetemp()/f'home_{worker_id}' # where the notebooks of one worker keep what they made
    home.mkdir(exist_ok=True)
    env = dict(SSL_COURSE_BUDGET='smoke', SSL_COURSE_HOME=str(home), OMP_NUM_THREADS='1', MPLBACKEND='agg')
    with pytest.MonkeyPatch.context() as mp:
        for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: mp.delenv(k)
        for k,v in env.items(): mp.setenv(k, v)
        make = multiprocessing.get_context('forkserver')
        make.set_forkserver_preload(['nbdev.test', 'fastai.vision.all', 'matplotlib.pyplot', 'sklearn.linear_model'])
        forkserver.ensure_running()
    return make,env

@pytest.mark.parametrize('nb', sorted(NOTEBOOKS, key=lambda f: (f.parent.name!='lessons', -f.stat().st_size)), ids=name_of)
def test_runs(nb, fresh, tmp_path):
    make,env = fresh
    p = make.Process(target=run_notebook, args=(nb, env, tmp_path/'log.txt'))
    p.start()
    p.join()
    said = (tmp_path/'log.txt').read_text(encoding='utf-8')
    assert p.exitcode==0 and 'Success' in said, said[-8000:]

# --- they agree with the package ---

@pytest.fixture(scope='session')
def copy(tmp_path_factory):
    "The checkout without what is built, where the tests may write"
    top = tmp_path_factory.mktemp('copy')/'checkout'
    skip = shutil.ignore_patterns('.git', '.venv', 'runs', '_docs', '_proc', 'build', 'dist', '*.egg-info', '__pycache__', 'vendor', '.ipynb_checkpoints', 'tests', '.*cache')
    shutil.copytree(ROOT, top, symlinks=True, ignore=skip)
    return top

def content(top): return {f.relative_to(top).as_posix(): f.read_bytes() for f in sorted(top.rglob('*')) if f.is_file() and '__pycache__' not in f.parts}

def test_export_changes_nothing(copy):
    "`ssl_course/` is what the notebooks give: nobody edited it, and no module is left of a notebook that is gone"
    before = content(copy/'ssl_course')
    for f in (copy/'ssl_course').rglob('*.py'):
        if f.name not in ('__init__.py',): f.unlink() # what is not exported any more stays away
    r = run(command('nbdev-export'), cwd=copy)
    assert r.returncode==0, r.stderr
    after = content(copy/'ssl_course')
    assert sorted(k for k in before.keys() | after.keys() if before.get(k)!=after.get(k))==[]

def test_notebooks_are_clean(copy, tmp_path):
    "nbdev-clean, which Jupyter's and git's hooks run, would change none"
    before = content(copy/'nbs')
    env = {**os.environ, 'JUPYTER_DATA_DIR': str(tmp_path)} # it signs what it cleans
    r = run(command('nbdev-clean'), cwd=copy, env=env)
    assert r.returncode==0, r.stderr
    after = content(copy/'nbs')
    assert [k for k in before if before[k]!=after[k]]==[]

# --- how they are written ---

@each
def test_is_small(nb): assert nb.stat().st_size<300_000

@each
def test_names_no_place_of_a_machine(nb):
    assert re.findall(r'(?:/home/|/root/|/work/|/tmp/|/Users/|[A-Z]:\\\\Users)[^\s"\'<>\\]*', nb.read_text(encoding='utf-8'))==[]

@each
def test_names_in_code_are_no_links(nb):
    "nbdev links them itself, and a link around that one is shown as it was typed"
    assert re.findall(r'\[`[^`\]]+`\]\([^)]*\.ipynb[^)]*\)', '\n'.join(cells(nb, 'markdown')))==[]

@each
def test_begins_with_title_and_sentence(nb):
    first = cells(nb, 'markdown')[0]
    assert json.loads(nb.read_text(encoding='utf-8'))['cells'][0]['cell_type']=='markdown' and re.fullmatch(r'# [^\n]+\n+> [^\n]+\n*', first)

@each
def test_no_failed_cell_is_stored(nb):
    outs = [o for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code' for o in c['outputs']]
    assert [o['ename'] for o in outs if o['output_type']=='error']==[]

def test_stems_are_unique():
    stems = [re.sub(r'^\d+[a-z]?_', '', f.stem) for f in NOTEBOOKS]
    assert [s for s in stems if stems.count(s)>1]==[], 'two pages would have one name'

def tree(source):
    "A cell as a syntax tree; None for cells that are no Python, such as shell commands"
    try: return ast.parse(source)
    except SyntaxError: return None

def is_import(n): return isinstance(n, (ast.Import, ast.ImportFrom))

@each
def test_imports_stand_apart(nb):
    "Building the site runs the cells that import something: those do nothing else"
    mixed = [s for s in cells(nb) if (t := tree(s)) and any(map(is_import, t.body)) and not all(map(is_import, t.body))
             and not re.search(r'^#\| *(eval: *false|hide)', s, flags=re.M)]
    assert mixed==[]

@each
def test_stars_only_of_our_own_and_fastai(nb):
    stars = [n for s in cells(nb) for n in ast.walk(tree(s) or ast.Module([], [])) if isinstance(n, ast.ImportFrom) and n.names[0].name=='*']
    assert [n.module for n in stars if n.module.split('.')[0]!='ssl_course' and n.module not in ('fastai.basics', 'fastai.vision.all')]==[]

def exported(nb): return [s for s in cells(nb) if re.search(r'^#\| *exporti?\b', s, flags=re.M)]
def length(s): return len([l for l in s.splitlines() if not l.startswith('#|')])

@each
def test_exported_cells_fit_a_screen(nb): assert [s for s in exported(nb) if length(s)>30 and not s.count('\n<')>3]==[]

def test_exported_cells_are_short():
    "Eight to twelve lines in the middle"
    lengths = [length(s) for nb in NOTEBOOKS for s in exported(nb) if not all(map(is_import, ast.parse(s).body))]
    assert len(lengths)>100 and statistics.median(lengths)<=12

def public(nb):
    "Public functions and classes that a notebook exports"
    for s in exported(nb):
        for n in ast.parse(s).body:
            if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name[0]!='_': yield s,n

@each
def test_public_definitions_have_docstrings(nb):
    assert [n.name for _,n in public(nb) if not ast.get_docstring(n)]==[]

@pytest.mark.parametrize('nb', [f for f in NOTEBOOKS if f.parent.name!='exercises'], ids=lambda f: f.stem)
def test_public_parameters_have_docments(nb):
    "Each parameter of a public function on a line of its own, with its meaning behind it"
    bare = []
    for s,n in public(nb):
        if not isinstance(n, ast.FunctionDef): continue
        lines,a = s.splitlines(),n.args
        for p in [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, [a.vararg, a.kwarg])]:
            if p.arg not in ('self','cls') and '#' not in lines[p.lineno-1] and not _is_self(p, n): bare.append(f'{n.name}({p.arg})')
    assert bare==[]

def _is_self(p, f):
    "The first parameter of a method that is patched into its class, or a class method's class"
    return p is f.args.args[0] and any('patch' in ast.unparse(d) for d in f.decorator_list)

# --- lessons ---

def test_there_are_lessons(): assert [re.match(r'\d+', f.stem)[0] for f in LESSONS][:2]==['01', '02']

lesson = pytest.mark.parametrize('nb', LESSONS, ids=lambda f: f.stem)

@lesson
def test_lesson_has_stored_outputs(nb):
    code = [c for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code']
    text = json.dumps([c['outputs'] for c in code])
    assert '"image/png"' in text and 'Claims: ' in text, 'run it at the budget cpu: make lessons'
    assert 'not measured at this budget' not in text, 'these outputs are those of a smoke run'

@lesson
def test_lesson_has_its_parts(nb):
    code,text = '\n'.join(cells(nb)),'\n'.join(cells(nb, 'markdown')).lower()
    assert re.search(r'Lesson\(', code) and code.count('claim(')>=2 and 'predict(' in code and 'quiz(' in code and '.finish()' in code
    assert 3<=len(re.findall(r'^check\(', code, flags=re.M))<=5 and code.count('pipeline(')>=1
    for part in ('exercise', 'what to remember', 'further reading', 'fail'): assert part in text, part

@lesson
def test_lesson_is_half_prose(nb):
    "Prose and code are about half and half, by characters"
    prose,code = (sum(len(s) for s in cells(nb, k)) for k in ('markdown', 'code'))
    assert .3<=prose/(prose+code)<=.7, f'{prose:,} characters of prose, {code:,} of code'

@lesson
def test_lesson_cells_need_no_scrolling(nb): assert [s[:60] for s in cells(nb) if length(s)>40]==[]

@each
def test_figures_have_alternative_texts(nb):
    "Stored pictures have theirs in their metadata (which nbdev-clean would drop, were it not told to keep it) or in the cell"
    code = [c for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code']
    bare = [''.join(c['source'])[:60] for c in code for o in c['outputs'] if 'image/png' in o.get('data', {})
            and not o.get('metadata', {}).get('image/png', {}).get('alt') and 'fig-alt' not in ''.join(c['source'])]
    assert bare==[]
