"Two processes with half of every batch each are one process with all of it: weights, statistics, queue, center; one writer; going on."
import os,socket,subprocess,sys

import pytest
import torch
from fastai.optimizer import SGD
from torch import nn
from torch.nn import functional as F

from helpers import ROOT
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.distributed import ShareBatches,batch_norm_of_all,first_process_first,join_processes,together
from ssl_course.encoder import Encoder,new_encoder
from ssl_course.pipeline import pretrain_encoder
from ssl_course.pretrain import fit_quietly,fused_adamw,pretext_learner,pretext_tasks
from ssl_course.resume import fit_resumable
from ssl_course.utils import InputError

SMALL = dict(simclr={}, moco=dict(queue=64), byol={}, vicreg=dict(dim=32, hidden=32), barlow_twins=dict(dim=32, hidden=32), swav=dict(prototypes=8, freeze=.2, crops=1), dino=dict(prototypes=16, freeze=.2), rotation={}, autoencoder={}, masked_autoencoder=dict(width=32), masked_features=dict(width=32))
STEPS = 10

@pytest.fixture(autouse=True, scope='module')
def float32():
    "Rounding to bfloat16, where the processor has it, would be more than the differences asked about"
    with pytest.MonkeyPatch.context() as mp:
        mp.setenv('SSL_COURSE_PRECISION', 'float32')
        yield

def images(): return Postcards(size=16, seed=2).images(48).unlabeled()

RATE = dict(barlow_twins=2e-5, # its loss is a sum over a matrix: at a higher rate it explodes
            byol=1e-3) # at 5e-3 it amplifies rounding: one process alone ends 3e-5 apart if its first weights change by 6e-8 of themselves, at 1e-3 2e-7

def train(name, fit=None, bs=16, **kwargs):
    "Ten steps of one process, or of all that were started together"
    fit = fit or (lambda l: l.fit(1, RATE.get(name, 5e-3)))
    with seeded(11):
        dls = images().dls(valid=.2, bs=bs, steps=STEPS)
        task = pretext_tasks()[name](**SMALL[name])
        learn = pretext_learner(dls, new_encoder(task.arch, 16, width=4), task, **{'opt_func': SGD} | kwargs)
        for m in learn.model.modules():
            if isinstance(m, Encoder): m.precision = torch.float32
        with together(learn): fit_quietly(learn, fit)
    return learn

def adam(): return train('simclr', lambda l: l.fit(1, 1e-3), opt_func=fused_adamw)
def in_epochs(file, stop=None): return train('dino', lambda l: fit_resumable(l, 3, .01, file, stop_after=stop))

def state(learn): return learn.model.state_dict() | dict(loss=torch.tensor(learn.record_lineage.losses[-1]))

def batch_norms():
    "Its value, both gradients' sums and the running statistics, of a share of ten rows"
    with seeded(3): x,w,g = torch.randn(10, 4, 3, 3),torch.rand(4),torch.randn(10, 4, 3, 3)
    bn,rank,n = nn.BatchNorm2d(4),int(os.environ.get('RANK', 0)),int(os.environ.get('WORLD_SIZE', 1))
    bn.weight.data.copy_(w)
    mine = x[rank::n].clone().requires_grad_()
    y = (batch_norm_of_all if n>1 else F.batch_norm)(mine, bn.running_mean, bn.running_var, bn.weight, bn.bias, True)
    (y*g[rank::n]).sum().backward()
    return dict(y=y.detach(), x=mine.grad, weight=bn.weight.grad, bias=bn.bias.grad, mean=bn.running_mean, var=bn.running_var)

def second(folder):
    "What each of two processes does; the first writes what came out, and both that they got here"
    rank = int(os.environ['RANK'])
    join_processes()
    print(f'only the first speaks: {rank}')
    with first_process_first(): (folder/f'in-{rank}').write_text(str((folder/'in-0').exists()))
    found = dict(norms=batch_norms()) | {name: state(train(name)) for name in SMALL}
    found['adam'] = state(adam())
    pretrain_encoder(images(), pretext_tasks()['byol'](), folder/f'out-{rank}.safetensors', 2, 16, width=4)
    in_epochs(folder/'go.pt', 1)
    found['go'] = state(in_epochs(folder/'go.pt', 2))
    torch.save(found, folder/f'found-{rank}.pt')
    try: train('rotation', bs=15)
    except InputError as e: (folder/f'uneven-{rank}').write_text(str(e))
    if rank: images_of_others()
    try: train('rotation')
    except InputError as e: (folder/f'differ-{rank}').write_text(str(e))

