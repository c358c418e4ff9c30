"A training step stays on its device: no float64, which Apple's GPUs refuse, no random number drawn on the CPU, nothing for which a GPU would have to wait."
from collections import Counter

import pytest
import torch
from torch.fx.experimental import _config as fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from test_resume import SMALL
from ssl_course.collapse import CollapseMeter
from ssl_course.compute import on_device
from ssl_course.encoder import Encoder,new_encoder
from ssl_course.pretrain import PretextModel,pretext_tasks
from ssl_course.views import mild_views,strong_views

aten = torch.ops.aten
DEVICE = 'meta' # a device without data: it stands for any that isn't the CPU

class Watch(TorchDispatchMode):
    "Counts what a GPU would wait for, and refuses float64 on the device"
    def __enter__(self):
        self.seen,self.before,fx.meta_nonzero_assume_all_nonzero = Counter(),fx.meta_nonzero_assume_all_nonzero,True
        return super().__enter__()
    def __exit__(self, *args):
        fx.meta_nonzero_assume_all_nonzero = self.before
        return super().__exit__(*args)
    def __torch_dispatch__(self, f, types, args=(), kwargs=None):
        kwargs,ts = kwargs or {},[t for t in tree_leaves(args) if torch.is_tensor(t)]
        if f==aten._local_scalar_dense.default and ts[0].device.type==DEVICE:
            self.seen['a number is read'] += 1
            return 1
        if f==aten._to_copy.default and ts[0].device.type==DEVICE and torch.device(kwargs.get('device') or DEVICE).type!=DEVICE:
            self.seen['a tensor leaves'] += 1
            return torch.ones(ts[0].shape, dtype=kwargs.get('dtype') or ts[0].dtype)
        if f in (aten.index.Tensor, aten.index_put_.default, aten.nonzero.default) and any(t.dtype==torch.bool and t.device.type==DEVICE for t in ts):
            self.seen['as many as a mask says'] += 1
        out = f(*args, **kwargs)
        places = {t.device.type for t in (*ts, *tree_leaves(out)) if torch.is_tensor(t) and t.ndim}
        if f!=aten.index.Tensor and len(places)>1: self.seen['a tensor arrives'] += 1
        wide = [t for t in tree_leaves(out) if torch.is_tensor(t) and t.dtype==torch.float64 and t.device.type==DEVICE]
        if wide: self.seen['float64'] += 1
        return out

# Tasks of lessons whose stored results depend on their source: what they still do
WAITS = dict(artifacts={'as many as a mask says', 'a number is read'}, rotation={'as many as a mask says'}, colorization={'a number is read', 'a tensor arrives'}, color_regression={'a number is read', 'a tensor arrives'},
             frame_order={'a tensor arrives'}, relative_position={'a tensor leaves'})

@pytest.mark.parametrize('name', pretext_tasks())
def test_a_step_stays_on_its_device(name):
    small = dict(teacher=Encoder.small(width=4), hidden=0) if name=='distillation' else SMALL.get(name, {})
    task = pretext_tasks()[name](**small)
    model = PretextModel(new_encoder(task.arch, 32, width=4), task).to(DEVICE)
    model.encoder.precision = torch.float32
    x = torch.empty(16, 3, 32*max(1, model.task.clips), 32, device=DEVICE)
    with Watch() as w:
        with torch.no_grad(), on_device(x.device): inputs,target = model.task.make(x)
        model.task.loss(model(inputs), target).backward()
        model.task.after_step(model.encoder)
    assert set(w.seen)==WAITS.get(name, set())

@pytest.mark.parametrize('views', [strong_views(blur=.5), mild_views(), strong_views(size=24)])
def test_views_are_drawn_where_the_images_are(views):
    x = torch.empty(8, 3, 32, 32, device=DEVICE)
    with Watch() as w, on_device(x.device): assert views(x).device.type==DEVICE
    assert not w.seen
    with Watch() as w: views(x)
    assert w.seen['a tensor arrives'] # the watch sees what happens without `on_device`

def test_meter_has_no_float64_on_the_device():
    meter = CollapseMeter()
    class Task: paired_views = True
    class Model: task = Task()
    class Learn: model = Model()
    meter.learn = Learn()
    with Watch() as w: meter.measure('embedding', torch.empty(64, 16, device=DEVICE))
    assert 'float64' not in w.seen and w.seen['a tensor leaves']
    with Watch() as w: torch.empty(3, device=DEVICE).double()
    assert 'float64' in w.seen
