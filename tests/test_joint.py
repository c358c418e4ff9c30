"Joint-embedding methods: losses against the papers' equations in NumPy, gradients, limits, invariances, stop-gradients, resume in a new process, bad input."
import json,math,os,subprocess,sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ssl_course.compute import seeded
from ssl_course.encoder import Encoder
from ssl_course.loaders import *
from ssl_course.postcards import Postcards
from ssl_course.pretext.cluster import DINO,SwAV,dino_loss,sinkhorn,swav_loss
from ssl_course.pretext.contrastive import MoCo,SimCLR,moco_scores,nt_xent
from ssl_course.pretext.decorrelate import BarlowTwins,VICReg,barlow_twins_loss,covariance_term,cross_correlation,variance_term,vicreg_loss
from ssl_course.pretext.joint import cosine_momentum,ema_update,mlp,target_network
from ssl_course.pretext.siamese import BYOL,SimSiam,byol_loss,simsiam_loss
from ssl_course.pretrain import CollapseMeter,alignment,effective_rank,fit_resumable,pretext_learner,pretext_tasks,quietly,spread,uniformity
from ssl_course.settings import CourseError
from ssl_course.views import Views

ROOT = Path(__file__).resolve().parents[1]
rng = np.random.default_rng(7)
A,B,C,D = rng.normal(size=(4, 6, 5)) # N=6 pictures, 5 dimensions, float64
T = torch.tensor

# --- the papers' equations, with loops, independent of the library ---

def cos(a, b): return a@b/np.sqrt(a@a)/np.sqrt(b@b)
def softmax(v): return np.exp(v-v.max())/np.exp(v-v.max()).sum()

def np_nt_xent(z1, z2, temp):
    z,n = np.concatenate([z1, z2]),len(z1)
    return np.mean([-np.log(np.exp(cos(z[i], z[(i+n)%(2*n)])/temp)/sum(np.exp(cos(z[i], z[k])/temp) for k in range(2*n) if k!=i)) for i in range(2*n)])

def np_moco(q, k, queue, temp):
    return np.mean([-np.log(np.exp(a@b/temp)/(np.exp(a@b/temp)+sum(np.exp(a@c/temp) for c in queue))) for a,b in zip(q, k)])

def np_byol(p1, z2, p2, z1): return np.mean([2-2*cos(a, b) for a,b in zip(p1, z2)]) + np.mean([2-2*cos(a, b) for a,b in zip(p2, z1)])
def np_simsiam(p1, z2, p2, z1): return -np.mean([cos(a, b) for a,b in zip(p1, z2)])/2 - np.mean([cos(a, b) for a,b in zip(p2, z1)])/2

def np_barlow(z1, z2, lambd):
    n,d = z1.shape
    a,b = ((z-z.mean(0))/np.sqrt(((z-z.mean(0))**2).mean(0)+1e-5) for z in (z1, z2))
    c = np.array([[sum(a[k,i]*b[k,j] for k in range(n))/n for j in range(d)] for i in range(d)])
    return sum((1-c[i,i])**2 for i in range(d)) + lambd*sum(c[i,j]**2 for i in range(d) for j in range(d) if i!=j)

def np_vicreg(z1, z2, sim=25, std=25, cov=1):
    n,d = z1.shape
    s = ((z1-z2)**2).sum()/(n*d)
    v = [np.mean([max(0, 1-math.sqrt(sum((z[k,j]-z[:,j].mean())**2 for k in range(n))/(n-1)+1e-4)) for j in range(d)]) for z in (z1, z2)]
    covar = lambda z,i,j: sum((z[k,i]-z[:,i].mean())*(z[k,j]-z[:,j].mean()) for k in range(n))/(n-1)
    c = [sum(covar(z, i, j)**2 for i in range(d) for j in range(d) if i!=j)/d for z in (z1, z2)]
    return sim*s + std*np.mean(v) + cov*sum(c)

def np_sinkhorn(scores, eps, iters):
    q = np.exp(scores/eps).T # (K,N), as in the paper's listing
    q /= q.sum()
    for _ in range(iters):
        q /= q.sum(1, keepdims=True); q /= len(q)
        q /= q.sum(0, keepdims=True); q /= q.shape[1]
    return (q*q.shape[1]).T

def np_swav(s1, s2, temp, eps, iters):
    q1,q2 = np_sinkhorn(s1, eps, iters),np_sinkhorn(s2, eps, iters)
    half = lambda s,q: -np.mean([q[i]@np.log(softmax(s[i]/temp)) for i in range(len(s))])
    return (half(s1, q2) + half(s2, q1))/2

