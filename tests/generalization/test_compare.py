from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_archive
from scipy import stats

from freshset.core.config import CompareSettings
from freshset.core.errors import StoreError, UsageError
from freshset.generalization.compare import analyse, compare
from freshset.generalization.scores import Scores
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore

FAST = CompareSettings(bootstrap=2_000, item_bootstrap=400)
OLD, NEW = "imagenet/val", "imagenetv2/matched-frequency"


@pytest.fixture
def store(archive: Path, tmp_path: Path) -> ParquetStore:
    import_results("imagenetv2", archive, tmp_path / "s")
    return ParquetStore(tmp_path / "s")


def test_numbers_are_those_of_the_data(make_scores) -> None:
    scores = make_scores()
    result = analyse(scores, FAST)
    x, y = 100 * scores.accuracy_old, 100 * scores.accuracy_new
    line = stats.linregress(x, y)
    fit = result.fits["linear"]
    assert fit.slope.value == pytest.approx(line.slope)
    assert fit.intercept.value == pytest.approx(line.intercept)
    assert fit.r2 == pytest.approx(line.rvalue**2)
    assert result.drop.mean.value == pytest.approx((x - y).mean())
    assert (result.drop.min, result.drop.max) == pytest.approx(((x - y).min(), (x - y).max()))
    assert result.ranks.spearman == pytest.approx(stats.spearmanr(x, y).statistic)
    for i, row in enumerate(result.models):
        assert row.model == scores.models[i]
        assert row.old.low < row.old.accuracy < row.old.high
        assert row.drop.low < row.drop.value < row.drop.high
        assert row.rank.low <= row.rank.change <= row.rank.high


def test_intervals_hold_what_they_resample(make_scores) -> None:
    scores = make_scores()
    widths = {}
    for resample in ("models", "items", "both"):
        result = analyse(scores, replace(FAST, resample=resample))
        for fit in result.fits.values():
            assert fit.slope.low < fit.slope.value < fit.slope.high
        slope, mean = result.fits["linear"].slope, result.drop.mean
        widths[resample] = (slope.high - slope.low, mean.high - mean.low)
    for part in (0, 1):
        assert widths["both"][part] > max(widths["models"][part], widths["items"][part])


def test_rank_intervals_do_not_depend_on_what_the_fits_resample(make_scores) -> None:
    scores = make_scores()
    results = [analyse(scores, replace(FAST, resample=r)) for r in ("models", "items", "both")]
    ranks = [[row.rank for row in result.models] for result in results]
    assert ranks[0] == ranks[1] == ranks[2]


def test_same_seed_same_bytes(store: ParquetStore) -> None:
    one, two, three = (
        json.dumps(compare(store, OLD, NEW, replace(FAST, seed=seed)).to_dict())
        for seed in (1, 1, 2)
    )
    assert one == two
    assert one != three


def test_band_surrounds_the_line(make_scores) -> None:
    for fit in analyse(make_scores(), FAST).fits.values():
        low, y, high = map(np.array, (fit.band.low, fit.band.y, fit.band.high))
        assert len(low) == 200
        assert ((low < y) & (y < high)).all()
        assert ((low > 0) & (high < 1)).all()


def test_leave_one_out_is_in_the_order_of_the_models(make_scores) -> None:
    scores = make_scores(6)
    fit = analyse(scores, FAST).fits["linear"]
    x, y = 100 * scores.accuracy_old, 100 * scores.accuracy_new
    for i, slope in enumerate(fit.leave_one_out):
        assert slope == pytest.approx(stats.linregress(np.delete(x, i), np.delete(y, i)).slope)


@pytest.mark.parametrize("models", [1, 2])
def test_too_few_models_for_a_line(make_scores, models: int) -> None:
    result = analyse(make_scores(models), FAST)
    assert result.fits == {}
    assert (
        f"No line is fitted: it takes at least 3 models and there {'is' if models == 1 else 'are'} {models}"
        in result.warnings[0]
    )
    assert result.drop.mean.low < result.drop.mean.value < result.drop.mean.high
    json.dumps(result.to_dict(), allow_nan=False)


