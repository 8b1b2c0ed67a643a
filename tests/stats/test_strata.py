"""A metric by stratum: parts, names, quantiles, missing values, and small strata."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.intervals import clopper_pearson
from freshset.stats.metrics import METRICS, evaluate, topk
from freshset.stats.predictions import Predictions
from freshset.stats.strata import by_stratum, strata


def answers(n: int, rng: np.random.Generator) -> Predictions:
    scores = rng.dirichlet(np.ones(3), n)
    label = rng.integers(0, 3, n)
    return Predictions(
        label=label,
        rank=(scores.argmax(axis=1) == label).astype(np.int16),
        label_logprob=np.log(scores[np.arange(n), label]),
        scores=scores,
        n_classes=3,
    )


def test_each_stratum_is_the_metric_of_its_items(rng: np.random.Generator) -> None:
    predictions = answers(300, rng)
    keyword = rng.choice(["zebra", "ant", "bee"], 300)
    for metric in ("top1", "mean-per-class", "nll", "map11"):
        got = by_stratum(metric, predictions, keyword, rng=None, level=0.9)
        assert [name for name, _ in got] == ["ant", "bee", "zebra"]
        for name, score in got:
            part = predictions.take(np.flatnonzero(keyword == name), scores=True)
            expected = evaluate(metric, part, rng=None, level=0.9)
            # nan is not equal to itself.
            assert repr(score) == repr(expected)


def test_a_metric_may_be_given_itself(rng: np.random.Generator) -> None:
    predictions = answers(50, rng)
    where = np.arange(50) % 2
    assert by_stratum(topk(1), predictions, where, rng=None) == by_stratum(
        "top1", predictions, where, rng=None
    )


def test_a_tiny_stratum_keeps_its_wide_interval(rng: np.random.Generator) -> None:
    rank = np.array([1] * 98 + [1, 0], dtype=np.int16)
    values = np.array(["large"] * 98 + ["one", "other"])
    got = dict(by_stratum("top1", Predictions(rank=rank), values, rng=rng))
    bounds = clopper_pearson(1, 1)
    assert (got["one"].n, got["one"].value) == (1, 1.0)
    assert (got["one"].low, got["one"].high) == (bounds.low, 1.0)
    assert (got["other"].low, got["other"].high) == (0.0, pytest.approx(0.975))
    assert got["large"].low > 0.95


@given(
    st.lists(
        st.one_of(st.none(), st.floats(allow_infinity=True, width=32)), min_size=1, max_size=80
    ),
    st.integers(2, 6),
)
def test_every_item_is_in_one_stratum_and_numbers_are_in_order(
    values: list[float | None], quantiles: int
) -> None:
    column = np.array(values, dtype=object)
    names, ids = strata(column, quantiles=quantiles)
    assert len(set(names)) == len(names)
    np.testing.assert_array_equal(np.unique(ids), np.arange(len(names)))
    known = [(ids[i], v) for i, v in enumerate(values) if v is not None and v == v]
    assert ("missing" in names) == (len(known) < len(values))
    for one, low in known:
        assert all(low < high for other, high in known if other > one)
    assert len(set(ids)) <= max(20, quantiles) + 1


def test_few_numbers_are_strata_of_their_own_from_low_to_high() -> None:
    names, ids = strata(np.array([10, 9, 100, 9]))
    assert names == ("9", "10", "100")
    np.testing.assert_array_equal(ids, [1, 0, 2, 0])
    assert strata(np.array([0.5, 0.25]))[0] == ("0.25", "0.5")
    assert strata(np.array([0.5, 0.1], dtype=np.float32))[0] == ("0.1", "0.5")
    assert strata(np.array([1_234_567, 1_234_568]))[0] == ("1234567", "1234568")
    assert strata(np.array([1.0000001, 1.0000002]))[0] == ("1.0000001", "1.0000002")


def test_many_numbers_are_cut_into_quantiles_that_say_so(rng: np.random.Generator) -> None:
    names, ids = strata(rng.permutation(100), quantiles=4)
    assert names == (
        "quantile 1 of 4: 0 to 24",
        "quantile 2 of 4: 25 to 49",
        "quantile 3 of 4: 50 to 74",
        "quantile 4 of 4: 75 to 99",
    )
    np.testing.assert_array_equal(np.bincount(ids), [25] * 4)


def test_equal_numbers_share_a_quantile() -> None:
    # A third of the items have one value, as selection frequencies do.
    names, ids = strata(np.concatenate([np.arange(40), np.full(60, 99)]), quantiles=5)
    assert len(set(ids[40:])) == 1
    assert names[-1].endswith(": 99 to 99")
    assert len(names) == 4 - 1


def test_numbers_as_objects_are_numbers_and_truth_values_are_names() -> None:
    assert strata(np.array([10, 9, None], dtype=object))[0] == ("9", "10", "missing")
    assert strata(np.array([True, False]))[0] == ("False", "True")


def test_missing_values_are_kept_apart_and_last(rng: np.random.Generator) -> None:
    frequency = rng.random(100)
    frequency[:7] = np.nan
    got = by_stratum("top1", answers(100, rng), frequency, rng=rng)
    assert got[-1][0] == "missing"
    assert got[-1][1].n == 7
    assert sum(score.n for _, score in got) == 100
    assert strata(np.array([None, None], dtype=object))[0] == ("missing",)
    assert strata(np.array([np.nan]))[0] == ("missing",)


def test_dates_are_names(rng: np.random.Generator) -> None:
    days = np.array(["2018-01-02", "NaT", "2017-05-06"], dtype="datetime64[ns]")
    names, ids = strata(days)
    assert [name[:10] for name in names] == ["2017-05-06", "2018-01-02", "missing"]
    np.testing.assert_array_equal(ids, [1, 2, 0])


def test_a_class_by_itself_has_its_accuracy(rng: np.random.Generator) -> None:
    predictions = answers(200, rng)
    got = by_stratum("top1", predictions, predictions.label, rng=rng)
    recalls = [score.value for _, score in got]
    whole = evaluate("mean-per-class", predictions, rng=rng)
    assert np.mean(recalls) == pytest.approx(whole.value)


def test_what_is_wrong_is_said_with_rows_of_the_whole_set(rng: np.random.Generator) -> None:
    predictions = answers(40, rng)
    predictions.scores[33, 1] = np.nan
    where = np.repeat(["a", "b"], 20)
    with pytest.raises(ValueError, match="^row 33 of scores is nan"):
        by_stratum("map11", predictions, where, rng=rng)
    with pytest.raises(ValueError, match="^f1 needs"):
        by_stratum("f1", predictions, where, rng=rng)


def test_a_stratum_where_the_metric_is_not_defined_is_named(rng: np.random.Generator) -> None:
    shown = np.zeros((4, 2), dtype=bool)
    shown[0] = True
    predictions = Predictions(scores=rng.random((4, 2)), relevant=shown)
    with pytest.raises(ValueError, match="stratum b: no item shows"):
        by_stratum("map11", predictions, np.array(["a", "a", "b", "b"]), rng=rng)


def test_columns_of_other_length_and_single_quantiles_are_refused(
    rng: np.random.Generator,
) -> None:
    predictions = answers(10, rng)
    with pytest.raises(ValueError, match=r"strata of shape \(9,\) for 10 items"):
        by_stratum("top1", predictions, np.arange(9), rng=rng)
    with pytest.raises(ValueError, match="1 quantile"):
        by_stratum("top1", predictions, np.arange(10), rng=rng, quantiles=1)


def test_the_same_seed_gives_the_same_strata(rng: np.random.Generator) -> None:
    predictions, where = answers(90, rng), rng.integers(0, 3, 90)
    first, again = (
        by_stratum(METRICS["nll"], predictions, where, rng=np.random.default_rng(2))
        for _ in range(2)
    )
    assert first == again
