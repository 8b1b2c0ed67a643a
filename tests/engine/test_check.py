from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes import testbed

from freshset.core.errors import UsageError
from freshset.core.records import Source
from freshset.engine.check import CheckReport, CheckSettings, check
from freshset.engine.progress import Silent
from freshset.engine.wanted import Wanted
from freshset.store.base import Examples
from freshset.store.parquet import ParquetStore

Make = Callable[..., Wanted]
QUICK = CheckSettings(probe_items=0)
OLD = {"mine/old": {}}


@pytest.fixture
def right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every fake model right on every item."""
    labels = np.random.default_rng(5).integers(0, 5, 40)

    def predict(self: testbed.FakeModel, batch: Any) -> Any:
        return np.eye(5, dtype=np.float32)[labels[batch[:, 0].astype(int)]]

    monkeypatch.setattr(testbed.FakeModel, "predict", predict)


def found(report: CheckReport) -> list[tuple[str, str, str]]:
    return [(issue.check, issue.severity, issue.testset) for issue in report.issues]


@pytest.mark.usefixtures("right")
def test_a_study_without_a_fault(wanted: Make, store: ParquetStore) -> None:
    report = check(wanted("a", "b?seed=1", testsets=OLD), store)
    assert found(report) == []
    assert (report.models, report.cells) == (2, 2)
    (testset,) = report.testsets
    assert (testset.id, testset.n, testset.n_classes, testset.read) == ("mine/old", 40, 5, 40)
    (made,) = report.probes
    assert (made.model, made.correct, made.n) == ("fake:a", 40, 40)
    assert not store.path.exists()
    document = json.loads(json.dumps(report.to_dict()))
    assert document["schema"] == "freshset.check/1"
    assert document["probes"][0]["correct"] == 40


def test_everything_that_is_wrong_is_said_at_once(wanted: Make, store: ParquetStore) -> None:
    sets = {"mine/bad": {"bad_row": 3}, "mine/none": {"n": 0}, "mine/texts": {"item": "text"}}
    study = wanted(
        "a", "nowhere", "far?download=2000000", "wide?outputs=7", "wide?outputs=7&seed=1",
        "odd?input=question", testsets=sets,
    )  # fmt: skip
    report = check(study, store, QUICK)
    assert found(report) == [
        ("open", "fault", "mine/none"),
        ("model", "fault", ""),
        ("fit", "fault", "mine/bad"),
        ("decode", "fault", "mine/bad"),
        ("fit", "warning", ""),
        ("fit", "warning", "mine/texts"),
        ("download", "note", ""),
    ]
    issues = {(issue.check, issue.testset): issue for issue in report.issues}
    assert issues["model", ""].message == "No model 'nowhere'. Did you mean 'one'?"
    fit = issues["fit", "mine/bad"]
    assert fit.models == ("fake:wide?outputs=7", "fake:wide?outputs=7&seed=1")
    assert fit.message.endswith("So it is with 1 more models.")
    assert issues["fit", ""].models == ("fake:odd?input=question",)
    assert "1 models have to be fetched: 2.0 MB." in issues["download", ""].message
    assert [len(report.at_least(s)) for s in ("fault", "warning", "note")] == [4, 6, 7]


def test_a_store_that_holds_something_else(wanted: Make, store: ParquetStore) -> None:
    study = wanted("a", testsets=OLD)
    other = testbed.TESTSETS.open(wanted("a", testsets={"mine/old": {"n": 30}}).testsets[0])
    with store.batch() as batch:
        batch.put_testset(other.testset)
        topk = np.zeros((30, 1), dtype=np.int32)
        batch.put(Examples("fake:a", "mine/old", topk, Source("test", "f.csv")))
    report = check(study, store, QUICK)
    assert found(report) == [("store", "fault", "mine/old")] * 2
    texts = " ".join(issue.message for issue in report.issues)
    assert "imported results of 'fake:a'" in texts
    assert "30 items in the store, not 40" in texts


def test_the_probe_takes_the_first_model_that_is_here(wanted: Make, store: ParquetStore) -> None:
    study = wanted("far?download=5", "wide?outputs=7", "breaks?raise_at=0", testsets=OLD)
    report = check(study, store)
    assert ("probe", "fault", "mine/old") in found(report)
    assert "The probe failed: RuntimeError: the model broke" in [
        issue.message for issue in report.issues
    ]
    assert testbed.ADAPTER.loaded == ["fake:breaks?raise_at=0"]


@pytest.mark.usefixtures("right")
def test_the_probe_may_be_named(wanted: Make, store: ParquetStore) -> None:
    study = wanted("a", "far?download=5", testsets=OLD)
    for name in ("fake:far?download=5", "fake:elsewhere?seed=3"):
        report = check(study, store, CheckSettings(probe=name))
        assert [made.model for made in report.probes] == [name]
        assert report.at_least("fault") == ()
    with pytest.raises(UsageError, match="No model 'nowhere'"):
        check(study, store, CheckSettings(probe="fake:nowhere"))


def test_no_model_to_probe_with(wanted: Make, store: ParquetStore) -> None:
    report = check(wanted("far?download=5", testsets=OLD), store)
    assert ("probe", "note", "mine/old") in found(report)


def test_a_sample_and_progress(wanted: Make, store: ParquetStore) -> None:
    told: list[tuple[str, Any]] = []

    class Told(Silent):
        def begin(self, cells: int, items: int) -> None:
            told.append(("begin", (cells, items)))

        def advance(self, items: int) -> None:
            told.append(("advance", items))

        def end(self) -> None:
            told.append(("end", None))

    settings = CheckSettings(sample=7, probe_items=0)
    report = check(wanted("a"), store, settings, Told())
    assert [testset.read for testset in report.testsets] == [7, 7]
    assert told == [("begin", (2, 14)), ("advance", 7), ("advance", 7), ("end", None)]


def test_a_reader_whose_worker_dies(
    wanted: Make, store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from freshset.engine import check as module

    def dies(*arguments: Any) -> None:
        raise RuntimeError("a worker died")

    monkeypatch.setattr(module, "read_all", dies)
    report = check(wanted("a", testsets=OLD), store, QUICK)
    assert found(report) == [("decode", "fault", "mine/old")]
