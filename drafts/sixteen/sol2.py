import glob,json,os
from ssl_course.resume import StoredRuns
f=os.path.expanduser('~/.cache/ssl_course/stored/solar_cells-002db8317e2f4f0c.json')
st=StoredRuns(json.load(open(f)))
t=st.table('starts'); print(len(t))
g=t.groupby(['method','labels','fold']).accuracy.mean().groupby(['method','labels']).agg(['mean','std','count'])
print((100*g['mean']).unstack().round(1)); print((100*g['std']).unstack().round(1)); print(g['count'].unstack())
print(t[t.fold==0].query('seed==0')[['method','labels','choice','updates','converged','seconds']].to_string())
