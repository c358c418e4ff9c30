"""`ssl-course` as people use it: what it prints and writes, what it says when something is wrong, and what is left after Ctrl-C, a kill or a full disk."""
import csv,json,os,pickle,re,resource,shutil,signal,subprocess,sys,time
from contextlib import contextmanager

import numpy as np,pytest,torch
from PIL import Image

from ssl_course.cli import main,parser
from ssl_course.settings import sha256_file

COMMANDS = 'run pretrain finetune predict inspect bench lab'.split()
SMOKE = ['run', '--budget', 'smoke']
FILES = {'encoder.safetensors', 'model.safetensors', 'metrics.json', 'label_efficiency.png', 'report.html', 'samples.png', 'runs.json', 'state.json'}

def env(home): return {k: v for k,v in os.environ.items() if not k.startswith('SSL_COURSE_')} | dict(SSL_COURSE_HOME=str(home), OMP_NUM_THREADS='1')
def command(*args): return [os.path.join(os.path.dirname(sys.executable), 'ssl-course'), *map(str, args)]

def sh(folder, *args, **kwargs):
    "A command in a process of its own"
    return subprocess.run(command(*args), cwd=folder, env=env(folder/'home'), capture_output=True, text=True, timeout=200, **kwargs)

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
    assert e.value.code==0 and out.startswith(f"usage: {' '.join(['ssl-course', *words])}") and len(out)>100
    assert max(map(len, out.splitlines()))<=200
    if not words: assert all(f'\n    {c} ' in out for c in COMMANDS)
    for option in re.findall(r'^  (--[\w-]+(?: [\w.{},]+)?(?: \.\.\.\])?)$', out, flags=re.M): assert out.split(option, 1)[1].lstrip(), f'{option} is not explained'

def test_help_comes_within_a_second(here):
    "Beyond what the bare Python takes"
    def seconds(*cmd):
        t = time.perf_counter()
        subprocess.run(cmd, cwd=here, env=env(here), capture_output=True, check=True)
        return time.perf_counter()-t
    bare = min(seconds(sys.executable, '-c', 'pass') for _ in range(3))
    assert min(seconds(*command('run', '--help')) for _ in range(3))-bare<1

def test_help_lists_the_pretext_tasks(capsys):
    from ssl_course.pretrain import pretext_tasks
    with pytest.raises(SystemExit): parser().parse_args(['pretrain', '--help'])
    out = capsys.readouterr().out
    assert all(re.search(rf'^  {n} +\w', out, flags=re.M) for n in pretext_tasks())

# --- what users get wrong ---

def png(path, seed=0, side=32):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(path)

@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    "Folders as of a user: 60 unlabelled drawn images and three classes of 20 labelled ones"
    from ssl_course.all import Postcards
    top = tmp_path_factory.mktemp('photos')
    world = Postcards(size=32, seed=7).images(500)
    def save(i, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(world.x[i])).save(path)
    for i in range(60): save(i, top/f'unlabelled/{i:03}.png')
    later = np.arange(60, 500)
    for c in range(3):
        for i in later[world.y[60:]==c][:20]: save(i, top/f'labelled/{world.vocab[c]}/{i:03}.png')
    return top

def folders(a, b=None): return [*SMOKE, '--unlabelled', a, '--labelled', b or a]

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
    said = refused(capsys, *SMOKE, '--labelled', photos/'labelled')
    one_sentence(said)
    assert '--unlabelled' in said

def test_labelled_folder_without_classes(photos, capsys):
    said = refused(capsys, *folders(photos/'unlabelled'))
    one_sentence(said)
    assert 'class' in said and 'unlabelled' in said

def test_class_with_too_few_labels(photos, capsys):
    said = refused(capsys, *folders(photos/'unlabelled', photos/'labelled'), '--labels', 50)
    one_sentence(said)
    assert '50' in said and re.search(r'\w+ has \d+', said)

def test_leaked_images(here, photos, capsys):
    "Labelled images that are also in the unlabelled folder, under other names"
    shutil.copytree(photos/'unlabelled', here/'un')
    for i,f in enumerate(sorted((photos/'labelled').rglob('*.png'))): shutil.copy(f, here/f'un/renamed_{i}.png')
    said = refused(capsys, *folders(here/'un', photos/'labelled'))
    assert 'also in' in said and 'renamed_' in said and not (here/'runs/course/encoder.safetensors').exists()

@pytest.mark.parametrize('cmd', ['run', 'pretrain'])
def test_unknown_pretext_task(cmd, capsys):
    said = refused(capsys, cmd, '--budget', 'smoke', '--pretext', 'jiggle')
    one_sentence(said)
    assert 'jiggle' in said and 'simclr' in said

