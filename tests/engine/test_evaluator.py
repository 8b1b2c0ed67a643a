from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import testbed
from fakes.testbed import ADAPTER, TESTSETS, Plain

from freshset.core.errors import DataError
from freshset.datasets.base import TestSetRef
from freshset.engine import evaluator as module
from freshset.engine.evaluator import Evaluator, broken
from freshset.engine.job import Broken, Job, JobModel, Rows
from freshset.engine.loader import read_batch
from freshset.engine.scoring import Scorer
from freshset.models.base import Model, Runtime
from freshset.models.reference import ModelRef
from freshset.store.columns import Columns

READER = TESTSETS.open(TestSetRef("mine/test", "fake", "", {"n": 20}))


def evaluator(*models: tuple[str, int]) -> Evaluator:
    made = []
    for text, start in models:
        info = ADAPTER.describe(ModelRef.parse(f"fake:{text}"), Runtime())
        scorer = Scorer(text, READER.testset, "logits", None, 5, save_scores=False)
        made.append(JobModel(text, info, scorer, start))
    return Evaluator(Job(READER, tuple(made), Runtime(), Plain(), 4, 8))


def batches(job: Job, rows: range) -> Any:
    return (read_batch(job.reader, job.preprocessing, part) for part in job.batches(rows))


def test_only_new_rows_are_returned() -> None:
    one = evaluator(("a", 0), ("b", 11), ("c", 16))
    assert list(one.load()) == []
    found = list(one.chunk(range(8, 16), batches(one.job, range(8, 16))))
    assert [(r.model, r.rows, r.last) for r in found if isinstance(r, Rows)] == [
        (0, range(8, 16), False),
        (1, range(11, 16), False),
    ]
    a, b = (r.columns["topk_id"] for r in found if isinstance(r, Rows))
    assert a[3:].tolist() == b.tolist()
    (last, *_) = one.chunk(range(16, 20), batches(one.job, range(16, 20)))
    assert isinstance(last, Rows)
    assert last.last


@pytest.mark.parametrize(("name", "value"), [("_PATIENCE", -1.0), ("_MOST_WAITING", 100)])
def test_slow_and_wide_models_give_their_rows_before_the_chunk_is_complete(
    name: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, value)
    one = evaluator(("a", 0), ("b", 6))
    assert list(one.load()) == []
    found = list(one.chunk(range(8), batches(one.job, range(8))))
    assert [(r.model, r.rows) for r in found if isinstance(r, Rows)] == [
        (0, range(4)),
        (0, range(4, 8)),
        (1, range(6, 8)),
    ]
    assert all(len(r.columns["topk_id"]) == len(r.rows) for r in found if isinstance(r, Rows))


def test_a_broken_model_is_reported_once_and_left_out() -> None:
    one = evaluator(("a", 0), ("b?raise_at=5", 0), ("unloadable", 0))
    (unloadable,) = one.load()
    assert (unloadable.model, unloadable.stage) == (2, "load")
    first = list(one.chunk(range(8), batches(one.job, range(8))))
    assert [(type(o), o.model) for o in first] == [(Broken, 1), (Rows, 0)]
    second = list(one.chunk(range(8, 16), batches(one.job, range(8, 16))))
    assert [(type(o), o.model) for o in second] == [(Rows, 0)]


def test_weights_that_changed_since_the_plan_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = evaluator(("a", 0))
    monkeypatch.setattr(testbed, "sha256_bytes", lambda data: "other")
    (failure,) = one.load()
    assert "weights changed since the run was planned" in failure.error
    assert not one.alive


def test_errors_are_described_with_or_without_a_traceback() -> None:
    assert broken(0, "read", DataError("what", "next")) == Broken(0, "read", "what", "next", "")
    told = broken(1, "predict", ValueError("odd"))
    assert told.error == "ValueError: odd"
    assert told.traceback.startswith("ValueError: odd")
    assert broken(1, "predict", KeyError()).error == "KeyError"
    assert np.isscalar(told.model)


def test_models_are_asked_for_what_their_job_says() -> None:
    one = evaluator(("a", 0))
    asked = replace(one.job.models[0], scorer=AsTheyCome(), forward=twice)
    one = Evaluator(replace(one.job, models=(asked, one.job.models[0])))
    assert list(one.load()) == []
    got, _ = one.chunk(range(8), batches(one.job, range(8)))
    assert isinstance(got, Rows)
    items = np.stack([READER.read(row) for row in range(8)])
    weights = np.random.default_rng(0).normal(size=(4, 5))
    weights[0] *= 0.02
    np.testing.assert_allclose(got.columns["raw"], 2 * items @ weights, rtol=1e-5)


def test_rows_say_how_long_their_model_took(monkeypatch: pytest.MonkeyPatch) -> None:
    one = evaluator(("a", 0), ("b", 6))
    assert list(one.load()) == []
    ticks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    seconds = [
        rows.seconds
        for part in (range(8), range(8, 12))
        for rows in one.chunk(part, batches(one.job, part))
        if isinstance(rows, Rows)
    ]
    assert seconds == [2, 2, 1, 1]  # one for each batch


def test_a_model_that_is_asked_twice_is_loaded_once() -> None:
    testbed.ADAPTER.loaded.clear()
    one = evaluator(("a", 0), ("b", 0), ("a", 4))
    assert list(one.load()) == []
    assert testbed.ADAPTER.loaded == ["fake:a", "fake:b"]
    first, _, again = one.chunk(range(8), batches(one.job, range(8)))
    assert isinstance(first, Rows)
    assert isinstance(again, Rows)
    assert first.columns["topk_id"][4:].tolist() == again.columns["topk_id"].tolist()


class AsTheyCome:
    def columns(self, raw: Any, rows: slice, items: Sequence[Any]) -> Columns:
        return {"raw": raw}


def twice(model: Model, batch: Any) -> Any:
    return 2 * model.predict(batch)
