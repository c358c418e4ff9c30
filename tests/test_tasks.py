"Colour, patches, trivial models, and the promise that a new pretext task is one notebook and no other edit."
import ast,json,math,os,re,shutil,subprocess,sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_course import cli
from ssl_course.colourspace import colour_bins,lab_to_rgb,lightness,paint,rgb_to_lab
from ssl_course.encoder import Encoder
from ssl_course.images import ImageSet
from ssl_course.loaders import *
from ssl_course.permutations import far_permutations,shuffle
from ssl_course.postcards import Postcards
from ssl_course.pretext.colour import Colour,ColourRegression
from ssl_course.pretext.patches import Jigsaw,RelativePosition,cut
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretrain import pretext_learner,quietly
from ssl_course.settings import CourseError
from ssl_course.shortcuts import EYES,diagnose_shortcut

ROOT = Path(__file__).resolve().parents[1]
WORLD = Postcards(size=32, seed=3, threads=1).images(120).unlabelled()
X = torch.from_numpy(WORLD.x).permute(0, 3, 1, 2)/255

@pytest.fixture(autouse=True)
def _seed(): torch.manual_seed(0)

# --- Lab ---

def _numpy_lab(rgb):
    "CIE Lab worked out anew: the matrix from the chromaticities of the lamps and of D65 (IEC 61966-2-1), in float64"
    xyz = lambda x,y: np.array([x/y, 1, (1-x-y)/y])
    lamps,white = np.stack([xyz(.64, .33), xyz(.30, .60), xyz(.15, .06)], 1),xyz(.3127, .3290)
    matrix = lamps*np.linalg.solve(lamps, white)
    linear = np.where(rgb<=.04045, rgb/12.92, ((rgb+.055)/1.055)**2.4)
    t = linear @ matrix.T/white
    f = np.where(t>216/24389, np.cbrt(t), (24389/27*t+16)/116)
    return np.stack([116*f[:,1]-16, 500*(f[:,0]-f[:,1]), 200*(f[:,1]-f[:,2])], 1)

def _as_picture(rgb): return torch.from_numpy(rgb).float().T.reshape(1, 3, -1, 1)

def test_lab_agrees_with_its_definition():
    v = np.linspace(0, 1, 18) # 255/17 = 15: all bytes that are multiples of 15
    rgb = np.stack(np.meshgrid(v, v, v), -1).reshape(-1, 3)
    got = rgb_to_lab(_as_picture(rgb))[0,:,:,0].T.numpy()
    assert np.abs(got-_numpy_lab(rgb)).max()<.05 # the primaries' published digits allow no more

@pytest.mark.parametrize('rgb,lab', [((1,0,0), (53.2408,80.0925,67.2032)), ((0,1,0), (87.7347,-86.1827,83.1793)),
    ((0,0,1), (32.2970,79.1875,-107.8602)), ((1,1,1), (100,0,0)), ((0,0,0), (0,0,0)), ((1,1,0), (97.1393,-21.5537,94.4780)),
    ((0,1,1), (91.1132,-48.0875,-14.1312)), ((1,0,1), (60.3242,98.2343,-60.8249))])
def test_lab_of_known_colours(rgb, lab):
    got = rgb_to_lab(torch.tensor(rgb).float().view(1, 3, 1, 1)).flatten()
    assert (got-torch.tensor(lab)).abs().max()<1e-3, got

def test_lab_and_back_is_exact_for_every_byte_it_meets():
    g = torch.Generator().manual_seed(1)
    x = torch.cat([torch.randint(0, 256, (200_000, 3), generator=g), torch.arange(256)[:,None].expand(-1, 3)])
    back = lab_to_rgb(rgb_to_lab((x/255).T.reshape(1, 3, -1, 1)))[0,:,:,0].T*255
    assert (back-x).abs().max()<.1 and (back.round()==x).all()

def test_lightness_is_grey_and_keeps_L():
    g = lightness(X)
    assert (g.amax(1)-g.amin(1)).max()<1e-4
    assert (rgb_to_lab(g)[:,0]-rgb_to_lab(X)[:,0]).abs().max()<1e-2
    assert (paint(g, rgb_to_lab(X)[:,1:])-X).abs().max()<1/255

def test_bins_cover_every_colour():
    bins = colour_bins(20.)
    ab = rgb_to_lab(torch.rand(1, 3, 200, 200))[0,1:].flatten(1).T
    assert ((ab[:,None]-bins).abs().amax(2).amin(1)<=10.01).all() # at most half a step from one, in both directions

