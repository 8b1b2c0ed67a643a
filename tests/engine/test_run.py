from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import testbed

from freshset.core.errors import StoreError, UsageError
from freshset.engine import run as module
from freshset.engine.backends.local import LocalBackend
from freshset.engine.job import Job, Outcome
from freshset.engine.plan import make_plan
from freshset.engine.progress import Silent
from freshset.engine.run import RunReport, run_plan
from freshset.engine.wanted import Wanted
from freshset.store.parquet import ParquetStore

Make = Callable[..., Wanted]


def run(wanted: Wanted, store: ParquetStore) -> RunReport:
    return run_plan(make_plan(wanted, store), store, LocalBackend(wanted.settings))


def files(store: ParquetStore) -> dict[str, bytes]:
    found = sorted(p for p in store.path.rglob("*") if p.is_file())
    return {p.relative_to(store.path).as_posix(): p.read_bytes() for p in found}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 8)


def test_a_run_makes_every_cell_and_running_again_makes_none(
    wanted: Make, store: ParquetStore
) -> None:
    study = wanted("one?seed=1", "two?seed=2")
    report = run(study, store)
    assert report.complete
    assert len(report.made) == len(store.cells()) == 4
    before = files(store)
    assert not any(name.startswith(("partial", ".staging", "failures")) for name in before)
    testbed.ADAPTER.loaded.clear()
    again = run(study, store)
    assert (again.made, again.failures) == ([], [])
    assert testbed.ADAPTER.loaded == []
    assert files(store) == before


def test_the_numbers_are_those_of_the_model(wanted: Make, store: ParquetStore) -> None:
    study = wanted("one?seed=3", testsets={"mine/old": {}}, save="scores")
    run(study, store)
    (cell,) = store.cells()
    reader = testbed.TESTSETS.open(study.testsets[0])
    model = testbed.ADAPTER.load(study.models[0].ref, study.runtime)
    scores = model.predict(np.stack([reader.read(i) for i in range(40)])).astype(float)
    columns = store.columns(cell)
    assert columns["item_id"].tolist() == reader.testset.ids.tolist()
    assert columns["topk_id"].tolist() == np.argsort(-scores, 1, kind="stable").tolist()
    right = scores.argmax(1) == reader.testset.labels
    assert cell.correct == {"top1": right.sum(), "top5": 40}
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(columns["topk_prob"], -np.sort(-probabilities, 1), rtol=1e-5)
    logs = np.log(probabilities[np.arange(40), reader.testset.labels])
    np.testing.assert_allclose(columns["label_logprob"], logs, rtol=1e-4)
    np.testing.assert_array_equal(store.scores(cell), scores.astype(np.float16))
    assert cell.runtime["fake"] == "1.0"


