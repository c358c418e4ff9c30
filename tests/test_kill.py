"Killed at any instant, as by a lost battery: `run` and `pretrain` go on, and end with the files of a run that nobody stopped."
import json,multiprocessing,os,random,shutil,sys,time

import pytest

from ssl_course.encoder import Encoder
from ssl_course.compute import seeded

def work(folder, args):
    "What a process does: a command in a folder"
    os.chdir(folder)
    sys.stdout = sys.stderr = open('log.txt', 'a')
    from ssl_course.cli import main
    main(args)

@pytest.fixture
def start(tmp_path, monkeypatch):
    "Maker of processes, forks of one that has imported everything"
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    for k,v in dict(SSL_COURSE_HOME=str(tmp_path/'home'), OMP_NUM_THREADS='1', MPLBACKEND='agg').items(): monkeypatch.setenv(k, v)
    make = multiprocessing.get_context('forkserver')
    make.set_forkserver_preload('ssl_course.pipeline ssl_course.cli nbdev.test fastai.vision.all matplotlib.pyplot'.split())
    def start(folder, *args):
        folder.mkdir(exist_ok=True)
        p = make.Process(target=work, args=(folder, [*map(str, args)]))
        p.start()
        return p
    return start

TIMES = {'seconds', 'began', 'peak_memory_mb'} # of these no two runs are the same

def timeless(o):
    if isinstance(o, dict): return {k: timeless(v) for k,v in o.items() if k not in TIMES}
    return [timeless(v) for v in o] if isinstance(o, list) else o

def content(folder):
    "All files that a command leaves, times left out"
    read = lambda f: timeless(json.loads(f.read_text())) if f.suffix=='.json' else f.read_bytes()
    return {f.relative_to(folder).as_posix(): read(f) for f in sorted(folder.rglob('*')) if f.is_file() and f.name!='log.txt'}

def differ(a, b): return [k for k in a.keys()|b.keys() if a.get(k)!=b.get(k)]

RUN = 'run --budget smoke --size 16 --labels 1 --seeds 1 --epochs 3'.split()
PRETRAIN = 'pretrain --budget smoke --size 16 --epochs 4'.split()

@pytest.mark.parametrize('args,kills', [(RUN, 20), (PRETRAIN, 20), ([*PRETRAIN, '--start', 'start.safetensors'], 2)], ids=['run', 'pretrain', 'pretrain --start'])
def test_killed_at_random_instants(args, kills, start, tmp_path):
    with seeded(0): Encoder.small(width=8).save(tmp_path/'start.safetensors')
    args = [tmp_path/a if a=='start.safetensors' else a for a in args]
    start(tmp_path/'first', 'tasks').join() # waits for the imports
    begin = time.monotonic()
    p = start(tmp_path/'straight', *args)
    p.join()
    took,want = time.monotonic()-begin,content(tmp_path/'straight')
    assert p.exitcode==0 and want, (tmp_path/'straight'/'log.txt').read_text()[-3000:]
    rng,at,seen = random.Random(1),tmp_path/'killed',set()
    while kills:
        p = start(at, *args, '--resume')
        p.join(rng.uniform(0, took))
        if p.is_alive():
            p.kill(), p.join()
            kills -= 1
            seen |= {f.name for f in at.rglob('*.safetensors') if f.name[0]!='.'} | {f.name for f in at.rglob('*.pt')}
        else:
            assert p.exitcode==0 and differ(content(at), want)==[], (at/'log.txt').read_text()[-3000:]
            shutil.rmtree(at)
    p = start(at, *args, '--resume')
    p.join()
    assert p.exitcode==0 and differ(content(at), want)==[], (at/'log.txt').read_text()[-3000:]
    wanted = 'encoder.safetensors' if args[0]=='run' else 'encoder.checkpoint.pt'
    assert wanted in seen, 'no kill came in the middle'
