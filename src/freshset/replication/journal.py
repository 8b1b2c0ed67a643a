"""The log of a project: entries that are only ever added, each with the digest of the one before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa

from freshset.core.errors import DataError, UsageError
from freshset.core.files import canonical_json, sha256_bytes
from freshset.replication.databases import Prepared, rows_given
from freshset.replication.tables import log, settings

SCHEMA = "freshset.log/1"
_HEAD = "log"
_PIECE = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log.

    Attributes
    ----------
    seq
        Its place, from 1; times may go back where a clock did, places never do.
    at
        UTC.
    action
        Such as ``candidates.collect`` or ``revision.freeze``.
    subject
        What it was done to: an image, a class, a revision; empty for the whole project.
    detail
        Plain values: counts, and what was before and after.  Where the clock went back, ``clock`` has
        the time of the entry before.
    previous, digest
        SHA-256 of the entry before, and of this one with `previous` in it.
    """

    seq: int
    at: str
    who: str
    action: str
    subject: str
    why: str
    detail: Mapping[str, Any]
    previous: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Change:
    """A change under way: one transaction, and its entry in the log.

    Attributes
    ----------
    connection
        Of the transaction.
    at
        Time of the change, as the tables hold it.
    who
        Who makes it.
    detail
        What the entry will say, as plain values; may be added to until the change ends.
    """

    connection: sa.Connection
    at: str
    who: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are looked for; what is empty is not asked.

    Attributes
    ----------
    action
        Begin of the action.
    who, subject
        Exactly so.
    text
        Occurs in the reason, in capitals or not.
    since, until
        Times as the tables hold them: at the first and later, and before the second.
    """

    action: str = ""
    who: str = ""
    subject: str = ""
    text: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, *, since: str = "", until: str = "", **rest: str) -> Self:
        """Make a filter from what people type: dates or times in ISO form, in UTC where no zone is said.

        A date as ``until`` is a day that still counts.

        Raises
        ------
        UsageError
            When something is no date, or holds what no text of a database can.
        """
        typed = {name: text.strip() for name, text in rest.items()}
        if any("\0" in text for text in typed.values()):
            raise UsageError("No entry holds such a letter.", "Look for plain text.")
        return cls(since=_moment(since), until=_moment(until, end=True), **typed)


def now() -> str:
    """Return the time in UTC as the tables hold it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def begin_change(connection: sa.Connection, who: str, detail: Mapping[str, Any]) -> Change:
    """Begin a change, once no other is under way; see `wait_for_turn`."""
    wait_for_turn(connection)
    return Change(connection, now(), who, dict(detail))


def wait_for_turn(connection: sa.Connection) -> None:
    """On PostgreSQL, wait until no other change is under way, so that the log is one chain.

    SQLite has only one writing transaction at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE log IN EXCLUSIVE MODE")


class Chain:
    """The end of a log within one transaction; its new entries are written at once, by `write`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        query = sa.select(log.c.seq, log.c.at, log.c.digest).order_by(log.c.seq.desc()).limit(1)
        last = connection.execute(query).first()
        self._begun = last is not None
        self._seq = 0 if last is None else int(last.seq)
        self._at = "" if last is None else str(last.at)
        self._digest = "" if last is None else str(last.digest)
        self._new: list[Entry] = []

    def append(self, change: Change, action: str, subject: str, why: str) -> Entry:
        """End a change: add its entry."""
        if change.at < self._at:
            change.detail["clock"] = {"before": self._at}
        # As the database will give it back: keys are texts, and there are no tuples.
        detail = json.loads(json.dumps(change.detail, allow_nan=False))
        body = (
            self._seq + 1, change.at, change.who, action, subject, why, detail, self._digest,
        )  # fmt: skip
        entry = Entry(*body, digest=_digest(*body))
        self._seq, self._at, self._digest = entry.seq, entry.at, entry.digest
        self._new.append(entry)
        return entry

    def write(self) -> None:
        """Write what was added."""
        if not self._new:
            return
        rows = [entry.to_dict() for entry in self._new]
        if self._connection.dialect.name == "sqlite":
            self._connection.execute(sa.insert(log), rows)
        else:
            texts = [row | {"detail": json.dumps(row["detail"])} for row in rows]
            _INSERT.run_for(self._connection, texts)
        head = {"seq": self._seq, "digest": self._digest}
        if self._begun:
            update = sa.update(settings).where(settings.c.key == _HEAD).values(value=head)
            self._connection.execute(update)
        else:
            self._connection.execute(sa.insert(settings), [{"key": _HEAD, "value": head}])
        self._begun, self._new = True, []


def append(change: Change, action: str, subject: str, why: str) -> Entry:
    """End a change that is all of its transaction: write its entry."""
    chain = Chain(change.connection)
    entry = chain.append(change, action, subject, why)
    chain.write()
    return entry


