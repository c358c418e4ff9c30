from ssl_course.course.experiment import known_experiments
from ssl_course.settings import load_settings
if __name__=='__main__': known_experiments()['two_view_compute'].run(load_settings(budget='smoke'),'nbs/results/experiments')
