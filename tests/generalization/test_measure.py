from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import StoreError, UsageError
from freshset.core.identity import CellSpec, RunSpec
from freshset.core.records import AcceptSets, Source, TestSet
from freshset.generalization.measure import MeasureSettings, measure
from freshset.stats.metrics import METRICS
from freshset.store.base import Examples
from freshset.store.parquet import ParquetStore

N, C = 300, 6
RNG = np.random.default_rng(3)
IDS = np.array([f"i{k}" for k in range(N)], dtype=object)
LABELS = (np.arange(N) % C).astype(np.int32)
ITEMS = TestSet(
    "mine/test",
    N,
    C,
    item_ids=IDS,
    labels=LABELS,
    ids_given=True,
    class_names=tuple("abcdef"),
    strata={"site": np.array(["web", "scan", "web"] * 100, dtype=object)},
)
LOGITS = RNG.normal(size=(N, C)) + 1.5 * (np.arange(C) == LABELS[:, None])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)


def record(store: ParquetStore, items: TestSet, model: str) -> None:
    top = np.argsort(-LOGITS, 1)[:, :5].astype(np.int32)
    run = RunSpec("a/1", "a:m", "w", "p", "logits", "c", "fp32", "r", "")
    recording = store.recording(CellSpec(model, items.id, items.fingerprint, "", run=run), items)
    assert recording is not None
    columns = {
        "topk_id": top,
        "topk_prob": np.take_along_axis(PROBABILITIES, top, 1).astype(np.float32),
        "label_logprob": np.log(PROBABILITIES[np.arange(N), LABELS]).astype(np.float32),
        "scores": LOGITS.astype(np.float16),
    }
    recording.append(columns, {})
    recording.finish()
    recording.close()


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    made = ParquetStore(tmp_path / "store", create=True)
    with made.batch() as batch:
        batch.put_testset(ITEMS)
        order = RNG.permuted(np.tile(np.arange(C, dtype=np.int32), (N, 1)), axis=1)[:, :1]
        batch.put(Examples("guess", "mine/test", order, Source("test", "f", "s")))
    record(made, ITEMS, "net")
    return made


def test_the_usual_metrics_best_model_first(store: ParquetStore) -> None:
    result = measure(store, "mine/test")
    assert [row.model for row in result.models] == ["net", "guess"]
    net, guess = result.models
    right = LOGITS.argmax(1) == LABELS
    assert net.values["top1"].value == pytest.approx(right.mean())
    assert net.values["nll"].value == pytest.approx(
        -np.log(PROBABILITIES[np.arange(N), LABELS]).mean(), rel=1e-5
    )
    assert net.values["top1"].low < right.mean() < net.values["top1"].high
    # What a model has no data for is absent, with the way to get it.
    assert set(guess.absent) == {"top5", "nll", "ece"}
    assert "logits or probabilities" in guess.absent["nll"]


def test_scores_that_are_logits_become_probabilities(store: ParquetStore) -> None:
    settings = MeasureSettings(metrics=("brier", "map11"), models=("net",))
    (net,) = measure(store, "mine/test", settings).models
    given = PROBABILITIES[np.arange(N), LABELS]
    brier = ((PROBABILITIES**2).sum(1) - 2 * given + 1).mean()
    assert net.values["brier"].value == pytest.approx(brier, rel=2e-3)
    assert 0 < net.values["map11"].value < 1


def test_items_of_several_classes_count_for_each(store: ParquetStore) -> None:
    second = (LABELS + 1) % C
    both = AcceptSets.of([[int(a), int(b)] for a, b in zip(LABELS, second, strict=True)])
    target = replace(ITEMS, id="mine/both", accepted=both)
    with store.batch() as batch:
        batch.put_testset(target)
    record(store, target, "net")
    settings = MeasureSettings(metrics=("top1", "map11"), models=("net",))
    (net,) = measure(store, "mine/both", settings).models
    best = LOGITS.argmax(1)
    assert net.values["top1"].value == pytest.approx(((best == LABELS) | (best == second)).mean())
    (one,) = measure(store, "mine/test", settings).models
    # The net's scores say nothing of the second class, so precision at full recall is lower.
    assert net.values["map11"].value < one.values["map11"].value


@pytest.mark.parametrize(("by", "names"), [("site", {"web", "scan"}), ("class", set("abcdef"))])
def test_scores_are_cut_by_any_column(store: ParquetStore, by: str, names: set[str]) -> None:
    settings = MeasureSettings(metrics=("top1",), models=("net",), by=by)
    (net,) = measure(store, "mine/test", settings).models
    parts = dict(net.strata["top1"])
    assert set(parts) == names
    assert sum(value.n for value in parts.values()) == N
    if by == "site":
        web = ITEMS.strata["site"] == "web"
        right = LOGITS.argmax(1) == LABELS
        assert parts["web"].value == pytest.approx(right[web].mean())


def test_what_does_not_exist_is_named(store: ParquetStore) -> None:
    with pytest.raises(UsageError, match="No metric 'topp1'") as caught:
        measure(store, "mine/test", MeasureSettings(metrics=("topp1",)))
    assert "top1" in caught.value.hint
    with pytest.raises(UsageError, match="no column 'sight'") as caught:
        measure(store, "mine/test", MeasureSettings(by="sight"))
    assert "site" in caught.value.hint
    with pytest.raises(UsageError, match="No model 'nett'"):
        measure(store, "mine/test", MeasureSettings(models=("nett",)))
    with pytest.raises(StoreError, match="no test set 'mine/other'"):
        measure(store, "mine/other")


def test_the_same_seed_gives_the_same_document(store: ParquetStore) -> None:
    settings = MeasureSettings(metrics=tuple(METRICS), by="site")
    first, second = (measure(store, "mine/test", settings).to_dict() for _ in range(2))
    assert first == second
    assert first["schema"] == "freshset.measures/1"
