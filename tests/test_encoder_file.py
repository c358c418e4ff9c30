"Files that must not be executed, and files that are cut off. What a card says is in test_encoder.py."
import argparse,os,pickle,random,signal
from pathlib import Path

import pytest
import torch

from ssl_course.encoder import Encoder
from ssl_course.encoder_file import read_tensors,read_weights,write_tensors
from ssl_course.model import TransferModel
from ssl_course.transfer import transfer
from ssl_course.utils import InputError

def small(**kwargs): return Encoder.small(**{'width': 8, **kwargs})

@pytest.fixture(scope='module')
def source():
    torch.manual_seed(1)
    return small()

class Payload:
    def __init__(self, trace): self.trace = str(trace)
    def __reduce__(self): return (os.mkdir, (self.trace,))

@pytest.mark.parametrize('write', [torch.save, lambda o,f: Path(f).write_bytes(pickle.dumps(o)), lambda o,f: torch.save(o, f, _use_new_zipfile_serialization=False)], ids=['zip', 'pickle', 'legacy'])
@pytest.mark.parametrize('read', [read_weights, Encoder.load, TransferModel.load, lambda f: transfer(f, small())], ids=['read_weights', 'Encoder', 'TransferModel', 'transfer'])
@pytest.mark.parametrize('ending', ['pt', 'safetensors'])
def test_a_payload_is_never_executed(write, read, ending, tmp_path, source):
    trace,file = tmp_path/'executed',tmp_path/f'file.{ending}'
    write(dict(state_dict=source.state_dict(), hyper_parameters=Payload(trace)), file)
    with pytest.raises(InputError): read(file)
    assert not trace.exists()

@pytest.mark.parametrize('length', [0, 4, 100, 5000])
@pytest.mark.parametrize('read', [read_tensors, read_weights, Encoder.load], ids=['read_tensors', 'read_weights', 'Encoder'])
def test_a_file_that_is_cut_off_is_refused(read, length, source, tmp_path):
    whole = source.save(tmp_path/'whole.safetensors').read_bytes()
    (tmp_path/'cut.safetensors').write_bytes(whole[:length])
    with pytest.raises(InputError, match='cut.safetensors') as e: read(tmp_path/'cut.safetensors')
    assert '\n' not in str(e.value)

@pytest.mark.parametrize('read', [read_tensors, read_weights, Encoder.load, TransferModel.load], ids=lambda f: f.__qualname__)
def test_a_file_that_is_not_there(read, tmp_path):
    with pytest.raises(InputError, match='no file .*nothing.safetensors'): read(tmp_path/'nothing.safetensors')

def test_a_length_that_looks_like_a_pickle(tmp_path):
    "The header of one safetensors file in 32 has a length whose first byte is that of a pickle"
    for n in range(400):
        write_tensors(f := tmp_path/'e.safetensors', dict(w=torch.ones(2)), dict(pad='x'*n))
        if f.read_bytes()[0]==0x80: break
    else: pytest.fail('no such length')
    assert torch.equal(read_weights(f)['w'], torch.ones(2)) and torch.equal(read_tensors(f)[0]['w'], torch.ones(2))

def test_checkpoints_of_timm_hold_a_namespace(tmp_path):
    torch.save(dict(state_dict=dict(w=torch.ones(2)), args=argparse.Namespace(lr=.1, model='vit')), f := tmp_path/'last.pth.tar')
    assert torch.equal(read_weights(f)['state_dict']['w'], torch.ones(2))

class Other: pass

def test_the_refusal_says_how_to_allow(tmp_path):
    torch.save(dict(w=torch.ones(2), o=Other()), f := tmp_path/'o.pt')
    with pytest.raises(InputError, match='add_safe_globals'): read_weights(f)

def test_ctrl_c_while_reading_stays_ctrl_c(source, tmp_path):
    "safetensors' `get_tensor` made a ValueError of it, which the command line showed with a traceback"
    source.save(f := tmp_path/'e.safetensors')
    listening,draw,came = False,random.Random(0),[]
    def ring(*_):
        if listening: raise KeyboardInterrupt
    before = signal.signal(signal.SIGALRM, ring)
    try:
        while len(came)<200:
            try:
                listening = True
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-4, 3e-3))
                while True: read_tensors(f)
            except BaseException as e:
                listening = False
                came.append(type(e))
    finally: signal.signal(signal.SIGALRM, before)
    assert set(came)=={KeyboardInterrupt}

# --- lineages as a tree ---
def round_(name, **more): return dict(task=name, data='postcards', images=2000, date='2027-01-15', versions={}, epochs=2, lr=.003) | more

def lineage_file(path, *rounds, **build):
    e = small(**build)
    e.lineage = list(rounds)
    return e.save(path)

@pytest.fixture
def family(tmp_path):
    "A trunk of one round, two branches, and one branch of a branch, in a folder with a subfolder"
    a,b,c,d = (round_(n, loss=i/8) for i,n in enumerate(('simclr', 'rotation', 'simclr', 'byol')))
    for name,rounds in dict(a=[a], ab=[a,b], ac=[a,c], acd=[a,c,d]).items():
        (tmp_path/name[:1]).mkdir(exist_ok=True)
        lineage_file(tmp_path/name[:1]/f'{name}.safetensors', *rounds)
    return tmp_path

def shape(node): return sorted((c.said['task'], [Path(f).stem for f in c.files], shape(c)) for c in node.children)

