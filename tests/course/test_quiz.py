"A quiz is sound HTML, works without script and mouse, and hides nothing dangerous."
import re
from html.parser import HTMLParser

import pytest

from ssl_course.course.checks import Case,check,exercise,solution
from ssl_course.course.lesson import Lesson
from ssl_course.course.quiz import predict,question,quiz,right,wrong

pytestmark = pytest.mark.usefixtures('lesson_settings')

class Well(HTMLParser):
    "Raises unless every element is closed where it should be"
    void = {'br', 'hr', 'img', 'path', 'circle'}
    def __init__(self, text):
        super().__init__()
        self.open,self.tags = [],[]
        self.feed(text), self.close()
        assert not self.open, f'never closed: {self.open}'
    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void: self.open.append(tag)
    def handle_startendtag(self, tag, attrs): self.tags.append((tag, dict(attrs)))
    def handle_endtag(self, tag): assert self.open.pop()==tag

def some_quiz():
    return quiz([question('Is `a<b` & "c"?', right('<b>yes</b>', 'because $x<y$'), wrong('no', 'it is')),
                 question('$1+1$?', right('2', 'so'), wrong('3', 'no'), wrong('4', 'no')),
                 question('Which?', right('a', 'r'), right('b', 'r'), wrong('c', 'w'), several=True)])

def test_quiz_is_sound_html_without_script_and_hides_nothing_dangerous():
    q = some_quiz()
    tags = Well(q.html).tags
    assert [t for t,_ in tags].count('details')==8 and not {'script', 'b', 'form'} & {t for t,_ in tags}
    assert not any(k.startswith('on') for _,a in tags for k in a)
    assert r'\(x&lt;y\)' in q.html and '<code>a&lt;b</code>' in q.html
    for s in (r'1[ab]\) right: because', r'3[abc]\) wrong: w', 'more than one is right'): assert re.search(s, q.text)

def test_other_html_is_sound_too(shown):
    lesson = Lesson('x')
    lesson.claim('`a<b` <script>', True, value='<i>')
    lesson.claim('no', False), lesson.finish()
    @exercise(Case(1))
    def f(x): return x
    check(f, f.exercise), check(lambda x: '<script>', f.exercise)
    for o in [*shown, predict('a<b?', '</details>'), solution(f)]: assert 'script' not in {t for t,_ in Well(o.html).tags}

def test_quiz_in_a_browser_without_javascript_and_mouse(browser):
    page = browser.new_context(java_script_enabled=False, viewport=dict(width=390, height=800)).new_page()
    page.set_content(f'<meta name=viewport content="width=device-width"><body>{some_quiz().html}')
    first = page.locator('details p').first
    assert not first.is_visible()
    page.keyboard.press('Tab'), page.keyboard.press('Enter')
    first.wait_for(state='visible', timeout=3000)
    assert first.inner_text()=='✗ No. it is' and not page.locator('details p').nth(1).is_visible()
    right = max(b['x']+b['width'] for b in map(lambda l: l.bounding_box(), page.locator('summary').all()))
    page.context.close()
    assert right<=390

def test_options_are_shuffled_and_stay_so():
    "Of thirty questions whose right answer is written first, it stands everywhere, and each time in the same place"
    ask = lambda: [quiz([question(f'question {i}?', right('yes', 'so'), wrong('no', 'so'), wrong('perhaps', 'so'))]*3).text for i in range(30)]
    places = [re.search(r'1([abc])\) right', s)[1] for s in ask()]
    assert ask()==ask() and all(5<=places.count(c)<=16 for c in 'abc')
