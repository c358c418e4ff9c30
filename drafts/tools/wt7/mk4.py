import sys,json,uuid; sys.path.insert(0,'/tmp')
from nbq import N
p='/tmp/wt/seven/nbs/lessons/07_choosing_a_pretext_task.ipynb'
n=N(p); old={'quiz':n.src(n.find('quiz([')[0])}
n.c[:]=[]
def md(t): n.ins(len(n.c),t,'markdown')
def code(t): n.ins(len(n.c),t)
md('''# Choosing a pretext task

> Simple is often enough; compute matters as much as the task''')
md('''<div class="callout-note">

## What you will be able to do
* Compare pretext tasks fairly: at equal compute, each at its own learning rate, between an untrained and a supervised encoder.
* Read a compute curve: who starts fast, who overtakes, and where your own minute lies.
* Choose a task for *your* images and *your* question, and say what the choice rests on.

About «MINUTES» minutes on a laptop. Builds on lessons 2 to 6, and on [Contrast](11_contrast.ipynb) and [Without negatives](12_without_negatives.ipynb) for two of the lines. Papers: Kolesnikov, Zhai & Beyer 2019, [Revisiting self-supervised visual representation learning](https://arxiv.org/abs/1901.09005); Goyal, Mahajan, Gupta & Misra 2019, [Scaling and benchmarking self-supervised visual representation learning](https://arxiv.org/abs/1905.01235).

</div>''')
code('''#| code-fold: true
#| code-summary: "Imports"
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from fastcore.test import test_close,test_eq
from ssl_course.all import *
from ssl_course.course import *
from ssl_course.course.experiments.pretext_compute import NAMES,best_rates,bound
from ssl_course.course.experiments.pretext_compute import chosen_runs,class_accuracy
from ssl_course.course.experiments.pretext_compute import data,make_task,parts_of,plan
from ssl_course.course.experiments.pretext_compute import plot_worlds,spread_of
from ssl_course.course.experiments.pretext_compute import untrained_encoder
from ssl_course.course.experiments.pretext_tasks import QUESTIONS,matrix_table
from ssl_course.course.experiments.pretext_tasks import tuned_table
from ssl_course.evaluate.pretext_matrix import matrix_summary,plot_matrix
from ssl_course.evaluate.pretext_matrix import relative_cost''')
code('''lesson = Lesson('choosing_a_pretext_task')
s = lesson.settings
pipeline('pretext task', slim=True)''')
md('''## Six tasks, one evening

You have a folder of images that nobody has labelled, a laptop, and an evening. By now you know more ways to use them than the evening has hours. Here are six, on the same four postcards. Each row shows what a network gets to see.''')
code('''#| code-fold: true
p = plan(s)
large = Postcards(96, seed=42).draw(range(2_600_000, 2_600_004))
x = torch.from_numpy(large).permute(0, 3, 1, 2)/255 # bytes NHWC → floats NCHW

def seen(task):
    "What the encoder gets of `x`: pieces are laid out on white; of two views, both"
    with seeded(s.seed): shown = make_task(task, p | dict(size=96)).make(x)[0]
    if shown.ndim==4: return F.interpolate(shown, 96)
    framed = F.pad(shown, (1, 1, 1, 1), value=1.).unflatten(1, (2, 2))
    whole = framed.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
    return F.interpolate(whole, 96)

one_view = 'rotation', 'jigsaw', 'colorization', 'masking'
rows,pairs = {'image': x} | {t: seen(t) for t in one_view},seen('simclr')
rows |= {'SimCLR: a view': pairs[:4], 'its partner': pairs[4:]}
grid = torch.cat([*rows.values()]).clamp(0, 1)
show(image_grid(grid, ncols=4, rows=[*rows], scale=.96), colors=96,
     alt='Four postcards, and what six pretext tasks show of them: turned, cut into '
     'four shuffled pieces, grey, half hidden behind grey squares, and two views each, '
     'cropped and in other colours.')''')
