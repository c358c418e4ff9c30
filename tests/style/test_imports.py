"The import graph: modules import only what stands above them in one list, each can be imported alone, and nothing is imported for what that does."
import ast

import pytest

from helpers import MODULES,ROOT,bare_env,module_name,module_tree,name_of,none,python

# From the bottom up: a module imports only modules that stand before it in this list. What learns from images knows nothing of what
# compares encoders, and neither knows the course. A new module gets its place here; a new pretext task needs none: it is one of `pretext.*`.
ORDER = '''_nbdev utils progress registry settings compute plots
    data data.decode data.labels data.loaders data.imageset data._drawing data.postcards data.clips data.sources
    colorspace views encoder_file transfer upstream encoder decoder distributed
    pretext pretext.base pretext._permutations pretext.two_views pretext.masking pretext.*
    pretrain collapse resume heads model finetune consistency continued export
    evaluate evaluate.probes evaluate.leakage evaluate.selection evaluate.label_efficiency evaluate.forgetting evaluate.shortcuts evaluate.pretext_matrix pretrained reference
    stages report pipeline explore bench all
    course.figures course.lesson course.quiz course.checks course.widgets course.play course.aberration course.energy course.letters course.moons course.own_images
    course.experiments course.experiment course.experiments.other_heads course.experiments.two_view_methods
    course.experiments.learning_rates course.experiments.bounds course.experiments.fine_tuning course.experiments.pretext_tasks
    course.experiments.holes course.experiments.patch_shortcuts course.experiments.color_seeds course.experiments.contrast_choices course.experiments.two_view_compute course.experiments.mask_choices
    course.experiments.consistency_starts course.experiments.rounds course.experiments.solar_cells
    course.cards course.edition course course.solutions course.solutions.* course.site cli'''.split()
FAMILIES = ('pretext.', 'course.solutions.') # members know nothing of each other

# What fastai's modules add to its `Learner`: fit_one_cycle and the progress bar
PATCHES = {'data.loaders': {'fastai.vision.data'}, 'pretrain': {'fastai.callback.progress', 'fastai.callback.schedule'}}

def rank(m):
    if m in ORDER: return ORDER.index(m)
    family = m.rpartition('.')[0]+'.*'
    return ORDER.index(family) if family in ORDER else None

def imports(f):
    "(line, module of ours) of all imports anywhere in a module, those inside functions included"
    package = module_name(f).split('.') if f.name=='__init__.py' else module_name(f).split('.')[:-1]
    package = [p for p in package if p]
    known = set(map(module_name, MODULES))
    def target(base, name): return f'{base}.{name}'.lstrip('.') if f'{base}.{name}'.lstrip('.') in known else base
    for n in ast.walk(module_tree(f)):
        if isinstance(n, ast.Import): yield from ((n.lineno, a.name.removeprefix('ssl_course').lstrip('.')) for a in n.names if a.name.split('.')[0]=='ssl_course')
        elif isinstance(n, ast.ImportFrom):
            if n.level: base = '.'.join([*package[:len(package)-n.level+1], *([n.module] if n.module else [])])
            elif (n.module or '').split('.')[0]=='ssl_course': base = n.module.removeprefix('ssl_course').lstrip('.')
            else: continue
            yield from ((n.lineno, target(base, a.name)) for a in n.names)

def edges():
    "(file, line, importing module, imported module), without what a module run as a script imports of itself"
    return [(f, i, module_name(f), to) for f in MODULES for i,to in imports(f) if to and to!=module_name(f)]

def test_every_module_has_a_place():
    none((m for m in map(module_name, MODULES) if m and rank(m) is None), 'they belong into ORDER')
    none((m for m in ORDER if '*' not in m and m not in map(module_name, MODULES)), 'they stand in ORDER and are no modules')

def test_imports_point_one_way():
    "So there is no circle either"
    assert len(edges())>250
    none(f'{name_of(f)}:{i}: {a} → {b}' for f,i,a,b in edges() if rank(b) is None or rank(b)>rank(a))

