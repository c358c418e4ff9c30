import sys,json; sys.path.insert(0,'/tmp'); from nbq import N
import hashlib
root='/tmp/wt/thirteen'
p=f'{root}/nbs/lessons/13_masks.ipynb'
base=json.load(open(f'{root}/nbs/lessons/10_energy.ipynb'))
json.dump(dict(base,cells=[]),open(p,'w')); n=N(p)
def add(t,k):
    n.ins(len(n.c),t,k); n.c[-1]['id']=hashlib.sha256(f'{len(n.c)}{t[:60]}'.encode()).hexdigest()[:8]
def md(t): add(t,'markdown')
def code(t): add(t,'code')
md('''# Masks

> Three quarters of a picture are hidden. Imagine them: as pixels, or as features?''')
code('#| default_exp course.letters')
md('''<div class="callout-note">

## What you will be able to do
* Write down a masked autoencoder in five steps, and say what each of them is there for.
* Say why what it draws is blurred, and how text and features get around that.
* Choose how much to hide, and judge a masked encoder fairly: by a probe *and* by fine-tuning.

About five minutes on a laptop. Builds on [Holes and noise](05_holes_and_noise.ipynb), [Energy](10_energy.ipynb) and [Without negatives](12_without_negatives.ipynb). Papers: He et al. 2021 ([masked autoencoders](https://arxiv.org/abs/2111.06377)), Assran et al. 2023 ([I-JEPA](https://arxiv.org/abs/2301.08243)), Baevski et al. 2022 ([data2vec](https://arxiv.org/abs/2202.03555)), Devlin et al. 2018 ([BERT](https://arxiv.org/abs/1810.04805)).

</div>''')
code('''#| export
import re
from importlib.resources import files

import torch
import torch.nn.functional as F
from torch import nn

from ssl_course.compute import seeded''')
code('''#| code-fold: true
#| code-summary: "Imports"
import math
from collections import Counter
from time import perf_counter
import numpy as np
import pandas as pd
from fastcore.test import test_close,test_eq
from IPython.display import Markdown,display
from torchvision.transforms.functional import gaussian_blur
from ssl_course.all import *
from ssl_course.course import *
from ssl_course.course.experiments import mask_choices as masks
from ssl_course.plots import INK,PALETTE,as_images,course_style,new_figure
from ssl_course.pretext.masking import PatchDecoder,at,patch_order,patchify,unpatchify
from ssl_course.reference import reference_runs''')
code('''lesson = Lesson('masks')
s = lesson.settings
pipeline(['pretext task'], slim=True)''')
md('''## What is it?

Each of these eight postcards was cut into 64 patches, and 48 of them are hidden: three quarters of the picture. Name the object. The network beside you knows whole postcards very well (it's the one from lesson 11, with a linear classifier on top), and nobody ever hid anything from it.''')
code('''#| code-fold: true
#| code-summary: "Postcards, what hides them, and a network that names the object"
def unit(x):
    "Bytes (N,H,W,3) as floats (N,3,H,W) from 0 to 1"
    return torch.from_numpy(x).permute(0, 3, 1, 2).float()/255

def cover(x, order, patch):
    "Show only the first quarter of the patches of x (B,C,H,W), in the given order"
    task = MaskedAutoencoder()
    task.patch = patch
    return task.gray(x, order[:,order.shape[1]//4:])

p = masks.MASK_CHOICES.plan(s) # sizes of a longer experiment, which we will come to
sets = masks.MASK_CHOICES.data(p)
images,classes = sets['images'].unlabeled(),sets['pool'].vocab
numbers = np.arange(3_300_000, 3_300_000+s.pick(40, 500))
dice = np.random.default_rng(s.seed)
small = Postcards(32, seed=42).images(len(numbers), start=int(numbers[0]))
with seeded(s.seed): order = patch_order(len(numbers), (8, 8))
hidden_small = cover(unit(small.x), order, 4)

def four_of(y):
    "The right class and three others, in random order"
    others = [c for c in range(len(classes)) if c!=y]
    return dice.permutation([y, *dice.choice(others, 3, replace=False)])

four = np.array([four_of(y) for y in small.y])
simclr = Encoder.pretrained('postcards-simclr')
probe = linear_probe(embed(simclr, sets['pool']), sets['pool'].y)
def named(x):
    "Which of the four classes the network takes each picture for: 0 to 3"
    score = np.full((len(x), len(classes)), -np.inf)
    z = simclr.embed(x.split(256)).numpy()
    score[:,probe[-1].classes_] = probe.decision_function(z)
    return np.take_along_axis(score, four, 1).argmax(1)''')
code('''answer = (four==small.y[:,None]).argmax(1)
eight = unit(Postcards(96, seed=42).draw(numbers[:8]))
rounds = [play_round(i, [classes[c] for c in four[i]], answer[i]) for i in range(8)]
play_task(cover(eight, order[:8], 12), rounds, {'the network': named(hidden_small)[:8]},
          'What is on this postcard?', quality=60,
          label='a postcard, three quarters of which are hidden by grey squares')''')