def test_unknown_recipe(here, photos, capsys):
    assert 'two_stage' in refused(capsys, 'finetune', '--encoder', 'e.safetensors', '--labelled', photos/'labelled', '--recipe', 'magic')

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
    args = dict(finetune=['--encoder', f, '--labelled', photos/'labelled', '--budget', 'smoke'], inspect=[f], predict=[f, here/'x.png'])
    said = refused(capsys, cmd, *args[cmd])
    one_sentence(said)
    assert 'file.safetensors' in said and not (here/'executed').exists() and not (here/'model.safetensors').exists()

def test_encoder_is_no_model(here, trained, capsys):
    said = refused(capsys, 'predict', trained/'encoder.safetensors', here/'x.png')
    one_sentence(said)
    assert 'fine-tune' in said

@pytest.mark.parametrize('line,says', [('colour = red', 'unknown key `colour`'), ('size = big', '`size`'), ('budget = huge', 'smoke, cpu, full')])
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

@pytest.mark.parametrize('args', [['run', '--budget', 'huge'], ['run', '--labels'], ['fly'], [], ['finetune'], ['predict', 'm.safetensors']])
def test_wrong_arguments(args, capsys):
    with pytest.raises(SystemExit) as e: main(args)
    assert e.value.code==2 and capsys.readouterr().err.startswith('usage: ssl-course')

def test_lab_outside_a_checkout(capsys):
    said = refused(capsys, 'lab')
    one_sentence(said)
    assert 'nbs/lessons' in said or 'pip install jupyterlab' in said

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
    for text in ('from scratch', 'fine-tuned', '±', 'With 5 labels per class', 'report.html', 'ssl-course predict'): assert text in out

def test_progress_says_what_is_being_done(trained):
    err = (trained.parents[1]/'stderr').read_text()
    assert 'Pretraining (simclr)' in err and 'Comparing' in err and re.search(r'\d+:\d\d<\d+:\d\d', err)

def test_prints_no_warnings_of_libraries(trained): assert 'Warning' not in (trained.parents[1]/'stderr').read_text()

def test_metrics(trained):
    m = json.loads((trained/'metrics.json').read_text())
    p = m['plan']
    assert (p['budget'], p['pretext'], p['seed'], p['size'])==('smoke', 'simclr', 42, 32)
    assert len(m['runs'])==4*len(p['labels'])*p['seeds'] and {r['seed'] for r in m['runs']}==set(range(p['seeds']))
    assert {a['method'] for a in m['accuracy']}=={'from scratch', 'untrained, frozen', 'pretrained, frozen', 'fine-tuned'}
    for a in m['accuracy']:
        own = [r['accuracy'] for r in m['runs'] if (r['method'],r['labels'])==(a['method'],a['labels'])]
        assert np.isclose(a['mean'], np.mean(own)) and np.isclose(a['sd'], np.std(own, ddof=1)) and a['seeds']==len(own) and 0<=a['mean']<=1
    assert set(m['labels_saved'])=={'1', '5'} and all({'ratio', 'at_least', 'target'} <= set(v) for v in m['labels_saved'].values())
    assert {'torch', 'fastai', 'numpy', 'python', 'ssl_course'} <= set(m['versions']) and m['peak_memory_mb']>100
    assert {'encoder.safetensors', 'runs.json'} <= set(m['seconds']) and all(s>=0 for s in m['seconds'].values())
    assert len({d['fingerprint'] for d in m['data'].values()})==4 and all(re.fullmatch('[0-9a-f]{16}', d['fingerprint']) for d in m['data'].values())

def test_report_needs_nothing_else(trained):
    page = (trained/'report.html').read_text(encoding='utf-8')
    sources = re.findall(r'(?:src|href)\s*=\s*["\']?([^"\'>]+)', page) + re.findall(r'url\(([^)]*)\)', page)
    assert len(sources)>=25 and all(s.startswith('data:image/png;base64,') for s in sources)
    assert '@import' not in page and '<script' not in page and page.count('<table')==1 and '±' in page
    assert page.count('<figure')==24 and all('alt="' in i for i in re.findall(r'<img[^>]{0,200}', page)) and '&quot;lineage&quot;' in page

def test_figure_is_a_picture(trained):
    for f in ('label_efficiency.png', 'samples.png'):
        with Image.open(trained/f) as im: assert min(im.size)>200 and len(im.convert('RGB').getcolors(1<<24))>20

def test_files_can_be_read_by_others(trained):
    "The encoder and model files have the same permissions as the report: they are there to be shared"
    modes = {f.name: f.stat().st_mode & 0o777 for f in trained.iterdir()}
    assert set(modes.values())=={modes['report.html']}, modes

