"The bar of long work: alive on a terminal and in a notebook, quiet in a log."
import io,sys,threading,time

from ssl_course.progress import tqdm

class Terminal(io.StringIO):
    def isatty(self): return True

def drawn(monkeypatch, out, **kwargs):
    "How often a bar without a step was drawn in .35 seconds"
    monkeypatch.setattr(tqdm, 'every', .1)
    with tqdm(total=2, file=out, **kwargs): time.sleep(.35)
    return out.getvalue().count('0/2')

def test_a_bar_shows_that_it_lives(monkeypatch):
    "Its clock goes on where somebody watches; nowhere else, not when it is off, and not before its delay is over"
    assert drawn(monkeypatch, Terminal())>=4
    assert drawn(monkeypatch, io.StringIO())<=2
    assert drawn(monkeypatch, Terminal(), disable=True)==0==drawn(monkeypatch, Terminal(), delay=9)

def test_nothing_is_drawn_after_the_end(monkeypatch):
    "Nor does its thread stay"
    out = Terminal()
    drawn(monkeypatch, out)
    said = out.getvalue()
    time.sleep(.25)
    assert out.getvalue()==said and not [t for t in threading.enumerate() if '_tick' in t.name]

def test_in_a_notebook_it_is_ordinary_output(monkeypatch):
    "Jupyter draws the error stream on red"
    monkeypatch.setattr('ssl_course.progress._in_notebook', lambda: True)
    with tqdm(total=1) as bar: assert bar.fp is sys.stdout or bar.fp._wrapped is sys.stdout
    monkeypatch.undo()
    with tqdm(total=1) as bar: assert bar.fp is sys.stderr or bar.fp._wrapped is sys.stderr
