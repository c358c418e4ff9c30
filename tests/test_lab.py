"Lesson 2 in the real JupyterLab: a learner opens it, runs all cells, and sees figures and no error."
import json,os,signal,socket,subprocess,sys,time,urllib.request

import pytest

TOKEN = 'just-for-this-test'

def ask(base, path):
    "Ask the server's API"
    with urllib.request.urlopen(f'{base}/{path}?token={TOKEN}', timeout=10) as r: return json.load(r)

def wait(what, done, seconds, step=.3, log=None):
    "Wait until `done()` gives something true, and return that"
    end = time.monotonic()+seconds
    while time.monotonic()<end:
        if (res := done()): return res
        time.sleep(step)
    said = f'; JupyterLab says:\n{log.read_text()[-3000:]}' if log else ''
    pytest.fail(f'waited {seconds} s for {what}{said}')

@pytest.fixture(scope='session')
def nbs(root, tmp_path_factory):
    "The learner's edition, as `ssl-course lab` makes it"
    from ssl_course.course.edition import write_edition
    folder = tmp_path_factory.mktemp('lab')/'lessons to learn'
    write_edition(folder, root/'nbs')
    return folder

@pytest.fixture(scope='session')
def lab(nbs):
    "Address of a JupyterLab of our own, with its own configuration, data and port"
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    own = nbs.parent/'jupyter'
    dirs = {f'JUPYTER_{k}_DIR': str(own/k.lower()) for k in ('CONFIG','DATA','RUNTIME')}
    dirs |= {f'JUPYTERLAB_{k}_DIR': str(own/k.lower()) for k in ('SETTINGS','WORKSPACES')}
    dirs |= dict(IPYTHONDIR=str(own/'ipython'), SSL_COURSE_HOME=str(own/'cache'))
    env = {**os.environ, **dirs, 'SSL_COURSE_BUDGET': 'smoke'}
    env.pop('MPLBACKEND', None) # the kernel's own one draws in the notebook
    tracker = own/'settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings'
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}') # else cells that are out of sight may not be drawn
    args = ['--no-browser', '--allow-root', '--ip=127.0.0.1', f'--port={port}',
            '--ServerApp.port_retries=0', f'--IdentityProvider.token={TOKEN}',
            f'--ServerApp.root_dir={nbs}', f'--ServerApp.preferred_dir={nbs}/lessons',
            '--LabApp.expose_app_in_browser=True', '--LabApp.news_url=None',
            '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
            '--KernelSpecManager.ensure_native_kernel=True']
    log = nbs.parent/'lab.log'
    with log.open('w') as f:
        p = subprocess.Popen([sys.executable, '-m', 'jupyterlab', *args], env=env, cwd=nbs, stdout=f,
                             stderr=subprocess.STDOUT, start_new_session=True)
    base = f'http://127.0.0.1:{port}'
    def up():
        assert p.poll() is None, log.read_text()
        try: return ask(base, 'api/status')
        except OSError: return None
    try:
        wait('JupyterLab to start', up, 90, log=log)
        yield base
    finally:
        os.killpg(p.pid, signal.SIGTERM) # the kernels are in sessions of their own; the server ends them
        try: p.wait(20)
        except subprocess.TimeoutExpired: os.killpg(p.pid, signal.SIGKILL)

def kernel_state(base, notebook):
    "idle, busy or starting; None while the notebook has no kernel"
    own = [s for s in ask(base, 'api/sessions') if s['path'].endswith(notebook) and s['kernel']]
    return own[0]['kernel']['execution_state'] if own else None

RUN_ALL = '''() => {
  const p = jupyterapp.shell.currentWidget
  window.lessonDone = false
  const run = async () => {
    await p.sessionContext.ready
    await jupyterapp.commands.execute('notebook:run-all-cells')
    await p.context.save()
  }
  run().then(() => window.lessonDone = true) }'''
PYTHON = '''async () => {
  const k = jupyterapp.shell.currentWidget.sessionContext.session.kernel
  const code = 'import sys; print(sys.executable, sys.prefix)'
  const f = k.requestExecute({code, store_history: false, silent: false})
  let text = ''
  f.onIOPub = m => { if (m.header.msg_type=='stream') text += m.content.text }
  await f.done
  return text }'''

