"The reader does a task in a browser: by mouse, keyboard and finger, on a telephone, in the dark, without scripts."
import re

import numpy as np
import pytest

from looks import contrast
from ssl_course.course.play import play_round,play_task
from ssl_course.utils import InputError

NAMES = ['upright', 'turn it right', 'turn it over', 'turn it left']
KEYS = [2, 0, 1]

def game(n=3, **kwargs):
    "Three pictures of one colour each, and two players: one is always right"
    pictures = np.stack([np.full((32, 32, 3), v, np.uint8) for v in ((200, 0, 0), (0, 200, 0), (0, 0, 200))])
    rounds = [play_round(i, NAMES, k, turn=90*k) for i,k in enumerate(KEYS[:n])]
    return play_task(pictures, rounds, {'a minute': [0]*n, 'an hour': KEYS[:n]}, 'Which turn & why?', **kwargs)

PAGE = '<!doctype html><html lang=en><meta charset=utf-8><title>t</title><meta name=viewport content="width=device-width"><body style="margin:12px;color:%s;background:%s;font:16px sans-serif"><main>%s</main>'

def opened(browser, html, width=900, dark=False, script=True):
    page = browser.new_context(java_script_enabled=script, viewport=dict(width=width, height=900), has_touch=width<500).new_page()
    page.bad = []
    page.on('pageerror', lambda e: page.bad.append(str(e)))
    page.on('request', lambda r: None if r.url.startswith(('data:', 'about:')) else page.bad.append(r.url))
    page.set_content(PAGE % (*(('#ddd', '#111') if dark else ('#222', '#fff')), html))
    return page

def test_a_game_is_played_to_its_end(browser):
    "Each answer is judged at once, beside the players'; the score is counted; then it begins anew"
    page = opened(browser, game().html)
    said,head = page.locator('.said'),page.locator('.head')
    assert head.inner_text()=='1 of 3: Which turn & why?' and not page.locator('.next').is_visible() and not page.locator('.still').is_visible()
    page.get_by_role('button', name='turn it over').click()
    assert said.inner_text()=='✓ Right. a minute: ✗ upright · an hour: ✓'
    assert '180deg' in page.locator('.stage .picture').get_attribute('style')
    page.locator('.next').click()
    page.get_by_role('button', name='turn it left').click()
    assert said.inner_text().startswith('✗ No: upright. a minute: ✓') and page.locator('.options .bad').inner_text()=='turn it left' and page.locator('.options .good').inner_text()=='upright'
    page.locator('.next').click(), page.get_by_role('button', name='turn it right').click(), page.locator('.next').click()
    score = page.locator('.score li').all_inner_texts()
    assert [re.sub(r'\s+', ' ', s) for s in score]==['an hour 3 of 3', 'You 2 of 3', 'a minute 1 of 3', 'Guessing 0.8 of 3'] # 3 questions, 4 answers
    page.locator('.next').click()
    assert head.inner_text().startswith('1 of 3') and page.bad==[]
    page.context.close()

def test_by_keyboard_alone(browser):
    page = opened(browser, game().html)
    page.keyboard.press('Tab')
    for key in ('3', '1', '2'): page.keyboard.press(key), page.keyboard.press('Enter')
    assert 'You' in page.locator('.score li').nth(0).inner_text()+page.locator('.score li').nth(1).inner_text() and '3 of 3' in page.locator('.score .you').inner_text()
    page.context.close()

def test_a_second_click_does_not_count(browser):
    page = opened(browser, game().html)
    page.evaluate("[...document.querySelectorAll('.options button')].forEach(b => b.click())")
    assert page.locator('.said').inner_text().startswith('✗ No') and page.locator('.next').inner_text()=='Next'
    page.context.close()

