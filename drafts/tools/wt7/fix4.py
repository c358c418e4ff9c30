t=open('/tmp/wt7/mk4.py').read()
def r(a,b,n=1):
    global t
    assert t.count(a)==n,(t.count(a),a)
    t=t.replace(a,b)
r('''from ssl_course.course.experiments.pretext_compute import NAMES,best_rates,bound,chosen_runs
from ssl_course.course.experiments.pretext_compute import class_accuracy,data,make_task,parts_of
from ssl_course.course.experiments.pretext_compute import plan,plot_worlds,spread_of
from ssl_course.course.experiments.pretext_compute import untrained_encoder
from ssl_course.course.experiments.pretext_tasks import QUESTIONS,matrix_table,tuned_table
from ssl_course.evaluate.pretext_matrix import matrix_summary,plot_matrix,relative_cost''','''from ssl_course.course.experiments.pretext_compute import NAMES,best_rates,bound
from ssl_course.course.experiments.pretext_compute import chosen_runs,class_accuracy,data
from ssl_course.course.experiments.pretext_compute import make_task,parts_of,plan
from ssl_course.course.experiments.pretext_compute import plot_worlds,spread_of
from ssl_course.course.experiments.pretext_compute import untrained_encoder
from ssl_course.course.experiments.pretext_tasks import QUESTIONS,matrix_table
from ssl_course.course.experiments.pretext_tasks import tuned_table
from ssl_course.evaluate.pretext_matrix import matrix_summary,plot_matrix
from ssl_course.evaluate.pretext_matrix import relative_cost''')
r('''p = plan(s)
names = [NAMES.get(t, t) for t in p['tasks']]
''','''p = plan(s)
''')
r('''views = seen('simclr')
rows = {'image': x} | {t: seen(t) for t in ('rotation', 'jigsaw', 'colorization', 'masking')}
rows |= {'SimCLR: a view': views[:4], 'its partner': views[4:]}
show(image_grid(torch.cat([*rows.values()]).clamp(0, 1), ncols=4, rows=[*rows], scale=.96),
     colors=96, alt='Four postcards, and what six pretext tasks show of them: turned, cut into '
     'four shuffled pieces, gray, half hidden behind gray squares, and two views each, cropped '
     'and in other colors.')''','''one_view = 'rotation', 'jigsaw', 'colorization', 'masking'
rows,pairs = {'image': x} | {t: seen(t) for t in one_view},seen('simclr')
rows |= {'SimCLR: a view': pairs[:4], 'its partner': pairs[4:]}
grid = torch.cat([*rows.values()]).clamp(0, 1)
show(image_grid(grid, ncols=4, rows=[*rows], scale=.96), colors=96,
     alt='Four postcards, and what six pretext tasks show of them: turned, cut into four '
     'shuffled pieces, gray, half hidden behind gray squares, and two views each, '
     'cropped and in other colors.')''')
r('''predict('All six get the same encoder and the same compute, on postcards that all stand '
        'upright. After about ten seconds of training, which is ahead: rotation or SimCLR? '
        'And after sixteen times as long?',''','''predict('All six get the same encoder and the same compute, on postcards that all '
        'stand upright. After a few seconds of training, which is ahead: rotation or '
        'SimCLR? And after sixteen times as long?',''')
r('''compute,photos = (read_experiment(f'pretext_compute{end}') for end in ('', '_photographs'))
rates''','''compute = read_experiment('pretext_compute')
photos = read_experiment('pretext_compute_photographs')
rates''')
r('''    with seeded(s.seed):
        dls = images.unlabeled().dls(.01, bs=bs, steps=units*p['unit']//p['bs'])
        learn = pretext_learner(dls, Encoder.small(width=p['width']), make())
        fit_quietly(learn, lambda l: l.fit_one_cycle(1, lr, pct_start=.15), 'practising')
    return learn.encoder''','''    steps = max(2, units*p['unit']//p['bs'])
    with seeded(s.seed):
        dls = images.unlabeled().dls(.01, bs=bs, steps=steps)
        learn = pretext_learner(dls, Encoder.small(width=p['width']), make())
        one_cycle = lambda l: l.fit_one_cycle(1, lr, pct_start=.15)
        return fit_quietly(learn, one_cycle, 'practising').encoder''')
