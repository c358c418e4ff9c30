import sys
if 'k' in sys.argv: from ssl_course.course.experiment import known_experiments; e=known_experiments()['two_view_compute']
else: from ssl_course.course.experiments.two_view_compute import TWO_VIEW_COMPUTE as e
from ssl_course.resume import source_hash
print(source_hash(*e.code), len(e.code)); print([source_hash(o) for o in e.code][-9:])
