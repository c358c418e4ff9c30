"`from ssl_course.all import *`: an explicit list of names, which shadows nothing of `fastai.vision.all`."
import inspect,os,subprocess,sys

import pytest

def star(*modules):
    "What is in a notebook's namespace after these star imports, one after the other"
    space = {}
    for m in modules: exec(f'from {m} import *', space)
    return {k: v for k,v in space.items() if k!='__builtins__'}

def test_number_of_names():
    import ssl_course.all as ours
    assert 80<=len(ours.__all__)<=100 and len(set(ours.__all__))==len(ours.__all__), len(ours.__all__)
    assert set(star('ssl_course.all'))==set(ours.__all__)

def test_names_are_those_of_the_library():
    "Each is a thing of ours with a docstring, or a table of such"
    bare = [k for k,v in star('ssl_course.all').items() if (inspect.isclass(v) or inspect.isroutine(v)) and not (v.__module__.startswith('ssl_course.') and inspect.getdoc(v))]
    assert bare==[]

@pytest.mark.parametrize('ours', ['ssl_course.all', 'ssl_course.course'])
def test_shadows_nothing_of_fastai(ours):
    "In both orders: no name means another object than it meant before"
    theirs,own = star('fastai.vision.all'),star(ours)
    both = {k for k in own if k in theirs and own[k] is not theirs[k]}
    assert both==set()
    for space in (star('fastai.vision.all', ours), star(ours, 'fastai.vision.all')):
        assert [k for k,v in [*theirs.items(), *own.items()] if space[k] is not v]==[]

def test_all_and_course_go_together():
    a,b = star('ssl_course.all'),star('ssl_course.course')
    assert [k for k in a if k in b and a[k] is not b[k]]==[]

QUIET = """from functools import partial
from ssl_course.all import *
from ssl_course.compute import parallel_map
from ssl_course.evaluate.label_efficiency import fit_few

if __name__=='__main__':
    few = Postcards(16).images(40).few(1)
    fit = partial(fit_few, few, Encoder.small(width=4), careful(1), updates=1)
    print(len(list(parallel_map(fit, [(0,), (1,)], 2))))"""

def test_neither_importing_nor_workers_warn(tmp_path):
    "Of PyTorch and of widgets, as fastai and tqdm do by themselves: in JupyterLab that is a red box before any content"
    (tmp_path/'quiet.py').write_text(QUIET)
    env = {k: v for k,v in os.environ.items() if k!='PYTHONWARNINGS'}
    said = lambda *args: subprocess.run([sys.executable, *args], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert 'torch.jit.script' in said('-c', 'import fastai.layers').stderr
    r = said('quiet.py')
    assert (r.stdout.strip(), r.stderr)==('2', '')
