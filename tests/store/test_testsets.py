from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from freshset.core.errors import StoreError
from freshset.core.records import AcceptSets, TestSet
from freshset.store.parquet import ParquetStore
from freshset.store.testsets import check_same

IDS = np.array(["a", "b", "c"], dtype=object)
LABELS = np.array([0, 1, 2], dtype=np.int32)
PLAIN = TestSet("mine/test", 3, 3, item_ids=IDS, labels=LABELS, ids_given=True)
WHOLE = replace(
    PLAIN,
    class_names=("x", "y", "z"),
    class_keys=("n1", "n2", "n3"),
    accepted=AcceptSets.of([[0, 2], [], [1]]),
    strata={
        "source": np.array(["web", "web", "scan"], dtype=object),
        "score": np.array([1.5, 2, 3]),
    },
)


def stored(testset: TestSet, path: Path) -> TestSet:
    store = ParquetStore(path / "store", create=True)
    with store.batch() as batch:
        batch.put_testset(testset)
    return store.testset(testset.id)


def test_everything_that_a_test_set_has_comes_back(tmp_path: Path) -> None:
    back = stored(WHOLE, tmp_path)
    assert back.fingerprint == WHOLE.fingerprint
    assert (back.class_names, back.class_keys) == (WHOLE.class_names, WHOLE.class_keys)
    assert back.accepted is not None
    assert back.accepted.offsets.tolist() == [0, 2, 2, 3]
    assert back.accepted.classes.tolist() == [0, 2, 1]
    assert {name: values.tolist() for name, values in back.strata.items()} == {
        "source": ["web", "web", "scan"],
        "score": [1.5, 2, 3],
    }


def test_tasks_without_labels(tmp_path: Path) -> None:
    questions = TestSet(
        "squad/dev", 3, 0, item_ids=IDS, ids_given=True, task="question-answering", gold="abc"
    )
    back = stored(questions, tmp_path)
    assert back.labels is None
    assert (back.task, back.gold, back.fingerprint) == (
        "question-answering",
        "abc",
        questions.fingerprint,
    )
    assert replace(questions, gold="other").fingerprint != questions.fingerprint


def test_strata_can_be_added_later(tmp_path: Path) -> None:
    stored(PLAIN, tmp_path)
    more = replace(PLAIN, strata=WHOLE.strata)
    assert set(stored(more, tmp_path).strata) == {"source", "score"}
    # A run that does not mention them takes nothing away.
    assert set(stored(PLAIN, tmp_path).strata) == {"source", "score"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 4}, "has 3 items in the store, not 4"),
        ({"item_ids": np.array(["a", "x", "c"], dtype=object)}, "other items .row 1: 'x'."),
        ({"labels": np.array([0, 1, 1], dtype=np.int32)}, "other labels .1 differ, first at row 2"),
        ({"n_classes": 5}, "5 classes instead of 3"),
        ({"accepted": AcceptSets.of([[0], [1], [1]])}, "other accepted answers"),
    ],
)
def test_another_test_set_of_one_id_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        check_same(PLAIN, replace(PLAIN, **change))


def test_a_stratum_cannot_take_a_name_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be called 'label'"):
        stored(replace(PLAIN, strata={"label": LABELS}), tmp_path)


def test_a_touched_set_stays_touched_and_others_files_stay_as_they_were(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "store", create=True)
    head = tmp_path / "store" / "testsets" / "mine%2Ftest" / "testset.json"
    with store.batch() as batch:
        batch.put_testset(WHOLE)
    assert "touched" not in head.read_text(encoding="utf-8")
    # The mark is no part of what is scored, so cells on the set remain cells on it.
    marked = replace(WHOLE, touched="un-frozen: a wrong label")
    assert marked.fingerprint == WHOLE.fingerprint
    with store.batch() as batch:
        batch.put_testset(replace(marked, strata={}, class_names=(), class_keys=()))
    assert store.testset("mine/test").touched == "un-frozen: a wrong label"
    assert set(store.testset("mine/test").strata) == {"source", "score"}
    assert store.testset("mine/test").class_keys == ("n1", "n2", "n3")
    with store.batch() as batch:
        batch.put_testset(replace(WHOLE, strata={"year": np.arange(3)}))
    assert store.testset("mine/test").touched == "un-frozen: a wrong label"


def test_counts_alone_may_be_of_a_touched_set(tmp_path: Path) -> None:
    assert stored(TestSet("mine/test", 5, touched="un-frozen"), tmp_path).touched == "un-frozen"
