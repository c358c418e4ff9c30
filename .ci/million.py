"""Memory and seconds of a million images: `python .ci/million.py [images] [folder]`. Draws noise of 32 pixels
into a memory map of 3 GB, trains on it, embeds it, and deletes it. Not part of `make test`."""
import json,sys,tempfile,threading,time
from pathlib import Path

import numpy as np

def resident(): # MB
    return int(Path('/proc/self/statm').read_text().split()[1])*4096/1e6

class Peak:
    "The most memory while something runs, looked at every 20 ms, and its seconds"
    def __init__(self, what): self.what = what
    def _watch(self):
        while not self.over.wait(.02): self.most = max(self.most, resident())
    def __enter__(self):
        self.most,self.over,self.begin = resident(),threading.Event(),time.perf_counter()
        threading.Thread(target=self._watch, daemon=True).start()
    def __exit__(self, *_):
        self.over.set()
        print(f'{self.what:48}{time.perf_counter()-self.begin:8.1f} s{self.most:10,.0f} MB', flush=True)

def generate(stem, n, size=32):
    "What `decode_folder` leaves in the cache: pixels, and the index that makes them valid"
    rng = np.random.default_rng(0)
    with open(stem.with_suffix('.u8'), 'wb') as f:
        for i in range(0, n, 10_000): f.write(rng.bytes(min(10_000, n-i)*size*size*3))
    index = dict(shape=[n, size, size, 3], names=[f'part-{i//1000:04}/image-{i:07}.jpg' for i in range(n)], failures=[], scale=None, depth='')
    stem.with_suffix('.json').write_text(json.dumps(index))

def main(n='1_000_000', folder=None):
    with tempfile.TemporaryDirectory(dir=folder) as d:
        stem,n = Path(d)/'million',int(n)
        with Peak('import'):
            from ssl_course import pipeline
            from ssl_course.cli import _to_npz
            from ssl_course.data.decode import _open_cached
            from ssl_course.pretext.simclr import SimCLR
            from ssl_course.data.imageset import ImageSet
            from ssl_course.encoder import Encoder
            from ssl_course.pretrain import fit_quietly,pretext_learner
        with Peak(f'generate {n:,} images'): generate(stem, n)
        with Peak('open the decoded set'):
            found = _open_cached(stem)
            images = ImageSet(found.x, names=found.names, name='million')
        with Peak('fingerprint'): images.fingerprint
        with Peak('100 steps of SimCLR, batch 256'):
            dls = images.dls(valid=images.take(slice(0, 256)), bs=256, steps=100)
            fit_quietly(pretext_learner(dls, Encoder.small(width=8), SimCLR()), lambda l: l.fit(1, 1e-3))
        class Opened: from_folder = staticmethod(lambda *args, **kwargs: images)
        pipeline.ImageSet,pipeline.find_encoder = Opened,lambda e, *_: e
        with Peak('embed, written to .npz'): _to_npz(pipeline.embedding_parts('', Encoder.small(width=8), 32), Path(d)/'e.npz')
        with np.load(Path(d)/'e.npz') as z: print(z['embeddings'].shape, z['files'][-1])

if __name__=='__main__': main(*sys.argv[1:])
