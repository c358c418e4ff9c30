"Two moons: what the lesson on consistency draws, and the loop that it trains by."
import torch

from ssl_course.course.moons import Bumps,pick_labels,train_moons,two_moons

def test_the_points_are_the_same_each_time():
    (x,y),(again,_) = two_moons(),two_moons()
    assert x.shape==(2000, 2) and x.dtype==torch.float32 and torch.equal(x, again)
    assert y.bincount().tolist()==[1000, 1000] and not torch.equal(x, two_moons(seed=2)[0])

def test_labels_are_picked_by_class():
    x,y = two_moons(100)
    for seed in range(3):
        shown = pick_labels(x, y, 4, seed)
        assert len(set(shown.tolist()))==8 and y[shown].tolist()==[0]*4+[1]*4
        assert all((x[shown[y[shown]==c],0]<=x[y==c][:,0].median()).all() for c in (0, 1)) # the left half
    assert pick_labels(x, y, seed=0).tolist()==pick_labels(x, y, seed=0).tolist()!=pick_labels(x, y, seed=1).tolist()

def test_training_uses_no_other_label():
    x,y = two_moons(200)
    shown = pick_labels(x, y)
    hidden = 1-y
    hidden[shown] = y[shown]
    a,b = (train_moons(x, labels, shown, updates=20)[0] for labels in (y, hidden))
    assert torch.equal(a(x), b(x)) and (a(x).argmax(1)==y)[shown].float().mean()>.6

def test_the_extra_loss_gets_what_it_needs():
    "The network, its slow copy without gradient, 256 of the points without labels, and the progress"
    x,y = two_moons(100)
    seen = []
    def extra(net, slow, u, progress):
        seen.append(progress)
        assert u.shape==(256, 2) and (u>=5).all() and not any(q.requires_grad for q in slow.parameters())
        return net(u).square().mean()
    net,slow,film = train_moons(x, y, pick_labels(x, y), extra, x+10, updates=4, at=(1, 3))
    assert seen==[0, .25, .5, .75] and len(film)==2
    assert not torch.equal(film[0](x), film[1](x)) and not torch.equal(net(x), slow(x))

def test_the_slow_copy_averages():
    "After the first step it is halfway between the weights before and after it; 1−1/2 is its decay"
    x,y = two_moons(100)
    net,slow,_ = train_moons(x, y, pick_labels(x, y), updates=1)
    assert net.out.weight.abs().max()>0 and Bumps().out.weight.abs().max()==0
    torch.testing.assert_close(slow.out.weight, net.out.weight/2)

def test_bumps_answer_nearby():
    "A unit answers with 1 at its spot and exp(−½) one width beside it"
    net = Bumps()
    net.out.weight.data[1] = 0
    net.out.weight.data[0] = (torch.arange(len(net.spots))==40).float()
    spot = net.spots[40]
    near = torch.stack([spot, spot+torch.tensor([.2, 0.]), spot+5])
    torch.testing.assert_close(net(near)[:,0], torch.tensor([0., -.5, -625.]).exp(), atol=1e-4, rtol=1e-4)
    assert (net(near)[:,1]==0).all()
