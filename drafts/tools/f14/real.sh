cd /tmp/wt/fourteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1
/work/main/.venv/bin/nbdev-export && git add -A && git commit -qm "Labels begin on the left; export"
SSL_COURSE_BUDGET=cpu time /work/main/.venv/bin/python /tmp/f14/realmoons.py
/work/main/.venv/bin/python -m pytest -q -n 0 -p no:cacheprovider tests/course/test_moons.py
SSL_COURSE_BUDGET=smoke /work/main/.venv/bin/nbdev-test nbs/exercises/consistency_exercises.ipynb --n-workers 0
