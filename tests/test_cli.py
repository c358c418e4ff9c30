"""`ssl-course` as people use it.

What it prints and writes, what it says when something is wrong, and what is left after Ctrl-C,
a kill or a full disk."""
import csv,json,os,pickle,re,resource,shutil,signal,subprocess,sys,time
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from functools import partial,wraps

import numpy as np,pytest,torch
from PIL import Image

from helpers import ROOT,save_images
from ssl_course import cli,pipeline
from ssl_course.cli import command_parser,main,parser
from ssl_course.data.postcards import Postcards
from ssl_course.data.decode import read_image
from ssl_course.data.imageset import ImageSet
from ssl_course.encoder import Encoder
from ssl_course.evaluate.leakage import near_duplicates
from ssl_course.model import TransferModel
from ssl_course.utils import InputError,sha256_file

COMMANDS = 'run pretrain finetune predict export suggest embed explore inspect tasks cache bench lab'.split()
SMOKE = ['run', '--budget', 'smoke']
FILES = set('encoder.safetensors model.safetensors metrics.json label_efficiency.png '
            'report.html samples.png runs.json state.json'.split())

def env(home):
    clean = {k: v for k,v in os.environ.items() if not k.startswith('SSL_COURSE_')}
    return clean | dict(SSL_COURSE_HOME=str(home), OMP_NUM_THREADS='1')

def command(*args): return [os.path.join(os.path.dirname(sys.executable), 'ssl-course'), *map(str, args)]

def sh(folder, *args, **kwargs):
    "A command in a process of its own"
    return subprocess.run(command(*args), cwd=folder, env=env(folder/'home'), capture_output=True,
                          text=True, timeout=200, **kwargs)

@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    "Every test in a folder of its own, with neither settings nor cache of the user's"
    for k in [k for k in os.environ if k.startswith('SSL_COURSE_')]: monkeypatch.delenv(k)
    monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))
    monkeypatch.chdir(tmp_path)
    return tmp_path

def ok(capsys, *args):
    "Run a command in this process; what it printed"
    main([*map(str, args)])
    return capsys.readouterr().out

def refused(capsys, *args):
    "Run a command that must stop with exit code 2 and a text; that text"
    with pytest.raises(SystemExit) as e: main([*map(str, args)])
    said = capsys.readouterr().err
    assert e.value.code==2, said
    assert said.count('ssl-course: ')==1 and 'Traceback' not in said
    return said[said.index('ssl-course: ')+12:]

def one_sentence(said): assert len(said.strip().splitlines())==1 and len(said)<400, said

def temporary(folder): return [f.name for f in folder.rglob('.*') if f.is_file()]

# --- help ---

@pytest.mark.parametrize('words', [[], *([c] for c in COMMANDS)], ids=lambda w: ' '.join(w) or 'itself')
def test_help(words, capsys):
    with pytest.raises(SystemExit) as e: parser().parse_args([*words, '--help'])
    out = capsys.readouterr().out
    assert e.value.code==0 and out.startswith(f"usage: {' '.join(['ssl-course', *words])}")
    assert len(out)>100
    assert max(map(len, out.splitlines()))<=200
    if not words: assert all(f'\n    {c} ' in out for c in COMMANDS)

def options(command):
    "What argparse knows of a command"
    return parser()._subparsers._group_actions[0].choices[command]._actions

@pytest.mark.parametrize('command', COMMANDS)
def test_every_option_is_explained(command): assert [o.dest for o in options(command) if not o.help]==[]

