"""Run a validation by folds: train on each, keep what is done, open the official set at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.folder import FoldFolder
from freshset.protocols.folds.learners import Learner, as_learner
from freshset.protocols.folds.result import FoldScore, KFoldResult, Official, gap_between
from freshset.protocols.folds.scores import score_of, score_with_interval
from freshset.protocols.folds.splits import Scheme, Split, splits
from freshset.stats.crossvalidation import corrected_interval, t_interval
from freshset.stats.types import Estimate

Array = npt.NDArray[Any]

# Backends that joblib does not know of by itself, and the call that tells it.
_REGISTERED_BY = {"ray": ("ray.util.joblib", "register_ray")}


@dataclass(frozen=True, slots=True)
class Running:
    """How to run; changes no number but the interval's level.

    Attributes
    ----------
    metric
        One of `freshset.protocols.folds.scores.METRICS`.
    level
        Of the intervals.
    jobs
        Folds at the same time; -1 for as many as there are processors.
    backend
        Of joblib: ``loky``, ``threading``, ``ray``, ``dask`` or any that is registered; empty for
        joblib's own choice, or what `joblib.parallel_config` says around the call.
    folder
        Where finished folds are kept, so that running again goes on; ``None`` keeps nothing.
    """

    metric: str = "accuracy"
    level: float = 0.95
    jobs: int = 1
    backend: str = ""
    folder: Path | None = None


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
        learner is trained on all of ``data`` for it.  With a folder it is opened once for all runs.
    running
        Metric, processes, folder.
    step
        Called with a short text after every fold.

    Raises
    ------
    DataError
        For too few examples, groups or examples of a class, or predictions of a wrong shape.
    UsageError
        For an unknown metric, backend, or a learner that is none.
    ConflictError
        When the folder belongs to another validation.
    """
    scheme, running = scheme or Scheme(), running or Running()
    one = as_learner(learner)
    score = score_of(running.metric)
    cut = splits(data, scheme)
    folder = None
    if running.folder is not None:
        folder = FoldFolder(running.folder, _identity(one, data, scheme))
    predictions = _all_folds(one, data, cut, running, folder, step)
    folds = tuple(
        FoldScore(s.repeat, s.fold, len(s.train), len(s.test), score(data.y[s.test], out))
        for s, out in zip(cut, predictions, strict=True)
    )
    result = _summary(one, data, scheme, running, folds)
    if official is None:
        return result
    return replace(result, official=_open(one, (data, official), result, running, folder))


def _identity(learner: Learner, data: Data, scheme: Scheme) -> dict[str, Any]:
    return {"data": data.digest, "scheme": scheme.to_dict(), "learner": learner.identity}


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
    sets: tuple[Data, Data | Callable[[], Data]],
    result: KFoldResult,
    running: Running,
    folder: FoldFolder | None,
) -> Official:
    data, official = sets
    test = official() if callable(official) else official
    test.check()
    if test.digest == data.digest:
        raise DataError(
            f"{test.name} is the data that the folds were cut from.", "Give the official test set."
        )
    done = folder.opened(test.digest) if folder else None
    predictions = done
    if predictions is None:
        predictions = learner.predict(data.x, data.y, test.x, result.scheme.seed)
        if folder:
            folder.put_opened(test.digest, predictions)
    rng = np.random.default_rng(result.scheme.seed)
    score = score_with_interval(running.metric, test.y, predictions, rng=rng, level=running.level)
    gap = gap_between(result.mean, score)
    return Official(test.name, len(test), score, gap, done is not None)


def _all_folds(
    learner: Learner,
    data: Data,
    cut: Sequence[Split],
    running: Running,
    folder: FoldFolder | None,
    step: Callable[[str], object],
) -> list[Array]:
    """Predictions of every fold in order: those that are kept, and the others made now."""
    out: dict[int, Array] = {}
    if folder:
        kept = ((place, folder.get(_name(split))) for place, split in enumerate(cut))
        out = {place: found for place, found in kept if found is not None}
    missing = [place for place in range(len(cut)) if place not in out]
    for place, predictions in _parallel(learner, data, [(p, cut[p]) for p in missing], running):
        if folder:
            folder.put(_name(cut[place]), predictions)
        out[place] = predictions
        step(f"repeat {cut[place].repeat + 1}, fold {cut[place].fold + 1}")
    return [out[place] for place in range(len(cut))]


def _name(split: Split) -> str:
    return f"repeat-{split.repeat}-fold-{split.fold}"


def _fold(learner: Learner, data: Data, place: int, split: Split) -> tuple[int, Array]:
    # The same in whatever process and order a fold is made.
    predictions = learner.predict(
        data.rows(split.train), data.y[split.train], data.rows(split.test), seed=place
    )
    return place, predictions


def _parallel(
    learner: Learner, data: Data, todo: Sequence[tuple[int, Split]], running: Running
) -> Iterator[tuple[int, Array]]:
    """Make folds, each handed on as soon as it is done where the backend can do that."""
    from contextlib import nullcontext

    import joblib
    from joblib.parallel import get_active_backend

    if not todo:
        return
    tasks = [joblib.delayed(_fold)(learner, data, place, split) for place, split in todo]
    with _backend(running.backend) if running.backend else nullcontext():
        if get_active_backend()[0].supports_return_generator:
            pool = joblib.Parallel(n_jobs=running.jobs, return_as="generator_unordered")
            yield from pool(tasks)
            return
        size = len(tasks) if running.jobs < 1 else running.jobs
        for start in range(0, len(tasks), size):
            yield from joblib.Parallel(n_jobs=running.jobs)(tasks[start : start + size])


def _backend(name: str) -> Any:
    import joblib

    try:
        if name in _REGISTERED_BY:
            module, register = _REGISTERED_BY[name]
            getattr(import_module(module), register)()
        return joblib.parallel_config(backend=name)
    except (ImportError, ValueError) as error:
        why = " ".join(str(error).split())
        raise UsageError(
            f"joblib has no backend {name!r} here.", f"Give it what it needs: {why}"
        ) from error
