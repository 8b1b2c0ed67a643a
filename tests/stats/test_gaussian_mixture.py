from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from freshset.stats.gaussian_mixture import fit_mixture


def test_as_scikit_learn_from_the_same_start(rng) -> None:
    from sklearn.mixture import GaussianMixture

    x = np.concatenate([rng.normal(size=(80, 3)) + 4, rng.normal(size=(120, 3)) * [1, 2, 0.5]])
    start = np.array([[3.0, 3, 3], [0, 0, 0]])
    floor = 1e-6 * x.var(axis=0).mean()
    theirs = GaussianMixture(
        2,
        covariance_type="diag",
        means_init=start,
        weights_init=[0.5, 0.5],
        precisions_init=np.tile(1 / (x.var(axis=0) + floor), (2, 1)),
        reg_covar=floor,
        tol=1e-4,
        max_iter=100,
    ).fit(x)
    ours = fit_mixture(x, 2, rng=rng, start=start)
    assert np.allclose(ours.means, theirs.means_, atol=1e-3)
    assert np.allclose(ours.variances, theirs.covariances_, atol=1e-3)
    assert np.allclose(ours.posteriors, theirs.predict_proba(x), atol=1e-3)
    assert ours.log_likelihood == pytest.approx(theirs.score(x), abs=1e-3)


def test_likelihood_and_posteriors_by_their_definition(rng) -> None:
    x = rng.normal(size=(50, 2))
    found = fit_mixture(x, 3, rng=rng)
    assert np.allclose(found.posteriors.sum(axis=1), 1)
    assert found.weights.sum() == pytest.approx(1)
    density = sum(
        w * stats.multivariate_normal.pdf(x, m, np.diag(v))
        for w, m, v in zip(found.weights, found.means, found.variances, strict=True)
    )
    assert found.log_likelihood == pytest.approx(np.log(density).mean(), abs=2e-4)


def test_one_component_is_mean_and_variance(rng) -> None:
    x = rng.normal(size=(40, 2))
    found = fit_mixture(x, 1, rng=rng)
    assert np.allclose(found.means[0], x.mean(axis=0))
    assert np.allclose(found.variances[0], x.var(axis=0), rtol=1e-4)


def test_equal_points_and_as_many_components_as_points(rng) -> None:
    assert np.isfinite(fit_mixture(np.ones((5, 2)), 3, rng=rng).log_likelihood)
    assert np.isfinite(fit_mixture(rng.normal(size=(5, 2)), 5, rng=rng).log_likelihood)


def test_what_cannot_be_fitted_is_refused(rng) -> None:
    for points, count in ((np.ones(3), 1), (np.ones((3, 1)), 4), (np.ones((3, 1)), 0)):
        with pytest.raises(ValueError, match="components"):
            fit_mixture(points, count, rng=rng)
    with pytest.raises(ValueError, match="one mean"):
        fit_mixture(np.ones((3, 1)), 2, rng=rng, start=np.ones((1, 1)))
