cd /work/main; V=.venv/bin; export SSL_COURSE_BUDGET=cpu PYTHONWARNINGS=ignore TQDM_MININTERVAL=60
for f in nbs/library/api.ipynb nbs/index.ipynb; do
timeout 200 $V/nbdev-test --save $f --n-workers 0 > /tmp/s.log 2>&1 || { echo FAILED $f; tail -20 /tmp/s.log; }
done
$V/nbdev-clean; $V/nbdev-export; $V/python -m ssl_course.course.site readme
git status --short
