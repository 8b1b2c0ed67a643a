"""The pool of a class as people look through it: frequencies, why an image is out, target and stock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import DataError, NotFoundError, UsageError, did_you_mean
from freshset.core.frequencies import Frequencies
from freshset.replication.duplicates.state import renewed
from freshset.replication.sampling.choose import Ground
from freshset.replication.sampling.eligibility import REASONS, Eligibility
from freshset.replication.sampling.plan import Plan, plan_of
from freshset.replication.sampling.pools import Pools
from freshset.replication.spec import Spec
from freshset.stats.bins import at_least, bin_names, frequency_bins
from freshset.stats.types import BoolArray, IntArray

Order = Literal["highest", "lowest", "id"]
ORDERS: tuple[Order, ...] = get_args(Order)

STATES = ("all", "eligible", "unlabelled", *REASONS)
"""What an image may be asked to be: ``unlabelled`` has no answers, the others are reasons."""

_EDGES = tuple(number / 10 for number in range(1, 10))


@dataclass(frozen=True, slots=True)
class Pool:
    """All candidates of a project, with what a draw would make of them.

    Attributes
    ----------
    spec
        In force.
    pools
        Images with their answers.
    eligibility
        Candidates sorted by class and id.
    plan
        What the spec asks for; ``None`` where the original does not show it yet.
    lacking
        Why there is no plan; empty where there is one.
    """

    spec: Spec
    pools: Pools
    eligibility: Eligibility
    plan: Plan | None
    lacking: str

    def of_class(self, key: str) -> ClassPool:
        """Candidates of one class.

        Raises
        ------
        NotFoundError
            When the spec has no such class.
        """
        if key not in self.spec.by_key:
            raise NotFoundError(f"No class {key!r}.", did_you_mean(key, self.spec.by_key))
        rows = self.eligibility.candidates
        first, last = (int(np.searchsorted(rows.class_keys, key, s)) for s in ("left", "right"))
        here = slice(first, last)  # rows are sorted by class
        return ClassPool(key, rows[here], self.eligibility.reason[here].astype(np.int64))


@dataclass(frozen=True, slots=True)
class ClassPool:
    """Candidates of one class, sorted by id.

    Attributes
    ----------
    rows
        Shape (n,).
    reason
        As of `freshset.replication.sampling.eligibility.Eligibility`, shape (n,).
    """

    class_key: str
    rows: Frequencies
    reason: IntArray


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see of a class.

    Attributes
    ----------
    low, high
        Least and largest selection frequency; images without answers are there when both ends are
        open, 0 and 1.
    state
        One of `STATES`.
    order
        ``highest`` or ``lowest`` frequency first, those without answers last, or by ``id``.
    """

    low: float = 0.0
    high: float = 1.0
    state: str = "all"
    order: Order = "highest"

    def check(self) -> None:
        """Check the values.

        Raises
        ------
        UsageError
            For one that makes no sense.
        """
        if not 0 <= self.low <= self.high <= 1:
            raise UsageError(
                f"No frequency lies between {self.low:g} and {self.high:g}.",
                "Give two of 0 to 1, the lower one first.",
            )
        for name, known in ((self.state, STATES), (self.order, ORDERS)):
            if name not in known:
                raise UsageError(f"No {name!r} here.", did_you_mean(name, known))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One image of a class's pool; ``reason`` is empty where it is eligible."""

    item_id: str
    selected: float
    answers: float
    reason: str

    @property
    def value(self) -> float | None:
        """Selection frequency, ``None`` without answers."""
        return self.selected / self.answers if self.answers else None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self) | {"frequency": self.value}


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some of what was wanted: ``images`` from place ``start`` on, of ``total``."""

    total: int
    start: int
    images: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One group of a class.

    Attributes
    ----------
    name
        Of the group: a bin, a keyword, or ``all``.
    target
        Images wanted; ``None`` where the spec asks nothing of the group, or that is not known yet.
    stock
        Images that are eligible.
    others
        Images that have answers and are not eligible.
    """

    name: str
    target: int | None
    stock: int
    others: int

    @property
    def missing(self) -> int:
        """Images that lack."""
        return max(0, (self.target or 0) - self.stock)


