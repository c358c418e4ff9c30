"The learner's edition: nothing gives answers away, everything leads somewhere, the code is that of the course, and what a learner wrote stays."
import ast,json,re

import pytest

from helpers import LESSONS,ROOT,bare_env,cells,none,python,raw_cells
from ssl_course.course.edition import callout_boxes,edition_note,learner_notebook,write_edition
from ssl_course.course.lesson import Lesson
from ssl_course.course.quiz import predict,question,quiz,right,wrong
from ssl_course.utils import InputError

pytestmark = pytest.mark.usefixtures('lesson_settings')
NBS = ROOT/'nbs'

@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    "The edition, made once"
    folder = tmp_path_factory.mktemp('edition')/'ssl'
    done = write_edition(folder, NBS)
    assert set(done.values())=={'new'}
    return folder

@pytest.fixture(scope='module')
def lessons(copy): return sorted((copy/'lessons').glob('*.ipynb'))

def copied(f, kind=None): return [(c, ''.join(c['source'])) for c in json.loads(f.read_text())['cells'] if kind in (None, c['cell_type'])]

def test_every_lesson_is_there_and_can_be_read_by_jupyter(copy, lessons):
    import nbformat
    assert [f.name for f in lessons]==[f.name for f in LESSONS]
    for f in [*lessons, copy/'start.ipynb', *(copy/'solutions').iterdir()]: nbformat.validate(nbformat.read(f, as_version=4))

def test_nothing_of_the_machinery_is_left(lessons):
    "Outputs, directives, Quarto's colons"
    none(f'{f.name}: {s[:60]!r}' for f in lessons for c,s in copied(f) if c.get('outputs') or c.get('execution_count') or re.search(r'^(#\||:::)', s, flags=re.M))

def test_no_answer_stands_in_a_cell(lessons):
    "Neither of a prediction nor of a quiz; where it is computed, the cell is folded"
    def gives_away(c, s): return re.search(r'\b(wrong|question)\(|\bpredict\([^)]*,', s) and not c['metadata'].get('jupyter', {}).get('source_hidden')
    own = re.compile(r'\b(model|learn|clf|probe|self)\.predict\(')
    none(f'{f.name}: {s[:60]!r}' for f in lessons for c,s in copied(f, 'code') if gives_away(c, own.sub('', s)))

def test_texts_come_back_by_name(copy, lessons, monkeypatch):
    "Fetched in the copy, they are what the course shows"
    monkeypatch.chdir(copy/'lessons')
    names = dict(predict=predict, quiz=quiz, question=question, right=right, wrong=wrong)
    for f,source in zip(lessons, LESSONS):
        Lesson(re.sub(r'^\d+_', '', f.stem))
        now = [s for _,s in copied(f, 'code') for s in re.findall(r"^(?:predict|quiz)\('(?:prediction \d|quiz)'\)$", s, flags=re.M)]
        def calls(s): return [ast.unparse(t) for t in ast.parse(s).body if isinstance(t, ast.Expr) and ast.unparse(t).startswith(('predict(', 'quiz('))]
        def shows(call):
            try: return eval(call, dict(names)).html
            except NameError: return None # computed from what the lesson measured
        was = [h for s in cells(source) for c in calls(s) if (h := shows(c))]
        assert len(now)==len(was)>1 and [shows(b) for b in now]==was, f.name
    with pytest.raises(InputError, match="has no text 'prediction 99'"): predict('prediction 99')

def test_code_is_that_of_the_course(lessons):
    "All of it, in the same order; only texts have become names"
    def statements(sources):
        trees = [ast.parse(s).body for s in sources]
        called = lambda t: isinstance(t, ast.Expr) and isinstance(t.value, ast.Call) and ast.unparse(t.value.func) in ('predict', 'quiz')
        return [ast.unparse(t.value.func) if called(t) else ast.dump(t) for body in trees for t in body]
    for f,source in zip(lessons, LESSONS): assert statements(s for c,s in copied(f, 'code') if c['id']!='quiet')==statements(cells(source)), f.name

def test_the_set_up_is_folded_and_short_to_scroll_past(lessons):
    "A collapsed heading with imports and the lesson's beginning below it, and the first section after those"
    for f in lessons:
        own = copied(f)
        at = next(i for i,(c,s) in enumerate(own) if s=='## Set-up')
        after = next(i for i,(c,s) in enumerate(own[at+1:], at+1) if c['cell_type']=='markdown')
        code = '\n'.join(s for _,s in own[at+1:after])
        assert own[at][0]['metadata']=={'jp-MarkdownHeadingCollapsed': True} and own[after][1].startswith('## ')
        assert all(c['cell_type']=='markdown' for c,_ in own[:at]) and 'Lesson(' in code and len(own[after:])>20

def test_links_lead_somewhere(copy, lessons):
    "To files of the copy, and to headings as JupyterLab calls them"
    link = re.compile(r'(?<!!)\[[^\]]+\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)')
    def dead(f):
        for _,s in copied(f, 'markdown'):
            for to,anchor in link.findall(s):
                target = (f.parent/to).resolve() if to else f
                heads = [m.replace(' ', '-') for _,t in (copied(target, 'markdown') if target.is_file() else []) for m in re.findall(r'^#+ +(.+)$', t, flags=re.M)]
                if not target.is_file() or (anchor and anchor not in heads): yield f'{f.name}: {to}#{anchor}'
    none(d for f in [*lessons, copy/'start.ipynb'] for d in dead(f))

