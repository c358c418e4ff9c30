import sys,json,hashlib,subprocess; sys.path.insert(0,'/tmp'); from nbq import N
p='/tmp/wt/twelve/nbs/lessons/12_without_negatives.ipynb'
old=json.loads(subprocess.run(['git','-C','/work/main','show','5e73500:nbs/lessons/12_without_negatives.ipynb'],capture_output=True,text=True).stdout)
kept={c['id']:c for c in old['cells']}
json.dump(dict(old,cells=[]),open(p,'w')); n=N(p)
def add(t,kind):
    n.ins(len(n.c),t,kind); n.c[-1]['id']=hashlib.sha256((kind+t).encode()).hexdigest()[:8]
def md(t): add(t,'markdown')
def code(t): add(t,'code')
def keep(i): n.c.append(dict(kept[i],outputs=[],execution_count=None))

md('''# Without negatives

> BYOL pulls partners together and pushes nothing apart. It should collapse, and doesn't. Why?''')
keep('3da407fb')
md('''<div class="callout-note">

## What you will be able to do
* Say what keeps BYOL and SimSiam from collapse, and show it by switching parts off.
* See a collapse that the loss hides, with two numbers: spread and effective rank.
* Choose among nine methods for a small machine, by what they reach on equal compute.

About «MINUTES» minutes on a laptop. Builds on [Energy](10_energy.ipynb) and [Contrast](11_contrast.ipynb). Papers: Grill et al. 2020, [BYOL](https://arxiv.org/abs/2006.07733); Chen & He 2021, [SimSiam](https://arxiv.org/abs/2011.10566); Tian, Chen & Ganguli 2021, [Understanding self-supervised learning dynamics without contrastive pairs](https://arxiv.org/abs/2102.06810).

</div>''')
keep('f207ffbb')
code('''#| code-fold: true
#| code-summary: "Imports"
from itertools import product
import numpy as np
import pandas as pd
from IPython.display import Markdown
from fastai.callback.core import Callback
from fastcore.test import expect_fail,test_close,test_eq
from ssl_course.all import *
from ssl_course.collapse import embedding_spread
from ssl_course.course import *
from ssl_course.course.experiment import read_experiment
from ssl_course.course.experiments.two_view_compute import LABELS,ablation_table
from ssl_course.course.experiments.two_view_compute import best_rates,bound_levels
from ssl_course.course.experiments.two_view_compute import chosen_runs,compute_task,data
from ssl_course.course.experiments.two_view_compute import mean_sd,measure_encoder,plan
from ssl_course.course.experiments.two_view_compute import method_table,plot_compute
from ssl_course.course.experiments.two_view_methods import pretrained_by
from ssl_course.course.widgets import switch_explorer
from ssl_course.plots import INK,PALETTE,course_style,new_figure
from ssl_course.pretrain import SingleBar''')
code('''lesson = Lesson('without_negatives')
s = lesson.settings
pipeline('pretext task', slim=True)''')
md('''## A collapse you can watch

Lesson 11 pushed: every picture of a batch away from all the others, also from those that show the same kind of thing. Why not leave the pushing out, and only pull the two views of a picture together? Lesson 10 tried it, and everything became the same. Let's watch it happen. A small network turns each picture into just *two* numbers, scaled to length 1, so every picture is a point on a circle. The loss is small when two views of a picture lie at the same place, and that is all.''')
code('''class PullOnly(TwoViews):
    "Partners are pulled together, and nothing is pushed away"
    def __init__(self):
        super().__init__()
        self.views = strong_views(size=24)
    def setup(self, encoder): self.projector = mlp(encoder.n_features, 128, 2)
    def forward(self, encoder, inputs): return self.projector(encoder(inputs))
    def loss(self, pred, target):
        z1,z2 = pred.chunk(2)
        return 2-2*F.cosine_similarity(z1, z2, dim=1).mean()

class Film(Callback):
    "Keeps where some pictures lie before some of the updates"
    run_valid = False
    def __init__(self, x, moments): self.x,self.moments,self.frames = x,moments,{}
    def before_batch(self):
        if self.train_iter not in self.moments: return
        encoder,task = self.model.encoder,self.model.task
        with torch.no_grad(): z = F.normalize(task.projector(encoder(self.x)), dim=1)
        self.frames[self.train_iter] = z

postcards = Postcards(32, seed=42).images(s.pick(200, 2000), start=2_500_000,
                                          target=None)
shown = torch.from_numpy(postcards.x[:200]).permute(0, 3, 1, 2).float()/255
updates = s.pick(3, 150)
moments = sorted({min(i, updates-1) for i in (0, 30, 80, 149)})
def on_circle(task, seed):
    "Train on views of postcards → where 200 postcards lie, at some moments"
    with seeded(seed):
        dls = postcards.dls(.05, bs=s.pick(32, 64), steps=updates)
        film = Film(shown, moments)
        learn = pretext_learner(dls, Encoder.small(width=16), task, cbs=film)
        fit_quietly(learn, lambda l: l.fit_one_cycle(1, 2e-3), type(task).__name__)
    return film.frames''')
code('''predict('Pulling alone brings all pictures to one point of the circle. BYOL, the '
        'method of this lesson, only pulls as well: its loss is smallest, too, when '
        'all pictures lie at one point. Where will they be after 150 updates of BYOL: '
        'at one point, at two or three points, or all round the circle?',
        'All round the circle. The spread, which is 1 for an even circle and 0 for one '
        'point, is 0.94 with BYOL and 0.06 when we only pull (means of three runs).')''')