md('''| task | what is asked | from |
|---|---|---|
| rotation | Which way up? One of four. | lesson 2 |
| colorization | Which colour has each place? | lesson 3 |
| jigsaw | In which order do the pieces belong? One of 24. | lesson 4 |
| masking | What is behind the grey squares? | lesson 5 |
| SimCLR | Which of all these views is my partner? | lesson 11 |
| VICReg | Two views alike, and no two numbers alike | lesson 12 |

Which one do you take? Papers won't settle it. Each compares its own task with older ones, at its own compute and with its own schedule. Kolesnikov, Zhai & Beyer (2019) ran several on the same footing, and found that the order depends on the network. So we measure it, and ask two questions at once: **which task, and for how long?**''')
code('''predict('All six get the same encoder and the same compute, on postcards that all '
        'stand upright. After a few seconds of training, which is ahead: rotation or '
        'SimCLR? And after sixteen times as long?',
        '«ANSWER_WHO»')''')
md('''## What is equal?

First, "the same compute". The naive rule is the same number of images for everybody. Look at what goes through the encoder for each of them:''')
code('''sets = data(p)
upright = parts_of(sets, 'postcards')
worth = {t: relative_cost(make_task(t, p), upright['images']) for t in p['tasks']}
test_eq((worth['rotation'], worth['simclr']), (1, 2*.75**2)) # two views of 24 pixels
pd.DataFrame({NAMES.get(t, t): {'cost of an image, in whole images': f'{w:.2f}',
                               f'images in a batch worth {p["bs"]}': f'{p["bs"]/w:.0f}'}
              for t,w in worth.items()}).T''')
md('''SimCLR passes two smaller views of each image, the jigsaw four small pieces. So we count **pixels through the encoder**. With $n$ pieces of $p\\times p$ pixels from an image of $s\\times s$, a batch that is worth $B$ whole images holds

$$b = B\\cdot\\frac{s^2}{n\\,p^2}\\quad\\text{images,}$$

and every task gets the same number of updates. One **unit** of compute is 20,000 whole images through the encoder, with gradient. What isn't counted: decoders, heads, and the making of the labels. (The seconds are in the table below the figure.)

Three more things could favour one task over another:

* **The learning rate.** What suits one task ruins another. Each gets its own, searched at 4 units on validation images: three rates, and further ones until the best has a worse neighbour on either side. It's the same search for all, and the rate found serves at all computes.
* **Luck.** Where a line has two dots, there were two seeds of weights, batches, and views.
* **The ruler.** An untrained network is no bad encoder, and no encoder can tell everything. So every figure has two dashed lines: random weights, and the same encoder trained with all labels.

The measure is a linear probe on the frozen encoder, with five labels per class: the mean over three draws of labels, on images that no encoder has seen.

## A minute of your own

Before we look at the curves, let's make a point on one. Rotation, on this machine, for 4 units:''')
code('''compute = read_experiment('pretext_compute')
photos = read_experiment('pretext_compute_photographs')
rates = best_rates(compute)

def practise(make, images, lr=rates['postcards', 'rotation'], units=p['search']):
    "Train on the task that `make` builds, for so much compute -> the encoder"
    bs = round(p['bs']/relative_cost(make(), images))
    steps = max(2, units*p['unit']//p['bs'])
    with seeded(s.seed):
        dls = images.unlabeled().dls(.01, bs=bs, steps=steps)
        learn = pretext_learner(dls, Encoder.small(width=p['width']), make())
        one_cycle = lambda l: l.fit_one_cycle(1, lr, pct_start=.15)
        return fit_quietly(learn, one_cycle, 'practising').encoder

def accuracy(encoder, parts):
    "With five labels per class (`probe`), and with all labels of the pool (`full`)"
    return class_accuracy(encoder, parts, p)

live = accuracy(practise(Rotation, upright['images']), upright)
fresh = untrained_encoder(upright['images'], p['width'], s.seed)
random_weights = accuracy(fresh, upright)
columns = {'probe': 'five labels per class',
           'full': f'all {len(upright["pool"]):,} labels'}
rows = {'rotation, just now': live, 'random weights': random_weights}
pd.DataFrame({k: {c: f'{v[of]:.0%}' for of,c in columns.items()}
              for k,v in rows.items()}).T''')