def test_start_and_lessons_lead_on(copy, lessons):
    text = '\n'.join(s for _,s in copied(copy/'start.ipynb'))
    assert 'Start here' in text and all(f'](lessons/{f.name})' in text for f in lessons)
    for f,after in zip(lessons, [*lessons[1:], None]):
        last = copied(f)[-1][1]
        assert (f']({after.name})' in last if after else 'last lesson' in last) and '](../start.ipynb)' in last and '](../solutions/' in last

def test_boxes():
    said = callout_boxes('<div class="callout-tip">\n\n## Try it\ntext\n\n</div>\n\n<div class="callout-note">\n\nmore\n\n</div>')
    assert said=='> **Try it**\n>\n> text\n\n> more'

def test_work_is_never_overwritten(tmp_path, monkeypatch):
    "A changed lesson stays, one that the course changed is replaced if its reader had not touched it, a lost one comes back"
    folder = tmp_path/'mine'
    write_edition(folder, NBS)
    a,b,c = (folder/'lessons'/LESSONS[i].name for i in range(3))
    for f in (a, c): f.write_text(f.read_text().replace('## Set-up', '## My set-up'))
    (folder/'lessons'/'notes.ipynb').write_text('mine')
    b.unlink()
    done = write_edition(folder, NBS)
    name = lambda f: f.relative_to(folder).as_posix()
    assert (done[name(a)], done[name(b)], done[name(c)])==('yours', 'new', 'yours') and set(done.values())=={'yours', 'new', 'same'}
    assert '## My set-up' in a.read_text() and (folder/'lessons'/'notes.ipynb').read_text()=='mine'
    said = edition_note(done, 'mine')
    assert 'lessons are in mine (1 new)' in said and f'Kept as you left them: {name(a)}, {name(c)}.' in said
    import ssl_course.course.edition as edition
    monkeypatch.setattr(edition, '_welcome', edition._welcome+'\n\nNew in this version.')
    assert write_edition(folder, NBS)['start.ipynb']=='updated' and 'New in this version' in (folder/'start.ipynb').read_text()

def test_results_lie_beside_the_copy(copy, monkeypatch, shown):
    "And stored experiments are found there"
    from ssl_course.course.experiment import read_experiment
    monkeypatch.chdir(copy/'lessons')
    Lesson('color').finish()
    assert (copy/'results'/'lessons'/'color.json').exists() and 'results/lessons/color.json' in shown[-1].text
    assert read_experiment('fine_tuning').rows('recipes')

def test_a_lesson_without_sections_is_refused(tmp_path):
    f = tmp_path/'01_flat.ipynb'
    f.write_text(json.dumps(dict(cells=[dict(cell_type='markdown', id='a', source='# Flat', metadata={})], metadata={}, nbformat=4, nbformat_minor=5)))
    with pytest.raises(InputError, match='no heading of the second level'): learner_notebook(f)
    with pytest.raises(InputError, match='has no lessons'): write_edition(tmp_path/'x', tmp_path)

def test_the_source_still_has_what_the_copy_hides():
    "Else the tests above would hold of anything"
    assert any(c['outputs'] for f in LESSONS for c in raw_cells(f)) and any('right(' in s for f in LESSONS for s in cells(f))

EXERCISES = '''
import json,re,sys
import matplotlib
matplotlib.use('agg')
from ssl_course.course.checks import _source,find_exercise
from ssl_course.course.figures import Rendered
said = []
Rendered.show = lambda self: said.append(self.text)

def exercises(file):
    cells = [(c['cell_type'], ''.join(c['source'])) for c in json.load(open(file))['cells']]
    start = cells.index(('markdown', '## Set-up'))+1
    end = next(i for i in range(start, len(cells)) if cells[i][0]=='markdown')
    space = {}
    for _,code in cells[start:end]: exec(compile(code, 'set-up', 'exec'), space)
    for code in (c for kind,c in cells[end:] if kind=='code'):
        for name in re.findall(r'^check\\((\\w+)\\)', code, re.M):
            solved = f'{code.split("def ")[0]}\\n{_source(find_exercise(name).solution)}\\ncheck({name})'
            for answer,mark in ((code, '○'), (solved, '✓')):
                said.clear()
                exec(compile(answer, 'exercise', 'exec'), dict(space))
                assert said[0].startswith(f'{mark} {name}'), said
            yield name

for f in sys.argv[1:]: print(f, *exercises(f))
'''

def test_each_exercise_runs_after_the_set_up_alone(copy, lessons):
    "Who comes back the next day need not run the lesson again: the stub is open, the solution passes"
    r = python(EXERCISES, *(f.name for f in lessons), cwd=lessons[0].parent, env=bare_env(SSL_COURSE_BUDGET='smoke', SSL_COURSE_HOME=str(copy/'home')))
    assert r.returncode==0, r.stderr[-2000:]
    found = [l.split() for l in r.stdout.splitlines() if '.ipynb' in l]
    assert [l[0] for l in found]==[f.name for f in lessons] and min(map(len, found))>3
