cd /tmp/wt/thirteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1
date; SSL_COURSE_BUDGET=smoke /work/main/.venv/bin/python -u /tmp/t13/look.py; date
/work/main/.venv/bin/python -m pytest -q -n 0 tests/style "tests/course/test_solutions.py::test_every_lesson_has_exercises_and_checks_them" 2>&1 | tail -40; date
