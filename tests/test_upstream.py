"Networks of timm and torchvision: without a network, behind a proxy, from a cache. timm and torchvision are imported by the tests that need them, so that collecting stays quick."
import re,socket,subprocess,sys,time
from http.server import BaseHTTPRequestHandler,HTTPServer
from threading import Thread

import pytest
import torch
from huggingface_hub import constants as hub
from safetensors.torch import save_file

from ssl_course.encoder import Encoder
from ssl_course.transfer import transfer
from ssl_course.utils import InputError

HEAVY = 'timm', 'torchvision'

def test_only_those_who_need_them_import_timm_and_torchvision():
    "They take two seconds of a start"
    code = f"""import sys
import ssl_course.all as s
s.Encoder.small(width=4).stages(), s.Encoder.small(width=4).stride()
before = [m for m in {HEAVY} if m in sys.modules]
s.Encoder.from_timm('resnet10t').stages()
print(before, [m for m in {HEAVY} if m in sys.modules])"""
    r = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True)
    assert r.stdout.strip()==f'[] {list(HEAVY)}', r.stdout+r.stderr

# --- weights out of the network ---

def no_name(*args, **kwargs): raise socket.gaierror(-2, 'Name or service not known')
def no_answer(*args, **kwargs):
    time.sleep(8)
    no_name()

@pytest.fixture(params=[no_name, no_answer], ids=['no_name', 'no_answer'])
def offline(request, monkeypatch, tmp_path):
    for name in ('http_proxy', 'https_proxy', 'all_proxy'):
        for n in (name, name.upper()): monkeypatch.delenv(n, raising=False)
    monkeypatch.delenv('HF_HUB_ETAG_TIMEOUT', raising=False)
    monkeypatch.setattr(socket, 'getaddrinfo', request.param)
    monkeypatch.setattr(hub, 'HF_HUB_CACHE', str(tmp_path/'hub'))
    monkeypatch.setattr(hub, 'HF_HUB_OFFLINE', False)
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path/'torch'))
    return tmp_path

FETCHED = dict(timm=(lambda: Encoder.from_timm('resnet10t', pretrained=True), 'huggingface.co gave no answer', "Encoder.from_timm('resnet10t')", 'timm/resnet10t.c3_in1k/resolve/main/model.safetensors'),
    timm_by_url=(lambda: Encoder.from_timm('legacy_seresnet18', pretrained=True), 'github.com gave no answer', "Encoder.from_timm('legacy_seresnet18')", 'seresnet18-4bb0ce65.pth'),
    torchvision=(lambda: Encoder.from_torchvision('resnet18', weights='DEFAULT'), 'download.pytorch.org gave no answer', "Encoder.from_torchvision('resnet18')", 'resnet18-f37072fd.pth'))

@pytest.mark.parametrize('name', FETCHED)
def test_offline_it_takes_a_second_and_says_what_to_do(name, offline):
    import ssl_course.upstream # takes seconds, the first time
    fetch,why,how,url = FETCHED[name]
    t = time.perf_counter()
    with pytest.raises(InputError) as e: fetch()
    seconds,said = time.perf_counter()-t,str(e.value)
    print(f'\n{seconds:.2f} s: {said}')
    assert seconds<4 and all(part in said for part in (why, how, url, 'Encoder.general()', 'transfer('))
    assert not hub.HF_HUB_OFFLINE

def test_offline_the_cache_of_the_hub_serves(offline):
    import timm
    theirs,folder = timm.create_model('resnet10t'),offline/'hub'/'models--timm--resnet10t.c3_in1k'
    (folder/'refs').mkdir(parents=True); (folder/'snapshots'/('0'*40)).mkdir(parents=True)
    (folder/'refs'/'main').write_text('0'*40)
    save_file(theirs.state_dict(), folder/'snapshots'/('0'*40)/'model.safetensors')
    e = Encoder.from_timm('resnet10t', pretrained=True)
    assert all(torch.equal(e.state_dict()[k], theirs.state_dict()[n]) for k,n in e.upstream_names.items()) and 'pretrained' not in e.arch

