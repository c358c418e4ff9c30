cd /tmp/wt/fourteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1
/work/main/.venv/bin/python -c "
from ssl_course.course.solutions.consistency import shaken_too_far as f; print(f())"
/work/main/.venv/bin/python -m pytest -q -n 0 -p no:cacheprovider tests/style tests/course/test_moons.py 2>&1 | tail -60
