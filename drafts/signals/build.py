import sys,json,re,uuid; sys.path.insert(0,'/tmp')
code=open('/tmp/sig/signals_code.py').read()
def part(a,b=None):
    i=code.index(a); j=code.index(b) if b else len(code)
    return code[i:j].strip('\n')
cells=[]
def md(t): cells.append(('markdown',t.strip('\n')))
def py(t): cells.append(('code',t.strip('\n')))
md('''# Bonus: signals

> None of it is about pictures only: four pretext tasks on waveforms, and a handful of labels''')
py('#| default_exp course.signals')
md('''<div class="callout-note">

## What you will be able to do
* Carry a pretext task over to data of another shape: a class with `setup` and `make`, a few lines each.
* Say what a task has to be measured against when there's an old and good method without learning.

About four minutes on a laptop. Builds on [Labels from data](../lessons/02_labels_from_data.ipynb), [Patches](../lessons/04_patches.ipynb), [Masks](../lessons/13_masks.ipynb) and [Contrast](../lessons/11_contrast.ipynb).

</div>''')
py('#| export\n'+part('from itertools','EVENTS ='))
py('''#| code-fold: true
#| code-summary: "Imports"
import pandas as pd
from fastcore.test import test_eq
from IPython.display import Markdown,display
from ssl_course.course import *
from ssl_course.evaluate.label_efficiency import Comparison,Method
from ssl_course.evaluate.probes import embed,linear_probe
from ssl_course.finetune import careful,naive
from ssl_course.plots import INK,PALETTE,course_style,new_figure
from ssl_course.plots import show
from ssl_course.pretrain import fit_quietly,pretext_learner
from ssl_course.settings import load_settings''')
md('''## Eight noises

A bearing that wears out, a heart that skips a beat, an engine that knocks: sensors record day and night, and somebody who can tell what a recording shows has time for fifty of them. It's the problem of this course with one dimension less.

So let's draw recordings in which everything is known. Each has 256 samples and one **event** out of eight kinds, at any place, loud or soft, on top of a slow drift and noise. A *ring* is struck and fades, a *fall* is a tone that sinks, an *echo* follows its pulse. Only the *hum* would be the same played backwards.''')
py('#| export\n'+part('EVENTS =','def draw_signals'))
py('#| export\n'+part('def draw_signals','class SignalBody'))
py('''#| code-fold: true
#| code-summary: "Figure: two of each kind"
s = load_settings()
x,kind = draw_signals(200, seed=s.seed)
with course_style():
    fig = new_figure(5.4, 5)
    for i,(ax,name) in enumerate(zip(fig.subplots(8, 2).T.ravel()[:16].reshape(2, 8).T,
                                     EVENTS)):
        for a,row in zip(ax, np.flatnonzero(kind==i)):
            a.plot(x[row], color=PALETTE[i%8], lw=1.2)
            a.set(xticks=[], yticks=[], ylim=(0, 1)), a.spines[:].set_visible(False)
        ax[0].set_ylabel(name, rotation=0, ha='right', va='center', fontsize=11)
show(fig, alt='Two recordings of each of the eight kinds of events, one kind in a row: '
              +', '.join(EVENTS)+'. The event is a small part of a drifting, noisy line.')''')
md('''## A picture one pixel high

Nothing in the library knows what a picture *is*. Its tasks, loaders and probes want arrays `(B,C,H,W)`, and a signal of 256 samples is a picture with $H=1$ and $W=256$. What has to change is the network: convolutions along one axis, by fastai's `ConvLayer`, and the same `Encoder` around them.''')
py('#| export\n'+part('class SignalBody','class SignalViews'))
md('''## Four tasks

**Reversal** is lesson 2's rotation: is the recording played backwards? **Permutation** is lesson 4's jigsaw: four pieces with gaps between them, shuffled; in which of the 24 orders? **Masking** is lesson 13: half of sixteen segments are covered, and the network fills them in.''')
py('#| export\n'+part('class Reversal','class Permutation'))
py('#| export\n'+part('class Permutation','class MaskedSignal'))
py('#| export\n'+part('class MaskedSignal'))
md('''**SimCLR** needs no change at all, only other views. What may differ between two recordings of the same event? Its loudness, where it is, how fast it runs within limits, the drift, the noise. These five are what two views of one recording won't share.''')
py('#| export\n'+part('class SignalViews','class Reversal'))
py('''#| code-fold: true
#| code-summary: "Figure: what each task shows the network"
def looks(task, x):
    "Inputs that a task makes of one signal, one after the other"
    task.setup(signal_encoder(4))
    with seeded(3): return task.train().make(x)[0][:,0,0]
one = torch.from_numpy(x[np.flatnonzero(kind==2)[:1]])[:,None,None]
with seeded(s.seed): first,second = (SignalViews()(one)[0,0,0] for _ in range(2))
rows = {'recording': one[0,0,0], 'reversed': one[0,0,0].flip(0),
        'permuted': torch.cat([F.pad(p, (0, 16), value=torch.nan)
                               for p in looks(Permutation(), one)]),
        'masked': looks(MaskedSignal(), one)[0], 'view 1': first, 'view 2': second}
with course_style():
    fig = new_figure(5.4, 4)
    for ax,(name,v) in zip(fig.subplots(6, 1), rows.items()):
        ax.plot(v.numpy(), color=INK if name=='recording' else PALETTE[0], lw=1.3)
        ax.set(xticks=[], yticks=[], xlim=(0, 256)), ax.spines[:].set_visible(False)
        ax.set_ylabel(name, rotation=0, ha='right', va='center', fontsize=11)
show(fig, alt='One recording with a falling tone, and what the tasks make of it: reversed, '
              'in four shuffled pieces, half covered, and two views of another loudness, '
              'place, speed and drift.')''')