def test_offline_the_cache_of_torch_serves(offline, monkeypatch):
    import torchvision
    monkeypatch.setattr(torch.hub, 'HASH_REGEX', re.compile('no hash')) # the file's content is not theirs
    theirs = torchvision.models.resnet18()
    (offline/'torch'/'checkpoints').mkdir(parents=True)
    torch.save(theirs.state_dict(), offline/'torch'/'checkpoints'/'resnet18-f37072fd.pth')
    e = Encoder.from_torchvision('resnet18', weights='DEFAULT')
    assert all(torch.equal(e.state_dict()[k], theirs.state_dict()[n]) for k,n in e.upstream_names.items()) and 'weights' not in e.arch

def test_a_file_brings_weights_where_no_network_is(offline):
    "What the message says, to the letter"
    import timm
    theirs = timm.create_model('resnet10t')
    save_file(theirs.state_dict(), offline/'model.safetensors')
    e = Encoder.from_timm('resnet10t')
    assert transfer(offline/'model.safetensors', e).fraction==1 and torch.equal(e.body.model.conv1[0].weight, theirs.conv1[0].weight)

def test_a_download_that_breaks_off(offline, monkeypatch):
    import timm
    monkeypatch.setattr('ssl_course.upstream.server_answers', lambda *args: True)
    def broken(*args, **kwargs): raise ConnectionResetError('gone')
    monkeypatch.setattr(timm, 'create_model', broken)
    with pytest.raises(InputError, match=r'fetching them failed \(ConnectionResetError\)'): Encoder.from_timm('resnet10t', pretrained=True)

@pytest.mark.parametrize('name', ['botnet50ts_256', 'resnet10t.mine'])
def test_weights_that_timm_does_not_have(name):
    with pytest.raises(InputError, match='timm has no weights for'): Encoder.from_timm(name, pretrained=True)

def test_weights_that_torchvision_does_not_have():
    with pytest.raises(InputError, match='it has IMAGENET1K_V1'): Encoder.from_torchvision('resnet18', weights='BEST')

# --- models by folder and by the hub's name ---

def test_a_model_in_a_folder(tmp_path, offline):
    "As timm and the hub save one; a file of ours needs the folder no longer"
    import timm
    from timm.models import save_for_hf
    for name,args in (('resnet10t', {}), ('vit_tiny_patch16_224', dict(depth=2, img_size=64)), ('mixer_s32_224', dict(img_size=64))):
        theirs = timm.create_model(name, num_classes=3, **args).eval()
        save_for_hf(theirs, str(tmp_path/name), model_args=args, safe_serialization=True)
        e = Encoder.from_timm(f'local-dir:{tmp_path/name}', pretrained=True).eval()
        mine = e.state_dict()
        assert all(torch.equal(mine[k], theirs.state_dict()[n]) for k,n in e.upstream_names.items())
        assert e.arch['model']==name and e.arch.get('model_args', {}).get('depth')==args.get('depth') and str(tmp_path) not in str(e.arch)
        f = e.save(tmp_path/'e.safetensors')
        (tmp_path/name/'config.json').unlink()
        again,x = Encoder.load(f).eval(),torch.rand(1, 3, 64, 64)
        with torch.no_grad(): assert torch.equal(again(x), e(x))
        with pytest.raises(InputError, match='has no config.json'): Encoder.from_timm(f'local-dir:{tmp_path/name}')
    with pytest.raises(InputError, match="'ftp' is no source"): Encoder.from_timm('ftp:there')

def test_what_a_folder_describes_is_what_timm_reads(tmp_path):
    "Also of older files, in which everything is on one level; a model of another library is refused"
    import json
    from timm.models import _hub # private: only the test looks there
    from ssl_course.upstream import described_model
    new = dict(architecture='resnet10t', num_classes=3, model_args=dict(depth=2, in_chans=4), pretrained_cfg=dict(mean=[.5]*3))
    for config in (new, dict(architecture='resnet10t', num_classes=3, mean=[.5]*3)):
        (tmp_path/'config.json').write_text(json.dumps(config))
        _,name,args = _hub.load_model_config_from_path(tmp_path)
        assert described_model(f'local-dir:{tmp_path}')==(name, {k: v for k,v in args.items() if k!='in_chans'})
    (tmp_path/'config.json').write_text(json.dumps(dict(model_type='vit')))
    with pytest.raises(InputError, match='names no `architecture`'): described_model(f'local-dir:{tmp_path}')

