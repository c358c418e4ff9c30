"What fastai users expect of a Learner, with each head; and model files."

from functools import partial

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from fastai.callback.mixup import CutMix,MixUp
from fastai.callback.tracker import EarlyStoppingCallback,SaveModelCallback
from fastai.interpret import ClassificationInterpretation,Interpretation
from fastai.learner import load_learner
from fastai.losses import LabelSmoothingCrossEntropy
from matplotlib import pyplot as plt

from ssl_course.compute import seeded
from ssl_course.data.imageset import ImageSet
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.finetune import careful,run_recipe
from ssl_course.heads import Classify,Head,MultiLabel,Regress,Segment,linear_head
from ssl_course.model import HeadLoss,TransferModel,transfer_learner
from ssl_course.pretrain import learner_folder
from ssl_course.registry import heads,register
from ssl_course.utils import InputError
from ssl_course.views import color_views,mild_views

matplotlib.use('agg')
HEADS = dict(object=Classify, tags=MultiLabel, mask=Segment, position=Regress)

class Drawn(dict):
    "Images with labels of a kind, drawn when a test asks for them: collecting the tests draws none"
    def __missing__(self, target):
        self[target] = Postcards(size=32, seed=3).images(40, target=('x', 'y') if target=='position' else target)
        return self[target]

IMAGES = Drawn()

@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    "A working folder and a cache of its own, and no figure left open"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    yield
    plt.close('all')

def learner(target, views=None, **kwargs):
    images = IMAGES[target]
    with seeded(0):
        l = transfer_learner(images.dls(valid=images, bs=20, views=views), Encoder.small(width=8), HEADS[target](images.vocab), **kwargs)
        l.encoder.precision = torch.float32
        with l.no_bar(), l.no_logging(): l.fit(2, 1e-2)
    l.remove_cb(l.progress)
    l.logger = print
    return l

@pytest.fixture(scope='module')
def learners(tmp_path_factory):
    with pytest.MonkeyPatch.context() as m:
        m.setenv('SSL_COURSE_HOME', str(tmp_path_factory.mktemp('home')))
        return {t: learner(t) for t in HEADS}

every_head = pytest.mark.parametrize('target', HEADS)
def state(l): return {k: v.clone() for k,v in l.model.state_dict().items()}
def same(a, b): return a.keys()==b.keys() and all(torch.equal(v, b[k]) for k,v in a.items())

# --- predictions ---

@every_head
def test_predict_reads_files_images_and_arrays(learners, target, tmp_path):
    l,images = learners[target],IMAGES[target]
    answers,_ = l.model.predict(images)
    Image.fromarray(images.x[7]).save(tmp_path/'card.png')
    for item in (images.x[7], Image.fromarray(images.x[7]), tmp_path/'card.png', str(tmp_path/'card.png')):
        decoded,answer,output = l.predict(item)
        np.testing.assert_allclose(np.asarray(answer, np.float32), answers[7], atol=1e-5)
    p = output.numpy()
    if target=='object': assert decoded==images.vocab[answers[7]] and abs(p.sum()-1)<1e-5 and p.argmax()==answers[7]
    if target=='tags': assert list(decoded)==[v for v,on in zip(images.vocab, answers[7]) if on] and p.shape==(len(images.vocab),)
    if target=='mask': assert decoded.shape==(32, 32) and p.shape==(2, 32, 32)
    if target=='position': assert isinstance(decoded, tuple) and np.allclose(decoded, answers[7]) and str(decoded).startswith('x ')

def test_predict_scales_and_crops_like_a_folder_of_files(learners, tmp_path):
    "A large photograph, grey or with transparency, gets the size that the model was trained on"
    l,big = learners['object'],Postcards(size=96, seed=3).images(1).x[0]
    Image.fromarray(np.pad(big, ((0, 0), (20, 20), (0, 0)))).save(tmp_path/'wide.png')
    read = ImageSet.from_folder(tmp_path, size=32, labels=False).x[0]
    wide = Image.open(tmp_path/'wide.png')
    expected = l.predict(np.array(read))[2]
    for item in (tmp_path/'wide.png', wide, np.asarray(wide), wide.convert('RGBA')): assert torch.equal(l.predict(item)[2], expected)
    assert torch.allclose(l.predict(wide.convert('L'))[2], l.predict(np.asarray(wide.convert('L')))[2])