def np_dino(s, t, center, temp, teacher_temp):
    half = lambda a,b: -np.mean([softmax((b[i]-center)/teacher_temp)@np.log(softmax(a[i]/temp)) for i in range(len(a))])
    return (half(s[1], t[0]) + half(s[0], t[1]))/2

def near(a, b, tol=1e-9): assert abs(float(a)-float(b))<=tol*max(1, abs(float(b))), (float(a), float(b))

def test_values_are_those_of_the_equations():
    a,b,c,d = map(T, (A, B, C, D))
    for temp in (.1, .5): near(nt_xent(a, b, temp), np_nt_xent(A, B, temp))
    near(byol_loss(a, b, c, d), np_byol(A, B, C, D))
    near(simsiam_loss(a, b, c, d), np_simsiam(A, B, C, D))
    for lambd in (.0051, .5): near(barlow_twins_loss(a, b, lambd), np_barlow(A, B, lambd))
    near(vicreg_loss(a, b), np_vicreg(A, B)), near(vicreg_loss(a/3, b/4, 3, 7, 11), np_vicreg(A/3, B/4, 3, 7, 11))
    near(swav_loss([a, b], .1, .5, 3), np_swav(A, B, .1, .5, 3)), near(swav_loss([a/9, b/9]), np_swav(A/9, B/9, .1, .05, 3), 1e-7)
    near(dino_loss([a, b], [c, d], c[0]/2, .1, .04), np_dino([A, B], [C, D], C[0]/2, .1, .04), 1e-8)

def test_moco_is_infonce_with_a_queue():
    q,k,queue = (z/np.linalg.norm(z, axis=1, keepdims=True) for z in (A, B, rng.normal(size=(8, 5))))
    scores = moco_scores(T(q), T(k), T(queue), .2)
    assert scores.shape==(6, 9)
    near(nn.functional.cross_entropy(scores, torch.zeros(6, dtype=torch.long)), np_moco(q, k, queue, .2))

def test_more_views_are_averaged_over_pairs():
    "Multi-crop: two views give labels, all others must predict them"
    q = [np_sinkhorn(s, .5, 3) for s in (A, B)]
    ce = lambda q,s: -np.mean([q[i]@np.log(softmax(s[i]/.1)) for i in range(len(s))])
    near(swav_loss([T(A), T(B), T(C)], .1, .5), np.mean([ce(q[0], B), ce(q[0], C), ce(q[1], A), ce(q[1], C)]))

LOSSES = dict(nt_xent=nt_xent, barlow=barlow_twins_loss, vicreg=vicreg_loss, byol=lambda a,b: byol_loss(a, b, b, a), simsiam=lambda a,b: simsiam_loss(a, b, b, a),
    dino=lambda a,b: dino_loss([a, b], [T(C), T(D)], T(C[0])), moco=lambda a,b: nn.functional.cross_entropy(moco_scores(a, b, T(C), .2), torch.zeros(6, dtype=torch.long)))

@pytest.mark.parametrize('name', LOSSES)
def test_gradients_by_finite_differences(name):
    a,b = (T(z/2).requires_grad_() for z in (A, B)) # halved: VICReg's hinge is then at work
    assert torch.autograd.gradcheck(LOSSES[name], (a, b))

def test_gradient_of_swav_is_that_of_fixed_codes():
    q1,q2 = (T(np_sinkhorn(z, .5, 3)) for z in (A, B))
    fixed = lambda a,b: -((q2*(a/.1).log_softmax(1)).sum(1).mean() + (q1*(b/.1).log_softmax(1)).sum(1).mean())/2
    grads = []
    for f in (fixed, lambda a,b: swav_loss([a, b], .1, .5, 3)):
        a,b = (T(z).requires_grad_() for z in (A, B))
        grads.append(torch.autograd.grad(f(a, b), (a, b)))
    for g,h in zip(*grads): torch.testing.assert_close(g, h)
    assert torch.autograd.gradcheck(fixed, (a, b))

# --- limits, invariances, and changes that must show ---