def test_models_of_one_accuracy_have_no_line(make_scores) -> None:
    scores = make_scores(5, per_example=False)
    result = analyse(replace(scores, k_old=np.full(5, 1_000.0)), FAST)
    assert result.fits == {}
    assert "all models have the same accuracy on the old set" in result.warnings[0]


def test_accuracies_of_0_and_1_are_clipped_and_said(make_scores) -> None:
    scores = make_scores(6, per_example=False)
    k_old, k_new = scores.k_old.copy(), scores.k_new.copy()
    k_old[0], k_new[5] = scores.n_old, 0
    result = analyse(replace(scores, k_old=k_old, k_new=k_new), FAST)
    assert result.fits["probit"].clipped == ("m0", "m5")
    assert result.fits["linear"].clipped == ()
    (text,) = [w for w in result.warnings if "clipped to 1/(2n)" in w]
    assert text.endswith("m0, m5.")
    assert np.isfinite(result.fits["probit"].slope.value)
    assert (result.models[0].old.high, result.models[5].new.low) == (1.0, 0.0)


def test_counts_alone_keep_the_safe_side(make_scores) -> None:
    full = make_scores(20)
    counts = replace(full, matrix_old=None, matrix_new=None)
    a, b = analyse(full, FAST), analyse(counts, FAST)
    assert a.per_example
    assert not b.per_example
    assert b.drop.mean.high - b.drop.mean.low > 0.95 * (a.drop.mean.high - a.drop.mean.low)
    width = [sum(row.rank.high - row.rank.low for row in result.models) for result in (a, b)]
    assert width[1] > 0.95 * width[0]
    assert b.to_dict()["settings"]["item_noise"] == "independent binomial draws"


def test_a_model_on_one_set_only_is_left_out_and_named(archive: Path, tmp_path: Path) -> None:
    (archive / "predictions" / "imagenetv2-b-33" / "m2.npy").unlink()
    import_results("imagenetv2", archive, tmp_path / "s")
    result = compare(ParquetStore(tmp_path / "s"), OLD, NEW, FAST)
    assert [row.model for row in result.models] == ["m0", "m1", "m3"]
    assert "m2 is left out: it has results on imagenet/val only." in result.warnings


def test_exclude(store: ParquetStore) -> None:
    result = compare(store, OLD, NEW, replace(FAST, exclude=("m[12]",)))
    assert [row.model for row in result.models] == ["m0", "m3"]
    assert result.to_dict()["excluded"][0] == {"model": "m1", "reason": "matches --exclude m[12]"}
    with pytest.raises(UsageError, match="--exclude 'x\\*' matches no model"):
        compare(store, OLD, NEW, replace(FAST, exclude=("x*",)))
    with pytest.raises(StoreError, match="no model has top1 results on both"):
        compare(store, OLD, NEW, replace(FAST, exclude=("m*",)))


def test_names_that_cannot_be_meant(store: ParquetStore) -> None:
    with pytest.raises(UsageError, match="Old and new are both"):
        compare(store, OLD, "imagenet-validation-original", FAST)
    with pytest.raises(
        StoreError, match="no results on 'imagenet/vla'.*Did you mean 'imagenet/val'"
    ):
        compare(store, OLD, "imagenet/vla", FAST)


def test_aliases_of_test_sets(store: ParquetStore) -> None:
    assert compare(store, "imagenet-validation-original", "imagenetv2-b-33", FAST).new == NEW


