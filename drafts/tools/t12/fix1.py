s=open('/tmp/t12/mklesson.py').read()
def r(a,b,k=1):
    global s
    assert s.count(a)==k,(s.count(a),a); s=s.replace(a,b)
r('''import best_rates,bound_levels
from ssl_course.course.experiments.two_view_compute import chosen_runs,compute_task,data
from ssl_course.course.experiments.two_view_compute import mean_sd,measure_encoder
from ssl_course.course.experiments.two_view_compute import method_table,plan,plot_compute
''','''import best_rates,bound_levels
from ssl_course.course.experiments.two_view_compute import chosen_runs,compute_task,data
from ssl_course.course.experiments.two_view_compute import mean_sd,measure_encoder,plan
from ssl_course.course.experiments.two_view_compute import method_table,plot_compute
''')
r('''postcards = Postcards(32, seed=42).images(s.pick(200, 2000), start=2_500_000, target=None)
''','''postcards = Postcards(32, seed=42).images(s.pick(200, 2000), start=2_500_000,
                                          target=None)
''')
r("""predict('Pulling alone brings all pictures to one point of the circle. BYOL, the method of '
        'this lesson, only pulls as well: its loss is smallest, too, when all pictures lie '
        'at one point. Where will they be after 150 updates of BYOL: at one point, at two '
        'or three points, or all round the circle?',
""","""predict('Pulling alone brings all pictures to one point of the circle. BYOL, the '
        'method of this lesson, only pulls as well: its loss is smallest, too, when all '
        'pictures lie at one point. Where will they be after 150 updates of BYOL: at '
        'one point, at two or three points, or all round the circle?',
""")
r('''            ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect='equal', xticks=[], yticks=[])
''','''            ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect='equal', xticks=[],
                   yticks=[])
''')
r('''show(fig, dpi=80, alt='Two hundred postcards as points on a circle. Pulled only, they run '
     'together into one spot; with BYOL they stay all round. Spread at the four moments: '
     f'{said}.')
claim('Pulling alone leaves less than 0.15 of an even spread on the circle, and BYOL more '
      'than 0.5, with each seed', min(spread['BYOL'])>.5 and max(spread['pull only'])<.15,
''','''show(fig, dpi=80, alt='Two hundred postcards as points on a circle. Pulled only, they '
     'run together into one spot; with BYOL they stay all round. Spread at the four '
     f'moments: {said}.')
claim('Pulling alone leaves less than 0.15 of an even spread on the circle, and BYOL '
      'more than 0.5, with each seed',
      min(spread['BYOL'])>.5 and max(spread['pull only'])<.15,
''')
r('''"Two views of n pictures in each of five repetitions: (5,n,20), of which 5 are shared"''','''"Two views of n pictures in each of five repetitions: (5,n,20), the first 5 shared"''')
r('''    "Train → W, the predictor's matrix, and squared weights on each value, (moments,5,20)"
''','''    "Train → W, the predictor's matrix, squared weights on each value (moments,5,20)"
''')
r('''        P = {'matrix': torch.randn(5, 20, 20)/80**.5, 'number': torch.full((5, 1, 1), .5)}
        P = P.get(predictor, torch.eye(20).expand(5, 20, 20))
        learned = [W.requires_grad_()]+[P.requires_grad_()]*(predictor in ('matrix', 'number'))
        opt = torch.optim.SGD(learned, lr=.1, weight_decay=decay)
''','''        starts = {'matrix': torch.randn(5, 20, 20)/80**.5,
                  'number': torch.full((5, 1, 1), .5)}
        P = starts.get(predictor, torch.eye(20).expand(5, 20, 20))
        learned = [o.requires_grad_() for o in (W, P)[:1+(predictor in starts)]]
        opt = torch.optim.SGD(learned, lr=.1, weight_decay=decay)
''')
r("""predict('All weights together start at about 21. With all four parts on, 4.80 is left at the '
        'end, all of it on the five shared values. Now switch off one part at a time. '
        'Without which of the four is less than a quarter of that left?',
        'Without the stop-gradient: 0.00 is left. Without the predictor: 0.62, and still '
        'falling. Without the slow target nothing changes at all: 4.80. Without weight decay '
        'it does not collapse either: 6.22 is left, but only 52% of it is on the shared '
        'values.')""","""predict('All weights together start at about 21. With all four parts on, 4.80 is left '
        'at the end, all of it on the five shared values. Now switch off one part at a '
        'time. Without which of the four is less than a quarter of that left?',
        'Without the stop-gradient: 0.00 is left. Without the predictor: 0.62, and '
        'still falling. Without the slow target nothing changes: 4.80. Without weight '
        'decay it does not collapse either: 6.22 is left, but only 52% of it is on the '
        'shared values.')""")