def test_members_of_a_family_know_nothing_of_each_other():
    "A pretext task imports the protocol, two views and private modules; an exercise imports no other one"
    none(f'{name_of(f)}:{i}: {a} → {b}' for f,i,a,b in edges() if rank(a)==rank(b) and a.startswith(FAMILIES))

def test_packages_import_nothing():
    "Importing `ssl_course.data.decode` runs `ssl_course/data/__init__.py`; only `ssl_course.course` is a module itself"
    none(name_of(f) for f in MODULES if f.name=='__init__.py' and list(imports(f)) and module_name(f)!='course')

def unused(f):
    "Names that a module imports, at its top, and neither uses nor exports"
    tree = module_tree(f)
    given = {(a.asname or a.name).split('.')[0]: (a.name if isinstance(n, ast.Import) else n.module or '') for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return {k: v for k,v in given.items() if k not in used and k!='*'}

def test_nothing_is_imported_for_a_side_effect():
    "A class is complete where it is defined: no import whose name is not used, no `import_module` in a function that worker processes run"
    namespaces = ('all', 'course') # they only pass on
    allowed = lambda m,k,v: m in namespaces or v in PATCHES.get(m, ()) or any(p.rpartition('.')[0]==v for p in PATCHES.get(m, ()))
    none(f'{name_of(f)}: {k} of {v or "."}' for f in MODULES for k,v in unused(f).items() if not allowed(module_name(f), k, v))
    dynamic = lambda f: [n for n in ast.walk(module_tree(f)) if isinstance(n, ast.Call) and ast.unparse(n.func).split('.')[-1] in ('import_module', '__import__')]
    # looking for pretext tasks, experiments, solutions and documented functions by name
    looks_up = ('pretrain', 'course.experiment', 'course.checks', 'course.site')
    none(f'{name_of(f)}:{n.lineno}: {ast.unparse(n)}' for f in MODULES for n in dynamic(f) if module_name(f) not in looks_up)

# one process has imported what all modules import of others, and does nothing else; each module gets a fork of it
ALONE = '''
import importlib,os,sys,traceback,warnings
warnings.simplefilter('ignore')
import fastai.vision.all,matplotlib.pyplot,pandas,sklearn.linear_model,timm,torchvision
for name in sys.argv[1:]:
    assert not any(m.split('.')[0]=='ssl_course' for m in sys.modules)
    if not (pid := os.fork()):
        try:
            if ' ' in name: exec(name, {})
            else: importlib.import_module(name)
        except BaseException: print(f'{name}: {traceback.format_exc(limit=-1).strip().splitlines()[-1]}', flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
'''

COMPLETE = [
    'import numpy as np; from ssl_course.data.imageset import ImageSet; ImageSet(np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), np.uint8)).dls(bs=4).one_batch()',
    'from ssl_course.data.postcards import Postcards; assert len(Postcards().images(4))==4',
    'from ssl_course.data.clips import Clips; assert len(Clips(16).images(4))==4',
    'from ssl_course.encoder import Encoder; Encoder.small(width=4).save("e.safetensors")',
    'from ssl_course.pretrain import pretext_tasks; assert len(pretext_tasks())>=19']

@pytest.fixture(scope='module')
def trouble(tmp_path_factory):
    "What went wrong when modules were imported, or statements run, each in a process that had imported nothing of ours"
    home = tmp_path_factory.mktemp('alone')
    r = python(ALONE, *(f'ssl_course.{module_name(f)}'.rstrip('.') for f in MODULES), *COMPLETE, cwd=home,
               env=bare_env(SSL_COURSE_HOME=str(home), PYTHONPATH=str(ROOT), MPLBACKEND='agg'))
    assert r.returncode==0, r.stderr
    return r.stdout.splitlines()

def test_each_module_can_be_imported_alone(trouble): none(t for t in trouble if t.startswith('ssl_course'))

def test_a_class_is_complete_where_it_is_defined(trouble): none(t for t in trouble if not t.startswith('ssl_course'))
