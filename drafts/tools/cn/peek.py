import json,glob,sys
f=[g for g in glob.glob('/root/.cache/ssl_course/stored/'+sys.argv[1]+'*') if 'smoke' not in g]
for g in f:
    d=json.load(open(g)); 
    if d['plan'].get('seen',300000)!=300000 or d['plan']['images'].get('images')!=20000: continue
    for part,rows in d['parts'].items() if 'parts' in d else [(k,v) for k,v in d.items() if isinstance(v,list)]:
        for r in rows:
            print(part,{k:(round(v,3) if isinstance(v,float) else v) for k,v in r.items() if k not in('shown','nearest','factors')}, {k:round(v,2) for k,v in r.get('factors',{}).items()})
