import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
old=N('/tmp/cn/old11.ipynb'); n=N('lessons/11_contrast'); keep={k:old.src(k) for k in range(len(old.c))}
n.c.clear()
md=lambda t: n.ins(len(n.c),t,'markdown'); code=lambda t: n.ins(len(n.c),t)
md('''# Contrast

> What you call "the same" is what is forgotten: SimCLR and MoCo.''')
code(keep[2])
md('''<div class="callout-note">

## What you will be able to do
* Build the loss of contrastive learning out of cross-entropy, and say what its temperature does.
* Choose views for a task of your own: what they change is forgotten, and what they leave may be a shortcut.
* Say when more negatives help, when they are false, and when a queue of them grows stale.

About three minutes on a laptop. Builds on [Energy](10_energy.ipynb). Papers: Chen, Kornblith, Norouzi & Hinton 2020 ([SimCLR](https://arxiv.org/abs/2002.05709)) and He, Fan, Wu, Xie & Girshick 2020 ([MoCo](https://arxiv.org/abs/1911.05722)).

</div>''')
code(keep[4])
code('''#| hide
import math
from fastcore.test import expect_fail,test_close,test_eq''')
code('''#| code-fold: true
#| code-summary: "Imports"
import numpy as np,pandas as pd
from IPython.display import Markdown
from ssl_course.all import *
from ssl_course.course import *
from ssl_course.course.experiment import read_experiment
from ssl_course.course.experiments.contrast_choices import CONTRAST_CHOICES,VIEWS,bound
from ssl_course.course.experiments.contrast_choices import chosen_runs,encoder_values
from ssl_course.course.experiments.contrast_choices import known_by_views,plot_choices
from ssl_course.course.experiments.contrast_choices import plot_curve,plot_views
from ssl_course.plots import METHOD_COLORS,PALETTE,course_style,new_figure
from ssl_course.pretext.moco import moco_scores''')
code('''lesson = Lesson('contrast')
s = lesson.settings
pipeline(['pretext task'], slim=True)''')
md('''## One of many

Top left is a view of a postcard: cropped, mirrored, recoloured. One of the fifteen others is a second view of the *same* postcard. Which one?''')
code('''#| code-fold: true
#| code-summary: "Views of postcards"
p = CONTRAST_CHOICES.plan(s) # sizes of a longer experiment, which we will come to
sets = CONTRAST_CHOICES.data(p)
images,pool,test = (sets[k] for k in ('images', 'pool', 'test'))
numbers = lambda part, i: [int(part.names[k][10:-1]) for k in np.ravel(i)]
def unit(x): return torch.from_numpy(x).permute(0, 3, 1, 2).float()/255 # → (B,C,H,W)
def large(part, i):
    "The same postcards at 96 pixels, (B,3,96,96)"
    return unit(Postcards(96, seed=s.seed).draw(numbers(part, i)))

with seeded(3):
    x = large(test, range(15))
    views = strong_views(size=96)
    asked,others = views(x[:1]),views(x)
    order = torch.randperm(15)
place = int((order==0).nonzero())+1
show(image_grid(torch.cat([asked, others[order]]), ncols=4, scale=.96,
                titles=['this one', *range(1, 16)]), colors=128,
     alt='Sixteen views of postcards, cropped and recoloured. The first belongs to one '
         'of the fifteen others.')''')
code('''predict('Which of the fifteen shows the same postcard as the first?',
        f'Number {place}. The colours were no help, they have all been changed. You had '
        'to look for the same *thing* in the same kind of place.')''')