code('''correct = {k: float((named(x)==answer).mean())
           for k,x in {'whole': unit(small.x), 'hidden': hidden_small}.items()}
first = torch.cat([cover(eight, order[:8], 12)[:4], eight[:4]])
show(image_grid(first, ncols=4, scale=1.5), colors=96,
     alt='Four postcards of which grey squares hide three quarters, and below them the '
         'same postcards whole.')
Markdown(f'On {len(small)} postcards, with four answers each, the network is right on '
         f'**{correct["whole"]:.0%}** of the whole ones and on '
         f'**{correct["hidden"]:.0%}** of the covered ones. Guessing: 25%.')''')
md('''How did you do it? A bit of wheel, a bit of road, and you *saw* a car. You didn't work out any pixel; you filled in a thing, and the pixels you can't name (which red? what's on the number plate?) didn't bother you.

Lesson 5 ended with a disappointment. Networks that fill in holes learned to draw, a little, but not to understand, and diffusion drew better than all of them. The **masked autoencoder** (MAE) of He et al. makes three changes to the context encoder:

1. **Hide most of it**, so that little can be continued from next door.
2. **Show the encoder only what is left.** No grey, no holes: a transformer takes patches one by one, so the hidden ones can simply be left out. That also makes it cheap.
3. **Give the drawing to somebody else**: a small decoder that is thrown away later.

## Five steps, on one screen

In the order of the paper: cut into patches, hide, encode what's visible, decode, compare what was hidden.''')
code('''x = unit(small.x[:16])
patches = patchify(x, 4) # 1. cut into patches: (B,N,D)
with seeded(s.seed): order = patch_order(16, (8, 8)) # 2. hide: a random order
visible,hidden = order[:,:16],order[:,16:] # the first quarter stays
encoder = masks.new_vit(p)
tokens = encoder.features(x, keep=visible) # 3. encode the visible ones
decoder = PatchDecoder(encoder, patches.shape[2], width=p['decoder'])
drawing = decoder(tokens, visible, hidden, (8, 8)) # 4. draw the others
loss = F.mse_loss(drawing, at(patches, hidden)) # 5. compare where it was hidden
test_eq(unpatchify(patches, x.shape, 4), x)

def seconds(f, times=10):
    f()
    begin = perf_counter()
    for _ in range(times): f()
    return (perf_counter()-begin)/times

with torch.no_grad():
    whole = seconds(lambda: encoder.features(x))
    quarter = seconds(lambda: encoder.features(x, keep=visible))
shapes = dict(picture=x, patches=patches, tokens=tokens, drawing=drawing)
said = [f'{k} **{" × ".join(map(str, v.shape[1:]))}**' for k,v in shapes.items()]
Markdown(f'{", ".join(said)}. To encode a quarter of the patches takes '
         f'{quarter/whole:.0%} of the time that all of them take.')''')
md('''Two details carry the weight. Between steps 3 and 4, the decoder puts a **mask token** where a patch is hidden: one learned vector, the same everywhere. What tells it *which* patch to draw is the position, added as sines and cosines. And the encoder never meets a mask token, so it isn't surprised when later, in your classifier, there are none.

The library's `MaskedAutoencoder` is these five steps: the first two in `make`, which turns pictures into a question and its answer, the next two in `forward`, and the last in `loss`.

```python
def make(self, x):
    x = self.view(x)                                              # in training, a random crop
    patches,(visible,hidden) = patchify(x, self.patch),self.hide(x)
    return (x, visible, hidden), at(patches, hidden)
def forward(self, encoder, inputs):
    x,visible,hidden = inputs
    tokens = encoder.features(x, keep=visible)
    return self.decoder(tokens, visible, hidden, self.grid(x))
def loss(self, pred, target): return F.mse_loss(pred, target)
```

Now let it practise for a minute, on postcards nobody labelled. Beside it stands a longer run of the same network, from a stored experiment. And, as in lesson 5, the three that have learned nothing: the mean colour of what can be seen, the best blur of it, and diffusion.''')
code('''predict('Three quarters of the patches are hidden. After a minute of practice, does '
        'the network draw them with a smaller error than the best blur? And after '
        'four times as long?',
        '«MINUTE_AGAINST_BLUR». The best blur makes «BLUR», diffusion «DIFFUSION», the '
        'network «MINUTE» after a minute and «LONGER» after the longer practice.')''')
