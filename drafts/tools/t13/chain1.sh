cd /tmp/wt/thirteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1
date; /work/main/.venv/bin/nbdev-export; git status --short; date
SSL_COURSE_BUDGET=smoke /work/main/.venv/bin/nbdev-test nbs/course/experiments/mask_choices.ipynb --n-workers 0; echo rc $?; date
