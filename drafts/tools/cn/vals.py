import json,glob,numpy as np,pandas as pd,sys
sys.path.insert(0,'/work/main')
f=[g for g in glob.glob('/root/.cache/ssl_course/stored/contrast_choices*') if json.load(open(g))['plan'].get('seen')==300000][0]
from ssl_course.resume import StoredRuns
from ssl_course.course.experiments.contrast_choices import *
d=json.load(open(f))
s=StoredRuns(d)
best=best_rates(s); print(best)
try: r=chosen_runs(s)
except Exception as e: print(e); r=pd.DataFrame([x for x in s.rows('rates') if x['lr']==best[x['arm']]])
print(r.groupby('arm',sort=False)[['valid','probe','full','same_class','same_hue']].agg(['mean','std']).round(3).to_string())