# --- colour ---

def _numpy_loss(task, scores, ab):
    "Equations 2 and 4 of Zhang et al. 2016, place by place, in float64"
    bins,seen = task.bins.double().numpy(),task.seen.double().numpy()
    p = seen/seen.sum()
    w = 1/((1-task.even)*p+task.even/len(p)); w = w/(p*w).sum()
    total,n = 0,0
    for b in range(scores.shape[0]):
        for i in range(scores.shape[2]):
            for j in range(scores.shape[3]):
                colour = ab[b,:,4*i:4*i+4,4*j:4*j+4].mean((1,2)).double().numpy()
                near = np.exp(-((bins-colour)**2).sum(1)/(2*(task.grid/2)**2)); z = near/near.sum()
                s = scores[b,:,i,j].double().numpy(); logp = s-np.log(np.exp(s).sum())
                total -= w[z.argmax()]*(z*logp).sum(); n += 1
    return total/n

def test_colour_loss_is_that_of_the_paper():
    task = Colour()
    task.setup(Encoder.small(width=8))
    for b in X.split(30): task.make(b)
    _,ab = task.make(X[:2])
    scores = torch.randn(2, task.n_out, 8, 8)
    assert math.isclose(task.loss(scores, ab), _numpy_loss(task, scores, ab), rel_tol=1e-4)
    p = task.seen/task.seen.sum()
    assert math.isclose((p*task.weights).sum(), 1, rel_tol=1e-5)
    rare,frequent = p.argmin(),p.argmax()
    assert task.weights[rare]>task.weights[frequent]

def test_colour_counts_in_training_only_and_keeps_its_counts():
    task = Colour()
    before = task.seen.clone()
    task.eval().make(X[:8])
    assert torch.equal(task.seen, before)
    task.train().make(X[:8])
    assert math.isclose((task.seen-before).sum(), 8*8*8, rel_tol=1e-4) # one for each of 8×8 places of 8 pictures
    assert torch.equal(task.state_dict()['seen'], task.seen)

def test_annealed_mean_has_its_limits():
    task = Colour()
    scores = torch.randn(1, task.n_out, 2, 2)
    task.temp = 1e-3
    likeliest = task.bins[scores.argmax(1)].movedim(-1, 1)
    assert (task.decode(scores)-likeliest).abs().max()<1e-2
    task.temp = 1.
    mean = torch.einsum('bqhw,qc->bchw', scores.softmax(1), task.bins)
    assert (task.decode(scores)-mean).abs().max()<1e-4

def test_regression_loss_and_its_best_answer():
    task = ColourRegression()
    ab = torch.randn(6, 2, 8, 8)*40
    mean = torch.nn.functional.adaptive_avg_pool2d(ab, 2)
    assert task.loss(mean/100, ab)<1e-10
    off = torch.tensor([30., -40.]).view(2, 1, 1)
    assert math.isclose(task.loss((mean+off)/100, ab), .5*.5**2, rel_tol=1e-4)
    two = torch.stack([torch.full((8, 8), 50.), torch.full((8, 8), -50.)])[:,None].expand(-1, 2, -1, -1) # two truths, one picture
    t = torch.linspace(-1, 1, 21)
    cost = torch.stack([task.loss(torch.full((2, 2, 2, 2), .5*v), two) for v in t.tolist()])
    assert t[cost.argmin()].abs()<1e-6 # the mean, which is grey

def test_regression_asks_for_the_colours_of_what_it_shows():
    task = ColourRegression()
    inputs,ab = task.make(X[:16])
    grey = rgb_to_lab(inputs)[:,1:].abs().max()
    assert grey<.05 and inputs.shape==(16, 3, 32, 32) and ab.shape==(16, 2, 32, 32)
    inputs,ab = task.eval().make(X[:16])
    assert (paint(inputs, ab)-X[:16]).abs().max()<1/255

@pytest.mark.parametrize('make', [Colour, ColourRegression])
def test_grey_pictures_are_refused_before_any_training(make):
    g = (lightness(X).permute(0, 2, 3, 1)*255).round().byte().numpy()
    for pictures in (g, g[...,:1]):
        learn = pretext_learner(ImageSet(pictures).dls(.2, bs=16, device='cpu'), Encoder.small(channels=pictures.shape[-1], width=8), make())
        before = {k: v.clone() for k,v in learn.model.state_dict().items()}
        with pytest.raises(CourseError, match="can't be learned from grey") as e: quietly(learn, lambda l: l.fit(1, 1e-2))
        assert str(e.value).split('\n\t')[-1].count('\n')==0 # fastai puts a line before it that names the callback
        assert all(torch.equal(v, before[k]) for k,v in learn.model.state_dict().items())

