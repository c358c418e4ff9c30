"Files that must not be executed, and files that are cut off. What a card says is in test_encoder.py."
import argparse,os,pickle,random,signal
from pathlib import Path

import pytest
import torch

from ssl_course.encoder import Encoder
from ssl_course.encoder_file import read_tensors,read_weights,write_tensors
from ssl_course.model import TransferModel
from ssl_course.transfer import transfer
from ssl_course.utils import InputError

def small(**kwargs): return Encoder.small(**{'width': 8, **kwargs})

@pytest.fixture(scope='module')
def source():
    torch.manual_seed(1)
    return small()

class Payload:
    def __init__(self, trace): self.trace = str(trace)
    def __reduce__(self): return (os.mkdir, (self.trace,))

@pytest.mark.parametrize('write', [torch.save, lambda o,f: Path(f).write_bytes(pickle.dumps(o)), lambda o,f: torch.save(o, f, _use_new_zipfile_serialization=False)], ids=['zip', 'pickle', 'legacy'])
@pytest.mark.parametrize('read', [read_weights, Encoder.load, TransferModel.load, lambda f: transfer(f, small())], ids=['read_weights', 'Encoder', 'TransferModel', 'transfer'])
@pytest.mark.parametrize('ending', ['pt', 'safetensors'])
def test_a_payload_is_never_executed(write, read, ending, tmp_path, source):
    trace,file = tmp_path/'executed',tmp_path/f'file.{ending}'
    write(dict(state_dict=source.state_dict(), hyper_parameters=Payload(trace)), file)
    with pytest.raises(InputError): read(file)
    assert not trace.exists()

@pytest.mark.parametrize('length', [0, 4, 100, 5000])
@pytest.mark.parametrize('read', [read_tensors, read_weights, Encoder.load], ids=['read_tensors', 'read_weights', 'Encoder'])
def test_a_file_that_is_cut_off_is_refused(read, length, source, tmp_path):
    whole = source.save(tmp_path/'whole.safetensors').read_bytes()
    (tmp_path/'cut.safetensors').write_bytes(whole[:length])
    with pytest.raises(InputError, match='cut.safetensors') as e: read(tmp_path/'cut.safetensors')
    assert '\n' not in str(e.value)

@pytest.mark.parametrize('read', [read_tensors, read_weights, Encoder.load, TransferModel.load], ids=lambda f: f.__qualname__)
def test_a_file_that_is_not_there(read, tmp_path):
    with pytest.raises(InputError, match='no file .*nothing.safetensors'): read(tmp_path/'nothing.safetensors')

def test_a_length_that_looks_like_a_pickle(tmp_path):
    "The header of one safetensors file in 32 has a length whose first byte is that of a pickle"
    for n in range(400):
        write_tensors(f := tmp_path/'e.safetensors', dict(w=torch.ones(2)), dict(pad='x'*n))
        if f.read_bytes()[0]==0x80: break
    else: pytest.fail('no such length')
    assert torch.equal(read_weights(f)['w'], torch.ones(2)) and torch.equal(read_tensors(f)[0]['w'], torch.ones(2))

def test_checkpoints_of_timm_hold_a_namespace(tmp_path):
    torch.save(dict(state_dict=dict(w=torch.ones(2)), args=argparse.Namespace(lr=.1, model='vit')), f := tmp_path/'last.pth.tar')
    assert torch.equal(read_weights(f)['state_dict']['w'], torch.ones(2))

class Other: pass

def test_the_refusal_says_how_to_allow(tmp_path):
    torch.save(dict(w=torch.ones(2), o=Other()), f := tmp_path/'o.pt')
    with pytest.raises(InputError, match='add_safe_globals'): read_weights(f)

def test_ctrl_c_while_reading_stays_ctrl_c(source, tmp_path):
    "safetensors' `get_tensor` made a ValueError of it, which the command line showed with a traceback"
    source.save(f := tmp_path/'e.safetensors')
    listening,draw,came = False,random.Random(0),[]
    def ring(*_):
        if listening: raise KeyboardInterrupt
    before = signal.signal(signal.SIGALRM, ring)
    try:
        while len(came)<200:
            try:
                listening = True
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-4, 3e-3))
                while True: read_tensors(f)
            except BaseException as e:
                listening = False
                came.append(type(e))
    finally: signal.signal(signal.SIGALRM, before)
    assert set(came)=={KeyboardInterrupt}
