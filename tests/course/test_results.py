"Stored numbers are those of the present code, except the ones that `nbs/results/stale.json` lists with the reason."
import json

import pytest

from helpers import NBS

def listed(kind):
    "name → reason of what is known to be stale; `make lessons` measures it again, and then the entry goes"
    f = NBS/'results'/'stale.json'
    return json.loads(f.read_text(encoding='utf-8')).get(kind, {}) if f.is_file() else {}

def found(kind):
    from ssl_course.course.experiment import stale_experiments
    from ssl_course.course.lesson import stale_results
    return dict(stale_results(NBS/'lessons') if kind=='lessons' else stale_experiments(NBS/'results'/'experiments'))

@pytest.mark.parametrize('kind', ['lessons', 'experiments'])
def test_stored_numbers_were_measured_by_this_code(kind):
    "Fails whenever code has moved on since its numbers were stored, and when an entry in the list isn't needed any more"
    stale,known = found(kind),listed(kind)
    assert {n: why for n,why in stale.items() if n not in known}=={}, 'make lessons, or list it in nbs/results/stale.json with the reason'
    assert sorted(n for n in known if n not in stale)==[], 'up to date again: take it out of nbs/results/stale.json'
    assert all(isinstance(why, str) and len(why)>10 for why in known.values()), 'each entry says why'

def test_list_names_nothing_else():
    f = NBS/'results'/'stale.json'
    assert not f.is_file() or set(json.loads(f.read_text(encoding='utf-8')))<={'lessons', 'experiments', 'front', 'reference'}

def test_every_lesson_and_experiment_has_results():
    "Stale or not, the numbers that lessons show are there"
    from ssl_course.course.experiment import known_experiments
    from ssl_course.course.lesson import lesson_notebooks
    assert {f.stem for f in (NBS/'results'/'lessons').glob('*.json')}==set(lesson_notebooks(NBS/'lessons'))
    assert {f.stem for f in (NBS/'results'/'experiments').glob('*.json')}==set(known_experiments())
