"Waveforms with known events, and the pretext tasks of the bonus page."
import numpy as np
import torch

from ssl_course.compute import seeded
from ssl_course.course.signals import EVENTS,MaskedSignal,Permutation,Reversal,SignalViews
from ssl_course.course.signals import draw_signals,event_shapes,signal_encoder,signal_set
from ssl_course.course.signals import spectrograms,spectrum

def signals(n=16, seed=0): return torch.from_numpy(draw_signals(n, seed=seed)[0])[:,None,None]

def test_signals_are_the_same_each_time_and_in_range():
    (x,y),(again,_),(other,_) = draw_signals(400), draw_signals(400), draw_signals(400, seed=1)
    assert x.shape==(400, 256) and x.dtype==np.float32 and (x==again).all() and not (x==other).all()
    assert 0<=x.min() and x.max()<=1 and set(y)==set(range(len(EVENTS)))

def test_only_the_hum_is_the_same_backwards():
    t = (np.arange(200)+.5)[None]/200
    for kind,name in enumerate(EVENTS):
        v = event_shapes(np.array([kind]), t, np.random.default_rng(0))[0]
        off = np.abs(v-v[::-1]).max()
        assert (off<1e-9)==(name=='hum') and (off>.5)==(name!='hum'),(name, off)

def test_nothing_happens_outside_the_event():
    t = np.array([[-1., -.01, 1., 2.]])
    for kind in range(len(EVENTS)): assert (event_shapes(np.array([kind]), t, np.random.default_rng(0))==0).all()

def test_a_signal_is_a_picture_one_pixel_high():
    s = signal_set(20, 3)
    assert s.x.shape==(20, 1, 256, 1) and s.vocab==EVENTS and len(set(s.names))==20
    e = signal_encoder(4)
    x = torch.rand(3, 1, 1, 256)
    assert e(x).shape==(3, 32) and e.features(x).shape==(3, 32, 1, 16)
    assert torch.equal(next(e.parameters()), next(signal_encoder(4).parameters())) # the seed decides
    assert not torch.equal(next(e.parameters()), next(signal_encoder(4, 1).parameters()))

def test_reversal_turns_what_it_says():
    x = signals()
    with seeded(0): back,y = Reversal().make(x)
    assert set(y.tolist())=={0, 1}
    for a,b,turned in zip(x, back, y): assert torch.equal(b, a.flip(-1) if turned else a)

def test_permutation_tells_the_order_of_pieces_that_do_not_touch():
    task = Permutation()
    task.setup(signal_encoder(4))
    x = (torch.arange(256)/256).expand(6, 1, 1, 256) # each sample says where it is
    with seeded(1): pieces,y = task.make(x)
    starts = pieces[:,0,0,0].view(6, 4)
    for s,label in zip(starts, y):
        assert torch.equal(s.argsort().argsort(), task.orders[label])
        ends = s.sort().values
        assert (ends.diff()>48/256).all() # a piece has 48 samples

def test_masks_hide_half_and_only_the_hidden_counts():
    task = MaskedSignal()
    task.setup(signal_encoder(4))
    x = signals()
    with seeded(2): shown,(truth,hidden) = task.make(x)
    assert hidden.sum(1).tolist()==[8]*len(x) and torch.equal(truth.flatten(1), x.flatten(1))
    cover = hidden.repeat_interleave(16, 1)
    assert (shown[:,0,0][cover]==.5).all() and torch.equal(shown[:,0,0][~cover], x[:,0,0][~cover])
    pred = torch.rand(len(x), 16, 16)
    other = torch.where(hidden[...,None], pred, pred+9)
    assert torch.equal(task.loss(pred, (truth, hidden)), task.loss(other, (truth, hidden)))

def test_views_change_what_they_say():
    x = signals()
    with seeded(0): full,still,noise = (SignalViews(**k)(x) for k in ({}, dict(warp=False), dict(warp=False, sway=False)))
    far = [(v-x).abs().mean().item() for v in (full, still, noise)]
    assert far[0]>far[1]>far[2]>0 and far[2]<.03
    assert all(v.shape==x.shape and 0<=v.min() and v.max()<=1 for v in (full, still, noise))

def test_the_spectrum_does_not_know_where():
    s = signal_set(8)
    moved = signal_set(8)
    moved.x = np.roll(moved.x, 40, 2)
    assert np.allclose(spectrum(s), spectrum(moved), atol=1e-4) and spectrum(s).shape==(8, 129)

def test_a_tone_is_a_line_in_the_spectrogram():
    s = signal_set(2)
    tone = .5+.4*np.sin(2*np.pi*np.arange(256)*16/64) # 16 of 32 bands
    s.x = np.broadcast_to((255*tone).astype(np.uint8)[None,None,:,None], s.x.shape).copy()
    p = spectrograms(s, 64)
    assert p.x.shape==(2, 64, 64, 3) and (p.y==s.y).all()
    rows = p.x[0,:,8:-8,0].mean(1)
    assert abs(int(rows.argmax())-(64-2*16))<=2 and rows.max()>3*np.median(rows)