def test_help_comes_within_a_second(here):
    "Of the processor's time, beyond what the bare Python takes; on a busy machine it may be two"
    def seconds(*cmd):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(cmd, cwd=here, env=env(here), capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime+after.ru_stime-before.ru_utime-before.ru_stime
    bare = min(seconds(sys.executable, '-c', 'pass') for _ in range(3))
    assert min(seconds(*command('run', '--help')) for _ in range(3))-bare<2

def test_tasks(capsys):
    "Each registered task with the first line of its docstring"
    from ssl_course.pretrain import pretext_tasks
    out = ok(capsys, 'tasks')
    assert [l.split()[0] for l in out.splitlines()]==list(pretext_tasks())
    assert all(re.search(rf'^{n} +\w', out, flags=re.M) for n in pretext_tasks())

@pytest.mark.parametrize('cmd', ['run', 'pretrain'])
def test_help_says_where_the_tasks_are(cmd, capsys):
    with pytest.raises(SystemExit): parser().parse_args([cmd, '--help'])
    assert '`ssl-course tasks`' in ' '.join(capsys.readouterr().out.split())

# --- functions and command lines ---

def test_parser_follows_the_signature():
    "Positional, list, choice, number, flag, required and default: as the parameters say"
    def toy(
        first:str, # goes first
        rest:list[int], # numbers
        *,
        needed:float, # must be given
        mode:cli.Literal['a', 'b']='a', # one of two
        two_words:int=None, # nothing by default
        k:int=2, # a single letter
        flag:bool=False, # on or off
    ): "A toy."
    p = command_parser([toy], prog='toys')
    parse = lambda line: vars(p.parse_args(line.split()))
    assert parse('toy x 1 2 --needed .5')==dict(command='toy', first='x', rest=[1, 2], needed=.5,
                                                mode='a', two_words=None, k=2, flag=False)
    full = parse('toy x 1 --needed 2 --mode b --two-words 3 -k 4 --flag')
    assert (full['mode'], full['two_words'], full['k'], full['flag'])==('b', 3, 4, True)
    for wrong in ('toy', 'toy x 1', 'toy x 1 --needed z', 'toy x y --needed 1',
                  'toy x 1 --needed 1 --mode c'):
        with pytest.raises(SystemExit) as e: parse(wrong)
        assert e.value.code==2, wrong

def test_options_are_those_of_run_config():
    "`run` takes what a `RunConfig` holds, in the same order and with the same defaults"
    from dataclasses import fields
    from inspect import signature
    from ssl_course.stages import RunConfig
    config = [(f.name, f.default) for f in fields(RunConfig)]
    params = [(p.name, p.default) for p in signature(cli.run).parameters.values()]
    assert params==config+[('resume', False), ('force', False)]

def test_commands_from_python(here, photos, capsys):
    "Every command is a function with named arguments; its errors are exceptions"
    cli.pretrain(unlabeled=photos/'unlabeled', out='e.safetensors', budget='smoke')
    cli.finetune(encoder='e.safetensors', labeled=photos/'labeled', budget='smoke', epochs=1)
    picture = next((photos/'labeled').rglob('*.png'))
    cli.predict('model.safetensors', [picture], csv='p.csv')
    assert (here/'e.safetensors').exists() and len((here/'p.csv').read_text().splitlines())==2
    with pytest.raises(InputError, match='budget'): cli.pretrain(budget='huge')
    with pytest.raises(InputError, match='did you mean jigsaw'): cli.run(pretext='jigsw')

@pytest.mark.parametrize('line', ['run --unlabelled a --labelled=labelled/b',
                                  'run --unlabeled a --labeled labelled/b'])
def test_british_spelling(line, monkeypatch):
    "`--unlabelled` and `--labelled` are understood, and not listed; folders keep their names"
    seen = {}
    monkeypatch.setitem(cli.COMMANDS, 'run', wraps(cli.run)(lambda **kwargs: seen.update(kwargs)))
    main(line.split())
    assert (seen['unlabeled'], seen['labeled'])==('a', 'labelled/b')
    assert 'labelled' not in ' '.join(f'{o.option_strings} {o.help}' for o in options('run'))

# --- what users get wrong ---

def png(path, seed=0, side=32):
    path.parent.mkdir(parents=True, exist_ok=True)
    x = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(x).save(path)

@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    "Folders as of a user: 60 unlabeled drawn images and three classes of 20 labelled ones"
    top = tmp_path_factory.mktemp('photos')
    world = Postcards(size=32, seed=7).images(500)
    def save(i, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(world.x[i])).save(path)
    for i in range(60): save(i, top/f'unlabeled/{i:03}.png')
    later = np.arange(60, 500)
    for c in range(3):
        for i in later[world.y[60:]==c][:20]: save(i, top/f'labeled/{world.vocab[c]}/{i:03}.png')
    return top

def folders(a, b=None): return [*SMOKE, '--unlabeled', a, '--labeled', b or a]

def test_missing_folder(here, capsys):
    said = refused(capsys, *folders(here/'nowhere'))
    one_sentence(said)
    assert 'nowhere' in said

def test_empty_folder(here, capsys):
    (here/'empty').mkdir()
    said = refused(capsys, *folders(here/'empty'))
    one_sentence(said)
    assert 'empty' in said and 'image' in said

def test_folder_without_readable_images(here, capsys):
    (here/'bad').mkdir()
    for i in range(3): (here/f'bad/{i}.jpg').write_bytes(b'no picture')
    said = refused(capsys, *folders(here/'bad'))
    assert 'None of the 3' in said and all(f'{i}.jpg' in said for i in range(3)) # each with its reason

def test_one_folder_of_two(photos, capsys):
    said = refused(capsys, *SMOKE, '--labeled', photos/'labeled')
    one_sentence(said)
    assert '--unlabeled' in said

def test_labeled_folder_without_classes(photos, capsys):
    said = refused(capsys, *folders(photos/'unlabeled'))
    one_sentence(said)
    assert 'class' in said and 'unlabeled' in said

def test_class_with_too_few_labels(photos, capsys):
    said = refused(capsys, *folders(photos/'unlabeled', photos/'labeled'), '--labels', 50)
    one_sentence(said)
    assert '50' in said and re.search(r'\w+ has \d+', said)

def test_leaked_images(here, photos, capsys):
    "Labelled images that are also in the unlabeled folder, under other names"
    shutil.copytree(photos/'unlabeled', here/'un')
    for i,f in enumerate(sorted((photos/'labeled').rglob('*.png'))):
        shutil.copy(f, here/f'un/renamed_{i}.png')
    said = refused(capsys, *folders(here/'un', photos/'labeled'))
    assert 'also in' in said and 'renamed_' in said and not (here/'runs/course/encoder.safetensors').exists()

def twins_of_test_images(here):
    "Postcards in train/valid/test; three of the test images again in train and among the unlabeled, scaled down and up"
    cards = Postcards(48, seed=11).images(290)
    for part,at in (('train', slice(0, 150)), ('valid', slice(150, 200)), ('test', slice(200, 250))):
        save_images(cards.take(at), here/'own'/part)
    save_images(cards.take(slice(250, 290)), here/'un', flat=True)
    for i in range(3):
        im = Image.fromarray(cards.x[200+i]).resize((32, 32)).resize((48, 48))
        im.save(here/f'own/train/{cards.vocab[cards.y[200+i]]}/again{i}.png'), im.save(here/f'un/again{i}.png')
    return folders(here/'un', here/'own') + ['--size', 48]

def test_twins_of_test_images_are_named_and_left_out(here, capsys, monkeypatch):
    "Pixels differ, so no digest finds them; a run goes on all the same, for they may be different pictures. They are looked for once"
    args = [*twins_of_test_images(here), '--budget', 'smoke', '--labels', 1, '--seeds', 1]
    said = ok(capsys, *args)
    assert said.count('look like validation or test images')==1 and '3 of the 43 images of un ' in said # those of train are the same three
    assert said.count('looking for images that resemble')==2 and 'again0.png ~ ' in said and '--leave-out' in said
    monkeypatch.setattr(pipeline, 'near_duplicates', wraps(near_duplicates)(lambda *a: pytest.fail('looked for again')))
    said = ok(capsys, *args, '--leave-out', '--force')
    assert '3 of the 43 images of un look like validation or test images: left out' in said and '40 images without labels' in said
    data = json.loads((here/'runs/course/metrics.json').read_text())['data']
    assert (data['unlabeled']['images'], data['pool']['images'], data['test']['images'])==(40, 150, 50)
    monkeypatch.undo(), monkeypatch.chdir(here)
    Encoder.small(width=4).save(here/'e.safetensors')
    tune = ['finetune', '--encoder', 'e.safetensors', '--labeled', here/'own', '--size', 48, '--budget', 'smoke']
    assert '3 of the 153 images' in ok(capsys, *tune) and 'left out' in ok(capsys, *tune, '--force', '--leave-out')

def twelve_bits(here):
    "Postcards as grey images of 12 bits in files of 16; the test images are darker than those to train on"
    cards = Postcards(32, seed=11).images(290)
    def save(part, at, flat=False, dark=1.):
        for i in at:
            f = here/part/('' if flat else cards.vocab[cards.y[i]])/f'{i}.png'
            f.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((cards.x[i].mean(-1)*16*dark).astype(np.uint16)).save(f)
    save('own/train', range(150)), save('own/valid', range(150, 200)), save('own/test', range(200, 250), dark=.2), save('un', range(250, 290), flat=True)
    return here/'own'/'test',folders(here/'un', here/'own')

def test_twelve_bits_have_one_scale_from_pretraining_to_prediction(here, capsys):
    "Printed, on the cards of encoder and model, and used for new files"
    test,args = twelve_bits(here)
    said = ok(capsys, *args, '--size', 32, '--labels', 1, '--seeds', 1)
    assert said.count('0 to 4,095 became 0 to 255')==4
    encoder,model = Encoder.load(here/'runs/course/encoder.safetensors'),TransferModel.load(here/'runs/course/model.safetensors')
    assert encoder.scale==model.encoder.scale==(0, 4095) and Encoder.small(width=4).scale is None
    file = next(test.rglob('*.png'))
    said = ok(capsys, 'predict', 'runs/course/model.safetensors', file)
    cls,prob = model.predict(read_image(file, 32, scale=(0, 4095))[None])
    assert said.split('\t')[1:]==[model.head.vocab[cls[0]], f'{prob[0].max():.3f}\n']
    said = ok(capsys, 'finetune', '--encoder', 'runs/course/encoder.safetensors', '--labeled', here/'own', '--budget', 'smoke')
    assert said.count('0 to 4,095 became 0 to 255')==3
    ok(capsys, 'pretrain', '--start', 'runs/course/encoder.safetensors', '--unlabeled', test, '--budget', 'smoke', '--out', 'more.safetensors')
    assert Encoder.load(here/'more.safetensors').scale==(0, 4095)

def test_leaked_images_are_left_out_when_asked(here, photos, capsys):
    "Then the refusal says how"
    shutil.copytree(photos/'unlabeled', here/'un')
    for i,f in enumerate(sorted((photos/'labeled').rglob('*.png'))): shutil.copy(f, here/f'un/renamed_{i}.png')
    args = [*folders(here/'un', photos/'labeled'), '--labels', 1, '--seeds', 1]
    assert '--leave-out does it' in refused(capsys, *args)
    assert 'Accuracy on the test images' in ok(capsys, *args, '--leave-out')

def test_cache_is_shown_and_emptied(here, photos, capsys):
    "Only what was asked for; the next call makes it again"
    ImageSet.from_folder(photos/'unlabeled', 32, labels=False)
    (kept := here/'home/stored/x.json').parent.mkdir(), kept.write_text('{}')
    (mine := here/'home/mine.txt').write_text('of the user')
    said = ok(capsys, 'cache')
    assert str(here/'home') in said and re.search(r'decoded +0\.2 MB in +2 files', said) and 'Deleted' not in said
    assert 'Deleted: decoded' in ok(capsys, 'cache', '--clear', 'decoded') and not (here/'home/decoded').exists() and kept.exists()
    ok(capsys, 'cache', '--clear', 'all')
    assert not kept.exists() and mine.exists() and re.search(r'stored +0\.0 MB in +0 files', ok(capsys, 'cache'))
    assert len(ImageSet.from_folder(photos/'unlabeled', 32, labels=False))==60
    with pytest.raises(SystemExit): main(['cache', '--clear', 'mine.txt'])

def test_cache_knows_whatever_is_kept():
    code = ''.join(f.read_text(encoding='utf-8') for f in (ROOT/'ssl_course').rglob('*.py') if f.name!='_modidx.py')
    assert set(re.findall(r"cache_folder\('(\w+)'", code))==set(cli._KEPT)

@pytest.mark.parametrize('cmd', ['run', 'pretrain'])
def test_unknown_pretext_task(cmd, capsys):
    said = refused(capsys, cmd, '--budget', 'smoke', '--pretext', 'jigsw')
    one_sentence(said)
    assert 'jigsw' in said and 'did you mean jigsaw' in said

def test_unknown_recipe(here, photos, capsys):
    files = ['--encoder', 'e.safetensors', '--labeled', photos/'labeled']
    assert 'two_stage' in refused(capsys, 'finetune', *files, '--recipe', 'magic')

class Dangerous:
    "Unpickling it leaves a trace"
    def __reduce__(self): return os.system, ('touch executed',)

def wrong_file(kind, path, whole):
    if kind=='missing': return
    if kind=='pickle': path.write_bytes(pickle.dumps(Dangerous()))
    elif kind=='torch': torch.save({'w': Dangerous()}, path)
    elif kind=='empty': path.touch()
    elif kind=='truncated': path.write_bytes(whole.read_bytes()[:5000])
    elif kind=='text': path.write_text('these are no weights\n'*20)

@pytest.mark.parametrize('kind', 'missing pickle torch empty truncated text'.split())
@pytest.mark.parametrize('cmd', 'finetune inspect predict'.split())
def test_encoder_file_that_is_none(kind, cmd, here, trained, photos, capsys):
    f = here/'file.safetensors'
    wrong_file(kind, f, trained/'encoder.safetensors')
    finetune = ['--encoder', f, '--labeled', photos/'labeled', '--budget', 'smoke']
    args = dict(finetune=finetune, inspect=[f], predict=[f, here/'x.png'])
    said = refused(capsys, cmd, *args[cmd])
    one_sentence(said)
    assert 'file.safetensors' in said
    assert not (here/'executed').exists() and not (here/'model.safetensors').exists()

def test_encoder_is_no_model(here, trained, capsys):
    said = refused(capsys, 'predict', trained/'encoder.safetensors', here/'x.png')
    one_sentence(said)
    assert 'fine-tune' in said

@pytest.mark.parametrize('line,says', [('colour = red', 'unknown key `colour`'), ('size = big', '`size`'),
                                       ('budget = huge', 'smoke, cpu, full')])
def test_settings_file(line, says, here, capsys):
    (here/'settings.ini').write_text(f'[ssl_course]\nseed = 3\n{line}\n')
    said = refused(capsys, 'run')
    one_sentence(said)
    assert says in said and 'settings.ini, line 3' in said

def test_settings_variable(monkeypatch, capsys):
    monkeypatch.setenv('SSL_COURSE_DEVICE', 'toaster')
    said = refused(capsys, 'run')
    one_sentence(said)
    assert 'SSL_COURSE_DEVICE' in said and 'toaster' in said

@pytest.mark.parametrize('line', ['run --budget huge', 'run --labels', 'run --seed x', 'fly', '',
                                  'finetune', 'predict m.safetensors'])
def test_wrong_arguments(line, capsys):
    with pytest.raises(SystemExit) as e: main(line.split())
    assert e.value.code==2 and capsys.readouterr().err.startswith('usage: ssl-course')

def test_lab_outside_a_checkout(capsys):
    said = refused(capsys, 'lab')
    one_sentence(said)
    assert 'nbs/lessons' in said or 'pip install jupyterlab' in said

def test_lab_opens_a_copy_that_is_the_learners(here, monkeypatch, capsys):
    import subprocess
    asked = []
    monkeypatch.setattr(subprocess, 'call', lambda command: asked.append(command) or 0)
    monkeypatch.chdir(ROOT)
    for more in ((), ('--source',)):
        with pytest.raises(SystemExit) as e: main(['lab', '--folder', str(here/'my copy'), *more])
        assert e.value.code==0
    said = capsys.readouterr().out
    assert (here/'my copy'/'start.ipynb').exists() and 'The lessons are in' in said
    copy,source = (dict(zip(c[3::2], c[4::2])) for c in asked)
    assert copy['--notebook-dir']==str(here/'my copy') and '--LabApp.default_url=/lab/tree/start.ipynb' in asked[0] and source['--notebook-dir']==str(ROOT/'nbs')

# --- which labels to buy ---

@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    "The file of a small encoder that was never trained"
    from ssl_course.encoder import Encoder
    return Encoder.small(width=4).save(tmp_path_factory.mktemp('tiny')/'tiny.safetensors')

def suggest(capsys, folder, encoder, *args):
    "Run `suggest`; what it printed, and its table"
    out = ok(capsys, 'suggest', folder, '--encoder', encoder, '--size', 32, *args)
    with open('suggestions.csv', newline='', encoding='utf-8') as f: return out,list(csv.DictReader(f))

def test_suggest(here, photos, tiny, capsys):
    "A table with an image a row, the labels empty, and a page with their thumbnails in the same order"
    out,rows = suggest(capsys, photos/'labeled', tiny, '-n', 12, '--how', 'kmeans')
    assert [*rows[0]]==['rank', 'file', 'label', 'stands_for'] and [int(r['rank']) for r in rows]==[*range(1, 13)]
    files = [r['file'] for r in rows]
    assert len(set(files))==12 and all((photos/'labeled'/f).is_file() for f in files)
    assert {r['label'] for r in rows}=={''} and sum(int(r['stands_for']) for r in rows)==60
    page = (here/'suggestions.html').read_text(encoding='utf-8')
    assert page.count('data:image/jpeg;base64,')==12 and not re.search(r'(src|href)="(?!data:)|https?:', page)
    assert re.findall(r'<b>(\d+)</b> <span class="name">([^<]+)', page)==[(str(i), f) for i,f in enumerate(files, 1)]
    assert 'suggestions.csv' in out and sorted(f.name for f in here.glob('s*'))==['suggestions.csv', 'suggestions.html']

def test_embeddings_for_use_elsewhere(here, photos, tiny, capsys, monkeypatch):
    "The same numbers as in Python, in each kind of file; nothing is overwritten"
    from ssl_course.evaluate.probes import embed
    images = ImageSet.from_folder(photos/'unlabeled', 32, labels=False)
    want = embed(Encoder.load(tiny), images)
    call = 'embed', photos/'unlabeled', '--encoder', tiny, '--size', 32
    out = ok(capsys, *call)
    assert f'embeddings.csv: {len(images)} images, {want.shape[1]} numbers each' in out
    with open('embeddings.csv', newline='', encoding='utf-8') as f: rows = list(csv.reader(f))
    assert rows[0][:2]==['file', 'f0'] and [r[0] for r in rows[1:]]==list(images.names)
    assert np.allclose(np.array([r[1:] for r in rows[1:]], float), want, rtol=1e-4, atol=1e-5)
    ok(capsys, *call, '--out', 'e.npz')
    with np.load('e.npz', allow_pickle=False) as z: assert np.array_equal(z['embeddings'], want) and list(z['files'])==list(images.names)
    from ssl_course import pipeline
    monkeypatch.setattr(pipeline, 'embedding_parts', partial(pipeline.embedding_parts, rows=25)) # in several parts, the last one shorter
    ok(capsys, *call, '--out', 'parts.npz'), ok(capsys, *call, '--out', 'parts.csv')
    with np.load('parts.npz', allow_pickle=False) as z: assert np.allclose(z['embeddings'], want, atol=1e-5) and list(z['files'])==list(images.names)
    with open('parts.csv', newline='', encoding='utf-8') as f: assert [r[0] for r in csv.reader(f)]==[r[0] for r in rows]
    assert 'exists already' in refused(capsys, *call) and 'must end in .csv, .npz, .parquet' in refused(capsys, *call, '--out', 'e.txt')
    monkeypatch.setitem(sys.modules, 'pyarrow', None) # not installed: said before the images are read
    assert 'pip install pyarrow' in refused(capsys, 'embed', 'nowhere', '--out', 'e.parquet') and not os.path.exists('e.parquet')

def test_suggested_labels_are_read_back(here, photos, tiny, capsys):
    "By the very code that `suggest` prints, once the column is filled in"
    from ssl_course.data.imageset import ImageSet
    out,rows = suggest(capsys, photos/'labeled', tiny, '-n', 9)
    code = out.strip().splitlines()[-1].strip()
    with pytest.raises(InputError, match='9 rows of the table have no label'): eval(code, dict(ImageSet=ImageSet))
    with open('suggestions.csv', 'w', newline='', encoding='utf-8') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader()
        w.writerows(r | dict(label=r['file'].split('/')[0]) for r in rows)
    got = eval(code, dict(ImageSet=ImageSet))
    assert got.kind=='class' and list(got.names)==[r['file'] for r in rows]
    assert [got.caption(i) for i in range(9)]==[r['file'].split('/')[0] for r in rows]

def test_suggestions_are_not_overwritten(here, photos, tiny, capsys):
    "They may hold labels by now"
    for ending in ('csv', 'html'):
        (here/f'mine.{ending}').write_text('labels')
        said = refused(capsys, 'suggest', photos/'unlabeled', '--encoder', tiny, '--out', 'mine.csv')
        one_sentence(said)
        assert f'mine.{ending}' in said and '--force' in said and (here/f'mine.{ending}').read_text()=='labels'
    ok(capsys, 'suggest', photos/'unlabeled', '--encoder', tiny, '-n', 3, '--size', 32, '--out', 'mine.csv', '--force')
    assert len((here/'mine.csv').read_text().splitlines())==4 and not (here/'mine.csv.csv').exists()

@pytest.mark.parametrize('encoder', ['missing.safetensors', 'nosuch', 'folder/nosuch'])
def test_suggest_with_an_encoder_that_is_none(encoder, photos, capsys):
    said = refused(capsys, 'suggest', photos/'unlabeled', '--encoder', encoder)
    one_sentence(said)
    assert encoder in said

def test_suggest_more_images_than_there_are(here, photos, tiny, capsys):
    said = refused(capsys, 'suggest', photos/'unlabeled', '--encoder', tiny, '--size', 32, '-n', 61)
    one_sentence(said)
    assert '61' in said and '60' in said and [f for f in here.iterdir() if f.suffix]==[]

def test_suggest_offers_every_method():
    from typing import get_args
    from inspect import signature
    from ssl_course.evaluate import selection
    assert set(get_args(signature(cli.suggest).parameters['how'].annotation))=={*selection._METHODS, 'random'}

# --- the whole line ---

@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    "A finished smoke run, in a process of its own"
    top = tmp_path_factory.mktemp('run')
    r = sh(top, *SMOKE)
    assert r.returncode==0, r.stderr
    (top/'stdout').write_text(r.stdout)
    (top/'stderr').write_text(r.stderr)
    return top/'runs/course'

def test_writes_all_its_files_and_no_others(trained):
    assert {f.name for f in trained.iterdir()}==FILES and all(f.stat().st_size for f in trained.iterdir())

def test_prints_table_and_what_to_do_next(trained):
    out = (trained.parents[1]/'stdout').read_text()
    for text in ('from scratch', 'fine-tuned', '±', 'With 5 labels per class', 'report.html',
                 'ssl-course predict'): assert text in out

def test_progress_says_what_is_being_done(trained):
    err = (trained.parents[1]/'stderr').read_text()
    assert 'Pretraining (simclr)' in err and 'Comparing' in err and re.search(r'\d+:\d\d<\d+:\d\d', err)

def test_prints_no_warnings_of_libraries(trained):
    assert 'Warning' not in (trained.parents[1]/'stderr').read_text()

def test_metrics(trained):
    m = json.loads((trained/'metrics.json').read_text())
    p = m['plan']
    assert (p['budget'], p['pretext'], p['seed'], p['size'])==('smoke', 'simclr', 42, 32)
    assert len(m['runs'])==4*len(p['labels'])*p['seeds']
    assert {r['seed'] for r in m['runs']}==set(range(p['seeds']))
    methods = {'from scratch', 'untrained, frozen', 'pretrained here, frozen', 'pretrained here, fine-tuned'}
    assert {a['method'] for a in m['accuracy']}==methods
    for a in m['accuracy']:
        key = lambda r: (r['method'], r['labels'])
        own = [r['accuracy'] for r in m['runs'] if key(r)==key(a)]
        assert np.isclose(a['mean'], np.mean(own)) and np.isclose(a['sd'], np.std(own, ddof=1))
        assert a['seeds']==len(own) and 0<=a['mean']<=1
    assert set(m['labels_saved'])==methods-{'from scratch'}
    for saved in m['labels_saved'].values():
        assert set(saved)=={'1', '5'} and all({'ratio', 'at_least', 'target'} <= set(v) for v in saved.values())
    assert {'torch', 'fastai', 'numpy', 'python', 'ssl_course'} <= set(m['versions'])
    assert {'encoder.safetensors', 'runs.json'} <= set(m['seconds']) and m['peak_memory_mb']>100
    assert all(s>=0 for s in m['seconds'].values())
    prints = [d['fingerprint'] for d in m['data'].values()]
    assert len(set(prints))==4 and all(re.fullmatch('[0-9a-f]{16}', f) for f in prints)

def test_report_needs_nothing_else(trained):
    page = (trained/'report.html').read_text(encoding='utf-8')
    sources = re.findall(r'(?:src|href)\s*=\s*["\']?([^"\'>]+)', page) + re.findall(r'url\(([^)]*)\)', page)
    assert len(sources)>=25 and all(s.startswith(('data:image/png;base64,', 'data:image/webp;base64,')) for s in sources)
    assert '@import' not in page and '<script' not in page and not re.search(r'\$\w', page)
    assert page.count('<table')==2 and '±' in page and '&quot;lineage&quot;' in page
    assert page.count('<figure')>24 and 'surest mistakes' in page and 'trusted?' in page
    assert all('alt="' in i for i in re.findall(r'<img[^>]{0,200}', page))

def test_figure_is_a_picture(trained):
    for f in ('label_efficiency.png', 'samples.png'):
        with Image.open(trained/f) as im:
            assert min(im.size)>200 and len(im.convert('RGB').getcolors(1<<24))>20

def test_files_can_be_read_by_others(trained):
    "The encoder and model files have the same permissions as the report: they are there to be shared"
    modes = {f.name: f.stat().st_mode & 0o777 for f in trained.iterdir()}
    assert set(modes.values())=={modes['report.html']}, modes

def test_second_run_is_refused(trained, capsys):
    before = hashes(trained)
    said = refused(capsys, *SMOKE, '--out', trained)
    one_sentence(said)
    assert '--resume' in said and '--force' in said and hashes(trained)==before

def hashes(folder): return {f.name: sha256_file(f) for f in folder.iterdir()}

def test_resume_shows_the_result(trained, capsys):
    before = hashes(trained)
    begin = time.perf_counter()
    out = ok(capsys, *SMOKE, '--out', trained, '--resume')
    assert 'With 5 labels per class' in out and 'Pretraining' not in out
    assert time.perf_counter()-begin<30 and hashes(trained)==before

def test_resume_with_other_settings_is_refused(trained, capsys):
    said = refused(capsys, *SMOKE, '--out', trained, '--resume', '--seed', 1)
    one_sentence(said)
    assert 'seed: 42 there, 1 now' in said

def test_inspect(trained, capsys):
    out = ok(capsys, 'inspect', trained/'encoder.safetensors')
    card = json.loads(out[out.index('{'):])
    first = card['lineage'][0]
    assert 'tensors' in out and 'normalization' in card and (first['task'], first['epochs'])==('simclr', 1)
    assert '"head"' in ok(capsys, 'inspect', trained/'model.safetensors')

def test_inspect_tree(trained, capsys):
    "The model of `run` began as its encoder; a folder is searched"
    lines = ok(capsys, 'inspect', '--tree', trained).splitlines()
    assert lines[0].startswith('random weights: small, width') and '├─'==lines[1][:2] or '└─'==lines[1][:2]
    i, = (i for i,l in enumerate(lines) if '→' in l and 'encoder.safetensors' in l)
    assert 'simclr on postcards' in lines[i-1] and 'fine-tuned, classify on postcards' in lines[i+1]
    one = ok(capsys, 'inspect', '--tree', trained/'encoder.safetensors', trained/'model.safetensors')
    assert 'fine-tuned, classify' in one and 'encoder.safetensors' in one

def test_inspect_tree_on_a_plain_terminal(trained, capsys, monkeypatch):
    import io
    out = io.TextIOWrapper(io.BytesIO(), 'cp1252')
    monkeypatch.setattr('sys.stdout', out)
    assert not main(['inspect', '--tree', str(trained)])
    out.flush()
    said = out.buffer.getvalue().decode('cp1252')
    assert '`- simclr' in said or '|- simclr' in said

@pytest.mark.parametrize('what,why', [('folder', 'add --tree'), ('--tree empty', 'no encoder file'), ('--tree x.png', "can't be read"), ('--tree none', 'no file')])
def test_inspect_of_something_else(what, why, here, capsys):
    for d in ('folder', 'empty'): (here/d).mkdir()
    png(here/'x.png', 0)
    said = refused(capsys, 'inspect', *what.split())
    assert why in said
    one_sentence(said)

def test_predict(trained, here, capsys):
    files = [here/f'{i}.png' for i in range(3)]
    for i,f in enumerate(files): png(f, i, side=50)
    out = ok(capsys, 'predict', trained/'model.safetensors', *files, '--csv', here/'p.csv')
    rows = [l.split('\t') for l in out.strip().splitlines()]
    assert [r[0] for r in rows]==[*map(str, files)] and all(0<float(r[2])<=1 for r in rows)
    head,*table = csv.reader((here/'p.csv').open())
    assert head[:2]==['file', 'class'] and len(head)==12 and [r[:2] for r in table]==[r[:2] for r in rows]
    for r,t in zip(rows, table):
        prob = np.array(t[2:], float)
        assert abs(prob.sum()-1)<1e-2 and abs(prob.max()-float(r[2]))<1e-2
        assert prob[head.index(r[1])-2]==prob.max()

@pytest.mark.parametrize('kind', 'tags numbers mask'.split())
def test_predict_by_other_heads(kind, here, capsys):
    "A column for each tag, number or class of a mask, as the model itself predicts them"
    from ssl_course.encoder import Encoder
    from ssl_course.heads import MultiLabel,Regress,Segment
    from ssl_course.model import TransferModel
    heads = dict(tags=(MultiLabel, ('red', 'round')), numbers=(Regress, ('x', 'y')),
                 mask=(Segment, ('ground', 'object')))
    head,vocab = heads[kind]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        TransferModel(Encoder.small(width=8), head(vocab)).save(here/'m.safetensors', size=32)
    files = [here/'0.png', here/'1.png']
    for i,f in enumerate(files): png(f, i)
    out = ok(capsys, 'predict', here/'m.safetensors', *files, '--csv', here/'p.csv')
    columns,*rows = csv.reader((here/'p.csv').open())
    assert columns==['file', *(['tags'] if kind=='tags' else []), *vocab]
    assert len(rows)==len(out.strip().splitlines())==2
    values = np.array([r[-2:] for r in rows], float)
    x = np.stack([read_image(f, 32) for f in files])
    predicted,prob = TransferModel.load(here/'m.safetensors').predict(x)
    wanted = dict(tags=prob, numbers=predicted, mask=None)[kind]
    if kind=='mask': wanted = np.stack([(predicted==k).mean((1, 2)) for k in (0, 1)], 1)
    assert np.abs(values-wanted).max()<1e-3

def test_predict_names_the_unreadable(trained, here, capsys):
    png(here/'good.png')
    (here/'bad.png').touch()
    model = str(trained/'model.safetensors')
    with pytest.raises(SystemExit) as e: main(['predict', model, 'bad.png', 'good.png'])
    r = capsys.readouterr()
    assert e.value.code==2 and r.out.startswith('good.png\t') and 'bad.png' in r.err

def test_own_images(here, photos, capsys):
    "Folders instead of drawn images, and every further command on what comes out"
    own = folders(photos/'unlabeled', photos/'labeled')
    out = ok(capsys, *own, '--labels', 1, 5, '--seeds', 1, '--out', 'mine')
    assert {f.name for f in (here/'mine').iterdir()}==FILES and 'With 5 labels per class' in out
    m = json.loads((here/'mine/metrics.json').read_text())
    assert m['data']['unlabeled']['images']==60 and m['data']['pool']['images']==36 and len(m['runs'])==8
    picture = next((photos/'labeled').rglob('*.png'))
    predicted = ok(capsys, 'predict', 'mine/model.safetensors', picture).split('\t')[1]
    assert predicted in {d.name for d in (photos/'labeled').iterdir()}

def test_run_compares_with_a_trained_encoder(here, photos, trained, capsys):
    "As it comes, continued on the unlabeled images, and against pretraining from random weights"
    own = folders(photos/'unlabeled', photos/'labeled')
    given = trained/'encoder.safetensors'
    out = ok(capsys, *own, '--encoder', given, '--labels', 1, '--seeds', 1, '--out', 'mine')
    assert {f.name for f in (here/'mine').iterdir()}==FILES|{'continued.safetensors'}
    m = json.loads((here/'mine/metrics.json').read_text())
    starts = {f'{s}, {w}' for s in ('encoder', 'continued here', 'pretrained here') for w in ('frozen', 'fine-tuned')}
    assert {r['method'] for r in m['runs']}==starts|{'from scratch', 'untrained, frozen'} and 'With 1 label per class' in out
    rounds = [e for e in Encoder.load(here/'mine/continued.safetensors').lineage if 'task' in e]
    assert len(rounds)==2 and rounds[0]==Encoder.load(given).lineage[0] and rounds[1]['images']==60

@pytest.mark.parametrize('pretext', ['simclr', 'rotation'])
def test_pretrain_then_finetune(pretext, here, photos, capsys):
    smoke = ['--budget', 'smoke']
    out = ok(capsys, 'pretrain', '--unlabeled', photos/'unlabeled', '--pretext', pretext, *smoke)
    assert 'finetune' in out
    files = ['--encoder', 'encoder.safetensors', '--labeled', photos/'labeled']
    out = ok(capsys, 'finetune', *files, '--recipe', 'gradual', *smoke)
    assert re.search(r'Accuracy on 12 test images: [\d.]+%', out) and (here/'model.safetensors').exists()
    assert 'surest mistakes' in (here/'model.report.html').read_text(encoding='utf-8')
    out = ok(capsys, 'inspect', 'model.safetensors')
    assert json.loads(out[out.index('{'):])['lineage'][0]['task']==pretext

# --- every kind of label ---

@pytest.fixture(scope='module')
def kinds(tmp_path_factory):
    "60 postcards, a table about them, and folders of images and masks, which are wider than high"
    import pandas as pd
    top,world = tmp_path_factory.mktemp('kinds'),Postcards(32, seed=3)
    s,tags,m = world.images(60),world.images(60, target='tags'),world.images(60, target='mask')
    for f in ('im', 'seg/train/images', 'seg/train/masks', 'seg/test/images', 'seg/test/masks'): (top/f).mkdir(parents=True)
    kind = np.where(s.y<5, 'low', 'high')
    for i,x in enumerate(s.x):
        Image.fromarray(x).save(top/f'im/{i}.png')
        part = top/'seg'/('test' if i>=45 else 'train')
        Image.fromarray(x).resize((48, 40)).save(part/f'images/{i}.jpg')
        mask = Image.fromarray(m.y[i]*255).resize((48, 40), Image.Resampling.NEAREST)
        mask.save(part/f'masks/{i}.png'), mask.resize((32, 32), Image.Resampling.NEAREST).save(top/f'im/{i}_mask.png')
    t = pd.DataFrame(dict(file=[f'{i}.png' for i in range(60)], kind=kind, red=s.x[..., 0].mean((1, 2)), blue=s.x[..., 2].mean((1, 2))*100, bright=(s.x.mean((1, 2, 3))>128).astype(int),
        dark=(s.x.mean((1, 2, 3))<100).astype(int), tags=['|'.join(['card', *(v for v,on in zip(tags.vocab, row) if on)]) for row in tags.y], mask=[f'{i}_mask.png' for i in range(60)], part=['train']*40+['val']*10+['test']*10))
    t.to_csv(top/'t.csv', index=False)
    return top

KINDS = dict(classes=('class --target kind --split part', r'Accuracy on 10 test images: [\d.]+%, macro F1 [\d.]+; the most frequent class alone gets', 'file,class,high,low'),
    tags=('tags --target tags', r'Mean average precision on 12 test images: [\d.]+; guessing gets', 'file,tags,balloon,cactus'), columns=('tags --target bright dark', 'Mean average precision', 'file,tags,bright,dark'),
    numbers=('regression --target red blue', r'Mean absolute error on 12 test images: red [\d.]+, blue [\d.]+; always the mean of the training labels: red', 'file,red,blue'),
    masks=('mask --target mask', r'Mean IoU on 12 test images: [\d.]+ without 0 \(0 [\d.]+, 255 [\d.]+\)', 'file,0,255'))

@pytest.mark.parametrize('kind', KINDS)
def test_a_table_of_each_kind(kind, here, kinds, tiny, capsys):
    "From the columns of one table to a model, predictions and a file that differs by nothing"
    task,says,columns = KINDS[kind]
    tune = ['finetune', '--encoder', tiny, '--labeled', kinds/'t.csv', '--images', kinds/'im', '--budget', 'smoke', '--epochs', 1, '--task', *task.split()]
    assert re.search(says, ok(capsys, *tune))
    ok(capsys, 'predict', 'model.safetensors', kinds/'im/3.png', kinds/'im/2.png', '--csv', 'p.csv')
    head,*rows = (here/'p.csv').read_text().splitlines()
    assert head.startswith(columns) and [r.split(',')[0] for r in rows]==[str(kinds/f'im/{i}.png') for i in (3, 2)]
    said = ok(capsys, 'export', 'model.safetensors', '--to', 'torchscript')
    assert 'Wrote model.pt' in said and '32 pixels differ by 0.0e+00 at most' in said
    net,x = torch.jit.load('model.pt'),torch.rand(3, 3, 32, 32)
    model = TransferModel.load('model.safetensors')
    with torch.no_grad():
        model.encoder.precision = torch.float32
        torch.testing.assert_close(net(x), model.head.activation(model(x)), rtol=0, atol=1e-4)

TABLES = {'': 'is a table, so say what to learn.*there are file, kind, red', '--task tags': 'is a table', '--target kind': 'is a table', '--task class --target kind red': 'takes one column', '--task class --target kin': 'no column kin',
    '--task regression --target kind': 'Not all values of kind', '--task tags --target red': 'columns of 0 and 1', '--task mask --target kind': "mask .*(high|low) can't be read", '--task class --target kind --split kind': 'has .*(low|high).*train, valid or test',
    '--task class --target kind --file-col red': "can't|could"}

@pytest.mark.parametrize('more', TABLES)
def test_nothing_is_guessed_of_a_table(more, here, kinds, tiny, capsys):
    said = refused(capsys, 'finetune', '--encoder', tiny, '--labeled', kinds/'t.csv', '--images', kinds/'im', '--budget', 'smoke', *more.split())
    assert re.search(TABLES[more], said) and not (here/'model.safetensors').exists()

@pytest.mark.parametrize('more,says', [('--task tags', 'from a table'), ('--task regression', 'from a table'), ('--target kind', '--target is about a table'), ('--task mask', 'sub-folder `images`')])
def test_what_a_folder_cannot_say(more, says, photos, tiny, capsys):
    said = refused(capsys, 'finetune', '--encoder', tiny, '--labeled', photos/'labeled', '--budget', 'smoke', *more.split())
    one_sentence(said)
    assert says in said

def test_masks_go_back_where_they_came_from(here, kinds, tiny, capsys):
    "In the size of their images, with the numbers of the masks that were learned; nothing is replaced, and no two share a file"
    folder = ['finetune', '--encoder', tiny, '--labeled', kinds/'seg', '--budget', 'smoke', '--epochs', 1]
    assert '--task mask' in refused(capsys, *folder)
    out = ok(capsys, *folder, '--task', 'mask')
    assert 'Mean IoU on 15 test images' in out and TransferModel.load('model.safetensors').card['mode']=='squish'
    call = ['predict', 'model.safetensors', kinds/'seg/test/images', '--masks', 'found']
    out = ok(capsys, *call)
    assert 'Wrote masks to found, with the numbers 0, 255' in out
    for line in out.splitlines()[:-1]:
        name,_,object = line.split('\t')
        with Image.open(here/'found'/f'{Path(name).stem}.png') as im:
            assert im.mode=='P' and im.size==(48, 40)
            a = np.asarray(im)
            assert set(np.unique(a))<={0, 255} and abs((a==255).mean()-float(object.split()[1]))<.03
    assert 'exists already, and 14 more' in refused(capsys, *call)
    ok(capsys, *call, '--force')
    (here/'own').mkdir(), Image.open(kinds/'seg/test/images/50.jpg').save(here/'own/50.png')
    before = (here/'own/50.png').read_bytes()
    assert 'would replace an image' in refused(capsys, 'predict', 'model.safetensors', here/'own', '--masks', 'own', '--force')
    assert (here/'own/50.png').read_bytes()==before
    image = kinds/'seg/test/images/50.jpg'
    shutil.copy(image, here/'50.jpg')
    assert 'would both be other/50.png' in refused(capsys, 'predict', 'model.safetensors', image, here/'50.jpg', '--masks', 'other')
    assert not (here/'other').exists()

def test_only_masks_are_written_as_masks(trained, photos, capsys):
    said = refused(capsys, 'predict', trained/'model.safetensors', photos/'unlabeled', '--masks', 'm')
    one_sentence(said)
    assert 'predicts class' in said

# --- many files ---

def test_predict_searches_folders_in_order(here, photos, trained, capsys):
    "Sub-folders, too; what isn't an image is said, what can't be read is listed at the end"
    shutil.copytree(photos/'labeled', here/'in')
    (here/'in/photo.heic').touch(), (here/'in/broken.png').touch()
    with pytest.raises(SystemExit) as e: main(['predict', str(trained/'model.safetensors'), 'in', '--csv', 'p.csv'])
    r,files = capsys.readouterr(),sorted(str(f.relative_to(here)) for f in (here/'in').rglob('*.png') if f.stat().st_size)
    assert e.value.code==2 and [l.split('\t')[0] for l in r.out.splitlines()]==files and len(files)==60
    assert 'skipped 1 other files: .heic' in r.err and "broken.png can't be read: empty" in r.err
    assert [l.split(',')[0] for l in (here/'p.csv').read_text().splitlines()[1:]]==files

def test_ctrl_c_keeps_what_was_predicted(here, photos, trained, capsys, monkeypatch):
    "The table holds each batch that was finished, whole, and it is said how many files those are"
    first,calls = cli._read_and_predict,[]
    def second_is_interrupted(*args):
        calls.append(args)
        if len(calls)==2: raise KeyboardInterrupt
        return first(*args)
    monkeypatch.setattr(cli, '_read_and_predict', second_is_interrupted)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as e: main(['predict', str(trained/'model.safetensors'), str(photos), '--csv', 'p.csv'])
    assert signal.getsignal(signal.SIGINT) is handler # a call from Python leaves Ctrl-C as it is
    assert e.value.code==130 and '64 of 120 files are done, and in p.csv' in capsys.readouterr().err
    rows = list(csv.reader((here/'p.csv').open()))
    assert len(rows)==65 and {len(r) for r in rows}=={12}

# --- export ---

def test_export(here, trained, capsys, monkeypatch):
    "A model or an encoder, by file or by name; nothing is replaced; the package that is missing is named first"
    assert re.search(r'Wrote e.onnx. Read back, its outputs for images of 32 pixels differ by \S+e-\d+ at most', ok(capsys, 'export', trained/'model.safetensors', '--to', 'onnx', '--out', 'e.onnx'))
    ok(capsys, 'export', trained/'encoder.safetensors', '--to', 'torchscript', '--out', 'e.pt')
    features,embedding = torch.jit.load('e.pt')(torch.rand(2, 3, 32, 32))
    assert features.shape[:2]==embedding.shape
    for args,says in {(trained/'model.safetensors', 'onnx', 'e.onnx'): 'exists already', (trained/'model.safetensors', 'timm', 't'): "this encoder is 'small'", ('nosuch', 'onnx', 'f.onnx'): 'no encoder'}.items():
        said = refused(capsys, 'export', args[0], '--to', args[1], '--out', args[2])
        one_sentence(said)
        assert says in said
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    said = refused(capsys, 'export', 'nowhere.safetensors', '--to', 'onnx')
    assert 'needs the package onnxruntime' in said and "'ssl_course[onnx]'" in said
    assert sorted(f.name for f in here.iterdir() if f.name!='home')==['e.onnx', 'e.pt']

def test_export_for_timm(here, capsys):
    "A folder, and a file of weights, as timm itself reads them"
    import timm
    with torch.random.fork_rng():
        torch.manual_seed(0)
        e = Encoder.from_timm('resnet10t', channels=4)
    e.save('e.safetensors')
    said = ok(capsys, 'export', 'e.safetensors', '--to', 'timm', '--size', 64)
    code = said.splitlines()[-1].removeprefix('Next, in Python: ')
    net = eval(code, dict(timm=timm)).eval()
    bare = timm.create_model('resnet10t', num_classes=0, in_chans=4, checkpoint_path='e-timm/model.safetensors').eval()
    x = torch.rand(2, 4, 64, 64)
    e.eval().precision = torch.float32
    mean,std = (torch.tensor(net.pretrained_cfg[k]).view(1, -1, 1, 1) for k in ('mean', 'std'))
    with torch.no_grad():
        for m in (net, bare): torch.testing.assert_close(m((x-mean)/std), e(x), rtol=0, atol=1e-5)
    again = Encoder.from_timm('local-dir:e-timm', pretrained=True, channels=4)
    assert torch.equal(again.state_dict()['body.model.conv1.0.weight'], e.state_dict()['body.model.conv1.0.weight'])
    assert 'exists already' in refused(capsys, 'export', 'e.safetensors', '--to', 'timm')

# --- other numbers of channels ---

def bands(top, channels):
    "Folders of arrays of 12 bits: 40 without labels, and two classes of 15, brighter in the first or the last channel"
    rng = np.random.default_rng(0)
    def save(path, bright=None):
        a = rng.integers(0, 2000, (32, 32, channels))
        if bright is not None: a[8:24, 8:24, bright] += 2000
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, a.astype(np.uint16))
    for i in range(40): save(top/f'un/{i:02}.npy')
    for i in range(15): save(top/f'own/a/{i:02}.npy', 0), save(top/f'own/b/{i:02}.npy', -1 if channels>1 else None)
    return ['--unlabeled', top/'un'],['--labeled', top/'own']

