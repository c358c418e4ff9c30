import glob,json,os,shutil
from ssl_course.course.experiments.solar_cells import *
from ssl_course.course.experiments.solar_cells import SOLAR_CELLS as E
from ssl_course.course.lesson import results_folder
from ssl_course.resume import ResultStore
from ssl_course.settings import load_settings
f=os.path.expanduser('~/.cache/ssl_course/stored/solar_cells-ab7d23825bd33c3c')
old=json.load(open(f+'.json'))
p=plan(load_settings(budget='cpu')); sets=data(p,'/tmp/elpv/x/elpv_dataset')
print({k:(old['plan'][k],p[k]) for k in p if old['plan'][k]!=p[k]})
st=ResultStore(E.name,p,sets,E.code,results_folder('experiments',None))
print(st.working, st.complete)
for part,rows in old['parts'].items():
    for r in rows: st.add(part,r)
shutil.copytree(f, st.working.with_suffix(''), dirs_exist_ok=True)
print({k:len(v) for k,v in st.all['parts'].items()}, os.listdir(st.working.with_suffix('')))
