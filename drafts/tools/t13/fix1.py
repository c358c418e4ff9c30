s=open('mklesson.py').read()
def r(a,b,n=1):
    global s
    assert s.count(a)==n,(s.count(a),a); s=s.replace(a,b)
r("numbers,dice = np.arange(3_300_000, 3_300_000+s.pick(40, 500)),np.random.default_rng(s.seed)","numbers = np.arange(3_300_000, 3_300_000+s.pick(40, 500))\ndice = np.random.default_rng(s.seed)")
r("    score[:,probe[-1].classes_] = probe.decision_function(simclr.embed(x.split(256)).numpy())","    z = simclr.embed(x.split(256)).numpy()\n    score[:,probe[-1].classes_] = probe.decision_function(z)")
r("""show(image_grid(torch.cat([cover(eight, order[:8], 12)[:4], eight[:4]]), ncols=4, scale=1.5),
     colors=96, alt='Four postcards of which gray squares hide three quarters, and below '
                    'them the same postcards whole.')
Markdown(f'On {len(small)} postcards with the same four answers, the network is right on '
         f'**{correct["whole"]:.0%}** of the whole ones and on **{correct["hidden"]:.0%}** '
         f'of the covered ones. Guessing: 25%.')""","""first = torch.cat([cover(eight, order[:8], 12)[:4], eight[:4]])
show(image_grid(first, ncols=4, scale=1.5), colors=96,
     alt='Four postcards of which gray squares hide three quarters, and below them the '
         'same postcards whole.')
Markdown(f'On {len(small)} postcards, with four answers each, the network is right on '
         f'**{correct["whole"]:.0%}** of the whole ones and on '
         f'**{correct["hidden"]:.0%}** of the covered ones. Guessing: 25%.')""")
r("    whole,quarter = (seconds(lambda: encoder.features(x, **o)) for o in ({}, dict(keep=visible)))\nshapes = dict(picture=x[:1], patches=patches[:1], tokens=tokens[:1], drawing=drawing[:1])\n","    whole = seconds(lambda: encoder.features(x))\n    quarter = seconds(lambda: encoder.features(x, keep=visible))\nshapes = dict(picture=x, patches=patches, tokens=tokens, drawing=drawing)\n")
r("""Markdown(', '.join(f'{k} **{" × ".join(map(str, v.shape[1:]))}**' for k,v in shapes.items())
         + f'. To encode a quarter of the patches takes {quarter/whole:.0%} of the time '
         f'that all of them take.')""","""said = [f'{k} **{" × ".join(map(str, v.shape[1:]))}**' for k,v in shapes.items()]
Markdown(f'{", ".join(said)}. To encode a quarter of the patches takes '
         f'{quarter/whole:.0%} of the time that all of them take.')""")
r("""predict('Three quarters of the patches are hidden. After a minute of practice, does the '
        'network draw them with a smaller error than the best blur? And after four times '
        'as long?',
""","""predict('Three quarters of the patches are hidden. After a minute of practice, does '
        'the network draw them with a smaller error than the best blur? And after '
        'four times as long?',
""")
r('"Three ways to fill what is hidden without learning anything (from lesson 5)"','"Three ways to fill without learning anything (from lesson 5)"')
r("test,_,gone = masks.covered(learn.task, sets) # postcards that no network here was trained on","test,shown,gone = masks.covered(learn.task, sets) # no network here has trained on these")
r("""     colors=96, alt='Six postcards with three quarters of their patches hidden, then filled '
     'by the best blur, by diffusion, by the network after a minute and after longer '
     'practice, and the whole postcards.')""","""     colors=96, alt='Six postcards with three quarters of their patches hidden, then '
     'filled by the best blur, by diffusion, by the network after a minute and after '
     'longer practice, and the whole postcards.')""")
