"""How fast requests may come, from one person and from one address.

Whoever is signed in has a bucket of their own, so that a class of students behind one address does
not share one; everybody else has that of the address.  What is worth guessing or repeating (links,
qualification) costs a token of a smaller bucket for each failure.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from freshset.webapp.errors import TooMany

MOST = 50_000
"""Buckets that are kept; the ones used longest ago go first, which by then have filled up."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests at once, and so many a second for ever."""

    burst: float
    per_second: float


PERSON = Rate(1_000, 50)
"""A page of the labelling grid asks for about 50 pictures."""
ADDRESS = Rate(400, 20)
FAILURES = Rate(20, 0.1)


class Buckets:
    """Token buckets by key.

    Parameters
    ----------
    most
        How many are kept.
    clock
        Seconds, never going back.
    """

    def __init__(
        self, rate: Rate, *, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def check(self, key: str) -> None:
        """Let a request through that does not cost anything yet.

        Raises
        ------
        TooMany
            When the bucket is empty.
        """
        level = self._level(key)
        if level < 1:
            raise TooMany((1 - level) / self._rate.per_second)

    def take(self, key: str) -> None:
        """Take a token.

        Raises
        ------
        TooMany
            When there is none.
        """
        self.check(key)
        self.charge(key)

    def charge(self, key: str) -> None:
        """Take a token, if need be the last part of one."""
        with self._lock:
            level = max(0.0, self._level(key) - 1)
            self._kept[key] = (level, self._clock())
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def _level(self, key: str) -> float:
        level, since = self._kept.get(key, (self._rate.burst, self._clock()))
        return min(self._rate.burst, level + (self._clock() - since) * self._rate.per_second)


class Limits:
    """The buckets of one app."""

    def __init__(self) -> None:
        self._people = Buckets(PERSON)
        self._addresses = Buckets(ADDRESS)
        self._failures = Buckets(FAILURES)

    def take_of_person(self, person_id: str) -> None:
        """Count a request of somebody who is signed in.

        Raises
        ------
        TooMany
            When they come too fast.
        """
        self._people.take(person_id)

    def take_of_place(self, place: str) -> None:
        """Count a request of a place where nobody is signed in; errors as of `take_of_person`."""
        self._addresses.take(place)

    def check_failures(self, key: str) -> None:
        """Refuse whoever failed too often of late.

        Raises
        ------
        TooMany
            Then.
        """
        self._failures.check(key)

    def failed(self, key: str) -> None:
        """Count a failure, such as a wrong link."""
        self._failures.charge(key)
