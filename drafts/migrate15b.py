import json,shutil,pathlib,glob,os
from ssl_course.settings import load_settings
from ssl_course.resume import ResultStore
from ssl_course.course.experiments import rounds as m
from ssl_course.utils import write_json
def go(name,plan,data,code,old,oldfolder):
    p=plan(load_settings(budget='cpu')); d=data(p)
    pathlib.Path(f'/tmp/fx20/nbs/results/experiments/{name}.json').unlink(missing_ok=True)
    s=ResultStore(name,p,d,code,'/tmp/fx20/nbs/results/experiments')
    for k in old['plan']:
        if old['plan'][k]!=s.plan[k]: print(k, old['plan'][k], s.plan[k])
    assert sorted(v['fingerprint'] for v in old['data'].values())==sorted(v['fingerprint'] for v in s.all['data'].values())
    if not s.all['parts']:
        for part,rows in old['parts'].items():
            for r in rows: s.add(part,r)
        s.all['began']=old['began']; write_json(s.working,s.all)
    shutil.copytree(oldfolder, s.working.with_suffix(''), dirs_exist_ok=True)
    print(s.working,{k:len(v) for k,v in s.all['parts'].items()})
L=lambda f: json.load(open(f))
store='/root/.cache/ssl_course/stored/'
R=L('/work/main/nbs/results/experiments/rounds.json'); P=L('/work/main/nbs/results/experiments/rounds_photos.json')
pf=max((f for f in glob.glob(store+'rounds_photos-*') if os.path.isdir(f)),key=os.path.getmtime)
go('rounds',m.plan,m.data,m.ROUNDS_EXPERIMENT.code,R,store+'rounds-2bcc84f18f2fdec1')
go('rounds_photos',m.photo_plan,lambda p:m.photo_data(p,'/tmp/solar'),m.ROUNDS_PHOTOS.code,P,pf)