md('''## Which of them learns what the recordings show?

8,000 recordings without labels, 600 steps each, about half a minute. Then a linear probe with five labels per kind, forty in all. Learning rates are the better of two on validation recordings.

What's the competition? Random weights, of course. But whoever works with signals has something better, without learning: the **power spectrum**. It says how much of each frequency is there, wherever it is.''')
py('''predict('With five labels per kind, a probe on the logarithm of the power spectrum gets '
        '«SPEC»% right. Which of the four tasks beat it: reversal, permutation, masking, '
        'SimCLR?', '«ANSWER»')''')
py('''sizes = s.pick((200, 80, 80, 80), (8000, 2000, 1000, 2000))
sets = {k: signal_set(n, seed) for seed,(k,n) in
        enumerate(zip(('images', 'pool', 'valid', 'test'), sizes), 1)}
tasks = {'reversal': Reversal, 'permutation': Permutation, 'masking': MaskedSignal,
         'SimCLR': lambda: SimCLR(temp=.2, views=SignalViews())}
def pretrained(task, lr):
    "The 1-D encoder after 600 steps of a task"
    with seeded(s.seed):
        dls = sets['images'].unlabeled().dls(.05, bs=s.pick(16, 128), steps=s.pick(1, 60))
        learn = pretext_learner(dls, signal_encoder(), tasks[task]())
        fit_quietly(learn, lambda l: l.fit_one_cycle(10, lr), f'{task}, {lr:g}')
    return learn.encoder

def probe(z, n, on='test', draws=3):
    "Accuracy with n labels per kind, for each of some draws"
    y,found = sets['pool'].y,[]
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        at = np.concatenate([rng.permutation(np.flatnonzero(y==c))[:n] for c in range(8)])
        found.append(linear_probe(z['pool'][at], y[at], pool=z['pool']).score(
            z[on], sets[on].y))
    return found''')
py('''embedded = lambda e: {k: embed(e, sets[k]) for k in ('pool', 'valid', 'test')}
spectrum = lambda v: np.log(np.abs(np.fft.rfft(v.x[:,0,:,0]/255-.5))+.01)
features = {'power spectrum': {k: spectrum(v) for k,v in sets.items()},
            'untrained': embedded(signal_encoder())}
encoders,rates = {},{}
for t in tasks:
    tried = {lr: pretrained(t, lr) for lr in s.pick((1e-3,), (1e-3, 4e-3))}
    z = {lr: embedded(e) for lr,e in tried.items()}
    rates[t] = max(z, key=lambda lr: np.mean(probe(z[lr], 5, 'valid')))
    encoders[t],features[t] = tried[rates[t]],z[rates[t]]
few,many = s.pick((2, 5), (5, 100))
scores = {k: {n: probe(z, n) for n in (few, many)} for k,z in features.items()}
cell = lambda v: f'{100*np.mean(v):.1f} ± {100*np.std(v, ddof=1):.1f}'
pd.DataFrame({k: {f'{n} labels': cell(v) for n,v in by.items()}
              for k,by in scores.items()}).T''')
