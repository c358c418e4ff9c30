"Claims, stored numbers, folders and processes of a lesson."
import json,os,platform,subprocess,sys
from pathlib import Path

import numpy as np
import pytest

from ssl_course.course.lesson import Lesson,code_hash,exceeds,read_results,stale_results
from ssl_course.utils import InputError

pytestmark = pytest.mark.usefixtures('lesson_settings')

def notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({'cells': [dict(cell_type='code', source=c.splitlines(True), metadata={}, outputs=[]) for c in cells]}))
    return path

def test_claims(shown):
    lesson = Lesson('x')
    lesson.claim('held', np.bool_(True), a=1), lesson.claim('failed', False, a=(.5, .01))
    smoke = Lesson('x', budget='smoke')
    smoke.claim('not known', True, a=float('nan')), smoke.claim('identity', True, always=True)
    assert ['held', 'failed', 'unmeasured', 'held']==[o.html.split('class="claim ')[1].split('"')[0] for o in shown]
    assert '✓' not in shown[2].text and '✓' not in shown[2].html and 'not measured at this budget' in shown[2].text and 'nan' not in shown[2].text
    lesson.claim('failed', True)
    assert len(lesson.claims)==2 and lesson.claims['failed']['held'], 'a cell that runs again replaces its claim'

def test_a_claim_may_stay_open(shown):
    "Where the spread is larger than the difference, nothing was shown: neither green nor red; an `always` claim may not"
    lesson = Lesson('x')
    lesson.claim('fine-tuned beats frozen', exceeds((.65, .04), (.66, .11)), a=(.65, .04), b=(.66, .11))
    assert 'class="claim open"' in shown[0].html and '○' in shown[0].html and 'not resolved at this size' in shown[0].text
    got = lesson.claims['fine-tuned beats frozen']
    assert got['held'] is None and got['status']=='open' and got['values']['a']==[.65, .04]
    lesson.claim('beats chance', exceeds((.65, .04), (.1, 0.)))
    lesson.claim('beats scratch by 60 points', exceeds((.65, .04), (.1, 0.), by=.6))
    assert [c['status'] for c in lesson.claims.values()]==['open', 'held', 'failed']
    lesson.finish()
    assert '1 held, 1 did not hold, 1 not resolved' in shown[-1].text
    with pytest.raises(AssertionError): lesson.claim('identity', None, always=True)

@pytest.mark.parametrize('truthy', ['yes', 1, [True], np.array([True, True]), np.float64(1)])
def test_only_truth_values_are_conditions(truthy):
    for budget in ('cpu', 'smoke'):
        for what in ('claim', 'guess'):
            with pytest.raises(InputError, match=f"^{what} 'x': .* True or False"): getattr(Lesson('x', budget=budget), what)('x', truthy)

def test_numbers_that_are_none(shown):
    lesson = Lesson('x')
    with pytest.raises(InputError, match='nothing was measured'): lesson.claim('x', True, a=(.5, float('nan')))
    with pytest.raises(InputError, match='nothing was measured'): lesson.record(a=np.array([1, np.inf]))
    assert not lesson.numbers and not lesson.claims
    Lesson('x', budget='smoke').record(a=float('nan')) # too little was trained to mean anything

def test_results_are_found_from_below_and_above_and_tell_no_secrets(shown, tmp_path, monkeypatch):
    nb = notebook(tmp_path/'nbs'/'lessons'/'01_first.ipynb', 'x = 1')
    notebook(tmp_path/'nbs'/'lessons'/'02_data_first.ipynb', 'x = 2') # ends alike
    (tmp_path/'deep'/'er').mkdir(parents=True)
    for here in (nb.parent, tmp_path, tmp_path/'nbs', tmp_path/'deep'/'er'):
        monkeypatch.chdir(here)
        assert Lesson('first').notebook==nb
    lesson = Lesson('first', data=str(tmp_path/'holiday'))
    lesson.record(accuracy=(.5, .1)), lesson.finish()
    text = (nb.parents[1]/'results'/'lessons'/'first.json').read_text()
    got = json.loads(text)
    assert got['numbers']=={'accuracy': [.5, .1]} and got['budget']=='cpu' and got['code']==code_hash(nb) and got['data']=='holiday'
    assert {'python', 'torch', 'fastai', 'numpy'} <= set(got['versions']) and got['machine']['cores']==os.cpu_count()
    assert str(tmp_path) not in text and str(Path.home())+os.sep not in text and f'"{platform.node()}"' not in text
    assert read_results('first')==got and stale_results(nb.parent)==[('data_first', 'has no results file: run it at the budget cpu (make lessons)')]

def test_smoke_stores_nothing(shown, tmp_path):
    notebook(tmp_path/'lessons'/'01_first.ipynb', 'x = 1')
    lesson = Lesson('first', tmp_path/'lessons', budget='smoke')
    lesson.claim('better', True), lesson.finish()
    assert not (tmp_path/'results').exists() and 'Nothing is stored' in shown[-1].text and '1 not measured' in shown[-1].text and 'held' not in shown[-1].text

def test_a_partial_run_does_not_replace_a_whole_one(shown, tmp_path):
    "As whoever runs only the first and the last cell; with other code, or when as much was measured, it does"
    nb,file = notebook(tmp_path/'lessons'/'01_first.ipynb', 'x = 1'),tmp_path/'results'/'lessons'/'first.json'
    def run(*claims, accuracy):
        lesson = Lesson('first', nb.parent)
        for c in claims: lesson.claim(c, True)
        lesson.record(accuracy=accuracy), lesson.finish()
        return json.loads(file.read_text())
    whole = run('a', 'b', accuracy=.5)
    assert run('a', accuracy=.6)==whole and 'measured less than the one before' in shown[-1].text
    assert run('a', 'b', accuracy=.6)['numbers']=={'accuracy': .6} and 'The numbers are in' in shown[-1].text
    notebook(nb, 'x = 2')
    assert [c['text'] for c in run('a', accuracy=.7)['claims']]==['a']

def test_hash_follows_code_only(tmp_path):
    a = notebook(tmp_path/'a.ipynb', 'x = 1', 'y = 2')
    h = code_hash(a)
    nb = json.loads(a.read_text())
    nb['cells'].insert(1, dict(cell_type='markdown', source='words'))
    nb['cells'][0].update(outputs=[dict(output_type='stream', text='1')], execution_count=3, metadata={'tags': ['x']})
    nb['cells'][2]['source'] = 'y = 2  \n\n' # as text instead of lines, with space at the ends
    a.write_text(json.dumps(nb))
    assert code_hash(a)==h
    for cells in (('y = 2', 'x = 1'), ('x = 1\ny = 2',), ('x = 1', 'y = 3'), ('x = 1', 'y = 2', 'z = 3')):
        assert code_hash(notebook(tmp_path/'b.ipynb', *cells))!=h

def test_import_is_cheap():
    code = "import sys, ssl_course.course.lesson; print([m for m in ('torch', 'fastai', 'sklearn', 'IPython') if m in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip()=='[]'
