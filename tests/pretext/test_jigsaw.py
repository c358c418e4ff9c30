"Patches: pieces keep distance and place, labels say the truth, and too small is refused."
import pytest
import torch

from ssl_course import cli
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext._permutations import shuffle_pieces
from ssl_course.pretext.jigsaw import AnyPair,Jigsaw,MiddleCrop,OneChannel,RelativePosition,cut_patches,edge_differences,order_by_edges
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.utils import InputError
from ssl_course.views import Views

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

STILL = dict(scale=(1., 1.), ratio=(1., 1.), flip=0., jitter=0., gray=0.) # views that change nothing

def test_any_pair_is_one_of_neighbors():
    "Both pieces come from all nine places, each side equally often, and its label is the step from the first to the second"
    where = torch.arange(9.).view(3, 3).repeat_interleave(10, 0).repeat_interleave(10, 1).expand(8000, 1, 30, 30)
    inputs,k = AnyPair(0, 0).eval().make(where)
    a,b = inputs[:,:,0,0,0].long().T
    step = 3*(b//3-a//3)+b%3-a%3+4
    assert torch.equal(step-(step>4).long(), k) and ((b//3-a//3).abs()<=1).all() and ((b%3-a%3).abs()<=1).all()
    assert all(len(o.unique())==9 for o in (a, b)) and k.bincount().min()>800
    assert (b[k==0].unique()==torch.tensor([0, 1, 3, 4])).all() # above left: never in the last row or column

def test_touching_pieces_are_those_of_the_middle():
    "As large as those that lie apart, with the same one in the middle"
    x = torch.rand(20, 3, 64, 64)
    near,far = RelativePosition(0, 0, MiddleCrop(42, **STILL)),RelativePosition(7, 0, Views(**STILL))
    which = torch.tensor([[4, 5]]).expand(20, 2)
    a,b = near.pieces(x, which),far.pieces(x, which)
    assert a.shape==b.shape==(20, 2, 3, 14, 14) and torch.allclose(a[:,0], x[:,:,25:39,25:39], atol=1e-5)
    assert torch.allclose(a[:,1], x[:,:,25:39,39:53], atol=1e-5) and torch.allclose(b[:,1], x[:,:,24:38,45:59], atol=1e-5)

def test_one_channel_is_left_of_each_piece():
    x = torch.rand(300, 3, 8, 8)
    out = OneChannel(**STILL).color(x)
    assert (out==out[:,:1]).all()
    kept = (out[:,:1]==x).flatten(2).all(2)
    assert (kept.sum(1)==1).all() and (kept.sum(0)>60).all()

def test_edges_that_went_on_differ_least():
    "On a surface that is smooth, but nowhere level, the true side and the true order fit best"
    y = torch.linspace(0, 1, 30)
    x = (y[:,None]**2+2*y[None]+3*y[:,None]*y[None]).expand(1, 3, 30, 30)
    nine = cut_patches(x, 3)
    d = torch.stack([edge_differences(nine[:,4], nine[:,k+(k>=4)])[0] for k in range(8)])
    straight = [1, 3, 4, 6] # corners are single pixels, and many agree by chance
    assert torch.equal(d[straight][:,straight].argmin(1), torch.arange(4))
    orders = Jigsaw(3, 64).orders
    assert torch.equal(order_by_edges(shuffle_pieces(nine.expand(64, -1, -1, -1, -1), orders), orders), torch.arange(64))
