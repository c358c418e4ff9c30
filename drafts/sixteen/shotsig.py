from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    b=p.chromium.launch(executable_path='/usr/bin/chromium',args=['--no-sandbox'])
    for n,w,d in (('phone',390,'light'),('dark',1280,'dark')):
        c=b.new_context(viewport=dict(width=w,height=900),color_scheme=d); g=c.new_page()
        g.goto('file:///work/main/_docs/course/signals.html'); g.wait_for_timeout(1500)
        h=g.evaluate('document.documentElement.scrollHeight'); print(n,g.evaluate('document.documentElement.scrollWidth'),h)
        g.evaluate(f'window.scrollTo(0,{int(h*(.62 if n=="phone" else .66))})'); g.wait_for_timeout(300)
        g.screenshot(path=f'/tmp/sig{n}.png')
        g.evaluate(f'window.scrollTo(0,0)'); g.wait_for_timeout(300)
        g.screenshot(path=f'/tmp/sig{n}0.png')
    b.close()