r('''            ax.plot(at, sums, color=c, lw=.8, alpha=.5), ax.plot(at, sums.mean(1), color=c, lw=2.5)
''','''            ax.plot(at, sums, color=c, lw=.8, alpha=.5)
            ax.plot(at, sums.mean(1), color=c, lw=2.5)
''')
r('''        ax.annotate(f'{left[name].mean():.2f} left', (.97, .9), xycoords='axes fraction',
                    ha='right', fontsize=9)
    axes[0].annotate('shared', (.97, .66), xycoords='axes fraction', ha='right',
                     color=PALETTE[0], weight='bold')
    axes[0].annotate('private', (.97, .3), xycoords='axes fraction', ha='right',
                     color=PALETTE[7], weight='bold')
    axes[5].set_axis_off()
    axes[5].annotate('Each panel: squared\\\\nweights (log scale)\\\\nagainst the step.\\\\nThin: five '
                     'repetitions.', (.02, .35), xycoords='axes fraction')
    for ax in axes[2:5]: ax.tick_params(labelbottom=True)
    fig.suptitle('Stop-gradient and predictor hold it up; weight decay cleans it', x=.02,
                 ha='left')
''','''        note(ax, f'{left[name].mean():.2f} left', .9, INK)
    for kind,y in (('shared', .64), ('private', .25)): note(axes[0], kind, y, kinds[kind][1])
    axes[5].set_axis_off()
    note(axes[5], 'Squared weights (log\\\\nscale) against the step.\\\\nThin: each of the five\\\\n'
         'repetitions.', .3, INK)
    for ax in axes[2:5]: ax.tick_params(labelbottom=True)
    fig.suptitle('Stop-gradient and predictor hold it up; weight decay cleans it',
                 x=.02, ha='left')
''')
r('''with course_style():
    fig = new_figure(7.4, 4.6)
''','''note = lambda ax, text, y, c: ax.annotate(text, (.97, y), xycoords='axes fraction',
                                          ha='right', color=c)
with course_style():
    fig = new_figure(7.4, 4.6)
''')
r('''show(fig, dpi=85, alt='Squared weights on shared and private values while the linear world '
     f'trains, with all parts and without one of them. {said}; no stop-gradient: 0.00 left.')
share_left = {k: v/left['all four parts'] for k,v in left.items()}
claim('In the linear world stop-gradient and predictor are both needed: without either, less '
      'than a quarter of the weight is left, in each repetition',
      bool(max(share_left[f'no {k}'].max() for k in parts[:2])<.25),
      **{f'no_{k}': mean_sd(left[f'no {k}']) for k in parts[:2]})
claim('The slow target is not: without it, at least nine tenths are left, in each repetition',
      bool(share_left['no slow target'].min()>=.9), left=mean_sd(left['no slow target']))\'\'\')''','''show(fig, dpi=85, alt='Squared weights on shared and private values while the linear '
     f'world trains, with all parts and without one of them. {said}; no stop-gradient: '
     '0.00 left.')\'\'\')
code(\'\'\'share_left = {k: v/left['all four parts'] for k,v in left.items()}
claim('In the linear world stop-gradient and predictor are both needed: without either, '
      'less than a quarter of the weight is left, in each repetition',
      bool(max(share_left[f'no {k}'].max() for k in parts[:2])<.25),
      **{f'no_{k}': mean_sd(left[f'no {k}']) for k in parts[:2]})
claim('The slow target is not: without it, at least nine tenths are left, in each '
      'repetition', bool(share_left['no slow target'].min()>=.9),
      left=mean_sd(left['no slow target']))
def half_life(on):
    "Steps in which the weights halve, from the second half of the training"
    a,b = (runs[on][2][i].sum(1).mean() for i in (len(at)//2, -1))
    return float(steps/2/torch.log2(a/b))

halves = {slow: half_life((True, False, slow, True)) for slow in (True, False)}
print(f'Without a predictor the weights halve every {halves[True]:.0f} steps; without '
      f'the slow target as well, every {halves[False]:.0f} steps.')\'\'\')''')
r('''(In the explorer, switch the slow target off as well: then they fade about six times as fast.«CHECK_FADE» So here the slow target doesn't prevent a collapse. It delays one.)''','''They halve every «HALF_SLOW» steps, and every «HALF_FAST» steps if you switch the slow target off as well. So here the slow target doesn't prevent a collapse. It delays one.''')
r('''Markdown(f'Of directions with shared values the predictor lets **{passed[:,0].mean():.3f}** '
         f'through, of all others **{abs(passed[:,1].mean()):.3f}**.')''','''Markdown('Of directions with shared values the predictor lets '
         f'**{passed[:,0].mean():.3f}** through, of all others '
         f'**{abs(passed[:,1].mean()):.3f}**.')''')