md('''Every picture can ask this question about itself, so every picture can be its own teacher. And it can be made as hard as you like: hide the partner among more and more others. How far does a network get that has practised it for an hour (the stored encoder `postcards-simclr`)?''')
code('''def embedded(encoder, x):
    "Features (N,D) of length 1"
    encoder.eval()
    with torch.no_grad(): z = torch.cat([encoder(o) for o in x.split(256)])
    return F.normalize(z, dim=1)

def found_among(za, zb, counts):
    """How often the partner of a row of za is nearest among so many rows of zb, the
    partner among them: the mean over all choices of the others"""
    sim = za@zb.T
    better = (sim>sim.diag()[:,None]).sum(1).double() # candidates nearer than the partner
    n = len(za)-1
    miss = lambda k: torch.stack([(n-better-i).clamp(min=0)/(n-i) for i in range(k-1)])
    return {k: float(miss(k).prod(0).mean()) for k in counts}

with seeded(s.seed): one,two = (strong_views(size=24)(unit(test.x)) for _ in range(2))
counts = s.pick((2, 16), (2, 4, 16, 64, 256, 1024))
colors = lambda x: F.normalize(x.mean((2, 3))-x.mean((0, 2, 3)), dim=1)
with seeded(s.seed): fresh = Encoder.small(width=p['width'])
practised = Encoder.pretrained('postcards-simclr')
found = {name: found_among(f(one), f(two), counts) for name,f in (
    ('simclr', lambda o: embedded(practised, o)), ('untrained', lambda o: embedded(fresh, o)),
    ('mean colour', colors))}
pd.DataFrame(found).T.rename(columns='among {:,}'.format).round(3)''')
md('''«FOUND»

How would you train for this question? Let's start with the obvious way.

## Pulling is not enough

Two views of one picture should get the same features. So let the loss be their distance, and nothing else. With $z_1$ and $z_2$ of length 1 that is one line:''')
code('''class PullTogether(TwoViews):
    "Two views of a picture get features near each other, and that is all"
    def __init__(self):
        super().__init__()
        self.views = strong_views()
    def setup(self, encoder): self.projector = mlp(encoder.n_features, 64, 64)
    def forward(self, encoder, inputs):
        return F.normalize(self.projector(encoder(inputs)), dim=1)
    def loss(self, z, target): return (z.chunk(2)[0]-z.chunk(2)[1]).square().sum(1).mean()

def practise(task, seen, bs=s.pick(16, 128), lr=3e-3):
    "A `Learner` after pretraining on so many unlabelled postcards"
    with seeded(s.seed):
        dls = images.unlabeled().dls(images.take(slice(0, bs)).unlabeled(), bs=bs,
                                     steps=max(2, seen//bs))
        learn = pretext_learner(dls, Encoder.small(width=p['width']), task)
        fit = lambda l: l.fit_one_cycle(1, lr, pct_start=.15)
        with learn.no_logging(): return fit_quietly(learn, fit, f'Practising {task.name}')

pull = practise(PullTogether(), s.pick(64, 15_000))
with torch.no_grad(): z = pull.model.eval()(one[:512].to(pull.dls.device)).cpu()
apart = float((z-z.mean(0)).square().sum(1).mean())
Markdown(f'The loss fell from **{pull.recorder.losses[0]:.2f}** to '
         f'**{pull.recorder.losses[-1]:.4f}**. The variance of the features over 512 '
         f'pictures is **{apart:.4f}** (it is 1 when they point everywhere).')''')
