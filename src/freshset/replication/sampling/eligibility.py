"""Which candidates a sample may take, and the first reason why it may not take the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from freshset.core.frequencies import Frequencies
from freshset.stats.bins import at_least
from freshset.stats.types import BoolArray

REASONS = (
    "blacklisted",
    "few-answers",
    "below-threshold",
    "near-duplicate",
    "unreviewed",
    "other-class",
)
"""Why a candidate is not eligible, in the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a candidate eligible.

    Attributes
    ----------
    min_answers
        Answers that an image needs for its class.
    thresholds
        Least selection frequency by class; a class that is not named has none.
    distances
        By metric, the distance up to which all neighbours of an image must have been reviewed.
    """

    min_answers: int = 0
    thresholds: Mapping[str, float] | None = None
    distances: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Barred:
    """Images that no class may have.

    Attributes
    ----------
    blacklisted
        Ids of images that people excluded.
    near_duplicates
        Ids of images that are too close to an original image, or to one that is kept in their place.
    reviewed
        By metric and id, the distance below which all neighbours of an image have been reviewed.
        An image that is not named has had no review.
    """

    blacklisted: Collection[str] = ()
    near_duplicates: Collection[str] = ()
    reviewed: Mapping[str, Mapping[str, float]] | None = None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Every candidate with its frequency, and whether it is eligible.

    Attributes
    ----------
    candidates
        One row per image and class, sorted by class and then by id; shape (n,).
    reason
        Index into `REASONS` of the first that holds, -1 where the candidate is eligible; shape (n,).
    """

    candidates: Frequencies
    reason: npt.NDArray[np.int8]

    @property
    def eligible(self) -> Frequencies:
        """The candidates that a sample may take, sorted by class and then by id."""
        return self.candidates[self.reason < 0]

    def counts(self) -> dict[str, dict[str, int]]:
        """By class, how many candidates are ``eligible`` and how many each reason excludes."""
        names = ("eligible", *REASONS)
        of_row, classes = pd.factorize(self.candidates.class_keys)
        table = np.zeros((len(classes), len(names)), dtype=np.int64)
        np.add.at(table, (of_row, self.reason.astype(np.int64) + 1), 1)
        return {
            str(key): {name: int(n) for name, n in zip(names, row, strict=True) if n}
            for key, row in zip(classes, table, strict=True)
        }


def judge(candidates: Frequencies, barred: Barred, limits: Limits) -> Eligibility:
    """Decide for every candidate whether a sample may take it.

    Parameters
    ----------
    candidates
        Every image with every class it is a candidate of, answers or not.
    barred
        What people and the search for duplicates say about images.
    limits
        What is asked of a candidate.

    Returns
    -------
    Eligibility
        Sorted by class and id, whatever the order of `candidates`.

    Notes
    -----
    The order of `REASONS` is that of ImageNetV2 (Recht et al. 2019, appendix B); only the last is
    new.  A test set holds an image once, so one that is eligible for several classes stays so for the
    class with its highest frequency, and of equal ones the first by key.  An image is reviewed when
    the distance below which all its neighbours are reviewed is strictly above the limit.
    """
    rows = candidates[candidates.order()]
    reason = np.full(len(rows), -1, dtype=np.int8)
    for code, fails in enumerate(
        (
            _among(rows.item_ids, barred.blacklisted),
            ~(rows.answers >= limits.min_answers),
            _below(rows, limits.thresholds or {}),
            _among(rows.item_ids, barred.near_duplicates),
            _unreviewed(rows.item_ids, barred.reviewed or {}, limits.distances or {}),
        )
    ):
        reason[(reason < 0) & fails] = code
    reason[_claimed_elsewhere(rows, reason < 0)] = REASONS.index("other-class")
    return Eligibility(rows, reason)


def _among(item_ids: npt.NDArray[Any], some: Collection[str]) -> BoolArray:
    wanted = some if isinstance(some, (set, frozenset)) else frozenset(some)
    return np.array([one in wanted for one in item_ids.tolist()], dtype=bool)


def _below(rows: Frequencies, thresholds: Mapping[str, float]) -> BoolArray:
    if not thresholds:
        return np.zeros(len(rows), dtype=bool)
    limits = np.array([thresholds.get(key, -1.0) for key in rows.class_keys.tolist()])
    asked = limits >= 0
    out = np.zeros(len(rows), dtype=bool)
    if asked.any():
        some = rows[asked]
        out[asked] = ~at_least(some.selected, some.answers, limits[asked])
    return out


def _unreviewed(
    item_ids: npt.NDArray[Any],
    reviewed: Mapping[str, Mapping[str, float]],
    distances: Mapping[str, float],
) -> BoolArray:
    out = np.zeros(len(item_ids), dtype=bool)
    for metric, limit in distances.items():
        bounds = reviewed.get(metric, {})
        out |= np.array([bounds.get(one, 0.0) <= limit for one in item_ids.tolist()], dtype=bool)
    return out


def _claimed_elsewhere(rows: Frequencies, eligible: BoolArray) -> npt.NDArray[np.int64]:
    """Rows of images that are eligible for a class with a higher frequency."""
    ids = rows.item_ids[eligible].tolist()
    if len(set(ids)) == len(ids):
        return np.empty(0, dtype=np.int64)
    value = np.nan_to_num(rows.value, nan=-1.0)
    best: dict[str, int] = {}
    lost = []
    for row in np.flatnonzero(eligible).tolist():  # by class, so that the first of equals stays
        item = rows.item_ids[row]
        other = best.setdefault(item, row)
        if other != row:
            keep, drop = (row, other) if value[row] > value[other] else (other, row)
            best[item] = keep
            lost.append(drop)
    return np.array(lost, dtype=np.int64)
