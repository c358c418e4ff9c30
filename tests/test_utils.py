"What a notebook cell can't check well of `utils`: writes that fail half-way, in other processes too, and what importing costs."
import json,os,platform,subprocess,sys

import pytest

from helpers import python
from ssl_course.utils import InputError,atomic_write,machine_info,read_json,sha256_file,to_plain,write_json

def files(folder): return sorted(f.name for f in folder.iterdir())

def test_a_write_that_fails_changes_nothing(tmp_path):
    f = tmp_path/'a.json'
    write_json(f, dict(n=1))
    with pytest.raises(RuntimeError), atomic_write(f) as half:
        half.write_text('{"n":')
        raise RuntimeError
    with pytest.raises(ValueError): write_json(f, dict(n=float('nan')))
    with pytest.raises(KeyboardInterrupt), atomic_write(f) as half:
        half.write_text('{')
        raise KeyboardInterrupt
    assert read_json(f)==dict(n=1) and files(tmp_path)==['a.json']

def test_two_processes_that_write_one_file_leave_a_whole_one(tmp_path):
    code = "import sys; from ssl_course.utils import write_json\nfor i in range(100): write_json(sys.argv[1], dict(by=sys.argv[2], text=sys.argv[2]*20_000))"
    ps = [subprocess.Popen([sys.executable, '-c', code, tmp_path/'a.json', who]) for who in 'xy']
    assert [p.wait() for p in ps]==[0, 0]
    d = json.loads((tmp_path/'a.json').read_text())
    assert d['text']==d['by']*20_000 and files(tmp_path)==['a.json']

def test_missing_folders_are_made_and_missing_files_are_none(tmp_path):
    write_json(tmp_path/'a'/'b'/'c.json', [1])
    assert read_json(tmp_path/'a'/'b'/'c.json')==[1] and read_json(tmp_path/'no.json') is None

def test_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path/'empty').touch()
    (tmp_path/'big').write_bytes(b'abc'*1_000_000)
    import hashlib
    assert sha256_file(tmp_path/'empty')==hashlib.sha256().hexdigest() and sha256_file(tmp_path/'big')==hashlib.sha256(b'abc'*1_000_000).hexdigest()

def test_plain_values_of_arrays_tensors_and_tables():
    import numpy as np,pandas as pd,torch
    o = dict(a=np.arange(3), b=(np.float32(.5), None, True), c=torch.ones(2, 1), d=pd.DataFrame(dict(x=[1, 2])), e={1: np.bool_(False)}, f=pd.Series(dict(u=1.5)))
    got = to_plain(o)
    assert got==dict(a=[0, 1, 2], b=[.5, None, True], c=[[1.], [1.]], d=[dict(x=1), dict(x=2)], e={'1': False}, f=dict(u=1.5))
    assert json.loads(json.dumps(got))==got

@pytest.mark.parametrize('bad', [float('nan'), [1, float('inf')], dict(a=object()), {1, 2}])
def test_what_json_cannot_hold_is_refused(bad):
    with pytest.raises(InputError): to_plain(bad)

def test_machine_gives_away_no_names():
    text = json.dumps(machine_info())
    assert os.path.expanduser('~') not in text and f'"{platform.node()}"' not in text and machine_info()['cores']==os.cpu_count()

def test_importing_is_cheap():
    r = python("import sys,ssl_course.utils; print([m for m in ('torch','numpy','pandas','fastcore') if m in sys.modules])")
    assert r.stdout.strip()=='[]', r.stderr
