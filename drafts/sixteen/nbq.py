import json,uuid
class N:
    def __init__(s,name): s.p=name if name.endswith('.ipynb') else f'/work/main/nbs/{name}.ipynb'; s.nb=json.load(open(s.p)); s.c=s.nb['cells']
    def src(s,i): return ''.join(s.c[i]['source'])
    def set(s,i,t): s.c[i]['source']=t.rstrip('\n').splitlines(keepends=True)
    def ins(s,i,t,kind='code'):
        c={'cell_type':kind,'id':uuid.uuid4().hex[:8],'metadata':{},'source':t.rstrip('\n').splitlines(keepends=True)}
        if kind=='code': c.update(execution_count=None,outputs=[])
        s.c.insert(i,c)
    def pop(s,i): return s.c.pop(i)
    def find(s,t): return [i for i in range(len(s.c)) if t in s.src(i)]
    def sub(s,a,b,n=1):
        k=sum(s.src(i).count(a) for i in range(len(s.c))); assert k==n,(k,a)
        for i in range(len(s.c)):
            if a in s.src(i): s.set(i,s.src(i).replace(a,b))
    def show(s,a,b):
        for i in range(a,b): print(f'=== [{i}] {s.c[i]["cell_type"]}\n{s.src(i)}')
    def save(s):
        with open(s.p,'w') as f: json.dump(s.nb,f,indent=1,ensure_ascii=False); f.write('\n')
