"""Who was here a moment ago, so that the busiest requests need not ask the database each time.

A person who is blocked, or gets another role, by this app is read anew at once.  Another process that
changes the same database may take up to `SECONDS` to be noticed, and only by requests that workers make
all the time (the next task, drafts, submissions, pictures); every other request asks the database.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from freshset.replication.people import Person

SECONDS = 10.0
MOST = 10_000
"""People who are remembered."""


class Known:
    """People by id, for a short time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[Person | None, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, person_id: str) -> Person | None:
        """Somebody as known a moment ago; ``None`` when the database must be asked."""
        person, since = self._kept.get(person_id, (None, 0.0))
        return person if self._clock() - since < SECONDS else None

    def put(self, person_id: str, person: Person) -> None:
        """Remember what the database says, unless that may change right now."""
        kept, since = self._kept.get(person_id, (person, 0.0))
        if kept is not None or self._clock() - since >= SECONDS:
            self._keep(person_id, person)

    def forget(self, person_id: str) -> None:
        """Ask the database about somebody who is about to change, or just has.

        Nothing is remembered for a while, as a request that reads meanwhile may see either state.
        """
        self._keep(person_id, None)

    def _keep(self, person_id: str, person: Person | None) -> None:
        with self._lock:
            self._kept[person_id] = (person, self._clock())
            self._kept.move_to_end(person_id)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
