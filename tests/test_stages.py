"What a notebook cell can't check well of `stages`: what is done again, what is refused, and what importing costs."
import json,os

import pytest

from helpers import python
from ssl_course.settings import load_settings
from ssl_course.stages import RUN_FILES,RunConfig,Stages,run_plan
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    "The settings' defaults, not those of this checkout"
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.chdir(tmp_path)

def plan(**kwargs): return run_plan(RunConfig(**kwargs), load_settings(budget='smoke'))

def started(out, plan, data=None, force=False, **kwargs):
    s = Stages(out, plan, force, **kwargs)
    s.begin(data or {}, force)
    return s

def writes(text): return lambda path: path.write_text(text)

def fails(path):
    path.with_suffix('.half').write_text('')
    raise KeyboardInterrupt

def test_finished_stages_are_not_done_again(tmp_path, capsys):
    s = started(tmp_path/'run', plan())
    s.do('runs.json', 'first', writes('1'))
    with pytest.raises(KeyboardInterrupt): s.do('metrics.json', 'second', fails)
    again = started(tmp_path/'run', plan(), resume=True)
    again.do('runs.json', 'first', writes('2'))
    again.do('metrics.json', 'second', writes('3'))
    assert (tmp_path/'run'/'runs.json').read_text()=='1' and (tmp_path/'run'/'metrics.json').read_text()=='3' and not again.finished
    again.do('report.html', 'last', writes('4'))
    assert Stages(tmp_path/'run', plan(), resume=True).finished
    (tmp_path/'run'/'runs.json').unlink() # what was deleted is made anew
    started(tmp_path/'run', plan(), resume=True).do('runs.json', 'first', writes('5'))
    assert (tmp_path/'run'/'runs.json').read_text()=='5' and capsys.readouterr().out.count('done earlier')==1

def test_another_plan_or_an_earlier_run_is_refused(tmp_path):
    started(tmp_path/'run', plan())
    with pytest.raises(InputError, match='--resume.*--force'): Stages(tmp_path/'run', plan())
    with pytest.raises(InputError, match='pretext: simclr there, rotation now'): Stages(tmp_path/'run', plan(pretext='rotation'), resume=True)

def test_force_removes_what_a_run_wrote_and_nothing_else(tmp_path):
    started(tmp_path/'run', plan()).do('runs.json', 'first', writes('1'))
    for f in ('notes.txt', 'model.safetensors'): (tmp_path/'run'/f).write_text('mine')
    started(tmp_path/'run', plan(pretext='rotation'), force=True)
    assert sorted(f.name for f in (tmp_path/'run').iterdir())==['model.safetensors', 'notes.txt', 'state.json'] and 'runs.json' in RUN_FILES

def test_files_of_the_users_are_refused_and_kept(tmp_path):
    "A run in a folder with somebody's own encoder and model once deleted them, then refused"
    own = {f: f'my {f}' for f in ('encoder.safetensors', 'model.safetensors', 'report.html')}
    for f,text in own.items(): (tmp_path/f).write_text(text)
    with pytest.raises(InputError, match='encoder.safetensors, model.safetensors, report.html already.*--force'): Stages(tmp_path, plan())
    assert {f.name: f.read_text() for f in tmp_path.iterdir()}==own

def test_nothing_is_removed_before_all_is_checked(tmp_path):
    started(tmp_path/'run', plan()).do('runs.json', 'first', writes('1'))
    Stages(tmp_path/'run', plan(pretext='rotation'), force=True) # what comes next may refuse
    assert (tmp_path/'run'/'runs.json').read_text()=='1'

@pytest.mark.parametrize('cut', [KeyboardInterrupt, None])
def test_a_file_known_before_it_is_there(cut, tmp_path):
    "Force after a kill in the middle of a stage removes what that stage has written"
    s = started(tmp_path/'run', plan())
    def work(path):
        path.write_text('half')
        (tmp_path/'run'/'encoder.checkpoint.pt').write_text('half')
        if cut: raise cut
    try: s.do('encoder.safetensors', 'first', work, ['encoder.checkpoint.pt'])
    except KeyboardInterrupt: pass
    assert ('encoder.safetensors' in s.done)!=bool(cut) and s.seconds['encoder.safetensors']>=0
    started(tmp_path/'run', plan(seeds=3), force=True)
    assert [f.name for f in (tmp_path/'run').iterdir()]==['state.json']

class Images(list): fingerprint = property(lambda self: str(sum(self)))

def test_other_images_are_refused_by_name(tmp_path):
    "Images that were added later never mix with what was learned without them"
    started(tmp_path/'run', plan(), dict(unlabeled=Images([1]*40), pool=Images([2])))
    with pytest.raises(InputError, match='unlabeled .40 then, 240 now.; use --force'):
        started(tmp_path/'run', plan(), dict(unlabeled=Images([1]*240), pool=Images([2])), resume=True)
    started(tmp_path/'run', plan(), dict(unlabeled=Images([1]*40), pool=Images([2])), resume=True)

def test_a_state_file_of_somebody_else_is_left_alone(tmp_path):
    for text in ('{"theirs": 1}', 'no JSON'):
        (tmp_path/'state.json').write_text(text)
        for force in (False, True):
            with pytest.raises(InputError, match='not of a run'): Stages(tmp_path, plan(), force)
        assert (tmp_path/'state.json').read_text()==text

def test_force_continues_no_checkpoint_of_others(tmp_path):
    (tmp_path/'encoder.checkpoint.pt').write_text('of `pretrain` in the same folder')
    started(tmp_path, plan(), force=True)
    assert [f.name for f in tmp_path.iterdir()]==['state.json']

def test_a_plan_is_plain_and_whole():
    p = plan(labels=(1, 2), seeds=7)
    assert json.loads(json.dumps(p))==p and (p['labels'], p['seeds'])==([1, 2], 7) and None not in [v for k,v in p.items() if k not in ('unlabeled', 'labeled', 'encoder')]

def test_folders_are_read_larger_and_start_from_a_general_encoder():
    "Photographs need more pixels than postcards; views are three quarters as wide"
    own = dict(unlabeled='u', labeled='l')
    cpu = lambda **kw: run_plan(RunConfig(**kw), load_settings(budget='cpu', size=kw.get('size')))
    assert [(p['size'], p['view'], p['encoder']) for p in (cpu(), cpu(**own), cpu(**own, size=64, encoder='mine.safetensors'))]==[
        (32, 24, 'postcards-simclr'), (128, 96, 'general'), (64, 48, 'mine.safetensors')]

def test_importing_is_cheap():
    r = python("import sys,ssl_course.stages; print([m for m in ('torch','numpy','pandas','matplotlib') if m in sys.modules])")
    assert r.stdout.strip()=='[]', r.stderr