r('''swept = {d: (runs[all_on] if d==.02 else linear_world(decay=d))[2][-1].sum(1) for d in decays}
''','''swept = {d: (runs[all_on] if d==.02 else linear_world(decay=d))[2][-1].sum(1)
         for d in decays}
''')
r('''    ax.annotate('predicted', (.11, held_by(.11)), (6, 6), textcoords='offset points', color=INK)
''','''    ax.annotate('predicted', (.11, held_by(.11)), (6, 6), textcoords='offset points',
                color=INK)
''')
r('''said = '; '.join(f'{d:g}: {v.mean():.2f} (predicted {held_by(d):.2f})' for d,v in swept.items())
show(fig, dpi=80, alt=f'Squared weights left against weight decay, on the predicted line. {said}.')
off = max(abs(float(v.mean())-held_by(d))/held_by(d) for d,v in swept.items() if d<.25)
above = max(float(v.max()) for d,v in swept.items() if d>.25)
claim('The weights that are left are the predicted ones to within 5%, and above a weight decay '
      'of ¼ nothing is left', off<.05 and above<.01, largest_error=off, left_above=above)''','''said = '; '.join(f'{d:g}: {v.mean():.2f} (predicted {held_by(d):.2f})'
                 for d,v in swept.items())
show(fig, dpi=80, alt='Squared weights left against weight decay, with the predicted '
     f'line. {said}.')
off = max(abs(float(v.mean())-held_by(d))/held_by(d) for d,v in swept.items() if d<.25)
above = max(float(v.max()) for d,v in swept.items() if d>.25)
claim('The weights that are left are the predicted ones to within 5%, and above a '
      'weight decay of ¼ nothing is left', off<.05 and above<.01, largest_error=off,
      left_above=above)''')
i=s.index("kinds_tried = {'learned"); j=s.index("md('''The formula does exactly")
s=s[:i]+"""kinds_tried = {'learned matrix': 'matrix', 'formula': 'formula',
               'a single number': 'number'}
table,dummies = {},{}
for first,(name,kind) in product((1., .1), kinds_tried.items()):
    film = (runs[all_on] if (kind, first)==('matrix', 1.)
            else linear_world(predictor=kind, first=first))[2]
    v = dummies[kind, first] = film[-1]
    table[name+('' if first==1. else ', two start weak')] = {
        'squared weights left': f'{v.sum(1).mean():.2f}',
        'on shared values': f'{v[:,:5].sum()/v.sum():.1%}',
        'on the first two': f'{v[:,:2].sum(1).mean():.2f}'}
whole,weak = ({k: mean_sd(v[:,:n].sum(1)) for k,v in dummies.items()} for n in (20, 2))
guess('The slow target is what prevents collapse',
      bool(share_left['no slow target'].max()<.25),
      without_it=mean_sd(left['no slow target']), with_it=whole['matrix', 1.])
guess('Without weight decay the result is the same, only larger',
      bool(on_shared['no weight decay'].min()>.95),
      on_shared=mean_sd(on_shared['no weight decay']))
guess('The predictor has to be learned',
      bool(whole['formula', 1.][0]<.9*whole['matrix', 1.][0]),
      formula=whole['formula', 1.], learned=whole['matrix', 1.])
guess('A single number is predictor enough, also for values that start weak',
      bool(weak['number', .1][0]>.9*weak['matrix', .1][0]), number=weak['number', .1],
      matrix=weak['matrix', .1])
pd.DataFrame(table).T''')
"""+s[j:]
r('''test_close(byol_loss(same, same, same, same), 0., eps=1e-6) # collapse: the best value there is
''','''test_close(byol_loss(same, same, same, same), 0., eps=1e-6) # collapse: the best value
''')
r('''    weights = [*encoder.parameters(), *task.projector.parameters(), *task.q.parameters()]
''','''    weights = [w for net in (encoder, task.projector, task.q) for w in net.parameters()]
''')
r('''pd.DataFrame({k: {'loss': f'{v[0][0]:.3f}', 'gradient': f'{v[0][1]:.6f}',
                  'gradient without stop-gradient': f'{v[1][1]:.6f}'} for k,v in look.items()}).T''','''pd.DataFrame({k: {'loss': f'{with_it[0]:.3f}', 'gradient': f'{with_it[1]:.6f}',
                  'gradient without stop-gradient': f'{without_it[1]:.6f}'}
              for k,(with_it,without_it) in look.items()}).T''')
