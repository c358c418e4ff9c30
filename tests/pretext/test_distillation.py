"Distillation: the target is the teacher's own embedding, the teacher never moves, and the student comes nearer to it."
import numpy as np
import pytest
import torch

from equations import images,near
from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards
from ssl_course.encoder import Encoder
from ssl_course.pretext.distillation import Distillation,variance_explained
from ssl_course.pretrain import pretext_learner
from ssl_course.utils import InputError

def teacher():
    with seeded(4): return Encoder.small(width=8)

def test_the_target_is_the_standardised_embedding_of_the_same_view():
    t = teacher().eval()
    task,x = Distillation(t),images()
    with torch.no_grad(): view,target = task.make(x)
    with torch.no_grad(): z = t(view).numpy()
    assert view.shape==x.shape and not torch.equal(view, x)
    assert np.allclose(target.numpy(), (z-z.mean(0))/np.sqrt(z.var(0)+1e-5), atol=1e-4)
    task.eval()
    assert torch.equal(task.make(x)[0], x), 'validation sees images as they are'

def test_variance_explained():
    y = torch.randn(50, 7, dtype=torch.float64)
    near(variance_explained(y, y), 1), near(variance_explained(y.mean(0).expand_as(y), y), 0)

def test_the_teacher_stays_as_it_is_and_the_student_learns():
    t = teacher()
    begin = {k: v.clone() for k,v in t.state_dict().items()}
    with seeded(0):
        dls = Postcards(size=16, seed=2).images(160).unlabeled().dls(valid=.2, bs=32)
        learn = pretext_learner(dls, Encoder.small(width=8), Distillation(t, hidden=0))
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(12, 1e-2)
    for kept in (t, learn.task.target): assert all(torch.equal(v, begin[k]) for k,v in kept.state_dict().items())
    losses = learn.recorder.losses
    assert np.mean(losses[-4:])<.6*np.mean(losses[:2])
    entry = learn.encoder.lineage[-1]
    assert entry['task']=='distillation' and entry['teacher']=='small' and not any('target' in k for k in learn.encoder.state_dict())

def test_teachers_by_name_and_file(tmp_path):
    f = teacher().save(tmp_path/'mine.safetensors')
    assert Distillation(f).spec()['teacher']=='mine.safetensors' and Distillation('postcards-simclr').spec()['teacher']=='postcards-simclr'
    assert Distillation().target.n_features==1280
    with pytest.raises(InputError, match='no encoder'): Distillation('nobody')
