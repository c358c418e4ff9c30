while [ $(grep -c ", 0.01, 0" /tmp/cn/run.log) -lt 14 ]; do sleep 2; done
pkill -f "experiment contrast_choices"; sleep 1; pkill -f loky; sleep 2
cd /tmp/fx3 && SSL_COURSE_BUDGET=cpu PYTHONPATH=/tmp/fx3 exec /work/main/.venv/bin/python -m ssl_course.course.experiment contrast_choices > /tmp/cn/run2.log 2>&1
