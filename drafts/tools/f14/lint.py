import json,ast,sys
for f in sys.argv[1:]:
    nb=json.load(open(f)); print(f,len(nb['cells']))
    for i,c in enumerate(nb['cells']):
        s=''.join(c['source']); L=s.split('\n')
        if c['cell_type']=='code':
            ast.parse(s); exp='#| export' in s; k=len([l for l in L if not l.startswith('#|')])
            if k>(30 if exp else 40): print(i,'lines',k,L[1][:50])
            w=99 if exp or 'quiz([' in s or 'lessons/' not in f else 88
            for l in L:
                if len(l)>w: print(i,len(l),l)
