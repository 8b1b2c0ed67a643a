"""Columns of predictions: what is refused, with the column and the row, and what can be had."""

from __future__ import annotations

import numpy as np
import pytest

from freshset.stats.predictions import Predictions

N, K, C = 6, 3, 4


def whole() -> dict[str, object]:
    """Every column, as a cell may hold it."""
    rng = np.random.default_rng(1)
    topk = np.stack([rng.permutation(C)[:K] for _ in range(N)]).astype(np.int32)
    label = rng.integers(0, C, N).astype(np.int32)
    hit = topk == label[:, None]
    return {
        "label": label,
        "rank": np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 0).astype(np.int16),
        "topk": topk,
        "topk_prob": np.sort(rng.dirichlet(np.ones(C), N).astype(np.float32))[:, ::-1][:, :K],
        "label_logprob": -rng.exponential(size=N).astype(np.float32),
        "scores": rng.normal(size=(N, C)).astype(np.float16),
        "relevant": rng.random((N, C)) < 0.5,
        "exact_match": rng.random(N) < 0.5,
        "f1": rng.random(N),
        "nll": rng.exponential(size=N),
        "tokens": rng.integers(0, 9, N),
        "bytes": rng.integers(0, 9, N),
        "n_classes": C,
    }


FLOATS = ["topk_prob", "label_logprob", "f1", "nll"]
COLUMNS = [name for name in whole() if name != "n_classes"]


def test_a_whole_cell_is_accepted_and_counted() -> None:
    predictions = Predictions(**whole())
    assert predictions.n == N
    assert predictions.depth == K


@pytest.mark.parametrize("name", FLOATS)
def test_nan_is_refused_with_its_row(name: str) -> None:
    columns = whole()
    columns[name] = np.array(columns[name])
    columns[name][4] = np.nan
    with pytest.raises(ValueError, match=f"row 4 of {name} is nan"):
        Predictions(**columns)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label", C),
        ("label", -1),
        ("rank", K + 1),
        ("rank", -1),
        ("topk", C),
        ("topk_prob", 1.1),
        ("topk_prob", -0.1),
        ("label_logprob", 0.5),
        ("f1", 1.5),
        ("nll", -1.0),
        ("tokens", -1),
        ("bytes", -1),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_row(name: str, value: float) -> None:
    columns = whole()
    columns[name] = np.array(columns[name])
    columns[name][2] = value
    with pytest.raises(ValueError, match=f"row 2 of {name}: {value:g}.* is not between"):
        Predictions(**columns)


def test_rounding_of_half_precision_is_no_error() -> None:
    Predictions(
        topk_prob=np.full((2, 1), 1.0004, dtype=np.float32),
        label_logprob=np.full(2, 0.0004, dtype=np.float32),
    )


def test_a_probability_of_nothing_may_have_an_infinite_logarithm() -> None:
    assert Predictions(label_logprob=np.array([-np.inf, -1.0])).n == 2


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_must_have_its_dimensions_and_its_rows(name: str) -> None:
    columns = whole()
    column = columns[name]
    with pytest.raises(ValueError, match=f"{name} must be .* in {column.ndim} dimension"):
        Predictions(**(columns | {name: column[..., None]}))
    with pytest.raises(ValueError, match="rows but .* has"):
        Predictions(**(columns | {name: column[:-1]}))
    with pytest.raises(ValueError, match=f"{name} must be .*not <U"):
        Predictions(**(columns | {name: column.astype(str)}))


def test_truth_values_are_not_taken_for_ranks() -> None:
    with pytest.raises(ValueError, match="rank must be whole numbers in 1 dimension.*not bool"):
        Predictions(rank=np.array([True, False]))


@pytest.mark.parametrize("name", ["scores", "relevant"])
def test_one_column_a_class(name: str) -> None:
    columns = whole()
    with pytest.raises(ValueError, match=f"{name} has 3 columns for 4 classes"):
        Predictions(**(columns | {name: columns[name][:, :3]}))


def test_probabilities_belong_to_predictions() -> None:
    columns = whole()
    with pytest.raises(ValueError, match=r"topk has shape \(6, 3\) but topk_prob \(6, 2\)"):
        Predictions(**(columns | {"topk_prob": columns["topk_prob"][:, :2]}))


def test_predictions_without_a_first_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"topk_prob must be .* not float64 of shape \(6, 0\)"):
        Predictions(topk_prob=np.zeros((6, 0)))


def test_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no items"):
        Predictions()
    with pytest.raises(ValueError, match="no items"):
        Predictions(rank=np.zeros(0, dtype=np.int16))


def test_depth_is_the_width_that_is_known() -> None:
    columns = whole()
    rank = np.zeros(N, dtype=np.int16)
    assert Predictions(rank=rank).depth == 1
    assert Predictions(rank=rank, topk=columns["topk"]).depth == K
    assert Predictions(rank=rank, topk_prob=columns["topk_prob"][:, :2]).depth == 2
    assert Predictions(rank=rank, k=5).depth == 5


def test_an_absent_column_says_how_to_come_by_it() -> None:
    predictions = Predictions(rank=np.ones(3, dtype=np.int16))
    assert predictions.lacks(("rank",)) == ""
    assert "--save scores" in predictions.lacks(("rank", "scores"))
    with pytest.raises(ValueError, match="run a language model"):
        predictions.column("tokens")


def test_truth_is_the_label_unless_several_classes_are_shown() -> None:
    columns = whole()
    assert Predictions(**columns).truth is columns["relevant"]
    del columns["relevant"]
    assert Predictions(**columns).truth is columns["label"]


def test_rows_are_taken_from_every_column_and_scores_only_when_asked() -> None:
    predictions = Predictions(**whole())
    rows = np.array([5, 1])
    taken = predictions.take(rows, scores=True)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(taken, name), getattr(predictions, name)[rows])
    assert (taken.n_classes, taken.k) == (C, None)
    light = predictions.take(rows, scores=False)
    assert light.scores is None
    assert light.relevant is None
    np.testing.assert_array_equal(light.label, taken.label)