BAD = [(np.zeros((32, 32, 3)), 'must be uint8'), (np.zeros((3, 32, 32), np.uint8), 'must be uint8'), (np.zeros((0, 4, 3), np.uint8), 'must be uint8'),
       (torch.zeros(3, 32, 32), "Can't predict a Tensor"), (None, "Can't predict a NoneType"), ('nowhere.jpg', 'no such file'), (ImageSet(np.zeros((2, 32, 32, 3), np.uint8)), 'dls.test_dl')]

@pytest.mark.parametrize('item,said', BAD, ids=[s for _,s in BAD])
def test_predict_refuses_in_a_sentence(learners, item, said):
    with pytest.raises(InputError, match=said): learners['object'].predict(item)

def test_predict_of_a_file_that_is_no_image(learners, tmp_path):
    (tmp_path/'a.jpg').write_text('hello')
    with pytest.raises(InputError, match='it begins .hello'): learners['object'].predict(tmp_path/'a.jpg')

@every_head
def test_get_preds_keeps_order_and_takes_everything(learners, target):
    l,images = learners[target],IMAGES[target]
    answers,_ = l.model.predict(images)
    for items in (images, images.x, list(images.x), [Image.fromarray(x) for x in images.x]):
        dl = l.dls.test_dl(items, bs=16)
        assert not dl.shuffle and not dl.drop_last and len(dl)==3 and len(dl.one_batch())==1
        preds,labels,decoded = l.get_preds(dl=dl, with_decoded=True)
        assert labels is None and np.allclose(np.asarray(decoded, np.float32), answers, atol=1e-5)
    preds,labels,losses = l.get_preds(dl=l.dls.test_dl(images, with_labels=True), with_loss=True)
    assert torch.equal(labels, torch.from_numpy(images.y).to(labels.dtype))
    assert losses.shape==(40,) and losses.mean().item()==pytest.approx(l.validate()[0], rel=1e-4)

def test_predictions_take_no_augmentation():
    l = learner('object', views=lambda x: x*0)
    assert torch.equal(l.get_preds()[0], l.get_preds(dl=l.dls.test_dl(IMAGES['object']))[0])
    assert l.get_preds()[0].std(0).max()>0 and l.dls.train.one_batch()[0].max()==0

def test_training_images_come_once_and_in_order():
    images = IMAGES['object']
    l = transfer_learner(images.dls(valid=images, bs=16, steps=7), Encoder.small(width=8), Classify(images.vocab))
    with l.no_bar(): assert torch.equal(l.get_preds(ds_idx=0)[1], torch.from_numpy(images.y))

def test_labels_go_by_name(learners):
    images,dls = IMAGES['object'],learners['object'].dls
    turned = ImageSet(images.x, 9-images.y, images.vocab[::-1])
    assert torch.equal(torch.cat([y for _,y in dls.test_dl(turned, with_labels=True)]), torch.from_numpy(images.y))
    with pytest.raises(InputError, match='never shown'): dls.test_dl(ImageSet(images.x, images.y, ['x', *images.vocab[1:]]), with_labels=True)
    with pytest.raises(InputError, match="of the kind 'mask'"): dls.test_dl(IMAGES['mask'], with_labels=True)
    with pytest.raises(InputError, match='Only an `ImageSet` brings labels'): dls.test_dl(images.x, with_labels=True)
    with pytest.raises(InputError, match='load both at one size'): dls.test_dl(Postcards(size=16, seed=1).images(2))
    with pytest.raises(InputError, match='no images'): dls.test_dl([])

