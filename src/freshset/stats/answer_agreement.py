"""How far people who were asked the same question agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from freshset.stats.types import FloatArray


def percent_agreement(counts: npt.ArrayLike) -> float:
    """Share of pairs of answers to one question that agree, the mean over questions.

    Parameters
    ----------
    counts
        Answers by question and value, shape (questions, values).  Questions with fewer than two
        answers say nothing and are left out.

    Raises
    ------
    ValueError
        When no question has two answers, or a count is negative.

    References
    ----------
    Fleiss (1971), Psychological Bulletin 76:378, there called P-bar.
    """
    table = _paired(counts)
    n = table.sum(axis=1)
    return float(np.mean((table * (table - 1)).sum(axis=1) / (n * (n - 1))))


def krippendorff_alpha(counts: npt.ArrayLike) -> float:
    """Krippendorff's alpha for nominal values; questions may differ in their number of answers.

    Parameters
    ----------
    counts
        Answers by question and value, shape (questions, values).

    Returns
    -------
    float
        1 for full agreement, 0 for what chance would give.  1 also when all answers are one value,
        where nothing can disagree.

    Raises
    ------
    ValueError
        When no question has two answers, or a count is negative.

    Notes
    -----
    ``1 - D_o / D_e``, with the observed disagreement ``D_o = sum_u sum_v n_uv (n_u - n_uv) / (n_u - 1)``
    and the expected one from the counts of the values alone, ``D_e = (n^2 - sum_v n_v^2) / (n - 1)``,
    both times n: no table of all pairs of answers is made.

    References
    ----------
    Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section E.
    """
    table = _paired(counts)
    n = table.sum(axis=1)
    observed = float(((table * (n[:, None] - table)).sum(axis=1) / (n - 1)).sum())
    values, total = table.sum(axis=0), float(n.sum())
    expected = float(total**2 - (values**2).sum()) / (total - 1)
    return 1.0 if expected == 0 else 1 - observed / expected


def fleiss_kappa(counts: npt.ArrayLike) -> float:
    """Fleiss' kappa, for questions with equally many answers.

    Parameters
    ----------
    counts
        Answers by question and value, shape (questions, values).

    Returns
    -------
    float
        1 for full agreement, 0 for what chance would give; 1 when all answers are one value.

    Raises
    ------
    ValueError
        When questions have different numbers of answers, or fewer than two.

    References
    ----------
    Fleiss (1971), "Measuring nominal scale agreement among many raters", Psychological Bulletin
    76:378.
    """
    table = _counts(counts)
    n = table.sum(axis=1)
    if len(table) == 0 or n[0] < 2 or np.any(n != n[0]):
        raise ValueError(
            "Fleiss' kappa needs equally many answers, at least two, to every question"
        )
    chance = float(((table.sum(axis=0) / table.sum()) ** 2).sum())
    return 1.0 if chance == 1 else (percent_agreement(table) - chance) / (1 - chance)


def answer_counts(
    question: npt.NDArray[np.integer], value: npt.NDArray[np.integer], n_values: int
) -> FloatArray:
    """Count answers by question and value.

    Parameters
    ----------
    question, value
        Ids from 0, one an answer, shape (answers,).
    n_values
        Number of possible values.

    Returns
    -------
    ndarray, shape (questions, n_values)
    """
    rows = int(question.max()) + 1 if question.size else 0
    flat = np.bincount(question * n_values + value, minlength=rows * n_values)
    table: FloatArray = flat.astype(np.float64).reshape(rows, n_values)
    return table


def _counts(counts: npt.ArrayLike) -> FloatArray:
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("counts must have one row a question and one column a value")
    if not np.all(table >= 0):
        raise ValueError("counts must not be negative")
    return table


def _paired(counts: npt.ArrayLike) -> FloatArray:
    """Questions with two answers or more."""
    table = _counts(counts)
    table = np.compress(table.sum(axis=1) >= 2, table, axis=0)
    if len(table) == 0:
        raise ValueError("no question has two answers")
    return table
