"Rules for lessons, one test for each rule; what breaks it is listed as `lesson: what`."
import json,re

from helpers import LESSONS,beginning,cells,length,name_of,none,raw_cells

def code(f): return '\n'.join(cells(f))
def default_exp(f): return re.findall(r'^#\| *default_exp (\S+)', code(f), flags=re.M)

def test_are_numbered_without_a_hole(): assert [int(f.stem.split('_')[0]) for f in LESSONS]==list(range(1, len(LESSONS)+1)) and len(LESSONS)>=12

def test_outputs_are_stored_and_not_those_of_a_smoke_run():
    "`make lessons` runs them at the budget cpu"
    outs = {f: json.dumps([c['outputs'] for c in raw_cells(f)]) for f in LESSONS}
    none(f'{name_of(f)}: no {what}' for f,o in outs.items() for what in ('"image/png"', 'Claims: ') if what not in o)
    none(f'{name_of(f)}: not measured at this budget' for f,o in outs.items() if 'not measured at this budget' in o)

PARTS = {'a `Lesson`': r'Lesson\(', 'two claims': r'(?s)claim\(.*claim\(', 'a prediction': r'predict\(', 'a quiz': r'quiz\(', '`finish`': r'\.finish\(\)', 'the pipeline strip': r'pipeline\('}
WORDS = ('exercise', 'what to remember', 'further reading', 'fail')

def test_have_their_parts():
    none(f'{name_of(f)}: lacks {what}' for f in LESSONS for what,find in PARTS.items() if not re.search(find, code(f)))
    none(f'{name_of(f)}: says nothing of {w!r}' for f in LESSONS for w in WORDS if w not in '\n'.join(cells(f, 'markdown')).lower())

def test_have_three_to_five_exercises():
    n = {f: len(re.findall(r'^check\(', code(f), flags=re.M)) for f in LESSONS}
    none(f'{name_of(f)}: {k} checks' for f,k in n.items() if not 3<=k<=5)

def test_have_both_prose_and_code():
    "About half and half, by characters; only what is far off is wrong"
    def fraction(f):
        prose,program = (sum(map(len, cells(f, k))) for k in ('markdown', 'code'))
        return prose/(prose+program)
    none(f'{name_of(f)}: {fraction(f):.0%} prose' for f in LESSONS if not .2<=fraction(f)<=.8)

def test_cells_need_no_scrolling(): none(f'{name_of(f)}: {length(s)} lines: {beginning(s)}' for f in LESSONS for s in cells(f) if length(s)>40)

OLD_YET = ['choosing_a_pretext_task'] # to be written anew

def test_code_is_at_most_88_wide():
    "JupyterLab doesn't wrap code. Not a quiz, whose source nobody sees, and not the docstring that an exercise's answer has, too"
    def wide(f):
        for s in cells(f):
            if s.startswith(('quiz([', '#| export')): continue
            s = re.sub(r'^    """[^"]*"""$', '', s, flags=re.M) if 'check(' in s else s
            yield from (l for l in s.split('\n') if len(l)>88)
    new,old = ([f for f in LESSONS if (name_of(f).split('_', 1)[1].split('.')[0] in OLD_YET)==is_old] for is_old in (False, True))
    assert len(new)>=10 and len(old)==len(OLD_YET)
    none(f'{name_of(f)}: {len(l)} wide: {l.strip()[:60]}' for f in new for l in wide(f))
    none(f'{name_of(f)}: narrow by now, take it out of OLD_YET' for f in old if not any(wide(f)))

def test_export_at_most_what_they_teach():
    "One pretext task, or a part of the course: what others import as well belongs to the library"
    none(f'{name_of(f)}: exports {m}' for f in LESSONS for m in default_exp(f) if not m.startswith(('pretext.', 'course.')))
    none(f'{name_of(f)}: exports {len(default_exp(f))} modules' for f in LESSONS if len(default_exp(f))>1)
    none(f'{name_of(f)}: exports into another module: {l}' for f in LESSONS for l in re.findall(r'^#\| *exporti? +\S+.*', code(f), flags=re.M))
