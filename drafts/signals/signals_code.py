from itertools import permutations

import numpy as np
import torch
import torch.nn.functional as F
from fastai.layers import ConvLayer
from torch import nn

from ssl_course.compute import seeded
from ssl_course.data.imageset import ImageSet
from ssl_course.encoder import Encoder
from ssl_course.pretext.base import Pretext
from ssl_course.pretext.simclr import SimCLR

EVENTS = 'ring','thud','fall','saw','echo','drop','hiss','hum'

def event_shapes(
    kind, # (N,) 0 to 7, places in `EVENTS`
    t, # (N,L) time since the event began, in its own durations; it ends at 1
    rng, # a NumPy generator
)->np.ndarray: # (N,L), between -1 and 1
    "What each kind of event looks like. All but the hum run otherwise backwards than forwards."
    pitch = rng.uniform(.85, 1.15, (len(kind), 1))
    wave = lambda f: np.sin(2*np.pi*f*pitch*t)
    fade,inside = np.exp(-4*t),(t>=0)&(t<1)
    hit = lambda at: np.where(t>=at, np.exp(-18*(t-at)), 0)
    shapes = np.stack([fade*wave(14), fade*wave(5), .8*wave(14-9*t), .9*(2*(3*t%1)-1),
                       hit(0)+.6*hit(.4), np.exp(-3*t), .6*fade*rng.normal(size=t.shape),
                       .9*np.sin(np.pi*t)**2*wave(9)])
    return np.where(inside, shapes[kind,np.arange(len(kind))], 0)

def draw_signals(
    n:int, # how many
    length:int=256, # samples of each
    seed:int=0, # of all that is random
    noise:float=.08, # standard deviation of the noise, where events go up to 1
)->tuple: # signals (n,length) in [0,1], kinds of their events (n,)
    "One event each, anywhere, loud or soft, on a slow drift and in noise."
    rng = np.random.default_rng(seed)
    u = lambda a, b: rng.uniform(a, b, (n, 1))
    kind,t = rng.integers(len(EVENTS), size=n),np.arange(length)/length
    lasts = u(.3, .5)
    event = event_shapes(kind, (t-u(.05, .5))/lasts, rng)
    drift = .25*np.sin(2*np.pi*(u(.3, 1.5)*t+u(0, 1)))+.15*np.sin(2*np.pi*(u(1, 3)*t+u(0, 1)))
    x = u(.5, 1)*event+drift+noise*rng.normal(size=(n, length))
    return (.5+.3*x).clip(0, 1).astype(np.float32),kind

def signal_set(
    n:int, # how many
    seed:int=0, # other numbers, other signals
)->ImageSet: # pictures (n,1,256,1): one pixel high, 256 wide, one channel
    "Drawn signals as pictures one pixel high, so that loaders and probes take them."
    x,y = draw_signals(n, seed=seed)
    return ImageSet((255*x+.5).astype(np.uint8)[:,None,:,None], y, EVENTS, name='signals')

class SignalBody(nn.Module):
    "Convolutions along the time: pictures (B,C,1,L) to features (B,F,1,L/16)."
    def __init__(self,
        channels:int=1, # of the signals
        width:int=16, # channels of the first layer
    ):
        super().__init__()
        sizes = [channels, width, 2*width, 4*width, 8*width]
        layer = lambda i, o, stride: ConvLayer(i, o, 7, stride, ndim=1)
        self.net = nn.Sequential(*[m for i,o in zip(sizes, sizes[1:])
                                   for m in (layer(i, o, 2), layer(o, o, 1))])
    def forward(self, x): return self.net(x.squeeze(2)).unsqueeze(2)

def signal_encoder(
    width:int=16, # channels of the first layer; features are 8·width
    seed:int=0, # of the weights
)->Encoder:
    "The library's `Encoder` around convolutions of one dimension."
    with seeded(seed): return Encoder(SignalBody(width=width), 1, n_features=8*width)

class SignalViews:
    "Another loudness, another drift, more noise; shifted, and a little faster or slower."
    warp = True # other places and speeds?
    def warped(self, x):
        "Shifted by up to 0.15 of the length, at 0.85 to 1.15 times the speed."
        speed,shift = (a+(b-a)*torch.rand(len(x), 1) for a,b in ((.85, 1.15), (-.3, .3)))
        grid = torch.linspace(-1, 1, x.shape[-1])*speed+shift
        grid = torch.stack([grid, torch.zeros_like(grid)], 2)[:,None].to(x.device)
        return F.grid_sample(x, grid, padding_mode='reflection', align_corners=False)
    def __call__(self, x):
        "Signals (B,C,1,L) in [0,1] to views of the same shape."
        v,one = self.warped(x) if self.warp else x,self.between(x)
        time = torch.linspace(0, 1, x.shape[-1], device=x.device)
        drift = .08*torch.sin(6.283*(one(.3, 2)*time+one(0, 1)))
        v = .5+(v-.5)*one(.6, 1.4)+drift+one(0, .04)*torch.randn_like(v)
        return v.clamp(0, 1)
    def between(self, x):
        "Random numbers between two values, one for each signal."
        return lambda a, b: (a+(b-a)*torch.rand(len(x), 1, 1, 1)).to(x.device)

class Reversal(Pretext):
    "Is the signal played backwards? Two classes, loss about ln 2 at the start."
    def setup(self, encoder): self.head = nn.Linear(encoder.n_features, 2)
    def make(self, x):
        back = torch.rand(len(x), device=x.device)<.5
        return torch.where(back.view(-1, 1, 1, 1), x.flip(-1), x), back.long()

class Permutation(Pretext):
    "Four pieces with gaps between them, shuffled: in which of 24 orders?"
    def setup(self, encoder):
        self.orders = torch.tensor([*permutations(range(4))])
        self.head = nn.Sequential(nn.Linear(4*encoder.n_features, 128), nn.ReLU(),
                                  nn.Linear(128, 24))
    def make(self, x):
        n,p = len(x),x.shape[-1]//4
        start = torch.arange(4)*p+torch.randint(0, p//4, (n, 4)) # at least no common edges
        at = start[...,None]+torch.arange(3*p//4) # (n,4,length of a piece)
        y = torch.randint(24, (n,))
        pieces = x[:,0,0].gather(1, at.flatten(1).to(x.device)).view(n, 4, -1)
        pieces = pieces.gather(1, self.orders[y][...,None].expand_as(pieces).to(x.device))
        return pieces.reshape(4*n, 1, 1, -1), y.to(x.device)
    def forward(self, encoder, inputs):
        return self.head(encoder(inputs).view(len(inputs)//4, -1))

class MaskedSignal(Pretext):
    "Half of the sixteen segments are hidden: what was in them?"
    metrics = ()
    def setup(self, encoder): self.head = nn.Conv2d(encoder.n_features, 16, 1)
    def make(self, x):
        n,length = len(x),x.shape[-1]
        hidden = torch.rand(n, 16, device=x.device).argsort(1)<8
        cover = hidden.repeat_interleave(length//16, 1)[:,None,None]
        return torch.where(cover, .5, x), (x.view(n, 16, -1), hidden)
    def forward(self, encoder, inputs):
        return self.head(encoder.features(inputs)).squeeze(2).transpose(1, 2) # (B,16,16)
    def loss(self, pred, target):
        x,hidden = target
        return ((pred-(x-.5)/.25).square()*hidden[...,None]).mean()
