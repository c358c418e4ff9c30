cd /work/main; V=.venv/bin; export SSL_COURSE_BUDGET=cpu PYTHONWARNINGS=ignore TQDM_MININTERVAL=60
$V/nbdev-clean; $V/nbdev-export
for f in nbs/course/signals.ipynb nbs/course/experiments/signal_tasks.ipynb; do
timeout 500 $V/nbdev-test --save $f --n-workers 0 > /tmp/s_$(basename $f).log 2>&1 || { echo FAILED $f; tail -25 /tmp/s_$(basename $f).log; }
done
date
