"""`contributing.ipynb`, followed to the letter: its blocks of code become notebooks in a copy of the checkout, its commands are run there."""
import json,os,re,shutil,sys

import pytest,torch

from helpers import NBS,ROOT,bare_env,cells,command,python,run

TEXT = '\n'.join(cells(NBS/'contributing.ipynb', 'markdown'))

def section(title):
    "The text below a heading"
    return re.search(rf'^## {title}\n(.*?)(?=^## |\Z)', TEXT, flags=re.M|re.S)[1]

def blocks(title, *kinds):
    "(kind, text) of the fenced blocks of a section, in order"
    return [b for b in re.findall(r'^```(\w+)\n(.*?)\n```$', section(title), flags=re.M|re.S) if b[0] in kinds]

def code(title): return [text for _,text in blocks(title, 'python')]
def commands(title): return [text for _,text in blocks(title, 'bash')]

def write_notebook(path, found):
    "Blocks as a notebook"
    kinds = dict(python=dict(cell_type='code', execution_count=None, outputs=[]), markdown=dict(cell_type='markdown'))
    cs = [dict(kinds[k], id=f'c{i}', metadata={}, source=t.splitlines(True)) for i,(k,t) in enumerate(found)]
    kernel = dict(kernelspec=dict(display_name='python3', language='python', name='python3'))
    path.write_text(json.dumps(dict(cells=cs, metadata=kernel, nbformat=4, nbformat_minor=5)), encoding='utf-8')

def content(top): return {f.relative_to(top).as_posix(): f.read_bytes() for f in top.rglob('*') if f.is_file() and '__pycache__' not in f.parts}

class Checkout:
    "A copy of what makes the package, in which everything may be written"
    def __init__(self, top):
        self.top = top/'checkout'
        skip = shutil.ignore_patterns('__pycache__', 'vendor', '.ipynb_checkpoints', '_proc')
        for d in ('ssl_course', 'nbs'): shutil.copytree(ROOT/d, self.top/d, symlinks=True, ignore=skip)
        for f in ('pyproject.toml', '_quarto.yml', 'README.md', 'settings.ini'): shutil.copy(ROOT/f, self.top/f)
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ['PATH']])
        self.env = bare_env(PATH=path, PYTHONPATH=str(self.top), SSL_COURSE_HOME=str(top/'home'), OMP_NUM_THREADS='1', MPLBACKEND='agg', PYTHONWARNINGS='ignore')

    def run(self, *args, **kwargs):
        r = run(*args, **{'cwd': self.top, 'env': self.env, 'timeout': 900} | kwargs)
        assert r.returncode==0, (r.stdout+r.stderr)[-6000:]
        return r.stdout

    def bash(self, script): return self.run('bash', '-e', '-c', script)
    def python(self, script, *args, **kwargs): return self.run(sys.executable, '-c', script, *args, **kwargs)

# --- a pretext task ---

ZOOM = 'nbs/library/pretext/zoom.ipynb'

@pytest.fixture(scope='module')
def zoomed(tmp_path_factory):
    "A checkout with the notebook of the recipe, exported; in `before` and `after` the content of all files"
    c = Checkout(tmp_path_factory.mktemp('contributing'))
    c.run(command('nbdev-export'))
    c.before = content(c.top)
    write_notebook(c.top/ZOOM, blocks('A pretext task', 'python', 'markdown'))
    c.run(command('nbdev-export'))
    c.after = content(c.top)
    return c

def test_a_task_is_one_notebook_and_no_other_edit(zoomed):
    new = zoomed.after.keys()-zoomed.before.keys()
    assert new=={ZOOM, 'ssl_course/pretext/zoom.py'}
    assert {k for k,v in zoomed.before.items() if zoomed.after.get(k)!=v}=={'ssl_course/_modidx.py'}

def test_its_author_needs_setup_and_make_only():
    "No `store_attr`, no `name`, nothing of the library's machinery"
    own = next(s for s in code('A pretext task') if 'class Zoom' in s)
    assert re.findall(r'^    def (\w+)', own, flags=re.M)==['__init__', 'setup', 'make'] and '@register\nclass Zoom(Pretext):' in own
    assert 'store_attr' not in own and not re.search(r'\bname\b', own)

