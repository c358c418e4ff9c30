"The letters of lesson 13: nothing of what is held out is seen in training, and the middle is hidden."
import torch

from ssl_course.course.letters import LetterNet,hide_letters,letter_windows,train_letters

def test_windows_of_training_and_test_share_no_letter():
    "Each window lies in pieces of one kind; windows across a border are in neither"
    train,held,letters = letter_windows(around=2, piece=50)
    assert train.shape[1]==held.shape[1]==5 and train.max()<len(letters)
    wide = letter_windows(around=0, piece=50)
    n = len(wide[0])+len(wide[1])
    text = torch.empty(n, dtype=torch.long)
    test = torch.arange(n)//50%8==7
    text[test],text[~test] = wide[1][:,0],wide[0][:,0]
    windows = text.unfold(0, 5, 1)
    inside = test.float().unfold(0, 5, 1).mean(1)
    assert torch.equal(windows[inside==1], held) and torch.equal(windows[inside==0], train)
    assert 7<len(wide[0])/len(wide[1])<8.5

def test_it_is_real_text():
    train,_,letters = letter_windows(around=8)
    assert len(train)>20_000 and {'a', 'e', ' ', '.'}<=set(letters) and 'E' not in letters

def test_the_middle_and_other_places_are_hidden():
    x = torch.arange(10).view(2, 5)
    assert hide_letters(x, 99).tolist()==[[0, 1, 99, 3, 4], [5, 6, 99, 8, 9]]
    assert hide_letters(x, 99, range(3, 5)).tolist()==[[0, 1, 99, 99, 99], [5, 6, 99, 99, 99]]
    assert x[0,2]==2, 'the windows stay as they are'

def test_the_network_learns_a_rule():
    "The middle letter is the sum of its neighbors, modulo three"
    a = torch.randint(0, 3, (600, 7), generator=torch.Generator().manual_seed(0))
    a[:,3] = (a[:,2]+a[:,4])%3
    net = train_letters(a[:500], 3, steps=200, seed=0)
    assert isinstance(net, LetterNet) and not net.training
    with torch.no_grad(): found = net(hide_letters(a[500:], 3)).argmax(1)
    assert (found==a[500:,3]).float().mean()>.8

def test_the_same_seed_gives_the_same_network():
    a = torch.randint(0, 3, (50, 7), generator=torch.Generator().manual_seed(0))
    one,two,other = (train_letters(a, 3, steps=2, seed=i).state_dict() for i in (0, 0, 1))
    assert all(torch.equal(v, two[k]) for k,v in one.items())
    assert not torch.equal(one['embed.weight'], other['embed.weight'])
