"""The whole path of L2 penalties of a logistic regression, for about the price of five cold fits."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError
from freshset.transfer.probe.arrays import Array, Arrays, Backend, arrays_on
from freshset.transfer.probe.classifier import Classifier
from freshset.transfer.probe.design import Design
from freshset.transfer.probe.examples import Examples, checked
from freshset.transfer.probe.losses import Loss, Sigmoid, Softmax
from freshset.transfer.probe.minimise import Limits, Minimiser
from freshset.transfer.probe.predictor import Predictor, lead_in
from freshset.transfer.probe.problem import Problem
from freshset.transfer.probe.results import PathPoint, ProbePath
from freshset.transfer.probe.scores import Metric, check_metric, score

Precision = Literal["auto", "float32", "float64"]
# Rounding of float32 hides decreases below this share of the objective.
_FLOAT32_TOLERANCE = 1e-9
# Numbers in the features up to which float64 costs next to nothing.
_SMALL = 2**16
# Multiplications of a product up to which threads cost more than they save; where other programs run,
# those that wait for each other take a hundred times as long.
_ALONE = 2**24


def paper_penalties() -> npt.NDArray[np.float64]:
    """The paper's 45 penalties, 10^-6 to 10^5 in steps of a quarter of a decade."""
    return np.logspace(-6, 5, 45)


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How a path is solved.

    Attributes
    ----------
    penalties
        L2 penalties, in any order: the objective is ``sum of losses + penalty / 2 * |W|^2``, the
        intercepts are free.
    tolerance
        Stop when the predicted decrease is at most this share of the objective.  1e-6 leaves gaps of
        about 1e-5 at most, 1e-8 of less than 1e-6.
    precision
        Of the arithmetic; sums are in float64 always.  ``auto`` takes float32, and float64 at those
        penalties where the tolerance is not reached; and float64 alone when the tolerance is below
        1e-9 or the features are few.
    backend
        See `freshset.transfer.probe.arrays.arrays_on`.
    metric
        Of the validation set.
    iterations
        At most, at one penalty.
    """

    penalties: npt.NDArray[np.float64] = field(default_factory=paper_penalties)
    tolerance: float = 1e-6
    precision: Precision = "auto"
    backend: Backend = "auto"
    metric: Metric = "top1"
    iterations: int = 1000

    def __post_init__(self) -> None:
        penalties = np.asarray(self.penalties, dtype=float)
        if penalties.ndim != 1 or not penalties.size:
            raise UsageError("Give a list of penalties.")
        if not (np.isfinite(penalties).all() and (penalties > 0).all()):
            raise UsageError(
                "Penalties must be positive and finite.",
                "Without a penalty separable classes have no best weights.",
            )
        if not 0 < self.tolerance < 1 or self.iterations < 1:
            raise UsageError("The tolerance must lie between 0 and 1, and iterations be 1 or more.")
        if self.precision not in {"auto", "float32", "float64"}:
            raise UsageError(
                f"No precision {self.precision!r}.", "Choose auto, float32 or float64."
            )


def logreg_path(
    train: Examples,
    validation: Examples | None = None,
    options: ProbeOptions | None = None,
    *,
    start: Classifier | None = None,
) -> ProbePath:
    """Solve a logistic regression at every penalty.

    Labels of shape (n,) give a multinomial regression; labels of shape (n, classes) one sigmoid a
    class.  Two classes are no special case: the objective with two rows of weights is scikit-learn's
    with one row at ``C = 2 / penalty``.

    Parameters
    ----------
    train
        What is learned from.  Class ids without an example have no row in the result.
    validation
        What is scored at each penalty; ``None`` leaves out scores and choice.
    options
        Penalties, tolerance, precision, back end, metric.
    start
        A classifier near the solution at the largest penalty, of the same classes.

    Returns
    -------
    ProbePath
        In the order of the penalties given.  They are solved from the largest down, whatever that
        order is, so it changes no result.

    Raises
    ------
    DataError
        For features or labels that cannot be meant (see `checked`), fewer than two classes, or a
        sigmoid's class that no example shows or all do.
    UsageError
        For a metric that does not fit the labels, or a back end that is not there.

    References
    ----------
    Kornblith, Shlens and Le (2019), "Do better ImageNet models transfer better?", arXiv 1805.08974,
    for the objective and the 45 penalties.
    """
    options = options or ProbeOptions()
    train = checked(train, "training")
    check_metric(options.metric, multilabel=train.multilabel)
    if validation is not None:
        validation = checked(validation, "validation", train)
    arrays = arrays_on(options.backend)
    alone = train.features.size * _width(train.labels) <= _ALONE
    with arrays.exact(alone=alone):
        return _Solver(arrays, train, validation, options).path(start)


@dataclass(frozen=True, slots=True)
class _Part:
    """Solutions at some penalties, by their places in the grid."""

    points: dict[int, PathPoint]
    classifiers: dict[int, Classifier]
    operations: int


class _Solver:
    def __init__(
        self, arrays: Arrays, train: Examples, validation: Examples | None, options: ProbeOptions
    ) -> None:
        self._arrays, self._train, self._validation = arrays, train, validation
        self._options = options

    def path(self, start: Classifier | None) -> ProbePath:
        """Solve at every penalty, from the largest down; in float64 again where float32 fails."""
        began, options = time.perf_counter(), self._options
        penalties = np.asarray(options.penalties, dtype=float)
        places = [int(i) for i in np.argsort(-penalties, kind="stable")]
        first = options.precision
        if first == "auto":
            small = self._train.features.size <= _SMALL
            exact = small or options.tolerance < _FLOAT32_TOLERANCE
            first = "float64" if exact else "float32"
        parts = [self._solve(places, first, start)]
        left = [i for i in places if not parts[0].points[i].converged]
        if left and options.precision == "auto" and first == "float32":
            before = places.index(left[0])
            start = parts[0].classifiers[places[before - 1]] if before else start
            parts.append(self._solve(left, "float64", start))
        points = {i: p for part in parts for i, p in part.points.items()}
        found = {i: c for part in parts for i, c in part.classifiers.items()}
        return ProbePath(
            points=tuple(points[i] for i in range(len(places))),
            weights=np.stack([found[i].weights for i in range(len(places))]),
            intercepts=np.stack([found[i].intercepts for i in range(len(places))]),
            classes=found[0].classes,
            backend=self._arrays.name,
            tolerance=options.tolerance,
            seconds=time.perf_counter() - began,
            operations=sum(part.operations for part in parts),
        )

    def _solve(self, places: list[int], precision: str, start: Classifier | None) -> _Part:
        options, train = self._options, self._train
        classes, labels, order = _ordered(train)
        loss = _loss(self._arrays, train, labels, precision)
        design = Design(self._arrays, train.features, order, dtype=precision, narrow=len(classes))
        problem = Problem(self._arrays, design, loss, precision)
        judge = _Judge(problem, classes, self._validation, options.metric)
        point = problem.at(_first(problem, start, classes))
        minimise = Minimiser(problem, Limits(options.tolerance, options.iterations))
        predictor = Predictor(problem, options.tolerance)
        points: dict[int, PathPoint] = {}
        flats = np.empty((len(places), point.flat.shape[0]), precision)
        scale = 1.0
        above = [] if start is not None else lead_in(problem, point, options.penalties[places[0]])
        for penalty in above:
            predictor.start(point, penalty)
            scale = minimise(point, penalty, scale)[0].scale
            minimise.refresh(point, penalty)
            predictor.note(point, penalty)
        for row, place in enumerate(places):
            penalty = float(options.penalties[place])
            predictor.start(point, penalty)
            found, condition = minimise(point, penalty, scale)
            real = minimise.refresh(point, penalty)
            gap = minimise.certify(point, penalty, condition)
            predictor.note(point, penalty)
            scale = found.scale
            points[place] = PathPoint(
                penalty=penalty,
                objective=point.objective(penalty),
                duality_gap=gap,
                iterations=found.iterations,
                converged=found.converged and real,
                precision=precision,
                score=judge(point.flat),
            )
            flats[row] = self._arrays.get(point.flat)
        classifiers = _outward(problem, flats, classes)
        return _Part(points, dict(zip(places, classifiers, strict=True)), problem.multiplications)


class _Judge:
    """Scores of candidate solutions on the validation set."""

    def __init__(
        self,
        problem: Problem,
        classes: npt.NDArray[np.int64],
        validation: Examples | None,
        metric: Metric,
    ) -> None:
        self._problem, self._classes, self._metric = problem, classes, metric
        self._labels = None if validation is None else validation.labels
        self._seen = None if validation is None else problem.design.others(validation.features)

    def __call__(self, flat: Array) -> float | None:
        if self._labels is None:
            return None
        weights, intercepts = self._problem.split(flat)
        logits = self._problem.arrays.get(weights @ self._seen + intercepts[:, None])
        return score(logits, self._classes, self._labels, self._metric)


def _width(labels: npt.NDArray[Any]) -> int:
    """Classes at most."""
    return int(labels.shape[1] if labels.ndim == 2 else labels.max() + 1)


def _first(problem: Problem, start: Classifier | None, classes: npt.NDArray[np.int64]) -> Array:
    """Weights of 0 and the best intercepts for them, or those of a classifier."""
    if start is None:
        return problem.join(np.zeros((problem.classes, problem.width)), problem.loss.offsets)
    if not np.array_equal(start.classes, classes):
        raise DataError("The classifier to start from knows other classes.")
    design = problem.design
    intercepts = start.intercepts + start.weights.astype(np.float64) @ design.mean
    return problem.join(design.inward(start.weights), intercepts)


def _outward(
    problem: Problem, flats: npt.NDArray[Any], classes: npt.NDArray[np.int64]
) -> list[Classifier]:
    cut = problem.classes * problem.width
    inner = flats[:, :cut].reshape(len(flats), problem.classes, problem.width)
    weights = problem.design.outward(inner)
    intercepts = flats[:, cut:] - weights.astype(np.float64) @ problem.design.mean
    return [Classifier(w, b, classes) for w, b in zip(weights, intercepts, strict=True)]


def _ordered(
    train: Examples,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Class ids, labels as the loss wants them, and the order of the rows that goes with these."""
    if train.multilabel:
        return (
            np.arange(train.labels.shape[1]),
            train.labels,
            np.arange(len(train)),
        )
    classes, numbers = np.unique(train.labels, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    return classes.astype(np.int64), numbers[order], order


def _loss(arrays: Arrays, train: Examples, labels: npt.NDArray[Any], precision: str) -> Loss:
    if not train.multilabel:
        if labels[-1] == 0:
            raise DataError(
                "The training set shows one class only.", "A probe needs examples of two or more."
            )
        return Softmax(arrays, labels)
    counts = labels.sum(axis=0)
    bad = np.flatnonzero((counts == 0) | (counts == len(labels)))
    if bad.size:
        who = "no" if counts[bad[0]] == 0 else "every"
        raise DataError(
            f"{who.capitalize()} training example shows class {bad[0]}.",
            "Leave the class out: its intercept would be infinite.",
        )
    return Sigmoid(arrays, labels, dtype=precision)