r('''live = pretrained_by(compute_task('byol', p['bs']), sets['images'], p['unit']*p['units'],
                     p['bs'], rates['byol'], p['width'], seed=0,
                     cbs=[meter, SingleBar('BYOL')])
''','''live = pretrained_by(compute_task('byol', p['bs']), sets['images'],
                     p['unit']*p['units'], p['bs'], rates['byol'], p['width'], seed=0,
                     cbs=[meter, SingleBar('BYOL')])
''')
r("""predict('At 4 units, about a minute, with batches of 64: where is the best method that '
        'pushes no pairs, compared with SimCLR? More than 5 points ahead, within 5 points, '
        'or more than 5 points behind?',
        '«PREDICT_METHODS»: the best of them is «BEST_METHOD» with «BEST_PROBE», and SimCLR '
        'has «SIMCLR_PROBE». Untrained: «UNTRAINED_PROBE».')""","""predict('At 4 units, about a minute, with batches of 64: where is the best method that '
        'pushes no pairs apart, compared with SimCLR? More than 5 points ahead, within '
        '5 points, or more than 5 points behind?',
        '«PREDICT_METHODS»: the best of them is «BEST_METHOD» with «BEST_PROBE», and '
        'SimCLR has «SIMCLR_PROBE». Untrained: «UNTRAINED_PROBE».')""")
r('''claim('At 4 units, the best method without pairs that push (chosen on validation pictures) is '
      'ahead of SimCLR', exceeds(score(best), score('simclr')),
''','''claim('At 4 units, the best method that pushes no pairs apart (chosen on validation '
      'pictures) is ahead of SimCLR', exceeds(score(best), score('simclr')),
''')
r('''claim('At 4 units, each of the nine is more than 5 points ahead of the untrained encoder',
      False if False in ahead else None if None in ahead else True, untrained=floor,
''','''claim('At 4 units, each of the nine is more than 5 points ahead of the untrained '
      'encoder', False if False in ahead else None if None in ahead else True,
      untrained=floor,
''')
r('''claim('BYOL without EMA learns as well as with it, or better',
      {True: False, False: True, None: None}[exceeds(score('byol'), without('BYOL, no EMA'))],
      with_EMA=score('byol'), without_EMA=without('BYOL, no EMA'))
''','''claim('With EMA, BYOL learns more than without',
      exceeds(score('byol'), without('BYOL, no EMA')), with_EMA=score('byol'),
      without_EMA=without('BYOL, no EMA'))
''')
r('''claim('BYOL without its predictor collapses: less than 0.15 of an even spread is left in each '
      'run', bool((spread_cut['BYOL, no predictor']<.15).all()),
''','''claim('BYOL without its predictor collapses: less than 0.15 of an even spread is left '
      'in each run', bool((spread_cut[['BYOL, no predictor']]<.15).all()),
''')
r('''    "Spread of the projections after training BYOL without batch norm, and the right letter."
''','''    "Spread of the projections after BYOL without batch norm, and the right letter."
''')
r('''    test_close([float(v.mean()) for v in left.values()], [4.80, 0, .62, 4.80, 6.22], eps=.3)
''','''    test_close([float(v.mean()) for v in left.values()], [4.80, 0, .62, 4.80, 6.22],
               eps=.3)
''')
r('''              weight_decay={str(d): mean_sd(v) for d,v in swept.items()}, passed=passed.mean(0),
              collapsed_gradient=look['collapsed'], live={k: v['probe'] for k,v in found.items()},
''','''              weight_decay={str(d): mean_sd(v) for d,v in swept.items()},
              passed=passed.mean(0), collapsed_gradient=look['collapsed'],
              live={k: v['probe'] for k,v in found.items()},
''')
# fewer cells: texts of forward and after_step go before the loss
r('''md(\'\'\'`forward` is where the stop-gradient is, as `no_grad`. The target network sees the same views, but no gradient will ever reach it.\'\'\')
''','')
r('''md(\'\'\'After each step the target follows: $\\\\xi \\\\leftarrow m\\\\,\\\\xi + (1-m)\\\\,\\\\theta$ for all its weights, with a momentum $m$ that rises to 1 during training.\'\'\')
''','')
r('''adds both directions up (Grill et al., equations 2 and 3), and gets its targets from the slow copy.\'\'\')''','''adds both directions up (Grill et al., equations 2 and 3), and gets its targets from the slow copy. In the code below, the stop-gradient is the `no_grad` in `forward`. After each step, the copy's weights $\\\\xi$ follow: $\\\\xi \\\\leftarrow m\\\\,\\\\xi + (1-m)\\\\,\\\\theta$, with a momentum $m$ that rises to 1 during training.\'\'\')''')
open('/tmp/t12/mklesson.py','w').write(s)
