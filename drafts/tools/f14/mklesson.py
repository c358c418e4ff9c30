import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
root='/tmp/wt/fourteen'
p=f'{root}/nbs/lessons/14_consistency.ipynb'
base=json.load(open(f'{root}/nbs/lessons/09_careful_fine_tuning.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def md(t): n.ins(len(n.c),t,'markdown')
def code(t): n.ins(len(n.c),t)
md('''# Consistency

> Unlabelled data still helps while fine-tuning, if what the model is sure of is mostly right''')
code('#| default_exp course.moons')
md('''<div class="callout-note">

## What you will be able to do
* Fine-tune with unlabelled pictures beside the labelled ones, in one more line of code: FixMatch or Mean Teacher.
* Say why a model that learns from its own answers confirms its mistakes, and watch it happen.
* Judge beforehand whether unlabelled pictures will help: look at the start, and at what the pictures show.

About three minutes on a laptop. Builds on [Careful fine-tuning](09_careful_fine_tuning.ipynb). Papers: Lee 2013 (*Pseudo-label*), Tarvainen & Valpola 2017 ([Mean Teacher](https://arxiv.org/abs/1703.01780)), Sohn et al. 2020 ([FixMatch](https://arxiv.org/abs/2001.07685)).

</div>''')
code('''#| export
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import make_moons
from torch import nn

from ssl_course.compute import seeded
from ssl_course.pretext.two_views import ema_update,target_network''')
code('''#| code-fold: true
#| code-summary: "Imports"
import pandas as pd
from IPython.display import Markdown
from fastcore.test import test_close,test_eq
from ssl_course.all import *
from ssl_course.course import *
from ssl_course.consistency import fixmatch_loss,mean_teacher_loss,pseudo_labels
from ssl_course.consistency import ramp_up,shift_flip
from ssl_course.course.experiment import read_experiment
from ssl_course.course.experiments.consistency_starts import CONSISTENCY_STARTS,ENCODER
from ssl_course.course.experiments.consistency_starts import accuracy_of,accuracy_table
from ssl_course.course.experiments.consistency_starts import chosen_runs,gain_of
from ssl_course.course.experiments.consistency_starts import over_training,search_state
from ssl_course.course.experiments.consistency_starts import plot_pseudo_labels
from ssl_course.course.experiments.consistency_starts import plot_starts
from ssl_course.plots import INK,PALETTE,course_style,new_figure''')
code('''lesson = Lesson('consistency')
s = lesson.settings
pipeline(['unlabelled images', 'careful fine-tuning'], slim=True)''')
md('''## Ten labels, and two thousand points without

Here are 2,000 points. Somebody has labelled ten of them, five of each class; you see them as large dots. (They began on the left, and that's how far they got.) Where would you draw the line between the two classes?''')
code('''#| export
def two_moons(
    n:int=2000, # points
    noise:float=.1, # standard deviation of their distance from the two arcs
    seed:int=1, # of the points
)->tuple: # points (N,2), classes (N,)
    "Two interleaved arcs of points, a class each."
    x,y = make_moons(n, noise=noise, random_state=seed)
    return torch.tensor(x, dtype=torch.float32),torch.tensor(y)

def pick_labels(
    x, # points (N,2)
    y, # classes (N,)
    n:int=5, # labels for each class
    seed:int=0, # of the choice
)->torch.Tensor: # their places
    "Which points show their labels: random ones of the left half of each class."
    draw,order = np.random.default_rng(seed),x[:,0].argsort()
    rows = [order[y[order]==c] for c in (0, 1)] # from left to right
    return torch.cat([o[torch.tensor(draw.permutation(len(o)//2)[:n])] for o in rows])''')
code('''#| code-fold: true
#| code-summary: "The points, and how to draw them"
x,y = two_moons()
ten = pick_labels(x, y, seed=0)
rule = lambda net, x: net(x).detach().argmax(1)
accuracy = lambda net: float((rule(net, x)==y).float().mean())

def draw(ax, net=None, title='', shown=ten, points=slice(0, 700)):
    "Points in the color of the network's answer, its boundary, and the ten labels"
    a,colored = x[points],lambda k: np.array(PALETTE[:2])[k.numpy()]
    if net is None: ax.scatter(*a.T, s=4, color=PALETTE[7], lw=0)
    else:
        said = rule(net, a)
        ok = said==y[points]
        ax.scatter(*a[ok].T, s=4, c=colored(said[ok]), alpha=.5, lw=0)
        ax.scatter(*a[~ok].T, s=16, c=colored(said[~ok]), marker='x', lw=1)
        sides = torch.linspace(-1.5, 2.5, 120),torch.linspace(-1, 1.5, 90)
        u,v = torch.meshgrid(*sides, indexing='xy')
        z = net(torch.stack([u, v], 2).view(-1, 2)).detach()
        z = (z[:,1]-z[:,0]).view(u.shape) # 0 where both are equally likely
        ax.contour(u, v, z, [0.], colors=INK, linewidths=2)
    ax.scatter(*x[shown].T, s=75, c=colored(y[shown]), edgecolor='white', zorder=3)
    ax.set(xlim=(-1.5, 2.5), ylim=(-1, 1.5), xticks=[], yticks=[], aspect='equal')
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=10, color=INK, weight='normal')

def panels(nets, titles, shown=ten, size=(6.6, 2.4)):
    "A row or two of such drawings"
    rows = -(-len(nets)//2)
    with course_style():
        fig = new_figure(size[0], size[1]*rows)
        for ax,net,title in zip(fig.subplots(rows, 2).ravel(), nets, titles):
            draw(ax, net, title, shown)
    return fig''')
code('''with course_style():
    fig = new_figure(4.6, 3)
    draw(fig.add_subplot())
show(fig, alt='Two thousand grey points form two interleaved arcs. Ten of them are '
              'large and coloured, five in each arc.')''')
md('''Surely you drew it between the two arcs, though no label told you that there are two arcs. You used the grey points: **a good line goes where hardly any points are**. What does a network do that gets only the ten?

Ours is small: its first layer has a few hundred units, each of which answers to one spot of the plane and its surroundings, and only the layer behind them learns. So it has no opinion where it was shown nothing, which makes it a good student to watch.''')
code('''#| export
class Bumps(nn.Module):
    "A network for points: units that answer to one spot of the plane, and a layer that learns."
    def __init__(self,
        width:float=.2, # distance of the spots from each other, and reach of a unit
    ):
        super().__init__()
        x,y = torch.arange(-1.8, 2.9, width),torch.arange(-1.4, 1.9, width)
        self.register_buffer('spots', torch.cartesian_prod(x, y))
        self.width,self.out = width,nn.Linear(len(self.spots), 2, bias=False)
        nn.init.zeros_(self.out.weight) # no opinion about anything yet
    def forward(self, x):
        near = (-torch.cdist(x, self.spots).square()/(2*self.width**2)).exp()
        return self.out(near)''')
code('''#| export
def train_moons(
    x, # points (N,2)
    y, # classes (N,), of which only those of `shown` are used
    shown, # places of the labelled points
    extra=None, # function of (network, its slow copy, points without labels, progress) → a loss
    others=None, # points without labels (M,2); default: x
    updates:int=800, # steps
    seed:int=0, # of weights and batches
    at=(), # numbers of updates after which to keep a copy
    make=Bumps, # makes the network
    lr:float=.5, # learning rate
)->tuple: # network, its slow copy, the copies kept
    "Train a new network on a few labelled points, and by `extra` on others."
    others,film = x if others is None else others,[]
    with seeded(seed):
        net = make()
        slow,opt = target_network(net)[0],torch.optim.SGD(net.parameters(), lr, momentum=.9)
        for i in range(updates):
            loss = F.cross_entropy(net(x[shown]), y[shown])
            if extra: # 256 of them in each step
                some = others[torch.randint(len(others), (256,))]
                loss = loss+extra(net, slow, some, i/updates)
            opt.zero_grad(), loss.backward(), opt.step()
            ema_update(slow, [net], min(.99, 1-1/(i+2)))
            if i+1 in at: film.append(deepcopy(net))
    return net,slow,film''')
code('''updates = s.pick(5, 800)
alone,*_ = train_moons(x, y, ten, updates=updates, seed=s.seed)
start = accuracy(alone)
right_ten = float((rule(alone, x)==y)[ten].float().mean())
Markdown(f'Trained on ten labels, the network gets **{start:.1%}** of all points '
         f'right, and {right_ten:.0%} of the ten.')''')
md('''All ten are right, and about one point in seven is wrong.

## Let it label the rest

The network is right in most cases. So here's an old and tempting idea: let it answer for *all* points, take the answers as labels, and train a new network on 2,000 labels instead of ten. Such answers are called **pseudo-labels**.''')
code('''predict('The answers are right for most of the points, and a network can live with a '
        'few wrong labels. Will the new network, trained on all 2,000 answers, be '
        'better than the one that gave them: by at least 3 points, hardly at all, or '
        'worse by at least 3 points?',
        'Hardly at all: 85.9% before and after. All points that were wrong are still '
        'wrong.')''')
code('''def imitate(first):
    "Learn the answers of another network, and the ten true labels"
    return lambda net, slow, u, progress: F.cross_entropy(net(u), rule(first, u))

copycat,*_ = train_moons(x, y, ten, imitate(alone), updates=updates, seed=s.seed+1)
said = rule(alone, x)
again = accuracy(copycat)
was_wrong = said!=y
kept = float((rule(copycat, x)==said)[was_wrong].float().mean())
fig = panels([alone, copycat], [f'ten labels: {start:.1%}',
                                f'trained on its answers: {again:.1%}'])
show(fig, alt='Two drawings of the points with the boundary of a network. Left, '
     f'trained on ten labels, {start:.1%} right; right, trained on the answers of the '
     f'first, {again:.1%}; {kept:.0%} of the wrong points, drawn as crosses, are wrong '
     'in both.')
Markdown(f'Of the {int(was_wrong.sum())} points that were wrong, **{kept:.0%}** have '
         'the same wrong answer as before.')''')
md('''Left and right look the same: the right end of the upper arc (crosses) is taken for the lower one. Nothing in these labels contradicts the first network, since they are its own answers. The new one learns them, mistakes included, and now there are 2,000 labels that say so. This is **confirmation bias** ([Arazo et al. 2020](https://arxiv.org/abs/1908.02983)).

(We let the labels begin on the left so that a network with ten of them fails. Yours may be no fairer a sample: people label what comes first. How much hangs on the draw, we'll count further down.)

## First change: only what it is sure of

Not all answers are equally good. Keep the ones that the network is sure of, with a probability of at least $\\tau = 0.95$, and wait with the others. And do it all the time instead of once: in each step the network answers for 256 points, and learns from the sure ones at once. The library's function is three lines:

```python
def pseudo_labels(logits, threshold=.95):
    p,label = logits.detach().softmax(1).max(1)
    return label,p>=threshold
```

`detach` makes the label a constant. It is a target, and must not be moved to where the network would like it.''')
code('''def only_sure(net, slow, u, progress):
    "Learn from what the network is sure of"
    label,sure = pseudo_labels(net(u))
    return (F.cross_entropy(net(u), label, reduction='none')*sure).mean()

cautious,*_ = train_moons(x, y, ten, only_sure, updates=updates, seed=s.seed)
label,sure = pseudo_labels(cautious(x))
mean = lambda o: float(o.float().mean())
Markdown(f'Now **{accuracy(cautious):.1%}** of the points are right (before: '
         f'{start:.1%}). It is sure of {mean(sure):.0%} of them, and of these '
         f'{mean((label==y)[sure]):.1%} are right.')''')
md('''Nearly three points, that's something. But in the end it's sure of nearly everything, and about one in ten of these answers is wrong: it got sure faster than it got better. The threshold keeps doubtful answers out. Now look at what is left. The loss of an answer that is 95% sure is already small, at most $-\\ln 0.95 \\approx 0.05$. **What the network is sure of teaches it nothing new.** It needs a question to which it doesn't know the answer yet, and for which it can *work out* the answer.

## Second change: ask about a neighbour

Here is such a question. Shake a point a little, and its class stays the same. So if the network is sure about the point, it has a label for the shaken one, too, and there it may well be wrong. In FixMatch's words: a **weak view**, here the point as it is, gives the label; a **strong view**, here the shaken point, has to earn it. With the two views $w$ and $s$ of an unlabelled $u$, and $\\hat y$ the most probable class of $w(u)$ (Sohn et al. 2020, equation 4):

$$\\ell = \\frac1N \\sum_u \\mathbf 1\\big[\\max p(w(u)) \\ge \\tau\\big]\\; \\mathrm{H}\\big(\\hat y,\\ p(s(u))\\big)$$

That's `fixmatch_loss`:''')
code('''shake = lambda u, far=.2: u+far*torch.randn_like(u)

def fixmatch(net, slow, u, progress):
    "What the network is sure of, for a point, is the label of its shaken neighbor"
    return fixmatch_loss(net(u), net(shake(u)), threshold=.95)

moments = s.pick((1, 2, 5), (100, 400, 800))
*_,film = train_moons(x, y, ten, fixmatch, updates=updates, seed=s.seed, at=moments)
titles = [f'FixMatch, {k} updates: {accuracy(f):.1%}' for k,f in zip(moments, film)]
titles = [f'ten labels alone: {start:.1%}', *titles]
fig = panels([alone, *film], titles)
show(fig, alt='Four drawings of the points with the boundary of a network. '
              +'; '.join(titles)+'. The boundary begins as a diagonal that cuts off '
              'the right end of the upper arc, and ends up between the arcs.')''')
md('''The boundary begins as a diagonal that cuts the upper arc in two. Then it bends, and slides along the arc to its end. That's how labels travel: from a labelled point to its neighbours, from these to theirs, and they stop where there are no points to carry them. Nobody told the network about arcs. It was only asked to be *consistent*, and **the cheapest place for a boundary is where hardly any points are**.

## Another way: a slow teacher

FixMatch decides in every step, and its labels are as restless as the network. **Mean Teacher** is older and softer. Keep a second network whose weights are an average of the first one's over the last hundred steps or so (the same trick as in MoCo and BYOL). The average, the *teacher*, answers for one view; the network, the *student*, has to give the same *probabilities* for another. No threshold and no hard labels; instead the loss fades in, since at first there's nothing to agree on.''')
code('''def mean_teacher(net, slow, u, progress):
    "Answer for one shaken point as the slow copy answers for another"
    return 30*ramp_up(progress/.3)*mean_teacher_loss(net(shake(u)), slow(shake(u)))

_,teacher,_ = train_moons(x, y, ten, mean_teacher, updates=updates, seed=s.seed)
Markdown(f'Mean Teacher, on the same ten labels: **{accuracy(teacher):.1%}**.')''')
md('''One draw of labels proves little. Here are six draws, and for each the same six trainings.''')
code('''def all_ways(seed):
    "Accuracy of each method with one draw of labels, and what the naive one kept"
    shown,fit = pick_labels(x, y, seed=seed),dict(updates=updates, seed=seed)
    first = train_moons(x, y, shown, **fit)[0]
    second = train_moons(x, y, shown, imitate(first), **fit | dict(seed=seed+100))[0]
    no_doubt = lambda net, slow, u, t: ( # a fifth of the updates on labels alone, first
        fixmatch_loss(net(u), net(shake(u)), threshold=0.) if t>.2 else 0.)
    nets = {'ten labels': first, 'its own answers': second,
            'only the sure ones': train_moons(x, y, shown, only_sure, **fit)[0],
            'shaken, without a threshold': train_moons(x, y, shown, no_doubt, **fit)[0],
            'FixMatch': train_moons(x, y, shown, fixmatch, **fit)[0],
            'Mean Teacher': train_moons(x, y, shown, mean_teacher, **fit)[1]}
    said = rule(first, x)
    was_wrong = said!=y
    same = (rule(second, x)==said)[was_wrong].float().mean() if was_wrong.any() else 1.
    return {k: accuracy(f) for k,f in nets.items()} | dict(kept=float(same))

draws = pd.DataFrame([all_ways(i) for i in range(s.pick(2, 6))])
pair = lambda v: (float(v.mean()), float(v.std(ddof=1)))
gain = draws.sub(draws['ten labels'], axis=0).drop(columns='kept')
said = lambda v: f'{100*v.mean():.1f} ± {100*v.std():.1f} %'
pd.DataFrame({k: dict(accuracy=said(draws[k]), worst=f'{draws[k].min():.1%}',
                      better=f'{int((gain[k]>.005).sum())} of {len(draws)}',
                      worse=f'{int((gain[k]<-.005).sum())} of {len(draws)}')
              for k in gain}).T''')
code('''claim('A network that learns the answers of another keeps at least 80% of its mistakes',
      exceeds(pair(draws.kept), (.8, 0.)), kept=pair(draws.kept))
claim('On two moons, FixMatch adds at least 2 points to ten labels',
      exceeds(pair(gain['FixMatch']), (0., 0.), .02), FixMatch=pair(gain['FixMatch']),
      only_the_sure_ones=pair(gain['only the sure ones']),
      Mean_Teacher=pair(gain['Mean Teacher']))
paired = pair(draws['FixMatch']-draws['shaken, without a threshold'])
guess('On two moons, FixMatch does better with its threshold than without',
      exceeds(paired, (0., 0.)), difference=paired)''')
md('''FixMatch is better in all six draws, by 14 ± 5 points, though in one of them it gets no further than 80%. Learning one's own answers changes nothing, and being sure alone helps in five draws and hurts in one. Mean Teacher, with the library's own settings, moves the boundary very little here. (Our guess: probabilities that are averaged again and again travel more slowly than labels. We haven't tested it.)

And a surprise: without its threshold, after a fifth of the updates on labels alone, the shaking does as well or better. So in this world it's the *shaking* that does the work, and waiting until the network is sure costs time. (*Better* and *worse* count the draws in which a method differs from ten labels alone by more than half a point.)

## Now with pictures

What is a neighbour of a picture? A view of it. Weak: shifted by a few pixels and perhaps mirrored. Strong: cropped, recoloured, maybe grey, the views of SimCLR. If the network knows a cactus in the upper row, it has to know it in the lower one.''')
code('''#| code-fold: true
#| code-summary: "Weak and strong views"
some = [*range(2_300_000, 2_300_006)]
large = torch.from_numpy(Postcards(96, seed=s.seed).draw(some))
large = large.permute(0, 3, 1, 2).float()/255
with seeded(s.seed): rows = torch.cat([shift_flip(large), strong_views()(large)])
show(image_grid(rows, ncols=6, scale=1.05, rows=['weak', 'strong']), colors=128,
     alt='Six postcards, twice. In the upper row they are shifted a little and some '
         'are mirrored; in the lower row they are cropped and recoloured.')''')
md('''The library has both methods as fastai callbacks, and a recipe that carries one. Start from the encoder that was pretrained without labels for an hour, take **one label per class**, ten pictures in all, and 2,000 unlabelled postcards. First without them, then with; the learning rates are those that a search chose for each (below).''')
code('''stored = read_experiment('consistency_starts')
p = CONSISTENCY_STARTS.plan(s)
sets = CONSISTENCY_STARTS.data(p)
few,images,test = sets['pool'].few(1, seed=0),sets['unlabeled'],sets['test']
best = {a: found for a,(found,_) in search_state(stored).items()}

def one_label(method=None, name='alone'):
    "Fine-tune our encoder on ten pictures -> the learner"
    lr,steps,_ = best[ENCODER, name, 1]
    with seeded(0):
        dls = few.dls(valid=few, bs=10, views=mild_views(), steps=s.pick(1, steps//10))
        learn = transfer_learner(dls, Encoder.pretrained(ENCODER),
                                 Classify(few.vocab, smoothing=0.))
        recipe = careful(lr=lr)
        if method: recipe = semi_supervised(recipe, method)
        learn.fine_tune_with(recipe, quiet=True, desc=recipe.name)
    return learn

right_of = lambda learn: float((learn.model.predict(test)[0]==test.y).mean())
method = FixMatch(images, mu=6)
live = {'ten labelled pictures': right_of(one_label()),
        'and 2,000 without': right_of(one_label(method, 'FixMatch'))}
pd.DataFrame({k: {'accuracy on test images': f'{v:.1%}'} for k,v in live.items()}).T''')
md('''«LIVE» All of it is in the line `semi_supervised(careful(...), FixMatch(images))`. One detail: `smoothing=0.` A head that learns *smoothed* labels never gets 95% sure, so nothing would pass; the callback warns you.

The callback keeps book. `passed` is the fraction of pseudo-labels above the threshold, `right` the fraction of these that is right. It can count the latter because postcards have labels after all; nothing is trained on them. By fifths of the training:''')
code('''book = method.table.assign(fifth=lambda t: (t.step-1)*5//len(t)+1)
book.groupby('fifth')[['passed', 'right']].mean().round(3)''')
md('''## Three starts

Now the whole comparison. From **random weights**, from the **general-purpose** model of lesson 1 (frozen, only its head learns: all of it would be too slow to search here), and from **our own encoder**. Each on labels alone and with 2,000 unlabelled postcards, each with its own search over learning rate and number of updates on validation images. («MINUTES» minutes, so it's stored.)''')
code('''predict('Five labels per class. You may have one thing: a strong encoder, or two '
        'thousand unlabelled pictures while you train from random weights. Which gives '
        'more, and by how much: about the same, about 20 points, or 50 and more?',
        '«PREDICT_STARTS»')''')
code('''#| label: main-figure
names = {ENCODER: 'our encoder', 'general-purpose': 'general-purpose, frozen'}
show(plot_starts(stored, '«MAIN_TITLE»', names))
print(stored.note())''')
md('''Dashed lines: labels alone. Solid lines: FixMatch on the same labels, with unlabelled postcards. Diamonds: Mean Teacher. The dashed line from scratch comes from lesson 1's stored comparison, searched up to 12,800 updates; with unlabelled pictures we measured it at 1 and 5 labels only, as a step with them has 160 pictures to get through instead of 32.''')
code('''own,weak = (lambda method: accuracy_of(stored, ENCODER, method, 5)),'from scratch'
claim('With one label per class, unlabelled postcards add at least 10 points to our '
      'encoder', exceeds(gain_of(stored, ENCODER, 1), (0., 0.), .1),
      gain=gain_of(stored, ENCODER, 1), alone=accuracy_of(stored, ENCODER, 'alone', 1),
      FixMatch=accuracy_of(stored, ENCODER, 'FixMatch', 1))
claim('With five, a strong start without them is at least 20 points ahead of random '
      'weights with them',
      exceeds(own('alone'), accuracy_of(stored, weak, 'FixMatch', 5), .2),
      our_encoder_alone=own('alone'),
      from_scratch_with_FixMatch=accuracy_of(stored, weak, 'FixMatch', 5),
      from_scratch_alone=accuracy_of(stored, weak, 'alone', 5))
guess('With ten labels per class, unlabelled postcards still add a point to our '
      'encoder',
      exceeds(gain_of(stored, ENCODER, 10), (0., 0.), .01),
      gain=gain_of(stored, ENCODER, 10))
guess('A frozen general-purpose model gains at least 5 points by them, at five labels',
      exceeds(gain_of(stored, 'general-purpose', 5), (0., 0.), .05),
      gain=gain_of(stored, 'general-purpose', 5))
guess('Mean Teacher and FixMatch are within 2 points of each other (our encoder, five '
      'labels)', abs(own('FixMatch')[0]-own('Mean Teacher')[0])<.02,
      FixMatch=own('FixMatch'), Mean_Teacher=own('Mean Teacher'))
accuracy_table(stored).rename(index=names)''')
md('''«STARTS» († marks a search that ended at its limit: more updates, or another rate, might still have helped.)

## What the start does to the pseudo-labels

Why does the start matter so much? Look at what the network believes while it learns. At eleven moments of each training we asked about 400 unlabelled postcards: how many pseudo-labels are above the threshold, and how many of *these* are right?''')
code('''titles = '«PASSED_TITLE»','«RIGHT_TITLE»'
show(plot_pseudo_labels(stored, 5, titles, names))
runs = chosen_runs(stored).query("method=='FixMatch' and labels==5")
last = runs.assign(passed=runs.passed.str[-1],
                   right=runs.right_passed.str[-1].astype(float))
percent = lambda v: '–' if v.isna().all() else f'{100*v.mean():.0f}%'
sure_right = {k: pair(t.right.dropna()) for k,t in last.groupby('start', sort=False)
              if t.right.notna().sum()>1}
claim('At five labels, the sure pseudo-labels of our encoder are right at least 20 '
      'points more often than those of random weights, at the end of training',
      exceeds(sure_right[ENCODER], sure_right[weak], .2)
      if {ENCODER, weak}<=set(sure_right) else None,
      **{names.get(k, k): v for k,v in sure_right.items()})
pd.DataFrame({names.get(k, k): {'above the threshold': percent(t.passed),
    'right, of these': percent(t.right),
    'early mistakes that stay': percent(t.stuck.astype(float))}
    for k,t in last.groupby('start', sort=False)}).T''')
md('''«BIAS» The last column is confirmation bias as a number: of the pseudo-labels that were above the threshold and wrong after two tenths of the training, how many have the *same* wrong label at the end.

«BIAS_LESSON: if the data bear it out: So unlabelled pictures multiply what you have. A start that puts most pictures on the right side of the boundary gets them sorted out; one that doesn't gets its mistakes confirmed.» Pretraining and consistency aren't rivals, then. [Chen et al. 2020](https://arxiv.org/abs/2006.10029) use the same unlabelled images twice: first without a task, to pretrain, then for the task, in the labels of a teacher.

## Where this fails

Everything so far had a hidden assumption: the unlabelled points are of the same classes, about as often, as the labelled ones. Your unlabelled pictures come off a hard disk. So let's break it, on two moons, where it takes seconds: FixMatch on the same draws of ten labels, but

* **unequal**: nineteen of twenty unlabelled points are from one moon;
* **strangers**: a third of the unlabelled points belong to neither moon, and lie in a cloud between them;
* **sure everywhere**: the points are fine, but the network is an ordinary one with ReLUs. Far from the labels, where our bumps have no opinion, it's as sure as near them.''')
code('''with seeded(s.seed):
    upper,lower = x[y==0],x[y==1]
    unequal = torch.cat([upper[:950], lower[:50]])
    cloud = torch.tensor([.5, .25])+.18*torch.randn(500, 2)
    strangers = torch.cat([x[:1000], cloud])

def relus():
    return nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                         nn.Linear(64, 2))
sure_one = dict(make=relus, lr=.05)
broken = {'unequal': dict(extra=fixmatch, others=unequal),
          'strangers': dict(extra=fixmatch, others=strangers),
          'ReLU, labels alone': sure_one,
          'ReLU, FixMatch': sure_one | dict(extra=fixmatch)}
fit = lambda i, how: train_moons(x, y, pick_labels(x, y, seed=i), updates=updates,
                                 seed=i, **how)[0]
harm = pd.DataFrame({'labels alone': draws['ten labels'], 'FixMatch': draws['FixMatch']}
                    | {k: [accuracy(fit(i, how)) for i in draws.index]
                       for k,how in broken.items()})
for k,what in (('unequal', 'Unequal classes'), ('strangers', 'Strangers')):
    lost,more = pair(harm['FixMatch']-harm[k]),pair(harm[k]-harm['labels alone'])
    guess(f'{what} among the unlabelled points cost FixMatch at least 3 points',
          exceeds(lost, (0., 0.), .03), lost=lost, against_labels_alone=more)
more = pair(harm['ReLU, FixMatch']-harm['ReLU, labels alone'])
guess('FixMatch adds at least 2 points to a network that is sure everywhere, too',
      exceeds(more, (0., 0.), .02), gain=more)
pd.DataFrame({k: {'accuracy': said(v), 'worst draw': f'{v.min():.1%}'}
              for k,v in harm.items()}).T''')
md('''Each of the three turns the gain into a loss. With unequal classes the common moon swallows the rare one; with strangers in the gap there's no empty place left for a boundary; and both end *below* ten labels alone. So does the ordinary network: 75% with FixMatch, 78% without. Our reading: it's sure of its mistakes from the start, so the threshold lets them through. On two moons our bumps were a lucky choice, and **a threshold is worth as much as the confidence that it tests**.

With pictures, [Oliver et al. 2018](https://arxiv.org/abs/1804.09170) mixed in unlabelled images of other classes, and found that this can cost a lot.

## What we guessed, and what we found''')
code('''lesson.guesses()''')
md('''## Should you?

| you have | do | because |
|---|---|---|
| no pretrained encoder | get one first | at five labels it was worth «START_GAIN» points, FixMatch from scratch «SCRATCH_GAIN» |
| a strong encoder and a label or two per class | add unlabelled pictures of the same kind | «OWN_GAIN_1» points at one label per class |
| ten and more labels per class | try it, and measure | «OWN_GAIN_10» points were left to gain |
| unlabelled pictures from anywhere | sort them first | other classes, or other proportions, ended below labels alone on two moons |
| a handful of labels to check with | look at `passed` and `right` while it trains | a wrong label confirms itself, and the training loss won't tell you |''')
code('''#| hide
if s.budget!='smoke': # as the answers of the predictions say
    test_close([start, again, kept], [.859, .859, 1.], eps=.006)
    assert abs(accuracy(cautious)-.887)<.01 and accuracy(film[-1])>.97
    assert harm[['unequal', 'strangers']].mean().max()<harm['labels alone'].mean()-.03''')
code('''lesson.record(start=start, again=again, kept=kept, draws=draws, live=live, harm=harm,
              stored=[stored.all['key']])''')
md('''## Exercises

**1. An experiment.** How strong may a strong view be? Train FixMatch on the ten labels of `pick_labels(x, y, seed=0)`, but shake the points by 1.0 instead of 0.2, further than the moons are apart. Guess first: will the accuracy on all points be (A) at least 95%, (B) from 80% to 95%, or (C) below 80%? Use `train_moons(x, y, shown, extra, seed=42)` with its 800 updates, and return the accuracy and the letter.''')
code('''def shaken_too_far():
    "Accuracy of FixMatch whose strong views are shaken by 1.0, and the right letter."
    ...

check(shaken_too_far)''')
code('''solution('shaken_too_far')''')
md('''**2.** Which pseudo-labels count? From probabilities this time.''')
code('''def sure_labels(p, threshold):
    """Probabilities p (N,n) → the most probable class of each (N,), and whether its probability
    is at least `threshold` (N,) bool."""
    ...

check(sure_labels)''')
code('''solution('sure_labels')''')
md('''**3.** Write the core yourself: FixMatch's loss, from logits of both views. What is divided by what?''')
code('''def fixmatch_by_hand(weak, strong, threshold):
    """FixMatch's loss from logits (N,n) of weak and strong views: cross-entropy of the strong
    views against the sure labels of the weak ones, divided by the number of *all* images."""
    ...

check(fixmatch_by_hand)''')
code('''solution('fixmatch_by_hand')''')
md('''**4.** The teacher follows the student. With $m = 0.99$, after how many steps has it gone half of the way to a student that stands still? Then write the general case.''')
code('''def steps_to_half(m):
    """Least whole number of steps after which a teacher with decay m, 0<m<1, has gone at least
    half of the way to a student that doesn't move."""
    ...

check(steps_to_half)''')
code('''solution('steps_to_half')''')
md('''## Quiz''')
code('''quiz([
    question('You let a model label your unlabelled pictures, train a new model on all of these '
        'labels, and it is no better. Why?',
        right('Its labels are the first model\\'s answers, mistakes included',
            'Nothing in them contradicts the first model. That is confirmation bias.'),
        wrong('2,000 labels are too few', 'They are two hundred times as many as before. Their '
              'number is not the problem.'),
        wrong('The new model should have been larger',
              'It would have learned the same answers.')),
    question('Why does FixMatch need a *strong* view? It has a threshold already.',
        right('What the model is sure of has nearly no loss left',
            'The strong view asks something that it may still get wrong, and whose answer it '
            'knows.'),
        wrong('To make up for few labels by more copies of them',
            'No copies of labelled pictures are made; it is about the unlabelled ones.'),
        wrong('So that both views agree on the colours',
            'On the contrary: colours are what the strong view changes.')),
    question('`passed` is 0.97 and `right` is 0.55 after a third of the training. What do you do?',
        right('Stop, and look for a better start or more labels',
            'Nearly all pseudo-labels count, and nearly half of these are wrong. They will be '
            'learned.'),
        wrong('Go on: the more pass, the better', 'Only if they are right.'),
        wrong('Lower the threshold', 'Then even more wrong ones pass. If anything, raise it.')),
    question('How does Mean Teacher make its targets?',
        right('A slow average of the student\\'s weights answers for another view',
            'Probabilities, not labels, and without a threshold.'),
        wrong('A larger network, trained before', 'That is distillation. This teacher has the '
              'student\\'s own architecture, and learns with it.'),
        wrong('By the student\\'s answers of the last epoch',
              'That was its predecessor, Temporal Ensembling. Here *weights* are averaged.')),
    question('What makes unlabelled pictures harmful?',
        right('They show other things than your classes',
            'Each of them gets one of your labels, and the boundary moves to suit them.'),
        right('The model is sure of wrong answers from the start',
              'Then these become the labels.'),
        wrong('They are many more than the labelled ones',
              'That is the normal case, and what they are for.'), several=True),
])''')
md('''## What to remember

1. **Consistency**: whatever a picture shows, its class doesn't change when you shift or recolour it. That's a loss without labels.
2. A model that learns its own answers **confirms its mistakes**. A threshold keeps doubtful ones out; a **strong view** makes the sure ones teach something.
3. «REMEMBER_3»
4. «REMEMBER_4»
5. Unlabelled pictures must be **of your classes**, and the model must be mostly right before it teaches itself. Watch `passed` and `right`.

## Further reading

* Sohn et al. 2020, [FixMatch](https://arxiv.org/abs/2001.07685): for scale, 88.6% on CIFAR-10 with 40 labels in all, four per class, and 94.9% with 250, from random weights. Look at how long that trains, and at how far the results with 40 labels scatter.
* Tarvainen & Valpola 2017, [Mean teachers are better role models](https://arxiv.org/abs/1703.01780): an error of 4.35% on SVHN with 250 labels; figure 2 is the method.
* Lee 2013, *Pseudo-label: the simple and efficient semi-supervised learning method for deep neural networks* (a workshop of ICML): the idea on four pages, and why it draws boundaries through empty space.
* Arazo et al. 2020, [Pseudo-labeling and confirmation bias](https://arxiv.org/abs/1908.02983): what else helps against it: mixing pictures, and a minimum of labelled ones in each batch.
* Chen et al. 2020, [Big self-supervised models are strong semi-supervised learners](https://arxiv.org/abs/2006.10029): pretrain, fine-tune, then let the model label the rest for another: 73.9% on ImageNet with at most 13 labels per class, with a ResNet-50.
* Oliver et al. 2018, [Realistic evaluation of deep semi-supervised learning algorithms](https://arxiv.org/abs/1804.09170): why the baseline must be searched as well as the method, and what happens with other classes.''')
code('lesson.finish()')
n.save()
