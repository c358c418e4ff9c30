"Trivial models: a shortcut is found where there is one, and any task can be asked."
import numpy as np
import pytest
import torch

from ssl_course.data.clips import Clips
from ssl_course.data.postcards import Postcards
from ssl_course.evaluate.shortcuts import SHORTCUT_FEATURES,diagnose_shortcut
from ssl_course.pretext.colorization import ColorRegression,Colorization
from ssl_course.pretext.jigsaw import Jigsaw,RelativePosition
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretext.temporal import FrameOrder

@pytest.fixture(autouse=True)
def _seed(): torch.manual_seed(0)

TASKS = dict(rotation=Rotation, colorization=Colorization, color_regression=ColorRegression, relative_position=RelativePosition, jigsaw=Jigsaw)

@pytest.mark.parametrize('name', TASKS)
def test_trivial_models_of_any_task(name):
    task = TASKS[name]()
    t = diagnose_shortcut(task, Postcards(size=32, seed=3, threads=1).images(120).unlabeled(), epochs=2)
    assert list(t.index)==list(SHORTCUT_FEATURES) and 'loss' in t and np.isfinite(t.loss).all()
    assert not hasattr(task, 'head') # the task itself was not touched

def test_a_shortcut_is_found():
    "A task whose label is painted into the frame: who looks at the frame solves it, the others can't"
    class Framed(Rotation):
        def make(self, x):
            k = torch.randint(0, 4, (len(x),))
            x = torch.rand_like(x)
            for edge,at in enumerate((x[:,:,0], x[:,:,-1], x[:,:,:,0], x[:,:,:,-1])): at[k==edge] = 1
            return x,k
    t = diagnose_shortcut(Framed(), Postcards(size=32, threads=1).images(1200), epochs=10).accuracy
    assert t['border pixels']>.95 and t['nothing']<.4 and t['colour histogram']<.5

def test_trivial_models_of_a_task_about_time():
    t = diagnose_shortcut(FrameOrder(), Clips(16, 1).images(30), n=30, epochs=2)
    assert {'thumbnail', 'colour histogram'}<=set(t.index) and t.accuracy.between(0, 1).all()
