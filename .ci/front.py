"""Store what the front page shows.

The numbers of a finished `make course`, and those of the last `make test` if all of it passed.
"""
import json
from pathlib import Path
from xml.etree import ElementTree

from ssl_course.utils import write_json

root = Path(__file__).resolve().parents[1]
front = root/'nbs/results/front'
metrics = (root/'runs/course/metrics.json').read_text(encoding='utf-8')
write_json(front/'course.json', json.loads(metrics))
stale = root/'nbs/results/stale.json' # the front page shows numbers again
write_json(stale, {k: v for k,v in json.loads(stale.read_text(encoding='utf-8')).items() if k!='front'})

report = root/'.pytest_cache/report.xml'
if report.exists():
    suite = ElementTree.parse(report).getroot().find('testsuite').attrib
    n = {k: int(suite[k]) for k in ('tests', 'failures', 'errors', 'skipped')}
    if n['tests']>100 and not n['failures']+n['errors']:
        write_json(front/'tests.json', n | dict(seconds=round(float(suite['time']))))
    else: print(f'The last `make test` did not run and pass as a whole ({n}); its numbers are not stored.')
