from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fakes.testbed import CLASSES, TESTSETS

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, StoreError, UsageError
from freshset.core.records import AcceptSets, Source
from freshset.datasets.mappings import find_mapping
from freshset.datasets.relabel import subset
from freshset.engine.backends.local import LocalBackend
from freshset.engine.plan import make_plan
from freshset.engine.rescore import rescore
from freshset.engine.run import run_plan
from freshset.engine.wanted import Wanted
from freshset.store.base import Examples
from freshset.store.parquet import ParquetStore

Make = Callable[..., Wanted]
ALL = np.arange(40)


@pytest.fixture
def filled(wanted: Make, store: ParquetStore) -> ParquetStore:
    study = wanted("a?seed=1", "b?seed=2", testsets={"mine/old": {}}, save="scores")
    run_plan(make_plan(study, store), store, LocalBackend(study.settings))
    return store


def test_other_labels_need_no_model(filled: ParquetStore) -> None:
    whole = filled.testset("mine/old")
    labels = np.roll(whole.known_labels, 1)
    target = replace(whole, id="mine/relabelled", labels=labels)
    made = rescore(filled, "mine/old", target, ALL)
    assert [cell.spec.model for cell in made.cells] == ["fake:a?seed=1", "fake:b?seed=2"]
    (before, _) = filled.cells("mine/old")
    (after, _) = filled.cells("mine/relabelled")
    old, new = filled.columns(before), filled.columns(after)
    assert new["topk_id"].tolist() == old["topk_id"].tolist()
    assert new["topk_prob"].tolist() == old["topk_prob"].tolist()
    assert after.correct["top1"] == (old["pred"] == labels).sum()
    scores = filled.scores(before).astype(float)
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    np.testing.assert_allclose(new["label_logprob"], logs[ALL, labels], rtol=1e-4, atol=1e-5)
    # Once more changes nothing.
    assert rescore(filled, "mine/old", target, ALL).cells == ()


def test_accepted_classes(filled: ParquetStore) -> None:
    whole = filled.testset("mine/old")
    accepted = AcceptSets.of([[0, 1, 2, 3, 4]] * 20 + [[]] * 20)
    target = replace(whole, id="mine/real", accepted=accepted)
    rescore(filled, "mine/old", target, ALL)
    assert {cell.correct["top1"] for cell in filled.cells("mine/real")} == {20}


def test_the_fair_baseline_is_that_of_a_run_on_the_part(filled: ParquetStore, wanted: Make) -> None:
    narrow = ClassSpace("narrow", ("b", "d"))
    mapping = find_mapping("restrict", CLASSES, narrow)
    assert mapping is not None
    rows, target = subset(filled.testset("mine/old"), mapping, "mine/part")
    made = rescore(filled, "mine/old", target, rows, mapping)
    cell = filled.cells("mine/part")[0]
    reader = TESTSETS.open(wanted("a").testsets[0])
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(4, 5))
    weights[0] *= 0.02
    items = np.stack([reader.read(int(row)) for row in rows])
    scores = (items @ weights)[:, [1, 3]]
    assert filled.columns(cell)["pred"].tolist() == scores.argmax(1).tolist()
    assert set(filled.columns(cell)["label"].tolist()) == {0, 1}
    assert made.ties == {"fake:a?seed=1": 0, "fake:b?seed=2": 0}
    assert cell.spec.run is not None
    assert cell.spec.run.mapping.startswith("restrict/")


def test_a_restriction_from_the_best_classes_alone_is_refused(
    wanted: Make, store: ParquetStore
) -> None:
    study = wanted("a?seed=1", testsets={"mine/old": {}}, topk=2)
    run_plan(make_plan(study, store), store, LocalBackend(study.settings))
    mapping = find_mapping("restrict", CLASSES, ClassSpace("narrow", ("b", "d")))
    assert mapping is not None
    rows, target = subset(store.testset("mine/old"), mapping, "mine/part")
    with pytest.raises(DataError, match=r"1 of 1 models have none .first 'fake:a\?seed=1'."):
        rescore(store, "mine/old", target, rows, mapping)
    assert store.testsets() == ("mine/old",)


def test_imported_predictions_are_scored_again_too(filled: ParquetStore) -> None:
    whole = filled.testset("mine/old")
    topk = np.tile(np.array([[2, 1]], dtype=np.int32), (40, 1))
    with filled.batch() as batch:
        batch.put(Examples("imported", "mine/old", topk, Source("test", "f.csv", "abc")))
    target = replace(whole, id="mine/twos", labels=np.full(40, 2, dtype=np.int32))
    rescore(filled, "mine/old", target, ALL)
    (cell,) = filled.cells("mine/twos", "imported")
    assert cell.correct["top1"] == 40
    assert cell.source.importer == "rescore"


def test_what_cannot_be_scored_again(filled: ParquetStore) -> None:
    whole = filled.testset("mine/old")
    with pytest.raises(UsageError, match="its own name"):
        rescore(filled, "mine/old", whole, ALL)
    with pytest.raises(StoreError, match="no predictions on 'mine/none'"):
        rescore(filled, "mine/none", whole, ALL)