# --- patches ---

@pytest.mark.parametrize('grid,gap,jitter', [(3,0,0), (3,1,1), (2,2,2), (2,0,3), (3,2,0)])
def test_pieces_keep_their_distance_and_their_place(grid, gap, jitter):
    side,n = 32,300
    rows = torch.arange(float(side))[:,None].expand(side, side)
    p = cut(torch.stack([rows, rows.T]).expand(n, 2, side, side), grid, gap, jitter) # pixels hold their row and column
    size = side//grid-gap-jitter
    assert p.shape==(n, grid**2, 2, size, size)
    p = p.unflatten(1, (grid, grid))
    assert (p[:,:,:,0,1:,:]-p[:,:,:,0,:-1,:]==1).all() and (p[:,:,:,1,:,1:]-p[:,:,:,1,:,:-1]==1).all() # pieces are whole
    first = p[...,0,0] # (n,grid,grid,2): row and column of the upper left pixel
    down,right = first[:,1:,:,0]-first[:,:-1,:,0]-size,first[:,:,1:,1]-first[:,:,:-1,1]-size
    for d in (down, right): assert gap<=d.min()<=d.max()<=gap+2*jitter+1 # a pixel more, where the side is no multiple of the grid
    if jitter: assert len(first[:,0,0,0].unique())==jitter+1

def test_positions_are_what_they_are_called():
    where = torch.arange(9.).view(3, 3).repeat_interleave(10, 0).repeat_interleave(10, 1).expand(400, 1, 30, 30)
    task = RelativePosition(0, 0).eval()
    inputs,k = task.make(where)
    numbers = inputs[:,:,0,0,0]
    assert (numbers[:,0]==4).all() and sorted(k.unique().tolist())==list(range(8))
    at = numbers[:,1].long()
    dy,dx = at//3-1,at%3-1
    arrows = {(-1,-1): '↖', (-1,0): '↑', (-1,1): '↗', (0,-1): '←', (0,1): '→', (1,-1): '↙', (1,0): '↓', (1,1): '↘'}
    assert [task.describe(t) for t in k]==[arrows[int(a),int(b)] for a,b in zip(dy, dx)]

def test_a_mirror_image_keeps_the_question_right():
    "Views mirror the whole picture before it is cut: what is on the left stays what the label says"
    task = RelativePosition(0, 0)
    task.views.flip,task.views.scale,task.views.jitter,task.views.grey = 1.,(1., 1.),0.,0.
    ramp = torch.linspace(0, 1, 30).expand(200, 3, 30, 30) # brighter to the right; mirrored: to the left
    inputs,k = task.make(ramp)
    brighter = inputs[:,1].mean((1, 2, 3))>inputs[:,0].mean((1, 2, 3))+.05
    assert torch.equal(brighter, (k==0)|(k==3)|(k==5))

@pytest.mark.parametrize('n,count', [(4, 24), (9, 64)])
def test_shuffling_and_inverting_is_the_identity(n, count):
    orders = torch.from_numpy(far_permutations(n, count))
    pieces,k = torch.rand(count, n, 3, 4, 4),torch.arange(count)
    shuffled = shuffle(pieces, orders[k])
    assert torch.equal(shuffle(shuffled, orders[k].argsort(1)), pieces)
    assert not torch.equal(shuffled, pieces)
    for b in range(count):
        for i in range(n): assert torch.equal(shuffled[b,i], pieces[b,orders[k[b],i]])

def test_orders_are_far_apart():
    least = lambda p: min((a!=b).sum() for i,a in enumerate(p) for b in p[:i])
    rng = np.random.default_rng(0)
    for n,count,want in ((4, 4, 4), (4, 12, 3), (9, 9, 8), (9, 64, 7)):
        p = far_permutations(n, count)
        assert (np.sort(p, 1)==np.arange(n)).all() and least(p)>=want>=max(least(np.stack([rng.permutation(n) for _ in range(count)])) for _ in range(3))

def test_jigsaw_label_says_the_order():
    where = torch.arange(9.).view(3, 3).repeat_interleave(16, 0).repeat_interleave(16, 1).expand(50, 1, 48, 48)
    task = Jigsaw(grid=3, count=64, gap=0, jitter=0).eval()
    inputs,k = task.make(where)
    assert torch.equal(inputs[:,:,0,0,0].long(), task.orders[k])

