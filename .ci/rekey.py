"""Re-key stored results whose code was only moved or renamed.

    python .ci/rekey.py BASE .ci/renames.json [--write]

BASE is a folder with the tree in which the results were measured (git worktree add BASE COMMIT). A result keeps its numbers and gets the new key
when every cell (of a lesson) or every function and class (of an experiment) that its key covers parses to the same tree as before, once the
renames are applied: docstrings, comments, line breaks and imports don't count, and cells that left a lesson for the library are listed.
What can't be proven is printed and, with --write, entered in nbs/results/stale.json.
"""
import argparse,ast,hashlib,json,re,subprocess,sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

def registered(n):
    "A class without `@register` and without the `name = '…'` that said the same before"
    n.decorator_list = [d for d in n.decorator_list if 'register' not in ast.unparse(d)]
    body = []
    for b in n.body:
        if isinstance(b, ast.Assign) and isinstance(b.targets[0], ast.Tuple) and isinstance(b.value, ast.Tuple): # a,b = 1,2
            pairs = zip(b.targets[0].elts, b.value.elts)
            body += [ast.Assign([t], v, lineno=0) for t,v in pairs if getattr(t, 'id', '')!='name']
        elif not (isinstance(b, ast.Assign) and getattr(b.targets[0], 'id', '')=='name'): body.append(b)
    n.body = body or [ast.Pass()]

def without_docs(tree):
    "The tree without docstrings, imports and registration"
    for n in ast.walk(tree):
        if isinstance(n, ast.ClassDef): registered(n)
        if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            if ast.get_docstring(n) is not None: n.body = n.body[1:] or [ast.Pass()]
            n.body = [b for b in n.body if not isinstance(b, (ast.Import, ast.ImportFrom))] or [ast.Pass()]
    return tree

class Rewrite(ast.NodeTransformer):
    "Functions that became methods: f(x, …) → x.path(…), or f(…) → path(…)"
    def __init__(self, calls): self.calls = calls
    def visit_Call(self, n):
        self.generic_visit(n)
        if not (isinstance(n.func, ast.Name) and n.func.id in self.calls): return n
        to = self.calls[n.func.id]
        if to[0]=='.': f,args = ast.unparse(n.args[0])+to, n.args[1:]
        else: f,args = to,n.args
        return ast.Call(ast.parse(f, mode='eval').body, args, n.keywords)

def same(a, b, m, seen=None):
    "'' when the trees are the same under the renames `m`; else the first difference"
    seen = {} if seen is None else seen
    if type(a) is not type(b): return f'{type(a).__name__} became {type(b).__name__} at line {getattr(a, "lineno", "?")}'
    if isinstance(a, ast.AST):
        if isinstance(a, ast.Constant) and isinstance(a.value, str) and isinstance(b.value, str): return text(a.value, b.value, m)
        for f in a._fields:
            if f in ('ctx', 'type_comment', 'kind'): continue
            x,y = getattr(a, f),getattr(b, f)
            if isinstance(x, str) and isinstance(y, str): d = name(x, y, m, seen, type(a).__name__)
            else: d = same(x, y, m, seen)
            if d: return d
        return ''
    if isinstance(a, list):
        if len(a)!=len(b): return f'{len(a)} parts became {len(b)}'
        return next((d for x,y in zip(a, b) if (d := same(x, y, m, seen))), '')
    return '' if a==b else f'{a!r} became {b!r}'

def name(x, y, m, seen, kind):
    "An identifier, which must be itself or one of its new names, and always the same one in one kind of place"
    if x==y and not (kind, x) in seen or y in m['names'].get(x, ()):
        return '' if seen.setdefault((kind, x), y)==y else f'{x} became both {seen[kind, x]} and {y}'
    return '' if x==y and seen.get((kind, x))==y else f'{x} became {y}'

def text(x, y, m):
    "A text, in which names of the code may be renamed, and nothing else"
    if x==y or y in m['strings'].get(x, ()): return ''
    words = re.findall(r'\w+|\W', x),re.findall(r'\w+|\W', y)
    ok = len(words[0])==len(words[1]) and all(p==q or q in m['names'].get(p, ()) or q in m['strings'].get(p, ()) for p,q in zip(*words))
    return '' if ok else f'the text {x[:60]!r} became {y[:60]!r}'

def tree(source, m=None):
    source = '\n'.join(l for l in source.splitlines() if not l.startswith(('%', '!')))
    t = ast.parse(source)
    if m: t = ast.fix_missing_locations(Rewrite(m['calls']).visit(t))
    return without_docs(ast.parse(ast.unparse(t).replace('.encoder.encoder.', '.encoder.')))