code('''#| code-fold: true
seeds = range(s.seed, s.seed+s.pick(1, 3))
makers = {'pull only': PullOnly,
          'BYOL': lambda: BYOL(dim=2, hidden=128, views=strong_views(size=24))}
films = {k: [on_circle(make(), i) for i in seeds] for k,make in makers.items()}
rows = {k: v[0] for k,v in films.items()}
colors = {'pull only': PALETTE[7], 'BYOL': PALETTE[1]}
jitter = 1+.14*np.random.default_rng(0).random((len(shown), 1))
with course_style():
    fig = new_figure(7.2, 4)
    for axes,(name,frames) in zip(fig.subplots(2, len(moments)), rows.items()):
        for ax,(i,z) in zip(axes, frames.items()):
            ax.scatter(*(z*jitter).T, s=7, color=colors[name], alpha=.5, lw=0)
            ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect='equal', xticks=[],
                   yticks=[])
            ax.set_title(f'{i} updates', fontsize=9), ax.grid(False)
        axes[0].set_ylabel(name, color=colors[name], weight='bold')
    fig.suptitle('Both only pull. One of them collapses', x=.02, ha='left')
spread = {k: [embedding_spread(f[moments[-1]]) for f in v] for k,v in films.items()}
said = '; '.join(f'{k}: '+', '.join(f'{embedding_spread(z):.2f}' for z in f.values())
                 for k,f in rows.items())
show(fig, dpi=80, alt='Two hundred postcards as points on a circle. Pulled only, they '
     'run together into one spot; with BYOL they stay all round. Spread at the four '
     f'moments: {said}.')
claim('Pulling alone leaves less than 0.15 of an even spread on the circle, and BYOL '
      'more than 0.5, with each seed',
      min(spread['BYOL'])>.5 and max(spread['pull only'])<.15,
      **{k.replace(' ', '_'): mean_sd(v) for k,v in spread.items()})''')
md('''The upper row is a perfect solution of the wrong problem. The loss is near zero, and a picture's place on the circle says nothing about the picture.

The lower row has no right to exist. Its loss is smallest at exactly the same point, and nothing in it pushes. What's different isn't the goal but the way there. BYOL has four parts that plain pulling hasn't:

* **a predictor**: a small network $h$ that guesses the other view's vector from this one's. The guess is compared, not the vector itself.
* **a stop-gradient**: the vector that is guessed counts as a constant. It can't come to meet the guess.
* **a slow target**: that vector is computed by a *copy* of the network that follows slowly, a moving average (EMA) of the weights.
* **weight decay**: as in most trainings, every weight shrinks a little in each step. Nobody would count it as a part of the method. Wait for it.

Which of them holds the pictures up? A real network is too complicated to tell. So, as in lesson 10, we go to a world that is small enough.

## A world with switches

In this world, a "picture" is twenty random values. Two views of it **share** five of them: what the picture shows. The other fifteen are **private** to each view: what the augmentation changed. There are no layers: the encoder is a matrix $W$, the predictor a matrix $P$, and the loss is the squared distance of the guess from the target,

$$\\mathcal L = \\tfrac12\\,\\lVert P\\,W x_1 - \\operatorname{stopgrad}(W_\\text{slow}\\, x_2)\\rVert^2.$$

Tian, Chen & Ganguli ([2021](https://arxiv.org/abs/2102.06810)) explained these methods with such a linear model. A good encoder gives weight to the five shared values and none to the others. A collapsed one gives weight to nothing. We train five repetitions side by side.''')
code('''steps = s.pick(60, 3000)
def partners(n=128):
    "Two views of n pictures in each of five repetitions: (5,n,20), the first 5 shared"
    shared = torch.randn(5, n, 5)
    return [torch.cat([shared, torch.randn(5, n, 15)], 2) for _ in range(2)]

def predictor_matrix(kind, W, P):
    "What the predictor does to a vector, as a matrix for each repetition"
    if kind=='formula': # see below
        values,directions = torch.linalg.eigh((W @ W.mT).detach())
        roots = torch.diag_embed(values.clamp(min=0).sqrt())
        return directions @ roots @ directions.mT
    return P*torch.eye(20) if kind=='number' else P

def linear_world(stop=True, predictor='matrix', slow=True, decay=.02, first=1.):
    "Train → W, the predictor's matrix, squared weights on each value (moments,5,20)"
    with seeded(s.seed):
        W = torch.randn(5, 20, 20)/20**.5
        W[:,:,:2] *= first # how strongly two of the shared values start
        starts = {'matrix': torch.randn(5, 20, 20)/80**.5,
                  'number': torch.full((5, 1, 1), .5)}
        P = starts.get(predictor, torch.eye(20).expand(5, 20, 20))
        learned = [o.requires_grad_() for o in (W, P)[:1+(predictor in starts)]]
        opt = torch.optim.SGD(learned, lr=.1, weight_decay=decay)
        copy,film = W.detach().clone(),[]
        for i in range(steps+1):
            if i%(steps//20)==0: film.append(W.detach().square().sum(1))
            x1,x2 = partners()
            target = x2 @ (copy if slow else W).mT
            if stop: target = target.detach()
            guessed = x1 @ W.mT @ predictor_matrix(predictor, W, P).mT
            loss = (guessed-target).square().sum(2).mean(1).sum()/2
            opt.zero_grad(), loss.backward(), opt.step()
            if slow: copy = .98*copy + .02*W.detach()
    return W.detach(),predictor_matrix(predictor, W, P).detach(),torch.stack(film)''')