def test_commands_of_the_recipe(zoomed):
    "Export, the notebook's own tests at the budget smoke, the list of tasks, training, the card"
    [script] = commands('A pretext task')
    said = zoomed.bash(script)
    assert 'Success' in said
    assert re.search(r'^ *zoom +How far has the camera zoomed in\?', said, flags=re.M), said
    card = json.loads(said[said.rindex('tensors,'):].split('\n', 1)[1])
    assert {k: card['lineage'][0][k] for k in ('task', 'levels', 'epochs')}==dict(task='zoom', levels=4, epochs=1)

USE = '''
import copy,sys,torch
import ssl_course
from torch import nn
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.evaluate.pretext_matrix import pretext_matrix
from ssl_course.evaluate.shortcuts import diagnose_shortcut
from ssl_course.pretext.base import Pretext
from ssl_course.pretrain import fit_quietly,pretext_learner,pretext_tasks
from ssl_course.registry import register
from ssl_course.resume import fit_resumable

top,folder = sys.argv[1:]
assert ssl_course.__file__.startswith(top), ssl_course.__file__
world = Postcards(size=16, seed=1)
def train(task, **kwargs):
    learn = pretext_learner(world.images(40).dls(bs=20), Encoder.small(width=4), task)
    return fit_quietly(learn, lambda l: l.fit_one_cycle(1, 1e-3))
def lineage(path): return {k: v for k,v in Encoder.load(path).lineage[0].items() if k in ('task', 'levels', 'up')}

Zoom = pretext_tasks()['zoom']
assert Zoom.__module__=='ssl_course.pretext.zoom'
learn = train(Zoom(levels=6))
said = lineage(learn.encoder.save(f'{folder}/zoom.safetensors'))
assert said==dict(task='zoom', levels=6)==learn.task.spec(), said
x = torch.rand(4, 3, 16, 16)
assert torch.equal(Encoder.load(f'{folder}/zoom.safetensors').eval()(x), learn.encoder.eval()(x))
assert copy.deepcopy(learn.task).spec()==learn.task.spec()

# whatever works on tasks takes this one: checkpoints, shortcuts, the comparison of tasks
learn = pretext_learner(world.images(40).dls(bs=20), Encoder.small(width=4), Zoom(3))
with learn.no_bar(), learn.no_logging(): fit_resumable(learn, 1, 1e-3, f'{folder}/zoom.pt')
assert 'loss' in diagnose_shortcut(Zoom(), world.images(40), epochs=1)
sizes = dict(pictures=16, search=16, bs=16, width=4, first=(3e-3,), labels=10, tries=(1e-2,), updates=1, fit_bs=8)
table = pretext_matrix(['zoom'], {'object': (world.images(60), world.images(20, start=60))}, 1, **sizes)
assert 'zoom' in set(table.task), table

# a class of this process, in no module, as in a notebook's cell
@register
class UpsideDown(Pretext):
    def __init__(self, up=.5):
        super().__init__()
        self.up = up
    def setup(self, encoder): self.head = nn.Linear(encoder.n_features, 2)
    def make(self, x):
        k = (torch.rand(len(x), device=x.device)>self.up).long()
        return torch.where((k==1)[:,None,None,None], x.flip(2), x), k
assert pretext_tasks()['upside_down'] is UpsideDown
assert lineage(train(UpsideDown(up=.25)).encoder.save(f'{folder}/u.safetensors'))==dict(task='upside_down', up=.25)

# not even registered: it trains, and has a name of its own
class Mirrored(UpsideDown):
    def make(self, x): return x.flip(3), torch.zeros(len(x), dtype=torch.long)
assert 'mirrored' not in pretext_tasks()
assert lineage(train(Mirrored(.1)).encoder.save(f'{folder}/m.safetensors'))==dict(task='mirrored', up=.1)
print('FINE')
'''

