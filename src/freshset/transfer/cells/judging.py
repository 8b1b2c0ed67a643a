"""What logits say: answers, and their score by the metric of the data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.transfer.datasets.base import Part
from freshset.transfer.probe.scores import Metric, score


def judge(part: Part, metric: Metric, logits: npt.NDArray[Any]) -> float:
    """Score logits on a part.

    Parameters
    ----------
    logits
        Shape (n, classes), columns as class ids.

    Returns
    -------
    float
        A fraction.
    """
    return score(logits.T, np.arange(logits.shape[1]), part.targets, metric, part.ignored)


def answers(part: Part, logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Class ids, shape (n,), int32; for several labels decisions, shape (n, classes), bool.

    A class is decided for where its sigmoid is above one half; of equal logits the lowest id wins.
    """
    if part.targets.ndim == 2:
        return np.asarray(logits > 0)
    found: npt.NDArray[Any] = logits.argmax(axis=1).astype(np.int32)
    return found


def spread(
    scores: npt.NDArray[Any], classes: npt.NDArray[np.int64], n_classes: int
) -> npt.NDArray[Any]:
    """Give scores a column for each class id; a class that was never learned has -inf."""
    out = np.full((len(scores), n_classes), -np.inf, dtype=scores.dtype)
    out[:, classes] = scores
    return out
