"""The path against scikit-learn, its certificate, its own float64, and hostile data."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.probe_problems import clusters, multilabel, objective, sigmoid_objective
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from freshset.core.errors import DataError, UsageError
from freshset.transfer.probe.examples import Examples
from freshset.transfer.probe.path import ProbeOptions, logreg_path, paper_penalties

TIGHT = ProbeOptions(tolerance=1e-12, precision="float64", backend="numpy", iterations=5000)


def tight(**changes) -> ProbeOptions:
    from dataclasses import replace

    return replace(TIGHT, **changes)


def oracle(train: Examples, penalty: float, start: LogisticRegression | None) -> LogisticRegression:
    """scikit-learn at its tightest, by Newton's method; two classes have one row there."""
    two = len(np.unique(train.labels)) == 2
    model = start or LogisticRegression(
        solver="newton-cholesky", tol=1e-13, max_iter=10_000, warm_start=True
    )
    model.C = (2 if two else 1) / penalty
    return model.fit(train.features, train.labels)


def both_rows(model: LogisticRegression) -> tuple[np.ndarray, np.ndarray]:
    if len(model.classes_) == 2:
        w, b = model.coef_[0] / 2, model.intercept_[0] / 2
        return np.stack([-w, w]), np.array([-b, b])
    return model.coef_, model.intercept_


