import sys,json,hashlib,subprocess; sys.path.insert(0,'/tmp'); from nbq import N
p='/tmp/wt/twelve/nbs/exercises/without_negatives_exercises.ipynb'
old=json.loads(subprocess.run(['git','-C','/work/main','show','5e73500:nbs/exercises/without_negatives_exercises.ipynb'],capture_output=True,text=True).stdout)
json.dump(dict(old,cells=old['cells'][:2]),open(p,'w')); n=N(p)
def add(t,kind):
    n.ins(len(n.c),t,kind); n.c[-1]['id']=hashlib.sha256((kind+t).encode()).hexdigest()[:8]
def md(t): add(t,'markdown')
def code(t): add(t,'code')
code('''#| export
from functools import partial

import torch
import torch.nn.functional as F

from ssl_course.course.checks import Case,exercise,judge_experiment,mistake''')
n.c+=old['cells'][3:6]
md('''## Without batch norm

An experiment, so many values are right: the check wants a spread in the range in which seeds and processors differ, and the letter that it bears out. Three seeds gave 0.10 to 0.12 without batch norm in the heads. Without EMA the spread stays at 0.75 or more; without the predictor it falls to 0.05.

So here, at this size, BYOL does collapse without batch norm in its heads, to a handful of directions. That doesn't contradict Richemond et al., who put another normalization in its place. It does show that "batch norm isn't needed" and "you can leave it out" are two sentences.''')
code('''#| export
def _right(spread): return 'A' if spread>.5 else 'B' if spread>=.2 else 'C'

_hint = ("The last value of the column `spread` of `meter.table`, of the rows where `of` is "
         "'projection'.")
_judge = partial(judge_experiment, right=_right, low=(.01, 'less than any training left here'),
                 high=(.4, 'what BYOL has with batch norm; did `batch_norm=False` arrive?'))

@exercise(Case(hint=_hint), accept=_judge)
def without_batch_norm():
    "Spread of the projections after BYOL without batch norm, and the right letter."
    from ssl_course.all import BYOL,CollapseMeter,Postcards,strong_views
    from ssl_course.course.experiments.two_view_methods import pretrained_by
    postcards = Postcards(32, seed=42).images(2000, start=2_500_000, target=None)
    meter = CollapseMeter(every=5)
    task = BYOL(batch_norm=False, views=strong_views(size=24))
    pretrained_by(task, postcards, 10_000, cbs=meter)
    t = meter.table
    return float(t[t.of=='projection'].spread.iloc[-1]),'C'

@mistake(without_batch_norm, _hint)
def _of_the_embedding(): return .66,'A'

@mistake(without_batch_norm, 'Compare the spread with the three ranges of the question again.')
def _misread(): return .104,'B\'''')
n.c[-1]['source'][-1]=n.c[-1]['source'][-1].replace("\\'","'")
md('''## The stop-gradient, by autograd

The gradient with respect to $z_1$ comes by way of $p_1$ alone. As the target of $p_2$, $z_1$ is a constant.''')
code('''#| export
_z1,_z2,_h = _random(6, 4),_random(6, 4, seed=1),_random(4, 4, seed=2)

@exercise(Case(_z1, _z2, _h,
               hint='Half of each direction, minus the cosine, mean over the batch; detach the '
                    'targets and nothing else.'),
          Case(_random(3, 5, seed=3), _random(3, 5, seed=4), _random(5, 5, seed=5)))
def loss_and_its_gradient(z1, z2, h):
    """SimSiam's loss of vectors z1 and z2 (N,D) with the predictions z1 @ h and z2 @ h, mean over
    the batch; and its gradient with respect to z1 (N,D), by autograd."""
    z1 = z1.clone().requires_grad_()
    cos = lambda p, z: F.cosine_similarity(p, z.detach(), dim=1).mean()
    loss = -(cos(z1 @ h, z2)+cos(z2 @ h, z1))/2
    return loss.detach(),torch.autograd.grad(loss, z1)[0]''')
code('''#| export
def _with(z1, z2, h, cos):
    z1 = z1.clone().requires_grad_()
    loss = -(cos(z1 @ h, z2)+cos(z2 @ h, z1))/2
    return loss.detach(),torch.autograd.grad(loss, z1)[0]

@mistake(loss_and_its_gradient,
         'A gradient went through the target. As the target of p2, z1 has to be a constant.')
def _no_stop(z1, z2, h):
    return _with(z1, z2, h, lambda p, z: F.cosine_similarity(p, z, dim=1).mean())

@mistake(loss_and_its_gradient,
         'The prediction has to learn and the target to stand still: you stopped the gradient on '
         'the other side.')
def _wrong_side(z1, z2, h):
    return _with(z1, z2, h, lambda p, z: F.cosine_similarity(p.detach(), z, dim=1).mean())

@mistake(loss_and_its_gradient, 'That is the sum of both directions; equation 4 has half of each.')
def _sum(z1, z2, h): return tuple(2*o for o in loss_and_its_gradient(z1, z2, h))''')
n.c+=old['cells'][10:12]
md('''## A predictor by formula

For a symmetric matrix $F = V\\,\\mathrm{diag}(\\lambda)\\,V^\\top$ the square root is $V\\,\\mathrm{diag}(\\sqrt\\lambda)\\,V^\\top$. Rounding can make an eigenvalue a little less than zero.''')
code('''#| export
@exercise(Case(_random(30, 4), hint='`torch.linalg.eigh` gives eigenvalues and eigenvectors.'),
          Case(_random(30, 4)*torch.tensor([1., 2., 3., 0.]),
               hint='An eigenvalue that should be zero may be slightly negative: clamp it.'),
          Case(_random(8, 5, seed=7)), tol=1e-3)
def direct_predictor(z):
    """Of vectors z (N,D): the matrix F = zᵀz/N, and its square root (D,D), by eigenvalues and
    eigenvectors: the symmetric matrix P with P @ P = F."""
    f = z.T @ z/len(z)
    values,vectors = torch.linalg.eigh(f)
    return f,vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T

@mistake(direct_predictor,
         'That is the root of each entry. The root of a matrix multiplies with itself, as a matrix, '
         'to give F.')
def _of_entries(z):
    f = z.T @ z/len(z)
    return f,f.clamp(min=0).sqrt()

@mistake(direct_predictor, 'Without the root: P @ P would be F @ F.')
def _no_root(z):
    f = z.T @ z/len(z)
    return f,f

@mistake(direct_predictor, 'That is the sum over the vectors; divide by how many there are.')
def _not_mean(z): return direct_predictor(z*len(z)**.5)''')
code('''#| hide
for ex in (without_batch_norm, loss_and_its_gradient, steps_to_follow, direct_predictor):
    test_eq(exercise_faults(getattr(exported, ex.__name__).exercise), [])''')
n.save()