def verify(entries: Iterable[Entry], head: Any, *, where: str, known: str = "") -> int:
    """Check a log.

    Parameters
    ----------
    entries
        All, in order.
    head
        What the database has as place and digest of the last one.
    where
        What to call the log in messages.
    known
        Digest of an entry that must be there, as somebody noted it outside the database; it covers
        all entries up to that one.

    Returns
    -------
    int
        How many entries there are.

    Raises
    ------
    DataError
        At the first entry that is not as it was written, or when some are missing.
    """
    hint = "Restore the database from a copy."
    previous, count, seen = "", 0, not known
    for entry in entries:
        count += 1
        body = (
            entry.seq, entry.at, entry.who, entry.action, entry.subject, entry.why,
            dict(entry.detail), entry.previous,
        )  # fmt: skip
        if entry.seq != count or entry.previous != previous or entry.digest != _digest(*body):
            raise DataError(
                f"{where}: entry {count} of the log is missing or not as it was written.", hint
            )
        previous = entry.digest
        seen = seen or previous == known
    if head != {"seq": count, "digest": previous}:
        raise DataError(f"{where}: the log does not end with entry {count}.", hint)
    if not seen:
        raise DataError(f"{where}: no entry of the log has the digest {known}.", hint)
    return count


def head_of(connection: sa.Connection) -> Any:
    """Place and digest of the last entry, as they are kept beside the log."""
    query = sa.select(settings.c.value).where(settings.c.key == _HEAD)
    return connection.execute(query).scalar_one_or_none()


def read_entries(connection: sa.Connection, action: str = "", subject: str = "") -> Iterator[Entry]:
    """All entries in order, or those of an action (a prefix) or subject."""
    wanted = Filter(action=action, subject=subject)
    query = sa.select(log).where(*_conditions(wanted)).order_by(log.c.seq)
    for row in connection.execute(query):
        yield Entry(*row)


def search(
    connection: sa.Connection, wanted: Filter, *, before: int = 0, limit: int = 50
) -> list[Entry]:
    """Find entries, the newest first.

    Parameters
    ----------
    before
        Only entries of a smaller ``seq``, which is how one page follows another; 0 for the newest.
    limit
        Most entries that are returned.
    """
    c = log.c
    query = sa.select(log).order_by(c.seq.desc()).limit(limit)
    if before:
        query = query.where(c.seq < before)
    return [Entry(*row) for row in connection.execute(query.where(*_conditions(wanted)))]


def log_lines(connection: sa.Connection, wanted: Filter) -> Iterator[str]:
    """Write entries as lines of JSON, oldest first and a piece at a time.

    The first line says what follows: the schema, the filter, how many ``rows`` there are when all have
    come, and the last entry of the whole log, whether it is among them or not.
    """
    conditions = _conditions(wanted)
    count = sa.select(sa.func.count()).select_from(log).where(*conditions)
    header = {
        "schema": SCHEMA,
        "filter": asdict(wanted),
        "rows": int(connection.execute(count).scalar_one()),
        "head": head_of(connection),
    }
    yield _line(header)
    query = sa.select(log).where(*conditions).order_by(log.c.seq)
    # PostgreSQL's driver would fetch all rows at once without it.
    with connection.execution_options(yield_per=_PIECE).execute(query) as result:
        for part in result.partitions():
            yield "".join(_line(Entry(*row).to_dict()) for row in part)


def _line(body: Any) -> str:
    return canonical_json(body).decode() + "\n"


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    c, out = log.c, []
    if wanted.action:
        out.append(c.action.startswith(wanted.action, autoescape=True))
    if wanted.who:
        out.append(c.who == wanted.who)
    if wanted.subject:
        out.append(c.subject == wanted.subject)
    if wanted.text:
        out.append(c.why.icontains(wanted.text, autoescape=True))
    if wanted.since:
        out.append(c.at >= wanted.since)
    if wanted.until:
        out.append(c.at < wanted.until)
    return out


def _moment(text: str, *, end: bool = False) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        if end and len(text) <= len("2026-01-31"):
            moment += timedelta(days=1)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no time.", "Write a day such as 2026-01-31, or 2026-01-31T12:00."
        ) from error


def _insert(dialect: str) -> sa.Executable:
    """All entries at once, on PostgreSQL, for which each would be a statement of its own."""
    kinds = {c.name: sa.Integer if c.name == "seq" else sa.String for c in log.c}
    rows = rows_given(dialect, **kinds)
    values = {c.name: sa.cast(c, log.c[c.name].type) for c in rows.c}
    return sa.insert(log).from_select(list(values), sa.select(*values.values()))


_INSERT = Prepared(_insert)


def _digest(*body: Any) -> str:
    return sha256_bytes(canonical_json(list(body)))
