import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root='/tmp/wt/fourteen'
p=f'{root}/nbs/exercises/consistency_exercises.ipynb'
base=json.load(open(f'{root}/nbs/exercises/energy_exercises.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def md(t): n.ins(len(n.c),t,'markdown')
def code(t): n.ins(len(n.c),t)
md('''# Solutions: consistency

> The exercises of lesson 14, their solutions, and the mistakes that their checks know.''')
code('#| default_exp course.solutions.consistency')
code('''#| export
import math
from functools import partial

import torch
import torch.nn.functional as F

from ssl_course.course.checks import Case,exercise,judge_experiment,mistake''')
code('''#| hide
from fastcore.test import test_eq
from ssl_course.course.checks import exercise_faults
from ssl_course.course.solutions import consistency as exported''')
md('''This page gives everything away: do the exercises in the lesson first. Each one is a solution with the cases that an answer
is tried on, followed by wrong answers that people are likely to give, with the hint that each of them gets.''')
md('''## Shaken too far

A strong view has to keep the class. A point that is shaken by 1.0 may land on the other moon, or beyond it, and its old label goes with it. With these ten labels it ends at 72%, where the labels alone reach 86%.''')
code('''#| export
_hint = ('Ten labels, `pick_labels(x, y, seed=0)`; in `extra`, the weak view is the point itself '
         'and the strong one `u+1.0*torch.randn_like(u)`, with a threshold of .95.')
_letter = lambda a: 'A' if a>=.95 else 'B' if a>=.8 else 'C'
_judge = partial(judge_experiment, right=_letter, low=(.45, 'worse than guessing'),
                 high=(.995, 'what a small shake reaches at its best'))

@exercise(Case(hint=_hint), accept=_judge)
def shaken_too_far():
    "Accuracy of FixMatch whose strong views are shaken by 1.0, and the right letter."
    import torch
    from ssl_course.consistency import fixmatch_loss
    from ssl_course.course.moons import pick_labels,train_moons,two_moons
    x,y = two_moons()
    def extra(net, slow, u, progress):
        return fixmatch_loss(net(u), net(u+torch.randn_like(u)), threshold=.95)
    net,*_ = train_moons(x, y, pick_labels(x, y, seed=0), extra, seed=42)
    accuracy = float((net(x).argmax(1)==y).float().mean())
    return accuracy,'A' if accuracy>=.95 else 'B' if accuracy>=.8 else 'C'

@mistake(shaken_too_far, _hint)
def _perfect(): return 1.,'A'

@mistake(shaken_too_far, 'Compare the number with the three ranges of the question again.')
def _misread(): return .7,'A'
''')
md('''## Sure, or not''')
code('''#| export
_p = torch.tensor([[.75, .125, .125], [.25, .5, .25], [.125, .375, .5], [.25, .375, .375]])

@exercise(Case(_p, .5, hint='The largest probability of each row decides; *at least* means ≥.'),
          Case(_p[:2], .75))
def sure_labels(p, threshold):
    """Probabilities p (N,n) → the most probable class of each (N,), and whether its probability
    is at least `threshold` (N,) bool."""
    best,label = p.max(1)
    return label,best>=threshold

@mistake(sure_labels, 'A probability that equals the threshold counts, too.')
def _strictly(p, threshold):
    best,label = p.max(1)
    return label,best>threshold

@mistake(sure_labels, 'One truth value for each image, not for each class: its largest '
         'probability decides.')
def _each_class(p, threshold): return p.argmax(1),p>=threshold

@mistake(sure_labels, 'All labels are wanted, one for each image; which of them count is the '
         'second result.')
def _sure_only(p, threshold):
    best,label = p.max(1)
    return label[best>=threshold],best>=threshold''')
md('''## The loss, by hand

Divided by *all* images, sure or not. So while few pseudo-labels pass, the unlabelled loss is small by itself, and grows with what the model knows: FixMatch needs no ramp.''')
code('''#| export
_weak = torch.tensor([[3., 0., 0.], [0., .5, 0.], [0., 0., 4.], [2., 0., 1.]])
_strong = torch.tensor([[1., 0., 2.], [0., 1., 0.], [0., 1., 2.], [.5, 0., 0.]])

@exercise(Case(_weak, _strong, .8,
               hint='The sum over the sure images, divided by the number of all.'),
          Case(_weak, _strong, .999, hint='Nobody is sure here, and the loss is 0.'),
          Case(_weak, _strong, .6))
def fixmatch_by_hand(weak, strong, threshold):
    """FixMatch's loss from logits (N,n) of weak and strong views: cross-entropy of the strong
    views against the sure labels of the weak ones, divided by the number of *all* images."""
    best,label = weak.softmax(1).max(1)
    each = -strong.log_softmax(1)[torch.arange(len(strong)),label]
    return (each*(best>=threshold)).mean()

@mistake(fixmatch_by_hand, 'Divide by the number of all images, not by that of the sure ones.')
def _mean_of_sure(weak, strong, threshold):
    best,label = weak.softmax(1).max(1)
    sure = best>=threshold
    return F.cross_entropy(strong[sure], label[sure])

@mistake(fixmatch_by_hand, 'The weak view gives the label and the strong one has to earn it; you '
         'have them the other way round.')
def _swapped(weak, strong, threshold): return fixmatch_by_hand(strong, weak, threshold)

@mistake(fixmatch_by_hand, 'The threshold is for probabilities; you compare it with logits.')
def _logits(weak, strong, threshold):
    best,label = weak.max(1)
    return (F.cross_entropy(strong, label, reduction='none')*(best>=threshold)).mean()''')
md('''## Half of the way

Each step leaves $m$ of the distance, so after $k$ steps $m^k$ of it is left: the least $k$ with $m^k \\\\le \\\\tfrac12$. For $m=0.99$ that's 69 steps.''')
code('''#| export
@exercise(Case(.99, hint='After one step 0.99 of the way is left, after two 0.99².'), Case(.9),
          Case(.5), Case(.999))
def steps_to_half(m):
    """Least whole number of steps after which a teacher with decay m, 0<m<1, has gone at least
    half of the way to a student that doesn't move."""
    return math.ceil(math.log(.5)/math.log(m))

@mistake(steps_to_half, 'The distance shrinks by a factor in each step, not by equal pieces.')
def _equal_pieces(m): return math.ceil(round(.5/(1-m), 6))

@mistake(steps_to_half, 'At least half of the way: round up.')
def _down(m): return math.floor(math.log(.5)/math.log(m))

@mistake(steps_to_half, 'That is the number of steps over which it averages, about 1/(1−m). By '
         'then it has gone further than half of the way.')
def _memory(m): return round(1/(1-m))''')
code('''#| hide
for ex in (shaken_too_far, sure_labels, fixmatch_by_hand, steps_to_half):
    test_eq(exercise_faults(getattr(exported, ex.__name__).exercise), [])''')
n.save()
