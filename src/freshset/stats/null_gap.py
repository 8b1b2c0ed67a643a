"""A null test: how much gap does matching on noisy frequencies make where there is none?

The images, answers and models of one set play both sets.  A few answers of every image decide how
often it is in the pool of the "new" set; the other answers are what both are matched on.  At equal
true frequency both hold the same images, so the true gap is 0, and what an estimator shows is its
own doing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freshset.stats.corrections import ESTIMATORS, BiasOptions, corrected_gaps
from freshset.stats.matching import Judged
from freshset.stats.types import FloatArray


@dataclass(frozen=True, slots=True)
class NullTest:
    """Gaps where the true gap is 0 (fractions).

    Attributes
    ----------
    votes
        Answers an image that made the pool harder, and took no part in the matching.
    answers
        Answers an image that were matched on.
    gaps
        By repetition, estimator (in the order of `ESTIMATORS`) and model, shape
        (repetitions, 4, models).
    """

    votes: int
    answers: int
    gaps: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean gap of each estimator over repetitions and models, shape (4,)."""
        return np.asarray(self.gaps.mean(axis=(0, 2)))

    @property
    def sd(self) -> FloatArray:
        """Standard deviation over repetitions of the gap averaged over models, shape (4,)."""
        return np.asarray(self.gaps.mean(axis=2).std(axis=0, ddof=1))

    def at_least(self, gap: float, estimator: str = "naive") -> float:
        """Share of repetitions, this gap counted in, whose mean gap is at least as far from 0."""
        null = np.abs(self.gaps[:, ESTIMATORS.index(estimator)].mean(axis=1))
        return float((1 + np.count_nonzero(null >= abs(gap))) / (1 + len(null)))


def null_test(
    items: Judged,
    *,
    rng: np.random.Generator,
    tilt: FloatArray | None = None,
    repetitions: int = 20,
    resample: bool = True,
    options: BiasOptions | None = None,
) -> NullTest:
    """Run the estimators where the true gap is 0.

    Parameters
    ----------
    items
        Images with their answers, and models on them.
    tilt
        Weight in the pool of an image that 0, 1, ... of the votes selected, shape (votes + 1,); by
        default two fifths of the answers vote, and the weight falls from 1 to 0.
    repetitions
        Each splits the answers anew.
    resample
        Also draw the images of both sets anew, so that repetitions vary as two sets of this size
        would; without, they show the bias alone.
    options
        Of the estimators, on the answers that are left.

    Raises
    ------
    ValueError
        When fewer than 2 answers are left to match on, or the tilt is empty.
    """
    options = options or BiasOptions()
    n = np.rint(items.answers).astype(np.int64)
    k = np.rint(items.selected).astype(np.int64)
    known = int(np.quantile(n[n > 0], 0.05, method="lower")) if np.any(n > 0) else 0
    weight = np.linspace(1, 0, max(1, 2 * known // 5) + 1) if tilt is None else np.asarray(tilt)
    votes = len(weight) - 1
    if votes < 1 or not np.all(weight >= 0) or not np.any(weight > 0):
        raise ValueError("a tilt needs a weight of at least 0 for 0, 1, ... votes")
    if known - votes < 2:
        raise ValueError(f"{known} answers an image are too few: {votes} vote, and 2 must be left")
    enough = np.flatnonzero(n >= votes + 2)
    gaps = []
    for _ in range(repetitions):
        rows = [rng.choice(enough, size=len(enough)) if resample else enough for _ in range(2)]
        voted = [rng.hypergeometric(k[r], n[r] - k[r], votes) for r in rows]
        if not resample:
            # One split for both: what they differ in is the tilt alone.
            voted[1] = voted[0]
        tilts = (np.ones(len(enough)), weight[voted[1]])
        old, new = (
            Judged(
                (k[r] - v).astype(float),
                (n[r] - votes).astype(float),
                items.correct[:, r],
                items.weight[r] * w,
            )
            for r, v, w in zip(rows, voted, tilts, strict=True)
        )
        gaps.append(corrected_gaps(old, new, rng=rng, options=options))
    return NullTest(votes, options.answers or known - votes, np.stack(gaps))


def tilt_towards(old: Judged, new: Judged, votes: int) -> FloatArray:
    """Weights that make the old set's images, by a few votes, as hard as the new set's.

    Parameters
    ----------
    old, new
        The two sets; of the new one its pool counts, if there is one.
    votes
        Answers of every image that vote.

    Raises
    ------
    ValueError
        When no number of votes occurs in both.

    Returns
    -------
    ndarray, shape (votes + 1,)
        At most 1.  The votes are noisy, so the pool ends up somewhat nearer to the old set than the
        new set is, and the test is mild rather than harsh.
    """
    shares = [side.distribution(votes) for side in (old, new)]
    if not np.any(shares[0] * shares[1]):
        raise ValueError("the sets have no selection frequency in common")
    ratio = np.divide(shares[1], shares[0], out=np.zeros(votes + 1), where=shares[0] > 0)
    return np.asarray(ratio / ratio.max())
