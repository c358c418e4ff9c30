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
    bench.main()
    said = capsys.readouterr().out
    assert seen==list(pretext_tasks()) and all(any(l.split()[:1]==[n] and '0.50' in l for l in said.splitlines()) for n in seen)
    assert 'collapse meter: 1.0%' in said and '3.0' in said