r('''random_weights = accuracy(untrained_encoder(upright['images'], p['width'], s.seed), upright)
pd.DataFrame({'five labels per class': {'rotation, just now': f'{live["probe"]:.0%}',
                                        'random weights': f'{random_weights["probe"]:.0%}'},
              f'all {len(upright["pool"]):,} labels': {'rotation, just now':
                  f'{live["full"]:.0%}', 'random weights': f'{random_weights["full"]:.0%}'}})''','''fresh = untrained_encoder(upright['images'], p['width'], s.seed)
random_weights = accuracy(fresh, upright)
columns = {'probe': 'five labels per class', 'full': f'all {len(upright["pool"]):,} labels'}
rows = {'rotation, just now': live, 'random weights': random_weights}
pd.DataFrame({c: {k: f'{v[of]:.0%}' for k,v in rows.items()} for of,c in columns.items()})''')
r('''claim('Sixteen times the compute gains SimCLR more than the best choice among six tasks '
      'gains at one unit', exceeds(gains['simclr'], chosen), compute=gains['simclr'],
      choice=chosen, from_worst_to_best=f'{bottom} to {top}')
rows = {f'choosing: {bottom} → {top}': chosen}
rows |=''','''claim('Sixteen times the compute gains SimCLR more than the best choice among six '
      'tasks gains at one unit', exceeds(gains['simclr'], choice),
      compute=gains['simclr'], choice=choice, from_worst_to_best=f'{bottom} to {top}')
rows = {f'choosing: {bottom} → {top}': choice}
rows |=''')
r('''chosen = spread_of(values''','''choice = spread_of(values''')
r('''so the two''','''so the two''',0)
r(''' A table that compares tasks at a single small compute, as most comparisons do (and as the first version of this lesson did), shows who starts fast, and nothing else.''',''' A table that compares tasks at a single small compute shows who starts fast, and nothing else.''')
r('''     alt='Six postcards upright, and the same six turned by multiples of 90° or mirrored.')''','''     alt='Six postcards upright, and the same six turned by multiples of 90° or '
     'mirrored.')''')
r('''own = {w: pair(w, 'rotation', high, of='pretext') if False else
       spread_of([o['accuracy'] for o in values(w, 'rotation', high, of='pretext')])
       for w in worlds}''','''def own_accuracy(world):
    return spread_of([o['accuracy'] for o in values(world, 'rotation', high, 'pretext')])

own = {w: own_accuracy(w) for w in worlds}''')
r('''guess('Where nothing has an up, rotation is no better than random weights: within 2 points',
      bool(pair('any way up', 'rotation', high)[0]<level('any way up', 'untrained')[0]+.02),
      rotation=pair('any way up', 'rotation', high), untrained=level('any way up', 'untrained'))''','''turned,floor = pair('any way up', 'rotation', high),level('any way up', 'untrained')
guess('Where nothing has an up, rotation gains less than 2 points over random weights',
      bool(turned[0]<floor[0]+.02), rotation=turned, random_weights=floor)''')
r('''And the photographs? Every shirt hangs upright.''','''And the photographs? Somebody held the camera, and cameras are held upright.''')
r('''predict('SimCLR is shown two views in different colors, and told that they are the same. '
        'Will its encoder know more or less of the hue than one with random weights?',''','''predict('SimCLR is shown two views in different colors, and told that they are the '
        'same. Will its encoder know more or less of the hue than one with random '
        'weights?',''')
r('''winner,colorful = best_at('object'),best_at('hue')
claim('The task that knows the class best is not the one that knows most of the hue',
      False if winner==colorful else exceeds(known(colorful, 'hue'), known(winner, 'hue')),
      best_at_the_class=winner, its_hue=known(winner, 'hue'), best_at_the_hue=colorful,
      hue=known(colorful, 'hue'))
more = lambda a,b,q: exceeds(known(a, q), known(b, q)) if {a, b}<={*matrix.task} else None
guess('SimCLR knows less of the hue than random weights', more('untrained', 'simclr', 'hue'),
      untrained=known('untrained', 'hue'), SimCLR=known('simclr', 'hue'))
guess('The autoencoder, which gives the colors back, knows more of the hue than SimCLR',
      more('autoencoder', 'simclr', 'hue'), autoencoder=known('autoencoder', 'hue'))
guess('Rotation knows more of the place than SimCLR, since the ground is at the bottom',
      more('rotation', 'simclr', 'place'), rotation=known('rotation', 'place'),
      SimCLR=known('simclr', 'place'))
pd.DataFrame({'best task': {q: best_at(q) for q in questions},
              'score': {q: '{:.2f} ± {:.2f}'.format(*known(best_at(q), q)) for q in questions}})''','''winner,colorful = best_at('object'),best_at('hue')
claim('The task that knows the class best is not the one that knows most of the hue',
      False if winner==colorful else
      exceeds(known(colorful, 'hue'), known(winner, 'hue')),
      best_at_the_class=winner, its_hue=known(winner, 'hue'), best_at_the_hue=colorful,
      hue=known(colorful, 'hue'))

def guess_more(text, a, b, question):
    "A guess that `a` knows more than `b`"
    two = {t: known(t, question) for t in (a, b)}
    guess(text, exceeds(two[a], two[b]), **two)

guess_more('SimCLR knows less of the hue than random weights', 'untrained', 'simclr', 'hue')
guess_more('The autoencoder, which gives the colors back, knows more of the hue than '
           'SimCLR', 'autoencoder', 'simclr', 'hue')
guess_more('Rotation knows more of the place than SimCLR: it looks for the ground',
           'rotation', 'simclr', 'place')
scores = {q: '{:.2f} ± {:.2f}'.format(*known(best_at(q), q)) for q in questions}
pd.DataFrame({'best task': {q: best_at(q) for q in questions}, 'score': scores})''')
r('''tuned = tuned_table(stored).groupby('task').tuned.agg(spread_of)
order = tuned.map(lambda v: v[0]).sort_values(ascending=False).index
pd.DataFrame({'fine-tuned, 10 labels per class, %': tuned.map(cell),
              'linear probe, all labels, %': {t: cell(known(t, 'object'))
                                              for t in tuned.index}}).loc[order]''','''tuned = {t: spread_of(d.tuned) for t,d in tuned_table(stored).groupby('task')}
order = sorted(tuned, key=lambda t: -tuned[t][0])
pd.DataFrame({t: {'fine-tuned, 10 labels per class, %': cell(tuned[t]),
                  'linear probe, all labels, %': cell(known(t, 'object'))}
              for t in order}).T''')
