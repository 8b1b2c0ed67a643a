from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import snapshot
from fakes import testbed
from fakes.plugin import plugin_path

from freshset.core.config import RunSettings
from freshset.core.errors import UsageError
from freshset.engine import run as runs
from freshset.engine.backends import ray as module
from freshset.engine.backends.base import Backend
from freshset.engine.backends.local import LocalBackend
from freshset.engine.backends.ray import RayBackend
from freshset.engine.job import Broken, Job, JobModel, Rows
from freshset.engine.plan import make_plan
from freshset.engine.progress import Silent
from freshset.engine.run import RunReport, run_plan
from freshset.engine.scoring import Scorer
from freshset.engine.wanted import Wanted
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.store.parquet import ParquetStore
from freshset.transfer.features import extract as extracting
from freshset.transfer.features.wanted import WantedFeatures
from freshset.transfer.protocol import Features

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

# One cluster for all of them: starting one takes seconds and a core.
pytestmark = pytest.mark.xdist_group("ray")

Make = Callable[..., Wanted]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have the processes of Ray find the fakes as those of an installed plugin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", plugin_path(tmp_path_factory.mktemp("plugin") / "fakes"))
        yield


@pytest.fixture(scope="module")
def cluster(plugin: None) -> Iterator[Any]:
    """One node with room for one actor."""
    head = {"num_cpus": 1, "num_gpus": 1, "include_dashboard": False}
    made = cluster_utils.Cluster(initialize_head=True, head_node_args=head | _SMALL)
    yield made
    ray.shutdown()
    made.shutdown()


_SMALL = {"object_store_memory": 80 << 20}


@pytest.fixture
def connect(cluster: Any) -> Iterator[Callable[..., RayBackend]]:
    """Make backends on the cluster, and leave it."""
    made: list[RayBackend] = []

    def make(**settings: Any) -> RayBackend:
        given = {"address": cluster.address, "device": "cpu"} | settings
        made.append(RayBackend(RunSettings(backend="ray", **given)))
        return made[-1]

    yield make
    for backend in made:
        backend.close()
    assert not ray.is_initialized()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_CHUNK", 8)


def run(
    wanted: Wanted, folder: Path, backend: Backend, progress: Silent | None = None
) -> tuple[RunReport, dict[str, bytes]]:
    store = ParquetStore(folder, create=True)
    report = run_plan(make_plan(wanted, store), store, backend, progress)
    return report, snapshot(folder)


def a_job(*models: str, n: int = 40, bad_row: int = -1, **changes: Any) -> Job:
    reader = testbed.TESTSETS.open(
        testbed.TestSetRef("mine/test", "fake", "", {"n": n, "bad_row": bad_row})
    )
    infos = [testbed.ADAPTER.describe(ModelRef.parse(f"fake:{m}"), Runtime()) for m in models]
    scorer = Scorer("m", reader.testset, "logits", None, 5, save_scores=False)
    made = tuple(JobModel(m, info, scorer) for m, info in zip(models, infos, strict=True))
    return replace(Job(reader, made, Runtime(), testbed.Plain(), 4, 8), **changes)


def rows_of(outcomes: list[Any], model: int) -> list[int]:
    return [row for o in outcomes if isinstance(o, Rows) and o.model == model for row in o.rows]


def broken_of(outcomes: list[Any]) -> list[tuple[int, str]]:
    return [(o.model, o.stage) for o in outcomes if isinstance(o, Broken)]


def test_local_and_ray_make_the_same_store(
    wanted: Make, tmp_path: Path, connect: Callable[..., RayBackend]
) -> None:
    study = wanted(
        "a", "b?seed=1", "breaks?raise_at=21", "nan?nan_at=9", "unloadable",
        testsets={"mine/old": {"n": 100}, "mine/bad": {"n": 30, "bad_row": 17}},
        save="scores",
    )  # fmt: skip
    expected, files = run(study, tmp_path / "local", LocalBackend(study.settings))
    report, found = run(study, tmp_path / "ray", connect())
    assert {(f.model, f.testset, f.stage) for f in report.failures} == {
        (f.model, f.testset, f.stage) for f in expected.failures
    }
    assert len(report.made) == len(expected.made) == 2
    # Tracebacks, and the rows of models before they broke, are the same as well.
    assert found == files


