"What a notebook cell can't check of `teach`: stored results against the lessons, folders, processes, and a quiz in a browser."
import json,os,platform,subprocess,sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np,pytest

from ssl_course import teach
from ssl_course.settings import CourseError
from ssl_course.teach import Case,Lesson,check,exercise,mistake,predict,question,quiz,right,wrong

from test_plots import chrome # a browser for this module

root = Path(__file__).parents[1]


def test_the_lessons_numbers_were_measured_by_the_lessons_code():
    "Fails until there are lessons, and whenever the code of one has moved on since `make lessons` stored its numbers."
    lessons = root/'nbs'/'lessons'
    assert teach._lesson_notebooks(lessons), 'there is no lesson in nbs/lessons yet'
    assert teach.stale_results(lessons)==[]


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    monkeypatch.setenv('SSL_COURSE_BUDGET', 'cpu')
    yield
    Lesson.current = None


def notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({'cells': [dict(cell_type='code', source=c.splitlines(True), metadata={}, outputs=[]) for c in cells]}))
    return path


class Well(HTMLParser):
    "Raises unless every element is closed where it should be"
    void = {'br', 'hr', 'img', 'path', 'circle'}
    def __init__(self, text):
        super().__init__()
        self.open,self.tags = [],[]
        self.feed(text), self.close()
        assert not self.open, f'never closed: {self.open}'
    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void: self.open.append(tag)
    def handle_startendtag(self, tag, attrs): self.tags.append((tag, dict(attrs)))
    def handle_endtag(self, tag): assert self.open.pop()==tag


def shown(monkeypatch):
    out = []
    monkeypatch.setattr(teach.Shown, 'show', lambda self: out.append(self))
    return out


def some_quiz():
    return quiz([question('Is `a<b` & "c"?', right('<b>yes</b>', 'because $x<y$'), wrong('no', 'it is')),
                 question('$1+1$?', right('2', 'so'), wrong('3', 'no'), wrong('4', 'no')),
                 question('Which?', right('a', 'r'), right('b', 'r'), wrong('c', 'w'), several=True)])


def test_quiz_is_sound_html_without_script_and_hides_nothing_dangerous():
    q = some_quiz()
    tags = Well(q.html).tags
    assert [t for t,_ in tags].count('details')==8 and not {'script', 'b', 'form'} & {t for t,_ in tags}
    assert not any(k.startswith('on') for _,a in tags for k in a)
    assert r'\(x&lt;y\)' in q.html and '<code>a&lt;b</code>' in q.html
    for s in ('1a) right: because', '3c) wrong: w', 'more than one is right'): assert s in q.text


def test_other_html_is_sound_too(monkeypatch):
    out = shown(monkeypatch)
    lesson = Lesson('x')
    lesson.claim('`a<b` <script>', True, value='<i>')
    lesson.claim('no', False), lesson.finish()
    @exercise(Case(1))
    def f(x): return x
    check(f, f.exercise), check(lambda x: '<script>', f.exercise)
    for o in [*out, predict('a<b?', '</details>'), teach.solution(f)]: assert 'script' not in {t for t,_ in Well(o.html).tags}


def test_quiz_in_a_browser_without_javascript_and_mouse(chrome):
    page = chrome.new_context(java_script_enabled=False, viewport=dict(width=390, height=800)).new_page()
    page.set_content(f'<meta name=viewport content="width=device-width"><body>{some_quiz().html}')
    first = page.locator('details p').first
    assert not first.is_visible()
    page.keyboard.press('Tab'), page.keyboard.press('Enter')
    first.wait_for(state='visible', timeout=3000)
    assert '✓ Right.' in first.inner_text() and not page.locator('details p').nth(1).is_visible()
    right = max(b['x']+b['width'] for b in map(lambda l: l.bounding_box(), page.locator('summary').all()))
    page.context.close()
    assert right<=390


