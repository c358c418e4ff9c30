import sys; sys.path.insert(0,'/tmp'); from nbq import N
n=N('exercises/contrast_exercises')
n.set(2,'''#| export
from functools import partial

import torch
import torch.nn.functional as F

from ssl_course.course.checks import Case,exercise,judge_experiment,mistake''')
i=n.find('## Partners')[0]
n.pop(i); n.pop(i)  # partners
n.set(4,n.src(4)) if False else None
intro='''This page gives everything away: do the exercises in the lesson first. Each one is a solution with the cases that an answer
is tried on, followed by wrong answers that people are likely to give, with the hint that each of them gets.

## Views for ripeness

An experiment, so many values are right: the check wants a fraction in the range in which seeds, processors and sensible views differ, and the letter that it bears out.'''
n.ins(i,intro,'markdown')
n.ins(i+1,'''#| export
def _practised(task):
    "A minute of SimCLR on the lesson's postcards, and what its encoder knows"
    from ssl_course.all import Encoder,fit_quietly,pretext_learner,seeded
    from ssl_course.course.experiments.contrast_choices import CONTRAST_CHOICES,encoder_values
    from ssl_course.settings import load_settings
    p = CONTRAST_CHOICES.plan(load_settings(budget='cpu', seed=42))
    sets = CONTRAST_CHOICES.data(p)
    with seeded(42):
        plain = sets['images'].unlabeled()
        dls = plain.dls(plain.take(slice(0, 128)), bs=128, steps=1171)
        learn = pretext_learner(dls, Encoder.small(width=p['width']), task)
        with learn.no_logging():
            fit_quietly(learn, lambda l: l.fit_one_cycle(1, 3e-3, pct_start=.15))
    return encoder_values(learn.encoder, sets, p)''')
n.ins(i+2,'''#| export
def _ripe(fraction):
    "The letter; a minute with all changes of color gives «BASE_HUE»"
    return 'A' if fraction<«BASE_HUE»+.05 else 'B' if fraction<=«BASE_HUE»+.15 else 'C'

_judge_hue = partial(judge_experiment, low=(«HUE_LOW», 'less than chance gives; was it measured with `same_hue`?'),
                     right=_ripe, high=(.9, 'more than these networks reach in a minute'))

@exercise(Case(hint="What the views change is forgotten, and you need the hue: `hue=0., gray=0.`. Jitter of brightness may "
                    'stay.'), accept=_judge_hue)
def views_for_ripeness():
    "How often the nearest neighbour has the same hue with your views, and the letter."
    from ssl_course.all import SimCLR,strong_views
    task = SimCLR(temp=.1, views=strong_views(size=24, hue=0., gray=0.))
    return _practised(task)['same_hue'],'C'

@mistake(views_for_ripeness, 'With all changes of color the hue is forgotten. Which argument of `strong_views` changes it?')
def _all_changes(): return «BASE_HUE»,'C'

@mistake(views_for_ripeness, 'That looks like `same_class`. The question is how often the neighbour has the same *hue*.')
def _class_instead(): return .92,'C' # «»''')
n.ins(i+3,'''## Too hot''','markdown')
n.ins(i+4,'''#| export
def _cooked(accuracy):
    "The letter; a minute at 0.1 gives «BASE_ACC», random weights «UNTRAINED»"
    return 'A' if accuracy>=«BASE_ACC» else 'B' if accuracy>=«UNTRAINED»+.05 else 'C'

_judge_hot = partial(judge_experiment, low=(«HOT_LOW», 'less than random weights give; was it trained?'),
                     right=_cooked, high=(«HOT_HIGH», 'more than a minute gives at any temperature; was it τ = 1?'))

@exercise(Case(hint='`practise(SimCLR(temp=1.), seen)`, then `encoder_values(learn.encoder, sets, p)`.'), accept=_judge_hot)
def too_hot():
    "Accuracy with five labels per class after a minute at τ = 1, and the letter."
    from ssl_course.all import SimCLR,strong_views
    return _practised(SimCLR(temp=1., views=strong_views(size=24)))['probe'],'«HOT_LETTER»'

@mistake(too_hot, 'Compare it with the accuracy at 0.1 and that of random weights, both printed above.')
def _wrong_letter(): return «HOT_ACC»,'A'

@mistake(too_hot, '`full` is the accuracy with all labels of the pool; with five per class it is `probe`.')
def _all_labels(): return «HOT_FULL»,'B' ''')
k=n.find('## A queue as a ring')[0]; n.pop(k); n.pop(k)
n.sub('for ex in (partners, false_negatives, info_nce, put_in_queue):','for ex in (views_for_ripeness, too_hot, false_negatives, info_nce):')
n.save()