def test_pictures_are_those_that_were_given(browser):
    "Shown one after the other, and as answers"
    pictures = np.stack([np.full((32, 32, 3), v, np.uint8) for v in ((200, 0, 0), (0, 200, 0), (0, 0, 200))])
    rounds = [play_round([0, 2], [('red', 0), ('green', 1)], 1)]
    page = opened(browser, play_task(pictures, rounds, {}, 'Which?').html)
    def color(locator):
        box = locator.bounding_box()
        page.locator('body').screenshot() # let the pictures be drawn
        from io import BytesIO
        from PIL import Image
        shot = Image.open(BytesIO(page.screenshot())).convert('RGB')
        return np.argmax(shot.getpixel((int(box['x']+box['width']/2), int(box['y']+box['height']/2))))
    assert [color(page.locator('.stage .picture').nth(i)) for i in (0, 1)]==[0, 2]
    assert [color(page.locator('.options .picture').nth(i)) for i in (0, 1)]==[0, 1]
    page.context.close()

@pytest.mark.parametrize('width', [320, 390, 900])
@pytest.mark.parametrize('dark', [False, True])
def test_fits_and_can_be_touched(browser, width, dark):
    page = opened(browser, game().html, width, dark)
    assert page.evaluate('document.scrollingElement.scrollWidth')<=width
    assert all(b.bounding_box()['height']>=44 for b in page.locator('.options button').all()), 'too small for a finger'
    colors = page.evaluate("(b => [getComputedStyle(b).color, getComputedStyle(document.body).backgroundColor].map(c => c.match(/[\\d.]+/g).slice(0, 3).map(Number)))(document.querySelector('.options button'))")
    assert contrast(*colors)>7
    page.locator('.options button').first.tap() if width<500 else page.locator('.options button').first.click()
    assert page.locator('.next').is_visible() and page.evaluate('document.scrollingElement.scrollWidth')<=width
    page.context.close()

def test_axe_has_no_complaint(browser):
    from importlib.resources import files
    page = opened(browser, '<h1>t</h1>'+game().html)
    page.locator('.options button').first.click()
    page.evaluate((files('axe_playwright_python')/'axe.min.js').read_text(encoding='utf-8'))
    assert [v['id'] for v in page.evaluate('axe.run()')['violations'] if v['impact']!='minor']==[]
    page.context.close()

def test_without_scripts_it_says_what_everybody_answered(browser):
    page = opened(browser, game().html, script=False)
    text = page.locator('.play-task').inner_text()
    assert 'needs JavaScript' in text and 'turn it over, upright, turn it right' in text and 'a minute: 1 of 3; an hour: 3 of 3' in text
    page.context.close()

def test_two_on_one_page_are_independent(browser):
    page = opened(browser, game().html+game().html)
    page.locator('.play-task').nth(1).get_by_role('button', name='turn it over').click()
    assert page.locator('.play-task.live').count()==2 and page.locator('.said').nth(0).inner_text()=='' and page.bad==[]
    page.context.close()

def test_it_is_small_and_loads_nothing():
    html = game().html
    assert len(html)<20_000 and not re.search(r'https?://|\bid=|@import|\beval\b|\bon\w+="', html) and '\n\n' not in html
    noise = np.random.default_rng(0).integers(0, 256, (12, 128, 128, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)[:, ::4, ::4] # the worst case
    rounds = [play_round(i, NAMES, 0) for i in range(12)]
    assert len(play_task(noise, rounds, {}, 'Which?', quality=40).html)<250_000

def test_wrong_games_are_refused():
    with pytest.raises(InputError, match='there are no rounds'): play_task(np.zeros((1, 8, 8, 3), np.uint8), [], {}, 'Which?')
    with pytest.raises(InputError, match='answer is 4, and there are 4 options'): play_round(0, NAMES, 4)
    rounds = [play_round(0, NAMES, 0)]
    with pytest.raises(InputError, match="'me' has 2 answers for 1 rounds"): play_task(np.zeros((1, 8, 8, 3), np.uint8), rounds, {'me': [0, 0]}, 'Which?')