code('''stored = read_experiment('mask_choices')
best = masks.best_rates(stored)
print(stored.note())
steps = p['seen']//p['bs']
def practise(task, steps, lr, desc='Practising'):
    "A `Learner` after some steps of a pretext task on unlabelled postcards"
    with seeded(s.seed):
        dls = images.dls(.01, bs=p['bs'], steps=steps)
        learn = pretext_learner(dls, masks.new_vit(p), task)
        return fit_quietly(learn, lambda l: l.fit_one_cycle(1, lr, pct_start=.15), desc)

learn = practise(MaskedAutoencoder(width=p['decoder']), steps, best['75%'])''')
code('''#| code-fold: true
#| code-summary: "Three ways to fill without learning anything (from lesson 5)"
def blurred(x, sigma): return gaussian_blur(x, 2*math.ceil(3*sigma)+1, sigma)
def mean_fill(x, hole):
    return (x*~hole).sum((2, 3), keepdim=True)/(~hole).sum((2, 3), keepdim=True)
def blur_fill(x, hole, sigma):
    return blurred(x*~hole, sigma)/blurred((~hole).float(), sigma).clamp(min=1e-4)
def diffuse(x, hole, steps=300):
    y = torch.where(hole, mean_fill(x, hole), x)
    for _ in range(steps):
        q = F.pad(y, (1, 1, 1, 1), mode='replicate')
        beside = q[:,:,1:-1,2:]+q[:,:,1:-1,:-2]
        y = torch.where(hole, (beside+q[:,:,2:,1:-1]+q[:,:,:-2,1:-1])/4, x)
    return y

def fill_error(filled, x, hole):
    "Mean squared error where something was hidden"
    return float((filled-x).square()[hole.expand_as(x)].mean())
def without_learning(x, hole):
    "Three ways to fill what is hidden, the blur at its best width"
    blurs = [blur_fill(x, hole, o) for o in (1.5, 2, 2.5, 3, 4)]
    fills = {'mean colour': mean_fill(x, hole).expand_as(x),
             'best blur': min(blurs, key=lambda o: fill_error(o, x, hole)),
             'diffusion': diffuse(x, hole)}
    return {k: torch.where(hole, v, x) for k,v in fills.items()}
def hole_of(x, hidden):
    "bool (B,1,H,W): the pixels of the hidden patches"
    return MaskedAutoencoder().gray(torch.zeros_like(x), hidden)[:,:1]>0''')
code('''test,shown,gone = masks.covered(learn.task, sets) # no network here has trained on these
hole = hole_of(test, gone)
fills = without_learning(test, hole)
fills['network, a minute'],_ = masks.drawn(learn, sets)
long = next(r for r in stored.rows('starts') if r['start']=='75%')
errors = {k: fill_error(v, test, hole) for k,v in fills.items()}
errors['network, longer'] = long['drawing_error']
pd.Series(errors, name='error in the hidden patches').round(4).to_frame()''')
code('''kept = masks.from_strip(long['strip'])
k = len(kept)
rows = {'what is left': test.where(~hole, .5)[:k], **{a: fills[a][:k] for a in
        ('best blur', 'diffusion', 'network, a minute')},
        'network, longer': unit(kept), 'picture': test[:k]}
show(image_grid(torch.cat(list(rows.values())), ncols=k, rows=list(rows), scale=.9),
     colors=96, alt='Six postcards with three quarters of their patches hidden, then '
     'filled by the best blur, by diffusion, by the network after a minute and after '
     'longer practice, and the whole postcards.')
claim('After the longer practice, the network draws the hidden patches better than the '
      'best blur', errors['network, longer']<errors['best blur'],
      network=errors['network, longer'], best_blur=errors['best blur'],
      diffusion=errors['diffusion'])''')
md('''«DRAWN: read the table and the pictures after the run: is the minute above or below blur and diffusion, and the longer practice? Say it with the numbers.»

Look at the rows of the network. Where a patch is missing it puts a soft patch of fitting colours, like the filters. Is that stupidity? Before we blame the network, let's ask what it *should* have drawn.

## Two doors, one grey mean

Here is a world so small that we know the answer. A house of eight by eight pixels has a roof, which you see, and a door, which is hidden. It's on the left or on the right. A coin decides, and nothing in the roof tells.''')
code('''def houses(n):
    "Houses (n,3,8,8): a grey roof above a white wall with a black door, left or right"
    x = torch.ones(n, 3, 8, 8)
    x[:,:,:4] = .6
    left = torch.rand(n)<.5
    x[left,:,5:,1:3],x[~left,:,5:,5:7] = 0.,0.
    return x

roof,wall = torch.tensor([[0, 1]]),torch.tensor([[2, 3]]) # numbers of patches
with seeded(s.seed):
    tiny,task = Encoder.vit_tiny(8, 4, 32, 1, 1),MaskedAutoencoder(.5, width=32)
    task.setup(tiny)
    opt = torch.optim.AdamW([*tiny.parameters(), *task.parameters()], 2e-3)
    for _ in range(s.pick(3, 400)):
        y = houses(64)
        q = roof.expand(64, 2),wall.expand(64, 2)
        task.loss(task(tiny, (y, *q)), at(patchify(y, 4), q[1])).backward()
        opt.step(), opt.zero_grad()
    y = houses(16)
left,right_ = y[y[:,0,6,1]==0][:1],y[y[:,0,6,5]==0][:1]
with torch.no_grad(): parts = task(tiny, (left, roof, wall))
door = patchify(left, 4).scatter(1, wall[...,None].expand_as(parts), parts)
imagined = unpatchify(door, left.shape, 4)
middle = (left+right_)/2
away = lambda a, b: float((a-b)[:,:,4:].square().mean())
gap = dict(to_left=away(imagined, left), to_right=away(imagined, right_),
           to_mean=away(imagined, middle))
show(image_grid(torch.cat([left, right_, imagined]), scale=1.3,
                titles=['one house', 'another', 'drawn']),
     alt='A house with its door left, one with its door right, and what the network '
     f'draws, at a squared error of {gap["to_mean"]:.4f} from the mean of the two and '
     f'{gap["to_left"]:.3f} from the first.')
claim('Asked for one of two equally likely doors, the network draws the mean of both',
      gap['to_mean']<.1*min(gap['to_left'], gap['to_right']), **gap)''')
