"""What is true and who is reliable, from the answers alone: the model of Dawid and Skene.

Every question has one true value, and every worker gives wrong answers at rates of their own.  Both
are estimated together by expectation maximisation.  The answers are sparse: a worker sees few of the
questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from freshset.stats.types import FloatArray

_LEAST = 1e-10


@dataclass(frozen=True, slots=True)
class Consensus:
    """Estimates of `dawid_skene`.

    Attributes
    ----------
    probability
        Of each value being the true one, shape (questions, values).
    prior
        Share of each value among the questions, shape (values,).
    confusion
        Probability of a worker's answer given the true value, shape (workers, values, values): true
        value first.
    log_likelihood
        Of the answers.
    rounds
        Rounds of estimation.
    converged
        Whether the last one changed the mean log-likelihood by less than the tolerance.
    """

    probability: FloatArray
    prior: FloatArray
    confusion: FloatArray
    log_likelihood: float
    rounds: int
    converged: bool

    @property
    def accuracy(self) -> FloatArray:
        """Probability that a worker's answer is the true one, shape (workers,)."""
        diagonal = np.diagonal(self.confusion, axis1=1, axis2=2)
        return np.asarray(diagonal @ self.prior)


def dawid_skene(
    answers: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
    *,
    weight: npt.ArrayLike | None = None,
    one_coin: bool = False,
    rounds: int = 200,
    tolerance: float = 1e-7,
) -> Consensus:
    """Estimate true values and the workers' rates of error.

    Parameters
    ----------
    answers
        Question, worker and value of each answer: ids from 0, each of shape (answers,).  Every id up
        to the largest is taken to exist.
    weight
        Of each answer, shape (answers,), 1 by default.  "Maybe" is two answers of weight 1/2.
    one_coin
        One rate of error a worker, spread evenly over the wrong values, in place of a whole table.
    rounds
        Most rounds.
    tolerance
        Change of the log-likelihood per answer at which to stop.

    Raises
    ------
    ValueError
        For arrays of different lengths, negative ids or weights, no answers, fewer than two values, or
        no rounds.

    Notes
    -----
    Starts from the shares of the answers.  An EM estimate can be mirrored where most workers are wrong
    most of the time.

    References
    ----------
    Dawid and Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM
    algorithm", JRSS C 28:20.  One coin: Zhang et al. (2016), JMLR 17:1, section 2.
    """
    question, worker, value, weights = _checked(answers, weight)
    if rounds < 1:
        raise ValueError("at least one round is needed")
    n_values = int(value.max()) + 1
    if n_values < 2:
        raise ValueError("with one value there is nothing to estimate")
    shape = (int(question.max()) + 1, (int(worker.max()) + 1) * n_values)
    # One column a worker and value: both steps of EM are products with this matrix.
    given = sparse.csr_array((weights, (question, worker * n_values + value)), shape=shape)
    back = sparse.csr_array(given.T)
    probability = _start(question, value, weights, n_values)
    total, before, done, converged = float(weights.sum()), -np.inf, 0, False
    while done < rounds and not converged:
        done += 1
        prior = probability.mean(axis=0)
        confusion = _confusion(np.asarray(back @ probability), n_values, one_coin=one_coin)
        score = given @ np.log(confusion).transpose(0, 2, 1).reshape(-1, n_values)
        score = np.asarray(score) + np.log(np.maximum(prior, _LEAST))
        top = score.max(axis=1, keepdims=True)
        probability = np.exp(score - top)
        norm = probability.sum(axis=1, keepdims=True)
        probability /= norm
        likelihood = float((np.log(norm) + top).sum())
        converged = abs(likelihood - before) < tolerance * total
        before = likelihood
    return Consensus(probability, prior, confusion, before, done, converged)


def _confusion(counts: FloatArray, n_values: int, *, one_coin: bool) -> FloatArray:
    """Rates from expected counts, shape (workers * values given, true values)."""
    table = counts.reshape(-1, n_values, n_values).transpose(0, 2, 1)
    if one_coin:
        right = np.trace(table, axis1=1, axis2=2) / np.maximum(table.sum(axis=(1, 2)), _LEAST)
        right = np.clip(right, _LEAST, 1 - _LEAST)[:, None, None]
        same = np.eye(n_values, dtype=bool)
        return np.asarray(np.where(same, right, (1 - right) / (n_values - 1)))
    table = np.maximum(table, _LEAST)
    return np.asarray(table / table.sum(axis=2, keepdims=True))


def _start(
    question: npt.NDArray[np.int64],
    value: npt.NDArray[np.int64],
    weights: FloatArray,
    n_values: int,
) -> FloatArray:
    """Shares of the values among the answers; even where a question has none."""
    size = (int(question.max()) + 1) * n_values
    counts = np.bincount(question * n_values + value, weights, minlength=size)
    counts = counts.reshape(-1, n_values)
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(
        np.divide(counts, total, out=np.full(counts.shape, 1 / n_values), where=total > 0)
    )


def _checked(
    answers: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike], weight: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], FloatArray]:
    question, worker, value = (np.asarray(part, dtype=np.int64) for part in answers)
    weights = np.ones(len(question)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not question.shape == worker.shape == value.shape == weights.shape or question.ndim != 1:
        raise ValueError("questions, workers, values and weights must be equally many")
    if question.size == 0:
        raise ValueError("there are no answers")
    if min(question.min(), worker.min(), value.min()) < 0 or not np.all(weights >= 0):
        raise ValueError("ids and weights must not be negative")
    return question, worker, value, weights
