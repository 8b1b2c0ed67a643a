"""The probe of a study: choose a penalty on the validation set, then learn from all that is labelled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.classifier import Classifier
from freshset.transfer.probe.examples import Examples, checked
from freshset.transfer.probe.path import ProbeOptions, logreg_path
from freshset.transfer.probe.results import PathPoint, ProbePath

# The final fit is one penalty, warm-started: a hundred times the sweep's precision costs little.
_REFIT_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted probe.

    Attributes
    ----------
    path
        All penalties, learned on the training set and scored on the validation set.
    penalty
        The one chosen.
    classifier
        Learned at that penalty from training and validation set together.
    refit
        Its objective and certificate.
    """

    path: ProbePath
    penalty: float
    classifier: Classifier
    refit: PathPoint

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the result should know."""
        found = self.path.warnings
        if not self.refit.converged:
            found += ("The tolerance was not reached in the final fit; see its duality gap.",)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without the weights."""
        return {
            "schema": "freshset.probe/1",
            "path": self.path.to_dict(),
            "penalty": self.penalty,
            "refit": self.refit.to_dict(),
            "warnings": list(self.warnings),
        }


def fit_probe(
    train: Examples,
    validation: Examples,
    options: ProbeOptions | None = None,
    *,
    refit_tolerance: float = _REFIT_TOLERANCE,
) -> Probe:
    """Choose a penalty on a validation set and learn again from both sets.

    Parameters
    ----------
    train, validation
        Of one dimension and kind of labels.
    options
        Of the path.
    refit_tolerance
        Of the final fit, which starts at the chosen solution.

    Returns
    -------
    Probe
        The penalty is the one with the best validation score; of equal scores the largest.

    Raises
    ------
    DataError, UsageError
        As `logreg_path`.

    References
    ----------
    Kornblith, Shlens and Le (2019), arXiv 1805.08974: "retrained on train + val"; the rule for ties is
    ours, since the paper states none.
    """
    options = options or ProbeOptions()
    train = checked(train, "training")
    validation = checked(validation, "validation", train)
    path = logreg_path(train, validation, options)
    penalty = path.points[path.chosen].penalty
    both = Examples(
        np.concatenate([train.features, validation.features]),
        np.concatenate([train.labels, validation.labels]),
    )
    again = replace(options, penalties=np.array([penalty]), tolerance=refit_tolerance)
    start = with_classes(path.classifier(path.chosen), both.labels)
    refit = logreg_path(both, None, again, start=start)
    return Probe(path, penalty, refit.classifier(0), refit.points[0])


def with_classes(classifier: Classifier, labels: npt.NDArray[Any]) -> Classifier:
    """A classifier with a row for each class of some labels, as a place to start from.

    A class that it does not know gets weights of 0 and the lowest intercept.
    """
    if labels.ndim == 2:
        return classifier
    classes = np.unique(labels).astype(np.int64)
    weights = np.zeros((len(classes), classifier.weights.shape[1]), classifier.weights.dtype)
    intercepts = np.full(len(classes), classifier.intercepts.min())
    at = np.searchsorted(classes, classifier.classes)
    weights[at], intercepts[at] = classifier.weights, classifier.intercepts
    return Classifier(weights, intercepts, classes)