md('''No house in this world has two grey doors. The network draws them all the same, and it's right to: for squared error, the mean of both is the best answer there is. Decide for one door, and you are off by a lot half of the time, which costs twice as much. **The blur isn't the network's ignorance. It's the loss's idea of honesty.**

Real postcards have many more than two endings. We can look some up: take a covered postcard, and search thousands of others for those whose patches fit best *where it can be seen*. Each of them is sharp, and each is a guess at what's hidden.''')
code('''bank = patchify(unit(sets['images'].x[:s.pick(100, 8000)]), 4)
seen,parts = shown[:64],patchify(test, 4)
def fitting(i, k=50):
    "The k postcards of the bank that fit the visible patches of test postcard i best"
    d = (bank[:,seen[i]]-parts[i,seen[i]]).square().mean((1, 2))
    return bank[d.topk(k, largest=False).indices]

guesses,fit = [],dict(one=[], mean=[])
for i in range(len(seen)):
    others = fitting(i)
    guesses.append(torch.stack([*others[:3], others.mean(0)]))
    for name,o in (('one', others[0]), ('mean', others.mean(0))):
        fit[name].append(float((o-parts[i])[gone[i]].square().mean()))
fit = {k: float(np.mean(v)) for k,v in fit.items()}
rows = torch.stack([torch.stack([test[i].where(~hole[i], .5), *unpatchify(guesses[i],
                    (4, 3, 32, 32), 4), test[i]]) for i in range(3)]).flatten(0, 1)
titles = ['what is left', 'fits best', 'second', 'third', 'mean of 50', 'picture']
show(image_grid(rows, titles=titles+['']*12, ncols=6, scale=.95), colors=96,
     alt='Three covered postcards; for each, three others that fit where it can be '
         'seen, the blurred mean of fifty, and the postcard itself.')
guess('The mean of the fifty that fit best has a smaller error where it is hidden than '
      'the one that fits best', fit['mean']<fit['one'], **fit)
Markdown(f'Error in the hidden patches: the postcard that fits best {fit["one"]:.3f}, '
         f'the mean of fifty {fit["mean"]:.3f}.')''')
md('''Any one of them would make a better picture than their mean. The mean makes the smaller error. If two answers are independent and equally good, the expected squared distance between them is *twice* the variance; from the mean it's once. So a network that's judged by squared error learns to average, wherever the rest leaves a choice.

Lesson 10 had two ways out: a latent variable that chooses, or leaving pixels alone. We'll take the second one below. First, the questions that everybody asks about MAE.

## How much, and in what shape?

How much of the picture should be hidden? Here's how far diffusion still gets as more and more is hidden: its error, as a fraction of that of the mean colour.''')
code('''def left_to_guess(ratio):
    "Error of diffusion when so much is hidden, as a fraction of the mean colour's"
    with seeded(s.seed): o = patch_order(len(test), (8, 8))
    h = hole_of(test, o[:,round(64*(1-ratio)):])
    return fill_error(diffuse(test, h), test, h)/fill_error(mean_fill(test, h), test, h)

ratios = {r: left_to_guess(r) for r in (.25, .5, .75, .9)}
pd.Series(ratios).map('{:.0%}'.format).rename(
    index='{:.0%} hidden'.format).to_frame('error of diffusion / of the mean colour').T''')
code('''predict('The experiment trains the same network with a quarter, a half, three quarters '
        'and nine tenths hidden, for equal compute, and probes each with 2,000 '
        'labels. Which is best? And is one large block better or worse than single '
        'patches?',
        '«BEST_RATIO». 25%: «P25», 50%: «P50», 75%: «P75», 90%: «P90»; one block: '
        '«PBLOCK». An untrained transformer gets «PUNTRAINED».')''')