def cells(path):
    cs = json.loads(Path(path).read_text(encoding='utf-8'))['cells']
    out = [''.join(c['source']) for c in cs if c['cell_type']=='code']
    return [c for c in out if ast.dump(tree(c))!=ast.dump(tree(''))]

def lesson(old, new, m):
    "Is every cell of the new notebook one of the old one, in the same order? → (difference, cells that left)"
    a,b = cells(old),cells(new)
    ta,tb = [tree(c, m) for c in a],[tree(c) for c in b]
    eq = [[not same(x, y, m) for y in tb] for x in ta]
    best = [[0]*(len(b)+1) for _ in range(len(a)+1)] # longest common sequence of cells
    for i in range(len(a)-1, -1, -1):
        for j in range(len(b)-1, -1, -1): best[i][j] = max(best[i+1][j], best[i][j+1], best[i+1][j+1]+1 if eq[i][j] else 0)
    i,j,gone,new_cells = 0,0,[],[]
    while i<len(a) or j<len(b):
        if i<len(a) and j<len(b) and eq[i][j]: i,j = i+1,j+1
        elif j==len(b) or i<len(a) and best[i+1][j]>=best[i][j+1]: gone.append(a[i]); i += 1
        else: new_cells.append(b[j]); j += 1
    lost = [c for c in gone if re.search(r'^(claim|lesson\.record|check)\(', c, re.M)]
    d = f'new or changed: {"; ".join(map(first, new_cells[:3]))}' if new_cells else f'left out: {"; ".join(map(first, lost[:3]))}' if lost else ''
    return d,gone

def first(c): return next((l.strip() for l in c.splitlines() if l.strip() and not l.startswith('#')), c)[:60]

DUMP = '''
import sys,json,inspect,textwrap
from functools import partial
from %s import %s as known
out = {}
for k,c in known().items():
    o = [x.func if isinstance(x, partial) else x for x in c.code]
    out[k] = [[getattr(x, '__qualname__', str(x)), textwrap.dedent(inspect.getsource(x))] for x in o]
json.dump(out, open(sys.argv[1], 'w'))
'''

def objects(top, module, function, tmp):
    "Source of all that the experiments of a tree depend on"
    subprocess.run([sys.executable, '-W', 'ignore', '-c', DUMP%(module, function), str(tmp)], cwd=top, env={**__import__('os').environ, 'PYTHONPATH': str(top)}, check=True)
    return json.loads(Path(tmp).read_text())

def experiment(a, b, m):
    "'' when both lists of objects have the same trees"
    if len(a)!=len(b): return f'depends on {len(b)} definitions, and did on {len(a)}'
    for (p,x),(q,y) in zip(a, b):
        if d := same(tree(x, m), tree(y), m): return f'{q}: {d}'
    return ''

def key_of(d):
    prints = sorted(p['fingerprint'] for p in d['data'].values())
    return hashlib.sha256(json.dumps([d['plan'], prints, d['code']]).encode()).hexdigest()[:16]

def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('base', type=Path), p.add_argument('renames', type=Path), p.add_argument('--write', action='store_true')
    a = p.parse_args()
    m = json.loads(a.renames.read_text())
    sys.path.insert(0, str(ROOT))
    from ssl_course.course.experiment import known_experiments
    from ssl_course.course.lesson import code_hash
    from ssl_course.resume import source_hash
    from ssl_course.utils import write_json
    stale = dict(lessons={}, experiments={})
    for old,new in m['lessons'].items():
        d,gone = lesson(a.base/old, ROOT/new, m)
        stem = re.sub(r'^\d+_', '', Path(new).stem)
        f = ROOT/f'nbs/results/lessons/{stem}.json'
        was = json.loads(f.read_text(encoding='utf-8'))
        print(f"{'stale   ' if d else 're-keyed'} {stem}" + (f': {d}' if d else '') + (f'  ({len(gone)} cells left it for the library)' if gone else ''))
        if d: stale['lessons'][stem] = d
        elif a.write: write_json(f, was | dict(lesson=stem, code=code_hash(ROOT/new)))
    tmp = a.base/'.objects.json'
    before,now = objects(a.base, *m['known'], tmp),objects(ROOT, 'ssl_course.course.experiment', 'known_experiments', tmp)
    for k,c in known_experiments().items():
        d = experiment(before[k], now[k], m) if k in before else 'is new'
        print(f"{'stale   ' if d else 're-keyed'} {k}" + (f': {d}' if d else ''))
        f = ROOT/f'nbs/results/experiments/{k}.json'
        if d: stale['experiments'][k] = d
        elif a.write:
            r = json.loads(f.read_text(encoding='utf-8'))
            r['code'] = source_hash(*c.code)
            write_json(f, r | dict(key=key_of(r)))
    if a.write: write_json(ROOT/'nbs/results/stale.json', stale)

if __name__=='__main__': main()
