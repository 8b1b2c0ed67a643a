"""How many draws it takes until every kind that is wanted has come often enough."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import integrate, special

from freshset.stats.types import FloatArray


@dataclass(frozen=True, slots=True)
class Need:
    """One condition: so many draws of any of these kinds.

    Attributes
    ----------
    kinds
        Numbers of the kinds, from 0.
    count
        Draws of them together.
    """

    kinds: tuple[int, ...]
    count: int


def needs_of(missing: Sequence[int], *, upward: bool = False) -> tuple[Need, ...]:
    """Conditions for filling groups that lack images.

    Parameters
    ----------
    missing
        Target minus stock of each group; negative where there is a surplus.
    upward
        Whether a group may be filled with the surplus of a higher one.  Then what counts is, for every
        group, that it and all higher ones together have enough.
    """
    if not upward:
        return tuple(Need((kind,), int(n)) for kind, n in enumerate(missing) if n > 0)
    suffix = np.cumsum(np.asarray(missing)[::-1])[::-1]
    return tuple(
        Need(tuple(range(kind, len(missing))), int(n)) for kind, n in enumerate(suffix) if n > 0
    )


def expected_draws(needs: Sequence[Need], probabilities: FloatArray) -> float:
    """Expected number of draws until every need is met; infinite where a kind cannot come.

    Parameters
    ----------
    needs
        Of kinds that do not overlap.
    probabilities
        Of each kind, shape (kinds,); they may add up to less than 1.

    Raises
    ------
    ValueError
        When needs overlap, or these are no probabilities.

    Notes
    -----
    If draws come at rate 1 in time, those of the kinds are independent Poisson processes, and by
    Wald's identity the expected number equals the expected time
    ``integral of 1 - prod_j P(Poisson(p_j t) >= d_j)`` (Holst 1986, "On birthday, collectors',
    occupancy and other classical urn problems").
    """
    rates = np.array([_checked(probabilities)[list(need.kinds)].sum() for need in needs])
    counts = np.array([need.count for need in needs], dtype=np.float64)
    kinds = [kind for need in needs for kind in need.kinds]
    if len(set(kinds)) != len(kinds):
        raise ValueError("needs must not overlap")
    if not needs:
        return 0.0
    if (rates <= 0).any():
        return float("inf")
    # In units of the slowest need, beyond which the integrand vanishes.
    scale = float((counts / rates).max())

    def waiting(t: float) -> float:
        return 1 - float(np.prod(special.gammainc(counts, rates * scale * t)))

    parts = [0.0, 0.5, 1.0, 1.5, 2.0, 4.0, 10.0, 60.0]
    pieces = (integrate.quad(waiting, a, b)[0] for a, b in itertools.pairwise(parts))
    return scale * float(sum(pieces))


def simulate_draws(
    needs: Sequence[Need], probabilities: FloatArray, *, times: int, rng: np.random.Generator
) -> FloatArray:
    """Simulated numbers of draws until every need is met, shape (times,); infinite where it cannot be.

    Parameters
    ----------
    needs
        May overlap.
    probabilities
        Of each kind, shape (kinds,), or (times, kinds) where they are not known exactly; each adds up
        to at most 1.

    Raises
    ------
    ValueError
        When these are no probabilities.

    Notes
    -----
    As in `expected_draws` kinds come as Poisson processes: the time is when the last need is met, and
    the number what has come by then, of all kinds.
    """
    p = _checked(probabilities)
    p = np.broadcast_to(p, (times, p.shape[-1]))
    if not needs:
        return np.zeros(times)
    most = max(need.count for need in needs)
    with np.errstate(divide="ignore"):
        gaps = rng.exponential(size=(*p.shape, most)) / p[:, :, None]
    come = np.cumsum(gaps, axis=2)
    end = np.zeros(times)
    for need in needs:
        together = come[:, list(need.kinds)].reshape(times, -1)
        end = np.maximum(end, np.partition(together, need.count - 1, axis=1)[:, need.count - 1])
    out = np.full(times, np.inf)
    met = np.isfinite(end)
    p, come, end = p[met], come[met], end[met]
    counted = (come <= end[:, None, None]).sum(axis=(1, 2))
    # What came of a kind after the last arrival that was drawn, and of no kind at all.
    last = np.where(np.isfinite(come[:, :, -1]), come[:, :, -1], end[:, None])
    counted += rng.poisson(np.maximum(end[:, None] - last, 0) * p).sum(axis=1)
    counted += rng.poisson(np.maximum(0.0, 1 - p.sum(axis=1)) * end)
    out[met] = counted
    return out


def _checked(probabilities: FloatArray) -> FloatArray:
    p = np.asarray(probabilities, dtype=np.float64)
    if not (p >= 0).all() or (p.sum(axis=-1) > 1 + 1e-9).any():
        raise ValueError("probabilities must be positive and add up to at most 1")
    return p