md('''«PULL»

The loss couldn't be better, and every picture has the same features: **collapse**. Lesson 10 said why. Making the energy low for pairs that belong together is easy; something has to keep it high for the rest. So something has to push.

## Ask for one of many

Take $N$ pictures, two views of each. View $i$ has one partner $j$ among the $2N-1$ others. Ask which one it is: that's a classification with $2N-1$ classes, whose score is how alike two views are. The labels are free. And for classification we know the loss, cross-entropy. With the cosine $\\operatorname{sim}$ and a *temperature* $\\tau$ (Chen et al., equation 1):

$$\\ell_{i,j} = -\\log \\frac{\\exp(\\operatorname{sim}(z_i,z_j)/\\tau)}{\\sum_{k\\ne i}\\exp(\\operatorname{sim}(z_i,z_k)/\\tau)}$$

The numerator pulls the partner nearer. The denominator pushes all others away; they are called **negatives**. Losses of this form go by the name *InfoNCE*.''')
code(keep[18]); code(keep[19])
md('''Two values can be checked in your head. After a collapse all candidates are equally likely, and the loss is $\\ln(2N-1)$. What was the best value of the loss before is as bad as guessing now. And if partners agree while all else is at right angles, each row has one score of $1/\\tau$ and $2N-2$ scores of 0:''')
code(keep[21]); code(keep[22])
md('''## SimCLR

That's nearly all of it. What's left is the *projector*, a small network between features and loss. It is thrown away after pretraining: it takes the loss's demand to forget upon itself, so that the features need not forget quite as much.''')
code(keep[24]); code(keep[25])
md('''There is no loss in the class: cross-entropy is what a `Pretext` uses by default, and the label of each view is the number of its partner.''')
code(keep[27].replace('x[:16]','one[:16]').replace('*x.shape[1:]','*one.shape[1:]'))
code(keep[28].replace('x[:1]','one[:1]'))
md('''## A minute of practice

Half a minute on this machine, with 20,000 postcards that nobody has labelled. Then the usual exam: freeze the encoder, give a linear model five labels per class.''')
code('''seen = s.pick(64, 50_000)
learn = practise(SimCLR(temp=p['temp']), seen)
stored = read_experiment('contrast_choices')
here = encoder_values(learn.encoder, sets, p)
print(stored.note())
show(plot_curve(stored, (seen, here['probe']), '«CURVE_TITLE»'))''')
code('''claim('Half a minute of SimCLR lifts the accuracy with five labels per class by at least 10 '
      'points over random weights', here['probe']>bound(stored, 'untrained')+.1,
      here=here['probe'], untrained=bound(stored, 'untrained'),
      supervised=bound(stored, 'supervised'))''')
md('''«CURVE_TEXT»

## You decide what is "the same"

Two views of a picture share what the views leave alone. If they never change the hue, hue is an excellent clue for finding the partner, and the network will use it. If they always change it, hue is of no use, and why should the network keep it?

So here's an experiment with one change. One network is trained with all changes of colour, as before. For another the hue stays as it is (`strong_views(hue=0, gray=0)`). Then both look for the nearest neighbours of new postcards.''')
code('''predict('A red car. What will its nearest neighbours be for the network that was trained '
        'with all changes of colour, and for the one whose views keep the hue?',
        '«PREDICT1»')''')
code('''#| label: main-figure
def nearest(arm):
    "The stored run (seed 0) of an arm: for query → rows of its nearest images"
    r = next(r for r in stored.rows('rates') if r['arm']==arm and
             r['lr']==chosen_runs(stored).query('arm==@arm').lr.iloc[0])
    return dict(zip(r['shown'], r['nearest']))

near = {'all changes': nearest('base'), 'same hue': nearest('same hue')}
queries = [list(near['same hue'])[i] for i in s.pick((0, 1), (0, 1))]
rows = [large(test, queries)[:,None]]
rows += [large(pool, [v[i][:4] for i in queries]).view(len(queries), 4, 3, 96, 96)
         for v in near.values()]
titles = ['query', 'all changes', '', '', '', 'same hue', '', '', '']
show(image_grid(torch.cat(rows, 1).flatten(0, 1), ncols=9, scale=.76,
                titles=titles+['']*9*(len(queries)-1)), colors=128,
     alt='«MAIN_ALT»')''')
code('''runs = chosen_runs(stored)
def spread(arm, of='probe'):
    "Mean and standard deviation over the seeds of an arm"
    v = runs[runs.arm==arm][of]
    return float(v.mean()), float(v.std(ddof=1)) if len(v)>1 else 0.

for of,arm,other,text in (
    ('same_hue', 'same hue', 'base', 'Views that keep the hue make neighbours that share '
     'it: at least 10 points more often'),
    ('same_class', 'base', 'same hue', 'and they cost class: neighbours share it less '
     'often, by at least 10 points')):
    claim(text, exceeds(spread(arm, of), spread(other, of), .1),
          all_changes=spread('base', of), same_hue=spread('same hue', of),
          untrained=bound(stored, 'untrained', of))''')