code('''predict('All weights together start at about 21. With all four parts on, 4.80 is left '
        'at the end, all of it on the five shared values. Now switch off one part at a '
        'time. Without which of the four is less than a quarter of that left?',
        'Without the stop-gradient: 0.00 is left. Without the predictor: 0.65, and '
        'still falling. Without the slow target nothing changes: 4.80. Without weight '
        'decay it does not collapse either: 6.36 is left, but only 54% of it is on the '
        'shared values.')''')
code('''threads = torch.get_num_threads()
torch.set_num_threads(1) # matrices this small are faster on one core
parts = ('stop-gradient', 'predictor', 'slow target', 'weight decay')
runs = {on: linear_world(on[0], 'matrix' if on[1] else None, on[2], .02*on[3])
        for on in product((True, False), repeat=4) if on[0] or not on[2]}
at = [i*(steps//20) for i in range(len(runs[True, True, True, True][2]))]
switch_explorer(parts, {on: o[2][:,0].numpy() for on,o in runs.items()}, at,
                [('shared', 5), ('private', 15)], needs=[(2, 0)])''')
md('''Each bar is one of the twenty values, and its height is the squared weight that the encoder gives to it. (The heights are drawn for the first repetition. A slow target never gets a gradient, so it can't be had without the stop-gradient.) Play with it for a minute. Then look at what the five repetitions agree on:''')
code('''#| label: main-figure
#| code-fold: true
all_on = (True,)*4
one_off = {f'no {k}': tuple(j!=i for j in range(4)) for i,k in enumerate(parts)}
one_off['no stop-gradient'] = False,True,False,True # it can't have a slow target
shown_runs = {'all four parts': all_on} | one_off
kinds = {'shared': (slice(0, 5), PALETTE[0]), 'private': (slice(5, 20), PALETTE[7])}
left = {k: runs[on][2][-1].sum(1) for k,on in shown_runs.items()}
on_shared = {k: runs[on][2][-1][:,:5].sum(1)/left[k].clamp(min=1e-30)
             for k,on in shown_runs.items()}
note = lambda ax, text, y, c: ax.annotate(text, (.97, y), xycoords='axes fraction',
                                          ha='right', color=c)
with course_style():
    fig = new_figure(7.4, 4.6)
    axes = fig.subplots(2, 3, sharex=True, sharey=True).ravel()
    for ax,(name,on) in zip(axes, shown_runs.items()):
        for kind,(of,c) in kinds.items():
            sums = runs[on][2][:,:,of].sum(2).clamp(min=1e-5)
            ax.plot(at, sums, color=c, lw=.8, alpha=.5)
            ax.plot(at, sums.mean(1), color=c, lw=2.5)
        ax.set(yscale='log', ylim=(1e-4, 60)), ax.set_title(name, fontsize=10)
        note(ax, f'{left[name].mean():.2f} left', .9, INK)
    for kind,y in (('shared', .64), ('private', .25)):
        note(axes[0], kind, y, kinds[kind][1])
    axes[5].set_axis_off()
    note(axes[5], 'Squared weights (log\\nscale) against the step.\\nThin: each of the '
         'five\\nrepetitions.', .3, INK)
    for ax in axes[2:5]: ax.tick_params(labelbottom=True)
    fig.suptitle('Stop-gradient and predictor hold it up; weight decay cleans it',
                 x=.02, ha='left')
said = '; '.join(f'{k}: {v.mean():.2f} left, {on_shared[k].mean():.0%} of it shared'
                 for k,v in left.items() if v.mean()>1e-3)
show(fig, dpi=85, alt='Squared weights on shared and private values while the linear '
     f'world trains, with all parts and without one of them. {said}; no stop-gradient: '
     '0.00 left.')''')
code('''share_left = {k: v/left['all four parts'] for k,v in left.items()}
claim('In the linear world stop-gradient and predictor are both needed: without '
      'either, less than a quarter of the weight is left, in each repetition',
      bool(max(share_left[f'no {k}'].max() for k in parts[:2])<.25),
      **{f'no_{k}': mean_sd(left[f'no {k}']) for k in parts[:2]})
def half_life(on):
    "Steps in which the weights halve, from the second half of the training"
    a,b = (runs[on][2][i].sum(1).mean() for i in (len(at)//2, -1))
    return float(steps/2/torch.log2(a/b))

halves = {slow: half_life((True, False, slow, True)) for slow in (True, False)}
print(f'Without a predictor the weights halve every {halves[True]:.0f} steps; without '
      f'the slow target as well, every {halves[False]:.0f} steps.')''')
md('''Two switches are deadly, and two aren't.

* **No stop-gradient**: everything is gone, shared values and all.
* **No predictor**: the private values vanish at once, and then the shared ones fade, along a straight line on a logarithmic scale. That's exponential decay. They halve every 1,038 steps, and every 173 steps if you switch the slow target off as well. So here the slow target doesn't prevent a collapse. It delays one.
* **No slow target**: no difference. BYOL without it is nearly SimSiam.
* **No weight decay**: no collapse, but no cleaning up either. Only 54% of what is left is on shared values; the rest sits on private ones, which can't be predicted. (Both fade slowly. We haven't looked into why.)

And a surprise for those who went on playing: switch *everything* off, weight decay too, and nothing collapses. The private values vanish, and the shared ones stay as they were. That's plain pulling, in this world: it removes what the partners disagree about, and leaves the rest alone. But nothing *holds* the rest. With weight decay on, it wears off.

That's *what*. Now *why*.

## Why it holds

What has the predictor learned? A matrix can stretch some directions and suppress others. So take the five directions of the vectors on which the shared values lie, and the other fifteen, and see how much of each gets through $P$.''')
code('''def gains(W, P):
    "What P lets through: of directions with shared values, and of the others (means)"
    both = []
    for w,p in zip(W, P):
        axes = torch.linalg.svd(w[:,:5])[0] # the first five span the shared values
        g = (axes.T @ p @ axes).diag()
        both.append((float(g[:5].mean()), float(g[5:].mean())))
    return np.array(both)

passed = gains(*runs[all_on][:2])
Markdown('Of directions with shared values the predictor lets '
         f'**{passed[:,0].mean():.3f}** through, of all others '
         f'**{abs(passed[:,1].mean()):.3f}**.')''')