def test_known_limits():
    same = torch.ones(6, 5, dtype=torch.float64)
    near(nt_xent(same, same, .3), math.log(11)), near(byol_loss(same, same, same, same), 0), near(simsiam_loss(same, -same, same, -same), 1)
    hadamard = T([[1., 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64) # standardised and uncorrelated
    near(barlow_twins_loss(hadamard, hadamard), 0, 1e-8), near(barlow_twins_loss(same, same), 5)
    near(variance_term(same), 1-.01), near(variance_term(2*hadamard), 0), near(covariance_term(hadamard), 0)
    near(swav_loss([same, same]), math.log(5)), near(dino_loss([same, same], [same, same], same[0]), math.log(5))

def test_invariances():
    a,b,c,d = map(T, (A, B, C, D))
    mix = torch.tensor([3, 0, 5, 1, 4, 2])
    for f in (nt_xent, barlow_twins_loss, vicreg_loss, lambda a,b: swav_loss([a, b]), lambda a,b: dino_loss([a, b], [a, b], c[0])):
        near(f(a, b), f(b, a)), near(f(a, b), f(a[mix], b[mix]))
    near(byol_loss(a, b, c, d), byol_loss(c, d, a, b)), near(simsiam_loss(a, b, c, d), simsiam_loss(c, d, a, b))
    near(byol_loss(a, b, c, d), byol_loss(a[mix], b[mix], c[mix], d[mix]))
    near(nt_xent(3*a, 7*b), nt_xent(a, b)), near(byol_loss(2*a, 3*b, 4*c, 5*d), byol_loss(a, b, c, d)), near(simsiam_loss(2*a, 3*b, c, d), simsiam_loss(a, b, c, d))
    near(barlow_twins_loss(5*a+2, b-3), barlow_twins_loss(a, b), 1e-4), near(sinkhorn(a+3).sum(), sinkhorn(a).sum())
    near(dino_loss([a, b], [c+4, d+4], c[0]+4), dino_loss([a, b], [c, d], c[0]), 1e-8)

def test_changes_that_must_show():
    a,b = map(T, (A, B))
    near(vicreg_loss(a+2, a) - vicreg_loss(a, a), 25*4, 1e-9) # centring before comparing would hide it
    assert nt_xent(a, a)<nt_xent(a, b)<nt_xent(a, -a) and nt_xent(a, a[[1, 2, 3, 4, 5, 0]])>nt_xent(a, a)
    assert barlow_twins_loss(a, a[[1, 2, 3, 4, 5, 0]])>barlow_twins_loss(a, a)
    assert vicreg_loss(a/10, a/10)>vicreg_loss(a, a) # too little spread
    twice = torch.cat([a, a], 1)
    assert covariance_term(twice)>covariance_term(a) and barlow_twins_loss(twice, twice)>2*barlow_twins_loss(a, a)

def test_cross_correlation_is_that_of_numpy():
    near((cross_correlation(T(A), T(B)) - T(np.corrcoef(A.T, B.T)[:5,5:])).abs().max(), 0, 1e-4)

# --- parts ---

@pytest.mark.parametrize('shape', [(6, 3), (40, 8), (8, 8)])
def test_sinkhorn_sums(shape):
    s = torch.rand(shape, dtype=torch.float64)
    q = sinkhorn(s, .1, 200)
    torch.testing.assert_close(q.sum(1), torch.ones(shape[0], dtype=torch.float64))
    torch.testing.assert_close(q.sum(0), torch.full((shape[1],), shape[0]/shape[1], dtype=torch.float64))
    np.testing.assert_allclose(sinkhorn(s, .1, 3), np_sinkhorn(s.numpy(), .1, 3), rtol=1e-9)
    assert not sinkhorn(s.requires_grad_()).requires_grad and torch.isfinite(sinkhorn(s, 1e-3)).all()

def test_ema_is_its_closed_form():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    target = target_network(net)
    begin = {k: v.clone() for k,v in target[0].state_dict().items()}
    with torch.no_grad():
        for p in net.parameters(): p.add_(torch.randn_like(p))
        net[1].running_mean.fill_(5.)
    k,m = 7,.9
    for _ in range(k): ema_update(target, [net], m)
    learned = dict(net.named_parameters())
    for n,v in target[0].state_dict().items(): # what is not learned, the running statistics, stays the target's own
        want = m**k*begin[n] + (1-m**k)*learned[n] if n in learned else begin[n]
        torch.testing.assert_close(v, want, rtol=1e-5, atol=1e-6)
    near(cosine_momentum(.996, 0), .996), near(cosine_momentum(.996, 1), 1), near(cosine_momentum(.99, 1/3), 1-.01*.75)

def images(n=16, size=16): return torch.from_numpy(Postcards(size=size, seed=3).draw(range(n))).permute(0, 3, 1, 2)/255

SMALL = dict(simclr={}, moco=dict(queue=64), byol={}, simsiam={}, barlow_twins=dict(dim=32, hidden=32), vicreg=dict(dim=32, hidden=32), swav=dict(prototypes=8), dino=dict(prototypes=16))
each = pytest.mark.parametrize('name', SMALL)

def made(name, width=4, **kwargs):
    encoder,task = Encoder.small(width=width),pretext_tasks()[name](**SMALL[name], **kwargs)
    task.setup(encoder)
    return encoder,task

@each
def test_only_what_should_learn_gets_a_gradient(name):
    "Target networks, queue and centre get none; everything else of encoder and task does"
    encoder,task = made(name)
    inputs,target = task.make(images())
    task.loss(task(encoder, inputs), target).backward()
    learns = [n for n,p in task.named_parameters() if not n.startswith('target.')]
    assert learns and all(dict(task.named_parameters())[n].grad is not None for n in learns)
    assert all(p.grad is None and not p.requires_grad for n,p in task.named_parameters() if n.startswith('target.'))
    assert any(p.grad is not None and p.grad.abs().sum()>0 for p in encoder.parameters())
    assert hasattr(task, 'target')==(task.passes[1]>0)

def test_no_gradient_through_teacher_codes_and_keys():
    t = [T(z).requires_grad_() for z in (C, D)]
    s = [T(z).requires_grad_() for z in (A, B)]
    dino_loss(s, t, T(C[0])).backward()
    assert all(o.grad is None or not o.grad.any() for o in t) and all(o.grad.any() for o in s)
    # if codes had a gradient, the scores of a view that is only a label would get one
    a,b = (T(z).requires_grad_() for z in (A, B))
    q = sinkhorn(a, .5, 3)
    (-(q*(b/.1).log_softmax(1)).sum(1).mean()).backward()
    assert a.grad is None and b.grad.any()

def test_stop_gradient_of_simsiam_can_be_taken_away():
    for stop in (True, False):
        encoder,task = made('simsiam', stop_gradient=stop)
        p,z = task(encoder, task.make(images())[0])
        assert p.requires_grad and z.requires_grad!=stop

def test_target_networks_follow():
    for name in ('moco', 'byol', 'dino'):
        encoder,task = made(name, momentum=.9)
        begin = task.target[0].body[0][0].weight.clone()
        with torch.no_grad(): encoder.body[0][0].weight.add_(1.)
        task.after_step(encoder)
        torch.testing.assert_close(task.target[0].body[0][0].weight, begin+.1, rtol=0, atol=1e-5)
    task.progress = 1. # at the end of the schedule it stands still
    begin = task.target[0].body[0][0].weight.clone()
    task.after_step(encoder)
    assert torch.equal(task.target[0].body[0][0].weight, begin)

def test_keys_are_normalised_in_other_company():
    "Shuffling BN: the batch statistics of a key are those of a random part of the batch, not of its query's batch"
    encoder,task = made('moco')
    x = images()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        k = task.key(x)
        torch.manual_seed(5)
        order = torch.randperm(len(x))
    want = torch.empty_like(k)
    for part in order.chunk(2): want[part] = nn.functional.normalize(task.target(x[part]), dim=1)
    torch.testing.assert_close(k, want)
    whole = nn.functional.normalize(task.target(x), dim=1)
    assert (k-whole).abs().max()>1e-3 and not k.requires_grad

def test_queue_holds_the_latest_keys():
    encoder,task = made('moco')
    task.target.eval() # keys then don't depend on their company, and the shuffled ones must be those in order
    x = images()
    for i in range(5): # 80 keys into 64 places
        inputs,_ = task.make(x)
        task(encoder, inputs)
        with torch.no_grad(): k = nn.functional.normalize(task.target(inputs.chunk(2)[1]), dim=1)
        torch.testing.assert_close(task.keys[i*16%64:i*16%64+16], k)
    assert task.place==16
    before = task.keys.clone()
    task.eval(); task(encoder, inputs)
    assert torch.equal(task.keys, before)

def test_center_is_a_running_mean():
    encoder,task = made('dino', center_momentum=.5)
    for _ in range(3):
        was = task.center.clone()
        _,t,center = task(encoder, task.make(images())[0])
        assert torch.equal(center, was)
        torch.testing.assert_close(task.center, .5*was+.5*torch.cat(t).mean(0))
    task.eval(); was = task.center.clone(); task(encoder, task.make(images())[0])
    assert torch.equal(task.center, was)

# --- SimCLR stays what it was ---

def test_simclr_is_unchanged():
    "The projector's layout, its random numbers and the order of the views are those of the first release"
    with seeded(5): encoder = Encoder.small(width=4); task = SimCLR(); task.setup(encoder); got = task.make(images())[0]
    with seeded(5):
        encoder = Encoder.small(width=4)
        net = nn.Sequential(nn.Linear(32, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 128))
        x = images(); want = torch.cat([task.views(x), task.views(x)])
    assert torch.equal(got, want) and list(net.state_dict())==list(task.projector.state_dict())
    for a,b in zip(net.parameters(), task.projector.parameters()): assert torch.equal(a, b)
    assert task.spec()=={'task': 'simclr', 'temp': .2, 'dim': 128, 'hidden': 256, 'views': repr(task.views)}

# --- resume: in a new process, bit for bit ---

def learner(name):
    with seeded(11):
        dls = Postcards(size=16, seed=2).images(72).unlabelled().dls(valid=.1, bs=16)
        return pretext_learner(dls, Encoder.small(width=4), pretext_tasks()[name](**SMALL[name]))

def train(name, file, stop_after=None, epochs=4):
    learn = learner(name)
    with learn.no_bar(), learn.no_logging(): fit_resumable(learn, epochs, 3e-3, file, stop_after=stop_after)
    return learn

def everything(learn):
    "All that must be the same, as a flat dict of tensors and values"
    opt = learn.opt.state_dict()
    out = {f'model.{k}': v for k,v in learn.model.state_dict().items()}
    out |= {f'opt.{i}.{k}': v for i,s in opt['state'].items() for k,v in s.items()}
    plain = lambda v: [float(o) for o in v] if isinstance(v, (tuple, list)) else float(v) if isinstance(v, (int, float)) else v
    out |= {f'group.{k}': plain(v) for k,v in opt['param_groups'][0].items() if k!='params'}
    return out | dict(torch=torch.get_rng_state(), numpy=str(np.random.get_state()), shuffle=str([dl.rng.getstate() for dl in learn.dls.loaders]))

@pytest.fixture(scope='module')
def second_half(tmp_path_factory):
    "Two epochs of every method here, then one new process that trains the other two of each"
    folder = tmp_path_factory.mktemp('resume')
    for name in SMALL:
        with seeded(1): train(name, folder/f'{name}.safetensors', stop_after=2)
    code = f"import sys; sys.path.insert(0, {str(ROOT/'tests')!r}); import test_joint as t, torch\nfor n in t.SMALL: torch.save(t.everything(t.train(n, {str(folder)!r}+f'/{{n}}.safetensors')), {str(folder)!r}+f'/{{n}}.pt')"
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])}
    r = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=env)
    assert r.returncode==0, r.stderr[-3000:]
    return folder

