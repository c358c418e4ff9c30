"Rules for all notebooks, one test for each rule; what breaks it is listed as `notebook: what`."
import ast,re

from helpers import LESSONS,NOTEBOOKS,beginning,cells,is_import,name_of,none,notebook,raw_cells,tree

TITLE = re.compile(r'# [^\n]+\n+> [^\n]+\n*')
PLACE = re.compile(r'(?:/home/|/root/|/work/|/tmp/|/Users/|[A-Z]:\\\\Users)[^\s"\'<>\\]*')

def test_there_are_notebooks(): assert len(NOTEBOOKS)>70 and len(LESSONS)>=12

def test_are_small(): none(f'{name_of(f)}: {f.stat().st_size:,} bytes' for f in NOTEBOOKS if f.stat().st_size>=300_000)

def test_name_no_place_of_a_machine(): none(f'{name_of(f)}: {p}' for f in NOTEBOOKS for p in PLACE.findall(f.read_text(encoding='utf-8')))

def test_begin_with_title_and_sentence():
    "The first cell is `# title` and `> one sentence`, nothing else"
    first = {f: notebook(f)['cells'][0] for f in NOTEBOOKS}
    none(f"{name_of(f)}: {''.join(c['source'])[:60]!r}" for f,c in first.items() if c['cell_type']!='markdown' or not TITLE.fullmatch(''.join(c['source'])))

def test_names_in_code_are_no_links():
    "nbdev links them itself, and a link around that one is shown as it was typed"
    none(f'{name_of(f)}: {l}' for f in NOTEBOOKS for l in re.findall(r'\[`[^`\]]+`\]\([^)]*\.ipynb[^)]*\)', '\n'.join(cells(f, 'markdown'))))

def test_no_failed_cell_is_stored():
    none(f"{name_of(f)}: {o['ename']}: {o['evalue'][:60]}" for f in NOTEBOOKS for c in raw_cells(f) for o in c['outputs'] if o['output_type']=='error')

def test_names_of_pages_are_unique():
    "nbdev strips the numbers, and two pages of one name collide, in whatever folders they are"
    stems = [re.sub(r'^\d+[a-z]?_', '', f.stem) for f in NOTEBOOKS]
    none(f'{name_of(f)}: there is another {s}' for f,s in zip(NOTEBOOKS, stems) if stems.count(s)>1)

def test_imports_stand_apart():
    "Building the site runs the cells that import something: those do nothing else"
    def mixed(s):
        body = tree(s).body
        return any(map(is_import, body)) and not all(map(is_import, body)) and not re.search(r'^#\| *(eval: *false|hide)', s, flags=re.M)
    none(f'{name_of(f)}: {beginning(s)}' for f in NOTEBOOKS for s in cells(f) if mixed(s))

def test_stars_only_of_all_course_and_fastai():
    "`from x import *` only of `ssl_course.all`, `ssl_course.course` and fastai's `.all` modules: what else a cell uses, it names"
    star = lambda n: isinstance(n, ast.ImportFrom) and n.names[0].name=='*'
    fine = re.compile(r'ssl_course\.(all|course)|fastai(\.\w+)*\.(all|basics)')
    none(f'{name_of(f)}: {n.module}' for f in NOTEBOOKS for s in cells(f) for n in ast.walk(tree(s)) if star(n) and not fine.fullmatch(n.module or ''))

def test_figures_have_alternative_texts():
    "Stored pictures have theirs in their metadata (which nbdev-clean would drop, were it not told to keep it) or in the cell"
    def bare(c, o): return 'image/png' in o.get('data', {}) and not o.get('metadata', {}).get('image/png', {}).get('alt') and 'fig-alt' not in ''.join(c['source'])
    none(f"{name_of(f)}: {beginning(''.join(c['source']))}" for f in NOTEBOOKS for c in raw_cells(f) for o in c['outputs'] if bare(c, o))