@pytest.mark.parametrize('channels', [1, 4, 13])
def test_any_number_of_channels_from_end_to_end(channels, here, tiny, capsys):
    "Pretrain, fine-tune, predict, embed and export; then with an encoder of color images, adapted because it is asked for"
    unlabeled,labeled = bands(here, channels)
    smoke,c = ['--budget', 'smoke', '--size', 32],['--channels', channels]
    if channels!=1: assert f'--channels' in (said := refused(capsys, 'pretrain', *unlabeled, *smoke)) or 'could be read' in said
    out = ok(capsys, 'pretrain', *unlabeled, *smoke, *c)
    assert 'no hue or saturation' in out and '0 to 4,095 became 0 to 255' in out
    out = ok(capsys, 'finetune', '--encoder', 'encoder.safetensors', *labeled, *smoke)
    assert 'Accuracy on 6 test images' in out
    model = TransferModel.load('model.safetensors')
    assert model.encoder.channels==channels and model.encoder.scale==(0, 4095)
    out = ok(capsys, 'predict', 'model.safetensors', here/'own')
    assert len(out.splitlines())==30 and all(l.split('\t')[1] in 'ab' for l in out.splitlines())
    assert f'{40} images' in ok(capsys, 'embed', here/'un', '--encoder', 'encoder.safetensors')
    assert 'differ by 0.0e+00' in ok(capsys, 'export', 'model.safetensors', '--to', 'torchscript')
    assert torch.jit.load('model.pt')(torch.rand(2, channels, 32, 32)).shape==(2, 2)
    ok(capsys, 'finetune', '--encoder', tiny, *labeled, *smoke, *c, '--force')
    assert dict(channels=[3, channels]) in TransferModel.load('model.safetensors').encoder.lineage
    ok(capsys, 'pretrain', '--start', tiny, *unlabeled, *smoke, *c, '--force')
    assert Encoder.load('encoder.safetensors').channels==channels