def problems():
    """20 random problems of many shapes: overlapping, separable, wide, two classes, one feature."""
    for seed in range(20):
        n, d, k = [(120, 6, 3), (60, 4, 2), (90, 1, 3), (40, 60, 4), (150, 12, 8)][seed % 5]
        yield pytest.param(seed, n, d, k, (0.3, 1.0, 3.0, 8.0)[seed // 5], id=f"{seed}-{n}x{d}-{k}")


@pytest.mark.parametrize(("seed", "n", "d", "k", "spread"), list(problems()))
@pytest.mark.filterwarnings(
    "ignore"
)  # scikit-learn's Newton warns where it gives up; we look at its answer
def test_as_scikit_learn_at_every_penalty(seed: int, n: int, d: int, k: int, spread: float) -> None:
    train = clusters(seed, n, d, k, spread=spread)
    test = clusters(seed, 500, d, k, spread=spread)
    valid = clusters(seed, 77, d, k, spread=spread)
    path = logreg_path(train, valid, TIGHT)
    model, scores, solved = None, [], 0
    for i in np.argsort(-paper_penalties()):
        point, ours = path.points[i], path.classifier(i)
        model = oracle(train, point.penalty, model)
        theirs = objective(train.features, train.labels, *both_rows(model), point.penalty)
        mine = objective(train.features, train.labels, ours.weights, ours.intercepts, point.penalty)
        assert mine == pytest.approx(point.objective, rel=1e-9)
        assert mine <= theirs * (1 + 1e-6)
        # Nobody can be lower than this, scikit-learn included.
        assert mine - point.duality_gap <= theirs + 1e-9 * mine
        solved += theirs <= mine * (1 + 1e-6)
        if theirs - mine <= 1e-9 * mine:
            same = ours.predict(test.features) == model.predict(test.features)
            assert same.mean() >= 0.998
        scores.append((model.score(valid.features, valid.labels), point.penalty))
        if theirs - mine <= 1e-9 * mine:
            assert point.score == pytest.approx(scores[-1][0], abs=1 / 77 + 1e-9)
    # scikit-learn stops early at a few of the smallest penalties.
    assert solved >= 36
    best = max(s for s, _ in scores)
    chosen = path.points[path.chosen]
    assert {p: s for s, p in scores}[chosen.penalty] == pytest.approx(best, abs=1 / 77 + 1e-9)


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
def test_as_scikit_learn_on_real_features() -> None:
    """Digits through a small random net; float32 and float64, numpy and torch."""
    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    net = rng.normal(size=(64, 40)) / 8
    features = np.maximum(x @ net / 4 + rng.normal(size=40) / 2, 0)
    train, valid = Examples(features[:700], y[:700]), Examples(features[700:1200], y[700:1200])
    rest = features[1200:]
    path = logreg_path(train, valid, TIGHT)
    singles = {
        name: logreg_path(train, valid, ProbeOptions(tolerance=1e-9, backend=name))
        for name in ("numpy", "torch")
    }
    model, scores = None, {}
    for i in np.argsort(-paper_penalties()):
        point = path.points[i]
        model = oracle(train, point.penalty, model)
        theirs = objective(train.features, train.labels, *both_rows(model), point.penalty)
        assert abs(theirs - point.objective) <= 1e-6 * theirs
        answers = model.predict(rest)
        assert (path.classifier(i).predict(rest) == answers).mean() >= 0.998
        for single in singles.values():
            own = objective(
                train.features,
                train.labels,
                single.weights[i],
                single.intercepts[i],
                point.penalty,
            )
            assert own <= theirs * (1 + 1e-6)
            assert own == pytest.approx(single.points[i].objective, rel=1e-6)
            assert (single.classifier(i).predict(rest) == answers).mean() >= 0.998
        scores[point.penalty] = model.score(valid.features, valid.labels)
    for one in (path, *singles.values()):
        assert scores[one.points[one.chosen].penalty] == pytest.approx(
            max(scores.values()), abs=0.0021
        )


def test_the_certificate_bounds_what_is_missing() -> None:
    train = clusters(3, 200, 8, 5)
    exact = logreg_path(train, None, TIGHT)
    for tolerance in (1e-2, 1e-4, 1e-6):
        loose = logreg_path(train, None, tight(tolerance=tolerance))
        for point, best in zip(loose.points, exact.points, strict=True):
            missing = point.objective - best.objective
            assert -1e-10 * best.objective <= missing <= point.duality_gap * (1 + 1e-6) + 1e-12
            assert missing <= 30 * tolerance * best.objective


def test_the_path_does_not_depend_on_its_direction_or_on_the_grid() -> None:
    train = clusters(4, 150, 7, 4)
    up = logreg_path(train, None, ProbeOptions(backend="numpy"))
    down = logreg_path(
        train, None, ProbeOptions(penalties=paper_penalties()[::-1], backend="numpy")
    )
    assert np.array_equal(up.weights, down.weights[::-1])
    assert [p.to_dict() for p in up.points] == [p.to_dict() for p in reversed(down.points)]
    # One penalty alone, cold, is the same minimum.
    for i in (0, 10, 25, 44):
        alone = logreg_path(train, None, tight(penalties=paper_penalties()[i : i + 1]))
        assert alone.points[0].objective == pytest.approx(up.points[i].objective, rel=1e-4)
        whole = logreg_path(train, None, tight(penalties=paper_penalties()[[i, 30]]))
        assert alone.points[0].objective == pytest.approx(whole.points[0].objective, rel=1e-7)


def test_classes_may_be_renamed_and_rows_shuffled() -> None:
    train = clusters(5, 140, 5, 4)
    path = logreg_path(train, None, TIGHT)
    order = np.random.default_rng(0).permutation(140)
    new = np.array([30, 7, 99, 12])
    other = logreg_path(Examples(train.features[order], new[train.labels][order]), None, TIGHT)
    assert list(other.classes) == [7, 12, 30, 99]
    for i in (0, 20, 44):
        assert np.allclose(path.weights[i][np.argsort(new)], other.weights[i], atol=1e-4)
        ours, theirs = (p.classifier(i).predict(train.features) for p in (path, other))
        assert np.array_equal(new[ours], theirs)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_back_ends_agree(backend, precision) -> None:
    for train in (clusters(6, 80, 5, 3), clusters(7, 30, 50, 4), multilabel(8)):
        metric = "map11" if train.multilabel else "top1"
        exact = logreg_path(train, None, tight(metric=metric))
        found = logreg_path(
            train,
            None,
            ProbeOptions(tolerance=1e-9, precision=precision, backend=backend, metric=metric),
        )
        assert found.backend.startswith(backend)
        for point, best in zip(found.points, exact.points, strict=True):
            limit = 2e-5 if precision == "float32" else 1e-8
            assert point.objective == pytest.approx(best.objective, rel=limit)


def test_separable_classes_at_the_smallest_penalties() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = 10 * np.eye(3)[labels] + rng.normal(size=(60, 3)) / 10
    path = logreg_path(Examples(x, labels), None, ProbeOptions(tolerance=1e-8))
    exact = logreg_path(Examples(x, labels), None, TIGHT)
    assert not path.warnings
    assert not exact.warnings
    for i, point in enumerate(path.points):
        assert point.objective == pytest.approx(exact.points[i].objective, rel=1e-5)
        assert (path.classifier(i).predict(x) == labels).all()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_constant_and_duplicate_features(precision) -> None:
    train = clusters(9, 100, 4, 3)
    x = train.features
    wide = np.column_stack([x, np.full(100, 7.0), x[:, 1], np.zeros(100), x[:, 1]])
    options = tight(precision=precision, tolerance=1e-10 if precision == "float64" else 1e-8)
    path = logreg_path(Examples(wide, train.labels), None, options)
    # Three equal columns are one, longer by the square root of 3.
    x = x.copy()
    x[:, 1] *= 3**0.5
    single = logreg_path(Examples(x, train.labels), None, TIGHT)
    for i, point in enumerate(path.points):
        limit = 1e-8 if precision == "float64" else 1e-5
        assert point.objective == pytest.approx(single.points[i].objective, rel=limit)
        assert np.abs(path.weights[i][:, [4, 6]]).max() <= 1e-6
        assert np.allclose(path.weights[i][:, 1], path.weights[i][:, 5], rtol=1e-2, atol=1e-3)


def test_nothing_but_constant_features_leaves_the_shares_of_the_classes() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    path = logreg_path(Examples(np.ones((6, 3)), labels), None, ProbeOptions(backend="numpy"))
    share = np.array([3, 2, 1]) / 6
    for i, point in enumerate(path.points):
        assert point.objective == pytest.approx(-6 * (share * np.log(share)).sum(), rel=1e-6)
        b = path.intercepts[i]
        assert np.allclose(np.exp(b) / np.exp(b).sum(), share, atol=1e-6)
        assert not path.weights[i].any()


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_float32_features_of_scale_10000(backend) -> None:
    train = clusters(10, 200, 6, 4)
    large = (1e4 * train.features).astype(np.float32)
    path = logreg_path(
        Examples(large, train.labels), None, ProbeOptions(tolerance=1e-8, backend=backend)
    )
    # The same problem in other units, in float64.
    exact = logreg_path(
        Examples(large / 1e4, train.labels), None, tight(penalties=paper_penalties() / 1e8)
    )
    for i, point in enumerate(path.points):
        own = objective(large, train.labels, path.weights[i], path.intercepts[i], point.penalty)
        assert own == pytest.approx(exact.points[i].objective, rel=2e-5)


def test_many_features_of_scale_10000_are_reached_cold() -> None:
    """Every penalty of the grid is then far below the curvature, the largest included."""
    x, y = load_digits(return_X_y=True)
    net = np.random.default_rng(0).normal(size=(64, 128)) / 8
    x = 1e4 * np.maximum(x[:300] / 8 @ net, 0)
    path = logreg_path(Examples(x.astype(np.float32), y[:300]), None, ProbeOptions(tolerance=1e-8))
    exact = logreg_path(Examples(x / 1e4, y[:300]), None, tight(penalties=paper_penalties() / 1e8))
    assert not path.warnings
    for one, other in zip(path.points, exact.points, strict=True):
        assert one.objective == pytest.approx(other.objective, rel=3e-6)
    assert path.points[-1].iterations < 100


def test_integers_and_half_precision_are_widened() -> None:
    train = clusters(11, 90, 5, 3)
    half = Examples(train.features.astype(np.float16), train.labels)
    wide = Examples(half.features.astype(np.float64), train.labels)
    a, b = (logreg_path(e, None, ProbeOptions(backend="numpy")) for e in (half, wide))
    assert np.allclose(a.weights[20], b.weights[20], atol=1e-4)
    logreg_path(Examples((10 * train.features).astype(np.int16), train.labels), wide)


def test_a_class_without_examples_is_never_predicted() -> None:
    train = clusters(12, 100, 4, 4)
    kept = train.labels != 2
    part = Examples(train.features[kept], train.labels[kept])
    path = logreg_path(part, train, TIGHT)
    assert list(path.classes) == [0, 1, 3]
    right = path.classifier(30).predict(train.features) == train.labels
    assert path.points[30].score == right.mean()
    assert not right[~kept].any()


@pytest.mark.parametrize("n", [150, 30])
def test_one_sigmoid_a_class(n: int) -> None:
    train = multilabel(13, n=n, d=40)
    path = logreg_path(train, train, tight(metric="map11"))
    model = None
    for i in np.argsort(-paper_penalties())[:30]:
        point = path.points[i]
        rows = []
        for k in range(train.labels.shape[1]):
            model = LogisticRegression(
                C=1 / point.penalty, solver="newton-cholesky", tol=1e-12, max_iter=1000
            ).fit(train.features, train.labels[:, k])
            rows.append((model.coef_[0], model.intercept_[0]))
        w, b = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
        theirs = sigmoid_objective(train.features, train.labels, w, b, point.penalty)
        mine = sigmoid_objective(
            train.features, train.labels, path.weights[i], path.intercepts[i], point.penalty
        )
        assert mine == pytest.approx(theirs, rel=1e-6)
        assert mine == pytest.approx(point.objective, rel=1e-9)
        assert 0 <= point.score <= 1


def test_what_cannot_be_solved_is_refused_in_words() -> None:
    good = clusters(14, 30, 3, 2)
    bad = good.features.copy()
    bad[17, 1] = np.nan
    with pytest.raises(DataError, match="Row 17 of the training features is not finite"):
        logreg_path(Examples(bad, good.labels))
    with pytest.raises(DataError, match="Row 17 of the validation features"):
        logreg_path(good, Examples(bad, good.labels))
    with pytest.raises(DataError, match="one class only"):
        logreg_path(Examples(good.features, 0 * good.labels))
    with pytest.raises(DataError, match="No training example shows class 1"):
        logreg_path(
            Examples(good.features, np.column_stack([good.labels == 0, good.labels == 7])),
            options=ProbeOptions(metric="map11"),
        )
    with pytest.raises(UsageError, match="does not fit"):
        logreg_path(good, options=ProbeOptions(metric="map11"))
    other = logreg_path(clusters(1, 30, 3, 3), options=ProbeOptions(backend="numpy"))
    with pytest.raises(DataError, match="other classes"):
        logreg_path(good, start=other.classifier(0))
    for change in (
        {"penalties": np.array([0.0])},
        {"penalties": np.array([])},
        {"tolerance": 0.0},
        {"iterations": 0},
        {"precision": "float16"},
    ):
        with pytest.raises(UsageError):
            ProbeOptions(**change)


def test_what_is_not_reached_is_said() -> None:
    path = logreg_path(clusters(15, 200, 8, 5), None, tight(iterations=1))
    assert "was not reached at" in path.warnings[0]
