"Encoders of several sources, copied, saved and loaded; what their files say of them; architectures of one's own."
import copy,json,pickle

import pytest
import torch
from safetensors import safe_open
from torch import nn

from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder,conv_bn,encoder_card
from ssl_course.encoder_file import read_card,read_tensors,write_tensors
from ssl_course.heads import Classify
from ssl_course.model import TransferModel
from ssl_course.pretrain import pretext_learner
from ssl_course.pretext.simclr import SimCLR
from ssl_course.registry import architectures,register
from ssl_course.utils import InputError,sha256_file

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
