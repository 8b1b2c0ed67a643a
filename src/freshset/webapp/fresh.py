"""What takes long to compute, remembered until the log of the project grows.

Whoever changes anything writes to the log, so that a value holds as long as the log has not grown.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from freshset.replication.journal import head_of
from freshset.replication.project import Project
from freshset.replication.tables import log

Value = TypeVar("Value")

MOST = 64
"""Values that are kept at a time, those used last."""


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    head: int = -1
    value: Any = None
    since: float = float("-inf")


class Memory:
    """Values of a project by key."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def of(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        *,
        actions: Collection[str] = (),
        seconds: float = 0.0,
        who: str = "",
    ) -> Value:
        """Return what was computed before, as long as nothing has happened in the project since.

        Whoever asks while another computes the same waits for that.  To be called from threads, never
        from a coroutine.

        Parameters
        ----------
        key
            What is computed, with all that it depends on but the project.
        compute
            Reads the project.  Nobody may change what it returns.
        actions
            Whole names of actions whose entries count; all do where none is named.
        seconds
            Least age at which new entries of the log count; submissions of workers are entries too,
            and come many times a second.
        who
            Whose entries count at once, so that people see what they did.

        Raises
        ------
        Exception
            Whatever `compute` raises; then nothing is remembered.
        """
        kept = self._place(key)
        with kept.lock:
            with self._project.read() as connection:
                head = _head(connection, actions)
                young = time.monotonic() - kept.since < seconds
                good = head == kept.head or (
                    young and not _did(connection, who, actions, kept.head)
                )
            if not good:
                # What is computed may be newer than the head, never older.
                since = time.monotonic()
                kept.value = compute()
                kept.head, kept.since = head, since
            value: Value = kept.value
            return value

    def last(self, key: Hashable) -> Any:
        """What was computed last, however old; ``None`` where nothing was."""
        return self._place(key).value

    def _place(self, key: Hashable) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return kept


def _head(connection: sa.Connection, actions: Collection[str]) -> int:
    """Place of the last entry that counts."""
    if not actions:
        return int(head_of(connection)["seq"])
    # One by one, as an index then gives the last without a look at the millions before.
    last = sa.select(log.c.seq).order_by(log.c.seq.desc()).limit(1)
    each = [last.where(log.c.action == one).scalar_subquery() for one in sorted(actions)]
    return max((int(seq) for seq in connection.execute(sa.select(*each)).one() if seq), default=0)


def _did(connection: sa.Connection, who: str, actions: Collection[str], since: int) -> bool:
    """Whether somebody has done anything that counts since an entry."""
    query = sa.select(log.c.seq).where(log.c.seq > since, log.c.who == who).limit(1)
    if actions:
        query = query.where(log.c.action.in_(sorted(actions)))
    return bool(who) and connection.execute(query).first() is not None
