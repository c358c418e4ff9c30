"README.md says what the front page says."
import re,shutil,subprocess,sys

import pytest

def run(folder, *args):
    cmd = [sys.executable, '-m', 'ssl_course.course.site', 'readme', *args]
    return subprocess.run(cmd, cwd=folder, capture_output=True, text=True)

def test_readme_is_up_to_date(root):
    r = run(root, '--check')
    assert r.returncode==0, r.stdout + r.stderr

@pytest.fixture
def copy(root, tmp_path):
    "What the README is made of, in a folder of its own"
    (tmp_path/'nbs').mkdir()
    for f in ('nbs/index.ipynb', 'pyproject.toml'): shutil.copy(root/f, tmp_path/f)
    assert run(tmp_path).returncode==0
    return tmp_path

def test_a_change_is_noticed(copy):
    assert run(copy, '--check').returncode==0
    index = copy/'nbs/index.ipynb'
    old = index.read_text(encoding='utf-8')
    index.write_text(old.replace('make course', 'make curse', 1), encoding='utf-8')
    assert index.read_text(encoding='utf-8')!=old, 'the front page does not name `make course`'
    r = run(copy, '--check')
    assert r.returncode==1 and 'README.md' in r.stdout
    assert run(copy).returncode==0 and run(copy, '--check').returncode==0
    for f in (copy/'README_files').glob('*'):
        f.unlink()
        r = run(copy, '--check')
        assert r.returncode==1 and f.name in r.stdout

def test_opens_with_the_two_commands(root):
    text = (root/'README.md').read_text(encoding='utf-8')
    first = re.search(r'^```\w*\n(.*?)^```', text, flags=re.M|re.S)[1].split()
    assert first==['make','course','make','test']

def test_few_labels_are_all_trained_on(root):
    "`few.dls()` would keep a tenth of them for validation, so the example names other images"
    text = (root/'README.md').read_text(encoding='utf-8')
    calls = re.findall(r'few\.dls\((.*?)\)', text)
    assert calls and all(c.startswith('valid=') for c in calls)
    sets = 'labeled,valid = Postcards(size=32, seed=1).images(4_000, start=12_000).split(.2)'
    assert sets in text
    scope = {}
    exec('from ssl_course.all import *\n'+sets.replace('4_000', '400'), scope)
    few = scope['labeled'].few(10, seed=0)
    dls = few.dls(valid=scope['valid'], bs=50)
    assert len(dls.train_ds)==len(few)==len(few.without(scope['valid']))

def test_links_lead_somewhere(root):
    text = re.sub(r'^```.*?^```', '', (root/'README.md').read_text(encoding='utf-8'), flags=re.M|re.S)
    links = re.findall(r'\]\(([^)\s]+)\)', text)
    there = lambda l: re.match(r'\w+:|#', l) or (root/l.split('#')[0]).exists()
    assert links and [l for l in links if not there(l)]==[]

def test_shows_on_code_hosts(root):
    text = (root/'README.md').read_text(encoding='utf-8')
    found = re.search(r'<(style|script|svg)|^:::|^#\|', text, flags=re.M)
    assert not found, 'code hosts would show this as text, or not at all'
