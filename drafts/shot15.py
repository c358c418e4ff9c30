from playwright.sync_api import sync_playwright
import sys
with sync_playwright() as p:
    b=p.chromium.launch(executable_path='/usr/bin/chromium',args=['--no-sandbox'])
    for n,w,d in (('phone',390,'light'),('dark',1280,'dark')):
        c=b.new_context(viewport=dict(width=w,height=900),color_scheme=d); g=c.new_page()
        g.goto('file:///work/main/_docs/lessons/several_rounds.html'); g.wait_for_timeout(1500)
        print(n,g.evaluate('[document.documentElement.scrollWidth,document.documentElement.scrollHeight]'))
        g.screenshot(path=f'/tmp/s15{n}.png',full_page=True)
    b.close()