code('''#| label: main-figure
fig = masks.plot_masks(stored, ('«TITLE_RATIO»', '«TITLE_TARGET»'))
show(fig)''')
code('''full = masks.spread(stored)
def values(*arms): return {a.replace(' ', '_').replace(',', ''): full[a] for a in arms}
claim('Hiding three quarters teaches more than hiding a quarter, at equal compute '
      '(probe)', exceeds(full['75%'], full['25%']), **values('75%', '25%'))
guess('Hiding nine tenths is worse than hiding three quarters',
      exceeds(full['75%'], full['90%']), **values('75%', '90%'))
guess('Single patches teach more than one block of the same area',
      exceeds(full['75%'], full['one block']), **values('75%', 'one block'))
guess('Drawing each patch less its mean, divided by its spread, teaches more than '
      'drawing it as it is', exceeds(full['normalized'], full['75%']),
      **values('normalized', '75%'))
once = masks.chosen_runs(stored).groupby('arm')[['lr', 'steps', 'full', 'few']].mean()
once = once.rename(columns={'full': '2,000 labels', 'few': '5 per class'})
once.loc[p['arms']].round(3)''')
md('''«MASKS: what the figure says about ratio, block and normalized targets, with spread; then the table's learning rates and steps.»

Equal *compute*, not equal pictures: where more is hidden, the encoder has less to do, and in the same time it sees more postcards. That's part of the case for hiding much, and the column `steps` says how large a part. The rate was searched for each arm alone, outward until both neighbours were worse.

In the paper, on photographs of 224 pixels and hundreds of epochs, 75% is best for the probe, fine-tuning is good from 40% to 80%, and one block of 75% is worse than single patches (its figure 5 and table 1f).

## Predict features instead

Go back to the two doors. A loss on pixels wants to know *where* the door is. But suppose the thing to predict weren't the pixels of the wall, but what a network makes of them: "a wall with a door in it". That can be predicted, and without any blur. It's the argument for JEPA from lesson 10: predict $g(y)$ and leave out of $g$ what can't be known.

Who provides $g$? There are no labels, so it has to be the network itself, and then all can collapse to a constant. Lesson 12 showed what keeps that from happening in BYOL: the target is a **slow copy** of the network, gets no gradient, and stands behind a predictor. Put the two together and you have I-JEPA and data2vec. A few lines of `MaskedFeatures` differ from the masked autoencoder:

```python
def forward(self, encoder, inputs):
    x,visible,hidden = inputs
    with torch.no_grad(): whole = self.target[0].features(x)      # the slow copy sees all
    tokens = encoder.features(x, keep=visible)
    pred = self.predictor(tokens, visible, hidden, self.grid(x))
    return pred, at(whole.flatten(2).mT, hidden)                  # features, not pixels
def after_step(self, encoder):
    ema_update(self.target, [encoder], cosine_momentum(self.momentum, self.progress))
```

The loss alone can't tell learning from collapse: it's smallest when all features are the same. So we look at the features: how much does the token of one and the same place vary from picture to picture? (Tokens are standardised, so 1 would be the most, and 0 is collapse.) A short practice each, with the slow copy, and with a copy that isn't slow at all.''')
code('''def varies(encoder):
    "Standard deviation over pictures of the features of one place, the mean"
    encoder.eval()
    with torch.no_grad(): z = encoder.features(test.to(encoder.mean.device))
    return float(z.std(0).mean())

few_steps = s.pick(2, 120)
copies = {'slow copy, m = 0.99': .99, 'no slow copy, m = 0': 0.}
learned = {k: practise(MaskedFeatures(mask='random', momentum=m, width=p['decoder']),
                       few_steps, best['features'], k) for k,m in copies.items()}
with seeded(s.seed): varied = {'untrained': varies(masks.new_vit(p))}
varied |= {k: varies(l.encoder) for k,l in learned.items()}
last = {k: float(np.mean(l.recorder.losses[-10:])) for k,l in learned.items()}
guess('Without a slow copy, features vary less from picture to picture than with one',
      varied['no slow copy, m = 0']<varied['slow copy, m = 0.99'], **{
          k.split(',')[0].replace(' ', '_'): v for k,v in varied.items()})
claim('Predicting features teaches more than predicting pixels, at equal compute '
      '(probe)', exceeds(full['features'], full['75%']),
      **values('features', '75%', 'features, blocks'))
more = masks.cost('features', p)/masks.cost('75%', p)
print(f'A step costs {more:.1f} times as much as one that draws pixels.')
both = pd.DataFrame({'varies over pictures': varied, 'loss at the end': last})
both.loc[[*varied]].round(3)''')
md('''«FEATURES: does it vary; which of the two losses is lower; then the claim with the numbers: features against pixels at equal compute, single patches against blocks.»

A step costs more here, since the slow copy has to read the whole picture: the line above the table says how much, by a count of multiplications. At equal compute, features get that many fewer steps. It's a fair comparison of what a minute buys. It isn't one of what a step teaches.

For scale: I-JEPA's ViT-H/14, trained for 300 epochs on ImageNet, reaches 79.3% by a linear probe, and a masked autoencoder of the same size after 1,600 epochs 77.2% (its table 1). Data2vec uses one and the same rule for speech, vision and text.

## Probe, or fine-tune?

There's a saying about masked models: *they probe badly and tune well*. For scale, ViT-Base on ImageNet, as [MMSelfSup](https://github.com/open-mmlab/mmselfsup) trained it again: from 300 to 1,600 epochs the linear probe moves from 60.8 to 67.1%, and fine-tuning from 83.1 to 83.5%. In the paper, too, contrastive MoCo v3 has the better probe and the worse fine-tuning (its section 4.3). Features that a small decoder can turn into pixels needn't be ones that a *linear* layer can turn into classes.

Does it show here? Two of the arms practised four times as long, and were then probed and fine-tuned, like random weights. Each start chose its rate on validation images.''')
code('''show(masks.plot_worth(stored, '«TITLE_WORTH»'))
rows = masks.worth(stored).T.to_dict()
ways = {'probe, few': 'few', 'probe, all': 'full'}
def bounds(name): return {k: masks.bound(stored, name, o) for k,o in ways.items()}
def reference(name):
    "Stored runs of the convolutional network: converged, searched up to 12,800 updates"
    found = reference_runs(name, sets)
    return {f'tuned, {n}': float(np.mean([r.accuracy for r in found if r.labels==n]))
            for n in stored.plan['tuning']['labels'] if found}

rows['transformer, supervised'] = bounds('supervised')
rows['conv net, from scratch'] = reference('scratch')
rows['conv net, SimCLR'] = bounds('simclr') | reference('postcards-simclr')
table = pd.DataFrame(rows).T
table.map(lambda v: '–' if pd.isna(v) else f'{v:.1%}')''')
code('''few,many = stored.plan['tuning']['labels'][0],stored.plan['tuning']['labels'][-1]
gain = {(a, n): masks.tuned_gain(stored, a, n) for a in stored.plan['longer']['arms']
        for n in (few, many)}
claim('Fine-tuned on fifty labels per class, a masked autoencoder is ahead of random '
      'weights', exceeds(gain['75%', many], (0., 0.)), ahead_by=gain['75%', many])
guess('And so it is on five', exceeds(gain['75%', few], (0., 0.)),
      ahead_by=gain['75%', few])
untrained = masks.bound(stored, 'untrained')
probe_gain = {a: table.loc[a, 'probe, all']-untrained
              for a in stored.plan['longer']['arms']}
guess('Masked models probe badly and tune well: fine-tuned on fifty labels, the masked '
      'autoencoder gains more over random weights than probed',
      gain['75%', many][0]>probe_gain['75%'], tuned=gain['75%', many],
      probed=probe_gain['75%'])
patient = next(o for r in stored.rows('starts') if r['start']=='untrained'
               for o in r['tuned'] if o['labels']==many)
Markdown(f'Random weights with four times the updates, {many} labels per class: '
         f'**{patient.get("longer", 0):.1%}**.')''')
