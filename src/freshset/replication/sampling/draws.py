"""How the images of one class are drawn from its stock.

MatchedFrequency, Threshold, random and keyword-quota draws are one rule, `Stratified`: each group of
a class has its number of images; those of the revision before stay, and the rest is drawn.  The groups
are bins of the selection frequency, keywords, or a single one for the whole class.  TopImages, `Top`,
draws nothing.

Draws use `random.Random`, whose ``sample`` has been stable since Python 3.2, so that what was drawn in
2018 and what is drawn today come from one code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol

from freshset.replication.sampling.stocks import Stock

How = Literal["kept", "drawn", "upward"]


@dataclass(frozen=True, slots=True)
class Pick:
    """One image of a sample.

    Attributes
    ----------
    group, slot
        The group it is of, and the one it is counted for: higher by an upward draw, else the same.
    how
        ``kept`` from the revision before, ``drawn``, or ``upward`` for want of images in its slot.
    """

    item_id: str
    class_key: str
    selected: float
    answers: float
    group: int
    slot: int
    how: How


@dataclass(frozen=True, slots=True)
class Drawn:
    """The images of one class.

    Attributes
    ----------
    picks
        Group by group, the kept ones first.
    missing
        By group, how many images could not be found.
    """

    picks: tuple[Pick, ...]
    missing: tuple[int, ...]


class Strategy(Protocol):
    """A way to draw the images of a class."""

    def draw(self, stock: Stock, targets: Sequence[int], rng: Random) -> Drawn:
        """Draw ``targets[g]`` images for each group g of one class.

        Draws depend on the order of the stock, on nothing else but `rng`.
        """


@dataclass(frozen=True, slots=True)
class Stratified:
    """Keep what the revision before had in each group, and draw the rest at random.

    Attributes
    ----------
    upward
        Whether a missing image may come from the nearest higher group that has one left: of the
        revision before first, else at random.  Never from a lower one.
    surplus
        What is drawn where a group kept more than its number: those that stay (``stay``, as in
        ImageNetV2) or those that go (``go``, as in CIFAR-10.1).  The chances are the same.

    Notes
    -----
    Recht et al. (2019), appendix B.  ``upward`` is their last resort where people liked few images of
    a class; it makes the set easier than it was meant to be, so every such draw is marked.
    """

    upward: bool = False
    surplus: Literal["stay", "go"] = "stay"

    def draw(self, stock: Stock, targets: Sequence[int], rng: Random) -> Drawn:
        """Draw the images of one class; see `Strategy`."""
        count = len(targets)
        old: list[list[int]] = [[] for _ in range(count)]
        new: list[list[int]] = [[] for _ in range(count)]
        for row, (group, previous) in enumerate(zip(stock.groups, stock.previous, strict=True)):
            (old if previous else new)[group].append(row)
        picks: list[list[Pick]] = []
        for group, target in enumerate(targets):
            stay = self._stay(old[group], target, rng)
            missing = target - len(stay)
            # A short group is taken whole, in order, without a draw.
            come = new[group] if len(new[group]) <= missing else rng.sample(new[group], missing)
            old[group] = _without(old[group], stay)
            new[group] = _without(new[group], come)
            picks.append(
                [_pick(stock, row, group, "kept") for row in stay]
                + [_pick(stock, row, group, "drawn") for row in come]
            )
        if self.upward:
            for group, target in enumerate(targets):
                for _ in range(target - len(picks[group])):
                    found = _from_above(old, new, group, rng)
                    if found is None:
                        break
                    picks[group].append(_pick(stock, found, group, "upward"))
        short = (target - len(one) for target, one in zip(targets, picks, strict=True))
        return Drawn(tuple(one for group in picks for one in group), tuple(short))

    def _stay(self, rows: list[int], target: int, rng: Random) -> list[int]:
        if len(rows) <= target:
            return list(rows)
        if self.surplus == "go":
            return _without(rows, rng.sample(rows, len(rows) - target))
        return rng.sample(rows, target)


@dataclass(frozen=True, slots=True)
class Top:
    """Take the images with the highest selection frequency.

    Notes
    -----
    TopImages of Recht et al. (2019), appendix B: of equal frequencies those with more answers come
    first, then those of the revision before, then those with the higher id.
    """

    def draw(self, stock: Stock, targets: Sequence[int], rng: Random) -> Drawn:
        """Take the images of one class, best first; see `Strategy`."""
        del rng  # there is nothing to draw

        def rank(row: int) -> tuple[float, float, bool, str]:
            n = stock.answers[row]
            value = stock.selected[row] / n if n else -1.0
            return value, n, stock.previous[row], stock.item_ids[row]

        (target,) = targets
        best = sorted(range(len(stock)), key=rank, reverse=True)[:target]
        picks = (_pick(stock, row, 0, "kept" if stock.previous[row] else "drawn") for row in best)
        return Drawn(tuple(picks), (target - len(best),))


def _pick(stock: Stock, row: int, slot: int, how: How) -> Pick:
    return Pick(
        stock.item_ids[row], stock.class_key, stock.selected[row], stock.answers[row],
        stock.groups[row], slot, how,
    )  # fmt: skip


def _without(rows: list[int], some: list[int]) -> list[int]:
    gone = set(some)
    return [row for row in rows if row not in gone]


def _from_above(old: list[list[int]], new: list[list[int]], group: int, rng: Random) -> int | None:
    """Take a row out of the nearest higher group that has one, or return ``None``."""
    for higher in range(group + 1, len(new)):
        rows = old[higher] or new[higher]
        if rows:
            return rows.pop(rng.randrange(len(rows)))
    return None