r("""show(image_grid(torch.cat([left, right_, imagined]), titles=['one house', 'another', 'drawn'],
                scale=1.3), alt=f'A house with its door left, one with its door right, and what '
     f'the network draws: a half-gray door in both places, at a squared error of '
     f'{gap["to_mean"]:.4f} from the mean of the two and {gap["to_left"]:.3f} from a house.')
""","""show(image_grid(torch.cat([left, right_, imagined]), scale=1.3,
                titles=['one house', 'another', 'drawn']),
     alt='A house with its door left, one with its door right, and what the network '
     f'draws, at a squared error of {gap["to_mean"]:.4f} from the mean of the two and '
     f'{gap["to_left"]:.3f} from the first.')
""")
r("seen = [masks.covered(learn.task, sets)[1][i] for i in range(len(test[:64]))]\nparts = patchify(test, 4)\n","seen,parts = shown[:64],patchify(test, 4)\n")
r("""     alt='Three covered postcards; for each, three others that fit where it can be seen, '
         'the blurred mean of fifty, and the postcard itself.')""","""     alt='Three covered postcards; for each, three others that fit where it can be '
         'seen, the blurred mean of fifty, and the postcard itself.')""")
r("""predict('The experiment trains the same network with a quarter, a half, three quarters and '
        'nine tenths hidden, for equal compute, and probes each with 2,000 labels. Which '
        'is best? And is one large block better or worse than single patches?',
""","""predict('The experiment trains the same network with a quarter, a half, three quarters '
        'and nine tenths hidden, for equal compute, and probes each with 2,000 '
        'labels. Which is best? And is one large block better or worse than single '
        'patches?',
""")
r("""claim('Hiding three quarters teaches more than hiding a quarter, at equal compute (probe)',
      exceeds""","""claim('Hiding three quarters teaches more than hiding a quarter, at equal compute '
      '(probe)', exceeds""")
r("""guess('Drawing each patch less its mean, divided by its spread, teaches more than drawing '
      'it as it is', exceeds(full['normalized'], full['75%']), **values('normalized', '75%'))
""","""guess('Drawing each patch less its mean, divided by its spread, teaches more than '
      'drawing it as it is', exceeds(full['normalized'], full['75%']),
      **values('normalized', '75%'))
""")
r("""once.loc[p['arms']].rename(columns={'full': '2,000 labels', 'few': '5 per class'}).round(3)""","""once = once.rename(columns={'full': '2,000 labels', 'few': '5 per class'})
once.loc[p['arms']].round(3)""")
r("""name = {'75%': 'pixels, 75%'}
values = lambda *arms: {name.get(a, a).replace(' ', '_').replace(',', ''): full[a]
                        for a in arms}
""","""def values(*arms): return {a.replace(' ', '_').replace(',', ''): full[a] for a in arms}
""")
r("""claim('Predicting features teaches more than predicting pixels, at equal compute (probe)',
      exceeds(full['features'], full['75%']), **values('features', '75%', 'features, blocks'))
pd.DataFrame({'varies over pictures': varied, 'loss at the end': last}).loc[[*varied]].round(3)""","""claim('Predicting features teaches more than predicting pixels, at equal compute '
      '(probe)', exceeds(full['features'], full['75%']),
      **values('features', '75%', 'features, blocks'))
both = pd.DataFrame({'varies over pictures': varied, 'loss at the end': last})
both.loc[[*varied]].round(3)""")
r("""for k,name in (('scratch', 'conv net, from scratch'), ('postcards-simclr', 'simclr')):
    for r in (found := pd.DataFrame([vars(o) for o in reference_runs(k, sets)])).itertuples():
        if f'tuned, {r.labels}' in table: # converged, and searched up to 12,800 updates
            of = found[found.labels==r.labels].accuracy.mean()
            table.loc[name, f'tuned, {r.labels}'] = of
""","""for k,row in (('scratch', 'conv net, from scratch'), ('postcards-simclr', 'simclr')):
    found = reference_runs(k, sets) # converged, searched up to 12,800 updates
    for n in stored.plan['tuning']['labels']:
        some = [r.accuracy for r in found if r.labels==n]
        if some: table.loc[row, f'tuned, {n}'] = np.mean(some)
""")
r("""probe_gain = {a: table.loc[a, 'probe, all']-untrained for a in stored.plan['longer']['arms']}
""","""probe_gain = {a: table.loc[a, 'probe, all']-untrained
              for a in stored.plan['longer']['arms']}
""")
r("""names = ['most frequent letter', 'both neighbours', 'two on each side', 'three on each side']
""","""names = ['most frequent letter', 'both neighbours', 'two on each side',
         'three on each side']
""")
r("""    return dict(window=f'{told(row[:mid])}▢{told(row[mid+1:])}', hidden=letters[row[mid]],
                **dict(zip(('likeliest', 'second', 'third'), said)))""","""    window = f'{told(row[:mid])}▢{told(row[mid+1:])}'
    return dict(window=window, hidden=letters[row[mid]],
                **dict(zip(('likeliest', 'second', 'third'), said)))""")