def pool_of(connection: sa.Connection, ground: Ground) -> Pool:
    """All candidates of a project, after what reviewers have said by now.

    Parameters
    ----------
    ground
        Of some time, as of `freshset.replication.sampling.choose.read_ground`.
    """
    spec, pools = ground.spec, ground.pools
    eligibility = ground.judged(renewed(connection, ground.state))
    try:
        plan, lacking = plan_of(spec, pools.originals, pools.original_keywords), ""
    except DataError as error:
        plan, lacking = None, error.message
    return Pool(spec, pools, eligibility, plan, lacking)


def leaf(pool: ClassPool, wanted: Wanted, *, start: int = 0, most: int = 60) -> Leaf:
    """Turn to a page of what is wanted.

    Raises
    ------
    UsageError
        When what is wanted makes no sense.
    """
    wanted.check()
    found = np.flatnonzero(_matches(pool, wanted))
    if wanted.order != "id":
        value = pool.rows.value[found]
        sign = -1.0 if wanted.order == "highest" else 1.0
        # Stable, so that equal ones stay in the order of their ids; nan comes last.
        found = found[np.argsort(sign * value, kind="stable")]
    some = found[start : start + most]
    rows, names = pool.rows[some], ("", *REASONS)
    columns = (rows.item_ids.tolist(), rows.selected.tolist(), rows.answers.tolist())
    reasons = [names[code + 1] for code in pool.reason[some].tolist()]
    images = tuple(Candidate(*one) for one in zip(*columns, reasons, strict=True))
    return Leaf(len(found), start, images)


def states_of(pool: ClassPool) -> dict[str, int]:
    """How many images are in each of `STATES`; those that nobody is in are left out."""
    counts = {"all": len(pool.rows), "unlabelled": int((pool.rows.answers == 0).sum())}
    for code, name in enumerate(("eligible", *REASONS), -1):
        counts[name] = int((pool.reason == code).sum())
    return {name: counts[name] for name in STATES if counts[name] or name == "all"}


def bars_of(pool: Pool, key: str) -> tuple[Bar, ...]:
    """Target against stock by group, low to high; by bins of the spec where there is no plan."""
    own, plan = pool.of_class(key), pool.plan
    if plan is None:
        edges = pool.spec.sampling.bins
        return _bars(own, frequency_bins(own.rows.selected, own.rows.answers, edges), edges)
    groups = plan.groups_of(own.rows, pool.pools.candidate_keywords)
    return _count(own, groups, dict(zip(plan.names[key], plan.targets[key], strict=True)))


def spread_of(pool: ClassPool) -> tuple[Bar, ...]:
    """Eligible and other images by tenths of the selection frequency."""
    return _bars(pool, frequency_bins(pool.rows.selected, pool.rows.answers, _EDGES), _EDGES)


def _matches(pool: ClassPool, wanted: Wanted) -> BoolArray:
    rows, state = pool.rows, wanted.state
    if state == "unlabelled":
        here = rows.answers == 0
    elif state == "eligible":
        here = pool.reason < 0
    elif state == "all":
        here = np.ones(len(rows), dtype=bool)
    else:
        here = pool.reason == REASONS.index(state)
    if (wanted.low, wanted.high) == (0, 1):
        return np.asarray(here)
    # At most so many said yes when at least the others said no; images without answers are neither.
    rest = round(1 - wanted.high, 9)
    here = here & at_least(rows.selected, rows.answers, wanted.low)
    return np.asarray(here & at_least(rows.answers - rows.selected, rows.answers, rest))


def _bars(pool: ClassPool, groups: IntArray, edges: tuple[float, ...]) -> tuple[Bar, ...]:
    return _count(pool, groups, dict.fromkeys(bin_names(edges)))


def _count(pool: ClassPool, groups: IntArray, targets: Mapping[str, int | None]) -> tuple[Bar, ...]:
    in_group = groups >= 0
    stock = np.bincount(groups[in_group & (pool.reason < 0)], minlength=len(targets))
    other = in_group & (pool.reason >= 0) & (pool.rows.answers > 0)
    others = np.bincount(groups[other], minlength=len(targets))
    return tuple(
        Bar(name, target, int(there), int(rest))
        for (name, target), there, rest in zip(targets.items(), stock, others, strict=True)
    )
