"Every exercise of every lesson: the stub is reported as not attempted, the solution passes, two mistakes or more are caught with their hints."
import importlib

import pytest

from helpers import NBS,PACKAGE
from ssl_course.course.checks import exercise_faults
from ssl_course.course.lesson import lesson_notebooks

MODULES = sorted(f.stem for f in (PACKAGE/'course'/'solutions').glob('*.py') if f.stem!='__init__')

def exercises(module):
    found = vars(importlib.import_module(f'ssl_course.course.solutions.{module}')).values()
    return [o.exercise for o in found if hasattr(o, 'exercise')]

def test_every_lesson_has_exercises_and_checks_them():
    "Fails until there are lessons."
    lessons = lesson_notebooks(NBS/'lessons')
    assert lessons and sorted(lessons)==MODULES
    for name,nb in lessons.items():
        code = nb.read_text(encoding='utf-8')
        for ex in exercises(name): assert f'check({ex.name}' in code and f'def {ex.name}(' in code, f'{nb.name} has no stub and check for the exercise {ex.name}'

@pytest.mark.parametrize('module', MODULES)
def test_exercises(module):
    found = exercises(module)
    assert 3<=len(found)<=5, f'{module} has {len(found)} exercises; a lesson has three to five'
    assert [f for ex in found for f in exercise_faults(ex)]==[]
