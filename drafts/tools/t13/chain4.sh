cd /tmp/wt/thirteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1
date; /work/main/.venv/bin/python /tmp/t13/put.py
SSL_COURSE_BUDGET=smoke /work/main/.venv/bin/nbdev-test nbs/lessons/13_masks.ipynb --n-workers 0 2>&1 | tail -25; date
/work/main/.venv/bin/python -u /tmp/t13/time3.py; date