md('''«WORTH: who probes best, who tunes best; whether the saying shows; what patience does for random weights; how far all of it is from the convolutional network after an hour of SimCLR.»

Mind the scale in that table. The convolutional network had an hour of SimCLR, on 100,000 postcards; our transformer had a few minutes. Transformers have to learn even that neighbours belong together, which convolutions know from birth. So the lower rows say what's possible on these pictures. They're not a fair race.

## The same idea in words

"The cat sat on the ▢." Hide a word and predict it: that's BERT, and it came three years before MAE. In text it worked at once. Why there?

Let's build the smallest one. The words are letters, the text comes with scikit-learn (the descriptions of its data sets), and the network is two convolutions. Each window shows eight letters to the left and eight to the right of a hidden one.''')
code('''#| export
def letter_windows(
    around:int=8, # letters on each side of the one in the middle
    piece:int=500, # every eighth piece of so many letters is held out
)->tuple: # windows (N,2·around+1) to train on, others to test on, the letters
    "scikit-learn's descriptions of its data sets, in lower case, as windows of letters' numbers."
    folder = files('sklearn')/'datasets'/'descr'
    texts = [f.read_text(encoding='utf-8') for f in sorted(folder.iterdir(), key=str)
             if f.name.endswith('.rst')]
    text = '\\n'.join(re.sub(r'\\s+', ' ', t.lower()) for t in texts)
    letters = sorted(set(text))
    code = torch.tensor([letters.index(c) for c in text])
    held = (torch.arange(len(code))//piece%8==7).float().unfold(0, 2*around+1, 1).mean(1)
    windows = code.unfold(0, 2*around+1, 1)
    return windows[held==0],windows[held==1],letters''')
code('''#| export
class LetterNet(nn.Module):
    "Scores of all letters for the middle of a window, by two convolutions."
    def __init__(self,
        n:int, # number of letters; one more stands for a hidden one
        length:int=17, # of a window
        width:int=128, # channels
    ):
        super().__init__()
        drop,part = nn.Dropout(.3),lambda i: (nn.Conv1d(i, width, 3), nn.GELU(), nn.Dropout(.3))
        self.n,self.embed = n,nn.Embedding(n+1, 32)
        self.layers = nn.Sequential(*part(32), *part(width), nn.Flatten(),
            nn.Linear(width*(length-4), 2*width), nn.GELU(), drop, nn.Linear(2*width, n))
    def forward(self, x): return self.layers(self.embed(x).mT)

def hide_letters(
    windows, # (N,L) numbers of letters
    n:int, # the number that stands for a hidden one
    also=(), # further places to hide
)->torch.Tensor: # (N,L)
    "Windows whose middle letter is hidden."
    x = windows.clone()
    x[:,[windows.shape[1]//2, *also]] = n
    return x''')
