"What is installed: dependencies, the command, the wheel; and the numbers on the front page."
import ast,json,os,re,shutil,subprocess,sys,tomllib,zipfile
from importlib.metadata import entry_points,packages_distributions,version

import pytest
from packaging.requirements import Requirement

@pytest.fixture(scope='module')
def project(root): return tomllib.loads((root/'pyproject.toml').read_text(encoding='utf-8'))['project']

def imported(file, tried=False):
    "Top-level packages that a module imports anywhere, except, unless `tried`, inside `try` (those can be missing)"
    tree = ast.parse(file.read_text(encoding='utf-8'))
    optional = {id(n) for t in ast.walk(tree) if isinstance(t, ast.Try) for b in t.body for n in ast.walk(b)}
    for n in ast.walk(tree):
        if id(n) in optional and not tried: continue
        if isinstance(n, ast.Import): yield from (a.name.split('.')[0] for a in n.names)
        elif isinstance(n, ast.ImportFrom) and not n.level: yield n.module.split('.')[0]

def modules(root):
    "All modules but `course/site.py`, which builds the docs"
    return [f for f in sorted((root/'ssl_course').rglob('*.py')) if f.name!='site.py']

def canonical(name): return re.sub(r'[-_.]+', '-', name).lower()

def test_dependencies_are_complete(root, project):
    "Every imported package is declared; IPython comes with notebooks. One that a module looks for first, by `find_spec`, is in an extra"
    own = {canonical(Requirement(d).name) for d in project['dependencies']}
    extra = {canonical(Requirement(d).name) for ds in project['optional-dependencies'].values() for d in ds}
    owner,missing = packages_distributions(),{}
    for f in modules(root):
        for m in set(imported(f)) - set(sys.stdlib_module_names) - {'ssl_course','IPython'}:
            declared = own | (extra if f"find_spec('{m}')" in f.read_text(encoding='utf-8') else set())
            if not declared & {canonical(d) for d in owner.get(m, [m])}:
                missing.setdefault(m, []).append(f.name)
    assert missing=={}

def test_dependencies_are_used(root, project):
    used,owner = {m for f in modules(root) for m in imported(f, tried=True)},packages_distributions()
    dists = {canonical(d) for m in used for d in owner.get(m, [])}
    names = [canonical(Requirement(d).name) for d in project['dependencies']]
    assert [n for n in names if n not in dists]==[]

def test_ranges_hold_here(project):
    "The versions tested with are inside the declared ranges, and each dependency has a lower bound"
    extras = [d for k in ('docs','lab','dev') for d in project['optional-dependencies'][k]]
    needed = [d for d in project['dependencies']+extras if not d.startswith('ssl_course')]
    for r in map(Requirement, needed):
        if r.marker is None or r.marker.evaluate():
            assert r.specifier.contains(version(r.name), prereleases=True), r
    assert [d for d in project['dependencies'] if not Requirement(d).specifier]==[]

def test_ipython_is_not_needed_by_commands(root):
    "Only `show` and `Rendered` may import it, when they are called"
    for f in modules(root):
        body = ast.parse(f.read_text(encoding='utf-8')).body
        top = [ast.unparse(n) for n in body if isinstance(n, (ast.Import, ast.ImportFrom))]
        assert not [n for n in top if 'IPython' in n or 'nbdev' in n], f.name

def test_command_is_installed(project):
    assert project['scripts']=={'ssl-course': 'ssl_course.cli:main'}
    (e,) = entry_points(group='console_scripts', name='ssl-course')
    assert callable(e.load())

def test_import_is_cheap():
    "Neither the package, nor settings, nor the command line's grammar pulls in what takes seconds to import"
    heavy = "{'torch','fastai','numpy','matplotlib','pandas','sklearn','timm'} & set(sys.modules)"
    for code in ('import ssl_course', 'import ssl_course.settings', 'import ssl_course.stages',
                 'from ssl_course.cli import parser; parser()'):
        run = f'import sys; before = {heavy}; {code}; print(*({heavy} - before))'
        r = subprocess.run([sys.executable, '-c', run], capture_output=True, text=True)
        assert (r.returncode, r.stdout.strip())==(0, ''), (code, r.stdout, r.stderr)

