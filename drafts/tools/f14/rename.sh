# usage: bash rename.sh NEW   (in the worktree; NEW as consistent_answers) — the lesson's page must not be called like the library's
cd /tmp/wt/fourteen && N=$1
git mv nbs/lessons/14_consistency.ipynb nbs/lessons/14_$N.ipynb
git mv nbs/exercises/consistency_exercises.ipynb nbs/exercises/${N}_exercises.ipynb
sed -i "s/Lesson('consistency')/Lesson('$N')/" nbs/lessons/14_$N.ipynb
sed -i "s/course.solutions.consistency/course.solutions.$N/; s/import consistency as exported/import $N as exported/" nbs/exercises/${N}_exercises.ipynb
sed -i "s#lessons/14_consistency#lessons/14_$N#; s#exercises/consistency_exercises#exercises/${N}_exercises#" _quarto.yml