def test_gray_images():
    gray = ImageSet(IMAGES['object'].x.mean(3, keepdims=True).astype(np.uint8), IMAGES['object'].y, IMAGES['object'].vocab)
    l = transfer_learner(gray.dls(valid=gray, bs=20), Encoder.small(width=8, channels=1), Classify(gray.vocab))
    with l.no_bar():
        p = l.predict(gray.x[0])[2]
        for item in (gray.x[0, ..., 0], Image.fromarray(gray.x[0, ..., 0]), Image.fromarray(gray.x[0].repeat(3, 2))): assert torch.equal(l.predict(item)[2], p)

# --- figures and interpretation ---

@every_head
def test_show(learners, target):
    l = learners[target]
    rows = 1+(target=='mask')
    assert len(l.show_results(max_n=3).axes)==3*rows and len(l.show_results(ds_idx=0, max_n=2, shuffle=False).axes)==2*rows
    assert len(l.show_results(dl=l.dls.test_dl(IMAGES[target].take([0, 1]), with_labels=True)).axes)==2*rows
    l.dls.show_batch(max_n=4)
    assert len(plt.gcf().axes)==4

@every_head
def test_interpretation(learners, target):
    l = learners[target]
    interp = Interpretation.from_learner(l)
    losses,which,items = interp.top_losses(3, items=True)
    assert losses[0]==interp.losses.max() and np.array_equal(items.x, IMAGES[target].x[which])
    interp.plot_top_losses(4)
    interp.show_results([0, 1])
    assert plt.get_fignums()

def test_classification_interpretation(learners):
    l = learners['object']
    interp = ClassificationInterpretation.from_learner(l)
    m,guess = interp.confusion_matrix(),l.model.predict(IMAGES['object'])[0]
    for i in range(10):
        for j in range(10): assert m[i, j]==((IMAGES['object'].y==i)&(guess==j)).sum()
    interp.plot_confusion_matrix()
    assert [t.get_text() for t in plt.gca().get_xticklabels()]==list(IMAGES['object'].vocab)
    a,b,n = interp.most_confused()[0]
    assert a!=b and {a, b}<=set(IMAGES['object'].vocab) and n==max(m[i, j] for i in range(10) for j in range(10) if i!=j)

@every_head
def test_losses_of_items(learners, target):
    "Each is the loss of a batch of one; their mean is the loss of the batch"
    l = learners[target]
    l.model.eval()
    x,y = l.dls.valid.one_batch()
    with torch.no_grad(): pred = l.model(x)
    each = HeadLoss(l.model.head, 'none')(pred, y)
    assert each.shape==(len(x),) and each[3].item()==pytest.approx(l.loss_func(pred[3:4], y[3:4]).item(), rel=1e-5)
    assert each.mean().item()==pytest.approx(l.loss_func(pred, y).item(), rel=1e-4)

# --- fastai's tools and callbacks ---

@every_head
def test_lr_find_changes_nothing(target):
    l = learner(target)
    before,lineage,lr = state(l),l.encoder.lineage,l.record_lineage.max_lr
    l.lr_find(num_it=8, show_plot=False)
    assert same(state(l), before) and l.encoder.lineage==lineage and l.record_lineage.max_lr==lr
    assert not list((learner_folder()/'models').rglob('*.pth'))

def test_lr_find_ends_when_the_loss_explodes():
    l = learner('object')
    before = state(l)
    l.lr_find(start_lr=1e-3, end_lr=1e30, num_it=40, show_plot=False, suggest_funcs=None, stop_div=False)
    assert same(state(l), before) and len(l.recorder.losses)<40 and np.isfinite(l.recorder.losses).all()

@every_head
def test_summary(learners, target): assert 'Total params' in str(learners[target].summary())

@pytest.mark.parametrize('mix', [MixUp, CutMix])
@every_head
def test_mixup(target, mix):
    l = learner(target)
    l.fit(1, 1e-3, cbs=mix())
    assert np.isfinite(l.recorder.losses).all() and l.loss_func.reduction=='mean' and isinstance(l.loss_func, HeadLoss)

