"Comparisons: fits side by side give what one after the other gives, and Ctrl-C leaves nothing running."
import os,signal,subprocess,sys,time
from functools import partial
from pathlib import Path

import pytest

SIZES = dict(updates=4, passes=1, bs=16)

@pytest.fixture(scope='module')
def parts():
    from ssl_course.data.postcards import Postcards
    world = Postcards(size=16, seed=5)
    return [world.images(n, start=s) for n,s in ((120, 0), (60, 120), (60, 180))]

def compare(parts, workers, runs=()):
    from ssl_course.encoder import Encoder
    from ssl_course.evaluate.label_efficiency import Comparison,Method
    small = partial(Encoder.small, width=4)
    return Comparison([Method.scratch(small, epochs=2), Method.frozen(small)], *parts, labels=(1, 2), seeds=2, **SIZES).run(runs, progress=False, workers=workers)

def key(r): return r.method,r.labels,r.seed,r.choice,r.valid,r.accuracy

@pytest.fixture
def trained(monkeypatch):
    "What this process trains, as (method, labels, choice, seed); what other processes train is not in it"
    from ssl_course.evaluate.label_efficiency import Comparison
    calls,train = [],Comparison.train
    def noted(self, start, n, choice, seed):
        calls.append((start.name, n, choice, seed))
        return train(self, start, n, choice, seed)
    monkeypatch.setattr(Comparison, 'train', noted)
    return calls

def test_workers_give_the_same_numbers(parts, trained):
    "Bit by bit, when the one process has one thread like each of the two"
    import torch
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try: alone = compare(parts, 1)
    finally: torch.set_num_threads(threads)
    assert {'from scratch','frozen'}=={m for m,*_ in trained}
    trained.clear()
    pair = compare(parts, 2)
    assert {'frozen'}=={m for m,*_ in trained} # networks are trained elsewhere
    assert sorted(map(key, pair.runs))==sorted(map(key, alone.runs)) and len(pair.runs)==8
    again = compare(parts, 2, pair.runs) # nothing is left to do
    assert again.runs==pair.runs

def test_first_seed_chooses_for_the_others(parts, trained):
    "Several choices are tried with the labels of the first seed, and only the best of them with the others"
    chosen = {(r.method, r.labels): r.choice for r in compare(parts, 1).runs if r.seed==0}
    for (m,n),choice in chosen.items():
        tried = {seed: [c for a,b,c,s in trained if (a, b, s)==(m, n, seed)] for seed in (0, 1)}
        assert len(set(tried[0]))==len(tried[0])>=3 and choice in tried[0] and tried[1]==[choice]

CODE = '''
from functools import partial
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import Comparison,Method
from ssl_course.data.postcards import Postcards
world = Postcards(size=16, seed=5)
parts = [world.images(n, start=s) for n,s in ((120, 0), (60, 120), (60, 180))]
seen = lambda r,m: print('finished', r.seed, flush=True)
c = Comparison([Method.scratch(partial(Encoder.small, width=4), epochs=2)], *parts, labels=(1, 2), seeds=50, updates=40, passes=1)
c.run(on_run=seen, workers=2)
'''

def _children(pid):
    kids = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    return [k for c in kids for k in (c, *_children(c))]

@pytest.mark.skipif(not Path('/proc/self/task').exists(), reason='reads the process table of Linux')
def test_ctrl_c_stops_the_workers(tmp_path):
    p = subprocess.Popen([sys.executable, '-c', CODE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path)
    assert p.stdout.readline().startswith('finished'), p.stderr.read()
    kids = _children(p.pid)
    assert len(kids)>=2
    os.killpg(p.pid, signal.SIGINT) # what a terminal does
    _,err = p.communicate(timeout=60)
    assert p.returncode!=0 and 'KeyboardInterrupt' in err
    until = time.time()+20
    while (left := [k for k in kids if Path(f'/proc/{k}').exists()]) and time.time()<until: time.sleep(.2)
    assert not left
