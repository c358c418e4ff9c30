import sys; sys.path.insert(0,'/tmp')
from nbq import N
old=N('/tmp/wt/seven/nbs/lessons/07_choosing_a_pretext_task.ipynb')
def get(head): return old.src(old.find(head)[0])
p='/tmp/wt/seven/nbs/course/aberration.ipynb'
n=N(p)
head,example=n.c[0],n.src(9)
n.c[:]=[head]
def md(t): n.ins(len(n.c),t,'markdown')
def code(t): n.ins(len(n.c),t)
code('#| default_exp course.aberration')
code(old.src(4))
code('''#| hide
from fastcore.test import expect_fail,test_close,test_eq''')
code('''from ssl_course.compute import seeded
from ssl_course.data.postcards import Postcards''')
md('''A lens enlarges each color of light by its own amount, so colored fringes point away from the middle of a photograph. That gives away where a patch was cut, a shortcut that Doersch, Gupta & Efros ([2015](https://arxiv.org/abs/1505.05192), section 3.1) found. Lesson 4, [Patches](../lessons/04_patches.ipynb), uses it.

## A lens''')
code(get('#| export\ndef chromatic_aberration('))
code('''world = Postcards(size=32, seed=1).images(64)
x = torch.from_numpy(world.x).permute(0, 3, 1, 2)/255
ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32) # the value of a pixel is its place
inside = chromatic_aberration(ramp, .25)[0,:,16,8:24]/ramp[0,:,16,8:24]
test_close(inside, torch.tensor([1/1.25, 1., 1/.75])[:,None].expand(-1, 16), eps=1e-4)
test_eq(chromatic_aberration(x)[:,1], x[:,1]) # green stays
with expect_fail(InputError, '3 channels'): chromatic_aberration(x[:,:1])''')
code(get('#| export\ndef with_aberration('))
code('''test_eq(with_aberration(world, 0), world)
with_aberration(world)''')
md('''## The fringes alone

How well could one tell the place of a patch by its fringes, and by nothing else? These features are for a [shortcut baseline](../library/evaluate/shortcuts.ipynb).''')
code(get('#| export\ndef fringe_features('))
code('''gray = x.mean(1, keepdim=True)
# channels that agree stand out nowhere
assert fringe_features(gray.expand(-1, 3, -1, -1)).abs().mean()<.2
moved = torch.cat([gray.roll(1, 3), gray, gray], 1) # red stands out to the right
test_eq((fringe_features(moved)[:,0]>1).all(), True)''')
md('''## Views that hide them

Each channel is shifted by up to a pixel, at random. There are still fringes, but they point anywhere.''')
code(get('#| export\nclass ShiftedChannels('))
code('''still = ShiftedChannels(jitter=0., gray=0.)
with seeded(0): moved = still.color(x)
test_eq(moved.shape, x.shape)
same = ((moved-x)[:,:,1:-1,1:-1].abs()<1e-4).flatten(2).all(2)
test_close(same.float().mean(), 1/9, eps=.08) # a channel stays in one of nine cases''')
n.save()
