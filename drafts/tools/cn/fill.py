T = {
'FOUND': "Between two candidates the network is nearly always right. Among 1,024 it still finds the partner more than half the time (54%); random weights find it once in a hundred, and the mean colour is no help, since the views have changed it.",
'PULL': "Three seconds of training, and the features of 512 different pictures differ by next to nothing.",
'CURVE_TITLE': "A minute helps, twenty help more",
'CURVE_TEXT': """Random weights allow 11%, the minute of practice 33%. With 1.2 million images, eight times as many, it's 60%. (The dashed line above is the same network trained on 10,000 *labels*.) What follows was measured with networks that practised twice as long as this one, on 300,000 images.""",
'PREDICT1': "With all changes of colour: other cars, in any colour. If the views keep the hue: red '\n        'things of any kind. Over 2,000 queries the nearest neighbour has the same class '\n        'in 55% against 24%, and the same hue in 19% against 66%.",
'QUERIES': "(6, 9, 10, 15)",
'MAIN_ALT': "Four postcards, a pink car, a blue boat, a yellow house and a balloon, each with '\n         'its four nearest neighbours. With all changes of colour: mostly cars, boats, '\n         'houses and balloons, in all colours. With the hue kept: other things, nearly '\n         'always of the same hue.",
'MAIN_TEXT': """(We picked four queries that show it well; the claims count all 2,000.) Both networks are right, each about its own question. For the left one a car is a car. For the right one a pink lighthouse is a better match for a pink car than a green car is. That's what we taught it: views of one picture always agreed about the hue.

Look at the numbers for random weights, too. Their neighbours share the hue in 29% of cases, more often than those of the network that was trained with all changes (19%). Hues that are less than a twelfth of the colour circle apart count as the same, so chance is 17%. So the hue wasn't just neglected. It was *removed*.""",
'MAP_TITLE': "The views decide about hue and class",
'MAP_TEXT': """The rows are networks, the columns what can be read from their features: accuracy for the class, $R^2$ for the rest. The two columns on the left are clear. A network whose views keep the colours keeps the hue, and pays with the class: **12%**, no better than random weights. Why should such a network look at shapes, if the colours already give the partner away?

The rest of the map warns against making a law of it. Views that change the brightness lower it only from .38 to .27, and random weights read it at .35 without any training. And leaving out the crops makes size and place *harder* to read, not easier. Without crops two views are nearly the same picture, the question is too easy, and hardly anything is learned at all (class: 14%). So: **what the views change may be forgotten, and what they leave alone is learned only if it's needed.**

So there are no good views as such. Choose them by what your task must *not* depend on. It's the one place in this method where somebody who knows the task has a say.""",
'PREDICT2': "The temperature. From 0.3 to 1 the accuracy falls from 50% to 30%. From 4 to 16 '\n        'competing pictures it rises from 39% to 45%, and with 128 it is 42%: no further gain.",
'TEMP_TITLE': "Not too hot",
'GROUP_TITLE': "Sixteen are enough",
'TEMP_TEXT': """Three of the four temperatures end between 42% and 50%. At $\\tau = 1$, where the push is spread over everything, it's 30%. (Each has a learning rate of its own, searched in the same way.)

The number of candidates matters much less than one reads. Four competing pictures are few, sixteen are enough, and 128 are no better. The claim about 4 against 128 isn't resolved: they're three points apart, and the two seeds spread by two. The papers used thousands of negatives, but for a thousand classes. We have ten, and with the candidates comes something else.""",
'FALSE_TEXT': """That's the largest effect of the whole lesson: 69% against 42%. It's a cheat, of course. To leave the false negatives out, the experiment had to look at all labels. But it shows what not knowing costs.

Note what the stored encoder says about its own training: of the five most alike, four in five are of the same class. These are the pictures that a cold softmax pushes hardest. And the better the encoder, the more of the hardest negatives are false. (That this is why 128 candidates are no better than 16 is our guess. To test it, one would hide candidates *and* false negatives.) With a thousand classes there are a hundred times fewer of them. Methods without any negatives don't have the problem, and [lesson 12](12_without_negatives.ipynb) is about them.""",
'QUEUE_TEXT': """A clear no, and our claim is refuted as well. We had thought: old keys don't fit, so a long queue hurts, and a slower copy mends it. But 4,096 keys, up to 128 batches old, are hardly worse than 512 (up to 16 batches old): 22.7% against 23.8%. And the slower copy makes it worse. Why, we haven't found out.

So the age of the keys isn't what hurts. One reason we can see: negatives weren't missing in the first place. Sixteen pictures were enough above, and a queue supplies more of what isn't needed. Another suspect we haven't tested: only one of the two views gets a gradient. He et al. had a thousand classes, a million pictures and 200 passes over them; there, a momentum of 0.999 is the best of their table. Here the advice is: with small batches, take SimCLR.""",
'SHORTCUT_TEXT': """Two pictures in five are matched by their mean colour alone, if the views leave colours as they are. That's why that row of the map knows hues and no classes. A change of brightness and contrast is enough to stop *this* rule (2%). But the network in the row *same hue* shows that a better one is left: it learns to read hues. **A shortcut isn't closed because one rule fails**; look at what the features contain.""",
'CHECKS': """test_close([found['simclr'][1024], found['untrained'][1024]], [.54, .01], eps=.05)
    near_class,near_hue = ([spread(k, of)[0] for k in ('base', 'same hue')]
                           for of in ('same_class', 'same_hue'))
    test_close(near_class+near_hue, [.55, .24, .19, .66], eps=.006)
    test_close([spread(k)[0] for k in ('τ 0.3', 'τ 1', '4 compete', '16 compete', 'base')],
               [.50, .30, .39, .45, .42], eps=.006)""",
'REMEMBER': """1. A loss that only **pulls** collapses. Contrast asks for **one of many**, so something pushes.
2. InfoNCE is **cross-entropy** over similarities. A cold softmax looks at the hardest negatives; a very hot one (τ = 1) ended 20 points below the best.
3. **You decide what is "the same".** Views that change the hue remove it; views that keep it teach the hue instead of the class.
4. Many negatives are **false**. Leaving those out was worth 27 points here; having 128 candidates instead of 16 was worth nothing.
5. A **queue** supplies more negatives. Where they aren't missing, it doesn't help.""",
'SAME_HUE': "19%",
}
