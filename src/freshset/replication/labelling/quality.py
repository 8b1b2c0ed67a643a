"""How good workers are at controls, and what is done about those who are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.replication.labelling.answer_table import AnswerTable
from freshset.replication.spec_sections import WorkersSpec
from freshset.stats.intervals import wilson
from freshset.stats.types import BoolArray, FloatArray, none_if_nan


@dataclass(frozen=True, slots=True)
class WorkerQuality:
    """Every worker's record on controls; all of shape (workers,).

    Attributes
    ----------
    workers
        Names.
    answers, controls
        All answers, and those to controls.
    right
        Controls answered right; "maybe" is half right.
    low, high
        Wilson interval of the accuracy on controls, nan without controls.
    failed
        Whether the accuracy is below the least that is asked, of those who saw enough controls.
    weight
        What an answer of the worker counts under the policy.
    """

    workers: npt.NDArray[np.object_]
    answers: FloatArray
    controls: FloatArray
    right: FloatArray
    low: FloatArray
    high: FloatArray
    failed: BoolArray
    weight: FloatArray

    @property
    def accuracy(self) -> FloatArray:
        """Share of controls answered right, nan without controls."""
        some = self.controls > 0
        unknown = np.full(len(some), np.nan)
        return np.asarray(np.divide(self.right, self.controls, out=unknown, where=some))

    def to_dict(self) -> list[dict[str, Any]]:
        """Return JSON-ready values, one entry a worker."""
        accuracy = self.accuracy
        return [
            {
                "worker": str(name),
                "answers": int(self.answers[row]),
                "controls": int(self.controls[row]),
                "right": float(self.right[row]),
                "accuracy": none_if_nan(accuracy[row]),
                "low": none_if_nan(self.low[row]),
                "high": none_if_nan(self.high[row]),
                "failed": bool(self.failed[row]),
                "weight": float(self.weight[row]),
            }
            for row, name in enumerate(self.workers.tolist())
        ]


def worker_quality(
    answers: AnswerTable, rules: WorkersSpec, *, level: float = 0.95
) -> WorkerQuality:
    """Measure workers on controls, and weigh them by the policy.

    Parameters
    ----------
    rules
        Policy and limits, declared in the spec before there were answers.
    level
        Of the intervals.

    Notes
    -----
    ``warn`` gives every answer weight 1 and ``drop`` gives 0 to those of workers who failed.
    ``weight`` counts an answer by the accuracy on controls above chance, ``max(0, 2 p - 1)``; who saw
    fewer controls than ``min_controls`` gets the weight of all workers together.  Without any
    controls all weigh 1.
    """
    n = len(answers.workers)
    control = ~np.isnan(answers.expected)
    hit = 1 - np.abs(answers.selected[control] - answers.expected[control])
    count = np.bincount(answers.worker, minlength=n).astype(np.float64)
    controls = np.bincount(answers.worker[control], minlength=n).astype(np.float64)
    right = np.bincount(answers.worker[control], hit, minlength=n).astype(np.float64)
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    some = controls > 0
    if some.any():
        interval = wilson(right[some], controls[some], level=level)
        low[some], high[some] = interval.low, interval.high
    share = np.divide(right, controls, out=np.full(n, np.nan), where=some)
    enough = controls >= rules.min_controls
    failed = enough & (share < rules.min_accuracy)
    weight = np.ones(n)
    if rules.policy == "drop":
        weight[failed] = 0
    elif rules.policy == "weight" and some.any():
        together = right.sum() / controls.sum()
        weight = np.maximum(0, 2 * np.where(enough, share, together) - 1)
    return WorkerQuality(answers.workers, count, controls, right, low, high, failed, weight)
