s=open('/tmp/t12/mklesson.py').read()
def r(a,b,k=1):
    global s
    assert s.count(a)==k,(s.count(a),a); s=s.replace(a,b)
r("""'method of this lesson, only pulls as well: its loss is smallest, too, when all '
        'pictures lie at one point. Where""","""'method of this lesson, only pulls as well: its loss is smallest, too, when '
        'all pictures lie at one point. Where""")
r('''    for kind,y in (('shared', .64), ('private', .25)): note(axes[0], kind, y, kinds[kind][1])
''','''    for kind,y in (('shared', .64), ('private', .25)):
        note(axes[0], kind, y, kinds[kind][1])
''')
r('''    note(axes[5], 'Squared weights (log\\\\nscale) against the step.\\\\nThin: each of the five\\\\n'
         'repetitions.', .3, INK)
''','''    note(axes[5], 'Squared weights (log\\\\nscale) against the step.\\\\nThin: each of the '
         'five\\\\nrepetitions.', .3, INK)
''')
r('''claim('In the linear world stop-gradient and predictor are both needed: without either, '
      'less''','''claim('In the linear world stop-gradient and predictor are both needed: without '
      'either, less''')
open('/tmp/t12/mklesson.py','w').write(s)