md('''«READ_LIVE» Is that good? You can't tell from one point. Here are the curves. The star is yours.''')
code('''#| label: main-figure
titles = ('«TITLE_POSTCARDS»', '«TITLE_ANY_WAY_UP»', '«TITLE_PHOTOGRAPHS»')
show(plot_worlds(compute, photos, titles=titles,
                 here=('postcards', p['search'], live['probe'])))
for store in (compute, photos): print(store.note())''')
md('''The first panel is upright postcards. In the second, the same postcards are turned by a random multiple of 90°, and half of them are mirrored: they have no up any more. The third is photographs of clothes in ten classes, 3,068 of them to train on (they are no part of this project; [the experiment](../course/experiments/pretext_compute.ipynb) says how to run it). Compute grows to the right, by a factor of four at each mark.

«READ_POSTCARDS» «READ_ANY_WAY_UP» «READ_PHOTOGRAPHS»''')
code('''runs = pd.concat([chosen_runs(o) for o in (compute, photos)])
worlds = [*compute.plan['worlds'], *photos.plan['worlds']]
low,high = min(compute.plan['units']),compute.plan['keep']
longest = compute.plan['longest']

def values(world, task, units, of='probe'):
    "One value for each seed"
    r = runs[(runs.world==world)&(runs.task==task)&(runs.units==units)]
    return r.sort_values('seed')[of].to_numpy()

def pair(*args, **kwargs): return spread_of(values(*args, **kwargs))

def cell(mean_sd): return f'{100*mean_sd[0]:.0f} ± {100*mean_sd[1]:.0f}'

def level(world, name, of='probe'):
    return bound(photos if world=='photographs' else compute, world, name, of)

table = {(w, NAMES.get(t, t)): {'rate': f'{best_rates(o)[w, t]:g}',
    f'{low} unit, %': cell(pair(w, t, low)), f'{high} units, %': cell(pair(w, t, high)),
    f'{high} units, all labels, %': cell(pair(w, t, high, of='full')),
    'seconds': f'{values(w, t, high, of="pretraining").mean():.0f}'}
    for o in (compute, photos) for w in o.plan['worlds'] for t in o.plan['tasks']}
for w in worlds:
    for b in ('untrained', 'pixels', 'supervised'):
        table[w, b] = {f'{high} units, %': cell(level(w, b)),
                       f'{high} units, all labels, %': cell(level(w, b, 'full'))}
pd.DataFrame(table).T.fillna('')''')
code('''def start(task): return pair('postcards', task, low)
def later(task): return pair('postcards', task, high)

claim('After one unit, on upright postcards, rotation is ahead of SimCLR',
      exceeds(start('rotation'), start('simclr')), rotation=start('rotation'),
      SimCLR=start('simclr'))
claim('After 16 units it is at least 5 points behind SimCLR',
      exceeds(later('simclr'), later('rotation'), by=.05), rotation=later('rotation'),
      SimCLR=later('simclr'))
guess('After 16 units, VICReg and SimCLR are within 5 points of each other',
      bool(abs(later('vicreg')[0]-later('simclr')[0])<.05), VICReg=later('vicreg'),
      SimCLR=later('simclr'))''')
md('''«READ_CLAIMS_1» «KEEP_IF_CLAIMS_1_AND_2_HOLD:» Think about why. Rotation has four answers, and each image says which one is right; the first few thousand images are enough to learn that grass is below and sky above. SimCLR has to tell an image from a hundred others, and at first that's hopeless. But its question never runs out. What helps to find a partner among hundreds, shapes and kinds of things, also helps to tell classes apart. (That's our reading of the curves. They don't prove it.) «END»

### The task, or the hours?

You can spend your evening on choosing well, or on training longer. At one unit, the best of the six tasks lies some points above the worst. That's what choosing gains. Against it, take one task and train it sixteen times as long:''')
code('''by_choice = {t: start(t) for t in compute.plan['tasks']}
top,bottom = (f(by_choice, key=lambda t: by_choice[t][0]) for f in (max, min))
choice = spread_of(values('postcards', top, low)-values('postcards', bottom, low))
gains = {t: spread_of(values('postcards', t, high)-values('postcards', t, low))
         for t in compute.plan['tasks']}
claim('Sixteen times the compute gains SimCLR more than the best choice among six '
      'tasks gains at one unit', exceeds(gains['simclr'], choice),
      compute=gains['simclr'], choice=choice, from_worst_to_best=f'{bottom} to {top}')
rows = {f'choosing: {bottom} → {top}': choice}
rows |= {f'16 times the compute: {NAMES.get(t, t)}': g for t,g in gains.items()}
pd.DataFrame({'points gained': {k: cell(v) for k,v in rows.items()}})''')
md('''«READ_COMPUTE» «KEEP_IF_CLAIMS_1_TO_3_HOLD:» So the two questions can't be parted. **Compute decides which task is best, and the task decides what compute is worth.** «END» A table that compares tasks at a single small compute shows who starts fast, and nothing else.

How far does it go? Three of the lines in the first panel go on to 64 units. «READ_LONGEST» And in [the package](../library/pretrained.ipynb) there are encoders of twice the width that were trained for an hour and more.

## Take the up away

Rotation asks which way is up. Suppose your images are cells under a microscope, or fields seen from a satellite. There is no up.''')
code('''#| code-fold: true
both = np.concatenate([sets[f'{w}: test'].x[:6] for w in compute.plan['worlds']])
show(image_grid(both, ncols=6, rows=['upright', 'any way up'], scale=.96), colors=96,
     alt='Six postcards upright, and the same six turned by multiples of 90° or '
     'mirrored.')''')
