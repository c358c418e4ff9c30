"Patches: pieces keep distance and place, labels say the truth, and too small is refused."
import pytest
import torch

from ssl_course import cli
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.jigsaw import Jigsaw,RelativePosition,cut_patches
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def _seed(): torch.manual_seed(0)

@pytest.mark.parametrize('grid,gap,jitter', [(3,0,0), (3,1,1), (2,2,2), (2,0,3), (3,2,0)])
def test_pieces_keep_their_distance_and_their_place(grid, gap, jitter):
    side,n = 32,300
    rows = torch.arange(float(side))[:,None].expand(side, side)
    p = cut_patches(torch.stack([rows, rows.T]).expand(n, 2, side, side), grid, gap, jitter) # pixels hold their row and column
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
    task.views.flip,task.views.scale,task.views.jitter,task.views.gray = 1.,(1., 1.),0.,0.
    ramp = torch.linspace(0, 1, 30).expand(200, 3, 30, 30) # brighter to the right; mirrored: to the left
    inputs,k = task.make(ramp)
    brighter = inputs[:,1].mean((1, 2, 3))>inputs[:,0].mean((1, 2, 3))+.05
    assert torch.equal(brighter, (k==0)|(k==3)|(k==5))

def test_jigsaw_label_says_the_order():
    where = torch.arange(9.).view(3, 3).repeat_interleave(16, 0).repeat_interleave(16, 1).expand(50, 1, 48, 48)
    task = Jigsaw(grid=3, count=64, gap=0, jitter=0).eval()
    inputs,k = task.make(where)
    assert torch.equal(inputs[:,:,0,0,0].long(), task.orders[k])

@pytest.mark.parametrize('task,size', [(lambda: Jigsaw(), 16), (lambda: Jigsaw(grid=3), 32), (lambda: RelativePosition(), 24)])
def test_too_small_is_refused_before_any_training(task, size):
    learn = pretext_learner(Postcards(size=size, threads=1).images(40, target=None).dls(.2, bs=16, device='cpu'), Encoder.small(width=8), task())
    before = {k: v.clone() for k,v in learn.model.state_dict().items()}
    with pytest.raises(InputError, match=rf'Images of {size} pixels.*and 8 are needed'): fit_quietly(learn, lambda l: l.fit(1, 1e-2))
    assert all(torch.equal(v, before[k]) for k,v in learn.model.state_dict().items())

def test_too_small_on_the_command_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as e: cli.main(['pretrain', '--pretext', 'jigsaw', '--size', '16', '--budget', 'smoke', '--out', str(tmp_path/'e.safetensors')])
    said = capsys.readouterr().err
    assert e.value.code==2 and 'Images of 16 pixels' in said and 'Traceback' not in said and not list(tmp_path.iterdir())
