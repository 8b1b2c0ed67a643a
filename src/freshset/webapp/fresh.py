"""What takes long to compute, remembered until the log of the project grows."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from freshset.replication.journal import head_of
from freshset.replication.tables import log

if TYPE_CHECKING:
    from freshset.webapp.services import Services

Value = TypeVar("Value")

MOST = 64
"""Values that are kept at a time, those used last."""


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    head: Any = None
    value: Any = None
    since: float = float("-inf")


class Memory:
    """Values by key; read it by `remembered`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def of(self, key: Hashable) -> _Kept:
        """What is kept under a key, maybe nothing yet."""
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return kept


def remembered(
    services: Services,
    key: Hashable,
    compute: Callable[[], Value],
    *,
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
    seconds
        Least age at which new entries of the log count; submissions of workers are entries too, and
        come many times a second.
    who
        Whose entries count at once, so that people see what they did.

    Raises
    ------
    Exception
        Whatever `compute` raises; then nothing is remembered.
    """
    kept = services.memory.of(key)
    with kept.lock:
        with services.project.read() as connection:
            head = head_of(connection)
            good = kept.head is not None and (
                head == kept.head
                or (
                    time.monotonic() - kept.since < seconds
                    and not (who and _did(connection, who, int(kept.head["seq"])))
                )
            )
        if not good:
            # What is computed may be newer than the head, never older.
            since = time.monotonic()
            kept.value = compute()
            kept.head, kept.since = head, since
        value: Value = kept.value
        return value


def _did(connection: sa.Connection, who: str, since: int) -> bool:
    query = sa.select(log.c.seq).where(log.c.seq > since, log.c.who == who).limit(1)
    return connection.execute(query).first() is not None
