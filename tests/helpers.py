"What tests share: the checkout, its notebooks as cells, its modules as syntax trees, commands in processes of their own."
import ast,functools,json,os,re,subprocess,sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NBS,PACKAGE = ROOT/'nbs',ROOT/'ssl_course'
NOTEBOOKS = sorted(f for f in NBS.rglob('*.ipynb') if not any(p[0] in '._' for p in f.relative_to(ROOT).parts))
LESSONS = [f for f in NOTEBOOKS if f.parent.name=='lessons']
MODULES = sorted(f for f in PACKAGE.rglob('*.py') if f.name!='_modidx.py')

def name_of(f):
    "How a notebook or module is called in messages: its path below `nbs` or `ssl_course`"
    return f.relative_to(NBS if f.suffix=='.ipynb' else PACKAGE).as_posix()

def module_name(f):
    "ssl_course/data/decode.py → data.decode; the package itself is ''"
    return '.'.join(f.relative_to(PACKAGE).with_suffix('').parts).removesuffix('__init__').rstrip('.')

def none(offenders, hint=''):
    "Fail with all offenders, one a line"
    offenders = list(map(str, offenders))
    if offenders: pytest.fail('\n'.join([f'{len(offenders)} found' + (f'; {hint}' if hint else ''), *offenders]), pytrace=False)

# --- notebooks ---

@functools.cache
def notebook(f): return json.loads(f.read_text(encoding='utf-8'))
def raw_cells(f, kind='code'): return [c for c in notebook(f)['cells'] if c['cell_type']==kind]
def cells(f, kind='code'): return [''.join(c['source']) for c in raw_cells(f, kind)]
def exported(f): return [s for s in cells(f) if re.search(r'^#\| *exporti?\b', s, flags=re.M)]
def length(s): return len([l for l in s.splitlines() if not l.startswith('#|')])
def beginning(s): return next((l for l in s.splitlines() if l.strip() and not l.startswith('#|')), s)[:60]

@functools.cache
def tree(source):
    "A cell as a syntax tree; an empty one for cells that are no Python, such as shell commands"
    try: return ast.parse(source)
    except SyntaxError: return ast.Module([], [])

def is_import(n): return isinstance(n, (ast.Import, ast.ImportFrom))
def is_public(n): return isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name[0]!='_'

# --- modules ---

@functools.cache
def module_tree(f): return ast.parse(f.read_text(encoding='utf-8'))

# --- processes ---

def command(name): return os.path.join(os.path.dirname(sys.executable), name)
def run(*args, **kwargs): return subprocess.run([*map(str, args)], capture_output=True, text=True, **kwargs)
def python(code, *args, **kwargs): return run(sys.executable, '-c', code, *args, **kwargs)
def bare_env(**kwargs):
    "The environment without the user's settings of the course"
    return {k: v for k,v in os.environ.items() if not k.startswith('SSL_COURSE_')} | kwargs

def run_notebook(nb, env, log):
    "Target of a process: run one notebook as `nbdev-test` does, everything that it says goes to `log`"
    out = os.open(log, os.O_WRONLY|os.O_CREAT|os.O_TRUNC)
    for fd in (1, 2): os.dup2(out, fd)
    os.environ.update(env)
    os.chdir(ROOT)
    import gc
    from joblib.externals.loky import get_reusable_executor
    from nbdev.test import nbdev_test
    gc.freeze() # what all notebooks import: each fit collects garbage
    try: nbdev_test(str(nb))
    finally: get_reusable_executor().shutdown(kill_workers=True) # idle ones would keep this process waiting for minutes

# --- images ---

def some_images(n=60, classes=3, seed=0, size=8, **kwargs):
    "An `ImageSet` of noise with unbalanced classes"
    import numpy as np
    from ssl_course.data.imageset import ImageSet
    rng = np.random.default_rng(seed)
    y = np.sort(rng.integers(0, classes, n)) if classes else None
    return ImageSet(rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8), y, tuple('abcdefghij'[:classes]) or None, **{'name': 'noise', **kwargs})

def save_images(s, folder, flat=False):
    "Write an `ImageSet` as PNG files, a folder for each class"
    from PIL import Image
    for i,a in enumerate(s.x):
        f = folder/(f'{i:03}.png' if flat else f'{s.vocab[s.y[i]]}/{i:03}.png')
        f.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(a).save(f)
    return folder

def small_encoder(channels=3):
    from ssl_course.encoder import Encoder
    return Encoder.small(channels=channels, width=4)

def interrupt_at(step):
    "A callback that is Ctrl-C at a step, counted over all fits of a learner"
    from fastai.callback.core import Callback
    class Interrupt(Callback):
        seen = 0
        def before_step(self):
            self.seen += 1
            if self.seen==step: raise KeyboardInterrupt
    return Interrupt()
