# undefined and unused names, over all code cells of a notebook in order
import json,ast,sys,builtins
STAR=set()
import re
def all_names(f):
    t=open(f).read(); m=re.search(r"^__all__ = \[(.*?)\]",t,re.S|re.M)
    return set(re.findall(r"'(\w+)'",m[1])) if m else set()
for f in sys.argv[1:]:
    nb=json.load(open(f)); src='\n'.join(''.join(c['source']) for c in nb['cells'] if c['cell_type']=='code')
    t=ast.parse(src); defined=set(dir(builtins)); used={}; imported={}
    for n in ast.walk(t):
        if isinstance(n,ast.ImportFrom):
            for a in n.names:
                if a.name=='*':
                    txt=open('/tmp/wt/seven/ssl_course/all.py' if n.module.endswith('all') else '/tmp/wt/seven/ssl_course/course/__init__.py').read()
                    defined|=set(re.findall(r'\b[A-Za-z_]\w*\b',txt))
                else: imported[a.asname or a.name]=n.lineno
        elif isinstance(n,ast.Import):
            for a in n.names: imported[(a.asname or a.name).split('.')[0]]=n.lineno
        elif isinstance(n,(ast.FunctionDef,ast.ClassDef)): defined.add(n.name)
        elif isinstance(n,ast.arg): defined.add(n.arg)
        elif isinstance(n,ast.Name):
            if isinstance(n.ctx,ast.Store): defined.add(n.id)
            else: used.setdefault(n.id,n.lineno)
        elif isinstance(n,ast.ExceptHandler) and n.name: defined.add(n.name)
    print(f.split('/')[-1],'UNDEFINED',sorted(set(used)-defined-set(imported)),'UNUSED',sorted(set(imported)-set(used)))
