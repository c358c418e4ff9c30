"What a notebook cell can't check well of `report`: values worked out another way, where attention lies, and pages about every kind of model."
import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import classification_report
from torch import nn

from helpers import small_encoder,some_images
from ssl_course.compute import seeded
from ssl_course.data.imageset import ImageSet
from ssl_course.encoder import Encoder
from ssl_course.heads import Classify,MultiLabel,Regress,Segment
from ssl_course.model import TransferModel
from ssl_course.report import CARD_SECTIONS,Platt,cheapest_threshold,cost_at,cost_curve,model_card
from ssl_course.report import _worst,attention_maps,calibration,calibration_error,class_scores,model_sections,report_path,surest_mistakes,write_model_report
from ssl_course.utils import InputError

needs_grad_cam = lambda: pytest.importorskip('pytorch_grad_cam', reason="pip install 'ssl_course[report]'")

def untrained(head, encoder=None, seed=0):
    "A model that predicts various things: heads begin with zeros"
    with seeded(seed):
        model = TransferModel(encoder or small_encoder(), head).eval()
        if hasattr(head, 'linear'): nn.init.normal_(head.linear.weight, std=3.)
    return model

def page(tmp_path, model, images):
    write_model_report(tmp_path/'p.html', model, images)
    return (tmp_path/'p.html').read_text(encoding='utf-8')

def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y,p = rng.integers(0, 4, (2, 300))
    t,theirs = class_scores(y, p, 'abcd'),classification_report(y, p, output_dict=True)
    for i,name in enumerate('abcd'): assert np.allclose(t.loc[name].tolist(), [theirs[str(i)][k] for k in ('precision', 'recall', 'f1-score', 'support')])
    assert np.allclose(t.iloc[-1, :3].tolist(), [theirs['macro avg'][k] for k in ('precision', 'recall', 'f1-score')]) and t.images.iloc[-1]==300

def test_a_single_tag_is_no_pair_of_classes():
    y,p = np.zeros((10, 1), bool),np.zeros((10, 1), bool)
    y[:2],p[1:2] = True,True
    assert class_scores(y, p, ['a']).loc['a'].tolist()==[1., .5, 2/3, 2]

def test_calibration_of_a_forecaster_that_is_right():
    "Right as often as it says: the error is what chance leaves; too sure by a fifth: a fifth"
    rng = np.random.default_rng(0)
    c = rng.uniform(.3, .8, 50_000)
    right = rng.random(50_000)<c
    assert calibration_error(calibration(right, c))<.01 and abs(calibration_error(calibration(right, c+.2))-.2)<.01
    t = calibration(right, c)
    assert t.images.sum()==50_000 and len(t)==5 and (t.confidence.diff()[1:]>0).all()

def test_probabilities_beyond_one_by_rounding():
    assert calibration_error(calibration([True], np.float32([1+1e-6])))<1e-5

def test_no_mistakes():
    assert len(surest_mistakes(np.array([1, 0]), np.array([[.2, .8], [.9, .1]])))==0

class Bright(nn.Module):
    "Features are the brightness of 8×8 blocks, and the darkness"
    def forward(self, x):
        b = nn.functional.avg_pool2d(x[:, :1], 8)
        return torch.cat([b, -b], 1).clamp(min=0)

@pytest.mark.parametrize('frozen', [False, True])
def test_attention_lies_where_the_evidence_is(frozen):
    "One class is bright, the other dark: each is seen at its own corner. A frozen encoder needs no gradients of its weights"
    needs_grad_cam()
    x = np.full((2, 32, 32, 3), 128, np.uint8)
    x[:, :8, :8],x[:, 24:, 24:] = 255,0
    encoder = Encoder(Bright(), n_features=2)
    model = TransferModel(encoder, Classify(['bright', 'dark']))
    model.head.linear.weight.data = torch.eye(2)*5
    model.requires_grad_(not frozen)
    model.train()
    maps = attention_maps(model, x, [0, 1], bs=1)
    assert maps.shape==(2, 32, 32) and maps.min()>=0 and maps.max()<=1
    assert maps[0, :8, :8].mean()>.7 and maps[0, 24:, 24:].mean()<.1 and maps[1, 24:, 24:].mean()>.7 and maps[1, :8, :8].mean()<.1
    assert model.training and encoder.precision is None and all(p.grad is None for p in model.parameters())

@pytest.mark.parametrize('make', [lambda: Encoder.vit_tiny(size=16, width=48, depth=1, heads=3), lambda: Encoder.vit_tiny(size=16, width=48, depth=1, heads=3, pool='class')])
def test_attention_of_transformers(make):
    needs_grad_cam()
    s = some_images(5, 3, size=16)
    maps = attention_maps(untrained(Classify(s.vocab), make()), s, s.y)
    assert maps.shape==(5, 16, 16) and np.isfinite(maps).all() and maps.std()>0

def test_page_about_classes(tmp_path):
    "Names are escaped, a class without images is no obstacle, and nothing is loaded from elsewhere"
    s = some_images(40, 3, size=16)
    s = ImageSet(s.x, s.y, ['<b>', 'b', 'c'])
    vocab = ['c', 'never', '<b>', 'b'] # in another order
    text = page(tmp_path, untrained(Classify(vocab)), s)
    assert '<b>' not in text.replace('<b>', '', 0).split('<body')[0] and '&lt;b&gt;' in text
    sources = re.findall(r'src="([^"]{0,30})', text)
    assert len(sources)>10 and all(o.startswith('data:image/') for o in sources) and '<script' not in text
    for part in ('Which classes it confuses', 'Class by class', 'trusted?', 'surest mistakes', 'looks at', 'Always'): assert part in text
    assert text.count('<table')==1 and len(text)<2e6