code('''#| export
def train_letters(
    windows, # (N,L) numbers of letters
    n:int, # how many letters there are
    steps:int=1500, # of 128 windows
    also=(), # further places that are always hidden
    lr:float=2e-3, # largest learning rate
    seed:int=0, # of weights, batches and masks
)->LetterNet: # in evaluation mode
    "Predict the hidden letter. One in ten of the others is hidden, too, at random."
    with seeded(seed):
        net = LetterNet(n, windows.shape[1])
        opt = torch.optim.AdamW(net.parameters(), weight_decay=.05)
        plan = torch.optim.lr_scheduler.OneCycleLR(opt, lr, max(steps, 2))
        for _ in range(steps):
            y = windows[torch.randint(len(windows), (128,))]
            x = hide_letters(y, n, also)
            x = torch.where(torch.rand(x.shape)<.1, n, x)
            F.cross_entropy(net(x), y[:,y.shape[1]//2]).backward()
            opt.step(), opt.zero_grad(), plan.step()
    return net.eval()''')
md('''Rules without a network come first, as always. Name the most frequent letter; look up what stood most often between these two neighbours; or between these two on each side. Where a rule has never seen the neighbours, it asks the shorter one.''')
code('''train,held,letters = letter_windows()
mid = train.shape[1]//2
def key(row, k): return *row[mid-k:mid],*row[mid+1:mid+1+k]
def table_of(k):
    "What stood most often between k letters on each side"
    seen = {}
    for row in train.tolist(): seen.setdefault(key(row, k), Counter())[row[mid]] += 1
    return {a: c.most_common(1)[0][0] for a,c in seen.items()}

tables = [table_of(k) for k in range(4)]
def by_rule(k):
    "Fraction of held-out letters that a rule of k letters on each side gets right"
    def one(row):
        for j in range(k, -1, -1):
            if key(row, j) in tables[j]: return tables[j][key(row, j)]==row[mid]
    return float(np.mean([one(row) for row in held.tolist()]))

names = ['most frequent letter', 'both neighbours', 'two on each side',
         'three on each side']
right_letters = {name: by_rule(k) for k,name in enumerate(names)}
net = train_letters(train, len(letters), s.pick(5, 1500), seed=s.seed)
with torch.no_grad(): scores = net(hide_letters(held, len(letters)))
right_letters['network'] = float((scores.argmax(1)==held[:,mid]).float().mean())
claim('The network names hidden letters better than the best of the rules',
      right_letters['network']>max(right_letters[k] for k in names), **{
          k.replace(' ', '_'): v for k,v in right_letters.items()})
pd.Series(right_letters).map('{:.0%}'.format).to_frame(
    f'right, of {len(held):,} held-out letters')''')