def test_run_on_four_channels(here, tiny, capsys, monkeypatch):
    "From a file of an encoder of colors, adapted; then without naming the channels, with those of the encoder's file"
    unlabeled,labeled = bands(here, 4)
    monkeypatch.setattr(sys.stdout, 'isatty', lambda: True, raising=False) # draws some images
    args = [*SMOKE, *unlabeled, *labeled, '--size', 32, '--labels', 1, '--seeds', 1]
    out = ok(capsys, *args, '--channels', 4, '--encoder', tiny)
    assert 'Accuracy on the test images' in out and '▀' in out and out.count('0 to 4,095 became 0 to 255')==2
    model,more = TransferModel.load('runs/course/model.safetensors'),Encoder.load('runs/course/continued.safetensors')
    assert (model.encoder.channels, more.channels, more.scale)==(4, 4, (0, 4095)) and dict(channels=[3, 4]) in more.lineage
    assert 'Accuracy on the test images' in ok(capsys, *args, '--channels', 4, '--encoder', tiny, '--resume')
    assert 'channels: 4 there, nothing now' in refused(capsys, *args, '--encoder', tiny, '--resume')
    out = ok(capsys, *args, '--encoder', 'runs/course/continued.safetensors', '--out', 'again')
    assert Encoder.load(here/'again/encoder.safetensors').channels==4
    one_sentence(said := refused(capsys, *args, '--encoder', tiny, '--out', 'other'))
    assert 'Images of 3 channels are needed' in said and '(32, 32, 4)' in said and not (here/'other/encoder.safetensors').exists()
    one_sentence(said := refused(capsys, *SMOKE, '--channels', 4, '--out', 'other'))
    assert '--unlabeled' in said

