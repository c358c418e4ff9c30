"Images and clips for all tests of pretext tasks."
import pytest

@pytest.fixture(scope='session')
def x():
    "24 images (B,C,H,W) in [0,1]; not to be changed"
    import torch
    from ssl_course.data.postcards import Postcards
    return torch.from_numpy(Postcards(32, 1, threads=1).draw(range(24))).permute(0, 3, 1, 2)/255

@pytest.fixture(scope='session')
def strips():
    "30 clips as an `ImageSet`"
    from ssl_course.data.clips import Clips
    return Clips(16, 1).images(30)

@pytest.fixture(scope='session')
def film(strips):
    "The same as floats (B,C,5·H,W); not to be changed"
    import torch
    return torch.from_numpy(strips.x).permute(0, 3, 1, 2)/255
