"Exercises: stubs are no attempts, answers get the hint they need."
import sys

import pytest

from ssl_course.course.checks import Case,check,exercise,exercise_faults,find_exercise,judge_experiment,mistake,solution
from ssl_course.course.lesson import Lesson
from ssl_course.utils import InputError

pytestmark = pytest.mark.usefixtures('lesson_settings')

def test_an_error_is_shown_where_it_arose(tmp_path):
    "The line of the learner's own cell, and no hint, which would be about a value; errors inside a library point to the call"
    @exercise(Case([3., 4.], hint='The hint is about values.'))
    def length(v):
        "The length of a vector."
        return sum(o*o for o in v)**.5
    @mistake(length, 'That is the sum.')
    def _sum(v): return sum(v)
    def answer(code):
        f = tmp_path/'cell.py'
        f.write_text(f'import numpy as np\n\n{code}')
        exec(compile(f.read_text(), str(f), 'exec'), space := {})
        import linecache
        linecache.checkcache(str(f))
        return length.exercise.mark(space['length'])
    status,said = answer('def length(v):\n    v = np.array(v)\n    return v.lenght()\n')
    assert status=='wrong' and 'AttributeError in line 5 (`return v.lenght()`)' in said and 'Hint' not in said
    status,said = answer('def length(v):\n    return np.linalg.norm(v, ord="x")\n')
    assert status=='wrong' and 'in line 4 (`return np.linalg.norm(v, ord="x")`)' in said and 'Hint' not in said
    assert answer('def length(v):\n    return max(v)\n')[1].endswith('Hint: The hint is about values.')
    assert answer('def length(v):\n    return sum(v)\n')[1].endswith('Hint: That is the sum.')

def test_an_answer_is_run_once_for_each_case():
    "An experiment takes a minute: looking for a hint must not take another one, and no solution is run beside it"
    runs = []
    @exercise(Case(1), Case(2), accept=lambda out, x: '' if out==x else 'not so')
    def same(x):
        "The same."
        runs.append('solution')
        return x
    @mistake(same, 'That is one more.')
    def _more(x): return x+1
    def answer(x):
        runs.append(x)
        return x+1
    assert same.exercise.mark(answer)[1].endswith('Hint: That is one more.') and runs==[1, 2]

def test_an_experiment_is_judged_by_outcome_and_interpretation():
    judge = lambda found: judge_experiment(found, (.2, 'guessing'), (.9, 'too good'), lambda a: 'A' if a>.5 else 'B')
    assert judge((.7, 'a'))==judge([.3, ' B '])==''
    for found,said in (((.7, 'B'), 'does not bear out B'), ((70, 'A'), 'a fraction'), ((.1, 'B'), 'guessing'), ((.95, 'A'), 'too good'),
                       (('much', 'A'), 'an accuracy and a letter'), ((.7,), 'an accuracy and a letter'), (.7, 'an accuracy and a letter')):
        assert said in judge(found), found

@pytest.mark.parametrize('stub', ['"""Do it"""', '...', 'pass', 'raise NotImplementedError', 'return None', '"""Do it"""\n    ...'])
def test_stubs_are_not_attempts(stub):
    space = {}
    exec(f'def f(x, k=2):\n    {stub}', space)
    @exercise(Case(3))
    def f(x, k=2): return x*k
    assert f.exercise.mark(space['f'])==('open', 'not attempted yet')

def test_answers_get_the_hint_they_need():
    import torch
    x = torch.arange(6.).view(2, 3)
    @exercise(Case(x, hint='Look at the mean.'), Case(x*0+1))
    def center(x):
        "Take the mean from each row."
        return x-x.mean(1, keepdim=True)
    @mistake(center, 'That is the mean of a column.')
    def _column(x): return x-x.mean(0)
    @mistake(center, 'The shapes do not fit.')
    def _shape(x): return x.t()-x.mean(0) # raises
    mark = center.exercise.mark
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
    import torch
    @exercise(Case(4))
    def noise(n): return torch.randn(n)
    assert noise.exercise.mark(lambda n: torch.randn(n))[0]=='passed' and noise.exercise.mark(lambda n: torch.rand(n))[0]=='wrong'
    @exercise(Case(5), accept=lambda out, n: '' if sorted(out)==list(range(n)) else 'not every number comes once')
    def shuffled(n): return list(range(n))[::-1]
    assert shuffled.exercise.mark(lambda n: list(range(n)))[0]=='passed'
    assert 'not every number comes once' in shuffled.exercise.mark(lambda n: [0]*n)[1]

def test_exercises_are_found_by_lesson_and_name(shown, monkeypatch, tmp_path):
    import types
    module = types.ModuleType('ssl_course.course.solutions.first')
    @exercise(Case(1))
    def twice(x): return 2*x
    module.twice = twice
    monkeypatch.setitem(sys.modules, 'ssl_course.course.solutions.first', module)
    Lesson('first')
    def attempt(x): return x+x
    attempt.__name__ = 'twice'
    check(attempt)
    assert shown[-1].text=='✓ twice: right in 1 of 1 cases' and 'return 2*x' in solution('twice').text
    with pytest.raises(InputError, match='no exercise `other`; it has twice'): find_exercise('other')
    Lesson.current = None
    with pytest.raises(InputError, match='none has begun'): check(attempt)

def test_weak_exercises_are_faults():
    @exercise(Case(1))
    def f(x): return x
    @mistake(f, 'hint one')
    def _a(x): return x+1
    @mistake(f, 'hint two')
    def _b(x): return 1+x # the same mistake: the second hint can never be given
    faults = ' '.join(exercise_faults(f.exercise))
    assert 'no docstring' in faults and '_b gets another hint' in faults
