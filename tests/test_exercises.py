"Every exercise of every lesson: the stub is reported as not attempted, the solution passes, two mistakes or more are caught with their hints."
import importlib
from pathlib import Path

import pytest

from ssl_course.teach import _lesson_notebooks,exercise_faults

root = Path(__file__).parents[1]
modules = sorted(f.stem for f in (root/'ssl_course'/'exercises').glob('*.py') if f.stem!='__init__')
lessons = _lesson_notebooks(root/'nbs'/'lessons')


def exercises(module): return [o.exercise for o in vars(importlib.import_module(f'ssl_course.exercises.{module}')).values() if hasattr(o, 'exercise')]


def test_every_lesson_has_exercises_and_checks_them():
    "Fails until there are lessons."
    assert lessons and sorted(lessons)==modules
    for name,nb in lessons.items():
        code = nb.read_text(encoding='utf-8')
        for ex in exercises(name): assert f'check({ex.name}' in code and f'def {ex.name}(' in code, f'{nb.name} has no stub and check for the exercise {ex.name}'


@pytest.mark.parametrize('module', modules)
def test_exercises(module):
    found = exercises(module)
    assert 3<=len(found)<=5, f'{module} has {len(found)} exercises; a lesson has three to five'
    assert [f for ex in found for f in exercise_faults(ex)]==[]
