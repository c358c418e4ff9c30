"What a notebook cell can't check well of `registry`: names that two modules want, and classes of other processes."
import pytest

from helpers import python
from ssl_course.registry import RecordsArgs,Registry,architectures,heads,pretexts,recorded_args,register,snake_case
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def _tables():
    "Whatever a test registers is gone after it"
    kept = [(t, dict(t)) for t in (pretexts, heads, architectures)]
    yield
    for t,was in kept: t.clear(), t.update(was)

def task(module, name='Wobble'):
    from ssl_course.pretext.base import Pretext
    return type(name, (Pretext,), dict(__module__=module, __doc__='Wobbles.'))

def test_names(): assert [snake_case(n) for n in ('BarlowTwins', 'Rotation', 'MultiLabel', 'FrameOrder')]==['barlow_twins', 'rotation', 'multi_label', 'frame_order']

def test_a_missing_name_gets_the_closest_ones():
    r = Registry('pet')
    r.update(cat=1, dog=2)
    assert r.find('cat')==1
    with pytest.raises(InputError, match="no pet 'cta'; did you mean cat"): r.find('cta')
    with pytest.raises(InputError, match='there are cat, dog'): r.find('elephant')

def test_two_modules_with_one_name():
    a = register(task('first'))
    assert pretexts['wobble'] is a and a.name=='wobble'
    again = register(task('first')) # as a notebook's cell that runs twice
    assert pretexts['wobble'] is again
    with pytest.raises(InputError, match="'wobble' of second can't be registered: first"): register(task('second'))
    mine = register(task('__main__'))
    assert pretexts['wobble'] is mine

def test_what_can_be_registered():
    with pytest.raises(InputError, match='neither a `Pretext` nor a `Head`'): register(type('Neither', (), {}))

class Recorded(RecordsArgs):
    def __init__(self, a, b=2, *more, c=3, **rest): self.b = b*10

def test_arguments_are_recorded_however_they_are_passed():
    assert Recorded(1).init_args==dict(a=1, b=2, c=3) and Recorded(1, c=5, d=6).init_args==dict(a=1, b=2, c=5, d=6)
    with pytest.raises(TypeError): Recorded()
    class Child(Recorded):
        def __init__(self, z): super().__init__(z+1)
    assert Child(4).init_args==dict(z=4) and recorded_args(Child(4))==dict(z=4)

def test_values_are_plain_and_the_same_in_every_process():
    import json
    class Odd: pass
    got = recorded_args(Recorded(Odd(), [1, (2, 3)]))
    assert json.loads(json.dumps(got))==got and ' at 0x' not in got['a'] and got['b']==[1, [2, 3]]

def test_tables_are_filled_by_importing_what_registers():
    code = "from ssl_course.registry import pretexts; assert not pretexts; import ssl_course.pretext.rotation; print(*pretexts)"
    r = python(code)
    assert r.stdout.split()==['rotation'], r.stderr