def test_a_model_of_the_hub_without_a_network(offline):
    import ssl_course.upstream
    t = time.perf_counter()
    with pytest.raises(InputError, match='huggingface.co gave no answer within 1 s.*local-dir:FOLDER'): Encoder.from_timm('hf-hub:timm/resnet10t.c3_in1k', pretrained=True)
    assert time.perf_counter()-t<4

# --- does anybody answer? ---

class Refusal(BaseHTTPRequestHandler):
    def do_HEAD(self): self.send_error(403)
    def log_message(self, *args): pass

@pytest.mark.parametrize('proxy', [False, True])
def test_a_refusal_is_an_answer(proxy, monkeypatch):
    "Directly, and through the proxy that the environment names"
    from ssl_course.upstream import server_answers
    server = HTTPServer(('127.0.0.1', 0), Refusal)
    Thread(target=server.serve_forever, daemon=True).start()
    here = f'http://127.0.0.1:{server.server_port}'
    for name in ('http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY'): monkeypatch.delenv(name, raising=False)
    if proxy: monkeypatch.setenv('http_proxy', here)
    assert server_answers('http://huggingface.invalid' if proxy else here, 5)
    server.shutdown(); server.server_close()
    assert not server_answers(here, 5)

# --- some patches without the others ---

WITH_PATCHES = dict(test_vit={}, test_vit3={}, # the last two have register tokens, and a norm before the blocks
                     deit_tiny_distilled_patch16_224=dict(depth=2, img_size=64), deit3_small_patch16_224=dict(depth=2, img_size=64),
                    vit_small_patch14_reg4_dinov2=dict(depth=2, img_size=56), vit_base_patch32_clip_224=dict(depth=2, img_size=64))

@pytest.mark.parametrize('name', WITH_PATCHES)
def test_patches_alone_are_encoded_as_if_the_image_had_no_others(name):
    "All in another order give the same map in that order; some are those of the blocks by hand"
    from ssl_course.upstream import timm_body
    body = timm_body(name, **WITH_PATCHES[name]).eval()
    net,p = body.model,body.patch
    with torch.no_grad():
        for q in net.parameters(): q.add_(.02*torch.randn_like(q)) # positions are told apart
        x = torch.randn(2, 3, 4*p, 4*p)
        order = torch.stack([torch.randperm(16) for _ in range(2)])
        whole = body(x).flatten(2)
        mixed = torch.stack([m[:,o] for m,o in zip(whole, order)])
        assert body.hides_patches and torch.allclose(body(x, keep=order)[:,:,0], mixed, atol=1e-4)
        some = body(x, keep=order[:,:5])
        tokens = net._pos_embed(net.patch_embed(x))
        tokens = torch.cat([tokens[:,:body.prefix], torch.stack([t[body.prefix:][o[:5]] for t,o in zip(tokens, order)])], 1)
        by_hand = net.norm(net.blocks(net.norm_pre(tokens)))
    assert some.shape==(2, net.num_features, 1, 5) and not net.patch_drop._forward_hooks
    place = some[:,:,0]-some[:,:,0].mean(2, keepdim=True) # the shift of the map aside
    want = by_hand[:,body.prefix:].mT
    assert torch.allclose(place, want-want.mean(2, keepdim=True), atol=1e-4)

@pytest.mark.parametrize('name,args', [('swin_tiny_patch4_window7_224', dict(img_size=56)), ('mixer_s32_224', dict(img_size=64)), ('vit_tiny_r_s16_p8_224', {}), ('beit_base_patch16_224', dict(depth=1)), ('eva02_tiny_patch14_224', dict(depth=1))])
def test_what_needs_all_patches_says_so(name, args):
    from ssl_course.upstream import timm_body
    assert not getattr(timm_body(name, **args), 'hides_patches', False)
