from test_ray_dbg import *
from test_ray_dbg import _small_chunks, _plugin
import freshset.engine.backends.ray as m
orig=m._Pool._started
def st(pool,ref):
    member=pool._starting[ref]
    try:
        ray.get(ref)
    except Exception as e: print("START FAIL", time.monotonic(), member.deaths, pool._options, str(e), flush=True)
    else: print("started", time.monotonic(), pool._job.reader.testset.id, [x.name for x in pool._job.models])
    return orig(pool,ref)
oc=m._Pool.close
def cl(pool):
    print("close", len(pool._starting), len(pool._members)); oc(pool)
def test_dbg(wanted, tmp_path, connect, monkeypatch):
    monkeypatch.setattr(m._Pool,"_started",st)
    monkeypatch.setattr(m._Pool,"close",cl)
    study = wanted(
        "a", "b?seed=1", "c?shared=other", "breaks?raise_at=21", "nan?nan_at=9", "unloadable",
        testsets={"mine/old": {"n": 100}, "mine/new": {"n": 30}, "mine/bad": {"bad_row": 17}},
        save="scores",
    )  # fmt: skip
    expected, files = run(study, tmp_path / "local", LocalBackend(study.settings))
    report, found = run(study, tmp_path / "ray", connect())
    print([(f.model,f.testset,f.stage) for f in report.failures])
    print([(f.model,f.testset,f.stage) for f in expected.failures])
    for k in sorted(set(files)|set(found)):
        if files.get(k)!=found.get(k): print("DIFF",k, (files.get(k) or b"")[-300:], (found.get(k) or b"")[-300:])

