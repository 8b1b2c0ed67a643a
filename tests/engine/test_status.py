from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import testbed

from freshset.core.errors import DataError
from freshset.core.records import Source
from freshset.engine import run as module
from freshset.engine.backends.local import LocalBackend
from freshset.engine.pairing import pair
from freshset.engine.plan import make_plan
from freshset.engine.run import run_plan
from freshset.engine.status import STATES, Status, replanned, status_of
from freshset.engine.wanted import Wanted
from freshset.store.base import Examples
from freshset.store.parquet import ParquetStore

Make = Callable[..., Wanted]
OLD = {"mine/old": {}}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 8)


def run(wanted: Wanted, store: ParquetStore) -> None:
    run_plan(make_plan(wanted, store), store, LocalBackend(wanted.settings))


def state(wanted: Wanted, store: ParquetStore) -> Status:
    return status_of(make_plan(wanted, store), store)


def only(status: Status) -> tuple[str, str]:
    (cell,) = status.cells
    return cell.state, status.reason(cell)


def named(wanted: Wanted, name: str) -> Wanted:
    return replace(wanted, models=tuple(replace(m, name=name) for m in wanted.models))


def test_done_missing_and_skipped(wanted: Make, store: ParquetStore) -> None:
    run(wanted("a", testsets=OLD), store)
    status = state(wanted("a", "b?seed=1", "t?input=text", testsets=OLD), store)
    assert status.count() == {"done": 1, "missing": 1, "skipped": 1}
    done, missing, skipped = status.cells
    assert status.reason(done) == ""
    assert status.reason(missing) == "not run yet"
    assert status.reason(skipped) == "model and test set do not belong together"
    assert status.sizes == {"mine/old": 40}


def test_a_failure_that_was_stored(wanted: Make, store: ParquetStore) -> None:
    study = wanted("a?raise_at=20", testsets=OLD)
    run(study, store)
    status = state(study, store)
    assert only(status) == (
        "failed",
        "predict: RuntimeError: the model broke (16 rows are recorded)",
    )
    assert "Traceback" in status.failures["fake:a?raise_at=20", "mine/old"].traceback


def test_a_failure_of_other_weights_does_not_count(wanted: Make, store: ParquetStore) -> None:
    run(named(wanted("a?raise_at=20", testsets=OLD), "mine"), store)
    assert only(state(named(wanted("a?raise_at=99", testsets=OLD), "mine"), store))[0] == "missing"


def test_a_failure_to_plan(wanted: Make, store: ParquetStore) -> None:
    status = state(wanted("nowhere", testsets=OLD), store)
    assert only(status) == ("failed", "load: No model 'nowhere'.")
    assert not store.path.exists()


def test_rows_of_an_interrupted_run(
    wanted: Make, store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = wanted("a", testsets=OLD)
    predict = testbed.FakeModel.predict

    def stops(self: testbed.FakeModel, batch: Any) -> Any:
        if batch[0, 0] >= 24:
            raise KeyboardInterrupt
        return predict(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(testbed.FakeModel, "predict", stops)
        with pytest.raises(KeyboardInterrupt):
            run(study, store)
    status = state(study, store)
    said = "24 of 40 rows; rows are recorded; running again goes on from there"
    assert only(status) == ("partial", said)
    assert status.cells[0].rows == 24
    plan = status.plan
    spec = pair("fake:a", plan.infos["fake:a"], plan.readers["mine/old"], "fp32",
                study.testsets[0]).spec  # fmt: skip
    held = store.recording(spec, plan.readers["mine/old"].testset)
    assert held is not None
    assert only(state(study, store)) == ("elsewhere", "24 of 40 rows; another process is making it")
    held.close()
    assert only(state(study, store))[0] == "partial"
    run(study, store)
    assert only(status_of(replanned(plan, store), store))[0] == "done"


def test_a_trial_is_not_the_whole(wanted: Make, store: ParquetStore) -> None:
    run(wanted("a", testsets=OLD, limit=10), store)
    run(wanted("a", testsets=OLD, limit=15), store)
    status = state(wanted("a", testsets=OLD), store)
    assert only(status) == ("limited", "only the first 15 items were run (--limit)")
    assert only(state(wanted("a", testsets=OLD, limit=10), store))[0] == "done"


def test_imported_results(wanted: Make, store: ParquetStore) -> None:
    study = wanted("a", testsets=OLD)
    topk = np.zeros((40, 1), dtype=np.int32)
    with store.batch() as batch:
        batch.put_testset(testbed.TESTSETS.open(study.testsets[0]).testset)
        batch.put(Examples("fake:a", "mine/old", topk, Source("test", "f.csv")))
    assert only(state(study, store)) == ("imported", "results of this name came from a file")


def test_stale_cells_say_why(wanted: Make, store: ParquetStore) -> None:
    run(named(wanted("a", testsets=OLD), "mine"), store)
    status = state(named(wanted("a?seed=1", testsets=OLD, precision="bf16"), "mine"), store)
    now, why = only(status)
    assert now == "stale"
    assert "reference: fake:a -> fake:a?seed=1; weights: " in why
    assert why.endswith("precision: fp32 -> bf16")


def test_the_document(wanted: Make, store: ParquetStore) -> None:
    run(wanted("a", "b?raise_at=3", testsets=OLD), store)
    status = state(wanted("a", "b?raise_at=3", "c?seed=1", testsets=OLD), store)
    document = json.loads(json.dumps(status.to_dict()))
    assert document["testsets"] == [{"id": "mine/old", "n": 40}]
    assert document["count"] == {"done": 1, "missing": 1, "failed": 1}
    done, failed, missing = document["cells"]
    assert set(done) == {"model", "testset", "state", "identity"}
    assert failed["failure"]["stage"] == "predict"
    assert missing["reason"] == "not run yet"


def test_every_state_has_words() -> None:
    assert all(STATES.values())


def test_status_writes_nothing_and_needs_no_store(wanted: Make, store: ParquetStore) -> None:
    status = state(wanted("a"), store)
    assert status.count() == {"missing": 2}
    assert not store.path.exists()
    with pytest.raises(DataError):
        state(wanted("a", testsets={"mine/old": {"n": 0}}), store)