def test_mixup_against_the_formula():
    "λ·loss(pred, y) + (1−λ)·loss(pred, y of the partner), the mean over the batch"
    l,seen = learner('object'),[]
    class Look(MixUp):
        def lf(self, pred, *yb):
            loss = super().lf(pred, *yb)
            ce = partial(torch.nn.functional.cross_entropy, reduction='none', label_smoothing=.1)
            seen.append((loss.item(), (self.lam*ce(pred, *yb)+(1-self.lam)*ce(pred, *self.yb1)).mean().item()))
            return loss
    l.fit(1, 1e-3, cbs=Look())
    assert len(seen)==2
    for a,b in seen: assert a==pytest.approx(b, rel=1e-5)

def test_another_loss_and_other_metrics():
    from fastai.metrics import error_rate
    l = learner('object', loss_func=LabelSmoothingCrossEntropy(eps=.2), metrics=error_rate)
    assert l.recorder.metric_names[-2]=='error_rate'
    assert torch.allclose(l.predict(IMAGES['object'].x[0])[2].sum(), torch.tensor(1.))
    ClassificationInterpretation.from_learner(l).plot_top_losses(2)

@every_head
def test_tta(target):
    l = learner(target, views=color_views())
    plain = l.get_preds()[0]
    with seeded(1): preds,labels = l.tta(n=2)
    assert preds.shape==plain.shape and not torch.equal(preds, plain) and torch.equal(labels, l.get_preds()[1])
    assert torch.equal(l.get_preds()[0], plain) # validation images are as they were
    assert torch.equal(l.tta(n=2, beta=1.)[0], plain)

def test_tta_refuses_masks_that_move():
    with pytest.raises(InputError, match='views=color_views'): learner('mask', views=mild_views()).tta()

def test_callbacks_that_keep_the_best():
    l = learner('object')
    l.fit(4, 1e-12, cbs=[SaveModelCallback(min_delta=1), EarlyStoppingCallback(min_delta=1, patience=1)])
    assert len(l.recorder.values)==2 and l.encoder.lineage[-1]['epochs']==2+2
    assert (learner_folder()/'models'/'model.pth').exists()

def test_half_precision_does_not_crash():
    l = learner('object').to_fp16()
    l.fit(1, 1e-3)
    l.to_fp32().fit(1, 1e-3)
    assert np.isfinite(l.recorder.losses).all()

def test_recipes_are_a_method():
    a,b = learner('object'),learner('object')
    with seeded(0): assert a.fine_tune_with(careful(epochs=2), quiet=True) is a
    with seeded(0): run_recipe(b, careful(epochs=2), quiet=True)
    assert same(state(a), state(b))
    a.fine_tune(1)

def test_head_is_reached(learners): assert learners['object'].head is learners['object'].model.head

# --- learners as files ---

@every_head
def test_export_and_load(learners, target, tmp_path):
    l = learners[target]
    file = l.export('out.pkl')
    assert file==tmp_path/'out.pkl' and file.stat().st_size<2_000_000
    again = load_learner('out.pkl')
    for x in IMAGES[target].x[:2]:
        for a,b in zip(l.predict(x)[1:], again.predict(x)[1:]): assert torch.equal(a, b)
    assert str(again.predict(x)[0])==str(l.predict(x)[0]) and again.encoder.lineage==l.encoder.lineage
    preds = again.get_preds(dl=again.dls.test_dl(IMAGES[target], with_labels=True))
    assert torch.equal(preds[0], l.get_preds()[0]) and torch.equal(preds[1], l.get_preds()[1])
    l.fit(1, 1e-9) # goes on, with its images

def test_export_with_views_and_bridges():
    images = IMAGES['mask']
    l = transfer_learner(images.dls(valid=images, bs=20, views=mild_views()), Encoder.small(width=8), Segment(images.vocab, 'unet'))
    with l.no_bar(): assert torch.equal(load_learner(l.export('unet.pkl')).predict(images.x[0])[2], l.predict(images.x[0])[2])