@each
def test_two_and_two_epochs_are_four(name, second_half, tmp_path):
    with seeded(1):
        straight = train(name, tmp_path/'straight.safetensors')
        want = everything(straight)
    got = torch.load(second_half/f'{name}.pt', weights_only=True)
    assert sorted(got)==sorted(want)
    differ = [k for k in want if not (torch.equal(got[k], want[k]) if torch.is_tensor(want[k]) else got[k]==want[k])]
    assert differ==[]
    if name=='moco': assert 'model.task.keys' in want and not torch.equal(want['model.task.keys'], learner(name).model.task.keys)

def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    f = tmp_path/'a.safetensors'
    with seeded(1): train('simclr', f, stop_after=1)
    with pytest.raises(CourseError, match='task: simclr there, byol now'): train('byol', f)
    with pytest.raises(CourseError, match='epochs: 4 there, 5 now'): train('simclr', f, epochs=5)

def test_moments_lie_in_memory_as_their_weights(tmp_path):
    "A fused optimiser reads both from end to end, whatever the order of their dimensions"
    with seeded(1): train('simclr', tmp_path/'a.safetensors', stop_after=1)
    learn = train('simclr', tmp_path/'a.safetensors', stop_after=2)
    states = [(p, s[k]) for p,s in learn.opt.opt.state.items() for k in ('exp_avg', 'exp_avg_sq')]
    assert any(p.ndim==4 for p,_ in states) and all(p.stride()==m.stride() for p,m in states)