md('''So the predictor has found out, without being told, which directions *agree* between two views. It could only learn that from the data: in a direction without shared values, the best guess of what the other view says is zero.

But look at the first number. It is a little less than 1: **the guess always falls a little short** of the target. That's the whole trick. Follow a single direction, with weight $w$, of which the predictor lets the fraction $p$ through. The guess is $p\\,w$ and the target $w$. The gradient of $\\frac12(pw-w)^2$ with and without the stop-gradient, and weight decay $\\eta$ on top, move $w$ like this:

| | change of $w$ | |
|---|---|---|
| shared value, stop-gradient | $w\\,\\big[\\,p\\,(1-p) - \\eta\\,\\big]$ | the target stays, so the guess must *grow*: $w$ grows as long as $p$ falls short |
| shared value, no stop-gradient | $-w\\,\\big[\\,(1-p)^2 + \\eta\\,\\big]$ | the target comes down to the guess: $w$ can only shrink |
| shared value, no predictor ($p=1$) | $-w\\,\\eta$ | guess and target are the same, nothing pushes, and weight decay wears it off |
| private value | $-w\\,\\big[\\,p^2 + \\eta\\,\\big]$ | the guess is pulled to zero; where $p=0$, only weight decay removes it |

Read the last row once more: once the predictor ignores a direction, the loss doesn't care what's in it. **The predictor finds the directions that vary and agree; weight decay wears off the rest.** (Tian et al. derive equations of this kind for a more general case, in their section 3.)

Is it true? The first row makes a sharp prediction. The weights come to rest where $p(1-p)=\\eta$. The predictor's own equation, $w^2(1-p)-\\eta\\,p=0$, then gives $w^2=p^2$, with $p=\\frac12\\big(1+\\sqrt{1-4\\eta}\\big)$. And since $p(1-p)$ is never more than ¼, **a weight decay above ¼ must bring everything down**, with all parts on.''')
code('''#| code-fold: true
decays = s.pick((.02, .3), (.02, .1, .2, .24, .26, .3))
swept = {d: (runs[all_on] if d==.02 else linear_world(decay=d))[2][-1].sum(1)
         for d in decays}
line = np.linspace(0, .25, 101)
held_by = lambda d: 5*(.5*(1+np.sqrt(1-4*d)))**2 if d<=.25 else 0.
with course_style():
    fig = new_figure(5.4, 3)
    ax = fig.add_subplot()
    ax.plot(line, [held_by(d) for d in line], color=INK)
    ax.plot([.25, .25, .32], [held_by(.25), 0, 0], color=INK)
    for d,v in swept.items():
        ax.plot([d]*len(v), v, 'o', color=PALETTE[0], ms=6, alpha=.5)
    ax.annotate('predicted', (.11, held_by(.11)), (6, 6), textcoords='offset points',
                color=INK)
    ax.set(xlabel='weight decay η', ylabel='squared weights left',
           title='Above ¼, nothing is left')
said = '; '.join(f'{d:g}: {v.mean():.2f} (predicted {held_by(d):.2f})'
                 for d,v in swept.items())
show(fig, dpi=80, alt='Squared weights left against weight decay, with the predicted '
     f'line. {said}.')
off = max(abs(float(v.mean())-held_by(d))/held_by(d) for d,v in swept.items() if d<.25)
above = max(float(v.max()) for d,v in swept.items() if d>.25)
claim('The weights that are left are the predicted ones to within 5%, and above a '
      'weight decay of ¼ nothing is left', off<.05 and above<.01, largest_error=off,
      left_above=above)''')
