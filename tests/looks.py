"What tests share that look at pages in a browser."

# what sticks out of the window without a box to scroll it in (smalldocs clips the page, so it would be lost, not scrolled)
CUT = '''() => [...document.querySelectorAll('main *')].filter(e => !e.closest('svg > *, .katex-mathml') && e.getBoundingClientRect().right > innerWidth+1 && e.checkVisibility() && (() => {
  for (let p = e.parentElement; p.tagName!='MAIN'; p = p.parentElement) if (['auto','scroll','hidden'].includes(getComputedStyle(p).overflowX)) return false;
  return true })()).map(e => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0,60)}`).slice(0, 3)'''

def listen(page, base):
    "Note everything that goes wrong on `page`"
    bad = []
    page.on('console', lambda m: bad.append(f'console: {m.text}') if m.type in ('error','warning') else None)
    page.on('pageerror', lambda e: bad.append(f'script: {e}'))
    page.on('requestfailed', lambda r: bad.append(f'failed: {r.url}'))
    page.on('response', lambda r: bad.append(f'{r.status}: {r.url}') if r.status>=400 else None)
    page.on('request', lambda r: None if r.url.startswith((base,'data:','blob:')) else bad.append(f'asks another host: {r.url}'))
    return bad

def too_wide(page, width):
    "What doesn't fit a window of this width"
    page.set_viewport_size(dict(width=width, height=800))
    over = page.evaluate('document.scrollingElement.scrollWidth') - width
    return page.evaluate(CUT) + ([f'the page by {over} pixels'] if over>1 else [])

# (foreground, background) of each piece of text that is visible, without those over pictures
COLOURS = '''() => { const out = {};
  const solid = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number); if (c.length<4 || c[3]==1) return c.slice(0,3) } return [255,255,255] };
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg, .katex-mathml, style, script, [hidden], .anchorjs-link') || !e.checkVisibility({opacityProperty: true})) continue;
    const said = getComputedStyle(e).color, c = said.match(/[\\d.]+/g).map(Number).slice(0,3).map(v => said.startsWith('color(srgb') ? 255*v : v), b = solid(e);
    out[[c,b].join()] = [c, b, walk.currentNode.data.trim().slice(0,40)] }
  return Object.values(out) }'''

def contrast(a, b):
    "Contrast of two sRGB colours by WCAG 2, from 1 to 21"
    line = lambda v: v/12.92 if v<=.04045 else ((v+.055)/1.055)**2.4
    l = sorted(sum(k*line(v/255) for k,v in zip((.2126,.7152,.0722), c)) for c in (a, b))
    return (l[1]+.05)/(l[0]+.05)

QUARTO = '''#!/bin/sh
# stands in for Quarto: renders a page for every notebook, and notes how it was called
echo "$PWD $*" >> "$QUARTO_LOG"
for a in "$@"; do out="$a"; done
find . -name '*.ipynb' | while read f; do mkdir -p "$out/$(dirname "$f")"; cp "$f" "$out/${f%.ipynb}.html"; done
'''