def run_all(base, browser, name, minutes=10):
    "Open a notebook in JupyterLab, run all its cells, save: what its kernel says, images shown"
    page = browser.new_page(viewport=dict(width=1400, height=900))
    page.set_default_timeout(minutes*60_000)
    try:
        page.goto(f'{base}/lab/tree/{name}?token={TOKEN}&reset')
        page.wait_for_function('window.jupyterapp?.shell?.currentWidget?.context?.isReady')
        wait('an idle kernel', lambda: kernel_state(base, name)=='idle', 90)
        page.evaluate(RUN_ALL)
        page.wait_for_function('window.lessonDone')
        wait('the kernel to finish', lambda: kernel_state(base, name)=='idle', minutes*60)
        shown = page.locator('.jp-NotebookPanel .jp-RenderedImage img').count()
        widest = page.evaluate("Math.max(0, ...[...document.querySelectorAll('.jp-MarkdownOutput')].map(e => e.clientWidth))")
        return page.evaluate(PYTHON), shown, widest
    finally: page.close()

def faults(nb):
    "What is wrong with the notebook `nb`: cells not run, cells that failed, no figure"
    code = [c for c in nb['cells'] if c['cell_type']=='code' and ''.join(c['source']).strip()]
    eval_off = lambda c: 'eval: false' in ''.join(c['source'])
    outs = [o for c in code for o in c['outputs']]
    idle = [c for c in code if c['execution_count'] is None and not eval_off(c)]
    bad = [f"not run: {''.join(c['source'])[:80]}" for c in idle]
    bad += [f"failed: {o['ename']}: {o['evalue'][:200]}" for o in outs if o['output_type']=='error']
    return bad + ([] if any('image/png' in o.get('data', {}) for o in outs) else ['no figure'])

def notebook(*sources):
    kernel = dict(name='python3', display_name='python3', language='python')
    cells = [dict(cell_type='code', id=f'c{i}', metadata={}, source=s, outputs=[], execution_count=None)
             for i,s in enumerate(sources)]
    return dict(nbformat=4, nbformat_minor=5, metadata=dict(kernelspec=kernel), cells=cells)

def test_faults_are_found(lab, nbs, browser):
    "The same run on a notebook that fails: so a lesson that passes has passed"
    toy = notebook("import matplotlib.pyplot as plt", "1/0", "plt.plot([1,2]);")
    (nbs/'toy.ipynb').write_text(json.dumps(toy))
    run_all(lab, browser, 'toy.ipynb')
    bad = faults(json.loads((nbs/'toy.ipynb').read_text()))
    assert any('ZeroDivisionError' in b for b in bad)
    assert any(b.startswith('not run: plt.plot') for b in bad) and 'no figure' in bad

def test_lesson_runs_in_jupyterlab(lab, nbs, browser):
    lesson = next((nbs/'lessons').glob('02_*.ipynb'), None)
    assert lesson, 'there is no lesson 2 in nbs/lessons'
    # it has no outputs, so what is found later was made in this run
    assert not any(c.get('outputs') for c in json.loads(lesson.read_text(encoding='utf-8'))['cells'])
    python,shown,widest = run_all(lab, browser, f'lessons/{lesson.name}')
    assert sys.prefix in python, 'the kernel is not the Python of this environment'
    assert faults(json.loads(lesson.read_text(encoding='utf-8'))) == []
    assert shown>0, 'JupyterLab shows no figure'
    assert 400<widest<900, 'prose has no measure'
    outs = [o for c in json.loads(lesson.read_text(encoding='utf-8'))['cells'] for o in c.get('outputs', [])]
    red = [''.join(o['text'])[:200] for o in outs if o.get('name')=='stderr']
    assert red==[], 'JupyterLab draws this on red: warnings, progress bars'
    assert any('%|' in ''.join(o['text']) for o in outs if o.get('name')=='stdout'), 'no bar was shown'