def test_claims(monkeypatch):
    out = shown(monkeypatch)
    lesson = Lesson('x')
    lesson.claim('held', np.bool_(True), a=1), lesson.claim('failed', False, a=(.5, .01))
    smoke = Lesson('x', budget='smoke')
    smoke.claim('not known', True, a=float('nan')), smoke.claim('identity', True, always=True)
    assert ['held', 'failed', 'unmeasured', 'held']==[o.html.split('class="claim ')[1].split('"')[0] for o in out]
    assert '✓' not in out[2].text and '✓' not in out[2].html and 'not measured at this budget' in out[2].text and 'nan' not in out[2].text
    lesson.claim('failed', True)
    assert len(lesson.claims)==2 and lesson.claims['failed']['held'], 'a cell that runs again replaces its claim'


@pytest.mark.parametrize('truthy', ['yes', 1, [True], None, np.array([True, True]), np.float64(1)])
def test_only_truth_values_are_conditions(truthy):
    for budget in ('cpu', 'smoke'):
        with pytest.raises(CourseError, match='True or False'): Lesson('x', budget=budget).claim('x', truthy)


def test_numbers_that_are_none(monkeypatch):
    shown(monkeypatch)
    lesson = Lesson('x')
    with pytest.raises(CourseError, match='nothing was measured'): lesson.claim('x', True, a=(.5, float('nan')))
    with pytest.raises(CourseError, match='nothing was measured'): lesson.record(a=np.array([1, np.inf]))
    assert not lesson.numbers and not lesson.claims
    Lesson('x', budget='smoke').record(a=float('nan')) # too little was trained to mean anything


def test_results_are_found_from_below_and_above_and_tell_no_secrets(tmp_path, monkeypatch):
    shown(monkeypatch)
    nb = notebook(tmp_path/'nbs'/'lessons'/'01_first.ipynb', 'x = 1')
    notebook(tmp_path/'nbs'/'lessons'/'02_data_first.ipynb', 'x = 2') # ends alike
    (tmp_path/'deep'/'er').mkdir(parents=True)
    for here in (nb.parent, tmp_path, tmp_path/'nbs', tmp_path/'deep'/'er'):
        monkeypatch.chdir(here)
        assert Lesson('first').notebook==nb
    lesson = Lesson('first', data=str(tmp_path/'holiday'))
    lesson.record(accuracy=(.5, .1)), lesson.finish()
    text = (nb.parent/'results'/'first.json').read_text()
    got = json.loads(text)
    assert got['numbers']=={'accuracy': [.5, .1]} and got['budget']=='cpu' and got['code']==teach.code_hash(nb) and got['data']=='holiday'
    assert {'python', 'torch', 'fastai', 'numpy'} <= set(got['versions']) and got['machine']['cores']==os.cpu_count()
    assert str(tmp_path) not in text and str(Path.home())+os.sep not in text and f'"{platform.node()}"' not in text
    assert teach.read_results('first')==got and teach.stale_results(nb.parent)==[('data_first', 'has no results file: run it at the budget cpu (make lessons)')]


def test_smoke_stores_nothing(tmp_path, monkeypatch):
    out = shown(monkeypatch)
    notebook(tmp_path/'01_first.ipynb', 'x = 1')
    lesson = Lesson('first', tmp_path, budget='smoke')
    lesson.claim('better', True), lesson.finish()
    assert not (tmp_path/'results').exists() and 'Nothing is stored' in out[-1].text and '1 not measured' in out[-1].text and 'held' not in out[-1].text


def test_hash_follows_code_only(tmp_path):
    a = notebook(tmp_path/'a.ipynb', 'x = 1', 'y = 2')
    h = teach.code_hash(a)
    nb = json.loads(a.read_text())
    nb['cells'].insert(1, dict(cell_type='markdown', source='words'))
    nb['cells'][0].update(outputs=[dict(output_type='stream', text='1')], execution_count=3, metadata={'tags': ['x']})
    nb['cells'][2]['source'] = 'y = 2  \n\n' # as text instead of lines, with space at the ends
    a.write_text(json.dumps(nb))
    assert teach.code_hash(a)==h
    for cells in (('y = 2', 'x = 1'), ('x = 1\ny = 2',), ('x = 1', 'y = 3'), ('x = 1', 'y = 2', 'z = 3')):
        assert teach.code_hash(notebook(tmp_path/'b.ipynb', *cells))!=h