@pytest.mark.parametrize('task,size', [(lambda: Jigsaw(), 16), (lambda: Jigsaw(grid=3), 32), (lambda: RelativePosition(), 24)])
def test_too_small_is_refused_before_any_training(task, size):
    learn = pretext_learner(Postcards(size=size, threads=1).images(40, target=None).dls(.2, bs=16, device='cpu'), Encoder.small(width=8), task())
    before = {k: v.clone() for k,v in learn.model.state_dict().items()}
    with pytest.raises(CourseError, match=rf'Images of {size} pixels.*and 8 are needed'): quietly(learn, lambda l: l.fit(1, 1e-2))
    assert all(torch.equal(v, before[k]) for k,v in learn.model.state_dict().items())

def test_too_small_on_the_command_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as e: cli.main(['pretrain', '--pretext', 'jigsaw', '--size', '16', '--budget', 'smoke', '--out', str(tmp_path/'e.safetensors')])
    said = capsys.readouterr().err
    assert e.value.code==2 and 'Images of 16 pixels' in said and 'Traceback' not in said and not list(tmp_path.iterdir())

# --- all of them ---

TASKS = dict(rotation=Rotation, colour=Colour, colour_l2=ColourRegression, position=RelativePosition, jigsaw=Jigsaw)

@pytest.mark.parametrize('name', TASKS)
def test_a_task_learns_through_the_learner_and_is_saved_whole(name, tmp_path):
    learn = pretext_learner(WORLD.dls(.2, bs=32, device='cpu'), Encoder.small(width=8), TASKS[name](), path=tmp_path)
    quietly(learn, lambda l: l.fit(1, 3e-3))
    learn.save('once')
    state = {k: v.clone() for k,v in learn.model.state_dict().items()}
    again = pretext_learner(WORLD.dls(.2, bs=32, device='cpu'), Encoder.small(width=8), TASKS[name](), path=tmp_path).load('once')
    assert all(torch.equal(v, state[k]) for k,v in again.model.state_dict().items())
    assert all(torch.isfinite(v).all() for v in state.values() if torch.is_floating_point(v))

@pytest.mark.parametrize('name', TASKS)
def test_trivial_models_of_any_task(name):
    task = TASKS[name]()
    t = diagnose_shortcut(task, WORLD, epochs=2)
    assert list(t.index)==list(EYES) and 'loss' in t and np.isfinite(t.loss).all()
    assert not hasattr(task, 'head') # the task itself was not touched

def test_a_shortcut_is_found():
    "A task whose label is painted into the frame: who looks at the frame solves it, the others can't"
    class Framed(Rotation):
        def make(self, x):
            k = torch.randint(0, 4, (len(x),))
            x = torch.rand_like(x)
            for edge,at in enumerate((x[:,:,0], x[:,:,-1], x[:,:,:,0], x[:,:,:,-1])): at[k==edge] = 1
            return x,k
    t = diagnose_shortcut(Framed(), Postcards(size=32, threads=1).images(1200), epochs=10).accuracy
    assert t['border pixels']>.95 and t['nothing']<.4 and t['colour histogram']<.5

