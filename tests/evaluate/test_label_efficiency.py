"Comparisons: fits side by side give what one after the other gives, and Ctrl-C leaves nothing running."
import os,signal,subprocess,sys,time
from functools import partial
from pathlib import Path

import pytest

SIZES = dict(updates=(4, 8), bs=16)

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

def key(r): return r.method,r.labels,r.seed,r.choice,r.updates,r.converged,r.valid,r.accuracy

@pytest.fixture
def trained(monkeypatch):
    "What this process trains, as (method, labels, choice, seed); what other processes train is not in it"
    from ssl_course.evaluate.label_efficiency import Comparison
    calls,train = [],Comparison.train
    def noted(self, method, n, seed, choice, updates=0):
        calls.append((method.name, n, (choice, updates), seed))
        return train(self, method, n, seed, choice, updates)
    monkeypatch.setattr(Comparison, 'train', noted)
    return calls

def test_workers_give_the_same_numbers(parts, trained, monkeypatch):
    "Bit by bit, when the one process has one thread like each of the two"
    import torch
    monkeypatch.setenv('LOKY_MAX_CPU_COUNT', '2')
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
    chosen = {(r.method, r.labels): (r.choice, r.updates) for r in compare(parts, 1).runs if r.seed==0}
    for (m,n),choice in chosen.items():
        tried = {seed: [c for a,b,c,s in trained if (a, b, s)==(m, n, seed)] for seed in (0, 1)}
        assert len(set(tried[0]))==len(tried[0])>=3 and choice in tried[0] and tried[1]==[choice]

CODE = '''
import signal
signal.signal(signal.SIGINT, signal.default_int_handler) # a job in the background of a shell begins with Ctrl-C ignored
from functools import partial
from ssl_course.encoder import Encoder
from ssl_course.evaluate.label_efficiency import Comparison,Method
from ssl_course.data.postcards import Postcards
world = Postcards(size=16, seed=5)
parts = [world.images(n, start=s) for n,s in ((120, 0), (60, 120), (60, 180))]
seen = lambda r,m: print('finished', r.seed, flush=True)
c = Comparison([Method.scratch(partial(Encoder.small, width=4), epochs=2)], *parts, labels=(1, 2), seeds=500, updates=4)
c.run(on_run=seen, workers=2)
'''

def _children(pid):
    kids = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    return [k for c in kids for k in (c, *_children(c))]

@pytest.mark.skipif(not Path('/proc/self/task').exists(), reason='reads the process table of Linux')
def test_ctrl_c_stops_the_workers(tmp_path):
    env = os.environ | {'LOKY_MAX_CPU_COUNT': '2'}
    p = subprocess.Popen([sys.executable, '-c', CODE], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path)
    assert p.stdout.readline().startswith('finished'), p.stderr.read()
    kids = _children(p.pid)
    assert len(kids)>=2
    os.killpg(p.pid, signal.SIGINT) # what a terminal does
    _,err = p.communicate(timeout=60)
    assert p.returncode!=0 and 'KeyboardInterrupt' in err
    until = time.time()+20
    while (left := [k for k in kids if Path(f'/proc/{k}').exists()]) and time.time()<until: time.sleep(.2)
    assert not left

# --- the search ---

from math import log

from ssl_course.evaluate.label_efficiency import climb

LIMITS = (100, 3200),(1e-5, 1.)

def hill(u0, lr0): return lambda u,lr: (-log(u/u0)**2-log(lr/lr0)**2,)

@pytest.mark.parametrize('u0,lr0', [(100, .003), (400, .003), (1600, .03), (800, 1e-4)])
def test_climb_finds_the_top(u0, lr0):
    best,tried,ok = climb(hill(u0, lr0), (100, .003), (2, 10/3), LIMITS, (False, True))
    assert ok and abs(log(best[0]/u0))<=log(2)/2+1e-6 and abs(log(best[1]/lr0))<=log(10/3)/2+.01
    assert best==max(tried, key=lambda c: tried[c][0]) and len(tried)<16