def test_task_works_with_all_of_the_library(zoomed, tmp_path): assert 'FINE' in zoomed.python(USE, zoomed.top, tmp_path)

# --- a head and an architecture ---

OWN = dict(own_head='A head', own_encoder='An encoder architecture')
KEEP = '''import numpy as np,torch
x = torch.linspace(0, 1, 3072).view(1, 3, 32, 32)
np.save('%s.npy', %s.eval()(x).detach().numpy())'''

OTHER_PROCESS = '''
import numpy as np,torch
from ssl_course.encoder import Encoder
from ssl_course.model import TransferModel
from ssl_course.utils import InputError
x = torch.linspace(0, 1, 3072).view(1, 3, 32, 32)
for load,file,module in ((TransferModel.load, 'hidden.safetensors', 'own_head'), (Encoder.load, 'tiny.safetensors', 'own_encoder')):
    try: load(file)
    except InputError as e: print('REFUSED', e)
    __import__(module)
    out = load(file).eval()(x).detach().numpy()
    assert np.array_equal(out, np.load(f'{module}.npy'))
print('WIDTH', TransferModel.load('hidden.safetensors').head.width, Encoder.load('tiny.safetensors').arch)
'''

def test_own_head_and_architecture(zoomed, tmp_path):
    "Written in a notebook, trained and saved there; another process reads the files after importing the modules that have them, and not before"
    keep = [('python', KEEP % ('own_head', 'learn.model')), ('python', KEEP % ('own_encoder', 'encoder'))]
    write_notebook(zoomed.top/'nbs/own.ipynb', [b for t in OWN.values() for b in blocks(t, 'python')]+keep)
    assert 'Success' in zoomed.run(command('nbdev-test'), 'nbs/own.ipynb')
    for module,title in OWN.items():
        (tmp_path/f'{module}.py').write_text('\n\n'.join(code(title)[:2]), encoding='utf-8') # imports and definition
    for f in ('hidden.safetensors', 'tiny.safetensors', 'own_head.npy', 'own_encoder.npy'):
        shutil.move(next(p for p in (zoomed.top/'nbs'/f, zoomed.top/f) if p.exists()), tmp_path/f)
    r = python(OTHER_PROCESS, cwd=tmp_path, env=zoomed.env)
    assert r.returncode==0, r.stderr
    head,arch = re.findall('^REFUSED (.*)$', r.stdout, flags=re.M)
    assert "no head 'hidden_layer'" in head and "no encoder architecture 'tiny'" in arch
    assert 'import the module' in head and 'import the module' in arch
    assert "WIDTH 16 {'name': 'tiny', 'width': 8}" in r.stdout

def test_what_is_not_registered_says_so_when_it_is_saved(tmp_path):
    "Not later, when a training would be lost; and how to register it"
    from ssl_course.encoder import Encoder
    from ssl_course.model import TransferModel
    from ssl_course.utils import InputError
    spaces = [{}, {}]
    for s,title in zip(spaces, OWN.values()):
        for block in code(title)[:2]: exec(block.replace('@register\n', ''), s)
    with pytest.raises(InputError, match='`@register` above the function'): spaces[1]['tiny'](width=4).save(tmp_path/'e.safetensors')
    model = TransferModel(Encoder.small(width=4), spaces[0]['HiddenLayer'](('a', 'b')))
    with pytest.raises(InputError, match='register'): model.save(tmp_path/'m.safetensors')
    assert list(tmp_path.iterdir())==[]

@pytest.mark.parametrize('kind', ['task', 'head', 'architecture'])
def test_a_name_belongs_to_one_module(kind):
    from ssl_course.heads import Head
    from ssl_course.pretrain import pretext_tasks
    from ssl_course.pretext.base import Pretext
    from ssl_course.registry import architectures,register
    from ssl_course.utils import InputError
    def small(channels=3): return None
    mine = dict(task=type('Rotation', (Pretext,), {}), head=type('Classify', (Head,), {}), architecture=small)[kind]
    before = [dict(pretext_tasks()), dict(Head.registry), dict(architectures)]
    with pytest.raises(InputError, match='has one of that name'): register(mine)
    assert before==[dict(pretext_tasks()), dict(Head.registry), dict(architectures)]