md('''«MAIN_TEXT»''')
code('''show(plot_views(stored, '«MAP_TITLE»'))''')
code('''known = known_by_views(stored)
for factor in ('hue', 'brightness', 'size', 'x'):
    better = {'hue': 'same hue', 'brightness': 'no color change'}.get(factor, 'no crop')
    guess(f'Views that leave the {factor} alone make it easier to read: {better} against all '
          'changes', known[factor][better]>known[factor]['all changes']+.05,
          left_alone=known[factor][better], all_changes=known[factor]['all changes'],
          untrained=known[factor]['untrained'])
lesson.guesses()''')
md('''«MAP_TEXT»

## Temperature

The gradient pushes a negative away in proportion to its part of the softmax. So $\\tau$ decides how that push is shared out. This is what it looks like for the network of a minute ago, in a batch of 128:''')
code('''learn.model.eval()
with torch.no_grad():
    z = F.normalize(learn.task.projector(learn.encoder(torch.cat([one[:128], two[:128]]))), dim=1)
cosine = z@z.T
n = len(z)//2
negative = ~torch.eye(2*n, dtype=torch.bool) & ~torch.eye(2*n, dtype=torch.bool).roll(n, 1)
others = cosine[negative].view(2*n, -1)
def hardest(temp, k=5):
    "How much of the push goes to the k negatives that are most alike"
    return float((others/temp).softmax(1).topk(min(k, others.shape[1])).values.sum(1).mean())

temps = [.03, .1, .3, 1.]
pd.Series({f'τ = {t:g}': hardest(t) for t in temps},
          name=f'part of the push on the 5 hardest of {others.shape[1]}').round(2).to_frame()''')
md('''A cold softmax looks at the hardest negatives only. A hot one pushes all alike, and hardly cares which of them is near. And how many negatives does it take? In the stored experiment both questions are asked of networks that are trained alike otherwise. In particular the batch always has 128 pictures: for fewer negatives we *hide* candidates and keep everything else.''')
code('''predict('τ from 0.03 to 1, and from 4 to 128 competing pictures: which matters more?',
        '«PREDICT2»')''')
code('''show(plot_choices(stored, ('«TEMP_TITLE»', '«GROUP_TITLE»')))''')
code('''claim('A temperature of 0.1 beats one of 1 by at least 10 points',
      exceeds(spread('base'), spread('τ 1'), .1), cold=spread('base'), hot=spread('τ 1'))
claim('With 128 competing pictures the encoder is better than with 4, by at least 5 points',
      exceeds(spread('base'), spread('4 compete'), .05), of_128=spread('base'),
      of_4=spread('4 compete'))''')
md('''«TEMP_TEXT»

## False negatives

A batch of 128 postcards has about twelve of every kind. All of them are pushed apart, though a person would say they show the same. Here are some, with the four pictures of the batch that the stored encoder finds most alike:''')
code('''batch = test.take(slice(0, p['bs']))
e = embedded(practised, unit(batch.x))
alike = (e@e.T).fill_diagonal_(-1).topk(5).indices.numpy()
false = float((batch.y[alike]==batch.y[:,None]).mean())
chance = float(((batch.y[:,None]==batch.y).sum(1)-1).mean()/(len(batch)-1))
some = [int(np.flatnonzero(batch.y==c)[0]) for c in np.unique(batch.y)[:3]]
rows = np.stack([np.r_[i, alike[i][:4]] for i in some])
show(image_grid(large(test, rows), ncols=5, scale=.96,
                titles=['this one', *['pushed away']*4]+['']*5*(len(some)-1)), colors=128,
     alt=f'Three postcards and the four most alike of the batch; '
         f'{(batch.y[rows[:,1:]]==batch.y[some,None]).sum()} of the twelve are of the same '
         'class.')
Markdown(f'Of the five most alike, **{false:.0%}** are of the same class; of all negatives '
         f'{chance:.0%}.')''')
