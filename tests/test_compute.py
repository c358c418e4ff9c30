"What a notebook cell can't check well of `compute`: random numbers after an error, and several processes."
import math,os,random,signal,subprocess,sys,time
from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_course.compute import one_thread,parallel_map,pick_device,pick_precision,release_pages,seeded
from ssl_course.utils import InputError

def numbers(): return random.random(),np.random.rand(),torch.rand(1).item()

def test_random_numbers_go_on_as_if_nothing_had_been():
    with seeded(1): want = [numbers(), numbers()]
    with seeded(1):
        got = [numbers()]
        with pytest.raises(KeyError), seeded(2):
            inside = numbers()
            raise KeyError
        got.append(numbers())
    assert got==want and inside not in want
    with seeded(2): assert numbers()==inside

@pytest.fixture
def two_cores(monkeypatch): monkeypatch.setenv('LOKY_MAX_CPU_COUNT', '2')

def test_processes_give_what_one_process_gives(two_cores):
    jobs = [(float(a), 2.) for a in range(8)]
    alone = list(parallel_map(math.pow, jobs))
    assert alone==[a**2 for a,_ in jobs] and sorted(parallel_map(math.pow, jobs, workers=2))==alone

def test_the_error_of_a_job_arrives(two_cores):
    with pytest.raises(ValueError, match='invalid literal'): list(parallel_map(int, [('1',), ('x',)], workers=2))
    assert sorted(parallel_map(int, [('1',), ('2',)], workers=2))==[1, 2] # and the next call works

def test_ctrl_c_is_for_the_main_process(two_cores):
    "A worker that is interrupted while it sends a result would keep the others waiting for the rest"
    assert [*parallel_map(signal.getsignal, [(signal.SIGINT,)]*2, workers=2)]==[signal.SIG_IGN]*2

@pytest.mark.skipif(not Path('/proc/self').exists(), reason='reads the process table of Linux')
def test_workers_end_with_a_killed_main_process(two_cores, tmp_path):
    code = "import os,time; from ssl_course.compute import parallel_map\nfor p in parallel_map(os.getpid, [()]*2, workers=2): print(p, flush=True)\ntime.sleep(60)"
    main = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    workers = [Path(f'/proc/{main.stdout.readline().strip()}') for _ in range(2)]
    assert all(p.exists() for p in workers)
    main.kill(), main.wait()
    until = time.time()+20
    while (left := [p for p in workers if p.exists()]) and time.time()<until: time.sleep(.2)
    assert not left

def test_one_worker_or_one_job_starts_no_process(two_cores):
    assert {*parallel_map(os.getppid, [()], workers=2), *parallel_map(os.getppid, [(), ()])}=={os.getppid()}

def test_one_core_means_one_process(two_cores, monkeypatch):
    assert {*parallel_map(os.getppid, [(), ()], workers=2)}=={os.getpid()}
    monkeypatch.setenv('LOKY_MAX_CPU_COUNT', '1')
    assert {*parallel_map(os.getppid, [(), ()], workers=2)}=={os.getppid()}

def test_one_thread_ends_with_the_block():
    from threadpoolctl import threadpool_info
    count = lambda: [p['num_threads'] for p in threadpool_info()]
    before = count()
    with one_thread(): assert set(count())=={1}
    assert count()==before

def test_devices_and_precisions_that_are_not_there():
    assert pick_device('cpu').type=='cpu' and pick_precision('float32')==torch.float32
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match='cuda.*use auto or cpu'): pick_device('cuda')
        assert pick_device('auto').type in ('cpu', 'mps')

def test_pages_of_a_map_that_was_changed_in_memory_are_kept(tmp_path):
    np.zeros(10_000, np.uint8).tofile(tmp_path/'x')
    x = np.memmap(tmp_path/'x', np.uint8, 'c')
    x[0] = 7
    release_pages(x[:100])
    assert x[0]==7
