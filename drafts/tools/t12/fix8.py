s=open('/tmp/t12/mkexp.py').read()
a='''def plot_compute(
    store, # the stored runs'''
assert s.count(a)==1
s=s.replace(a,"''')\ncode('''#| export\n"+a).replace("bound')[value].mean())\n\n''')","bound')[value].mean())''')").replace("bound')[value].mean())\n\n\n''')","bound')[value].mean())''')")
a='''def ablation_table(
    store, # the stored runs'''
assert s.count(a)==1
s=s.replace(a,"''')\ncode('''#| export\n"+a).replace("for k in t.index])\n\n''')","for k in t.index])''')")
# the cell moves: keep _compute_lines before use is not needed (functions are looked up when called)
open('/tmp/t12/mkexp.py','w').write(s)
