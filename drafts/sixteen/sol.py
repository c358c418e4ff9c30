import glob,json,os
from ssl_course.resume import StoredRuns
f=max((g for g in glob.glob(os.path.expanduser('~/.cache/ssl_course/stored/solar_cells-*.json'))),key=os.path.getmtime)
d=json.load(open(f)); print(f,d.keys(), {k:len(v) for k,v in d.get('runs',d.get('parts',{})).items()} if True else '')
st=StoredRuns(d)
from ssl_course.course.experiments.solar_cells import *
import pandas as pd; pd.set_option('display.width',200,'display.max_columns',30)
print(split_table(st)); print(st.rows('groups'))
print(cost_table(st)); print(pick_table(st)); print(module_table(st))
import numpy as np
for k in ('before','after'): print(k, mean_sd([r[f'error_{k}'] for r in st.rows('costs')]))
for w in ('typiclust','farthest','unsure','none'):
    g=pick_scores(st,w)-pick_scores(st,'random'); print(w, 100*g.mean(), 100*g.std(ddof=1)/len(g)**.5)
from scipy.stats import spearmanr
for r in (1,2,3,5,10,20):
    h,f,a,nv=(costs_of(st,k,r) for k in ('half','by_formula','always','never'))
    print(r, 'half-f', (h-f).mean().round(3), ((h-f).std(ddof=1)/5**.5).round(3), 'best rule - f', (np.minimum(a,nv)-f).mean().round(3), ((np.minimum(a,nv)-f).std(ddof=1)/5**.5).round(3), np.round(f,2), np.round(a,2))
