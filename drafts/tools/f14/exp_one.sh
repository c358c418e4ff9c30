cd /tmp/wt/fourteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1
/work/main/.venv/bin/nbdev-export
