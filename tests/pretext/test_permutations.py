"Orders that are far apart, and shuffling."
import numpy as np
import pytest
import torch

from ssl_course.pretext._permutations import distant_permutations,shuffle_pieces

@pytest.mark.parametrize('n,count', [(4, 24), (9, 64)])
def test_shuffling_and_inverting_is_the_identity(n, count):
    orders = torch.from_numpy(distant_permutations(n, count))
    pieces,k = torch.rand(count, n, 3, 4, 4),torch.arange(count)
    shuffled = shuffle_pieces(pieces, orders[k])
    assert torch.equal(shuffle_pieces(shuffled, orders[k].argsort(1)), pieces)
    assert not torch.equal(shuffled, pieces)
    for b in range(count):
        for i in range(n): assert torch.equal(shuffled[b,i], pieces[b,orders[k[b],i]])

def test_orders_are_far_apart():
    least = lambda p: min((a!=b).sum() for i,a in enumerate(p) for b in p[:i])
    rng = np.random.default_rng(0)
    for n,count,want in ((4, 4, 4), (4, 12, 3), (9, 9, 8), (9, 64, 7)):
        p = distant_permutations(n, count)
        assert (np.sort(p, 1)==np.arange(n)).all() and least(p)>=want>=max(least(np.stack([rng.permutation(n) for _ in range(count)])) for _ in range(3))

def test_orders_belong_to_who_asked_for_them():
    "They are looked for once; what one puzzle does to them no other sees"
    from ssl_course.pretext.jigsaw import Jigsaw
    first,again = distant_permutations(4, 6),distant_permutations(4, 6)
    again[:] = 0
    assert (distant_permutations(4, 6)==first).all() and first.any()
    one = Jigsaw(2, 6)
    one.orders[:] = 0
    assert torch.equal(Jigsaw(2, 6).orders, torch.from_numpy(first))
