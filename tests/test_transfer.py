"Weights from anywhere: real files of others, and what the report says of them."
from collections import OrderedDict

import pytest
import torch
from torch import nn

from ssl_course.encoder import Encoder
from ssl_course.transfer import TransferError,compare_weights,rename_in_order,transfer

def small(**kwargs): return Encoder.small(**{'width': 8, **kwargs})

@pytest.fixture(scope='module')
def source():
    torch.manual_seed(1)
    return small()

def same(a, b): return all(torch.equal(v, b.state_dict()[k]) for k,v in a.state_dict().items())

# --- formats ---

def lightning(e): # keys and values as Lightning 2 writes them, with plain hyperparameters
    state = OrderedDict((f'model.encoder.{k}', v) for k,v in e.state_dict().items()) | {'model.projector.0.weight': torch.rand(8, 64), 'model.projector.0.bias': torch.rand(8)}
    opt = dict(state={0: dict(exp_avg=torch.rand(8, 3, 3, 3), step=torch.tensor(1.))}, param_groups=[dict(lr=1e-3, params=[0])])
    return {'epoch': 3, 'global_step': 100, 'pytorch-lightning_version': '2.4.0', 'state_dict': state, 'loops': {'fit_loop': {'state_dict': {}}},
            'callbacks': {}, 'optimizer_states': [opt], 'lr_schedulers': [], 'hyper_parameters': {'lr': 1e-3, 'widths': [8, 16]}}

def fastai(e): return dict(model=nn.Sequential(e, nn.Linear(64, 3)).state_dict(), opt=dict(state=[dict(mom=torch.rand(3))], hypers=[]))
FORMATS = dict(plain=(lambda e: e.state_dict(), '', set()),
    ddp=(lambda e: {f'module.{k}': v for k,v in e.state_dict().items()}, 'module.', set()),
    compiled=(lambda e: torch.compile(e).state_dict(), '_orig_mod.', set()),
    ddp_compiled=(lambda e: {f'module._orig_mod.{k}': v for k,v in e.state_dict().items()}, 'module._orig_mod.', set()),
    lightning=(lightning, 'model.encoder.', {'model.projector'}),
    fastai=(fastai, '0.', {'1'}),
    training_script=(lambda e: dict(epoch=1, model={f'backbone.{k}': v for k,v in e.state_dict().items()} | {'fc.weight': torch.rand(3, 64)}, optimizer={'state': {0: {'exp_avg': torch.rand(9)}}}), 'backbone.', {'fc'}))

@pytest.mark.parametrize('name', FORMATS)
def test_formats(name, source, tmp_path):
    make,removed,left = FORMATS[name]
    torch.save(make(source), tmp_path/'file.pt')
    e = small()
    r = transfer(tmp_path/'file.pt', e)
    print(f'\n{name}\n{r}')
    assert same(source, e) and r.fraction==1 and r.removed==removed and set(r.left_over)==left and not (r.missing or r.unexpected or r.wrong_shape)

def test_safetensors_of_others(source, tmp_path):
    from safetensors.torch import save_file
    save_file({f'net.{k}': v.contiguous() for k,v in source.state_dict().items()}, tmp_path/'f.safetensors')
    e = small()
    assert transfer(tmp_path/'f.safetensors', e).removed=='net.' and same(source, e)

@pytest.mark.parametrize('name', ['resnet18', 'convnext_atto', 'mobilenetv3_small_050'])
def test_timm(name, tmp_path):
    import timm
    theirs,e = timm.create_model(name).eval(),Encoder.from_timm(name).eval()
    torch.save(dict(arch=name, state_dict=theirs.state_dict()), tmp_path/'timm.pth')
    r = transfer(tmp_path/'timm.pth', e)
    print(f'\n{name}\n{r}')
    assert r.fraction==1 and {'mean', 'std'}<=set(r.kept) and not r.unexpected
    e.precision,x = torch.float32,torch.rand(2, 3, 64, 64)
    with torch.no_grad(): assert torch.allclose(e.features(x), theirs.forward_features((x-e.mean)/e.std), atol=1e-5) # channels-last sums in another order

@pytest.mark.parametrize('name', ['resnet18', 'mobilenet_v3_small'])
def test_torchvision(name):
    import torchvision
    theirs,e = torchvision.models.get_model(name).eval(),Encoder.from_torchvision(name).eval()
    r = transfer({f'module.{k}': v for k,v in theirs.state_dict().items()}, e)
    print(f'\n{name}\n{r}')
    assert r.fraction==1 and r.removed=='module.' and not r.unexpected
    for ours,their in e.upstream_names.items(): assert torch.equal(e.state_dict()[ours], theirs.state_dict()[their])

def test_a_teacher_beside_a_student(source):
    both = {f'{who}.backbone.{k}': v+i for i,who in enumerate(('student', 'teacher')) for k,v in source.state_dict().items()}
    r = transfer(both, e := small())
    assert same(source, e) and r.removed=='student.backbone.' and r.equally_good==['teacher.backbone.'] and 'teacher.backbone.' in str(r)
    transfer(both, e, prefix='teacher.backbone.')
    assert torch.equal(e.state_dict()['mean'], source.mean+1)