def test_second_run_is_refused(trained, capsys):
    before = {f.name: sha256_file(f) for f in trained.iterdir()}
    said = refused(capsys, *SMOKE, '--out', trained)
    one_sentence(said)
    assert '--resume' in said and '--force' in said and {f.name: sha256_file(f) for f in trained.iterdir()}==before

def test_resume_shows_the_result(trained, capsys):
    before = {f.name: sha256_file(f) for f in trained.iterdir()}
    begin = time.perf_counter()
    out = ok(capsys, *SMOKE, '--out', trained, '--resume')
    assert 'With 5 labels per class' in out and 'Pretraining' not in out and time.perf_counter()-begin<5
    assert {f.name: sha256_file(f) for f in trained.iterdir()}==before

def test_resume_with_other_settings_is_refused(trained, capsys):
    said = refused(capsys, *SMOKE, '--out', trained, '--resume', '--seed', 1)
    one_sentence(said)
    assert 'seed: 42 there, 1 now' in said

def test_inspect(trained, capsys):
    out = ok(capsys, 'inspect', trained/'encoder.safetensors')
    card = json.loads(out[out.index('{'):])
    assert 'tensors' in out and card['lineage'][0]['task']=='simclr' and card['lineage'][0]['epochs']==1 and 'normalisation' in card
    assert '"head"' in ok(capsys, 'inspect', trained/'model.safetensors')

def test_predict(trained, here, capsys):
    for i in range(3): png(here/f'{i}.png', i, side=50)
    out = ok(capsys, 'predict', trained/'model.safetensors', *(here/f'{i}.png' for i in range(3)), '--csv', here/'p.csv')
    rows = [l.split('\t') for l in out.strip().splitlines()]
    assert [r[0] for r in rows]==[str(here/f'{i}.png') for i in range(3)] and all(0<float(r[2])<=1 for r in rows)
    head,*table = csv.reader((here/'p.csv').open())
    assert head[:2]==['file', 'class'] and len(head)==12 and [r[:2] for r in table]==[r[:2] for r in rows]
    for r,t in zip(rows, table):
        prob = np.array(t[2:], float)
        assert abs(prob.sum()-1)<1e-2 and prob[head.index(r[1])-2]==prob.max() and abs(prob.max()-float(r[2]))<1e-2

@pytest.mark.parametrize('kind', 'tags numbers mask'.split())
def test_predict_by_other_heads(kind, here, capsys):
    "Answers in the label's own terms, and a column for each tag, number or value of a pixel"
    from ssl_course.encoder import Encoder
    from ssl_course.transfer import MultiLabel,Regress,Segment,TransferModel,open_model,save_model
    head = dict(tags=lambda: MultiLabel(('red', 'round')), numbers=lambda: Regress(('x', 'y')), mask=lambda: Segment(('ground', 'thing')))[kind]()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_model(TransferModel(Encoder.small(width=8), head), here/'m.safetensors', size=32)
    for i in range(2): png(here/f'{i}.png', i)
    out = ok(capsys, 'predict', here/'m.safetensors', here/'0.png', here/'1.png', '--csv', here/'p.csv')
    columns,*rows = csv.reader((here/'p.csv').open())
    assert columns==['file', *dict(tags=['tags'], numbers=[], mask=[])[kind], *head.vocab] and len(rows)==len(out.strip().splitlines())==2
    numbers = np.array([r[-2:] for r in rows], float)
    from ssl_course.decode import read_image
    answers,sure = open_model(here/'m.safetensors').predict(np.stack([read_image(here/f'{i}.png', 32) for i in range(2)]))
    wanted = dict(tags=sure, numbers=answers, mask=None)[kind]
    if kind=='mask': wanted = np.stack([(answers==k).mean((1, 2)) for k in (0, 1)], 1)
    assert np.abs(numbers-wanted).max()<1e-3

def test_predict_names_the_unreadable(trained, here, capsys):
    png(here/'good.png')
    (here/'bad.png').touch()
    with pytest.raises(SystemExit) as e: main(['predict', str(trained/'model.safetensors'), 'bad.png', 'good.png'])
    r = capsys.readouterr()
    assert e.value.code==2 and r.out.startswith('good.png\t') and 'bad.png' in r.err

def test_own_images(here, photos, capsys):
    "Folders instead of drawn images, and every further command on what comes out"
    out = ok(capsys, *folders(photos/'unlabelled', photos/'labelled'), '--labels', 1, 5, '--seeds', 1, '--out', 'mine')
    assert {f.name for f in (here/'mine').iterdir()}==FILES and 'With 5 labels per class' in out
    m = json.loads((here/'mine/metrics.json').read_text())
    assert m['data']['unlabelled']['images']==60 and m['data']['pool']['images']==36 and len(m['runs'])==8
    picture = next((photos/'labelled').rglob('*.png'))
    assert ok(capsys, 'predict', 'mine/model.safetensors', picture).split('\t')[1] in {d.name for d in (photos/'labelled').iterdir()}