def test_files_that_begin_alike_share_a_tree(family):
    from ssl_course.encoder_file import lineage_tree
    root, = lineage_tree(family)
    assert shape(root)==[('simclr', ['a'], [('rotation', ['ab'], []), ('simclr', ['ac'], [('byol', ['acd'], [])])])]
    files = sorted(family.rglob('*.safetensors'))
    assert shape(lineage_tree(files[::-1])[0])==shape(root) and shape(lineage_tree([family, *files])[0])==shape(root)

def test_a_middle_that_has_no_file_is_a_node_all_the_same(family):
    from ssl_course.encoder_file import lineage_tree
    root, = lineage_tree(family/'a'/'acd.safetensors')
    assert shape(root)==[('simclr', [], [('simclr', [], [('byol', ['acd'], [])])])]

def test_a_round_of_other_values_is_another_branch(family):
    "The same task on the same images with another loss is another training"
    from ssl_course.encoder_file import lineage_tree
    lineage_file(family/'z.safetensors', round_('simclr', loss=7.5))
    root, = lineage_tree(family)
    assert len(root.children)==2 and 'loss 7.5' in str(root)

def test_architectures_and_channels_are_roots(family):
    from ssl_course.encoder_file import lineage_tree
    lineage_file(family/'wide.safetensors', width=16)
    lineage_file(family/'gray.safetensors', channels=1)
    small().with_channels(1).save(family/'adapted.safetensors') # its root has three channels
    said = [str(r) for r in lineage_tree(family)]
    assert len(said)==3 and sum('wide.safetensors' in s and 'width 16' in s for s in said)==1
    adapted, = (s for s in said if 'adapted.safetensors' in s)
    assert 'ab.safetensors' in adapted and 'first layer adapted: 3 to 1 channels' in adapted

def test_reading_a_file_again_joins_it_with_its_parent(tmp_path):
    "`load` notes the file that an encoder comes from, which the parent's own lineage can't"
    from ssl_course.encoder_file import lineage_tree
    lineage_file(tmp_path/'a.safetensors', round_('simclr'))
    e = Encoder.load(tmp_path/'a.safetensors')
    e.save(tmp_path/'copy.safetensors')
    e.lineage = [*e.lineage, round_('byol')]
    e.save(tmp_path/'b.safetensors')
    root, = lineage_tree(tmp_path)
    assert shape(root)==[('simclr', ['a', 'copy'], [('byol', ['b'], [])])]
    Encoder.load(tmp_path/'a.safetensors').save(tmp_path/'copy.safetensors', probe=.75) # a note about the copy is no round
    noted, = lineage_tree(tmp_path)
    assert str(noted)==str(root).replace('copy.safetensors', 'copy.safetensors (probe 0.75)')

def test_what_a_tree_says(tmp_path):
    from ssl_course.encoder_file import lineage_tree
    lineage_file(tmp_path/'a.safetensors', dict(temp=.3) | round_('simclr', images=12345, final_loss=2.5, seed=3))
    first = round_('simclr', final_loss=2.5, probe=.625, epochs=1, seconds=3.5)
    second = dict(head='classify', images=50, guard=dict(measure='knn', start=.25, best=.5, end=.5))
    lineage_file(tmp_path/'b.safetensors', first, second)
    one,two = (str(lineage_tree(tmp_path/f'{k}.safetensors')[0]).splitlines() for k in 'ab')
    assert one[1]=='└─ simclr on postcards, 12,345 images, 2 epochs, learning rate 0.003'
    assert one[2].split()==['2027-01-15,', 'loss', '2.5', '→', str(tmp_path/'a.safetensors')]
    assert two[1]=='└─ simclr on postcards, 2,000 images, 1 epoch, learning rate 0.003'
    assert two[2].strip('│ ')=='2027-01-15, loss 2.5, probe 0.625'
    assert two[3].strip()=='└─ fine-tuned, classify, 50 images' and 'knn 0.25 before, 0.5 after → ' in two[4]

def test_lines_of_a_tree_meet(family, monkeypatch):
    from ssl_course.encoder_file import lineage_tree
    monkeypatch.chdir(family/'a')
    files = 'ab ac acd a'.split()
    said = str(lineage_tree([f'{f}.safetensors' for f in files])[0])
    what,when = 'on postcards, 2,000 images, 2 epochs, learning rate 0.003','2027-01-15, loss'
    assert said.splitlines()[1:]==f"""\
└─ simclr {what}
   │ {when} 0 → a.safetensors
   ├─ rotation {what}
   │    {when} 0.125 → ab.safetensors
   └─ simclr {what}
      │ {when} 0.25 → ac.safetensors
      └─ byol {what}
           {when} 0.375 → acd.safetensors""".splitlines()

def test_files_that_have_no_tree(family, tmp_path):
    from ssl_course.encoder_file import lineage_tree
    write_tensors(family/'other.safetensors', small().state_dict(), dict(task='simclr')) # beside an encoder, as cached_encoder writes it
    (family/'cut.safetensors').write_bytes((family/'a'/'a.safetensors').read_bytes()[:99])
    (family/'none').mkdir()
    assert len(lineage_tree(family))==1
    for bad,why in {'other.safetensors': 'no card', 'cut.safetensors': 'cut off', 'none': 'no encoder file', 'x.safetensors': 'There is no file'}.items():
        with pytest.raises(InputError, match=why) as e: lineage_tree([family/'a', family/bad])
        assert '\n' not in str(e.value)