def test_half_precision_is_widened(source):
    e = small()
    transfer({k: v.half() if v.is_floating_point() else v for k,v in source.state_dict().items()}, e)
    assert e.body[0][0].weight.dtype==torch.float32

def test_channels():
    one,three = small(channels=1).eval(),small().eval()
    with pytest.raises(TransferError, match='adapt_channels=True'): transfer(one, three)
    r = transfer(one, three, adapt_channels=True)
    assert len(r.adapted)==3 and '(8, 1, 3, 3)→(8, 3, 3, 3)' in str(r)

# --- refusals ---

def resnet():
    import timm # takes seconds
    return timm.create_model('resnet18')

REFUSED = dict(width=(lambda: small(width=16), small, 'in another width'), deeper=(lambda: small(depth=2), small, 'a larger network'),
    shallower=(small, lambda: small(depth=2), 'a smaller network'), other=(resnet, small, 'Another architecture'),
    head=(lambda: nn.Linear(64, 3), small, 'a head, a projector'),
    renamed=(lambda: {f'p{i}': v for i,v in enumerate(small().state_dict().values())}, small, 'under other names'))

@pytest.mark.parametrize('name', REFUSED)
def test_refused_with_three_causes(name):
    make,encoder,why = REFUSED[name]
    e = encoder()
    before = {k: v.clone() for k,v in e.state_dict().items()}
    with pytest.raises(TransferError, match=why) as said: transfer(make(), e)
    print(f'\n{said.value}')
    assert all(f'\n{i}. ' in str(said.value) for i in (1, 2, 3))
    assert all(torch.equal(v, e.state_dict()[k]) for k,v in before.items())

def test_min_share(source):
    part = {k: v for k,v in source.state_dict().items() if not k.startswith('body.4')}
    with pytest.raises(TransferError, match='nothing was loaded'): transfer(part, small())
    r = transfer(part, small(), min_fraction=.5)
    assert .5<r.fraction<1 and r.parts[0]['parameters']==0 and r.parts[0]['part']=='stage 5' # the worst first

def test_share_counts_numbers(source):
    own = source.state_dict()
    r = compare_weights({'body.4.0.weight': own['body.4.0.weight']}, small(), prefix='')
    counted = sum(v.numel() for k,v in own.items() if k not in r.kept)
    assert r.fraction==pytest.approx(own['body.4.0.weight'].numel()/counted)

def test_a_prefix_that_is_none(source):
    with pytest.raises(TransferError, match="Without 'model.encoder' the first name is '.mean'"): transfer({f'model.encoder.{k}': v for k,v in source.state_dict().items()}, small(), prefix='model.encoder')
    with pytest.raises(TransferError, match="No name begins with 'net.'"): transfer(source.state_dict(), small(), prefix='net.')

def test_no_tensors():
    with pytest.raises(TransferError, match='not one tensor'): transfer(dict(epoch=1, state_dict={}), small())

def test_what_channels_are_made_of():
    one,three,x = small(channels=1).eval(),small().eval(),torch.rand(4, 3, 32, 32)
    one.precision = three.precision = torch.float32
    transfer(one, three, adapt_channels=True)
    with torch.no_grad(): assert torch.allclose(three.features(x), one.features(x.mean(1, keepdim=True)), atol=1e-5)
    transfer(three, one, adapt_channels=True)
    with torch.no_grad(): assert torch.allclose(one.features(x[:, :1]), three.features(x[:, :1].expand(-1, 3, -1, -1)), atol=1e-5)

# --- the right order under other names ---

def other_names(state): return {f'layer{i}.{k.rsplit(".", 1)[-1]}': v for i,(k,v) in enumerate(state.items())}

@pytest.mark.parametrize('make', [small, lambda: Encoder.from_timm('resnet10t'), lambda: Encoder.from_torchvision('resnet18')], ids=['small', 'timm', 'torchvision'])
def test_rename_in_order(make, tmp_path):
    theirs,e = make(),make()
    torch.save(other_names({k: v for k,v in theirs.state_dict().items() if k.startswith('body.')}) | {'old_head.weight': torch.rand(3, 64)}, tmp_path/'w.pth')
    r = transfer(rename_in_order(tmp_path/'w.pth', e), e)
    assert same(theirs, e) and r.left_over=={'old_head': 1} and r.fraction==1

def test_rename_in_order_refuses(source):
    body = {k: v for k,v in source.state_dict().items() if k.startswith('body.')}
    swapped = dict(zip(body, reversed(body.values())))
    for bad,said in ((other_names(swapped), 'The source has layer0.weight'), (dict(list(other_names(body).items())[:-1]), 'no tensor where'),
                     ({k.replace('weight', 'kernel'): v for k,v in other_names(body).items()}, 'layer0.kernel')):
        with pytest.raises(TransferError, match=said): rename_in_order(bad, small())

def test_only_the_first_convolution_changes_channels(source):
    "Another layer whose channels differ is of another network"
    state = {k: v.clone() for k,v in source.state_dict().items()}
    deep = [k for k,v in state.items() if v.ndim==4 and k not in ('mean', 'std')][2]
    state[deep] = state[deep].sum(1, keepdim=True)
    with pytest.raises(TransferError, match=deep.replace('.', r'\.')): transfer(state, small(), adapt_channels=True)
