"What a notebook cell can't check well of `energy`: the losses against NumPy and finite differences."
import numpy as np
import pytest
import torch

from ssl_course.course import energy as en

# --- the losses, worked out a second time ---

@pytest.fixture
def pairs():
    rng = np.random.default_rng(3)
    return rng.standard_normal((7, 4)),rng.standard_normal((7, 4))

def unit(z): return z/np.linalg.norm(z, axis=1, keepdims=True)
def tensors(*arrays): return [torch.tensor(a, dtype=torch.float64) for a in arrays]

def margin_by_hand(a, b, margin):
    n = len(a)
    d = [[np.sqrt(sum((p-q)**2 for p,q in zip(a[i], b[j]))) for j in range(n)] for i in range(n)]
    near = sum(d[i][i]**2 for i in range(n))/n
    far = sum(max(0, margin-d[i][j])**2 for i in range(n) for j in range(n) if i!=j)/(n*(n-1))
    return near+far

def nce_by_hand(a, b, temp):
    e = ((a[:,None]-b[None])**2).sum(2) # the formula of the lesson, with energies; the library takes cosines
    p = np.exp(-e/(2*temp))
    own = np.diag(p)
    return -(np.log(own/p.sum(1)).mean()+np.log(own/p.sum(0)).mean())/2

def vicreg_by_hand(a, b, std, cov, sim):
    n,d = a.shape
    total = sim*((a-b)**2).mean() # as the authors' code: mean over all entries
    for z in (a, b):
        z = z-z.mean(0)
        c = z.T@z/(n-1)
        total += std*np.maximum(0, 1-np.sqrt(np.diag(c)+1e-4)).mean()/2 + cov*((c**2).sum()-(np.diag(c)**2).sum())/d
    return total

@pytest.mark.parametrize('margin', [.3, 1., 2.5])
def test_margin_loss(pairs, margin): assert float(en.margin_loss(*tensors(*pairs), margin))==pytest.approx(margin_by_hand(*pairs, margin), rel=1e-6)

@pytest.mark.parametrize('temp', [.05, .5, 3.])
def test_info_nce_is_a_softmax_of_energies(pairs, temp):
    a,b = map(unit, pairs)
    assert float(en.info_nce(*tensors(a, b), temp))==pytest.approx(nce_by_hand(a, b, temp), rel=1e-9)

@pytest.mark.parametrize('weights', [(25., 1., 25.), (0., 0., 1.), (3., 0., 0.), (0., 2., 0.)])
def test_vicreg_is_that_of_the_paper_in_another_scale(pairs, weights):
    a,b = (.4*z for z in pairs) # small enough for the hinge to be at work
    scaled = tensors(a/2, b/2) # √4 dimensions
    assert float(en.vicreg_small(*scaled, *weights))==pytest.approx(vicreg_by_hand(a, b, *weights), rel=1e-9, abs=1e-12)

@pytest.mark.parametrize('loss', [en.pull_down, en.margin_loss, en.info_nce, en.vicreg_small])
def test_gradients(pairs, loss):
    a,b = (z.requires_grad_() for z in tensors(*map(unit, pairs)))
    assert torch.autograd.gradcheck(loss, (a, b), atol=1e-5)

@pytest.mark.parametrize('loss', [en.pull_down, en.margin_loss, en.info_nce, en.vicreg_small])
def test_order_of_the_batch_and_of_the_sides_is_nothing(pairs, loss):
    a,b = tensors(*map(unit, pairs))
    i = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    assert float(loss(a[i], b[i]))==pytest.approx(float(loss(a, b))) and float(loss(b, a))==pytest.approx(float(loss(a, b)))

def test_only_pulling_likes_it_flat(pairs):
    "The point of the lesson: by each loss but one, a collapsed batch is worse than embeddings in four corners"
    flat,corners = torch.ones(4, 3)/3**.5,torch.tensor([[1., 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])/3**.5
    assert en.pull_down(flat, flat)==en.pull_down(corners, corners)==0
    for loss in (en.margin_loss, en.info_nce, en.vicreg_small): assert loss(flat, flat)>loss(corners, corners)+.2

# --- surfaces ---

def test_surface_has_y_upwards_and_x_to_the_right():
    s = en.surface(lambda x, y: (10*y+x)[:,0], n=5, width=2)
    assert s[0,0]==-22 and s[-1,0]==18 and s[0,-1]==-18

def test_leak_of_energies_that_are_known():
    ring = lambda x, y: ((x**2+y**2)[:,0].sqrt()-1).abs()
    assert en.energy_gap_and_leak(ring)[1]==0
    assert en.energy_gap_and_leak(lambda x, y: 1e-6*ring(x, y))[1]==0 and en.energy_gap_and_leak(lambda x, y: 1e-6*ring(x, y))[0]<1e-6, 'the leak knows the order only, the walls the scale'
    assert en.energy_gap_and_leak(lambda x, y: 1-ring(x, y))[1]>.9, 'upside down'

def test_training_can_be_repeated_and_leaves_random_numbers_alone():
    torch.manual_seed(5); want = torch.rand(3)
    torch.manual_seed(5); a,_ = en.learn_energy(en.info_nce, 4, seed=1)
    assert torch.equal(torch.rand(3), want)
    b,_ = en.learn_energy(en.info_nce, 4, seed=1)
    c,_ = en.learn_energy(en.info_nce, 4, seed=2)
    same = lambda m, n: all(torch.equal(p, q) for p,q in zip(m.parameters(), n.parameters()))
    assert same(a, b) and not same(a, c)

def test_off_the_sphere_unrelated_embeddings_have_energy_two():
    m = en.JointEmbedding(dim=400, sphere=False)
    m.f = m.g = torch.nn.Identity()
    g = torch.Generator().manual_seed(0)
    assert m.energy(*torch.randn(2, 50, 400, generator=g)).mean().item()==pytest.approx(2, abs=.05)
