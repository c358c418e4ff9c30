"What a notebook cell can't check of `plots`: pixels, sizes, descriptions."
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from helpers import python
from ssl_course import plots
from ssl_course.utils import InputError

def runs(curves, labels=(1, 5, 10, 50), seeds=3, noise=.01):
    "A table of runs whose means follow `curves`: method -> accuracy at each of `labels`"
    rng = np.random.default_rng(0)
    return pd.DataFrame([dict(method=m, labels=n, seed=s, accuracy=a+noise*rng.standard_normal())
                         for m,accs in curves.items() for n,a in zip(labels, accs) for s in range(seeds)])

def drawn(fig):
    FigureCanvasAgg(fig).draw()
    return fig

def arrows(fig): return [t for t in fig.axes[0].texts if t.arrow_patch is not None]
def texts(fig): return [t.get_text() for t in fig.axes[0].texts]

def test_arrow_ends_where_the_reference_gets_as_far():
    d = runs({'pretrained': [.2, .5, .6, .8], 'scratch': [.1, .3, .45, .7]}, noise=0)
    fig = plots.label_curve(d, arrow=('pretrained', 5, 'scratch'))
    arrow, = arrows(fig)
    want = 10*(50/10)**((.5-.45)/(.7-.45)) # straight on the log axis between (10, .45) and (50, .7)
    assert arrow.xyann==(5, .5) and arrow.xy==pytest.approx((want, .5))
    assert f'{want/5:.1f}× the labels' in texts(fig) and f'{want/5:.1f}× the labels' in fig.alt

def test_arrow_when_the_reference_never_gets_there_or_was_there_before():
    d = runs({'pretrained': [.2, .5, .6, .8], 'scratch': [.1, .2, .3, .4]}, noise=0)
    assert 'more than 10.0× the labels' in texts(plots.label_curve(d, arrow=('pretrained', 5, 'scratch')))
    d = runs({'pretrained': [.2, .3, .6, .8], 'scratch': [.1, .4, .5, .9]}, noise=0)
    fig = plots.label_curve(d, arrow=('pretrained', 5, 'scratch'))
    assert not arrows(fig) and 'labels' not in ' '.join(texts(fig))

def test_names_at_the_line_ends_do_not_cover_one_another():
    curves = {f'method {i}': [.1, .3, .4, .6+.002*i] for i in range(6)}
    fig = drawn(plots.label_curve(runs(curves, noise=0)))
    boxes = sorted((t.get_window_extent() for t in fig.axes[0].texts), key=lambda b: b.y0)
    assert len(boxes)==6
    for a,b in zip(boxes, boxes[1:]): assert b.y0 >= a.y1-1.5 # pixels; the boxes have a little air above and below the letters
    tight = fig.get_tightbbox()
    assert tight.width<=7.6, 'the names make the figure too wide'

def test_every_seed_is_drawn_and_one_seed_is_enough():
    d = runs({'a': [.2, .3, .4, .5]}, seeds=4)
    dots = [l for l in plots.label_curve(d).axes[0].lines if l.get_linestyle()=='None']
    assert len(dots[0].get_xdata())==16
    drawn(plots.label_curve(runs({'a': [.2, .3, .4, .5]}, seeds=1))) # no spread to be had, and no NaN either

def test_rows_in_any_order_give_the_same_picture():
    d = runs({'a': [.2, .3, .4, .5], 'b': [.1, .2, .3, .4]})
    a,b = (plots._png(plots.label_curve(o)) for o in (d, pd.concat([d[d.method=='a'][::-1], d[d.method=='b'][::-1]])))
    assert a==b

def test_image_grid_shows_the_pictures_themselves():
    x = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    fig = plots.image_grid(x, ncols=3, titles=list('abcdefg'))
    sheet = fig.axes[0].images[0].get_array()[..., :3]
    found = [any((sheet[r:r+16, c:c+16]==o).all() for r in range(sheet.shape[0]-15) for c in range(sheet.shape[1]-15)) for o in x]
    assert all(found) and texts(fig)==list('abcdefg')

@pytest.mark.parametrize('n,ncols,size', [(1, None, 32), (8, None, 64), (100, 20, 32), (3, 3, 128)])
def test_image_grid_fits_a_page(n, ncols, size):
    fig = plots.image_grid(np.zeros((n, size, size, 3), np.uint8), ncols=ncols, scale=2, rows=['a long row name']*20)
    assert fig.get_figwidth()<=7.01
    drawn(fig)

def test_image_grid_takes_what_training_has():
    import torch
    t = torch.rand(4, 3, 8, 8)
    want = (t.permute(0,2,3,1).double().numpy()*255).round().astype(np.uint8) # in float32 one of thousands is rounded the other way
    np.testing.assert_array_equal(plots.as_images(t), want)
    assert plots.as_images(t[:,:1]).shape==(4, 8, 8, 3)
    assert plots.as_images(np.zeros((8, 8, 3), np.uint8)).shape==(1, 8, 8, 3)
    assert plots.as_images(t.requires_grad_()*2).max()==255 # out of range is clipped
    class Images: x = want
    assert plots.as_images(Images()) is not None
    bands = np.arange(2*4*4*13).astype(np.uint8).reshape(2, 4, 4, 13)
    assert np.array_equal(plots.as_images(bands), bands[..., :3]) and np.array_equal(plots.as_images(bands[..., :2])[..., 2], bands[..., 0])
    for bad in (np.zeros(5), np.zeros((2, 8, 8, 17)), torch.zeros(2, 17, 8, 8)):
        with pytest.raises(InputError, match='got shape'): plots.image_grid(bad)

