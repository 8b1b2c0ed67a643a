from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from freshset.stats.transfer_means import logit_scores, mean_difference, transfer_means


def study(rng, models=16, datasets=12):
    effect = rng.normal(size=models)
    table = (
        effect[:, None] + 2 * rng.normal(size=datasets) + 0.4 * rng.normal(size=(models, datasets))
    )
    return effect - effect.mean(), table


def test_logits_are_clamped_by_the_items_of_each_data_set() -> None:
    found = logit_scores([[1.0, 0.5], [0.0, 0.9]], [100, 10])
    assert np.allclose(found, [[np.log(199), 0], [-np.log(199), np.log(9)]])


def test_errors_by_their_definition(rng) -> None:
    _, x = study(rng, 5, 4)
    found = transfer_means(x)
    for m in range(5):
        mine = [x[m, d] - sum(x[k, d] for k in range(5)) / 5 for d in range(4)]
        assert np.allclose(found.adjusted[m], mine)
        assert found.mean[m] == pytest.approx(sum(x[m]) / 4)
        variance = sum((a - sum(mine) / 4) ** 2 for a in mine) / 3
        assert found.error[m] == pytest.approx((variance / 4 * 5 / 4) ** 0.5)
    # Cousineau's normalisation as Morey writes it: add the grand mean, nothing changes.
    normalised = found.adjusted + x.mean()
    assert np.allclose(stats.sem(normalised, axis=1) * np.sqrt(5 / 4), found.error)


def test_how_hard_a_data_set_is_changes_no_error(rng) -> None:
    _, x = study(rng)
    harder = x + 5 * rng.normal(size=12)
    assert np.allclose(transfer_means(x).error, transfer_means(harder).error)


def test_two_models_have_one_error_which_is_that_of_the_paired_difference(rng) -> None:
    _, x = study(rng, 2, 7)
    found = transfer_means(x)
    assert found.error[0] == pytest.approx(found.error[1])
    assert found.error[0] * np.sqrt(2) == pytest.approx(stats.sem(x[0] - x[1]))


@pytest.mark.parametrize(("models", "datasets"), [(16, 12), (3, 12)])
def test_coverage(models, datasets) -> None:
    rng, hits = np.random.default_rng(5), []
    for _ in range(150):
        effect, x = study(rng, models, datasets)
        found = transfer_means(x)
        low, high = found.interval()
        centre = found.adjusted.mean(axis=1)
        hits.append(np.abs(centre - effect) <= (high - low) / 2)
    expected = {16: 0.955, 3: 0.98}[models]
    assert np.mean(hits) == pytest.approx(expected, abs=3 * np.sqrt(0.05 / 150))


def test_one_data_set_or_one_model_has_no_error() -> None:
    for shape in ((3, 1), (1, 3)):
        found = transfer_means(np.ones(shape))
        assert np.isnan(found.error).all()
        assert json.loads(json.dumps(found.to_dict()))["error"] == [None] * shape[0]
    assert np.isnan(transfer_means(np.ones((3, 1))).interval()[0]).all()


def test_difference_of_two_regimes(rng) -> None:
    a, b = rng.normal(size=(2, 9))
    found = mean_difference(a, b)
    expected = stats.ttest_rel(a, b).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert np.isnan(mean_difference(a[:1], b[:1]).low)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        logit_scores([[1.2]], [10])
    with pytest.raises(ValueError, match="between 0 and 1"):
        logit_scores([[np.nan]], [10])
    with pytest.raises(ValueError, match="one item"):
        logit_scores([[0.5]], [0])
    with pytest.raises(ValueError, match="shape"):
        transfer_means(np.ones(3))
    with pytest.raises(ValueError, match="model 1 has no finite value on data set 0"):
        transfer_means(np.array([[1.0, 2], [np.inf, 1]]))
    with pytest.raises(ValueError, match="one length"):
        mean_difference(np.ones(2), np.ones(3))