def test_page_without_grad_cam_says_how_to_get_it(tmp_path, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, 'pytorch_grad_cam', None)
    s = some_images(40, 3, size=16)
    assert 'pip install &#x27;ssl_course[report]&#x27;' in page(tmp_path, untrained(Classify(s.vocab)), s)

def test_many_classes_have_no_matrix(tmp_path):
    s = some_images(60, 0, size=16)
    s = ImageSet(s.x, np.arange(60)%40, [f'k{i}' for i in range(40)])
    text = page(tmp_path, untrained(Classify(s.vocab)), s)
    assert 'Confusion matrix' not in text and text.count('<table')==2

@pytest.mark.parametrize('kind', ['tags', 'regression', 'mask'])
def test_page_about_other_labels(tmp_path, kind):
    rng = np.random.default_rng(0)
    y = dict(tags=rng.random((30, 2))<.5, regression=rng.random((30, 2)).astype(np.float32), mask=rng.integers(0, 2, (30, 16, 16), dtype=np.uint8))[kind]
    s = ImageSet(some_images(30, 0, size=16).x, y, ['u', 'v'])
    text = page(tmp_path, untrained(dict(tags=MultiLabel, regression=Regress, mask=Segment)[kind](['u', 'v'])), s)
    assert 'The largest errors' in text and ('Tag by tag' in text)==(kind=='tags') and 'Grad-CAM' not in text

def test_largest_errors_come_first():
    s = ImageSet(some_images(300, 0, size=8).x, np.zeros((300, 1), np.float32), ['v'])
    s.y[[7, 280]] = [[5.], [9.]]
    model = TransferModel(small_encoder(), Regress(['v'])) # it says 0
    assert _worst(model, s, 2).tolist()==[280, 7]

def test_what_is_refused(tmp_path):
    s = some_images(20, 3, size=16)
    model = untrained(Classify(['a', 'b']))
    with pytest.raises(InputError, match='never shown'): write_model_report(tmp_path/'p.html', model, s)
    with pytest.raises(InputError, match='no labels'): model_sections(model, s.unlabeled())
    assert not any(tmp_path.iterdir())

def test_report_lies_beside_the_model(): assert report_path('runs/m.safetensors').as_posix()=='runs/m.report.html'

# --- costs, calibration, cards ---

@pytest.mark.parametrize('seed', range(3))
def test_cost_curve_is_what_counting_gives(seed):
    rng = np.random.default_rng(seed)
    truth,prob = rng.random(60)<.3,rng.integers(0, 20, 60)/20 # with ties
    t = cost_curve(truth, prob, miss=7, alarm=2)
    for r in t.to_dict('records'):
        missed,alarms = sum(a and p<r['threshold'] for a,p in zip(truth, prob)),sum(not a and p>=r['threshold'] for a,p in zip(truth, prob))
        assert (r['missed'], r['alarms'])==(missed, alarms) and r['cost']==pytest.approx((7*missed+2*alarms)/60)
        assert cost_at(truth, prob, r['threshold'], 7, 2)==dict(missed=missed, alarms=alarms, cost=pytest.approx(r['cost']))
    best = min(cost_at(truth, prob, c, 7, 2)['cost'] for c in [*prob, 2.])
    assert cost_at(truth, prob, cheapest_threshold(t), 7, 2)['cost']==pytest.approx(best)

def test_the_formula_is_right_for_true_probabilities():
    "With many images no threshold is much cheaper than alarm/(alarm+miss)"
    rng = np.random.default_rng(0)
    prob = rng.random(20_000)
    truth = rng.random(20_000)<prob
    least = cost_curve(truth, prob, 10, 1).cost.min()
    assert cost_at(truth, prob, 1/11, 10, 1)['cost']<least+.01

def test_no_alarm_at_all_may_be_cheapest():
    assert cheapest_threshold(cost_curve([1, 0, 0], [.1, .8, .9], miss=1, alarm=10))==np.inf

def test_platt_keeps_the_order_and_learns_how_rare():
    rng = np.random.default_rng(1)
    truth = rng.random(3000)<.05
    logit = 2*rng.standard_normal(3000)+3*truth
    prob = 1/(1+np.exp(-logit))
    better = Platt(truth[:2000], prob[:2000])(prob[2000:])
    assert abs(better.mean()-truth[2000:].mean())<.02<.2<abs(prob[2000:].mean()-truth[2000:].mean())
    assert (np.argsort(better)==np.argsort(prob[2000:])).all()
    assert np.isfinite(Platt([0, 1, 1, 0], [0., 1., .9, .2])([0., 1.])).all()

@pytest.mark.parametrize('gone', CARD_SECTIONS)
def test_a_card_without_a_section_is_refused(gone):
    said = dict.fromkeys(CARD_SECTIONS, 'something')
    assert '## Where it fails\n\nsomething' in model_card('m', said)
    for v in ({k: t for k,t in said.items() if k!=gone}, said|{gone: ''}):
        with pytest.raises(InputError, match=gone): model_card('m', v)

def test_a_card_shows_tables_and_lineage():
    said = dict.fromkeys(CARD_SECTIONS, 'something')|{'Measured on': pd.DataFrame(dict(accuracy=[.51234]), index=['cells'])}
    card = model_card('m', said, [dict(task='simclr', lr=.003, versions=dict(torch='2'))])
    assert '| cells | 0.512 |' in card and card.endswith('## How it was made\n\n* task simclr, lr 0.003\n')

def test_calibration_needs_both_classes():
    with pytest.raises(InputError, match='one class'): Platt([1, 1], [.2, .9])