@pytest.fixture(scope='module')
def wheel(root, tmp_path_factory):
    "The wheel, built from a copy of what it is made of, without the network"
    tmp = tmp_path_factory.mktemp('wheel')
    skip = '.git .venv runs _docs _proc build dist *.egg-info __pycache__ vendor .pytest_cache'.split()
    shutil.copytree(root, tmp/'src', symlinks=True, ignore=shutil.ignore_patterns(*skip))
    cmd = [sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', tmp, tmp/'src']
    r = subprocess.run(cmd, capture_output=True, text=True)
    assert r.returncode==0, r.stdout+r.stderr
    (f,) = tmp.glob('*.whl')
    return zipfile.ZipFile(f)

def test_wheel_holds_all_modules_and_assets_and_nothing_else(root, wheel):
    have = {n for n in wheel.namelist() if '.dist-info/' not in n}
    assets = root/'nbs/assets/package'
    want = {f.relative_to(root).as_posix() for f in (root/'ssl_course').rglob('*.py')}
    want |= {f'ssl_course/assets/{f.relative_to(assets).as_posix()}'
             for f in assets.rglob('*') if f.is_file()}
    assert have==want
    assert {'ssl_course/pretext/base.py', 'ssl_course/pretext/rotation.py',
            'ssl_course/course/solutions/color.py', 'ssl_course/assets/report.html'} <= have

def test_wheel_brings_licence_readme_and_command(wheel):
    info = [n for n in wheel.namelist() if '.dist-info/' in n]
    text = {n.split('.dist-info/')[1]: wheel.read(n).decode() for n in info}
    assert 'Apache License' in text['licenses/LICENSE']
    assert 'ssl-course = ssl_course.cli:main' in text['entry_points.txt']
    assert 'License-Expression: Apache-2.0' in text['METADATA'] and 'make course' in text['METADATA']

def test_version_is_in_the_changelog(root):
    import ssl_course
    assert f'## {ssl_course.__version__}' in (root/'CHANGELOG.md').read_text(encoding='utf-8')

def test_front_page_shows_a_run_of_the_present_plan(root, monkeypatch, tmp_path):
    "`make course` had the sizes and epochs it has now (`make front` brings the result up to date)"
    from ssl_course.stages import RunConfig,run_plan
    from ssl_course.settings import load_settings
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.chdir(tmp_path) # the settings' defaults, not those of this checkout
    stored,stale = (json.loads((root/'nbs/results'/f).read_text(encoding='utf-8')) for f in ('front/course.json', 'stale.json'))
    present = stored['plan']==run_plan(RunConfig(), load_settings(budget='cpu'))
    assert present==('front' not in stale), 'make front, or list it in nbs/results/stale.json'
    readme = (root/'README.md').read_text(encoding='utf-8')
    assert ('being measured again' in readme)!=present and ('±' in readme)==present # old numbers are not shown

def test_makefile_lists_every_target(root):
    make = (root/'Makefile').read_text(encoding='utf-8')
    (phony,) = re.findall(r'^\.PHONY: (.*)$', make, flags=re.M)
    r = subprocess.run(['make', '-s', '-C', root], capture_output=True, text=True)
    listed = set(re.findall(r'^make (\w+)', r.stdout, flags=re.M))
    assert r.returncode==0 and listed==set(phony.split())-{'help'}

def test_makefile_names_modules_that_exist(root):
    make = (root/'Makefile').read_text(encoding='utf-8')
    modules = re.findall(r'-m (ssl_course[\w.]+)', make) + re.findall(r'from (ssl_course[\w.]+) import', make)
    assert len(modules)>=3
    assert [m for m in modules if not (root/f"{m.replace('.', '/')}.py").exists()]==[]

@pytest.mark.parametrize('target', 'course test lab lessons encoders front docs bench'.split())
def test_targets_install_first(root, target, tmp_path):
    "Every target sets up its environment, and again when pyproject.toml changes"
    for f in ('Makefile', 'pyproject.toml'): shutil.copy(root/f, tmp_path)
    dry = lambda: subprocess.run(['make', '-n', target], cwd=tmp_path, capture_output=True,
                                 text=True, check=True).stdout
    assert '-m venv .venv' in dry() and re.search(r'pip install --quiet --editable', dry())
    (tmp_path/'.venv/bin').mkdir(parents=True)
    for f in ('bin/pip', '.stamp-base', '.stamp-docs', '.stamp-dev'): (tmp_path/'.venv'/f).touch()
    assert 'venv .venv' not in dry() and 'pip install' not in dry()
    now = (tmp_path/'.venv/.stamp-base').stat().st_mtime
    os.utime(tmp_path/'pyproject.toml', (now+10, now+10))
    assert 'pip install' in dry()

def test_code_on_the_front_page_runs(root, tmp_path):
    "The main line in Python, as the README shows it, with smaller numbers"
    readme = (root/'README.md').read_text(encoding='utf-8')
    (code,) = re.findall(r'^```python\n(from ssl_course.all.*?)^```', readme, flags=re.M|re.S)
    for old,new in [('images(12_000)', 'images(300)'), ('images(4_000,', 'images(600,'), ('bs=256', 'bs=64'),
                    ('fit_one_cycle(25,', 'fit_one_cycle(1,'), ('epochs=20', 'epochs=1'),
                    ('labels=(1, 5, 10), seeds=3', 'labels=(1,), seeds=1, updates=4')]:
        assert code.count(old)==1, old
        code = code.replace(old, new)
    env = {**os.environ, 'SSL_COURSE_HOME': str(tmp_path/'home')}
    r = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert r.returncode==0, r.stderr
    assert (tmp_path/'encoder.safetensors').exists()