@pytest.mark.parametrize('stub', ['"""Do it"""', '...', 'pass', 'raise NotImplementedError', 'return None', '"""Do it"""\n    ...'])
def test_stubs_are_not_attempts(stub):
    space = {}
    exec(f'def f(x, k=2):\n    {stub}', space)
    @exercise(Case(3))
    def f(x, k=2): return x*k
    assert f.exercise.mark(space['f'])==('open', 'not attempted yet')


def test_answers_get_the_hint_they_need():
    torch = pytest.importorskip('torch')
    x = torch.arange(6.).view(2, 3)
    @exercise(Case(x, hint='Look at the mean.'), Case(x*0+1))
    def centre(x):
        "Take the mean from each row."
        return x-x.mean(1, keepdim=True)
    @mistake(centre, 'That is the mean of a column.')
    def _column(x): return x-x.mean(0)
    @mistake(centre, 'The shapes do not fit.')
    def _shape(x): return x.t()-x.mean(0) # raises
    mark = centre.exercise.mark
    assert mark(lambda x: x-x.mean(1)[:,None])[0]=='passed'
    assert mark(lambda x: x-x.mean(0, keepdim=True))[1].endswith('Hint: That is the mean of a column.')
    assert mark(lambda x: x.t()+x)[1].endswith('Hint: The shapes do not fit.'), 'the same kind of error in every case'
    for bad,said in ((lambda x: x-x.mean(), 'Look at the mean'), (lambda x: x.sub_(x.mean(1, keepdim=True)), 'Work on a copy'),
                     (lambda x: (x-x.mean(1, keepdim=True)).tolist(), 'expected a tensor, got list'), (lambda x: print(end=''), '`return` missing'),
                     (lambda x: x.mean(1), 'expected shape (2, 3), got (2,)'), (lambda x: x.nothing, 'AttributeError'), (lambda x: (x-1).long(), 'expected floats')):
        status,text = mark(bad)
        assert status=='wrong' and said in text, text
    assert x.equal(torch.arange(6.).view(2, 3)), 'no answer may spoil the case'


def test_random_exercises_and_those_with_many_right_answers():
    torch = pytest.importorskip('torch')
    @exercise(Case(4))
    def noise(n): return torch.randn(n)
    assert noise.exercise.mark(lambda n: torch.randn(n))[0]=='passed' and noise.exercise.mark(lambda n: torch.rand(n))[0]=='wrong'
    @exercise(Case(5), accept=lambda out, n: '' if sorted(out)==list(range(n)) else 'not every number comes once')
    def shuffled(n): return list(range(n))[::-1]
    assert shuffled.exercise.mark(lambda n: list(range(n)))[0]=='passed'
    assert 'not every number comes once' in shuffled.exercise.mark(lambda n: [0]*n)[1]


def test_exercises_are_found_by_lesson_and_name(monkeypatch, tmp_path):
    import types
    out = shown(monkeypatch)
    module = types.ModuleType('ssl_course.exercises.first')
    @exercise(Case(1))
    def twice(x): return 2*x
    module.twice = twice
    monkeypatch.setitem(sys.modules, 'ssl_course.exercises', types.ModuleType('ssl_course.exercises'))
    monkeypatch.setitem(sys.modules, 'ssl_course.exercises.first', module)
    Lesson('first')
    def attempt(x): return x+x
    attempt.__name__ = 'twice'
    check(attempt)
    assert out[-1].text=='✓ twice: right in 1 of 1 cases' and 'return 2*x' in teach.solution('twice').text
    with pytest.raises(CourseError, match='no exercise `other`; it has twice'): teach.find_exercise('other')
    Lesson.current = None
    with pytest.raises(CourseError, match='none has begun'): check(attempt)


def test_weak_exercises_are_faults():
    @exercise(Case(1))
    def f(x): return x
    @mistake(f, 'hint one')
    def _a(x): return x+1
    @mistake(f, 'hint two')
    def _b(x): return 1+x # the same mistake: the second hint can never be given
    faults = ' '.join(teach.exercise_faults(f.exercise))
    assert 'no docstring' in faults and '_b gets another hint' in faults


def test_import_is_cheap():
    code = "import sys, ssl_course.teach; print([m for m in ('torch', 'fastai', 'sklearn', 'IPython') if m in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip()=='[]'
