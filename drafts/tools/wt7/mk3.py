import sys; sys.path.insert(0,'/tmp')
from nbq import N
n=N('/tmp/wt/seven/nbs/exercises/choosing_a_pretext_task_exercises.ipynb')
# from the old: keep scale, compute, not beaten; a new experiment first; ranks and loose channels go
keep=[n.c[i] for i in range(14+1)]
n.c[:]=keep
n.sub('from ssl_course.course.checks import Case,exercise,mistake','from ssl_course.course.checks import Case,exercise,judge_experiment,mistake')
n.sub('#| export\nimport torch\n','#| export\nfrom functools import partial\n\nimport torch\n')
n.sub('''#| export
def _t(*values): return torch.tensor(values)

def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))''','''#| export
def _t(*values): return torch.tensor(values)''')
n.sub('''How many pictures of side×side pixels a batch must hold so that `pieces` pieces of
    piece×piece pixels of each cost what `bs` whole pictures cost''','''How many images of side×side pixels a batch must hold so that `pieces` pieces of
    piece×piece pixels of each cost what `bs` whole images cost''')
n.sub('count those of all pieces of a picture','count those of all pieces of an image')
n.sub('One piece as large as the picture is the picture.','One piece as large as the image is the image.')
n.sub('Each picture gives several pieces','Each image gives several pieces')
n.sub('Pieces are smaller than pictures','Pieces are smaller than images')
i=n.find('## A scale with two ends')[0]
n.ins(i,'''## No up

An experiment, so many values are right: the check wants an accuracy in the range in which seeds and processors differ, and the sentence that it bears out.''','markdown')
n.ins(i+1,'''#| export
# «CHECK_NO_UP»: untrained, and rotation on upright postcards after as many updates, all labels
_UNTRAINED,_UPRIGHT = .23,.38

def _bears_out(accuracy):
    "The letter: like random weights, in between, or as good as on upright postcards"
    return 'A' if accuracy<_UNTRAINED+.04 else 'B' if accuracy<_UPRIGHT-.04 else 'C'

_judge = partial(judge_experiment, right=_bears_out,
                 low=(.12, 'not even what random weights give; was the probe fitted to the pool?'),
                 high=(.6, 'more than this task gives in a minute, even on upright postcards'))

_how = ("`practise(Rotation, turned['images'])`, then `accuracy(encoder, turned)['full']`, where "
        "`turned` are the parts of the world 'any way up'.")

@exercise(Case(hint=_how), accept=_judge)
def no_up():
    "Accuracy with all labels after rotation on postcards without an up, and the right letter."
    from ssl_course.all import Encoder,Rotation,fit_quietly,pretext_learner,seeded
    from ssl_course.course.experiments import pretext_compute as pc
    from ssl_course.settings import load_settings
    p = pc.plan(load_settings(budget='cpu', seed=42))
    turned = pc.parts_of(pc.data(p | dict(images=p['images'] | dict(images=10_000))), 'any way up')
    with seeded(42):
        dls = turned['images'].unlabeled().dls(.01, bs=128, steps=300)
        learn = pretext_learner(dls, Encoder.small(width=16), Rotation())
        with learn.no_logging(): fit_quietly(learn, lambda l: l.fit_one_cycle(1, 3e-3))
    found = pc.class_accuracy(learn.encoder, turned, p)['full']
    return found,_bears_out(found)''')
n.ins(i+2,'''#| export
@mistake(no_up, 'Compare it with the two numbers that the lesson printed: the untrained encoder, '
                'and rotation on upright postcards. Which of them is it near?')
def _a_letter_of_its_own(): return _UNTRAINED,'C'

@mistake(no_up, _how)
def _in_percent(): return 100*_UNTRAINED,"A"''')
n.ins(len(n.c),'''#| hide
for ex in (no_up, share_of_the_way, pictures_in_batch, not_beaten):
    test_eq(exercise_faults(getattr(exported, ex.__name__).exercise), [])''')
n.save()