def test_local_and_ray_take_the_same_features(
    tmp_path: Path, connect: Callable[..., RayBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extracting, "_CHUNK", 8)
    reader = a_job(n=100).reader
    layers = Features(view="weights"), Features("deep", view="weights", storage="float16")
    wanted = [
        WantedFeatures.of(model, info, reader, features, Runtime())
        for model in ("a", "b?seed=1&outputs=9", "nan?nan_at=50")
        for info in [testbed.ADAPTER.describe(_layered(model), Runtime())]
        for features in layers
    ]
    found: dict[str, list[bytes]] = {}
    for name, backend in (("local", LocalBackend(RunSettings())), ("ray", connect())):
        settings = RunSettings(batch_size=4)
        report = extracting.extract(wanted, tmp_path / name, backend, settings)
        assert len(report.made) == 4
        said = {failure.error for failure in report.failures}
        assert {text.partition(" at ")[2] for text in said} == {"row 50 of mine/test ('item-50')."}
        arrays = (tmp_path / name / "works" / "features").rglob("features.npy")
        found[name] = [path.read_bytes() for path in sorted(arrays)]
    assert len(found["local"]) == 4
    assert found["ray"] == found["local"]


def _layered(model: str) -> ModelRef:
    return ModelRef.parse(f"fake:{model}{'&' if '?' in model else '?'}layers=true")


@dataclass
class KillsHalfway(Silent):
    """Does something once a number of items is recorded."""

    at: int
    kill: Callable[[], object]
    seen: int = 0

    def advance(self, items: int) -> None:
        before, self.seen = self.seen, self.seen + items
        if before < self.at <= self.seen:
            self.kill()


def lose_node(cluster: Any, node: Any) -> None:
    """End a node with all that runs on it at once, as when a machine is taken away."""
    raylet = node.all_processes["raylet"][0].process.pid
    workers = [int(p.name) for p in Path("/proc").glob("[0-9]*") if parent(int(p.name)) == raylet]
    assert workers
    cluster.remove_node(node, allow_graceful=False)
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def parent(pid: int) -> int:
    try:
        # After the name, which may hold anything, come the state and the parent.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return 0


def test_a_run_survives_the_loss_of_a_node(
    wanted: Make,
    tmp_path: Path,
    cluster: Any,
    connect: Callable[..., RayBackend],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    study = wanted("a?delay=0.02", "b?seed=1", testsets={"mine/old": {"n": 240}}, save="scores")
    _, files = run(study, tmp_path / "local", LocalBackend(study.settings))
    node = cluster.add_node(num_cpus=1, **_SMALL)
    lost: list[Any] = []
    submit, lose = module._Pool._submit, module._Pool._replace

    def submit_to_both(pool: Any) -> None:
        if lost or len(pool._members) == 2:
            submit(pool)

    monkeypatch.setattr(module._Pool, "_submit", submit_to_both)
    monkeypatch.setattr(
        module._Pool, "_replace", lambda pool, member: lost.append(member) or lose(pool, member)
    )
    killer = KillsHalfway(240, lambda: lose_node(cluster, node))
    capfd.readouterr()
    report, found = run(study, tmp_path / "ray", connect(), killer)
    assert report.complete
    assert found == files
    assert lost
    # Nothing but results may be on standard output, whatever Ray thinks of it.
    assert capfd.readouterr().out == ""


@dataclass(frozen=True)
class Dies:
    """Ends its process at a row, as a crash in a library would: once, or each time."""

    row: int
    marker: str = ""
    shared: str = "dies"
    key: str = "dies"

    def prepare(self, item: Any) -> Any:
        if item[0] == self.row and not (self.marker and Path(self.marker).exists()):
            if self.marker:
                Path(self.marker).touch()
            os._exit(1)
        return item


def _in_workers(kind: type) -> type:
    """Have a class travel by value: Ray's processes cannot import this file."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(__import__("sys").modules[kind.__module__])
    return kind


def test_a_process_that_crashes_is_replaced(
    tmp_path: Path, connect: Callable[..., RayBackend]
) -> None:
    dies = _in_workers(Dies)(13, str(tmp_path / "died"))
    found = list(connect().run(a_job("a", "b?seed=1", preprocessing=dies)))
    assert (tmp_path / "died").exists()
    assert rows_of(found, 0) == rows_of(found, 1) == list(range(40))
    assert broken_of(found) == []


def test_a_chunk_that_crashes_every_process_ends_its_models(
    connect: Callable[..., RayBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TRIES", 3)
    job = a_job("a", "b?seed=1", "unloadable", preprocessing=_in_workers(Dies)(13))
    found = list(connect().run(job))
    assert broken_of(found) == [(2, "load"), (0, "predict"), (1, "predict")]
    assert rows_of(found, 0) == rows_of(found, 1) == list(range(8))
    assert "rows 8 to 15 died 3 times: The actor" in found[-1].error
    assert "one model at a time" in found[-1].hint


def test_models_that_break_are_reported_once_and_in_their_place(
    connect: Callable[..., RayBackend],
) -> None:
    models = ("a", "late?raise_at=30&seed=1", "early?raise_at=9&seed=2", "unloadable")
    backend = connect(actors=2, actor_cpus=0.5)
    found = list(backend.run(a_job(*models)))
    assert broken_of(found) == [(3, "load"), (2, "predict"), (1, "predict")]
    assert [len(rows_of(found, model)) for model in range(4)] == [40, 24, 8, 0]
    found = list(backend.run(a_job("a", "b", bad_row=17)))
    assert broken_of(found) == [(0, "read"), (1, "read")]
    assert rows_of(found, 0) == list(range(16))


def test_models_resume_where_they_stopped(connect: Callable[..., RayBackend]) -> None:
    job = a_job("a", "b?seed=1")
    whole = list(LocalBackend(RunSettings()).run(job))
    models = tuple(replace(m, start=s) for m, s in zip(job.models, (12, 24), strict=True))
    found = list(connect().run(replace(job, models=models)))
    assert rows_of(found, 0) == list(range(12, 40))
    assert rows_of(found, 1) == list(range(24, 40))
    assert found[-1].columns["topk_id"].tolist() == whole[-1].columns["topk_id"].tolist()


@dataclass(frozen=True)
class SlowStart:
    """Takes its time over the first rows, while others overtake them."""

    shared: str = "slow"
    key: str = "slow"

    def prepare(self, item: Any) -> Any:
        if item[0] == 0:
            time.sleep(1)
        return item


@pytest.mark.parametrize(("memory", "bounds"), [(1 << 30, (5, 8)), (1, (1, 4))])
def test_finished_chunks_do_not_pile_up_behind_a_slow_one(
    connect: Callable[..., RayBackend],
    monkeypatch: pytest.MonkeyPatch,
    memory: int,
    bounds: tuple[int, int],
) -> None:
    waiting: list[int] = []
    order = module._Pool._in_order
    monkeypatch.setattr(
        module._Pool, "_in_order", lambda pool: waiting.append(len(pool._done)) or order(pool)
    )
    backend = connect(actors=2, actor_cpus=0.5, memory=memory)
    found = list(backend.run(a_job("a", n=400, preprocessing=_in_workers(SlowStart)())))
    assert rows_of(found, 0) == list(range(400))
    assert bounds[0] <= max(waiting) <= bounds[1]


def test_closing_early_ends_the_actors(connect: Callable[..., RayBackend]) -> None:
    outcomes = connect().run(a_job("a?delay=0.05", n=400))
    next(outcomes)
    assert _actors()
    outcomes.close()
    deadline = time.monotonic() + 10
    while _actors() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _actors() == []


def _actors() -> list[str]:
    titles = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            titles.append(path.read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended meanwhile
            continue
    return [title for title in titles if title.startswith("ray::_Worker")]


def test_a_cluster_that_others_started_goes_on(
    cluster: Any, connect: Callable[..., RayBackend]
) -> None:
    backend = connect()
    assert len(rows_of(list(backend.run(a_job("a"))), 0)) == 40
    backend.close()
    assert not ray.is_initialized()
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    within = RayBackend(RunSettings(backend="ray", device="cpu"))
    assert len(rows_of(list(within.run(a_job("a"))), 0)) == 40
    within.close()
    assert ray.is_initialized()
    ray.shutdown()


def test_a_gpu_that_the_cluster_has_is_taken(connect: Callable[..., RayBackend]) -> None:
    backend = connect(device="auto")
    assert len(rows_of(list(backend.run(a_job("a"))), 0)) == 40


def test_an_actor_for_which_no_node_has_room(connect: Callable[..., RayBackend]) -> None:
    with pytest.raises(UsageError, match="No node of the Ray cluster has 64 CPUs for an actor"):
        next(connect(actor_cpus=64).run(a_job("a")))


def test_what_nodes_cannot_import_is_said(
    tmp_path: Path, connect: Callable[..., RayBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("class P:\n    key = shared = 'p'\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here

    with pytest.raises(UsageError, match=r"cannot start: .*No module named 'only_here'"):
        next(connect().run(a_job("a", preprocessing=only_here.P())))


def test_nodes_with_another_version_are_refused(
    connect: Callable[..., RayBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__version__", "99.0")
    with pytest.raises(UsageError, match=r"A node .* has freshset .*, this machine 99\.0"):
        next(connect().run(a_job("a")))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_an_address_without_a_cluster(address: str) -> None:
    backend = RayBackend(RunSettings(backend="ray", address=address))
    with pytest.raises(UsageError, match=f"No Ray cluster at {address}") as caught:
        next(backend.run(a_job("a")))
    assert "ray start --head" in caught.value.hint


def test_one_gpu_cannot_be_named() -> None:
    with pytest.raises(UsageError, match="'cuda:1' names one GPU"):
        RayBackend(RunSettings(backend="ray", device="cuda:1"))


@pytest.mark.usefixtures("plugin")
def test_without_an_address_a_cluster_is_started_and_ended(tmp_path: Path) -> None:
    # In a process of its own: a cluster that Ray starts turns on its authentication for good.
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import ray, test_ray as t;"
        "backend = t.RayBackend(t.RunSettings(backend='ray', device='cpu', actors=1));"
        "found = list(backend.run(t.a_job('a')));"
        "assert ray.is_initialized();"
        "backend.close();"
        "assert not ray.is_initialized();"
        "assert t.rows_of(found, 0) == list(range(40))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, Path(__file__).parent],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


@dataclass(frozen=True)
class _Add:
    amount: int

    def __call__(self, part: int) -> int:
        return self.amount + part


def _squared(part: int) -> int:
    if part < 0:
        raise UsageError(f"{part} is negative.", "Give a whole number.")
    return part * part


def test_a_function_is_called_on_every_part_in_order(connect: Callable[..., RayBackend]) -> None:
    backend = connect(actor_cpus=0.5)
    assert list(backend.map(_squared, range(20))) == [i * i for i in range(20)]
    assert list(backend.map(_Add(3), range(4))) == [3, 4, 5, 6]


def test_an_error_of_the_function_is_its_own(connect: Callable[..., RayBackend]) -> None:
    results = connect().map(_squared, [2, -1, 3])
    assert next(results) == 4
    with pytest.raises(UsageError, match="-1 is negative"):
        list(results)


def _dies(part: int) -> int:
    os._exit(part)


def _dies_at_one(part: int) -> int:
    return _dies(1) if part == 1 else part * part


def test_a_part_whose_process_dies_again_and_again_is_told(
    connect: Callable[..., RayBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TRIES", 0)
    with pytest.raises(UsageError, match="Lost a part too often"):
        list(connect().map(_dies, [1]))
    # With a result for what is lost, the other parts are not.
    found = connect().map(_dies_at_one, [1, 2], lost=lambda part, why: -part if why else 0)
    assert list(found) == [-1, 4]
