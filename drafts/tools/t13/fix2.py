s=open('mkex.py').read()
def r(a,b,n=1):
    global s
    assert s.count(a)==n,(s.count(a),a); s=s.replace(a,b)
r("""_judge = partial(judge_experiment, right=_right, high=(.66, 'what both sides give; did `also` arrive?'),
                 low=(.2, 'hardly more than the most frequent letter; was it trained, and tested '
                          'with the same places hidden?'))
""","""_judge = partial(judge_experiment, right=_right,
                 high=(.66, 'what both sides give; did `also` arrive?'),
                 low=(.2, 'hardly more than the most frequent letter; was it trained and tested '
                          'with the same places hidden?'))
""")
r("""    return accuracy,'«LEFT_LETTER»'

@mistake(""","""    return accuracy,'C' # «LEFT_LETTER»''')
code('''#| export
@mistake(""")
r("""@exercise(Case(_scores, .75, hint='`scores.argsort(1)` is a random order of the patches of each picture; '
                             'cut it in two.'),
""","""@exercise(Case(_scores, .75, hint='`scores.argsort(1)` is a random order of the patches of each '
                                  'picture; cut it in two.'),
""")
r("""@mistake(split_patches, 'You took the first picture\\\\'s order for all. Each picture has a mask of its own.')
""","""@mistake(split_patches,
         'You took the first order for all pictures. Each picture has a mask of its own.')
""")
r("""@mistake(normalized_patches, 'One mean and one spread for the whole picture. Each *patch* has its own.')
""","""@mistake(normalized_patches,
         'One mean and one spread for the whole picture. Each *patch* has its own.')
""")
r("""@mistake(normalized_patches, 'That is the mean over the pictures of the batch. A patch is compared with '
                             'itself.')
""","""@mistake(normalized_patches,
         'That is the mean over the pictures of the batch. A patch is compared with itself.')
""")
open('mkex.py','w').write(s)
