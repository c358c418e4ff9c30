t=open('/tmp/wt7/mk4.py').read()
def r(a,b,n=1):
    global t
    assert t.count(a)==n,(t.count(a),a)
    t=t.replace(a,b)
r('''import NAMES,best_rates,bound
from ssl_course.course.experiments.pretext_compute import chosen_runs,class_accuracy,data
from ssl_course.course.experiments.pretext_compute import make_task,parts_of,plan
''','''import NAMES,best_rates,bound
from ssl_course.course.experiments.pretext_compute import chosen_runs,class_accuracy
from ssl_course.course.experiments.pretext_compute import data,make_task,parts_of,plan
''')
r('''     alt='Four postcards, and what six pretext tasks show of them: turned, cut into four '
     'shuffled pieces, gray,''','''     alt='Four postcards, and what six pretext tasks show of them: turned, cut into '
     'four shuffled pieces, gray,''')
r('''columns = {'probe': 'five labels per class', 'full': f'all {len(upright["pool"]):,} labels'}
rows = {'rotation, just now': live, 'random weights': random_weights}
pd.DataFrame({c: {k: f'{v[of]:.0%}' for k,v in rows.items()} for of,c in columns.items()})''','''columns = {'probe': 'five labels per class',
           'full': f'all {len(upright["pool"]):,} labels'}
rows = {'rotation, just now': live, 'random weights': random_weights}
pd.DataFrame({k: {c: f'{v[of]:.0%}' for of,c in columns.items()}
              for k,v in rows.items()}).T''')
r('''def own_accuracy(world):
    return spread_of([o['accuracy'] for o in values(world, 'rotation', high, 'pretext')])''','''def own_accuracy(world):
    found = values(world, 'rotation', high, 'pretext')
    return spread_of([o['accuracy'] for o in found])''')
r('''guess_more('SimCLR knows less of the hue than random weights', 'untrained', 'simclr', 'hue')''','''guess_more('SimCLR knows less of the hue than random weights', 'untrained', 'simclr',
           'hue')''')
r('''    ('images have an up', 'an hour (three tasks, one seed)'): upright_at(longest['units']),
    ('no up: cells, satellites', 'minutes'): (at('any way up', high), floors['any way up']),
''','''    ('images have an up', '64 units (three tasks, one seed)'):
        upright_at(longest['units']),
    ('no up: cells, satellites', 'minutes'): (at('any way up', high),
                                              floors['any way up']),
''')
r('''decisions = {k: {'try': contenders(v), 'score of the best': f'{max(v.values())[0]:.2f}',
                 'random weights': f'{floor[0]:.2f}'} for k,(v,floor) in situations.items()}''','''decisions = {k: {'try': contenders(v), 'score of the best': f'{max(v.values())[0]:.2f}',
                 'random weights': f'{floor[0]:.2f}'}
             for k,(v,floor) in situations.items()}''')
open('/tmp/wt7/mk4.py','w').write(t)
t=open('/tmp/wt7/mk2.py').read()
r('''    return p | dict(tasks=list(s.pick(('rotation', 'simclr', 'autoencoder', 'frame_order'), tuple(TASKS))),
                    questions=list(QUESTIONS),
''','''    few = 'rotation', 'simclr', 'autoencoder', 'frame_order'
    return p | dict(tasks=list(s.pick(few, tuple(TASKS))), questions=list(QUESTIONS),
''')
open('/tmp/wt7/mk2.py','w').write(t)
