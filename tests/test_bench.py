"The bench measures something; how much is for `make bench`, on a machine with nothing else to do."
def test_meter_costs_little():
    "`make bench` says how little; a busy machine may make it ten times as much"
    from ssl_course.bench import meter_share # imports torchvision: not while tests are collected
    assert 0<meter_share(steps=20)<.2

def test_table_has_every_task(monkeypatch, capsys):
    "Whatever is registered is timed; what the times are is not the point here"
    from ssl_course import bench
    from ssl_course.pretrain import pretext_tasks
    seen = []
    monkeypatch.setattr(bench, 'step_times', lambda task, device: seen.append(task.name) or (200., 100., .5))
    monkeypatch.setattr(bench, 'views_ratio', lambda: (30., 10., 3.))
    monkeypatch.setattr(bench, 'meter_share', lambda: .01)
    monkeypatch.setattr(bench, 'step_parts', lambda task, device: dict(data=.25, views=.75))
    monkeypatch.setattr(bench, 'find_spec', lambda name: None)
    bench.main()
    said = capsys.readouterr().out
    assert seen==list(pretext_tasks()) and all(any(l.split()[:1]==[n] and '0.50' in l for l in said.splitlines()) for n in seen)
    assert 'collapse meter: 1.0%' in said and '3.0' in said
    assert 'Below .85' in said and said.count('data 25%, views 75%')==len(seen) and "pip install 'ssl_course[bench]'" in said

def test_rows_against_lightly(monkeypatch, capsys):
    "Where it is installed there are three; that the steps themselves run is for `make bench`, for lightly is no part of the extra `dev`"
    from ssl_course import bench
    monkeypatch.setattr(bench, 'find_spec', lambda name: name)
    monkeypatch.setattr(bench, 'lightly_ratio', lambda task, device: (100., 250., 2.5))
    bench._print_lightly('cpu')
    assert [l.split()[0] for l in capsys.readouterr().out.splitlines() if '2.5' in l]==['simclr', 'byol', 'barlow_twins']

def test_parts_of_a_step_are_all_of_it():
    "And the task is what it was before"
    from ssl_course.bench import step_parts
    from ssl_course.pretext.rotation import Rotation
    task = Rotation()
    parts = step_parts(task, bs=8, size=16, steps=2, device='cpu')
    assert abs(sum(parts.values())-1)<1e-9 and min(parts.values())>0 and 'make' not in vars(task)