code('''def own_accuracy(world):
    found = values(world, 'rotation', high, 'pretext')
    return spread_of([o['accuracy'] for o in found])

own = {w: own_accuracy(w) for w in worlds}
lost = {t: spread_of(values('postcards', t, high)-values('any way up', t, high))
        for t in compute.plan['tasks']}
claim('Turning the postcards takes more from rotation than from SimCLR, at 16 units',
      exceeds(lost['rotation'], lost['simclr']), rotation=lost['rotation'],
      SimCLR=lost['simclr'])
turned,floor = pair('any way up', 'rotation', high),level('any way up', 'untrained')
guess('Where nothing has an up, rotation gains less than 2 points over random weights',
      bool(turned[0]<floor[0]+.02), rotation=turned, random_weights=floor)
print('Rotation, its own task (guessing: 25%): '
      + ', '.join(f'{w} {v[0]:.0%}' for w,v in own.items()))
pd.DataFrame({'points lost when the up is taken away': {
    NAMES.get(t, t): cell(v) for t,v in sorted(lost.items(), key=lambda o: -o[1][0])}})''')
md('''«READ_NO_UP» The line printed above is the test of the explanation. If rotation teaches by asking for the up, then without one its own task can't be solved, and its accuracy there must be that of guessing. «READ_OWN_ACCURACY»

And the photographs? Somebody held the camera, and cameras are held upright. «READ_PHOTOGRAPHS_2»

## What does each task know?

So far we asked one thing only: which class? Your question may be another. Everything is known about a postcard, so we can ask an encoder about all of it, in each case by a linear model on its frozen features, with 2,000 labels:''')
code('''pd.Series(QUESTIONS, name='what is asked').to_frame().rename_axis('question')''')
code('''predict('SimCLR is shown two views in different colours, and told that they are the '
        'same. Will its encoder know more or less of the hue than one with random '
        'weights?',
        '«ANSWER_HUE»')''')