def _lines(notebook):
    "Lines of what a notebook exports for each of its tasks, shared parts included, without blank lines and imports"
    cells = [''.join(c['source']) for c in json.loads(notebook.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code']
    cells = [c for c in cells if re.search(r'^#\| *export\b', c, flags=re.M)]
    cells = [c for c in cells if not all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.parse(c).body)]
    n = [sum(1 for l in c.splitlines() if l.strip() and not l.startswith('#|')) for c in cells]
    own = [k for k,c in zip(n, cells) if re.search(r"^    name\b.* = '", c, flags=re.M)]
    return [sum(n)-sum(own)+k for k in own]

@pytest.mark.parametrize('notebook', ['03_colour', '04_patches'])
def test_a_task_stays_short(notebook):
    lines = _lines(ROOT/'nbs'/'lessons'/f'{notebook}.ipynb')
    assert len(lines)==2 and 20<min(lines) and max(lines)<=60, lines

# --- a new task is one notebook ---

NEW = {
 'markdown': ['# upside down\n\n> Is the picture upside down?'],
 'code': ['#| default_exp pretext.upside_down', '#| export\nimport torch\nfrom torch import nn\n\nfrom ssl_course.pretext.core import Pretext',
  '''#| export
class UpsideDown(Pretext):
    "Is the picture upside down? A task that came as one notebook."
    name = 'upside_down'
    def setup(self, encoder): self.head = nn.Linear(encoder.n_features, 2)
    def make(self, x):
        k = torch.randint(0, 2, (len(x),), device=x.device)
        return torch.where((k==1)[:,None,None,None], x.flip(2), x), k'''],
}

USE = '''
import sys
from ssl_course import cli,pretrain,transfer
from ssl_course.pretext import upside_down
import ssl_course.all
assert pretrain.pretext_tasks()['upside_down'] is upside_down.UpsideDown is ssl_course.all.UpsideDown
cli.main(['pretrain', '--pretext', 'upside_down', '--budget', 'smoke', '--size', '16', '--out', sys.argv[1]])
print('LINEAGE', transfer.load_encoder(sys.argv[1]).lineage[0]['task'])
from ssl_course import bench,matrix
bench.step_times,bench.views_ratio = (lambda task: (1., 1., 1.)),(lambda: (1., 1., 1.)) # what it times is not the point here
bench.main()
world = ssl_course.all.Postcards(size=16, seed=1)
sizes = dict(pictures=16, search=16, bs=16, width=4, first=(3e-3,), labels=10, tries=(1e-2,), updates=1, fit_bs=8)
table = matrix.pretext_matrix(['upside_down'], {'object': (world.images(60), world.images(20, start=60))}, 1, **sizes)
print('MATRIX', *dict.fromkeys(table.task))
'''

def test_a_new_task_is_one_notebook(tmp_path):
    "Add a notebook, export: it is on the command line with its line of help, in the namespace, in the bench and in the matrix, and it trains. Nothing else was edited."
    top = tmp_path/'checkout'
    top.mkdir()
    for d in ('ssl_course', 'nbs'): shutil.copytree(ROOT/d, top/d, symlinks=True, ignore=shutil.ignore_patterns('__pycache__', 'vendor', '_proc', '.ipynb_checkpoints'))
    for f in ('pyproject.toml', '_quarto.yml', 'README.md', 'settings.ini'): shutil.copy(ROOT/f, top/f)
    sources = {f: f.read_bytes() for f in sorted((top/'ssl_course').rglob('*.py'))}
    cells = [dict(cell_type=k, id=f'{k[0]}{i}', metadata={}, source=s.splitlines(True), **(dict(execution_count=None, outputs=[]) if k=='code' else {}))
             for k,v in NEW.items() for i,s in enumerate(v)]
    (top/'nbs'/'engine'/'99_upside_down.ipynb').write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    env = {**os.environ, 'PYTHONPATH': str(top), 'SSL_COURSE_HOME': str(tmp_path/'home'), 'OMP_NUM_THREADS': '1'}
    run = lambda *a: subprocess.run([*map(str, a)], cwd=top, env=env, capture_output=True, text=True)
    r = run(Path(sys.executable).with_name('nbdev-export'))
    assert r.returncode==0, r.stderr
    changed = [f.name for f,b in sources.items() if f.read_bytes()!=b]
    assert changed in ([], ['_modidx.py']) and (top/'ssl_course'/'pretext'/'upside_down.py').exists()
    r = run(sys.executable, '-m', 'ssl_course.cli', 'pretrain', '--help') if (ROOT/'ssl_course'/'__main__.py').exists() else run(sys.executable, '-c', "from ssl_course.cli import main; main(['pretrain', '--help'])")
    assert re.search(r'upside_down +Is the picture upside down\? A task that came as one notebook\.', r.stdout), r.stdout+r.stderr
    r = run(sys.executable, '-c', USE, tmp_path/'encoder.safetensors')
    assert r.returncode==0 and 'LINEAGE upside_down' in r.stdout, r.stdout+r.stderr
    assert re.search(r'^upside_down +1 im/s', r.stdout, flags=re.M) and 'MATRIX untrained upside_down supervised' in r.stdout, r.stdout+r.stderr

def test_help_has_a_line_for_each_task(capsys):
    from ssl_course.pretrain import pretext_tasks
    with pytest.raises(SystemExit): cli.main(['pretrain', '--help'])
    said = capsys.readouterr().out
    for name in pretext_tasks(): assert re.search(rf'^ +{name} +\S.{{20,}}', said, flags=re.M), f'{name} has no line in:\n{said}'