md('''The dots are on the line to within 0.2%, and the cliff is where it should be: 1.80 is left at a weight decay of 0.24, and nothing at 0.26.

One more test, the most direct one: **take the suspect away and put a dummy in its place.** If the predictor only matters because it lets through the directions that vary, then it needn't be *learned*. Set it by a formula instead: the square root of the matrix $WW^\\top$, which says how much the vectors vary in which direction. (Tian et al. do this with real networks and call it *DirectPred*.) And how little of a predictor is enough? Try a single learned number $p$, the same for all directions. The last rows make it harder: two of the five shared values start with a tenth of their weight.''')
code('''kinds_tried = {'learned matrix': 'matrix', 'formula': 'formula',
               'a single number': 'number'}
table,dummies = {},{}
for first,(name,kind) in product((1., .1), kinds_tried.items()):
    film = (runs[all_on] if (kind, first)==('matrix', 1.)
            else linear_world(predictor=kind, first=first))[2]
    v = dummies[kind, first] = film[-1]
    table[name+('' if first==1. else ', two start weak')] = {
        'squared weights left': f'{v.sum(1).mean():.2f}',
        'on shared values': f'{v[:,:5].sum()/v.sum():.1%}',
        'on the first two': f'{v[:,:2].sum(1).mean():.2f}'}
whole,weak = ({k: mean_sd(v[:,:n].sum(1)) for k,v in dummies.items()} for n in (20, 2))
guess('In the small world, the slow target is what prevents collapse',
      bool(share_left['no slow target'].max()<.25),
      without_it=mean_sd(left['no slow target']), with_it=whole['matrix', 1.])
guess('Without weight decay the result is the same, only larger',
      bool(on_shared['no weight decay'].min()>.95),
      on_shared=mean_sd(on_shared['no weight decay']))
guess('The predictor has to be learned',
      bool(whole['formula', 1.][0]<.9*whole['matrix', 1.][0]),
      formula=whole['formula', 1.], learned=whole['matrix', 1.])
guess('A single number is predictor enough, also for values that start weak',
      bool(weak['number', .1][0]>.9*weak['matrix', .1][0]), number=weak['number', .1],
      matrix=weak['matrix', .1])
torch.set_num_threads(threads)
pd.DataFrame(table).T''')
md('''The formula does exactly what the learned matrix does: 4.80, and even the weak values grow to full size. So the explanation passes.

The single number is the interesting one. It doesn't collapse to a point: 0.96 is left. But it can hold up only the *sum*. All shared values compete for it, and those that start weak are lost: 0.01 is left on them, where a matrix keeps 1.92. A matrix gives each direction its own $p$, and so lifts each of them to the same height. Keep that in mind: **a network can be far from a point and still have lost most of its directions.** That is *partial* collapse, and you need a second number to see it, the **effective rank**, which says about how many directions the vectors really use.

What does this world leave out? It has no layers, no batch norm, no cosine, and its "pictures" are noise. So from here on it is a story that fits a small world, until pictures say so, too.

## BYOL, for real

Now build the method. SimSiam is the simplest one of the family: predictor and stop-gradient, no slow target. With the negative cosine $\\mathcal D(p, z) = -\\frac{p}{\\lVert p\\rVert}\\cdot\\frac{z}{\\lVert z\\rVert}$, Chen & He write

$$\\mathcal D(p_1, \\operatorname{stopgrad}(z_2)),\\qquad \\mathcal L = \\tfrac12\\,\\mathcal D(p_1, \\operatorname{stopgrad}(z_2)) + \\tfrac12\\,\\mathcal D(p_2, \\operatorname{stopgrad}(z_1))$$

(their equations 3 and 4). BYOL came a few months earlier. It takes the squared distance of normalized vectors, $2-2\\cos$, which is the same up to scale, adds both directions up (Grill et al., equations 2 and 3), and gets its targets from the slow copy. In the code below, the stop-gradient is the `no_grad` in `forward`. After each step, the copy's weights $\\xi$ follow: $\\xi \\leftarrow m\\,\\xi + (1-m)\\,\\theta$, with a momentum $m$ that rises to 1 during training.''')
keep('f8f21e99')
keep('ccfeb119')
keep('20a0a193')
keep('3a8abeda')
code('''same = torch.ones(4, 8)
test_close(byol_loss(same, same, same, same), 0., eps=1e-6) # collapse: the best value
a,b = torch.eye(8)[:4],torch.eye(8)[4:]
test_close(byol_loss(a, b, b, a), 4.) # nothing in common
with seeded(s.seed):
    encoder,task = Encoder.small(width=8),BYOL(hidden=64, dim=32)
    task.setup(encoder)
    inputs,which = task.make(shown[:32])
before = task.target[0].body[0][0].weight.clone()
with torch.no_grad(): encoder.body[0][0].weight.add_(.1) # as if a step had been made
task.progress = 0.
task.after_step(encoder)
test_close(task.target[0].body[0][0].weight, before+.01, eps=1e-5) # a tenth of the way
task.loss(task(encoder, inputs), which).backward()
test_eq({p.grad for p in task.target.parameters()}, {None})''')
code('''#| hide
with expect_fail(InputError, 'from 0 to 1'): BYOL(momentum=1.1)
test_eq((SimSiam().collapse_causes(), BYOL(momentum=0).collapse_causes()),
        ([], ['the target network is no slower than the network']))
still = BYOL(momentum=0.)
still.setup(encoder)
still.progress = .5
still.after_step(encoder)
for t,q in zip(still.target[0].parameters(), encoder.parameters()): test_eq(t, q)''')
md('''### Does the stop-gradient forbid the collapse?

It's tempting to think so. Let's look. We make a collapsed network by hand: the last layers of projector and predictor get weights of zero and the same constant bias, so every picture gets the same vector. Then we compute the gradient there, with the stop-gradient and without it.''')
code('''def loss_and_gradient(stop):
    "BYOL's loss without EMA, and the length of its gradient over all weights"
    z = task.projector(encoder(inputs))
    (p1,p2),(z1,z2) = task.q(z).chunk(2),(z.detach() if stop else z).chunk(2)
    weights = [w for net in (encoder, task.projector, task.q) for w in net.parameters()]
    loss = byol_loss(p1, z2, p2, z1)
    g = torch.autograd.grad(loss, weights)
    return loss.item(),sum(o.square().sum().item() for o in g)**.5

look = {'as it starts': [loss_and_gradient(stop) for stop in (True, False)]}
with torch.no_grad():
    for net in (task.projector, task.q): net[-1].weight.zero_(), net[-1].bias.fill_(1.)
look['collapsed'] = [loss_and_gradient(stop) for stop in (True, False)]
pd.DataFrame({k: {'loss': f'{with_it[0]:.3f}', 'gradient': f'{with_it[1]:.6f}',
                  'gradient without stop-gradient': f'{without_it[1]:.6f}'}
              for k,(with_it,without_it) in look.items()}).T''')
