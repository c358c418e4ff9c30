import shutil
from ssl_course.course.experiment import known_experiments
from ssl_course.resume import ResultStore
from ssl_course.settings import load_settings
e=known_experiments()['mask_choices']; s=load_settings(budget='smoke'); plan=e.plan(s)
st=ResultStore(e.name, plan, e.data(plan), e.code, 'nbs/results/experiments')
print(st.complete, st.working); shutil.copy(st.working, 'nbs/results/experiments/mask_choices.json')