i=t.index("situations = {\n"); j=t.index("md('''And what this table")
t=t[:i]+'''floors = {w: level(w, 'untrained') for w in worlds}
upright_at = lambda units: (at('postcards', units), floors['postcards'])
situations = {
    ('images have an up', 'seconds'): upright_at(low),
    ('images have an up', 'minutes'): upright_at(high),
    ('images have an up', 'an hour (three tasks, one seed)'): upright_at(longest['units']),
    ('no up: cells, satellites', 'minutes'): (at('any way up', high), floors['any way up']),
    ('three thousand photographs', 'minutes'): (at('photographs', high),
                                                floors['photographs'])}
for q in questions[1:]: # the first one is the class
    situations[f'the question is the {q}', 'minutes'] = (
        {t: known(t, q) for t in stored.plan['tasks']}, known('untrained', q))
decisions = {k: {'try': contenders(v), 'score of the best': f'{max(v.values())[0]:.2f}',
                 'random weights': f'{floor[0]:.2f}'} for k,(v,floor) in situations.items()}
pd.DataFrame(decisions).T.rename_axis(['your data', 'your time'])\'\'\')
'''+t[j:]
r('''def at(world, units): return {t: pair(world, t, units) for t in p['tasks']
                              if len(values(world, t, units))}''','''def at(world, units):
    "{task: (mean, sd)} of all tasks that were measured there"
    return {t: pair(world, t, units) for t in compute.plan['tasks']
            if len(values(world, t, units))}''')
r('''percent.set_index(['task', 'rate']).rename(columns=dict(solved='solves its own task',
                                                        probe='probe, 5 labels per class'))''','''percent.columns = ['task', 'rate', 'solves its own task', 'probe, 5 labels per class']
percent.set_index(['task', 'rate'])''')
r('''    if (r['world'], r['units'], r['seed'])==('postcards', compute.plan['search'], 0)])''','''    if (r['world'], r['units'], r['seed'])==('postcards', p0['search'], 0)])''')
r('''screen = pd.DataFrame([dict''','''p0 = compute.plan
screen = pd.DataFrame([dict''')
r('''lesson.record(live=live, random_weights=random_weights, gains=gains, lost=lost,
              runs=runs.drop(columns=['pretext']), bounds=compute.table('bounds').fillna(''),
              matrix=matrix, tuned=tuned_table(stored), decisions={
                  ', '.join(k): v['try'] for k,v in decisions.items()})''','''lesson.record(live=live, random_weights=random_weights, gains=gains, lost=lost, own=own,
              runs=runs.drop(columns=['pretext']), matrix=matrix, tuned=tuned,
              decisions={', '.join(k): v['try'] for k,v in decisions.items()})''')
r('''guess('After 16 units, VICReg is as good as SimCLR: within 5 points',
      None if 'vicreg' not in p['tasks'] else
      bool(abs(later('vicreg')[0]-later('simclr')[0])<.05),
      **{NAMES[t]: later(t) for t in ('vicreg', 'simclr') if t in p['tasks']})''','''guess('After 16 units, VICReg and SimCLR are within 5 points of each other',
      bool(abs(later('vicreg')[0]-later('simclr')[0])<.05), VICReg=later('vicreg'),
      SimCLR=later('simclr'))''')
