cd /tmp/wt/fourteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1 SSL_COURSE_BUDGET=smoke
date; time /work/main/.venv/bin/nbdev-test nbs/course/experiments/consistency_starts.ipynb --n-workers 0; echo rc $?
/work/main/.venv/bin/python -m pytest -q -n 0 -p no:cacheprovider tests/course/test_moons.py; echo rc $?
/work/main/.venv/bin/nbdev-test nbs/exercises/consistency_exercises.ipynb --n-workers 0; echo rc $?
/work/main/.venv/bin/python /tmp/f14/fake_store.py nbs/results/experiments/consistency_starts.json; time /work/main/.venv/bin/nbdev-test nbs/lessons/14_consistency.ipynb --n-workers 0; echo rc $?; rm -f nbs/results/experiments/consistency_starts.json
/work/main/.venv/bin/python /tmp/f14_time.py
