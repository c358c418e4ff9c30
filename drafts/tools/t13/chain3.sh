cd /tmp/wt/thirteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1
date; /work/main/.venv/bin/nbdev-export && echo exported; date
cd nbs/lessons; /work/main/.venv/bin/python -c "
from ssl_course.course.experiment import known_experiments
from ssl_course.settings import load_settings
print(known_experiments()['mask_choices'].run(load_settings(budget='smoke')).path)"; cd ../..; date
SSL_COURSE_BUDGET=smoke /work/main/.venv/bin/nbdev-test nbs/lessons/13_masks.ipynb --n-workers 0; echo lesson rc $?; date
SSL_COURSE_BUDGET=smoke /work/main/.venv/bin/nbdev-test nbs/exercises/masks_exercises.ipynb --n-workers 0; echo exercises rc $?; date
/work/main/.venv/bin/python -m pytest -q -n 0 tests/course/test_letters.py 2>&1 | tail -15; date