def tiffs(top, channels):
    "Twenty TIFF files of so many channels of 12 bits"
    import tifffile
    top.mkdir()
    for i in range(20):
        a = np.random.default_rng(i).integers(0, 4000, (channels, 32, 32)).astype(np.uint16)
        tifffile.imwrite(top/f'{i:02}.tif', a, photometric='minisblack')
    return top

def test_four_channels_are_suggested_embedded_and_explored(here, tiny, capsys):
    "An encoder of colors is adapted when it is asked for; else a sentence says what doesn't fit"
    c,how = ['--channels', 4],['--encoder', tiny, '--size', 32]
    for folder in (tiffs(here/'tif', 4), (bands(here, 4), here/'un')[1]):
        out = ok(capsys, 'suggest', folder, '-n', 5, *how, *c, '--force')
        assert 'channels=4' in out and (here/'suggestions.html').read_text().count('data:image/jpeg')==5
        assert f'{len(list(folder.iterdir()))} images, 32 numbers each' in ok(capsys, 'embed', folder, *how, *c, '--force')
        ok(capsys, 'explore', folder, *how, *c, '--force')
        assert (here/'explore.html').read_text().count('data:image/webp')>1
    for command in ('embed', 'explore', 'suggest'):
        one_sentence(said := refused(capsys, command, here/'un', *how, '--force'))
        assert 'Images of 3 channels are needed' in said and '(32, 32, 4)' in said and '--channels' in said
    one_sentence(said := refused(capsys, 'embed', here/'un', *how, '--channels', 13, '--force'))
    assert 'Images of 13 channels are needed' in said
    png(here/'photo/1.png')
    one_sentence(said := refused(capsys, 'embed', here/'photo', *how, *c, '--force'))
    assert 'Images of 4 channels are needed' in said and '(32, 32, 3)' in said
    small = Encoder.small(channels=13, width=4).save(here/'13.safetensors')
    one_sentence(said := refused(capsys, 'embed', here/'un', '--encoder', small, *c, '--force'))
    assert "can't be adapted to 4" in said

