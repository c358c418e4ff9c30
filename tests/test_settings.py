"What a notebook cell can't check well of `settings`: which file counts, and that mistakes in it are one sentence."
import os

import pytest

from ssl_course.settings import Settings,cache_folder,find_settings,load_settings
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.chdir(tmp_path)

def ini(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder/'settings.ini').write_text(text, encoding='utf-8')
    return folder/'settings.ini'

def test_the_nearest_file_with_a_section_counts(tmp_path, monkeypatch):
    far = ini(tmp_path, '[ssl_course]\nseed = 1\n')
    ini(tmp_path/'a', '[DEFAULT]\nlib_name = other\n') # nbdev's of older projects
    (tmp_path/'a'/'b').mkdir()
    assert find_settings(tmp_path/'a'/'b')==far and load_settings(far).seed==1
    near = ini(tmp_path/'a'/'b', '[ssl_course]\nseed = 2\n')
    monkeypatch.chdir(tmp_path/'a'/'b')
    assert find_settings()==near and load_settings().seed==2

def test_order_of_precedence(tmp_path, monkeypatch):
    "Defaults, file, variables, arguments: the later wins"
    ini(tmp_path, '[ssl_course]\nseed = 1\nsize = 48\nbudget = full\n')
    monkeypatch.setenv('SSL_COURSE_SIZE', '64')
    monkeypatch.setenv('SSL_COURSE_BUDGET', 'smoke')
    assert load_settings(budget='cpu', seed=None)==Settings(seed=1, size=64, budget='cpu')

def test_another_file_is_named_by_a_variable(tmp_path, monkeypatch):
    ini(tmp_path, '[ssl_course]\nseed = 1\n')
    monkeypatch.setenv('SSL_COURSE_SETTINGS', str(ini(tmp_path/'other', '[ssl_course]\nseed = 5\n')))
    assert load_settings().seed==5
    monkeypatch.setenv('SSL_COURSE_SETTINGS', str(tmp_path/'none.ini'))
    with pytest.raises(InputError, match='none.ini'): load_settings()

@pytest.mark.parametrize('text,says', [('[ssl_course]\nsede = 1\n', 'line 2: unknown key `sede`'), ('[ssl_course]\nsize = 3\n', 'from 8 to 512'), ('[ssl_course]\nsize = 32.5\n', '`size`'),
    ('[ssl_course]\nseed = -1\n', '`seed`'), ('[ssl_course]\nbudget = tiny\n', 'smoke, cpu, full'), ('[ssl_course]\nseed 1\n', "can't be read"), ('[ssl_course]\nseed = 1\nseed = 2\n', "can't be read")])
def test_mistakes_are_one_sentence(text, says, tmp_path):
    ini(tmp_path, text)
    with pytest.raises(InputError) as e: load_settings()
    assert says in str(e.value) and 'settings.ini' in str(e.value) and '\n' not in str(e.value)

def test_budgets_pick_their_value():
    assert [load_settings(budget=b).pick(1, 2, 3) for b in ('smoke', 'cpu', 'full')]==[1, 2, 3] and load_settings(budget='full').pick(1, 2)==2

def test_cache_folder_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'elsewhere'))
    assert cache_folder('a', 'b')==tmp_path/'elsewhere'/'a'/'b' and cache_folder('a', 'b').is_dir()

def test_a_folder_is_looked_for_beside_the_file_that_names_it(tmp_path, monkeypatch):
    "`data = photos` worked at the top of a checkout and failed in its lessons"
    (tmp_path/'photos').mkdir(), (tmp_path/'nbs').mkdir()
    (tmp_path/'settings.ini').write_text('[ssl_course]\ndata = photos\n')
    monkeypatch.chdir(tmp_path/'nbs')
    assert load_settings().data==str(tmp_path/'photos') and load_settings(data='elsewhere').data=='elsewhere'
    (tmp_path/'settings.ini').write_text('[ssl_course]\ndata = ~/photos\n')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert load_settings().data==str(tmp_path/'photos')
    (tmp_path/'settings.ini').write_text('[ssl_course]\ndata = digits\n')
    (tmp_path/'digits').mkdir() # the name counts
    assert load_settings().data=='digits'

def test_files_of_windows_and_of_other_programs(tmp_path, monkeypatch):
    (tmp_path/'sub').mkdir()
    (tmp_path/'settings.ini').write_text('[ssl_course]\nsize = 64\n', encoding='utf-8-sig')
    (tmp_path/'sub'/'settings.ini').write_bytes('[théme]\ncolour = rouge\n'.encode('latin-1'))
    monkeypatch.chdir(tmp_path/'sub')
    assert load_settings().size==64
    (tmp_path/'sub'/'settings.ini').write_bytes('# é\n[ssl_course]\nsize = 48\n'.encode('latin-1'))
    with pytest.raises(InputError, match='not text in UTF-8'): load_settings()