r("test_eq(set(map(tuple, train.tolist()))=={()}, False)\n","")
r("    test_close(right_letters['most frequent letter'], .16, eps=.03)\n    test_close(right_letters['both neighbours'], .41, eps=.05)","    test_close([right_letters[k] for k in names], [.144, .429, .682, .697], eps=.005)")
# quiz
i=s.index("code('''quiz(["); q0=s[i:s.index("])''')",i)]; q=q0
for a,b in [
("            'Other methods show mask tokens to the encoder, and live with it. It costs time, and a '\n            'difference between training and use.'),","            'Other methods show mask tokens to the encoder, and live with it. It costs time, and '\n            'makes training differ from use.'),"),
("        wrong('The decoder paints over them', 'It draws them at the end; the encoder has finished by '\n            'then.')),","        wrong('The decoder paints over them',\n            'It draws them at the end; the encoder has finished by then.')),"),
("    question('A door is on the left or on the right, and nothing tells which. What does a network that '\n        'is trained by squared error draw?',","    question('A door is on the left or on the right, and nothing tells which. What does a network '\n        'draw that is trained by squared error?',"),
("        wrong('No door', 'White walls in both places are further from both houses than their mean.')),","        wrong('No door',\n            'White walls in both places are further from both houses than their mean.')),"),
("        right('It gives each word a probability', 'The answers can be counted, so several can be likely '\n            'at once.'),","        right('It gives each word a probability',\n            'The answers can be counted, so several can be likely at once.'),"),
("        wrong('Words are easier to predict than patches', 'Often they are not. The difference is in how '\n            'the answer is written down.'),","        wrong('Words are easier to predict than patches',\n            'Often they are not. The difference is in how the answer is written down.'),"),
("        right('Nothing: it is smallest when all features are equal', 'What prevents it is how the target '\n            'is made: no gradient, a slow copy, a predictor. Watch the features.'),","        right('Nothing: it is smallest when all features are equal',\n            'What prevents it is how the target is made: no gradient, a slow copy, a predictor. '\n            'Watch the features.'),"),
("        wrong('Collapse is impossible, as the target is fixed', 'Pixels are fixed. Features move along '\n            'with the network.')),","        wrong('Collapse is impossible, as the target is fixed',\n            'Pixels are fixed. Features move along with the network.')),"),
("    question('Your masked encoder has a poor linear probe. What do you do before you throw it away?',","    question('Your masked encoder has a poor linear probe. What do you do before you drop it?',"),
("        right('Fine-tune it, against random weights and with the same search', 'Its features may be of '\n            'use to a network that goes on learning, though no linear layer can read them.'),","        right('Fine-tune it, against random weights and with the same search',\n            'Its features may be of use to a network that goes on learning, though no linear '\n            'layer can read them.'),"),
]:
    assert q.count(a)==1,a; q=q.replace(a,b)
s=s.replace(q0,q)
r("Rules without a network come first, as always: name","Rules without a network come first, as always. Name")
open('mklesson.py','w').write(s)