md('''The gradient at the collapsed network is zero in both cases. So **the stop-gradient doesn't forbid the collapse**. A collapsed network has the best loss there is, and it would stay as it is (until weight decay or noise moves it). What the stop-gradient changes is whether training *goes* there. That's why no proof that looks only at the loss can tell these methods from plain pulling, and why you must measure.

## A minute of BYOL on pictures

Back to postcards, at the size that the comparison below uses: 20,000 pictures without labels, a small encoder, batches of 64. We watch spread and effective rank of the projected vectors while it trains, and afterwards a linear probe with five labels per class on the frozen encoder.''')
code('''stored = read_experiment('two_view_compute')
p,rates = plan(s),best_rates(stored)
sets = data(p)
meter = CollapseMeter(every=p['every'])
live = pretrained_by(compute_task('byol', p['bs']), sets['images'],
                     p['unit']*p['units'], p['bs'], rates['byol'], p['width'], seed=0,
                     cbs=[meter, SingleBar('BYOL')])
with seeded(s.seed): untrained = Encoder.small(width=p['width'])
found = {k: measure_encoder(e, sets, p)
         for k,e in {'untrained': untrained, 'BYOL': live.encoder}.items()}
show(meter.plot())
pd.DataFrame({k: {'probe, 5 labels per class': f"{v['probe']:.1%}", 'whole pool':
                  f"{v['full']:.1%}", 'effective rank': f"{v['test rank']:.1f}"}
              for k,v in found.items()}).T''')
md('''«LIVE_SENTENCE» The spread stays up, and so does the rank, from the first step to the last: no collapse. And the probe says whether anything was *learned*, which neither spread nor rank nor loss can say: an untrained network has a fine spread.

So the question isn't only "does it collapse?" but "how fast does it learn?"

## Nine methods, equal compute

There are many ways to keep vectors apart without pushing pairs. Here are those of the library, each a file of one screen:

| method | what keeps the vectors apart | network copies |
|---|---|---|
| [SimCLR](11_contrast.ipynb), [MoCo](../library/pretext/moco.ipynb) | contrast: other pictures push (lesson 11) | MoCo: a slow one |
| BYOL, [SimSiam](../library/pretext/simsiam.ipynb) | predictor and stop-gradient; nothing in the loss | BYOL: a slow one |
| [Barlow Twins](../library/pretext/barlow_twins.ipynb) | a dimension must correlate with itself across views, and with no other | none |
| [VICReg](../library/pretext/vicreg.ipynb) | each dimension must vary (a hinge), and no two may correlate | none |
| [SwAV](../library/pretext/swav.ipynb) | a batch must spread evenly over prototypes | none |
| [DINO](../library/pretext/dino.ipynb) | the slow copy's answers are centred and sharpened | a slow one |
| [LeJEPA](../library/pretext/lejepa.ipynb) | along random directions, the vectors of a batch must look like draws from a normal distribution | none |

LeJEPA ([Balestriero & LeCun 2025](https://arxiv.org/abs/2511.08544)) is the youngest of them, and says most openly what it wants: no predictor, no stop-gradient, no copy, and one number λ that weighs the pull against the shape.

All nine get the same *compute*. A pass with gradient counts three times as much as one without, so methods with a slow copy see fewer pictures. The unit is SimCLR on 25,000 pictures, about «UNIT_SECONDS» seconds on one core. Each method has its own learning rate, searched on validation pictures.''')
code('''predict('At 4 units, about a minute, with batches of 64: where is the best method that '
        'pushes no pairs apart, compared with SimCLR? More than 5 points ahead, within '
        '5 points, or more than 5 points behind?',
        '«PREDICT_METHODS»: the best of them is «BEST_METHOD» with «BEST_PROBE», and '
        'SimCLR has «SIMCLR_PROBE». Untrained: «UNTRAINED_PROBE».')''')
code('''show(plot_compute(stored, title='«TITLE_COMPUTE»'))
print(stored.note())
method_table(stored)''')
code('''runs_of = chosen_runs(stored)
def score(method, value='probe', units=stored.plan['units']):
    "Mean and standard deviation over seeds, at one amount of compute"
    t = runs_of[(runs_of.method==method)&(runs_of.units==units)]
    return mean_sd(t[value])

no_pairs = [m for m in LABELS if m not in ('simclr', 'moco', 'untrained')]
best = max(no_pairs, key=lambda m: score(m, 'valid')[0])
floor = mean_sd(stored.table('bounds').query("bound=='untrained'").probe)
claim('At 4 units, the best method that pushes no pairs apart (chosen on validation '
      'pictures) is ahead of SimCLR', exceeds(score(best), score('simclr')),
      **{LABELS[best]: score(best), 'SimCLR': score('simclr')})
ahead = {m: exceeds(score(m), floor, by=.05) for m in LABELS if m!='untrained'}
behind = [LABELS[m] for m,o in ahead.items() if not o]
guess('After a minute, each of the nine is more than 5 points ahead of the untrained '
      'encoder', not behind, untrained=floor, not_so=', '.join(behind) or 'none')''')
