cd /work/main; V=.venv/bin; export SSL_COURSE_BUDGET=cpu PYTHONWARNINGS=ignore TQDM_MININTERVAL=60
$V/nbdev-clean; $V/nbdev-export
for f in nbs/lessons/15_several_rounds.ipynb nbs/exercises/several_rounds_exercises.ipynb nbs/course/experiments/rounds.ipynb; do
timeout 560 $V/nbdev-test --save $f --n-workers 0 > /tmp/s_$(basename $f).log 2>&1 || { echo FAILED $f; tail -25 /tmp/s_$(basename $f).log; }
done
date