def images_of_others():
    global images
    images = lambda: Postcards(size=16, seed=3).images(48).unlabeled()

WORK = 'import sys; from pathlib import Path; import test_distributed as t; t.second(Path(sys.argv[1]))'

@pytest.fixture(scope='module')
def both(tmp_path_factory):
    "Two gloo processes that do the same, as `accelerate launch` would start them"
    folder = tmp_path_factory.mktemp('both')
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    path = os.pathsep.join([str(ROOT/'tests'), str(ROOT), os.environ.get('PYTHONPATH', '')])
    env = {**os.environ, 'PYTHONPATH': path, 'WORLD_SIZE': '2', 'LOCAL_WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port), 'OMP_NUM_THREADS': '1',
           'ACCELERATE_USE_CPU': 'true', 'SSL_COURSE_PRECISION': 'float32', 'SSL_COURSE_HOME': str(folder/'home')}
    ps = [subprocess.Popen([sys.executable, '-c', WORK, folder], env={**env, 'RANK': str(r), 'LOCAL_RANK': str(r)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for r in range(2)]
    said = [p.communicate(timeout=300)[0] for p in ps]
    assert [p.returncode for p in ps]==[0, 0], '\n'.join(said)[-3000:]
    return folder,said

def far(a, b):
    "Entries that differ by more than 1e-5, relative to the largest where that is above 1"
    assert sorted(a)==sorted(b)
    gap = lambda k: float((a[k].double()-b[k].double()).abs().max()/max(1, float(b[k].double().abs().max())))
    return {k: gap(k) for k in a if torch.is_tensor(a[k]) and not gap(k)<=1e-5}

@pytest.mark.parametrize('name', SMALL)
def test_two_halves_are_the_whole(name, both):
    alone = state(train(name))
    first,other = (torch.load(both[0]/f'found-{r}.pt')[name] for r in range(2))
    assert far(first, alone)=={} and all(torch.equal(first[k], other[k]) for k in first)
    untrained = state(train(name, lambda l: l.fit(1, 0.)))
    assert far(untrained, alone) # it did learn

def test_adam_too(both): assert far(torch.load(both[0]/'found-0.pt')['adam'], state(adam()))=={}

def test_going_on_alone(both):
    "An epoch of two processes, one more after they were started anew, and the third of one process: as three of one"
    first,other = (torch.load(both[0]/f'found-{r}.pt')['go'] for r in range(2))
    assert all(torch.equal(v, other[k]) for k,v in first.items())
    assert far(state(in_epochs(both[0]/'go.pt')), state(in_epochs(both[0]/'straight.pt')))=={}

def test_batch_norm_of_all(both):
    alone,parts = batch_norms(),[torch.load(both[0]/f'found-{r}.pt')['norms'] for r in range(2)]
    rows = {k: torch.stack([p[k] for p in parts], 1).flatten(0, 1) for k in ('y', 'x')}
    sums = {k: sum(p[k] for p in parts) for k in ('weight', 'bias')}
    assert far(rows | sums | {k: parts[1][k] for k in ('mean', 'var')}, alone)=={}

def test_one_writes_and_one_speaks(both):
    folder,said = both
    assert (folder/'out-0.safetensors').exists() and not list(folder.glob('out-1*')) and not list(folder.glob('*.pt.*'))
    assert 'only the first speaks: 0' in said[0] and 'speaks' not in said[1]
    assert (folder/'in-1').read_text()=='True'

def test_what_cannot_be_shared_is_refused(both):
    for r in range(2):
        assert "15 images pass through the encoder at once, and 2 processes can't share them evenly" in (both[0]/f'uneven-{r}').read_text()
        assert 'Before epoch 1 the processes have different weights, images or random numbers' in (both[0]/f'differ-{r}').read_text()

def test_alone_nothing_changes():
    learn = pretext_learner(images().dls(bs=16), Encoder.small(width=4), pretext_tasks()['simclr']())
    with together(learn): assert not [cb for cb in learn.cbs if isinstance(cb, ShareBatches)]
    with pytest.raises(InputError, match='Batch norm of parts'): learn.to_distributed(sync_bn=False)
