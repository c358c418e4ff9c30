import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
import hashlib
root='/tmp/wt/thirteen'
p=f'{root}/nbs/exercises/masks_exercises.ipynb'
base=json.load(open(f'{root}/nbs/exercises/energy_exercises.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def add(t,k):
    n.ins(len(n.c),t,k); n.c[-1]['id']=hashlib.sha256(f'{len(n.c)}{t[:60]}'.encode()).hexdigest()[:8]
def md(t): add(t,'markdown')
def code(t): add(t,'code')
md('''# Solutions: masks

> The exercises of lesson 13, their solutions, and the mistakes that their checks know.''')
code('#| default_exp course.solutions.masks')
code('''#| export
from functools import partial

import torch

from ssl_course.course.checks import Case,exercise,judge_experiment,mistake''')
code('''#| hide
from fastcore.test import test_eq
from ssl_course.course.checks import exercise_faults
from ssl_course.course.solutions import masks as exported''')
md('''This page gives everything away: do the exercises in the lesson first. Each one is a solution with the cases that an answer
is tried on, followed by wrong answers that people are likely to give, with the hint that each of them gets.

The numbers are random but always the same.''')
code('''#| export
_g = torch.Generator().manual_seed(0)
_scores,_others = torch.rand(3, 16, generator=_g),torch.rand(2, 9, generator=_g)
_patches = torch.rand(3, 4, 12, generator=_g)+torch.arange(4)[:,None]*.3''')
md('''## The left side only

An experiment, so many values are right: the check wants an accuracy in the range in which seeds and processors differ, and the
letter that it bears out. With both sides the same network gets «BOTH» of the held-out letters.''')
code('''#| export
_both = .70 # «BOTH»: accuracy with both sides, 1,500 steps

def _right(accuracy):
    "The letter that an accuracy bears out"
    lost = _both-accuracy
    return 'A' if lost<=.1 else 'B' if lost<=.2 else 'C'

_hint = ('Hide the places `range(9, 17)` in training, `train_letters(train, len(letters), '
         'also=range(9, 17))`, and in `hide_letters(held, len(letters), range(9, 17))`.')
_judge = partial(judge_experiment, right=_right,
                 high=(.66, 'what both sides give; did `also` arrive?'),
                 low=(.2, 'hardly more than the most frequent letter; was it trained and tested '
                          'with the same places hidden?'))

@exercise(Case(hint=_hint), accept=_judge)
def left_only():
    "Accuracy with the letters on the left only, and the right letter, A, B or C."
    from ssl_course.course.letters import hide_letters,letter_windows,train_letters
    train,held,letters = letter_windows()
    after = range(9, 17) # the places to the right of the middle
    net = train_letters(train, len(letters), also=after)
    with torch.no_grad(): found = net(hide_letters(held, len(letters), after)).argmax(1)
    accuracy = float((found==held[:,8]).float().mean())
    return accuracy,'C' # «LEFT_LETTER»''')
code('''#| export
@mistake(left_only, _hint)
def _both_sides(): return .70,'A'

@mistake(left_only, 'Compare the number with the three ranges of the question again.')
def _misread(): return .40,'A'

@mistake(left_only, _hint)
def _tested_with_both(): return .15,'C' # trained on the left side, and tested with both''')
md('''## Which patches stay

One `argsort` for each picture: sorting random numbers is shuffling.''')
code('''#| export
@exercise(Case(_scores, .75, hint='`scores.argsort(1)` is a random order of the patches of each '
                                  'picture; cut it in two.'),
          Case(_others, .5), Case(_scores, .9))
def split_patches(scores, ratio):
    """Random scores (B,N) of patches → numbers of the visible ones (B,K), those with the lowest
    scores, lowest first, and of the hidden ones (B,N-K); K is N·(1-ratio), rounded."""
    order,k = scores.argsort(1),round(scores.shape[1]*(1-ratio))
    return order[:,:k],order[:,k:]

@mistake(split_patches, 'You hide as many as should stay: K is the number of *visible* patches.')
def _hides_the_rest(scores, ratio):
    order,k = scores.argsort(1),round(scores.shape[1]*ratio)
    return order[:,:k],order[:,k:]

@mistake(split_patches, 'Those with the lowest scores stay; you kept the highest.')
def _highest(scores, ratio):
    order,k = scores.argsort(1, descending=True),round(scores.shape[1]*(1-ratio))
    return order[:,:k],order[:,k:]

@mistake(split_patches,
         'You took the first order for all pictures. Each picture has a mask of its own.')
def _same_for_all(scores, ratio): return split_patches(scores[:1].expand_as(scores), ratio)

@mistake(split_patches, 'Those are scores. What is asked for are the numbers of the patches.')
def _values(scores, ratio):
    order,k = scores.sort(1).values,round(scores.shape[1]*(1-ratio))
    return order[:,:k],order[:,k:]''')
md('''## Normalised targets

The small number keeps a patch of one colour from a division by zero.''')
code('''#| export
@exercise(Case(_patches, hint='`torch.var_mean(patches, -1, keepdim=True)` gives both at once.'),
          Case(torch.full((1, 2, 12), .5)))
def normalized_patches(patches):
    """Patches (B,N,D), each less its mean and divided by the root of its variance + 1e-6; the
    variance is that of torch.var, with D-1."""
    var,mean = torch.var_mean(patches, -1, keepdim=True)
    return (patches-mean)/(var+1e-6).sqrt()

@mistake(normalized_patches,
         'One mean and one spread for the whole picture. Each *patch* has its own.')
def _by_picture(patches):
    var,mean = torch.var_mean(patches, (1, 2), keepdim=True)
    return (patches-mean)/(var+1e-6).sqrt()

@mistake(normalized_patches, 'You divided by the variance; its root is the spread.')
def _variance(patches):
    var,mean = torch.var_mean(patches, -1, keepdim=True)
    return (patches-mean)/(var+1e-6)

@mistake(normalized_patches, 'The mean is still there: a bright patch has to be drawn bright.')
def _keeps_the_mean(patches):
    var = patches.var(-1, keepdim=True)
    return patches/(var+1e-6).sqrt()

@mistake(normalized_patches,
         'That is the mean over the pictures of the batch. A patch is compared with itself.')
def _over_the_batch(patches):
    var,mean = torch.var_mean(patches, 0, keepdim=True)
    return (patches-mean)/(var+1e-6).sqrt()''')
code('''#| hide
for ex in (split_patches, normalized_patches):
    test_eq(exercise_faults(getattr(exported, ex.__name__).exercise), [])''')
n.save()
for i,c in enumerate(n.c):
    s=''.join(c['source'])
    if c['cell_type']=='code':
        compile(s,str(i),'exec')
        L=[l for l in s.split('\n') if not l.startswith('#|')]
        if len(L)>30: print('long',i,len(L),s[:60])
        for l in s.split('\n'):
            if len(l)>99: print('wide',i,len(l),l[:80])
print(len(n.c))