md('''Ten tasks now: relative position (lesson 4), the autoencoder and damage (lesson 5), and the order of frames (lesson 6) have joined the six. All got 16 units, and the same search. Accuracy, $R^2$ and IoU have no common unit. So each column has a scale of its own, from random weights (0) to the same encoder trained on 10,000 labels of *this* question (100):

$$\\frac{\\text{score} - \\text{random weights}}{\\text{supervised} - \\text{random weights}}$$''')
code('''stored = read_experiment('pretext_matrix')
matrix = matrix_table(stored)
show(plot_matrix(matrix, title='«TITLE_MATRIX»', least=.1), colors=128)
print(stored.note())''')
code('''matrix_summary(matrix)''')
md('''The heat map has the fractions in percent, and the best task on average is on top. The second table has the scores themselves, with the spread over two seeds; the last row is the ceiling. If there are orange cells, they are the interesting ones: there an encoder knows *less* after training than before. *Not found* means that a linear model finds nothing at all: its $R^2$ isn't above 0. A dash in the map means that there's no scale, since the ceiling is less than 0.1 above random weights.

«READ_MATRIX»

Read it with a question in mind that you can ask of any task, before you train: **what must a network know to solve it, and what may it forget?**''')
code('''questions = stored.plan['questions']

def known(task, question):
    "Mean and standard deviation over the seeds"
    t = matrix[(matrix.task==task)&(matrix.downstream==question)]
    return spread_of(t.probe)

def best_at(question):
    return max(stored.plan['tasks'], key=lambda t: known(t, question)[0])

winner,colorful = best_at('object'),best_at('hue')
claim('The task that knows the class best is not the one that knows most of the hue',
      False if winner==colorful else
      exceeds(known(colorful, 'hue'), known(winner, 'hue')),
      best_at_the_class=winner, its_hue=known(winner, 'hue'), best_at_the_hue=colorful,
      hue=known(colorful, 'hue'))

def guess_more(text, a, b, question):
    "A guess that `a` knows more than `b`"
    two = {t: known(t, question) for t in (a, b)}
    guess(text, exceeds(two[a], two[b]), **two)

guess_more('SimCLR knows less of the hue than random weights', 'untrained', 'simclr',
           'hue')
guess_more('The autoencoder, which gives the colours back, knows more of the hue than '
           'SimCLR', 'autoencoder', 'simclr', 'hue')
guess_more('Rotation knows more of the place than SimCLR: it looks for the ground',
           'rotation', 'simclr', 'place')
scores = {q: '{:.2f} ± {:.2f}'.format(*known(best_at(q), q)) for q in questions}
pd.DataFrame({'best task': {q: best_at(q) for q in questions}, 'score': scores})''')
md('''«READ_QUESTIONS»

### And when the encoder may learn?

A probe leaves the encoder as it is. With a hundred labels you could also fine-tune it. The recipe is `careful` (lesson 9) for all rows, random weights too, with its rate searched for each:''')
code('''tuned = {t: spread_of(d.tuned) for t,d in tuned_table(stored).groupby('task')}
order = sorted(tuned, key=lambda t: -tuned[t][0])
pd.DataFrame({t: {'fine-tuned, 10 labels per class, %': cell(tuned[t]),
                  'linear probe, all labels, %': cell(known(t, 'object'))}
              for t in order}).T''')
