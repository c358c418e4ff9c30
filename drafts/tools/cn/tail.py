md('''## Exercises

**1. An experiment.** You sort fruit by how ripe it is, and ripe means red. Which views would you train with? Train `SimCLR(temp=.1, views=...)` for a minute, with a `strong_views(size=24, ...)` of your own (`practise(task, seen)` does it), and look how often the nearest neighbour has the same hue: `encoder_values(learn.encoder, sets, p)['same_hue']`. With all changes of colour it's «SAME_HUE» (stored, printed above). Return yours, and a letter: your fraction is (A) less than 5 points above that, (B) at most 15 points above, or (C) more than that.''')
code('''def views_for_ripeness():
    "How often the nearest neighbour has the same hue with your views, and the letter."
    ...

check(views_for_ripeness)''')
code('''solution('views_for_ripeness')''')
md('''**2. Another.** Make the softmax as hot as it gets: train with `temp=1.` for a minute, everything else as above, and take the accuracy with five labels (`encoder_values(...)['probe']`). Guess first: is it (A) at least as good as at 0.1, (B) worse, and still clear of random weights by 5 points, or (C) no better than that? Return it, and the letter.''')
code('''def too_hot():
    "Accuracy with five labels per class after a minute at τ = 1, and the letter."
    ...

check(too_hot)''')
code('''solution('too_hot')''')
md('''**3.** How many of its negatives does a picture push away wrongly? Work it out for a batch of $N$ pictures of $c$ equally frequent classes.''')
code(keep[69]); code(keep[70])
md('''**4.** Write the core yourself: InfoNCE for one query, from exponentials and logarithms, without `cross_entropy`. Mind large values: at τ = 0.001 a score is 1,000.''')
code(keep[72]); code(keep[73])
md('''## Quiz''')
q=keep[78]
code(q)
md('''## What to remember

«REMEMBER»

## Further reading

* Chen et al. 2020, [SimCLR](https://arxiv.org/abs/2002.05709): figure 5, which pairs of augmentations matter on ImageNet; appendix B.9 has batch sizes from 256 to 8,192.
* He et al. 2020, [MoCo](https://arxiv.org/abs/1911.05722): section 3 builds the queue step by step; algorithm 1 fits on half a page; table in section 4.1 has the momentum.
* Chen et al. 2020, [Big self-supervised models are strong semi-supervised learners](https://arxiv.org/abs/2006.10029): for scale, 73.9% on ImageNet with 13 labels per class.
* Wang & Isola 2020, [Alignment and uniformity](https://arxiv.org/abs/2005.10242): what the loss wants, as two numbers.
* Wang & Liu 2021, [Understanding the behaviour of contrastive loss](https://arxiv.org/abs/2012.09740): what the temperature does to hard and to false negatives.
* Chuang et al. 2020, [Debiased contrastive learning](https://arxiv.org/abs/2007.00224): taking the false negatives out without knowing them.''')
code('lesson.finish()')
