"""A whole sample: every class drawn in order, then shuffled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from freshset.replication.sampling.draws import Drawn, Pick, Strategy
from freshset.replication.sampling.stocks import Stock

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Sample:
    """The images of a test set, and what could not be had.

    Attributes
    ----------
    picks
        In the order of the test set, which is random.
    missing
        By class that lacks images and by group, how many; empty for a valid sample.
    upward
        By class and by slot, how many images an upward draw filled.
    """

    picks: tuple[Pick, ...]
    missing: Mapping[str, tuple[int, ...]]
    upward: Mapping[str, tuple[int, ...]]

    @property
    def is_valid(self) -> bool:
        """Whether every class has its number of images."""
        return not self.missing


def draw_sample(
    strategy: Strategy,
    stocks: Sequence[Stock],
    targets: Mapping[str, Sequence[int]],
    rng: Random,
) -> Sample:
    """Draw a sample.

    Parameters
    ----------
    strategy
        How a class is drawn.
    stocks
        Of the classes that have eligible images; see `freshset.replication.sampling.stocks_of`.
    targets
        Images by class and by group; these are all classes of the sample.
    rng
        Draws all of it: the classes in order of their keys, then the shuffle.

    Returns
    -------
    Sample
        Shorter than the targets where images lack; it says where.
    """
    by_class = {stock.class_key: stock for stock in stocks}
    drawn: dict[str, Drawn] = {}
    for key in sorted(targets):
        stock = by_class.get(key, Stock(key, (), (), (), (), ()))
        drawn[key] = strategy.draw(stock, targets[key], rng)
    picks = [pick for one in drawn.values() for pick in one.picks]
    upward = {key: _upward(one, len(targets[key])) for key, one in drawn.items()}
    return Sample(
        tuple(shuffled(picks, rng)),
        {key: one.missing for key, one in drawn.items() if any(one.missing)},
        {key: counts for key, counts in upward.items() if any(counts)},
    )


def shuffled(things: Sequence[Thing], rng: Random) -> list[Thing]:
    """Return things in random order."""
    out = list(things)
    rng.shuffle(out)
    return out


def unshuffled(things: Sequence[Thing], rng: Random) -> list[Thing]:
    """Return what `shuffled` was given, from what it returned and its generator."""
    order = shuffled(range(len(things)), rng)
    out = list(things)
    for source, thing in zip(order, things, strict=True):
        out[source] = thing
    return out


def _upward(one: Drawn, groups: int) -> tuple[int, ...]:
    counts = [0] * groups
    for pick in one.picks:
        counts[pick.slot] += pick.how == "upward"
    return tuple(counts)