def test_top5(store: ParquetStore, tmp_path: Path) -> None:
    top1, top5 = (compare(store, OLD, NEW, replace(FAST, metric=m)) for m in ("top1", "top5"))
    best = {row.model: row.new.correct for row in top1.models}
    assert all(row.new.correct >= best[row.model] for row in top5.models)
    pd.DataFrame({"model": ["a"], "testset": [OLD], "n": [80], "correct": [1]}).to_csv(
        tmp_path / "t.csv"
    )
    pd.DataFrame(
        {"model": ["a"] * 2, "testset": ["x", "y"], "n": [9, 9], "correct": [1, 2]}
    ).to_csv(tmp_path / "t.csv")
    import_results("table", tmp_path / "t.csv", tmp_path / "t")
    with pytest.raises(StoreError, match="no model has top5 results on both"):
        compare(ParquetStore(tmp_path / "t"), "x", "y", replace(FAST, metric="top5"))


def test_a_worst_first_cell_is_named_not_mended(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "archive", n=200, worst_first=True)
    import_results("imagenetv2", archive, tmp_path / "s")
    result = compare(ParquetStore(tmp_path / "s"), OLD, NEW, FAST)
    (text,) = [w for w in result.warnings if "worst-first" in w]
    assert text.startswith(f"m0 on {NEW} looks stored worst-first")
    assert "--repair worst-first" in text
    assert next(row for row in result.models if row.model == "m0").new.accuracy < 0.5


def test_schema_of_the_json(store: ParquetStore) -> None:
    data = json.loads(json.dumps(compare(store, OLD, NEW, FAST).to_dict(), allow_nan=False))
    assert data["schema"] == "freshset.comparison/1"
    row = data["models"][0]
    assert set(row) == {"model", "old", "new", "drop", "rank"}
    assert set(row["old"]) == {"n", "correct", "accuracy", "low", "high"}
    assert set(row["drop"]) == {"value", "low", "high"}
    assert {"old", "new", "change", "low", "high"} <= set(row["rank"])
    assert set(data["fits"]) == {"linear", "probit", "logit"}
    assert {"slope", "intercept", "r2"} <= set(data["fits"]["linear"])
    assert set(data["drop"]) == {"mean", "min", "max", "median"}
    assert set(data["ranks"]) == {"spearman", "kendall", "changed", "changed_beyond_noise"}
    assert set(data["gap"]) == {"total", "adaptivity", "distribution", "generalization"}
    settings = data["settings"]
    assert (settings["level"], settings["seed"], settings["resampled"]) == (0.95, 0, "both")
    # Accuracies are fractions, drops are points.
    assert 0 <= row["old"]["accuracy"] <= 1
    moved = 100 * (row["old"]["accuracy"] - row["new"]["accuracy"])
    assert row["drop"]["value"] == pytest.approx(moved)


def test_mean_drop_interval_covers_under_item_resampling(make_scores) -> None:
    """Simulated coverage of the mean drop, items only: nominal within three standard errors."""
    settings = CompareSettings(bootstrap=100, item_bootstrap=300, resample="items")
    true = _population_drop()
    hits = 0
    repeats = 150
    for _ in range(repeats):
        mean = analyse(make_scores(8, 600, 400), settings).drop.mean
        hits += mean.low <= true <= mean.high
    error = np.sqrt(0.95 * 0.05 / repeats)
    assert abs(hits / repeats - 0.95) < 3 * error


def _population_drop() -> float:
    # The idiosyncrasy of each model adds its variance to that of the difficulty.
    skill, spread = np.linspace(0.5, 2.5, 8), np.sqrt(1 + 1 + 0.3**2)
    drop = stats.norm.cdf(skill / spread) - stats.norm.cdf((skill - 0.4) / spread)
    return float(100 * drop.mean())


def test_scores_know_their_accuracies(make_scores) -> None:
    scores: Scores = make_scores(4)
    assert (scores.accuracy_old <= 1).all()
    assert scores.per_example
    old, new = scores.hits()
    assert old is not None
    assert new is not None
    assert old.sum(axis=1).tolist() == scores.k_old.tolist()