def test_colors_cannot_be_learned_from_bands(here, capsys):
    "Said in one sentence before the first step, without fastai's own"
    unlabeled,_ = bands(here, 13)
    said = refused(capsys, 'pretrain', *unlabeled, '--budget', 'smoke', '--size', 32, '--channels', 13, '--pretext', 'colorization')
    one_sentence(said)
    assert said.startswith("Colours can't be learned") and not (here/'encoder.safetensors').exists()

@pytest.mark.parametrize('command', ['predict m.safetensors a.jpg', 'finetune --encoder general --labeled x'])
def test_only_pretraining_shares_its_work_among_processes(command, here, monkeypatch, capsys):
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert 'runs in one process' in refused(capsys, *command.split())

def test_a_report_is_not_replaced(here, capsys):
    (here/'model.report.html').write_text('mine')
    assert 'model.report.html exists already' in refused(capsys, 'finetune', '--encoder', 'general', '--labeled', 'x')

def test_channels_are_of_own_images(capsys):
    one_sentence(said := refused(capsys, 'pretrain', '--channels', 13, '--budget', 'smoke'))
    assert '--unlabeled' in said
@pytest.mark.parametrize('pretext,arch,built', [('masked_autoencoder', (), 'vit'), ('byol', ('--arch', 'vit_tiny'), 'vit'), ('simclr', ('--arch', 'timm:test_vit'), 'timm')])
def test_pretraining_of_other_architectures(pretext, arch, built, here, photos, capsys):
    "A task that needs a transformer gets one; others on request"
    ok(capsys, 'pretrain', '--unlabeled', photos/'unlabeled', '--pretext', pretext, *arch, '--budget', 'smoke', '--size', 32)
    out = ok(capsys, 'inspect', 'encoder.safetensors')
    card = json.loads(out[out.index('{'):])
    assert card['architecture']['name']==built and card['lineage'][0]['task']==pretext

