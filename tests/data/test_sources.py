"What a notebook cell can't check well of `sources`: every kind of `data` in the settings."
import pytest

from helpers import save_images,some_images
from ssl_course.data.postcards import Postcards
from ssl_course.data.sources import open_images,open_images_for,postcards_for_task,require_still_images
from ssl_course.pretext.rotation import Rotation
from ssl_course.pretext.temporal import FrameOrder
from ssl_course.settings import Settings
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch): monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))

def test_open_images(tmp_path):
    s = some_images()
    save_images(s, tmp_path/'set'/'train')
    save_images(some_images(9, seed=1), tmp_path/'set'/'test')
    at = lambda data, **kwargs: open_images(Settings(data=str(data), size=8, budget='smoke'), progress=False, **kwargs)
    assert at(tmp_path/'set'/'train').fingerprint==at(tmp_path/'set').fingerprint==s.fingerprint and len(at(tmp_path/'set', part='test'))==9
    assert len(at('digits'))==1797
    c = open_images(Settings(size=32, seed=5, budget='smoke'), n=30)
    assert c.fingerprint==Postcards(size=32, seed=5).images(30).fingerprint
    with pytest.raises(InputError, match="data is 'nowhere'.*postcards, digits.*IMAGENETTE"): at('nowhere')

def test_a_task_gets_what_it_learns_from(tmp_path):
    "Images, or strips of frames for a task about time; never labels"
    still,clips = (postcards_for_task(t, 5, size=16) for t in (Rotation, FrameOrder()))
    assert still.x.shape==(5, 16, 16, 3) and clips.x.shape==(5, 80, 16, 3) and still.y is None and clips.y is None
    s = Settings(size=16, budget='smoke')
    assert len(open_images_for(Rotation, s))==1000 and len(open_images_for(FrameOrder, s))==1000//FrameOrder.clips
    assert postcards_for_task(Rotation, 3, start=2, size=16).digests==still.digests[2:]

def test_single_images_are_no_clips(tmp_path):
    with pytest.raises(InputError, match="'frame_order' learns from clips of 5 frames, and digits holds single"): open_images_for(FrameOrder, Settings(data='digits'))
    require_still_images(Rotation, 'digits')
