from __future__ import annotations

import numpy as np
import pytest

from freshset.core.identity import CellSpec
from freshset.core.records import AcceptSets, TestSet
from freshset.store.columns import Totals, from_table, to_table, with_truth

IDS = np.array(["a", "b", "c"], dtype=object)
LABELS = np.array([0, 1, 2], dtype=np.int32)
SPEC = CellSpec("m", "mine/test", "f", "c")


def test_truth_is_added_for_the_rows_that_are_asked_for() -> None:
    testset = TestSet("mine/test", 3, 3, item_ids=IDS, labels=LABELS)
    topk = np.array([[2, 1], [0, 2]], dtype=np.int32)
    columns = with_truth({"topk_id": topk, "topk_prob": topk * 0.5}, testset, slice(1, 3))
    assert columns["item_id"].tolist() == ["b", "c"]
    assert columns["label_rank"].tolist() == [2, 2]
    assert columns["correct"].tolist() == [False, False]
    assert columns["pred"].tolist() == [2, 0]
    assert "topk_prob" in columns


def test_several_classes_may_be_right_or_none() -> None:
    accepted = AcceptSets.of([[0, 2], [], [1]])
    testset = TestSet("mine/test", 3, 3, item_ids=IDS, labels=LABELS, accepted=accepted)
    topk = np.array([[1, 2], [1, 0], [1, 0]], dtype=np.int32)
    columns = with_truth({"topk_id": topk}, testset, slice(None))
    assert columns["label_rank"].tolist() == [2, 0, 1]


def test_tables_come_back_as_they_went() -> None:
    columns = {
        "item_id": IDS,
        "topk_id": np.arange(6, dtype=np.int32).reshape(3, 2),
        "f1": np.array([0.5, 1, 0], dtype=np.float32),
        "correct": np.array([True, False, True]),
    }
    back = from_table(to_table(columns, SPEC))
    for name, values in columns.items():
        assert back[name].tolist() == values.tolist()
        assert back[name].shape == values.shape


def test_totals() -> None:
    totals = Totals()
    rank = np.array([1, 2, 5, 0], dtype=np.int16)
    topk = np.zeros((4, 5), dtype=np.int32)
    for _ in range(2):
        totals.add({"item_id": topk, "label_rank": rank, "pred": topk[:, 0], "topk_id": topk})
    assert (totals.n, totals.k, totals.correct) == (8, 5, {"top1": 2, "top5": 6})
    assert totals.values == {}


def test_totals_of_tasks_without_classes() -> None:
    answers = Totals()
    f1 = np.array([1, 0.5], dtype=np.float32)
    answers.add({"item_id": IDS[:2], "label_rank": np.array([1, 0]), "f1": f1})
    assert answers.correct == {"exact-match": 1}
    assert answers.values == {"f1": 0.75}
    texts = Totals()
    nll, tokens, size = np.array([10.0, 20]), np.array([5, 10]), np.array([40, 20])
    texts.add({"item_id": IDS[:2], "nll": nll, "tokens": tokens, "bytes": size})
    assert texts.correct == {}
    assert texts.values == {
        "perplexity": pytest.approx(np.exp(2)),
        "bits-per-byte": pytest.approx(0.5 / np.log(2)),
    }
