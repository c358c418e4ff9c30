import json,ast,sys,re
for f in sys.argv[1:]:
    nb=json.load(open(f)); code=0; les='lessons' in f
    for i,c in enumerate(nb['cells']):
        s=''.join(c['source'])
        if c['cell_type']!='code': continue
        L=s.splitlines()
        try: t=ast.parse('\n'.join(l for l in L if not l.startswith('%')))
        except SyntaxError as e: print(f,i,'SYNTAX',e); continue
        exp='#| export' in s
        imp=[isinstance(x,(ast.Import,ast.ImportFrom)) for x in t.body]
        if any(imp) and not all(imp): print(f,i,'mixed imports')
        if exp and len(L)-1>30 and not all(imp): print(f,i,len(L),'lines',L[1])
        if les and len(L)>40: print(f,i,len(L),'lines')
        w=88 if les and not s.startswith('quiz([') else 99
        if 'check(' in s and les: w=99
        for l in L:
            if len(l)>w: print(f,i,len(l),l[:70])
        if exp:
            for n in t.body:
                if isinstance(n,(ast.FunctionDef,ast.ClassDef)) and n.name[0]!='_':
                    if not ast.get_docstring(n): print(f,i,'no docstring',n.name)
                    if isinstance(n,ast.FunctionDef):
                        for a in [*n.args.args,*n.args.kwonlyargs,*filter(None,[n.args.vararg,n.args.kwarg])]:
                            if a.arg!='self' and '#' not in L[a.lineno-1]: print(f,i,'no docment',n.name,a.arg)
    # names used in exported code that are not defined
