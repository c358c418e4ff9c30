"For tests of lessons: settings of their own, and what a cell would show."
import os

import pytest

@pytest.fixture
def lesson_settings(monkeypatch, tmp_path):
    "The budget cpu and a cache of its own; no lesson has begun"
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    monkeypatch.setenv('SSL_COURSE_BUDGET', 'cpu')
    yield
    from ssl_course.course.lesson import Lesson
    Lesson.current = None

@pytest.fixture
def shown(monkeypatch):
    "What is shown, instead of showing it"
    from ssl_course.course.figures import Rendered
    out = []
    monkeypatch.setattr(Rendered, 'show', lambda self: out.append(self))
    return out