# --- an exercise, an experiment ---

def test_exercise():
    "The solution passes, and each mistake gets its own hint"
    from ssl_course.course.checks import exercise_faults
    space = {}
    for block in code('An exercise'): exec(block, space)
    assert exercise_faults(space['middle'].exercise)==[]

def test_experiment(zoomed):
    "Found by itself, run at the budget smoke, stored run by run"
    write_notebook(zoomed.top/'nbs/course/experiments/zoom_levels.ipynb', blocks('An experiment', 'python', 'markdown'))
    [script] = commands('An experiment')
    assert 'SSL_COURSE_BUDGET=cpu' in script
    said = zoomed.bash(script.replace('=cpu', '=smoke'))
    stored = json.loads((zoomed.top/'nbs/results/experiments/zoom_levels.json').read_text())
    assert [r['levels'] for r in stored['parts']['probe']]==[2, 4, 8] and 'probe: 2, 0' in said

# --- what it says of the checkout ---

def test_commands_after_every_change(zoomed):
    "All but `make`"
    lines = [l.replace('=cpu', '=smoke').replace(' --save', '') for s in commands('After every change') for l in s.splitlines()]
    zoomed.bash('\n'.join(l for l in dict.fromkeys(lines) if not l.startswith('make ')))

def test_names_files_and_targets_that_exist():
    paths = set(re.findall(r'(?<![\w/*])((?:nbs|tests|ssl_course)/[\w/]+(?:\.\w+)?)(?![\w*])', TEXT))
    mine = re.compile('zoom|NN_|name_|NAME|stale')
    assert len(paths)>12
    assert sorted(p for p in paths if not mine.search(p) and not (ROOT/p).exists())==[]
    targets = set(re.findall(r'^(\w+):', (ROOT/'Makefile').read_text(), flags=re.M))
    assert set(re.findall(r'\bmake (lab|test|docs|lessons|front|bench)\b', TEXT))<=targets

def test_explains_what_may_be_asked_of_a_task():
    "Each public attribute and method that `Pretext` declares is in the tables of its notebook"
    from torch import nn
    from ssl_course.pretext.base import Pretext
    tables = '\n'.join(cells(NBS/'library/pretext/base.ipynb', 'markdown'))
    named = set(re.findall(r'^\| `(\w+)', tables, flags=re.M))
    declared = {k for k in vars(Pretext) if k[0]!='_'}-{'registry'}
    assert named==declared|{'name'}
    task = Pretext()
    assert all(hasattr(task, k) for k in named) and not named & {'to', 'train', 'state_dict'} and issubclass(Pretext, nn.Module)

def test_explains_what_may_be_asked_of_a_head():
    from ssl_course.heads import Head
    named = {n for row in re.findall(r'^\| (`.*?) \|', section('A head'), flags=re.M) for n in re.findall(r'`(\w+)', row)}
    assert named=={k for k in vars(Head) if k[0]!='_'}-{'registry'}|{'name'}

def test_words_of_a_lineage_are_no_arguments(tmp_path):
    "What `lineage_entry` and `encoder.save` add to the task's own arguments is refused when a class is defined, not after its training"
    from ssl_course.data.postcards import Postcards
    from ssl_course.encoder import Encoder
    from ssl_course.pretext.rotation import Rotation
    from ssl_course.pretrain import fit_quietly,pretext_learner
    from ssl_course.registry import _lineage_words
    with torch.random.fork_rng():
        learn = pretext_learner(Postcards(size=16, seed=1).images(30).dls(bs=10), Encoder.small(width=4), Rotation())
        fit_quietly(learn, lambda l: l.fit_one_cycle(1, 1e-3))
    learn.encoder.save(tmp_path/'e.safetensors', seed=1)
    assert {*learn.encoder.lineage[0], *Encoder.load(tmp_path/'e.safetensors').lineage[-1]}-{'views'}<=_lineage_words
