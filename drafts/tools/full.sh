rm -rf /tmp/clone; git clone -q /work/main /tmp/clone && cd /work/main && git diff HEAD --name-only --diff-filter=D | while read f; do rm -f /tmp/clone/"$f"; done
cd /work/main && { git diff HEAD --name-only --diff-filter=d; git ls-files -o --exclude-standard; } | while read f; do mkdir -p "/tmp/clone/$(dirname "$f")"; cp "$f" "/tmp/clone/$f"; done
cd /tmp/clone && git add -A && git -c user.name=t -c user.email=t@t commit -qm try; ln -s /work/main/.venv/.stamp-dev /dev/null 2>/dev/null
(time .ci/run) > /tmp/full.log 2>&1