md('''«WHAT THE TABLE SAYS»''')
py('''#| label: main-figure
order = sorted(scores, key=lambda k: np.mean(scores[k][few]))
with course_style():
    fig = new_figure(5.4, 3)
    ax = fig.add_subplot()
    own = lambda k: k in tasks
    ax.barh(order, [100*np.mean(scores[k][few]) for k in order], height=.6,
            color=[PALETTE[0] if own(k) else PALETTE[7] for k in order])
    for i,k in enumerate(order):
        ax.plot(100*np.array(scores[k][few]), [i]*3, 'o', ms=3, color=INK)
    ax.axvline(12.5, color=INK, ls=':', lw=1.2), ax.grid(False, axis='y')
    ax.set(xlim=(0, 100), xlabel=f'accuracy with {few} labels per kind, %',
           title='«TITLE»')
show(fig, alt=f'Accuracy of a linear probe with {few} labels per kind. '+'; '.join(
    f'{k} {np.mean(scores[k][few]):.0%}' for k in order)+'. Guessing has 12.5%.')''')
md('''## Take the views away

SimCLR is far ahead. Is that the method, or what we told it by its views? Take them away one at a time: the warp (place and speed), then all but the noise.''')
py('''class OnlyNoise(SignalViews):
    "Neither place nor speed, loudness nor drift changes"
    def __call__(self, x): return (x+.02*torch.randn_like(x)).clamp(0, 1)

class NoWarp(SignalViews):
    "Loudness, drift and noise change; place and speed stay"
    warp = False

tasks |= {'no warp': lambda: SimCLR(temp=.2, views=NoWarp()),
          'only noise': lambda: SimCLR(temp=.2, views=OnlyNoise())}
for t in ('no warp', 'only noise'):
    scores[t] = {n: probe(embedded(pretrained(t, rates['SimCLR'])), n) for n in (few, many)}
pd.DataFrame({k: {f'{n} labels': cell(v) for n,v in scores[k].items()}
              for k in ('SimCLR', 'no warp', 'only noise', 'untrained')}).T''')
md('''«VIEWS»

## Fine-tune

The last step is the library's own, too: `transfer_learner`, a recipe, a search for learning rate and number of updates on validation recordings.''')
py('''methods = [Method('random weights', signal_encoder, naive),
           Method('SimCLR', encoders['SimCLR'], careful)]
c = Comparison(methods, sets['pool'], sets['valid'], sets['test'], labels=(few,),
               seeds=s.pick(1, 3), updates=s.pick((4, 4), (100, 1600)),
               views=SignalViews())
c.run(progress=False)
tuned = {m.name: [r.accuracy for r in c.runs if r.method==m.name] for m in methods}
converged = all(r.converged for r in c.runs)
Markdown('; '.join(f'{k}: {cell(v) if len(v)>1 else v}%' for k,v in tuned.items())
         +('.' if converged else ', the search not finished.'))''')
md('''«TUNED»

## What to remember

1. **A pretext task is a dozen lines**, for any data of which part can be hidden, turned or shuffled.
2. «NUMBERS»
3. **Measure against what the field did before.** «SPECTRUM»

## Further reading

* Saeed, Ozcelebi & Lukkien 2019, [Multi-task self-supervised learning for human activity detection](https://arxiv.org/abs/1907.11879): signals of a phone; eight transformations, among them reversal and permutation, are to be recognised.
* Mehari & Strodthoff 2022, [Self-supervised representation learning from 12-lead ECG data](https://arxiv.org/abs/2103.12676): hearts; contrast and prediction, and how many labels they save.
* Baevski et al. 2020, [wav2vec 2.0](https://arxiv.org/abs/2006.11477): speech; masks over features and contrast among them, with ten minutes of labelled speech.''')
py('''#| hide
a,b = draw_signals(32, seed=5)
test_eq(a.shape, (32, 256)), test_eq(bool((draw_signals(32, seed=5)[0]==a).all()), True)
v = torch.from_numpy(a)[:,None,None]
encoder = signal_encoder(4)
test_eq(encoder(v).shape, (32, 32))
for t in (Reversal(), Permutation(), MaskedSignal()):
    t.setup(encoder)
    inputs,target = t.train().make(v)
    assert torch.isfinite(t.loss(t(encoder, inputs), target))
back,y = Reversal().make(v)
test_eq(bool(all(torch.equal(p, q.flip(-1) if k else q) for p,q,k in zip(back, v, y))), True)
views = SignalViews()(v)
assert views.shape==v.shape and 0<=views.min() and views.max()<=1''')
nb=dict(cells=[],metadata={'kernelspec':{'display_name':'python3','language':'python','name':'python3'}},nbformat=4,nbformat_minor=5)
for k,t in cells:
    c={'cell_type':k,'id':uuid.uuid4().hex[:8],'metadata':{},'source':t.splitlines(keepends=True)}
    if k=='code': c.update(execution_count=None,outputs=[])
    nb['cells'].append(c)
json.dump(nb,open('/tmp/sig/signals.ipynb','w'),indent=1,ensure_ascii=False)
print(len(cells))
