from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from freshset.stats.source_correlation import (
    fisher_interval,
    source_correlation,
    within_families,
)


def study(rng, rho=0.8, models=16, datasets=12):
    x = rng.normal(size=models)
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=models)
    return x, y[:, None] + rng.normal(size=datasets) + 0.3 * rng.normal(size=(models, datasets))


@pytest.mark.parametrize("over", ["models", "datasets", "both"])
def test_values_are_those_of_scipy(over, rng) -> None:
    x, table = study(rng)
    found = source_correlation(x, table, rng=rng, over=over, n_resamples=500)
    y = table.mean(axis=1)
    assert found.r.value == pytest.approx(stats.pearsonr(x, y).statistic)
    assert found.r2.value == pytest.approx(found.r.value**2)
    assert found.spearman == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.r.low < found.r.value < found.r.high
    assert found.r2.low == pytest.approx(found.r.low**2)
    assert json.loads(json.dumps(found.to_dict()))["over"] == over


def test_resampling_models_is_the_plain_bootstrap(rng) -> None:
    x, table = study(rng)
    found = source_correlation(x, table, rng=rng, over="models", n_resamples=20_000)
    y, own = table.mean(axis=1), []
    for _ in range(4000):
        d = rng.integers(0, 16, 16)
        own.append(np.corrcoef(x[d], y[d])[0, 1])
    # Student's quantile and the root of 16 / 15 in place of the normal quantile.
    tail = stats.norm.cdf(-stats.t.ppf(0.975, 15) * np.sqrt(16 / 15))
    assert found.r.low == pytest.approx(np.quantile(own, tail), abs=0.06)
    assert found.r.high == pytest.approx(np.quantile(own, 1 - tail), abs=0.01)


def test_an_interval_that_holds_0_gives_a_square_from_0(rng) -> None:
    x, table = study(rng, rho=0.0)
    found = source_correlation(x, table, rng=rng, n_resamples=500)
    assert found.r.low < 0 < found.r.high
    assert found.r2.low == 0
    assert found.r2.high == pytest.approx(max(found.r.low**2, found.r.high**2))


@pytest.mark.parametrize(("over", "rho"), [("models", 0.5), ("both", 0.9), ("datasets", 0.5)])
def test_coverage(over, rho) -> None:
    rng, hits = np.random.default_rng(8), 0
    for _ in range(250):
        x, table = study(rng, rho)
        if over == "datasets":
            # The networks stay, so their own correlation without the noise of data sets is meant.
            x = rng.normal(size=16)
            y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=16)
            table = y[:, None] + rng.normal(size=12) + 0.3 * rng.normal(size=(16, 12))
            truth = np.corrcoef(x, y)[0, 1]
        else:
            truth = rho
        r = source_correlation(x, table, rng=rng, over=over, n_resamples=300).r
        hits += r.low <= truth <= r.high
    assert hits / 250 >= 0.93 - 3 * np.sqrt(0.05 * 0.95 / 250)


@pytest.mark.parametrize(("models", "over"), [(4, "models"), (6, "both"), (8, "both")])
def test_few_models_are_covered_by_intervals_that_say_something(models, over) -> None:
    rng, hits, width = np.random.default_rng(models), 0, []
    for _ in range(250):
        x, table = study(rng, 0.9, models=models, datasets=6)
        r = source_correlation(x, table, rng=rng, over=over, n_resamples=200).r
        hits += r.low <= 0.9 <= r.high
        width.append(r.high - r.low)
    assert hits / 250 >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 250)
    # Percentiles of resampled models reach from -1 to 1 with up to 6 models.
    assert np.median(width) < 1.7


def test_few_models_have_fishers_interval(rng) -> None:
    x, table = study(rng, models=7)
    own = stats.pearsonr(x, table.mean(axis=1)).confidence_interval()
    models = source_correlation(x, table, rng=rng, over="models").r
    assert (models.low, models.high) == pytest.approx((own.low, own.high))
    both = source_correlation(x, table, rng=rng, over="both").r
    assert both.low < models.low < models.high < both.high
    three = source_correlation(x[:3], table[:3], rng=rng).r
    assert (three.low, three.high) == (-1, 1)


def test_one_data_set_leaves_only_models_to_resample(rng) -> None:
    x, table = study(rng)
    found = source_correlation(x, table[:, :1], rng=rng, over="datasets", n_resamples=50)
    assert np.isnan(found.r.low)
    assert found.to_dict()["r"]["low"] is None
    assert not np.isnan(source_correlation(x, table[:, :1], rng=rng, over="models").r.low)


def test_constant_accuracies_have_no_correlation(rng) -> None:
    _, table = study(rng)
    found = source_correlation(np.full(16, 0.7), table, rng=rng, n_resamples=50)
    assert np.isnan(found.r.value)
    assert found.to_dict()["spearman"] is None


def test_partial_by_family_is_the_regression_on_family_indicators(rng) -> None:
    x, table = study(rng)
    families = ["a"] * 6 + ["b"] * 5 + ["c"] * 4 + ["alone"]
    indicators = np.array([[f == g for g in ("a", "b", "c", "alone")] for f in families], float)

    def left(values):
        return values - indicators @ np.linalg.lstsq(indicators, values, rcond=None)[0]

    expected = np.corrcoef(left(x), left(table.mean(axis=1)))[0, 1]
    assert within_families(x, table, families) == pytest.approx(expected)
    assert within_families(x, table.mean(axis=1), families) == pytest.approx(expected)
    assert np.isnan(within_families(x, table, [str(i) for i in range(16)]))


def test_families_alone_can_make_a_correlation() -> None:
    x = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2])
    y = np.array([0.2, 0.1, 0.0, 5.2, 5.1, 5.0])
    assert np.corrcoef(x, y)[0, 1] > 0.99
    assert within_families(x, y, list("aaabbb")) == pytest.approx(-1)


def test_fisher_interval_is_that_of_scipy(rng) -> None:
    x, y = rng.normal(size=(2, 13))
    expected = stats.pearsonr(x, y)
    found = fisher_interval(float(expected.statistic), 13)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_what_has_no_correlation_is_refused(rng) -> None:
    x, table = study(rng)
    for call, said in (
        (lambda: source_correlation(x[:2], table[:2], rng=rng), "at least 3 models"),
        (lambda: source_correlation(x[:5], table, rng=rng), "one source accuracy"),
        (lambda: source_correlation(x + np.inf, table, rng=rng), "finite"),
        (lambda: source_correlation(x, table, rng=rng, over="items"), "resample"),
        (lambda: source_correlation(x, table, rng=rng, n_resamples=1), "two resamples"),
        (lambda: within_families(x, table, ["a"]), "one family"),
        (lambda: fisher_interval(0.5, 3), "at least 4"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