def test_climb_says_when_a_limit_stopped_it():
    for u0,lr0,ok in ((1500, .003, True), (3000, .003, False), (9000, .003, False), (400, 5., False)):
        assert climb(hill(u0, lr0), (100, .003), (2, 10/3), LIMITS, (False, True))[2]==ok

def test_climb_tries_more_updates_again_when_the_rate_has_moved():
    "A small rate needs more updates: neither setting can be searched by itself"
    ridge = lambda u,lr: (-log(u/400*(lr/.01)**.5)**2 - .3*log(lr/.001)**2,)
    (u,lr),tried,ok = climb(ridge, (100, .01), (2, 3.), ((100, 10_000), (1e-5, 1.)), (False, True))
    assert ok and u==1600 and lr<=.0012 and (400, .01) in tried

def test_climb_looks_ahead_and_comes_back_to_the_same_rates():
    "A gain that chance hid at twice the updates is seen at four times as many; up by 10/3 and down again is the same rate"
    hidden = lambda u,lr: ({100: .3, 200: .305, 400: .33, 800: .335, 1600: .338}[u]-.001*abs(log(lr/.01)),)
    search = lambda **kw: climb(hidden, (100, .003), (2, 10/3), LIMITS, (False, True), (.01, 0.), **kw)
    assert search()[0]==(100, .01)
    best,tried,ok = search(ahead=(2, 1))
    assert best==(400, .01) and ok and (1600, .01) in tried
    rates = sorted({lr for _,lr in tried})
    assert all(b/a>3 for a,b in zip(rates, rates[1:]))

class Curve:
    "Stands in for training: accuracy by rate and updates; counts what was trained"
    def __init__(self, accuracy): self.accuracy,self.trained = accuracy,[]
    def __call__(self, method, n, seed, choice, updates=0):
        self.trained.append((choice, updates))
        return (lambda images: self.accuracy(choice, updates)),'model'

def searched(parts, accuracy, **kwargs):
    from ssl_course.evaluate.label_efficiency import Comparison,Method
    c = Comparison([Method.scratch()], *parts, updates=(100, 3200), **kwargs)
    c.train = Curve(accuracy)
    return c,c._search(c.methods[0], 1, 0)

@pytest.mark.parametrize('gain,chosen,converged', [(.012, 3200, False), (.008, 1600, True), (.004, 100, True)])
def test_two_or_four_times_the_updates_must_gain_a_point(gain, chosen, converged, parts):
    _,((_,updates),found,ok) = searched(parts, lambda lr,u: .3+gain*log(u/100, 2)-.01*abs(log(lr/.003)))
    assert (updates, ok)==(chosen, converged) and found[2]=='model'

def test_an_interrupted_search_finds_its_scores_again(parts, tmp_path):
    "What was tried is not trained again, except the best, whose model is needed"
    accuracy = lambda lr,u: .3+.02*min(log(u/100, 2), 2)-.05*abs(log(lr/.01))
    first,want = searched(parts, accuracy, memory=tmp_path)
    again,got = searched(parts, accuracy, memory=tmp_path)
    assert len(first.train.trained)>6 and again.train.trained==[want[0]] and got[0]==want[0]==(.01, 400) and got[1][2]=='model'
    _,(_,_,ok) = searched(parts, accuracy)
    assert ok==want[2]==got[2]

def test_an_unconverged_baseline_is_marked(parts):
    "A network that got four updates wants more; table, choices and figure say so"
    from ssl_course.encoder import Encoder
    from ssl_course.evaluate.label_efficiency import Comparison,Method,Run
    small = partial(Encoder.small, width=4)
    c = Comparison([Method.scratch(small), Method.frozen(small)], *parts, labels=(1,), seeds=2)
    c.runs = [Run('from scratch', 1, s, 3e-3, .3, .2+.1*s, 1., 3200, False) for s in (0, 1)]
    c.runs += [Run('frozen', 1, s, 10., .3, .4, 1.) for s in (0, 1)]
    assert c.summary().loc['from scratch', 1]=='0.250 ± 0.071, not converged'
    assert c.summary().loc['frozen', 1]=='0.400 ± 0.000 (+15.0)'
    assert c.choices().loc['from scratch', 1]=='3,200 updates at 0.003, not converged'
    fig = c.plot()
    assert 'Not converged: from scratch at 1.' in fig.alt and 'hollow' in str([t.get_text() for t in fig.axes[0].texts])

