from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError
from freshset.core.records import AcceptSets, TestSet
from freshset.datasets.base import Question
from freshset.datasets.mappings import find_mapping
from freshset.engine.scoring import Scorer, best
from freshset.models.base import Outputs


def a_testset(n: int = 4, classes: int = 3, **changes: Any) -> TestSet:
    ids = np.array([f"i{k}" for k in range(n)], dtype=object)
    labels = (np.arange(n) % classes).astype(np.int32)
    given = {"item_ids": ids, "labels": labels} | changes
    return TestSet("mine/test", n, classes, **given)


def scorer(outputs: Outputs = "logits", **changes: Any) -> Scorer:
    given = {"testset": a_testset(), "mapping": None, "topk": 2, "save_scores": False} | changes
    return Scorer("m", outputs=outputs, **given)


@given(
    st.integers(1, 6),
    st.integers(1, 40),
    st.integers(1, 8),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_best_agrees_with_a_full_stable_sort(
    n: int, classes: int, k: int, values: int, seed: int
) -> None:
    # Few distinct values make many ties.
    scores = np.random.default_rng(seed).integers(0, values, (n, classes)).astype(np.float32)
    k = min(k, classes)
    want = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert best(scores, k).tolist() == want.tolist()
    assert best(scores, k).dtype == np.int32


def test_logits_become_probabilities_without_overflow() -> None:
    raw = np.array([[1000.0, 0, 0], [0, 1000, 999], [0, 0, 0], [-1000, 0, 0]], dtype=np.float32)
    columns = scorer().columns(raw, slice(0, 4), ())
    assert columns["topk_id"].tolist() == [[0, 1], [1, 2], [0, 1], [1, 2]]
    np.testing.assert_allclose(columns["topk_prob"][1], [0.731059, 0.268941], rtol=1e-5)
    # Labels are 0, 1, 2, 0: the last one has a probability that no float32 could hold.
    np.testing.assert_allclose(
        columns["label_logprob"], [0, np.log(0.731059), np.log(1 / 3), -1000.6931], rtol=1e-5
    )


def test_accepted_classes_share_their_probability() -> None:
    accepted = AcceptSets.of([[0, 1], [2], [], [0, 1, 2]])
    probabilities = np.array([[0.5, 0.3, 0.2]] * 4, dtype=np.float32)
    one = scorer("probabilities", testset=a_testset(accepted=accepted))
    logs = one.columns(probabilities, slice(0, 4), ())["label_logprob"]
    np.testing.assert_allclose(np.exp(logs), [0.8, 0.2, 0, 1], rtol=1e-6)


def test_scores_without_a_meaning_give_no_probabilities() -> None:
    raw = np.ones((4, 3), dtype=np.float32)
    assert set(scorer("scores").columns(raw, slice(0, 4), ())) == {"topk_id"}
    assert scorer("probabilities").columns(raw / 3, slice(0, 4), ())["topk_prob"].max() < 0.34


def test_saved_scores_never_become_infinite() -> None:
    raw = np.array([[1e6, -1e6, 0.1]] * 4, dtype=np.float32)
    saved = scorer(save_scores=True).columns(raw, slice(0, 4), ())["scores"]
    assert saved.dtype == np.float16
    assert np.isfinite(saved).all()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.ones((3, 3)), r"shape \(3, 3\) for 4 items"),
        (np.ones(4), r"shape \(4,\) for 4 items"),
        (np.ones((4, 5)), "5 outputs where mine/test needs 3"),
        (np.array([[0, 0, 0]] * 3 + [[0, np.nan, 0]]), r"NaN or infinite at row 3 .*'i3'"),
        (np.array([[0, np.inf, 0]] * 4), "NaN or infinite at row 0"),
    ],
)
def test_outputs_that_are_not_what_they_must_be(raw: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        scorer().columns(raw, slice(0, 4), ())


def test_rows_further_on_are_named_by_their_own_number() -> None:
    raw = np.array([[0, 0, 0], [np.nan, 0, 0]])
    with pytest.raises(DataError, match="row 3 of mine/test"):
        scorer().columns(raw, slice(2, 4), ())


def test_class_ids_are_checked() -> None:
    assert scorer("classes").columns(np.array([2, 1, 0, 0]), slice(0, 4), ())["topk_id"].tolist() == [
        [2], [1], [0], [0],
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"outside 0\.\.2 at row 1"):
        scorer("classes").columns(np.array([2, 3, 0, 0]), slice(0, 4), ())
    with pytest.raises(DataError, match="not whole numbers"):
        scorer("classes").columns(np.array([2.0, 1, 0, 0]), slice(0, 4), ())


def test_a_restriction_never_lets_a_foreign_class_win() -> None:
    wide, narrow = ClassSpace("wide", tuple("abcdef")), ClassSpace("narrow", ("b", "d", "f"))
    mapping = find_mapping("restrict", wide, narrow)
    raw = np.array([[9, 1, 9, 2, 9, 0]] * 4, dtype=np.float32)
    columns = scorer(mapping=mapping).columns(raw, slice(0, 4), ())
    assert columns["topk_id"][0].tolist() == [1, 0]
    with pytest.raises(DataError, match="4 outputs"):
        scorer(mapping=mapping).columns(raw[:, :4], slice(0, 4), ())


def test_answers_are_scored_against_all_references() -> None:
    ids = np.array(["q1", "q2"], dtype=object)
    questions = TestSet("squad/dev", 2, 0, item_ids=ids, task="question-answering", gold="x")
    items = [Question("c", "q", ("the Eiffel Tower", "a tower")), Question("c", "q", ())]
    columns = scorer("answers", testset=questions).columns(
        ["Eiffel tower!", "no"], slice(0, 2), items
    )
    assert columns["exact_match"].tolist() == [True, False]
    assert columns["f1"].tolist() == [1, 0]
    assert columns["answer"].tolist() == ["Eiffel tower!", "no"]
    with pytest.raises(DataError, match="1 answers to 2 questions"):
        scorer("answers", testset=questions).columns(["x"], slice(0, 2), items)


def test_likelihoods_are_three_numbers() -> None:
    ids = np.array(["d"], dtype=object)
    documents = TestSet("wiki/test", 1, 0, item_ids=ids, task="language-modelling", gold="x")
    one = scorer("likelihoods", testset=documents)
    columns = one.columns([[12.5, 4, 30]], slice(0, 1), ())
    assert {name: values.tolist() for name, values in columns.items()} == {
        "nll": [12.5],
        "tokens": [4],
        "bytes": [30],
    }
    with pytest.raises(DataError, match="three finite numbers"):
        one.columns([[np.nan, 4, 30]], slice(0, 1), ())
