"""Cells that look broken: checks on matrices, shared by ``lint`` and ``compare``."""

from __future__ import annotations

import numpy as np

from freshset.core.records import Matrix
from freshset.generalization.scores import Scores
from freshset.stats.fits import MIN_MODELS, clip_accuracy, robust_residuals, transform
from freshset.stats.topk import is_worst_first
from freshset.stats.types import FloatArray

# Sound models of the published archives stay below 10 MADs; the broken file there is at 95.
OUTLIER_MADS = 15.0
_MIN_FOR_OUTLIERS = 8


def worst_first(matrix: Matrix) -> tuple[str, ...]:
    """Models whose last stored prediction is right more often than the first."""
    return tuple(
        model
        for model, rank, k in zip(matrix.models, matrix.label_rank, matrix.k, strict=True)
        if is_worst_first(rank, k)
    )


def off_the_line(p_old: FloatArray, n_old: int, p_new: FloatArray, n_new: int) -> FloatArray:
    """Distance of every model from the robust probit line, in MADs, shape (models,).

    Zeros with fewer than 8 models, or where all old accuracies are equal.
    """
    if p_old.size < max(_MIN_FOR_OUTLIERS, MIN_MODELS) or np.ptp(p_old) == 0:
        return np.zeros(p_old.size)
    x = transform(clip_accuracy(p_old, n_old), "probit")
    y = transform(clip_accuracy(p_new, n_new), "probit")
    return robust_residuals(x, y)


def suspicious(scores: Scores) -> tuple[str, ...]:
    """Warnings that a comparison must carry: cells it uses that look broken."""
    out = []
    for matrix in (scores.matrix_old, scores.matrix_new):
        if matrix is None:
            continue
        out += [
            f"{model} on {matrix.testset} looks stored worst-first: its last prediction is right "
            "more often than its first. Import again with --repair worst-first, or --exclude it."
            for model in worst_first(matrix)
        ]
    named = {text.split(" on ")[0] for text in out}
    distance = off_the_line(scores.accuracy_old, scores.n_old, scores.accuracy_new, scores.n_new)
    out += [
        f"{model} is {abs(mads):.0f} MADs {'below' if mads < 0 else 'above'} the robust line: look "
        "at its predictions before you believe the fit ('freshset lint' says more)."
        for model, mads in zip(scores.models, distance, strict=True)
        if abs(mads) > OUTLIER_MADS and model not in named
    ]
    return tuple(out)
