"The tests mirror the package, and messages of failures stay readable."
import ast,re

from helpers import MODULES,ROOT,module_name,module_tree,none

TESTS = ROOT/'tests'
FILES = sorted(TESTS.rglob('test_*.py'))

# what is tested as a whole, and no module of the package
WHOLE = '''test_notebooks test_packaging test_readme test_contributing test_lab test_kill test_devices
    course/test_results course/test_solutions course/test_quarto
    style/test_notebook_rules style/test_lessons style/test_code style/test_imports style/test_layout'''.split()

def mirror(module):
    "The tests of `data._drawing` are in data/test_drawing.py"
    *folder,name = module.split('.')
    return '/'.join([*folder, f"test_{name.lstrip('_')}"])

def modules_to_test():
    "Modules that need tests: not solutions and experiments, which test_solutions.py and test_experiment.py take together"
    names = [module_name(f) for f in MODULES if f.name!='__init__.py']
    return [m for m in names if not m.startswith(('course.solutions.', 'course.experiments.'))]

def path_of(f): return f.relative_to(TESTS).with_suffix('').as_posix()

def test_every_module_has_its_tests(): none((f'{m}: no tests/{mirror(m)}.py' for m in modules_to_test() if not (TESTS/f'{mirror(m)}.py').is_file()))

def test_every_file_of_tests_mirrors_something(): none(path_of(f) for f in FILES if path_of(f) not in [*map(mirror, modules_to_test()), *WHOLE])

def test_names_of_files_are_unique():
    "pytest imports them by their names alone"
    names = [f.name for f in TESTS.rglob('*.py') if f.name!='conftest.py']
    none(n for n in sorted(set(names)) if names.count(n)>1)

def test_every_test_looks_at_its_module():
    "A file of tests imports the module that it mirrors, from its package or as a whole, or runs it in another process"
    def known(m):
        package,_,name = f'ssl_course.{m}'.rpartition('.')
        return re.compile(rf"ssl_course\.{re.escape(m)}\b|from {re.escape(package)} import [\w,]*\b{name}\b")
    def ignored(m, text): return not known(m).search(text) and not (m=='cli' and 'ssl-course' in text)
    files = [(m, TESTS/f'{mirror(m)}.py') for m in modules_to_test()]
    none(mirror(m) for m,f in files if f.is_file() and ignored(m, f.read_text(encoding='utf-8')))

def definitions(f): return [n for n in module_tree(f).body if isinstance(n, ast.FunctionDef)]

def test_no_test_hides_another():
    "Two tests of one name in a file: the first would never run"
    names = {f: [n.name for n in definitions(f)] for f in FILES}
    none(f'{path_of(f)}: {n}' for f,ns in names.items() for n in sorted(set(ns)) if ns.count(n)>1)

def test_every_test_asserts_something():
    "Or calls what does: a helper of the tests, `pytest.raises`, `none`, `check_…`"
    asserts = lambda n: any(isinstance(s, ast.Assert) for s in ast.walk(n))
    def calls(n): return {ast.unparse(c.func).split('.')[-1] for c in ast.walk(n) if isinstance(c, ast.Call)}
    fine = {'raises', 'warns', 'none', 'near', 'same', 'test_eq', 'assert_allclose', 'assert_array_equal', 'assert_close', 'refused', 'symmetric', 'gradient_is_right', 'fail', 'to_be_in_viewport', 'bash'}
    def bare(f):
        helpers = {n.name for n in definitions(f) if asserts(n) or calls(n) & fine}
        return [n.name for n in definitions(f) if n.name.startswith('test_') and not asserts(n) and not calls(n) & (fine|helpers)]
    none(f'{path_of(f)}: {n}' for f in FILES for n in bare(f))

# importing what takes seconds: once for all files in a process is enough, and tests of the command line and of styles need none
def test_collecting_is_cheap():
    "Files that test nothing heavy import nothing heavy when they are collected"
    heavy = ('torch', 'fastai', 'sklearn', 'timm', 'torchvision', 'playwright')
    light = [f for f in FILES if f.parent.name=='style' or f.stem in ('test_notebooks', 'test_packaging', 'test_readme', 'test_utils', 'test_settings', 'test_stages', 'test_lab')]
    def roots(f): return {a.name.split('.')[0] for n in module_tree(f).body if isinstance(n, ast.Import) for a in n.names} | {n.module.split('.')[0] for n in module_tree(f).body if isinstance(n, ast.ImportFrom)}
    none(f'{path_of(f)}: {h}' for f in light for h in sorted(roots(f) & set(heavy)))