md('''«READ_TUNED»

## Which one would you take?

Your data, and what to try. Nothing in this table is taken from a paper: each row names the tasks whose measured accuracy in that situation is the best, or not distinguishable from it, given the spread over seeds.''')
code('''def contenders(scores):
    "The best of {task: (mean, sd)}, and those that the spread doesn't separate from it"
    best = max(scores, key=lambda t: scores[t][0])
    near = [t for t in scores if not exceeds(scores[best], scores[t])]
    return ', '.join(NAMES.get(t, t) for t in sorted(near, key=lambda t: -scores[t][0]))

def at(world, units):
    "{task: (mean, sd)} of all tasks that were measured there"
    return {t: pair(world, t, units) for t in compute.plan['tasks']
            if len(values(world, t, units))}

floors = {w: level(w, 'untrained') for w in worlds}
upright_at = lambda units: (at('postcards', units), floors['postcards'])
situations = {
    ('images have an up', 'seconds'): upright_at(low),
    ('images have an up', 'minutes'): upright_at(high),
    ('images have an up', '64 units (three tasks, one seed)'):
        upright_at(longest['units']),
    ('no up: cells, satellites', 'minutes'): (at('any way up', high),
                                              floors['any way up']),
    ('three thousand photographs', 'minutes'): (at('photographs', high),
                                                floors['photographs'])}
for q in questions[1:]: # the first one is the class
    situations[f'the question is the {q}', 'minutes'] = (
        {t: known(t, q) for t in stored.plan['tasks']}, known('untrained', q))
decisions = {k: {'try': contenders(v), 'score of the best': f'{max(v.values())[0]:.2f}',
                 'random weights': f'{floor[0]:.2f}'}
             for k,(v,floor) in situations.items()}
pd.DataFrame(decisions).T.rename_axis(['your data', 'your time'])''')
md('''And what this table can't say, but earlier lessons do:

1. **Is there a general-purpose model for images like yours?** Start from it, and measure it first (lesson 1). A pretext task has to beat *that*, not random weights.
2. **Take the simplest task that fits your images**, and train it for a minute. You'll find most mistakes in your pipeline on the way.
3. **Ask what the task may forget.** If your answer hangs on colour, keep views that change the hue away from it.
4. **Then spend compute, not cleverness.** Train four times as long, and probe again. If the curve still rises, you haven't compared anything yet.

«READ_DECISIONS»

## Where this fails

**Another network, another order.** All of this is one small convolutional network on small images. Masking is the clearest case: here it fills squares in a convolutional network's input; with a transformer that doesn't even see the hidden patches it's another method (lesson 13). Kolesnikov et al. changed nothing but the network's type and width, and tasks changed places.

**The rates were searched at 4 units**, and used at 1, 16 and 64. A rate that is best for a short training may be too fast or too slow for a long one. We didn't search again.

**The number on the screen.** While a task trains, you see how well it is solved, and it's tempting to choose by that. Between tasks it means nothing: one in four is guessing for rotation, one in 24 for the jigsaw. What about *one* task at several learning rates?''')
code('''p0 = compute.plan
screen = pd.DataFrame([dict(task=NAMES.get(r['task'], r['task']), rate=r['lr'],
    solved=next((v for k,v in r['pretext'].items() if k.endswith('accuracy')), np.nan),
    probe=r['probe']) for r in compute.rows('runs')
    if (r['world'], r['units'], r['seed'])==('postcards', p0['search'], 0)])
screen = screen.dropna().sort_values(['task', 'rate'])
best_rows = screen.groupby('task')[['solved', 'probe']].idxmax()
agree = {t: bool(r.solved==r.probe) for t,r in best_rows.iterrows()}
guess('Of one task, the rate at which it is solved best also gives the best encoder',
      all(agree.values()), holds_for=[t for t,v in agree.items() if v] or 'none',
      not_for=[t for t,v in agree.items() if not v] or 'none')
percent = screen.assign(rate=screen.rate.map('{:g}'.format))
percent[['solved', 'probe']] = screen[['solved', 'probe']].map('{:.1%}'.format)
percent.columns = ['task', 'rate', 'solves its own task', 'probe, 5 labels per class']
percent.set_index(['task', 'rate'])''')
md('''«READ_SCREEN» Choose by a probe on a few labelled validation images, even if you have only ten of them per class.

## We guessed, we found

Some of what we expected before the runs, and what came out:''')
code('''lesson.guesses()''')
md('''## Exercises

**1. An experiment.** The second panel at first hand. Guess first: after rotation on postcards that lie any way up, will the probe with *all* labels be (A) no better than random weights, give or take four points, (B) clearly better, but behind rotation on upright postcards, or (C) as good as there? The two numbers to compare with are in the table above the figure. Train with `practise(Rotation, turned['images'])`, where `turned = parts_of(sets, 'any way up')`, measure with `accuracy(encoder, turned)['full']`, and return the accuracy and the letter. If you have another minute: does `SimCLR` mind?''')
code('''def no_up():
    "Accuracy with all labels after rotation on postcards without an up, and the right letter."
    ...

check(no_up)''')
code('''solution('no_up')''')
md('''**2.** The scale of the heat map.''')
code('''def share_of_the_way(score, untrained, supervised):
    """Where scores lie between the mean of the untrained encoders (0) and that of the supervised
    ones (1): tensors of any lengths, one number for each score."""
    ...

check(share_of_the_way)''')
code('''solution('share_of_the_way')''')
md('''**3.** Equal compute. Then ask yourself what a puzzle of nine pieces of 16 pixels, from images of 64, would get.''')
code('''def pictures_in_batch(side, pieces, piece, bs):
    """How many images of side×side pixels a batch must hold so that `pieces` pieces of
    piece×piece pixels of each cost what `bs` whole images cost: a whole number, rounded."""
    ...

check(pictures_in_batch)''')
code('''solution('pictures_in_batch')''')
md('''**4.** Which tasks deserve a thought at all? Those that no other beats in both seconds and score. Try it on the columns of the first table.''')
code('''def not_beaten(seconds, score):
    """bool (N,): True for each task for which no other is at least as fast and at least as good,
    and better in one of the two. Tensors (N,)."""
    ...

check(not_beaten)''')
code('''solution('not_beaten')''')
md('''## Quiz''')
code('''quiz([
    question('Task A is ahead of task B after a minute of training. You have a night. Which one?',
        right('You can\\'t tell yet', 'Curves cross. Train both four times as long and look which '
              'one still rises.'),
        wrong('A, it learns faster', 'Learning fast and getting far are two things.'),
        wrong('B, slow starters win', 'Some do. Others are just slow.')),
    question('Your images are cells under a microscope. Why is rotation a doubtful choice?',
        right('A cell has no up, so the labels say nothing', 'All four answers are equally '
              'right, and there\\'s nothing to learn from them.'),
        wrong('Cells are too small', 'Size isn\\'t the trouble; the question is.'),
        wrong('Rotation needs colour', 'It uses whatever gives the turn away, shapes too.')),
    question('You want to sort photographs of flowers by colour. Which task looks doubtful?',
        right('SimCLR with views that change the hue', 'It\\'s told that two views in different '
              'colours are the same, so it may overlook what you want to know.'),
        wrong('An autoencoder', 'It has to give the colours back. It may teach little else, but '
              'this.'),
        wrong('SimCLR with views that keep the hue', 'Nothing tells it to overlook the colour '
              'now. (It may find partners by colour alone: lesson 11.)')),
    question('Jigsaw and SimCLR get different numbers of images in a batch. Is that fair?',
        right('Yes: what goes through the encoder costs the same', 'Pieces have few pixels, and '
              'two views are two images. Seconds still differ, and are given.'),
        wrong('No, one sees more images', 'It sees less of each. One has to decide what is to '
              'be equal, and say so.')),
    question('Task A solves its own task in 95% of cases, task B in 60%. Which encoder is better?',
        right('That can\\'t be said', 'A may be easy since it needs no knowledge, or has a '
              'shortcut. Probe both.'),
        wrong('A', 'It has solved its task better. Whether it had to learn anything is another '
              'question.'),
        wrong('B', 'A harder task need not teach more: it may be impossible.')),
])''')
md('''## What to remember

1. Compare tasks at equal **compute**, each at its own learning rate, between **random weights** and a **supervised** encoder.
2. «REMEMBER_CURVES»
3. «KEEP_IF_CLAIM_3_HOLDS:» **Compute matters as much as the task**: a ranking at one small compute shows who starts fast. «END»
4. Ask of a task: what must one **know** to solve it, and what may one **forget**? «REMEMBER_UP»
5. There's no best task, only one for a purpose. **Probe** it; the pretext accuracy on the screen doesn't say.

## Further reading

* Kolesnikov, Zhai & Beyer 2019, [Revisiting self-supervised visual representation learning](https://arxiv.org/abs/1901.09005): figure 2, the same tasks on different networks; and the section on whether pretext accuracy predicts anything.
* Goyal et al. 2019, [Scaling and benchmarking self-supervised visual representation learning](https://arxiv.org/abs/1905.01235): more data, larger networks, harder tasks, up to 100 million images; which tasks still gain.
* Chen et al. 2020, [Big self-supervised models are strong semi-supervised learners](https://arxiv.org/abs/2006.10029) (*SimCLRv2*): what scale buys. With 13 labels per class, 1% of ImageNet's, 73.9% of the images are right.
* He et al. 2021, [Masked autoencoders are scalable vision learners](https://arxiv.org/abs/2111.06377): the effect of a longer schedule, 100 to 1,600 epochs; the curve still rises at its end.
* Zhai et al. 2019, [A large-scale study of representation learning with the visual task adaptation benchmark](https://arxiv.org/abs/1910.04867): nineteen questions instead of seven.''')
code('''#| hide
# «CHECK_ANSWERS»: test_close of the numbers in both answers, unless s.budget=='smoke' ''')
code('''lesson.record(live=live, random_weights=random_weights, gains=gains, lost=lost, own=own,
              runs=runs.drop(columns=['pretext']), matrix=matrix, tuned=tuned,
              decisions={', '.join(k): v['try'] for k,v in decisions.items()})''')
code('''lesson.finish()''')
print(len(n.c),'cells')
n.save()