md('''«DISCUSS_METHODS» (Who is ahead, by how much, which lines cross between 1 and 16 units, how far from the supervised line; whether rank and probe go together in the table; every ✗ and ○ gets its sentence.)

## Take a part away

And now the switches again, on pictures. Same compute, each method at its own rate.''')
code('''print('Spread and the first rank: projected vectors of the last training batch. '
      'Second rank: embeddings of the test pictures.')
ablation_table(stored)''')
code('''cut = stored.table('ablations')
def without(variant, value='probe'): return mean_sd(cut[cut.variant==variant][value])

claim('With EMA, BYOL learns more than without',
      exceeds(score('byol'), without('BYOL, no EMA')), with_EMA=score('byol'),
      without_EMA=without('BYOL, no EMA'))
spread_cut = cut.set_index('variant')['projection spread']
claim('BYOL without its predictor collapses: less than 0.15 of an even spread is left '
      'in each run', bool((spread_cut[['BYOL, no predictor']]<.15).all()),
      spread=without('BYOL, no predictor', 'projection spread'),
      with_it=score('byol', 'projection spread'))''')
md('''«DISCUSS_ABLATIONS» (Point collapse or partial collapse, for each row; where the embedding keeps its rank although the projections lost theirs; whether the meter warned.)

## Where the papers disagree

* **Batch norm.** In the summer of 2020 a [blog post](https://imbue.com/research/2020-08-24-understanding-self-supervised-contrastive-learning/) found that BYOL fails without batch norm, and argued that batch norm smuggles contrast in, by comparing each picture with its batch. Richemond et al. ([2020](https://arxiv.org/abs/2010.10241)) answered with a BYOL that uses no batch statistics at all (group norm and standardized weights) and reaches 73.9% on ImageNet, against 74.3%. In SimSiam's section 4, heads without batch norm learn less but don't collapse. Here: «BN_HERE».
* **EMA.** BYOL's table 5 has 0.3% without EMA, a total failure. SimSiam is nearly that method, and works. Later versions of the BYOL paper show in an appendix that a faster predictor brings much of it back without EMA, which fits the story of our small world. Here: «EMA_HERE».
* **Small networks.** Li, Efros & Pathak ([2022](https://arxiv.org/abs/2209.15007)) find that SimSiam loses directions, a *partial* collapse, when the network is small for its data. Ours are small. Here: «RANK_HERE».

So don't trust a sentence of the form "part X prevents collapse" without its setting, this lesson's included.

## Which one to take

For a CPU and small batches, from the numbers above:

| you … | take | because (probe at 1, 4 and 16 units) |
|---|---|---|
| have minutes, small batches | «DECISION_FAST» | «DECISION_FAST_NUMBERS» |
| have an hour | «DECISION_SLOW» | «DECISION_SLOW_NUMBERS» |
| want no pair to push: your data are full of near-duplicates | «DECISION_NO_PAIRS» | «DECISION_NO_PAIRS_NUMBERS» |
| want one knob and no copy | LeJEPA | «DECISION_LEJEPA_NUMBERS» |''')
md('''## Where this fails

**The loss tells nothing.** Lower is not better here. The lowest loss of all belongs to the collapsed network, and it had no gradient, either. «LOSS_SENTENCE» Watch the spread and the rank while training, and judge by a probe.

**Weight decay has a cliff.** Too little, and the private directions stay; too much, and everything goes. In the small world the cliff is at ¼, far above what anybody uses. Where it lies in a real network, this lesson doesn't say.

**A poor predictor keeps the spread and loses directions.** You saw it in the small world, with a single number for a predictor. An alarm that waits for a single point wouldn't have noticed.

**Views decide, as ever.** What two views share is all that is learned, in the small world as in lesson 11. If a shortcut is shared, it will be found.

## We guessed, we found''')
code('''lesson.guesses()''')
md('''## Exercises

**1. An experiment.** The papers disagree about batch norm, so decide for yourself, for a small network and a minute of training. First guess: without batch norm in projector and predictor (`BYOL(batch_norm=False)`), will the spread of the projected vectors at the end be (A) above 0.5, (B) between 0.2 and 0.5, or (C) below 0.2? Train on 2,000 postcards, with `meter = CollapseMeter(every=5)` and `pretrained_by(BYOL(batch_norm=False, views=strong_views(size=24)), postcards, 10_000, cbs=meter)`. Take the last spread of the projections from `meter.table`, and return it with the matching letter. (Then put batch norm back, or leave out `predictor` or `momentum` instead, and compare.)''')
code('''def without_batch_norm():
    "Spread of the projections after BYOL without batch norm, and the right letter."
    ...

check(without_batch_norm)''')
code('''solution('without_batch_norm')''')
md('''**2.** Write SimSiam's loss (equation 4) so that the gradient flows only where it should, and see what it is. The predictor is a matrix.''')
code('''def loss_and_its_gradient(z1, z2, h):
    """SimSiam's loss of vectors z1 and z2 (N,D) with the predictions z1 @ h and z2 @ h, mean over
    the batch; and its gradient with respect to z1 (N,D), by autograd."""
    ...

check(loss_and_its_gradient)''')
code('''solution('loss_and_its_gradient')''')
md('''**3.** How slow is a momentum of 0.99? One line. (Then ask yourself what 0.996 does in a training of 400 steps.)''')
code('''def steps_to_follow(m, fraction):
    """After how many steps (a number, not rounded) only `fraction` of the target network is still
    what it was at the start, at momentum m, if the network stands still."""
    ...

check(steps_to_follow)''')
code('''solution('steps_to_follow')''')
md('''**4.** Write the predictor that needn't be learned: the square root of the matrix of second moments, of vectors from a batch. It lets a direction through in proportion to how much the vectors vary there.''')
code('''def direct_predictor(z):
    """Of vectors z (N,D): the matrix F = zᵀz/N, and its square root (D,D), by eigenvalues and
    eigenvectors: the symmetric matrix P with P @ P = F."""
    ...

check(direct_predictor)''')
code('''solution('direct_predictor')''')
md('## Quiz')
code('''quiz([
    question('The loss of your BYOL falls quickly to nearly zero. What do you do?',
        right('Look at spread and rank of the vectors, and at a probe',
              'A collapsed network has exactly this loss. Only the vectors tell it from a success.'),
        wrong('Celebrate', 'A network that gives every picture the same vector gets there, too.'),
        wrong('Lower the learning rate', 'Perhaps later. First find out what happened.')),
    question('What does the stop-gradient do?',
        right('The target can\\'t come to meet the guess, so a guess that falls short must grow',
              'In the small world: w grows by p(1−p) instead of shrinking by (1−p)².'),
        wrong('It makes the collapsed network impossible',
              'The gradient there is zero with it and without it. You saw both.'),
        wrong('It freezes the encoder', 'The encoder is trained, through the other view.')),
    question('In the small world, what does weight decay do for the method?',
        right('It removes what the predictor ignores', 'Where p = 0 the loss doesn\\'t care what the '
              'encoder does, so only weight decay clears the private values away.'),
        right('Above ¼ it makes everything collapse', 'p(1−p) is ¼ at most, so nothing can hold '
              'against it.'),
        wrong('It prevents collapse', 'Without it, nothing collapsed: more weight was left, half of '
              'it on private values.'), several=True),
    question('A predictor that is one single number held up a total weight, and weak values were lost. '
             'What is this called?',
        right('Partial collapse', 'The vectors still differ, but use fewer directions. The effective '
              'rank shows it; the loss doesn\\'t.'),
        wrong('Complete collapse', 'Then nothing would be left. 0.96 was.'),
        wrong('Overfitting', 'There is no training set to overfit here: every batch is new.')),
    question('Your network keeps a high spread and a high rank all through the training. Has it learned?',
        right('You can\\'t know from this', 'An untrained network has both, too. Use a probe.'),
        wrong('Yes', 'They only say that it hasn\\'t collapsed.'),
        wrong('No', 'They don\\'t say that either.')),
])''')
md('''## What to remember

1. BYOL and SimSiam have a **collapsed solution with the best loss**, and stay away from it by *how* they are trained.
2. The **guess falls short** and the **target stands still**: so the encoder has to grow. That takes a predictor and a stop-gradient.
3. The predictor finds the **directions that vary and agree**; weight decay wears off the rest. The slow target made no difference to that in our small world, and delayed the end where the predictor was missing.
4. Watch **spread** and **effective rank**; a collapse can be partial. Whether anything was learned, only a **probe** can say.
5. «REMEMBER_METHODS»

## Further reading

* Grill et al. 2020, [BYOL](https://arxiv.org/abs/2006.07733): section 3.2 on why the collapse should be unstable, and table 5: a target that never moves, one without EMA, and what lies between.
* Chen & He 2021, [SimSiam](https://arxiv.org/abs/2011.10566): section 4, one table for each part that is taken away; section 5 has another explanation than ours, two alternating problems. Which one do you find more convincing?
* Tian, Chen & Ganguli 2021, [Understanding self-supervised learning dynamics without contrastive pairs](https://arxiv.org/abs/2102.06810): the linear world, done properly; look for how weight decay and the predictor's learning rate enter, and for DirectPred on ImageNet.
* Richemond et al. 2020, [BYOL works even without batch statistics](https://arxiv.org/abs/2010.10241): five pages; how to test an explanation by removing the suspected cause.
* Li, Efros & Pathak 2022, [Understanding collapse in non-contrastive Siamese representation learning](https://arxiv.org/abs/2209.15007): partial collapse in small models, and a measure that predicts accuracy without labels.
* Balestriero & LeCun 2025, [LeJEPA](https://arxiv.org/abs/2511.08544): why a normal distribution, and how much of the machinery it makes unnecessary.''')
code('''#| hide
if s.budget!='smoke': # as the answers of the predictions say
    test_close([float(v.mean()) for v in left.values()], [4.80, 0, .65, 4.80, 6.36],
               eps=.3)
    test_close(float(on_shared['no weight decay'].mean()), .54, eps=.06)
    test_close(passed[:,0].mean(), .98, eps=.01)
    test_close([mean_sd(spread[k])[0] for k in makers], [.06, .94], eps=.08)
    test_close([halves[k] for k in (True, False)], [1038, 173], eps=20)''')
code('''lesson.record(spread_on_circle=spread, left={k: mean_sd(v) for k,v in left.items()},
              on_shared={k: mean_sd(v) for k,v in on_shared.items()},
              weight_decay={str(d): mean_sd(v) for d,v in swept.items()},
              passed=passed.mean(0), collapsed_gradient=look['collapsed'],
              live={k: v['probe'] for k,v in found.items()},
              methods=method_table(stored).to_dict(), levels=bound_levels(stored))''')
code('''lesson.finish()''')
n.save()
print(len(n.c),'cells')
for i,c in enumerate(n.c):
    s=''.join(c['source'])
    if c['cell_type']=='code' and len(c['source'])>40: print('long',i,len(c['source']))
    if c['cell_type']=='code' and not s.startswith(('quiz([','#| export')):
        for l in s.split('\n'):
            if len(l)>88: print('wide',i,len(l),l)