# quiz: narrower
for a,b in (("right('You can\\\\'t tell yet', 'Curves cross. Train both four times as long and look which one still '\n              'rises.')","right('You can\\\\'t tell yet', 'Curves cross. Train both four times as long and look which '\n              'one still rises.')"),
  ("right('A cell has no up, so the labels say nothing', 'All four answers are equally right, and '\n              'there\\\\'s nothing to learn from them.')","right('A cell has no up, so the labels say nothing', 'All four answers are equally '\n              'right, and there\\\\'s nothing to learn from them.')"),
  ("right('SimCLR with views that change the hue', 'It\\\\'s told that two views in different colors are '\n              'the same, so it may overlook what you want to know.')","right('SimCLR with views that change the hue', 'It\\\\'s told that two views in different '\n              'colors are the same, so it may overlook what you want to know.')"),
  ("wrong('An autoencoder', 'It has to give the colors back. It may teach little else, but this.')","wrong('An autoencoder', 'It has to give the colors back. It may teach little else, but '\n              'this.')"),
  ("wrong('SimCLR with views that keep the hue', 'Nothing tells it to overlook the color now. (It may '\n              'find partners by color alone: lesson 11.)')","wrong('SimCLR with views that keep the hue', 'Nothing tells it to overlook the color '\n              'now. (It may find partners by color alone: lesson 11.)')"),
  ("right('Yes: what goes through the encoder costs the same', 'Pieces have few pixels, and two views '\n              'are two images. Seconds still differ, and are given.')","right('Yes: what goes through the encoder costs the same', 'Pieces have few pixels, and '\n              'two views are two images. Seconds still differ, and are given.')"),
  ("wrong('No, one sees more images', 'It sees less of each. One has to decide what is to be equal, and '\n              'say so.')","wrong('No, one sees more images', 'It sees less of each. One has to decide what is to '\n              'be equal, and say so.')"),
  ("right('That can\\\\'t be said', 'A may be easy since it needs no knowledge, or has a shortcut. Probe '\n              'both.')","right('That can\\\\'t be said', 'A may be easy since it needs no knowledge, or has a '\n              'shortcut. Probe both.')"),
  ("wrong('A', 'It has solved its task better. Whether it had to learn anything is another question.')","wrong('A', 'It has solved its task better. Whether it had to learn anything is another '\n              'question.')")): r(a,b)
open('/tmp/wt7/mk4.py','w').write(t)
t=open('/tmp/wt7/mk3.py').read()
r('''@exercise(Case(hint="`practise(Rotation(), turned['images'])`, then `accuracy(encoder, turned)`, where "
                    "`turned` are the parts of the world 'any way up'."), accept=_judge)''','''_how = ("`practise(Rotation, turned['images'])`, then `accuracy(encoder, turned)['full']`, where "
        "`turned` are the parts of the world 'any way up'.")

@exercise(Case(hint=_how), accept=_judge)''')
r('''@mistake(no_up, 'Compare it with the two numbers that the lesson printed: the untrained encoder, and '
                'rotation on upright postcards. Which of them is it near?')''','''@mistake(no_up, 'Compare it with the two numbers that the lesson printed: the untrained encoder, '
                'and rotation on upright postcards. Which of them is it near?')''')
r('''@mistake(no_up, "`practise(Rotation(), turned['images'])`, then `accuracy(encoder, turned)`, where "
                "`turned` are the parts of the world 'any way up'.")
def _in_percent(): return 100*_UNTRAINED,'A' ''','''@mistake(no_up, _how)
def _in_percent(): return 100*_UNTRAINED,'A\'''')
t=t.replace("'A\\''","'A'")
open('/tmp/wt7/mk3.py','w').write(t)
t=open('/tmp/wt7/mk2.py').read()
r("tasks=list(s.pick(('rotation', 'frame_order'), tuple(TASKS)))","tasks=list(s.pick(('rotation', 'simclr', 'autoencoder', 'frame_order'), tuple(TASKS)))")
r("questions=list(s.pick(('object', 'size', 'mask'), tuple(QUESTIONS)))","questions=list(QUESTIONS)")
open('/tmp/wt7/mk2.py','w').write(t)
t=open('/tmp/wt7/mk1.py').read()
r("tasks=list(s.pick(('rotation', 'masking', 'simclr'), tuple(TASKS)))","tasks=list(s.pick(('rotation', 'simclr', 'vicreg', 'masking'), tuple(TASKS)))")
open('/tmp/wt7/mk1.py','w').write(t)