def test_models_share_what_they_prepare_alike(
    wanted: Make, store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read = testbed.FakeReader.read
    monkeypatch.setattr(
        testbed.FakeReader, "read", lambda self, index: reads.append(index) or read(self, index)
    )
    run(wanted("a", "b?seed=1", "c?shared=other", testsets={"mine/old": {}}), store)
    assert sorted(reads) == sorted([*range(40), *range(40)])
    reads.clear()
    run(wanted("d", "e", "f", testsets={"mine/old": {}}, models_at_once=2), store)
    assert len(reads) == 80


def test_one_failing_model_never_sinks_the_others(wanted: Make, store: ParquetStore) -> None:
    study = wanted(
        "fine", "nowhere", "unloadable", "breaks?raise_at=20", "nan?nan_at=9", "wide?outputs=7",
        "unnamed?outputs=7&unnamed=true",
    )  # fmt: skip
    report = run(study, store)
    assert {cell.spec.model for cell in report.made} == {"fake:fine"}
    assert {(f.model.split(":")[1].split("?")[0], f.stage) for f in report.failures} == {
        ("nowhere", "load"),
        ("unloadable", "load"),
        ("breaks", "predict"),
        ("nan", "score"),
        ("wide", "load"),
        ("unnamed", "load"),
    }
    stored = {(f.model, f.testset): f for f in store.failures()}
    assert len(stored) == len(report.failures) == 12
    trace = stored["fake:breaks?raise_at=20", "mine/old"].traceback
    assert "the model broke" in trace
    assert "predict" in trace
    nan = stored["fake:nan?nan_at=9", "mine/old"]
    assert nan.error.endswith("NaN or infinite at row 9 of mine/old ('item-9').")
    assert nan.traceback == ""
    assert not report.complete


def test_a_cell_that_is_made_after_all_forgets_its_failure(
    wanted: Make, store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: testbed.FakeModel, batch: Any) -> Any:
        raise RuntimeError("no network")

    study = wanted("one")
    with monkeypatch.context() as patch:
        patch.setattr(testbed.FakeModel, "predict", broken)
        run(study, store)
    assert len(store.failures()) == 2
    run(study, store)
    assert store.failures() == ()
    assert not (store.path / "failures").exists()


def test_an_item_that_cannot_be_read_fails_its_test_set_only(
    wanted: Make, store: ParquetStore
) -> None:
    sets = {"mine/bad": {"bad_row": 33}, "mine/good": {}}
    report = run(wanted("a", "b?seed=1", testsets=sets), store)
    assert {(c.spec.model, c.spec.testset) for c in report.made} == {
        ("fake:a", "mine/good"),
        ("fake:b?seed=1", "mine/good"),
    }
    assert [(f.stage, f.error) for f in report.failures] == [
        ("read", "row-33.png: not an image.")
    ] * 2


class Watch(Silent):
    """Adds up what a run tells."""

    def __init__(self) -> None:
        self.wanted = self.done = 0

    def begin(self, cells: int, items: int) -> None:
        self.wanted = items

    def advance(self, items: int) -> None:
        self.done += items


class Stops(LocalBackend):
    """Dies after some outcomes, as a killed process would, but in this one."""

    def __init__(self, wanted: Wanted, after: int) -> None:
        super().__init__(wanted.settings)
        self.left = after

    def run(self, job: Job) -> Iterator[Outcome]:
        for outcome in super().run(job):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            yield outcome


@pytest.mark.parametrize("after", [0, 1, 5, 9, 10, 17])
def test_an_interrupted_run_resumes_to_the_same_bytes(
    wanted: Make, store: ParquetStore, tmp_path: Path, after: int
) -> None:
    study = wanted("a", "b?seed=1", "c?shared=other", save="scores")
    whole = ParquetStore(tmp_path / "whole", create=True)
    run(study, whole)
    with pytest.raises(KeyboardInterrupt):
        run_plan(make_plan(study, store), store, Stops(study, after))
    watch = Watch()
    run_plan(make_plan(study, store), store, LocalBackend(study.settings), watch)
    assert files(store) == files(whole)
    # Every row of the cells that were left counts once, however often the run was interrupted.
    assert watch.done == watch.wanted


def test_out_of_memory_halves_the_batch(wanted: Make, store: ParquetStore) -> None:
    study = wanted("small?fits=3", "never?fits=0", testsets={"mine/old": {}}, batch_size=16)
    report = run(study, store)
    (cell,) = report.made
    assert cell.spec.model == "fake:small?fits=3"
    assert cell.runtime["batch_size"] == "2"
    (failure,) = report.failures
    assert "out of memory" in failure.error


def test_on_existing(wanted: Make, store: ParquetStore) -> None:
    run(wanted("a"), store)
    before = files(store)
    with pytest.raises(UsageError, match="2 cells are there already"):
        run(wanted("a", "b?seed=1", on_existing="never"), store)
    report = run(wanted("a", "b?seed=1", on_existing="only-cache"), store)
    assert report.missing == [("fake:b?seed=1", "mine/old"), ("fake:b?seed=1", "mine/new")]
    assert files(store) == before
    again = run(wanted("a", on_existing="always"), store)
    assert len(again.made) == 2
    assert files(store) == before


def test_shards_share_out_all_cells(wanted: Make, store: ParquetStore, tmp_path: Path) -> None:
    names = [f"m{i}?seed={i}" for i in range(8)]
    made = [len(run(wanted(*names, shard=(part, 3)), store).made) for part in (1, 2, 3)]
    assert sum(made) == 16
    assert all(0 < count < 16 for count in made)
    whole = ParquetStore(tmp_path / "whole", create=True)
    run(wanted(*names), whole)
    assert files(store) == files(whole)


def test_a_limited_run_is_another_test_set(wanted: Make, store: ParquetStore) -> None:
    run(wanted("a", limit=10), store)
    assert store.testsets() == ("mine/new@first-10", "mine/old@first-10")
    run(wanted("a"), store)
    assert len(store.cells()) == 4


def test_changed_inputs_replace_the_cell(wanted: Make, store: ParquetStore) -> None:
    from dataclasses import replace

    def named(seed: int) -> Wanted:
        study = wanted(f"a?seed={seed}")
        return replace(study, models=tuple(replace(m, name="mine") for m in study.models))

    run(named(1), store)
    first = {cell.spec.testset: cell.spec.identity for cell in store.cells()}
    plan = make_plan(named(2), store)
    assert plan.count() == {"stale": 2}
    run(named(2), store)
    assert len(store.cells()) == 2
    assert all(cell.spec.identity != first[cell.spec.testset] for cell in store.cells())
    assert make_plan(named(2), store).count() == {"done": 2}


def test_imported_results_are_never_overwritten(wanted: Make, store: ParquetStore) -> None:
    from freshset.core.records import Source
    from freshset.store.base import Examples

    study = wanted("a", testsets={"mine/old": {}})
    topk = np.zeros((40, 1), dtype=np.int32)
    with store.batch() as batch:
        batch.put_testset(testbed.TESTSETS.open(study.testsets[0]).testset)
        batch.put(Examples("fake:a", "mine/old", topk, Source("test", "f.csv")))
    with pytest.raises(UsageError, match="imported results of 'fake:a'"):
        run(study, store)


def test_what_does_not_belong_together_is_skipped(wanted: Make, store: ParquetStore) -> None:
    report = run(wanted("a", "b?input=text", testsets={"mine/old": {}}), store)
    assert [c.spec.model for c in report.made] == ["fake:a"]
    assert report.complete


def test_a_cell_that_another_process_makes_is_left_to_it(wanted: Make, store: ParquetStore) -> None:
    study = wanted("a", testsets={"mine/old": {}})
    from freshset.engine.pairing import pair

    plan = make_plan(study, store)
    reader = plan.readers["mine/old"]
    spec = pair("fake:a", plan.infos["fake:a"], reader, "fp32", study.testsets[0]).spec
    held = store.recording(spec, reader.testset)
    assert held is not None
    report = run(study, store)
    assert report.elsewhere == [("fake:a", "mine/old")]
    assert not report.complete
    held.close()
    assert len(run(study, store).made) == 1


def test_a_test_set_that_changed_stops_the_run_before_it_starts(
    wanted: Make, store: ParquetStore
) -> None:
    run(wanted("a", testsets={"mine/new": {"n": 20}}), store)
    before = files(store)
    study = wanted("a", testsets={"mine/old": {}, "mine/new": {"n": 30}})
    with pytest.raises(StoreError, match="'mine/new' has 20 items in the store, not 30"):
        run(study, store)
    assert files(store) == before