code('''chance = scores.softmax(1)
def told(row): return ''.join(letters[c] for c in row)
def line(i):
    "A window and the three letters that the network finds likeliest"
    top = chance[i].topk(3)
    said = [f'{letters[c]!r} {v:.0%}' for v,c in zip(*map(list, top))]
    row = held[i].tolist()
    window = f'{told(row[:mid])}▢{told(row[mid+1:])}'
    return dict(window=window, hidden=letters[row[mid]],
                **dict(zip(('likeliest', 'second', 'third'), said)))
sure = chance.max(1).values
some = [int((sure-v).abs().argmin()) for v in (.95, .7, .5, .4, .3)] # sure to unsure
pd.DataFrame([line(i) for i in some]).set_index('window')''')
md('''«LETTERS: the network against the rules, plainly; what the table of guesses shows.»

Look at the last rows of the table. Where two letters would do, the network says so: so much for one, so much for the other. **It doesn't have to average.** There are only so many letters, so it can give each a probability, and "both doors" is an answer it's able to write down. Nobody can list all patches of 4 × 4 pixels and give each a probability. That's the difference between text and pictures which LeCun & Misra put at the centre of their essay, and the reason why the pictures' way out was features.

A second difference: a letter means a lot and a patch means little. BERT hides 15% of the words, MAE 75% of the patches, since in a picture the neighbours give so much away.

## Where this fails

**It takes time.** In the paper, the linear probe was still rising after 1,600 epochs. Our minutes are at the very beginning of that. «FAILS: how far the longest run is from the supervised transformer and from SimCLR's convolutional network, from the table above.»

**It needs a transformer.** To leave patches out, the network has to take them one by one. An ordinary convolutional network can only be shown grey, as in lesson 5.

**A good drawing is no good sign.** The loss goes down first by what a blur can do. Lesson 5 said it, and it holds for masks: measure the encoder, not the picture.

And this is what became of our guesses:''')
code('lesson.guesses()')
md('''## Exercises

**1. An experiment.** BERT sees both sides of a hidden word. GPT sees only what comes before. What is the right side worth? Guess first: if the network sees the eight letters on the left *only*, will it get (A) at most 10 points fewer than with both sides, (B) 10 to 20 points fewer, or (C) more than 20? Train with `train_letters(train, len(letters), also=...)`, hiding all places to the right of the middle, measure on `held` with the same places hidden, and return the accuracy and the letter.''')
code('''def left_only():
    "Accuracy with the letters on the left only, and the right letter, A, B or C."
    ...

check(left_only)''')
code("solution('left_only')")
md('''**2.** Step two of the five, by yourself: from random scores to the patches that stay and those that go.''')
code('''def split_patches(scores, ratio):
    """Random scores (B,N) of patches → numbers of the visible ones (B,K), those with the lowest
    scores, lowest first, and of the hidden ones (B,N-K); K is N·(1-ratio), rounded."""
    ...

check(split_patches)''')
code("solution('split_patches')")
md('''**3.** Normalised targets: what the decoder has to draw is each patch less its own mean, divided by its own spread. It made MAE's features better in the paper.''')
code('''def normalized_patches(patches):
    """Patches (B,N,D), each less its mean and divided by the root of its variance + 1e-6; the
    variance is that of torch.var, with D-1."""
    ...

check(normalized_patches)''')
code("solution('normalized_patches')")
md('''## Quiz''')
code('''quiz([
    question('Why does the encoder of an MAE never see a mask token or a grey patch?',
        right('It works on the visible patches alone', 'That makes it cheap, and later, in a '
            'classifier, there are no grey patches to miss.'),
        wrong('Because grey would be confused with grey things',
            'Other methods show mask tokens to the encoder, and live with it. It costs time, and '
            'makes training differ from use.'),
        wrong('The decoder paints over them',
            'It draws them at the end; the encoder has finished by then.')),
    question('A door is on the left or on the right, and nothing tells which. What does a network '
        'draw that is trained by squared error?',
        right('A half-grey door in both places', 'The mean of all that might be there makes the '
            'smallest squared error.'),
        wrong('A door on one side, at random',
            'It would be wrong by a lot half of the time: twice the error of the mean.'),
        wrong('No door',
            'White walls in both places are further from both houses than their mean.')),
    question('A language model has the same uncertainty. Why are its answers not blurred?',
        right('It gives each word a probability',
            'The answers can be counted, so several can be likely at once.'),
        wrong('Words are easier to predict than patches',
            'Often they are not. The difference is in how the answer is written down.'),
        wrong('It is larger', 'Ours has two convolutions.')),
    question('In I-JEPA the target is made by the network itself. What does the loss say about '
        'collapse?',
        right('Nothing: it is smallest when all features are equal',
            'What prevents it is how the target is made: no gradient, a slow copy, a predictor. '
            'Watch the features.'),
        wrong('It rises when features become equal', 'Equal features are the easiest to predict.'),
        wrong('Collapse is impossible, as the target is fixed',
            'Pixels are fixed. Features move along with the network.')),
    question('Your masked encoder has a poor linear probe. What do you do before you drop it?',
        right('Fine-tune it, against random weights and with the same search',
            'Its features may be of use to a network that goes on learning, though no linear '
            'layer can read them.'),
        wrong('Hide less', 'Perhaps; but first find out whether there is a problem.'),
        wrong('Look at its drawings', 'They say how well it draws.')),
])''')
md('''## What to remember

1. **MAE in five steps**: patchify, hide three quarters, encode the visible, decode, compare what was hidden.
2. Squared error asks for the **mean of all that might be there**. Two likely doors become one grey one.
3. **Predict features instead**, and what can't be known may be left out. A slow copy without gradient makes the target; watch the features for collapse.
4. In **words** the answers can be counted, so uncertainty has a place. That's why masks came to pictures later.
5. Judge a masked encoder by a **probe and by fine-tuning**, against random weights with the same search. «REMEMBER_5»

## Further reading

* He et al. 2021, [Masked autoencoders are scalable vision learners](https://arxiv.org/abs/2111.06377): figure 5 for the ratio, table 1 for decoder, targets and masks, figure 7 for 1,600 epochs.
* Assran et al. 2023, [Self-supervised learning from images with a joint-embedding predictive architecture](https://arxiv.org/abs/2301.08243): section 9 and figure 6, what the predicted features look like when they are drawn.
* Baevski et al. 2022, [data2vec](https://arxiv.org/abs/2202.03555): one rule for speech, vision and language; the target is a mean over the last blocks.
* Devlin et al. 2018, [BERT](https://arxiv.org/abs/1810.04805): section 3.1, why 15% are masked, and why not always by the mask token.
* LeCun & Misra 2021, [Self-supervised learning: the dark matter of intelligence](https://ai.meta.com/blog/self-supervised-learning-the-dark-matter-of-intelligence/): the part on uncertainty in text and in pictures.''')
code('''#| hide
test_eq(len(letters), train.max().item()+1)
if s.budget!='smoke': # as the texts say
    test_close([right_letters[k] for k in names], [.144, .429, .682, .697], eps=.005)''')
code('''lesson.record(game=correct, drawing=errors, doors=gap, fitting=fit, probes=full,
              diffusion={str(k): v for k,v in ratios.items()}, varies=varied,
              worth=rows, letters=right_letters,
              gain={f'{a}, {n}': v for (a, n),v in gain.items()})''')
code('lesson.finish()')
n.save()
for i,c in enumerate(n.c):
    s=''.join(c['source'])
    if c['cell_type']=='code':
        compile(s,str(i),'exec')
        L=[l for l in s.split('\n') if not l.startswith('#|')]
        if len(L)>(30 if s.startswith('#| export') else 40): print('long',i,len(L),s[:60])
        if s.startswith('quiz(['): m=99
        elif s.startswith('#| export'): m=99
        else: m=88
        for l in s.split('\n'):
            if len(l)>m and not ('check(' in s): print('wide',i,len(l),l[:80])
print(len(n.c))