@pytest.mark.parametrize('cmd,args,says', [('pretrain', ('--pretext', 'masked_features', '--arch', 'small'), 'MaskedFeatures hides patches of the image'), ('pretrain', ('--arch', 'resnet18'), 'no architecture .resnet18'),
    ('pretrain', ('--arch', 'timm:nothing'), 'timm has no model .nothing'), ('pretrain', ('--arch', 'vit_tiny', '--start', 'general'), 'leave out --arch vit_tiny'), ('pretrain', ('--pretext', 'masked_autoencoder', '--start', 'general'), 'MaskedAutoencoder hides'),
    ('run', ('--pretext', 'masked_autoencoder'), 'use ssl-course pretrain --pretext masked_autoencoder')])
def test_architectures_that_can_not_be(cmd, args, says, here, photos, capsys):
    said = refused(capsys, cmd, '--unlabeled', photos/'unlabeled', *(('--labeled', photos/'labeled') if cmd=='run' else ()), '--budget', 'smoke', *args)
    one_sentence(said)
    assert re.search(says, said) and not list(here.glob('*.safetensors')) and not (here/'runs').exists()

# --- what is there already ---

def test_nothing_is_replaced_without_force(here, photos, tiny, capsys):
    "Neither by `pretrain` and `finetune`, nor by a run in a folder with somebody's own encoder and model"
    for f in ('encoder.safetensors', 'model.safetensors'): (here/f).write_text(f'my {f}')
    said = refused(capsys, 'pretrain', '--unlabeled', photos/'unlabeled', '--budget', 'smoke')
    assert 'exists already' in said and '--force' in said
    said = refused(capsys, 'finetune', '--encoder', tiny, '--labeled', photos/'labeled', '--budget', 'smoke')
    assert 'model.safetensors exists already' in said
    for extra in ([], ['--resume']):
        assert 'encoder.safetensors, model.safetensors already' in refused(capsys, *SMOKE, '--out', '.', *extra)
    assert [(here/f).read_text() for f in ('encoder.safetensors', 'model.safetensors')]==['my encoder.safetensors', 'my model.safetensors']
    ok(capsys, 'finetune', '--encoder', tiny, '--labeled', photos/'labeled', '--budget', 'smoke', '--force')
    assert (here/'model.safetensors').read_bytes()[8:9]==b'{'
    assert 'nothing to do' in ok(capsys, 'finetune', '--encoder', tiny, '--labeled', photos/'labeled', '--budget', 'smoke', '--resume')