@every_head
def test_save_and_load(target):
    l = learner(target)
    file,before = l.save('stage-1'),state(l)
    assert file==learner_folder()/'models'/'stage-1.pth'
    with seeded(4): l.fit(1, 1e-2)
    after = state(l)
    assert not same(after, before)
    assert same(state(l.load('stage-1')), before)
    other = learner(target)
    other.load('stage-1')
    with seeded(4): other.fit(1, 1e-2) # the optimiser came along
    assert same(state(other), after)

# --- model files ---

@every_head
def test_heads_learn_and_survive_a_file(target, tmp_path):
    "Each head overfits twenty images better than it began, and the file gives the same answers"
    images = IMAGES[target].take(range(20))
    torch.manual_seed(0)
    file = Encoder.small(width=8).save(tmp_path/'e.safetensors')
    learn = transfer_learner(images.dls(valid=images, bs=20, steps=25), file, HEADS[target](images.vocab))
    with learn.no_bar(), learn.no_logging():
        begin = learn.validate()[0]
        learn.fit_one_cycle(1, 1e-2)
        assert learn.validate()[0]<begin
    again = TransferModel.load(learn.model.save(tmp_path/'m.safetensors'))
    a,b = learn.model.predict(images)[0],again.predict(images)[0]
    assert np.allclose(a, b, atol=1e-5) and again.label(images).kind==images.kind
    assert again.encoder.lineage==learn.encoder.lineage and len(again.encoder.lineage)==1
    assert learn.model.score(images).keys()=={m.name for m in learn.metrics}

class WideClassify(Head):
    "A head from outside, with arguments"
    kind = 'class'
    def __init__(self, vocab, width=8, drop=.1):
        super().__init__()
        self.vocab,self.width,self.drop = tuple(vocab),width,drop
    def setup(self, encoder):
        self.norm,_ = linear_head(encoder, 2)
        self.layers = torch.nn.Sequential(torch.nn.Linear(encoder.n_features, self.width), torch.nn.ReLU(), torch.nn.Linear(self.width, len(self.vocab)))
    def forward(self, features): return self.layers(self.norm(features.mean((2, 3))))
    def loss(self, pred, target): return torch.nn.functional.cross_entropy(pred, target)
    def answers(self, pred): return pred.argmax(1),pred.softmax(1)

def test_a_head_of_ones_own(tmp_path):
    images = IMAGES['object']
    l = transfer_learner(images.dls(valid=images, bs=20), Encoder.small(width=8), WideClassify(images.vocab, width=4))
    with l.no_bar(), l.no_logging(): l.fit(1, 1e-2)
    assert {k: l.encoder.lineage[0][k] for k in ('width', 'drop')}==dict(width=4, drop=.1)
    with pytest.raises(InputError, match='WideClassify is not registered'): l.model.save(tmp_path/'m.safetensors')
    assert not (tmp_path/'m.safetensors').exists()
    try:
        register(WideClassify)
        again = TransferModel.load(l.model.save(tmp_path/'m.safetensors'))
        assert again.head.width==4 and np.array_equal(again.predict(images)[0], l.model.predict(images)[0])
    finally: heads.pop('wide_classify', None)
    with pytest.raises(InputError, match="no head 'wide_classify'"): TransferModel.load(tmp_path/'m.safetensors')

def test_a_learner_is_no_model_file(tmp_path):
    "A pickle by `export` or `save` is refused by `TransferModel.load`, and not executed"
    l = learner('object')
    for file in (l.export('l.pkl'), l.save('stage-1')):
        with pytest.raises(InputError, match='it is a pickle'): TransferModel.load(file)

def test_images_that_do_not_suit():
    "Another number of channels is refused; another size is said"
    cards = Postcards(size=48, seed=1).images(40)
    dls = cards.dls(valid=cards, bs=20)
    with pytest.raises(InputError, match='takes images with 1 channel'): transfer_learner(dls, Encoder.small(channels=1, width=8), Classify(cards.vocab))
    e = Encoder.small(width=8)
    e.lineage = [dict(size=32)]
    with pytest.warns(UserWarning, match='was trained on 32'): transfer_learner(dls, e, Classify(cards.vocab))
