"What nbdev writes into modules is as short as what we write."
from helpers import MODULES,ROOT,name_of,none
from ssl_course._nbdev import short_all

def test_no_line_of_the_library_is_over_120_characters():
    "Also none that nbdev writes: `__all__`, headers, marks of cells"
    wide = ((f, i, len(l)) for f in MODULES for i,l in enumerate(f.read_text(encoding='utf-8').splitlines(), 1))
    none(f'{name_of(f)}:{i}: {n} characters' for f,i,n in wide if n>120)

def test_export_makes_room(monkeypatch, tmp_path):
    "Without it the first line would have 130 characters; the names are the same"
    from nbdev import maker
    monkeypatch.setattr(maker, 'TextWrapper', maker.TextWrapper)
    def written(*calls):
        for c in calls: c(None)
        m = maker.ModuleMaker(dest=tmp_path, name='wide', nb_path=tmp_path/'wide.ipynb', is_new=True)
        m.make(maker.make_code_cells('\n'.join(f'def n{i:02}(): ...' for i in range(30))), lib_path=tmp_path)
        text = (tmp_path/'wide.py').read_text()
        space = {}
        exec(text, space)
        return max(map(len, text.splitlines())),space['__all__']
    from textwrap import TextWrapper
    maker.TextWrapper = TextWrapper
    before,after = written(),written(short_all)
    assert before[0]>120>=after[0] and before[1]==after[1] and len(after[1])==30

def test_nbdev_calls_it():
    assert 'export_procs = ["ssl_course._nbdev:short_all"]' in (ROOT/'pyproject.toml').read_text()