# --- the meter ---

def test_meter_numbers_against_numpy():
    z = A/np.linalg.norm(A, axis=1, keepdims=True)
    w = B/np.linalg.norm(B, axis=1, keepdims=True)
    near(spread(T(A)), z.std(0, ddof=1).mean()*math.sqrt(5), 1e-5)
    p = np.linalg.svd(z, compute_uv=False); p = p/p.sum()
    near(effective_rank(T(A)), np.exp(-(p*np.log(p)).sum()), 1e-5)
    near(alignment(T(A), T(B)), ((z-w)**2).sum(1).mean(), 1e-5)
    near(uniformity(T(A)), np.log(np.mean([np.exp(-2*((z[i]-z[j])**2).sum()) for i in range(6) for j in range(6) if i!=j])), 1e-5)

class Collapsing(SimSiam):
    "Scales away what differs: a collapse on command"
    name = None
    def forward(self, encoder, inputs):
        with torch.no_grad():
            for p in self.projector.parameters(): p.mul_(.5 if p.ndim==2 else 1.)
            self.projector[-1].bias.fill_(1.)
        return super().forward(encoder, inputs)

def test_meter_warns_once_and_names_the_cause(capsys):
    meter = CollapseMeter(every=1)
    with seeded(0):
        dls = Postcards(size=16, seed=2).images(72).unlabelled().dls(bs=16)
        learn = pretext_learner(dls, Encoder.small(width=4), Collapsing(batch_norm=False, stop_gradient=False), cbs=meter)
        quietly(learn, lambda l: l.fit(4, 1e-4))
    out = capsys.readouterr().out
    assert out.count('Collapse is under way')==1 and 'there is no stop-gradient' in out and meter.warning in out
    t = meter.table
    assert set(t.of)=={'embedding', 'projection'} and t[t.of=='projection'].spread.iloc[-1]<.2 and meter.plot().alt