code('''gain = spread('no false negatives')
claim('Without false negatives the encoder would be better by at least 5 points',
      exceeds(gain, spread('base'), .05), without=gain, with_them=spread('base'))''')
md('''«FALSE_TEXT»

## When the batch is small: a queue

Negatives come from the batch, and the batch has to fit into memory. But the vectors of *earlier* batches are still there. Keep them in a **queue**: new ones go in, the oldest fall out. Now the number of negatives doesn't depend on the batch.

There is a catch. The network has changed since an old key was made, so old and new don't fit together. MoCo's answer is to make the keys with a copy that changes slowly, an [exponential moving average](../library/pretext/two_views.ipynb#target-network) of the network with momentum $m$:

$$\\mathcal L_q = -\\log\\frac{\\exp(q\\cdot k_+/\\tau)}{\\exp(q\\cdot k_+/\\tau)+\\sum_{i=1}^{K}\\exp(q\\cdot k_i/\\tau)},\\qquad \\theta_k \\leftarrow m\\,\\theta_k+(1-m)\\,\\theta_q$$

The right key always comes first, the queue behind it, so the label is always 0 and the loss is cross-entropy once more:''')
code(keep[53])
md('''The whole method is [`MoCo`](../library/pretext/moco.ipynb). (One trap more: batch norm uses the mean of the batch, and a query shares its batch with its key. So the right key could be recognised by its statistics alone. MoCo makes keys in shuffled parts to prevent that.)

Suppose your machine holds batches of 16. What does a queue buy, at equal compute?''')
code('''queues = {'SimCLR': 'batch 16', 'MoCo, 256 keys': 'queue 256',
          'MoCo, 4,096 keys': 'queue 4096',
          'MoCo, 4,096 keys, m = 0.999': 'queue 4096, slower',
          'SimCLR, batches of 128': 'base'}
said = lambda v: f'{v[0]:.1%} ± {v[1]:.1%}'
claim('A long queue needs a slow copy: with 4,096 keys, m = 0.999 beats 0.99 by at least 5 '
      'points', exceeds(spread('queue 4096, slower'), spread('queue 4096'), .05),
      slow=spread('queue 4096, slower'), fast=spread('queue 4096'))
pd.Series({k: said(spread(v)) for k,v in queues.items()}, name='accuracy').to_frame()''')
md('''«QUEUE_TEXT»

## Where this fails: a shortcut

If views are crops and nothing else, the colours give the partner away, and no network need look any further. A rule that knows nothing but the mean colour of a view finds the partner among 256 views:''')
code('''def partner_by_color(views, x):
    "How often the view with the nearest mean colour is the partner"
    with seeded(s.seed): v = torch.cat([views(x), views(x)])
    c = v.mean((2, 3))
    nearest = torch.cdist(c, c).fill_diagonal_(torch.inf).argmin(1)
    return float((nearest==torch.arange(len(v)).roll(len(x))).float().mean())

shortcut = {k: partner_by_color(strong_views(**VIEWS[k]), unit(test.x[:128]))
            for k in ('crop only', 'same hue', 'all')}
pd.Series(shortcut, name='partner found by the mean colour').map('{:.1%}'.format).to_frame()''')
md('''«SHORTCUT_TEXT»''')
code('''#| hide
if s.budget!='smoke': # as the text says
    pass''')
code('''lesson.record(found=found, pull=apart, here={k: here[k] for k in ('probe', 'full')},
              hardest=[hardest(t) for t in temps], false_negatives=false, chance=chance,
              shortcut=shortcut)''')
EX=len(n.c)
exec(open('/tmp/cn/tail.py').read())
n.save()
print(len(n.c))
