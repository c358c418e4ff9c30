import json,sys
nb=json.load(open(sys.argv[1])); a,b=(int(x) for x in (sys.argv[2:4] if len(sys.argv)>3 else (0,9999)))
full='-o' in sys.argv
for i,c in enumerate(nb['cells']):
    if not a<=i<=b: continue
    print(f"=== [{i}] {c['cell_type']}"); print(''.join(c['source']))
    for o in c.get('outputs',[]):
        d=o.get('data',{}); t=''.join(o.get('text','')) or ''.join(d.get('text/markdown',d.get('text/plain','')))
        if 'image/png' in d: print(f"  --> PNG {len(d['image/png'])//1000}kB")
        else: print('  --> '+t[:3000 if full else 900])