def test_meter_costs_little():
    "Less than 2 % of the training, at the batch size of `make course`"
    from ssl_course.bench import meter_share
    assert 0<meter_share(steps=20)<.02

def test_meter_is_quiet_when_all_is_well(capsys):
    meter = CollapseMeter(every=1)
    with seeded(0):
        learn = learner('simclr'); learn.add_cb(meter)
        quietly(learn, lambda l: l.fit(2, 1e-3))
    assert meter.warning is None and 'Collapse' not in capsys.readouterr().out and not any(m._forward_hooks for m in learn.model.modules())

# --- bad input: one sentence, before training ---

def refused(task, match, n=40, bs=16, **kwargs):
    dls = Postcards(size=16, seed=2).images(n).unlabelled().dls(bs=bs, **kwargs)
    learn = pretext_learner(dls, Encoder.small(width=4), task)
    begin = [p.detach().clone() for p in learn.model.parameters()]
    with learn.no_bar(), learn.no_logging(), pytest.raises(CourseError, match=match) as e: learn.fit(1)
    assert all(torch.equal(a, b) for a,b in zip(begin, learn.model.parameters())) and str(e.value).count('. ')<=1

def test_refused_before_training():
    refused(SimCLR(), 'in training one has 1', bs=1)
    refused(VICReg(), 'in validation one has 1', n=17, valid=1/17)
    refused(MoCo(queue=100), 'not a whole number of batches of 16; take 96')
    refused(SwAV(prototypes=17), '16 prototypes at most')
    refused(BYOL(views=(Views(size=16), Views(size=12))), 'different sizes')

def test_a_last_batch_of_one_is_refused():
    dls = Postcards(size=16, seed=2).images(40).unlabelled().dls(bs=16, valid=7/40)
    dls.train.drop_last = False # 33 images: batches of 16, 16 and 1
    learn = pretext_learner(dls, Encoder.small(width=4), BarlowTwins())
    with learn.no_bar(), learn.no_logging(), pytest.raises(CourseError, match='in training one has 1'): learn.fit(1)

@pytest.mark.parametrize('make', [partial(SimCLR, temp=0), partial(SimCLR, temp=-1), partial(MoCo, temp=0), partial(SwAV, temp=0), partial(SwAV, eps=0), partial(DINO, temp=0), partial(DINO, teacher_temp=-.1)])
def test_temperatures_must_be_above_0(make):
    with pytest.raises(CourseError, match='above 0'): make()

@each
def test_one_screen(name):
    "Each method in 70 lines at the most"
    import inspect
    cls = pretext_tasks()[name]
    parts = [inspect.getsource(cls)] + [inspect.getsource(f) for k,f in vars(cls).items() if callable(f) and getattr(f, '__qualname__', '')==k]
    assert sum(len([l for l in s.splitlines() if l.strip()]) for s in parts)<=70