def test_random_picks_are_as_many(parts):
    from ssl_course.encoder import Encoder
    from ssl_course.evaluate.label_efficiency import Comparison,Method
    c = Comparison([Method.frozen(partial(Encoder.small, width=4))], *parts, labels=(2,), seeds=2, picks='random').run(progress=False)
    few = c.few(2, 0)
    assert len(few)==20 and len(set(few.counts.values()))>1 and len(c.runs)==2

def test_settings_found_earlier_are_not_searched_again(parts, trained):
    from ssl_course.encoder import Encoder
    from ssl_course.evaluate.label_efficiency import Comparison,Method
    small = partial(Encoder.small, width=4)
    c = Comparison([Method.scratch(small, epochs=2)], *parts, labels=(1, 2), seeds=2, chosen={('from scratch', 2): (.02, 6, False)}, **SIZES)
    c.run(progress=False)
    assert {t[2] for t in trained if t[1]==2}=={(.02, 6)} and len({t[2] for t in trained if t[1]==1})>1
    assert not any(r.converged for r in c.runs if r.labels==2) # as the earlier search said

def test_stored_runs_are_read_and_marked(parts, trained):
    "Also at numbers of labels that no method is measured at here"
    from ssl_course.encoder import Encoder
    from ssl_course.evaluate.label_efficiency import Comparison,Method,Run
    small = partial(Encoder.small, width=4)
    methods = Method.scratch(small, epochs=2),Method.frozen(small)
    for m in methods: m.labels = (1,)
    old = [Run('from scratch', n, s, .01, .5, .5, 1., 8, stored=True) for n in (1, 50) for s in range(2)]
    c = Comparison(methods, *parts, labels=(1, 50), seeds=2, **SIZES).run(old, progress=False)
    assert {t[0] for t in trained}=={'frozen'} and {t[1] for t in trained}=={1}
    t = c.summary()
    assert t.loc['from scratch', 50]=='0.500 ± 0.000*' and t.loc['frozen', 50]=='–' and '*' not in t.loc['frozen', 1]

def test_a_frozen_encoder_embeds_each_set_once(parts, monkeypatch):
    "Whether it is handed over or read from a file; an untrained one is another one for each seed"
    from ssl_course.encoder import Encoder
    from ssl_course.evaluate import label_efficiency as module
    small,embed,sets = partial(Encoder.small, width=4),module.embed,[]
    monkeypatch.setattr(module, 'embed', lambda e,images: sets.append(id(images)) or embed(e, images))
    def embedded(encoder):
        sets.clear()
        module.Comparison([module.Method.frozen(encoder)], *parts, labels=(1, 2), seeds=2, **SIZES).run(progress=False)
        return [sets.count(id(part)) for part in parts]
    assert embedded(small())==[1, 1, 1] and embedded(small)==[2, 2, 2]

def test_a_method_can_have_updates_of_its_own(parts, trained):
    "One that is costly to train gets fewer; the others keep the comparison's"
    from ssl_course.encoder import Encoder
    from ssl_course.evaluate.label_efficiency import Comparison,Method
    small = partial(Encoder.small, width=4)
    few,many = Method.scratch(small, epochs=2),Method.fine_tuned(small)
    few.updates = (2, 2)
    Comparison([few, many], *parts, labels=(1,), seeds=1, **SIZES).run(progress=False)
    updates = lambda m: {c[1] for name,_,c,_ in trained if name==m.name}
    assert updates(few)=={2} and updates(many) <= {4, 8} and 4 in updates(many)
