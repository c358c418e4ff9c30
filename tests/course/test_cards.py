"The front page's cards say what the lessons say, and their pictures are the lessons' figures."
import base64,io,json,re,shutil

import pytest
from PIL import Image

from helpers import LESSONS,ROOT,cells,raw_cells
from ssl_course.course.cards import card_files,card_picture,card_source,course_map,lesson_cards,lesson_facts,stale_cards
from ssl_course.course.figures import STATIONS
from ssl_course.utils import InputError

NBS = ROOT/'nbs'

@pytest.fixture
def course(tmp_path):
    "A course of one lesson, whose figure is a red image"
    (tmp_path/'lessons').mkdir(), (tmp_path/'results/lessons').mkdir(parents=True)
    Image.new('RGB', (40, 30), 'red').save(b := io.BytesIO(), 'png')
    out = dict(output_type='display_data', metadata={}, data={'image/png': base64.b64encode(b.getvalue()).decode()})
    code = ["lesson = Lesson('one')\npipeline(['pretext task', 'new head'], slim=True)", '#| label: main-figure\nshow(fig)']
    made = [dict(cell_type='markdown', id='a', metadata={}, source='# One thing\n\n> What is it?')]
    made += [dict(cell_type='code', id=f'c{i}', metadata={}, source=s, execution_count=None, outputs=[out]*i) for i,s in enumerate(code)]
    (tmp_path/'lessons/01_one.ipynb').write_text(json.dumps(dict(cells=made, metadata={}, nbformat=4, nbformat_minor=5)))
    (tmp_path/'results/lessons/one.json').write_text(json.dumps(dict(seconds=170.)))
    return tmp_path

def test_a_card_says_what_the_lesson_says(course):
    (facts,) = lesson_facts(course)
    assert (facts['title'], facts['question'], facts['minutes'], facts['stations'])==('One thing', 'What is it?', 3, ['pretext task', 'new head'])
    card = lesson_cards(course)
    assert '[1 · One thing](lessons/01_one.ipynb)' in card and 'What is it? · 3 min' in card and '(assets/cards/one.webp)' in card

def test_a_picture_knows_its_figure(course):
    "Missing, made from another figure, or of no lesson: each is noticed"
    (f,figure), = card_files(course).items()
    assert stale_cards(course)==[f]
    f.parent.mkdir(parents=True)
    f.write_bytes(card_picture(figure))
    assert stale_cards(course)==[] and card_source(f) and Image.open(f).size==(480, 270)
    Image.new('RGB', (9, 9), 'blue').save(b := io.BytesIO(), 'png')
    f.write_bytes(card_picture(b.getvalue()))
    assert stale_cards(course)==[f]
    f.write_bytes(card_picture(figure))
    shutil.copy(f, f.with_name('gone.webp'))
    assert stale_cards(course)==[f.with_name('gone.webp')]

def test_a_lesson_without_a_main_figure_is_named(course):
    nb = course/'lessons/01_one.ipynb'
    nb.write_text(nb.read_text().replace('#| label: main-figure', '#| label: other'))
    with pytest.raises(InputError, match='01_one.ipynb has no main figure'): card_files(course)

def test_all_lessons_have_cards():
    facts = lesson_facts(NBS)
    assert [f['file'] for f in facts]==LESSONS and all(f['stations'] and set(f['stations'])<=set(STATIONS) for f in facts)
    assert len(card_files(NBS))==len(LESSONS) and stale_cards(NBS)==[], 'python -m ssl_course.course.site readme'
    for f in LESSONS: assert sum('#| label: main-figure' in s for s in cells(f))==1, f.name

def test_the_map_leads_to_all_lessons():
    names = {re.sub(r'^\d+_', '', f.stem) for f in LESSONS}
    assert set(re.findall(r'href="lessons/(\w+)\.html"', course_map(NBS).html))==names

def test_the_front_page_shows_the_cards_of_today():
    "What is stored there is what the lessons say now, minutes included"
    shown = [''.join(o['data']['text/markdown']) for c in raw_cells(NBS/'index.ipynb') for o in c['outputs'] if 'text/markdown' in o.get('data', {})]
    assert lesson_cards(NBS) in shown, 'run nbs/index.ipynb again'
