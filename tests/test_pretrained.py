"The encoders of the package: made in pieces bit for bit, measured on the way, listed and loaded."
import json
from dataclasses import replace

import pytest
import torch

from ssl_course import pretrained
from ssl_course.encoder import Encoder
from ssl_course.encoder_file import read_tensors
from ssl_course.pretrain import pretext_tasks
from ssl_course.pretrained import ENCODER_PLANS,EncoderPlan,make_encoder,probe_curve
from ssl_course.utils import InputError

TINY = EncoderPlan('rotation', bs=8, images=32, epochs=8, steps=2, width=4, size=16)

@pytest.fixture
def quick(monkeypatch):
    "The measure, in a moment"
    monkeypatch.setattr(pretrained, 'probe_curve', lambda encoder, **_: {5: .5})

def made(folder, name='tiny', plan=TINY): return make_encoder(name, folder/'out', folder/'work', plan)

def test_stopped_and_continued_it_is_the_same(quick, tmp_path, monkeypatch):
    "A process that is killed after three epochs, and one that goes on"
    straight,_ = read_tensors(made(tmp_path/'a'))
    fit = pretrained.fit_resumable
    monkeypatch.setattr(pretrained, 'fit_resumable', lambda *args, **kw: fit(*args, stop_after=3, **kw))
    made(tmp_path/'b')
    monkeypatch.setattr(pretrained, 'fit_resumable', fit)
    pieces,card = read_tensors(made(tmp_path/'b'))
    assert straight.keys()==pieces.keys() and all(torch.equal(v, pieces[k]) for k,v in straight.items())
    assert [r['fraction'] for r in card['lineage'][-1]['curve']]==[1/8, 1/4, 1/2, 1]

def test_fractions_between_epochs_are_measured_at_the_next_end(quick, tmp_path):
    "An eighth and a quarter of six epochs: after the first and the second one"
    e = Encoder.load(made(tmp_path, plan=replace(TINY, epochs=6)))
    assert [r['fraction'] for r in e.card['lineage'][-1]['curve']]==[1/6, 2/6, 1/2, 1]

def test_card_says_how_it_was_made(quick, tmp_path):
    e = Encoder.load(made(tmp_path))
    last = e.card['lineage'][-1]
    assert (last['task'], last['data'], last['images'], last['epochs'], last['seed'])==('rotation', 'postcards', 32, 8, 1)
    assert last['plan']==json.loads(json.dumps(TINY.__dict__)) and last['seconds']>=0
    assert [r['images'] for r in last['curve']]==[16, 32, 64, 128] and last['curve'][-1]['accuracy']=={'5': .5}

def test_half_precision_is_half_the_size(quick, tmp_path):
    file = made(tmp_path)
    state,_ = read_tensors(file)
    assert {v.dtype for v in state.values()}=={torch.float16, torch.int64}
    assert {p.dtype for p in Encoder.load(file).parameters()}=={torch.float32}

def test_probe_curve_uses_no_image_of_pretraining(monkeypatch):
    "Postcards from number 1,000,000 on; a plan uses those below"
    from ssl_course.data.postcards import Postcards
    asked,images = [],Postcards.images
    monkeypatch.setattr(Postcards, 'images', lambda self, n, start=0, **kw: asked.append((start, start+n)) or images(self, n, start, **kw))
    curve = probe_curve(Encoder.small(width=4), size=16, labels=(1, 2), draws=2, pool=200, held_out=100)
    assert set(curve)=={1, 2} and all(0<a<1 for a in curve.values())
    assert len(asked)==3 and all(b<=c for (_,b),(c,_) in zip(sorted(asked), sorted(asked)[1:]))
    assert min(asked)[0]>=max(p.images for p in ENCODER_PLANS.values())

def test_plans_see_a_million_images():
    "At least a million pairs from at least 40,000 distinct postcards, with tasks that there are"
    for p in ENCODER_PLANS.values():
        assert p.epochs*p.steps*p.bs>=1_000_000 and p.images>=40_000
        pretext_tasks()[p.task](**p.args)

def test_unknown_names_are_refused(tmp_path):
    with pytest.raises(InputError, match="no encoder 'postcards-x'"): Encoder.pretrained('postcards-x')
    with pytest.raises(InputError, match="no encoder 'x'; there are postcards-simclr"): make_encoder('x', tmp_path)

def test_available_lists_what_can_be_loaded(quick, tmp_path, monkeypatch):
    from ssl_course import encoder
    monkeypatch.setattr(encoder, 'asset_path', lambda name: tmp_path/'out')
    assert len(Encoder.available())==0
    made(tmp_path, 'a'), made(tmp_path, 'b', replace(TINY, seed=2))
    t = Encoder.available()
    assert list(t.index)==['a', 'b'] and t.loc['a', '5 labels']==.5 and list(t.task)==['rotation']*2
    assert Encoder.pretrained('b').card['lineage'][-1]['seed']==2

def test_those_of_the_package_are_whole():
    "Each file there is was made by its plan, sees what its card says, and is small"
    from ssl_course.utils import asset_path
    for f in asset_path('encoders').glob('*.safetensors'):
        e = Encoder.pretrained(f.stem)
        assert e.card['lineage'][-1]['plan']==json.loads(json.dumps(ENCODER_PLANS[f.stem].__dict__)) and f.stat().st_size<3e6
        assert torch.isfinite(e(torch.rand(2, 3, 32, 32))).all()

def test_views_can_be_smaller_than_the_images(quick, tmp_path):
    "The card says so"
    plan = replace(TINY, task='simclr', args=dict(temp=.2), view=12)
    assert 'size=12' in Encoder.load(made(tmp_path, plan=plan)).card['lineage'][-1]['views']
