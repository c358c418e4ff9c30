"Going on after an interruption: checkpoints in a new process, bit for bit, and comparisons after a kill."
import json,os,signal,subprocess,sys,time

import numpy as np
import pytest
import torch

from helpers import ROOT,python
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import new_encoder
from ssl_course.pretrain import pretext_learner,pretext_tasks
from ssl_course.resume import ResultStore,fit_resumable
from ssl_course.utils import InputError

SMALL = dict(simclr={}, moco=dict(queue=64), byol={}, simsiam={}, barlow_twins=dict(dim=32, hidden=32), vicreg=dict(dim=32, hidden=32), swav=dict(prototypes=8), dino=dict(prototypes=16), lejepa=dict(dim=8, hidden=32, directions=16),
    distillation=dict(teacher='postcards-rotation', hidden=0), masked_autoencoder=dict(width=32), masked_features=dict(width=32, blocks=2))

# --- in a new process, bit for bit ---

def learner(name):
    with seeded(11):
        dls = Postcards(size=16, seed=2).images(72).unlabeled().dls(valid=.1, bs=16)
        task = pretext_tasks()[name](**SMALL[name])
        return pretext_learner(dls, new_encoder(task.arch, 16, width=4), task)

def train(name, file, stop_after=None, epochs=4):
    learn = learner(name)
    with learn.no_bar(), learn.no_logging(): fit_resumable(learn, epochs, 3e-3, file, stop_after=stop_after)
    return learn

def everything(learn):
    "All that must be the same, as a flat dict of tensors and values"
    opt = learn.opt.state_dict()
    out = {f'model.{k}': v for k,v in learn.model.state_dict().items()}
    out |= {f'opt.{i}.{k}': v for i,s in opt['state'].items() for k,v in s.items()}
    plain = lambda v: [float(o) for o in v] if isinstance(v, (tuple, list)) else float(v) if isinstance(v, (int, float)) else v
    out |= {f'group.{k}': plain(v) for k,v in opt['param_groups'][0].items() if k!='params'}
    return out | dict(torch=torch.get_rng_state(), numpy=str(np.random.get_state()), shuffle=str([dl.rng.getstate() for dl in learn.dls.loaders]))

SECOND = '''
import sys,torch
import test_resume as t
for n in t.SMALL: torch.save(t.everything(t.train(n, f'{sys.argv[1]}/{n}.pt')), f'{sys.argv[1]}/{n}-after.pt')
'''

@pytest.fixture(scope='module')
def second_half(tmp_path_factory):
    "Two epochs of every method here, then one new process that trains the other two of each"
    folder = tmp_path_factory.mktemp('resume')
    for name in SMALL:
        with seeded(1): train(name, folder/f'{name}.pt', stop_after=2)
    path = os.pathsep.join([str(ROOT/'tests'), str(ROOT), os.environ.get('PYTHONPATH', '')])
    r = python(SECOND, folder, env={**os.environ, 'PYTHONPATH': path})
    assert r.returncode==0, r.stderr[-3000:]
    return folder

@pytest.mark.parametrize('name', SMALL)
def test_two_and_two_epochs_are_four(name, second_half, tmp_path):
    with seeded(1):
        straight = train(name, tmp_path/'straight.pt')
        want = everything(straight)
    got = torch.load(second_half/f'{name}-after.pt', weights_only=True)
    assert sorted(got)==sorted(want)
    differ = [k for k in want if not (torch.equal(got[k], want[k]) if torch.is_tensor(want[k]) else got[k]==want[k])]
    assert differ==[]
    if name=='moco': assert 'model.task.keys' in want and not torch.equal(want['model.task.keys'], learner(name).model.task.keys)

def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    f = tmp_path/'a.pt'
    with seeded(1): train('simclr', f, stop_after=1)
    with pytest.raises(InputError, match='task: simclr there, byol now'): train('byol', f)
    with pytest.raises(InputError, match='epochs: 4 there, 5 now'): train('simclr', f, epochs=5)

def test_moments_lie_in_memory_as_their_weights(tmp_path):
    "A fused optimiser reads both from end to end, whatever the order of their dimensions"
    with seeded(1): train('simclr', tmp_path/'a.pt', stop_after=1)
    learn = train('simclr', tmp_path/'a.pt', stop_after=2)
    states = [(p, s[k]) for p,s in learn.opt.opt.state.items() for k in ('exp_avg', 'exp_avg_sq')]
    assert any(p.ndim==4 for p,_ in states) and all(p.stride()==m.stride() for p,m in states)

# --- stored comparisons ---

SCRIPT = '''
import sys,time
from ssl_course.resume import ResultStore
store = ResultStore('slow', dict(n=6), folder=sys.argv[1])
def work(key):
    with open(sys.argv[2], 'a') as f: print(key['seed'], file=f, flush=True)
    time.sleep(float(sys.argv[3]))
    return dict(value=key['seed']**2)
store.each('part', [dict(seed=i) for i in range(6)], work)
store.finish()
'''

def test_a_killed_comparison_goes_on_where_it_was(tmp_path):
    "kill -9 in the middle of a run: that run is done again and no other, and no half file is left anywhere"
    (script := tmp_path/'run.py').write_text(SCRIPT)
    out,log,home = tmp_path/'out',tmp_path/'log.txt',tmp_path/'home'
    env = {**os.environ, 'SSL_COURSE_HOME': str(home)}
    command = lambda pause: [sys.executable, str(script), str(out), str(log), pause]
    p = subprocess.Popen(command('1.5'), env=env)
    deadline = time.time()+120
    while not (log.exists() and len(log.read_text().split())==3) and time.time()<deadline: time.sleep(.05)
    p.send_signal(signal.SIGKILL), p.wait()
    assert not out.exists() or not list(out.iterdir())
    subprocess.run(command('0'), env=env, check=True, capture_output=True)
    tried = list(map(int, log.read_text().split()))
    assert tried==[0, 1, 2, 2, 3, 4, 5]
    done = json.loads((out/'slow.json').read_text())
    assert [r['value'] for r in done['parts']['part']]==[0, 1, 4, 9, 16, 25] and done['date']
    assert not [f for f in tmp_path.rglob('.*') if f.is_file()]

def test_runs_of_one_part_may_have_keys_of_different_kinds(tmp_path, monkeypatch, capsys):
    "A bound without a rate, a network with one, and one trained for longer: each is run once and named by its own key"
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    store = ResultStore('mixed', dict(n=3), folder=tmp_path/'out')
    keys = [dict(bound='pixels'), dict(lr=.5, seed=0), dict(lr=.5, seed=0, units=16)]
    for _ in range(2): store.each('part', keys, lambda key: dict(value=len(key)))
    assert [r['value'] for r in store.rows('part')]==[1, 2, 3]
    said = [line.split(' (')[0] for line in capsys.readouterr().out.splitlines()]
    assert said==['part: pixels', 'part: 0.5, 0', 'part: 0.5, 0, 16']
