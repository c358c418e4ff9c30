"What a notebook cell can't check well of `export`: files that others read where this package is not."
import pytest
import torch

from helpers import python
from ssl_course.encoder import Encoder
from ssl_course.export import to_onnx,to_pytorch,to_torchscript,to_upstream
from ssl_course.utils import InputError

@pytest.fixture(scope='module')
def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        e = Encoder.small(width=8).eval()
    e.precision = torch.float32
    return e

@pytest.fixture(scope='module')
def x(): return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))

WITHOUT = '''
import sys,torch
sys.modules['ssl_course'] = None # importing it fails
net = torch.load('net.pt', weights_only=False)
with torch.no_grad(): torch.save(net(torch.load('x.pt')), 'out.pt')
'''

def test_torchscript_of_an_encoder_that_enlarges(tmp_path):
    e = Encoder.small(width=8)
    e.min_size,e.precision = 48,torch.float32
    assert to_torchscript(e, tmp_path/'e.pt')<1e-5

def test_plain_pytorch_needs_nothing_of_ours(encoder, x, tmp_path):
    torch.save(to_pytorch(encoder), tmp_path/'net.pt'), torch.save(x, tmp_path/'x.pt')
    r = python(WITHOUT, cwd=tmp_path)
    assert r.returncode==0, r.stderr
    with torch.no_grad(): torch.testing.assert_close(torch.load(tmp_path/'out.pt'), encoder.features(x), rtol=0, atol=1e-5)

RUNTIME = '''
import sys,numpy as np,onnxruntime
net = onnxruntime.InferenceSession('e.onnx', providers=['CPUExecutionProvider'])
for n in (1, 4): np.save(f'{n}.npy', net.run(['embedding'], {'images': np.load('x.npy')[:n]})[0])
assert 'torch' not in sys.modules
'''

def test_onnx_needs_the_runtime_only(encoder, x, tmp_path):
    import numpy as np
    assert to_onnx(encoder, tmp_path/'e.onnx')<1e-4
    np.save(tmp_path/'x.npy', x.numpy())
    r = python(RUNTIME, cwd=tmp_path)
    assert r.returncode==0, r.stderr
    with torch.no_grad(): want = encoder(x).numpy()
    assert all(np.allclose(np.load(tmp_path/f'{n}.npy'), want[:n], atol=1e-4) for n in (1, 4))

def test_an_onnx_file_that_differs_is_not_kept(encoder, tmp_path):
    with pytest.raises(InputError, match='nothing was written'): to_onnx(encoder, tmp_path/'e.onnx', tol=-1.)
    assert list(tmp_path.iterdir())==[]

def test_names_of_others_are_copies():
    e = Encoder.from_timm('resnet18')
    state = to_upstream(e)
    import timm
    missing = timm.create_model('resnet18', num_classes=0).load_state_dict(state, strict=False)
    assert not missing.unexpected_keys and all(not k.endswith(('weight', 'bias')) for k in missing.missing_keys)
    next(iter(state.values())).add_(1)
    assert not torch.equal(next(iter(state.values())), next(iter(to_upstream(e).values())))
