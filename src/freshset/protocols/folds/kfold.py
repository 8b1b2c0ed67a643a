"""Run a validation by folds: score each, sum up, and open the official set at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from freshset.core.errors import DataError
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.learners import Learner, as_learner
from freshset.protocols.folds.making import Running, make_folds, open_official
from freshset.protocols.folds.result import FoldScore, KFoldResult, Official, gap_between
from freshset.protocols.folds.scores import score_of, score_with_interval
from freshset.protocols.folds.splits import Scheme, splits
from freshset.stats.crossvalidation import corrected_interval, t_interval
from freshset.stats.types import Estimate


def kfold(
    learner: Any,
    data: Data,
    scheme: Scheme | None = None,
    *,
    official: Data | Callable[[], Data] | None = None,
    running: Running | None = None,
    step: Callable[[str], object] = str,
) -> KFoldResult:
    """Validate a learner by folds, and open the official test set once at the end.

    Parameters
    ----------
    learner
        A scikit-learn estimator, or a function of ``train_x``, ``train_y`` and ``test_x`` that returns
        predictions; see `freshset.protocols.folds.learners.Learner`.
    data
        What is cut into folds; never the official test set.
    scheme
        How; 10 times 5 stratified folds by default.
    official
        The official test set, or a function that reads it, which is called after the last fold.  The
        learner is trained on all of ``data`` for it.  With a store it is opened once for all runs.
    running
        Metric, processes, store.
    step
        Called with a short text after every fold.

    Raises
    ------
    DataError
        For too few examples, groups or examples of a class, or predictions of a wrong shape.
    UsageError
        For an unknown metric, backend, or a learner that is none.
    StoreError
        When the store cannot be written to, or something in it is damaged.
    """
    scheme, running = scheme or Scheme(), running or Running()
    one = as_learner(learner)
    score = score_of(running.metric)
    cut = splits(data, scheme)
    predictions = make_folds(one, data, cut, running, step)
    folds = tuple(
        FoldScore(s.repeat, s.fold, len(s.train), len(s.test), score(data.y[s.test], out))
        for s, out in zip(cut, predictions, strict=True)
    )
    result = _summary(one, data, scheme, running, folds)
    if official is None:
        return result
    test = official() if callable(official) else official
    opened = _open(one, (data, test), result, running)
    return replace(
        result, official=opened, warnings=(*result.warnings, *_unseen_classes(data, test))
    )


def _summary(
    learner: Learner, data: Data, scheme: Scheme, running: Running, folds: tuple[FoldScore, ...]
) -> KFoldResult:
    scores = np.array([fold.score for fold in folds])
    mean = corrected_interval(
        scores, n_train=[f.n_train for f in folds], n_test=[f.n_test for f in folds],
        level=running.level,
    )  # fmt: skip
    warnings = []
    if learner.unseeded:
        warnings.append(
            "The learner has random_state=None: running again may give other numbers. Give it a seed."
        )
    means = scores.reshape(scheme.repeats, scheme.folds).mean(axis=1)
    naive = t_interval(scores, level=running.level)
    if running.metric not in {"r2", "mean-absolute-error", "mean-squared-error"}:
        mean, naive = (_within(one) for one in (mean, naive))
    return KFoldResult(
        learner.name, data.name, len(data), scheme, running.metric, running.level, folds, mean, naive,
        tuple(means.tolist()), None, tuple(warnings), data.digest,
    )  # fmt: skip


def _within(estimate: Estimate) -> Estimate:
    """No score of this kind is above 1."""
    return replace(estimate, high=min(1.0, estimate.high))


def _open(
    learner: Learner,
    sets: tuple[Data, Data],
    result: KFoldResult,
    running: Running,
) -> Official:
    data, test = sets
    test.check()
    if test.digest == data.digest:
        raise DataError(
            f"{test.name} is the data that the folds were cut from.", "Give the official test set."
        )
    opened = open_official(learner, data, test, seed=result.scheme.seed, store=running.store)
    rng = np.random.default_rng(result.scheme.seed)
    score = score_with_interval(
        running.metric, test.y, opened.predictions, rng=rng, level=running.level
    )
    gap = gap_between(result.mean, score)
    return Official(test.name, len(test), score, gap, opened.before, opened.openings)


def _unseen_classes(data: Data, official: Data) -> tuple[str, ...]:
    if not (data.has_classes and official.has_classes):
        return ()
    unseen = np.setdiff1d(official.y.astype(str), data.y.astype(str))
    if not unseen.size:
        return ()
    share = 100 * float(np.isin(official.y.astype(str), unseen).mean())
    text = (
        f"{official.name} has {unseen.size:,} classes that {data.name} lacks, such as {unseen[0]}: "
        f"{share:.1f} % of its examples cannot be right."
    )
    return (text,)