@pytest.mark.parametrize('pretext', ['simclr', 'rotation'])
def test_pretrain_then_finetune(pretext, here, photos, capsys):
    assert 'finetune' in ok(capsys, 'pretrain', '--unlabelled', photos/'unlabelled', '--pretext', pretext, '--budget', 'smoke')
    out = ok(capsys, 'finetune', '--encoder', 'encoder.safetensors', '--labelled', photos/'labelled', '--budget', 'smoke', '--recipe', 'gradual')
    assert re.search(r'Accuracy on 12 test images: [\d.]+%', out) and (here/'model.safetensors').exists()
    out = ok(capsys, 'inspect', 'model.safetensors')
    assert json.loads(out[out.index('{'):])['lineage'][0]['task']==pretext

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
    with log.open('w') as f: p = subprocess.Popen(command(*args), cwd=folder, env=env(folder/'home'), stdout=f, stderr=subprocess.STDOUT)
    try:
        until(p, log, pattern)
        p.send_signal(sig)
        return p.wait(60),log.read_text(errors='replace')
    finally:
        if p.poll() is None: p.kill()

def test_ctrl_c_and_kill_then_resume(here):
    "Ctrl-C while pretraining, Ctrl-C while comparing, a kill while comparing: what was finished stays, and --resume ends the run"
    args,out = [*SMOKE, '--epochs', '10', '--resume'], here/'runs/course'
    code,said = interrupted(here, signal.SIGINT, r'Pretraining \(simclr\): +[1-9]\d%', *args)
    assert code==130 and 'Traceback' not in said and 'the same command with --resume goes on' in said
    assert (out/'samples.png').exists() and not (out/'encoder.safetensors').exists() and temporary(out)==[]

    code,said = interrupted(here, signal.SIGINT, r'Comparing.* [3-6]/\d+', *args)
    assert code==130 and 'Traceback' not in said and 'A look at the images: done earlier' in said and temporary(out)==[]
    encoder = sha256_file(out/'encoder.safetensors')
    first = json.loads((out/'runs.part.json').read_text())
    assert first and not (out/'runs.json').exists() and not (out/'report.html').exists()

    code,said = interrupted(here, signal.SIGKILL, r'Comparing.* [4-8]/\d+', *args)
    assert code==-signal.SIGKILL and sha256_file(out/'encoder.safetensors')==encoder
    second = json.loads((out/'runs.part.json').read_text())
    assert second[:len(first)]==first and len(second)>len(first)

    r = sh(here, *args)
    assert r.returncode==0 and 'epochs: done earlier' in r.stdout, r.stderr
    assert sha256_file(out/'encoder.safetensors')==encoder and json.loads((out/'runs.json').read_text())[:len(second)]==second
    assert {f.name for f in out.iterdir()}==FILES

@contextmanager
def small_disk(most=40_000):
    "No file may grow beyond `most` bytes: what a full disk is to whoever writes"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try: yield
    finally: resource.setrlimit(resource.RLIMIT_FSIZE, before)

@pytest.mark.parametrize('cmd,file', [('run', 'runs/course/samples.png'), ('pretrain', 'encoder.safetensors')])
def test_full_disk(cmd, file, here, capsys):
    "A file that can't be written whole is not written at all"
    with small_disk(): said = refused(capsys, cmd, '--budget', 'smoke')
    one_sentence(said)
    assert 'too large' in said and not (here/file).exists() and temporary(here)==[]

# --- tasks about time ---

def test_a_task_about_time_draws_its_clips(here, photos, capsys):
    assert 'finetune' in ok(capsys, 'pretrain', '--pretext', 'order', '--budget', 'smoke', '--size', 32)
    out = ok(capsys, 'inspect', 'encoder.safetensors')
    lineage = json.loads(out[out.index('{'):])['lineage'][0]
    assert (lineage['task'], lineage['data'], lineage['size'], lineage['images'])==('order', 'clips', 32, 200)
    ok(capsys, 'finetune', '--encoder', 'encoder.safetensors', '--labelled', photos/'labelled', '--budget', 'smoke') # at 32 pixels, not at the height of a strip

@pytest.mark.parametrize('cmd', ['pretrain', 'run'])
def test_single_pictures_are_no_clips(cmd, here, photos, capsys):
    more = ['--labelled', photos/'labelled'] if cmd=='run' else []
    said = refused(capsys, cmd, '--budget', 'smoke', '--pretext', 'order', '--unlabelled', photos/'unlabelled', *more)
    one_sentence(said)
    assert 'order' in said and 'single pictures' in said and [f.name for f in here.iterdir() if f.suffix]==[]