def test_files_are_small_and_pictures_keep_their_colors():
    d = runs({f'm{i}': [.1, .3, .4, .5+.05*i] for i in range(4)})
    assert len(plots._png(plots.label_curve(d)))<40_000
    from io import BytesIO
    from PIL import Image
    x = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    grid = plots.image_grid(x, titles=list('abcd'))
    im = np.asarray(Image.open(BytesIO(plots._png(grid))).convert('RGBA'))
    solid = {tuple(p) for p in im[im[..., 3]==255][:, :3]}
    assert len({tuple(p) for p in x.reshape(-1, 3)}-solid)==0, 'colours of the pictures are lost'
    few = Image.open(BytesIO(plots._png(grid, colors=64)))
    assert few.mode=='P' and len(few.getcolors())<=64

def test_figures_have_no_ground_and_ink_for_every_page():
    "They take the page's: transparent between and around, and ink that reads on white and on dark"
    from io import BytesIO
    from PIL import Image
    from looks import contrast
    x = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    ink = tuple(int(plots.INK[i:i+2], 16) for i in (1, 3, 5))
    for ground in ((255, 255, 255), (17, 17, 17), (22, 25, 31)): assert contrast(ink, ground)>3.8
    for fig,kw in ((plots.image_grid(x, titles=list('abcd')), {}), (plots.image_grid(x, titles=list('abcd')), dict(colors=64)), (plots.label_curve(runs({'a': [.1, .3, .4, .5]})), {})):
        im = np.asarray(Image.open(BytesIO(plots._png(fig, **kw))).convert('RGBA')).astype(int)
        assert im[0, 0, 3]==0, 'the ground is not transparent'
        dark = (im[..., 3]>200) & (np.abs(im[..., :3]-ink).max(-1)<12)
        assert dark.sum()>30, 'no ink'

def test_show_gives_png_and_description(monkeypatch):
    import IPython.display,matplotlib.pyplot as plt
    shown = []
    monkeypatch.setattr(IPython.display, 'display', lambda *a, **k: shown.append((a, k)))
    fig = plt.figure()
    plots.show(fig, alt='An "empty"\n figure')
    (data,),kw = shown[0]
    assert data['image/png'][:4]==b'\x89PNG' and data['text/plain']=='An "empty" figure'
    assert kw['raw'] and kw['metadata']['image/png']['alt']=='An "empty" figure'
    assert not plt.fignum_exists(fig.number), 'Jupyter would show it again at the end of the cell'

def test_no_figure_stays_open():
    import matplotlib.pyplot as plt
    before = plt.get_fignums()
    d = runs({'a': [.2, .3, .4, .5]})
    plots.label_curve(d), plots.bars_with_spread(d), plots.image_grid(np.zeros((2, 8, 8, 3), np.uint8))
    plots.plot_confusion([0, 1], [0, 0], ['a', 'b']), plots.embedding_map(np.eye(8), method='pca')
    assert plt.get_fignums()==before

def test_every_figure_describes_itself():
    d = runs({'net': [.2, .3, .4, .5]})
    assert '20% at 1' in plots.label_curve(runs({'net': [.2, .3, .4, .5]}, noise=0)).alt
    assert 'net' in plots.bars_with_spread(d).alt
    perfect = plots.plot_confusion([0, 1], [0, 1], 'abc').alt
    assert '100 % right' in perfect and 'no image was taken' in perfect
    assert '50 % right' in plots.plot_confusion([0, 1], [0, 0], ['pine', 'tree']).alt and 'tree was taken for pine' in plots.plot_confusion([0, 1], [0, 0], ['pine', 'tree']).alt
    assert 't-SNE' in plots.embedding_map(np.random.default_rng(0).random((40, 3))).alt

def test_thumbnails_keep_apart():
    p = np.random.default_rng(0).random((500, 2))
    kept = p[plots._thin(p, .05)]
    gaps = np.abs(kept[:,None]-kept[None]).max(-1)+np.eye(len(kept))
    assert gaps.min()>=.05 and len(kept)>100

def test_maps_are_the_same_each_time():
    e = np.random.default_rng(0).random((60, 8))
    np.testing.assert_array_equal(plots._flat(e, 'tsne', 3), plots._flat(e, 'tsne', 3))

def test_style_does_not_leak():
    import matplotlib.pyplot as plt
    before = dict(plt.rcParams)
    plots.label_curve(runs({'a': [.2, .3, .4, .5]}))
    assert dict(plt.rcParams)==before

def test_plain_installation_is_enough(tmp_path):
    "Without Jupyter a figure can still be drawn into a file: neither IPython nor torch is imported."
    code = "import sys; sys.modules['IPython'] = None; import ssl_course.plots as p,numpy as np; p.image_grid(np.zeros((2, 8, 8, 3), np.uint8)).savefig('a.png'); print('torch' in sys.modules)"
    r = python(code, cwd=tmp_path)
    assert r.stdout.strip()=='False' and (tmp_path/'a.png').stat().st_size>100, r.stderr
