cd /tmp/wt/fourteen; export PYTHONPATH=$PWD OMP_NUM_THREADS=1 PY=/work/main/.venv/bin
for j in export moons smoke; do
 case $j in
 export) $PY/nbdev-export;;
 moons) $PY/python /tmp/m1.py;;
 smoke) SSL_COURSE_BUDGET=smoke $PY/nbdev-test nbs/course/experiments/consistency_starts.ipynb --n-workers 0;;
 esac > /tmp/f14/$j.log 2>&1; echo "$j rc $? $(date +%T)" >> /tmp/f14/queue.log
done