def test_force_removes_no_checkpoint_before_all_is_checked(here, photos, capsys):
    (here/'encoder.checkpoint.pt').write_text('hours of work')
    assert 'interrupted' in refused(capsys, 'pretrain', '--unlabeled', photos/'unlabeled', '--budget', 'smoke')
    refused(capsys, 'pretrain', '--unlabeled', 'missing', '--budget', 'smoke', '--force')
    assert (here/'encoder.checkpoint.pt').read_text()=='hours of work'
    ok(capsys, 'pretrain', '--unlabeled', photos/'unlabeled', '--budget', 'smoke', '--force')
    assert not (here/'encoder.checkpoint.pt').exists() and (here/'encoder.safetensors').exists()

def test_a_table_is_not_replaced(here, trained, photos, capsys):
    (here/'p.csv').write_text('mine')
    picture = next((photos/'labeled').rglob('*.png'))
    assert 'p.csv exists already' in refused(capsys, 'predict', trained/'model.safetensors', picture, '--csv', 'p.csv')
    assert (here/'p.csv').read_text()=='mine'
    ok(capsys, 'predict', trained/'model.safetensors', picture, '--csv', 'p.csv', '--force')
    assert (here/'p.csv').read_text().startswith('file,')

@pytest.mark.parametrize('line', ['run --budget smoke', 'pretrain --out x/e.safetensors --budget smoke', 'finetune --encoder e.safetensors --labeled l --out x/m.safetensors',
    'suggest nowhere --out x/s', 'predict m.safetensors a.jpg --csv x/p.csv'])
def test_a_folder_that_cannot_be_written_is_found_first(line, here, capsys, monkeypatch):
    (here/'x').write_text('a file'), (here/'runs').write_text('a file')
    said = refused(capsys, *line.split())
    one_sentence(said)
    assert "can't be written" in said

def test_a_recipe_that_needs_more_epochs_is_refused_first(here, capsys):
    "Before an encoder is looked for, and images are read"
    said = refused(capsys, 'finetune', '--encoder', 'none.safetensors', '--labeled', 'nowhere', '--recipe', 'gradual', '--epochs', '3')
    one_sentence(said)
    assert 'needs 6 at least' in said

@pytest.mark.parametrize('line', ['run --epochs -1', 'run --epochs 0', 'run --labels 5 0', 'run --seeds 0', 'run --size 4', 'run --seed -3', 'pretrain --lr -1',
    'pretrain --lr inf', 'pretrain --lr nan', 'suggest photos -n 0', 'finetune --encoder e --labeled l --epochs -2'])
def test_numbers_out_of_range(line, capsys):
    with pytest.raises(SystemExit) as e: main(line.split())
    assert e.value.code==2 and 'out of range' in capsys.readouterr().err

def test_images_that_were_added_are_noticed(here, photos, capsys):
    "--resume goes on only with the images of the run, also when it was finished"
    shutil.copytree(photos, here/'own')
    args = [*folders(here/'own'/'unlabeled', here/'own'/'labeled'), '--labels', 1, '--seeds', 1, '--out', 'mine']
    ok(capsys, *args)
    assert 'Accuracy on the test images' in ok(capsys, *args, '--resume')
    for i in range(3): Image.new('RGB', (32, 32), (9*i, 50, 90)).save(here/'own'/'unlabeled'/f'new{i}.png')
    said = refused(capsys, *args, '--resume')
    assert 'unlabeled (60 then, 63 now)' in said and '--force' in said

# --- interrupted ---

def until(process, log, pattern, seconds=120):
    "Wait until `pattern` is in the file `log`"
    end = time.monotonic()+seconds
    while not re.search(pattern, log.read_text(errors='replace')):
        assert process.poll() is None and time.monotonic()<end, log.read_text(errors='replace')[-2000:]
        time.sleep(.02)

def interrupted(folder, sig, pattern, *args):
    "Start a run, send it `sig` when `pattern` shows on its screen; exit code and what it had said"
    log = folder/'log'
    with log.open('w') as f:
        p = subprocess.Popen(command(*args), cwd=folder, env=env(folder/'home'), stdout=f,
                             stderr=subprocess.STDOUT)
    try:
        until(p, log, pattern)
        p.send_signal(sig)
        return p.wait(60),log.read_text(errors='replace')
    finally:
        if p.poll() is None: p.kill()

def test_ctrl_c_then_resume(here):
    "Ctrl-C while pretraining and comparing: what was finished stays, and --resume ends the run. Kills are in test_kill.py"
    args,out = [*SMOKE, '--epochs', '10', '--resume'], here/'runs/course'
    code,said = interrupted(here, signal.SIGINT, r'Pretraining \(simclr\): +[1-9]\d%', *args)
    assert code==130 and 'Traceback' not in said and 'run the same command with --resume to continue' in said
    assert (out/'samples.png').exists() and not (out/'encoder.safetensors').exists() and temporary(out)==[]

    code,said = interrupted(here, signal.SIGINT, r'Comparing.*run [3-6], ', *args)
    assert code==130 and 'Traceback' not in said and temporary(out)==[], said[-5000:]
    assert 'A look at the images: done earlier' in said
    encoder = sha256_file(out/'encoder.safetensors')
    first,complete = stored_runs(out)
    assert first and not complete and not (out/'report.html').exists()

    r = sh(here, *args)
    assert r.returncode==0 and 'epochs: done earlier' in r.stdout, r.stderr
    last,complete = stored_runs(out)
    assert sha256_file(out/'encoder.safetensors')==encoder and last[:len(first)]==first and complete
    assert {f.name for f in out.iterdir()}==FILES

def stored_runs(out):
    "The runs in `runs.json`, and whether the comparison is complete"
    d = json.loads((out/'runs.json').read_text())
    return d['parts']['runs'],d['date'] is not None

def test_force_after_an_interrupted_comparison(here, capsys):
    "No run of the earlier pretext task is counted"
    args,out = SMOKE+['--labels', '1', '--seeds', '2'],here/'runs/course'
    code,_ = interrupted(here, signal.SIGINT, r'Comparing.*run [3-6], ', *args)
    before,_ = stored_runs(out)
    assert code==130 and before
    ok(capsys, *args, '--force', '--pretext', 'rotation')
    after,complete = stored_runs(out)
    assert complete and len(after)==8 and not any(r in after for r in before)

@contextmanager
def small_disk(most=40_000):
    "No file may grow beyond `most` bytes: what a full disk is to whoever writes"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try: yield
    finally: resource.setrlimit(resource.RLIMIT_FSIZE, before)

@pytest.mark.parametrize('cmd,file', [('run', 'runs/course/samples.png'),
                                      ('pretrain', 'encoder.safetensors')])
def test_full_disk(cmd, file, here, capsys):
    "A file that can't be written whole is not written at all"
    with small_disk(): said = refused(capsys, cmd, '--budget', 'smoke')
    one_sentence(said)
    assert 'too large' in said and not (here/file).exists() and temporary(here)==[]

# --- tasks about time ---

def test_a_task_about_time_draws_its_clips(here, photos, capsys):
    smoke = ['--budget', 'smoke']
    assert 'finetune' in ok(capsys, 'pretrain', '--pretext', 'frame_order', '--size', 32, *smoke)
    out = ok(capsys, 'inspect', 'encoder.safetensors')
    lineage = json.loads(out[out.index('{'):])['lineage'][0]
    wanted = dict(task='frame_order', data='clips', size=32, images=200)
    assert {k: lineage[k] for k in wanted}==wanted
    # at 32 pixels, not at the height of a strip of frames
    ok(capsys, 'finetune', '--encoder', 'encoder.safetensors', '--labeled', photos/'labeled', *smoke)

@pytest.mark.parametrize('cmd', ['pretrain', 'run'])
def test_single_pictures_are_no_clips(cmd, here, photos, capsys):
    own = ['--unlabeled', photos/'unlabeled']
    if cmd=='run': own += ['--labeled', photos/'labeled']
    said = refused(capsys, cmd, '--budget', 'smoke', '--pretext', 'frame_order', *own)
    one_sentence(said)
    assert 'frame_order' in said and 'single images' in said
    assert [f.name for f in here.iterdir() if f.suffix]==[]
