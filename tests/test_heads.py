"Metrics of heads against other implementations, and heads described as plain values."
import json

import numpy as np
import pytest
import torch
from fastai.metrics import JaccardCoeffMulti,accuracy,mae
from sklearn.metrics import average_precision_score,jaccard_score,r2_score as sk_r2_score

from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.heads import (Classify,Head,MultiLabel,Regress,Segment,build_head,head_for,mean_average_precision,mean_iou,
    r2_score,saved_spec)
from ssl_course.model import TransferModel
from ssl_course.registry import heads,register
from ssl_course.utils import InputError

RNG = np.random.default_rng(0)

# --- metrics ---

def test_average_precision_is_sklearns():
    p,t = RNG.normal(size=(50, 6)),RNG.random((50, 6))<.3
    assert mean_average_precision(torch.from_numpy(p), torch.from_numpy(t))==pytest.approx(average_precision_score(t, p, average='macro'))
    t[:, 0],t[:, 1] = False,True # which can't be ranked wrong
    assert mean_average_precision(torch.from_numpy(p), torch.from_numpy(t))==pytest.approx(average_precision_score(t[:, 2:], p[:, 2:], average='macro'))
    assert np.isnan(mean_average_precision(torch.zeros(4, 2), torch.zeros(4, 2)))

def test_r2_is_sklearns():
    p,t = RNG.normal(size=(50, 3)),RNG.normal(size=(50, 3))
    assert r2_score(torch.from_numpy(p), torch.from_numpy(t))==pytest.approx(sk_r2_score(t, p))
    t = torch.rand(9, 1)
    assert r2_score(t, t)==1 and r2_score(t.mean().expand(9, 1), t)==pytest.approx(0, abs=1e-6)
    assert r2_score(t[:, 0], t[:, 0])==1

def test_iou_is_sklearns_and_fastais():
    pred,mask = torch.from_numpy(RNG.normal(size=(6, 3, 8, 8))),torch.from_numpy(RNG.integers(0, 3, (6, 8, 8)))
    guess = pred.argmax(1).numpy().ravel()
    assert mean_iou(pred, mask)==pytest.approx(jaccard_score(mask.numpy().ravel(), guess, labels=[1, 2], average='macro'))
    theirs = JaccardCoeffMulti(axis=1) # counts the background, too
    theirs.reset()
    theirs.inter,theirs.union = ({i: int(f(guess==i, mask.numpy().ravel()==i).sum()) for i in (1, 2)} for f in (np.logical_and, lambda a,b: a*1+b))
    assert mean_iou(pred, mask)==pytest.approx(theirs.value)
    assert np.isnan(mean_iou(torch.tensor([[[[9.]], [[0.]]]]), torch.zeros(1, 1, 1))) # no foreground, nothing to measure

def test_the_other_metrics_are_fastais(): assert Classify.measures==(accuracy,) and mae in Regress.measures

@pytest.mark.parametrize('target', ['object', 'tags', 'mask', ('x', 'y')], ids=str)
def test_score_is_what_a_training_prints(target):
    images = Postcards(size=32, seed=1).images(40, target=target)
    from ssl_course.model import transfer_learner
    l = transfer_learner(images.dls(valid=images, bs=8), Encoder.small(width=8), head_for(images))
    with l.no_bar(), l.no_logging(): l.fit(1, 1e-2)
    score = l.model.score(images)
    assert list(score)==[m.name for m in l.metrics] and list(score.values())==pytest.approx(list(l.recorder.values[-1][2:]), rel=1e-4)

# --- descriptions ---

SPECS = [Classify(('a', 'b')), Classify(3, smoothing=0.), MultiLabel(('wet', 'dark')), Regress(), Regress(('x', 'y'), (0, 1)), Regress(2, [(-1, 1), (0, 5)]),
         Segment(), Segment(('sky', 'car'), 'unet')]

@pytest.mark.parametrize('head', SPECS, ids=lambda h: str(h.spec()))
def test_a_head_is_built_again_from_json(head):
    spec = json.loads(json.dumps(saved_spec(head)))
    again = build_head(spec)
    assert type(again) is type(head) and again.spec()==spec and again.vocab==head.vocab
    a,b = (TransferModel(Encoder.small(width=8), h).state_dict() for h in (head, again))
    assert {k: v.shape for k,v in a.items()}=={k: v.shape for k,v in b.items()}

def test_names_are_short_and_known(): assert {'classify', 'multilabel', 'regress', 'segment'}<=heads.keys()

def test_what_a_file_cannot_hold_is_said_when_saving():
    class Odd(Classify):
        def __init__(self, vocab, act=None):
            super().__init__(vocab)
            self.act = act
    with pytest.raises(InputError, match='Odd is not registered'): saved_spec(Odd(2))
    try:
        register(Odd)
        assert saved_spec(Odd(2))==dict(head='odd', vocab=2, act=None)
        with pytest.raises(InputError, match='act=ReLU'): saved_spec(Odd(2, torch.nn.ReLU()))
    finally: heads.pop('odd', None)

def test_a_head_that_is_half_written():
    for call in (lambda h: h(None), lambda h: h.loss(None, None), lambda h: h.answers(None)):
        with pytest.raises(TypeError, match='write its method'): call(Head())

@pytest.mark.parametrize('spec,said', [(dict(head='detect'), 'no head'), ({}, 'no head'), (dict(head='classify'), "can't be built"),
    (dict(head='segment', vocab=2, decoder='big'), "must be 'light'"), (dict(head='classify', vocab=2, size=3), "can't be built")])
def test_foreign_descriptions(spec, said):
    with pytest.raises(InputError, match=said): build_head(spec)
