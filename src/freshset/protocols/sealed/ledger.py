"""The ledger of a holdout: a file of entries that only grows, each with the digest of the one before.

One line is one entry, as canonical JSON.  `head.json` beside it has place and digest of the last entry;
it is written after the entry, and an answer is given only after both.  So a crash leaves at most one
entry more than the head knows, or half a line, and neither was ever answered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes, write_atomic
from freshset.protocols.sealed.cipher import Key

_HINT = "Restore the folder from a copy, and find out who wrote to it."


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes
    ----------
    seq
        Its place, from 1; times may go back where a clock did, places never do.
    at
        UTC.
    who
        Who did it, as they said.
    action
        ``seal``, ``evaluate`` or ``open``; a leaderboard also writes ``board``, ``choose``, ``close``.
    model
        What was evaluated, as they called it.
    submission
        SHA-256 of the predictions.
    revealed
        What was shown.
    note
        ``clock`` where the clock went back (the time of the entry before), ``torn`` where a half
        line of a stopped writer was removed (its bytes), ``token`` by which a leaderboard knows a
        submission that was sent twice.
    secret
        What only the key opens: how many were right, and the state of the policy.
    previous, digest
        SHA-256 of the entry before, and of this one with `previous` and `signature` in it.
    signature
        HMAC of all the rest under the key, so that nobody without it can write an entry.
    """

    seq: int
    at: str
    who: str
    action: str
    model: str = ""
    submission: str = ""
    revealed: Mapping[str, Any] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    secret: str = ""
    previous: str = ""
    digest: str = ""
    signature: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)

    @property
    def line(self) -> bytes:
        """The entry as it stands in the file."""
        return canonical_json(self.to_dict()) + b"\n"

    def digest_without(self, *names: str) -> str:
        """Digest of all that the entry says, but for some of its fields."""
        body = {name: value for name, value in self.to_dict().items() if name not in names}
        return sha256_bytes(canonical_json(body))

    def closed(self, key: Key) -> Entry:
        """The entry with signature and digest; the digest covers the signature, too."""
        signature = key.sign(self.digest_without("digest", "signature"))
        signed = replace(self, signature=signature)
        return replace(signed, digest=signed.digest_without("digest"))

    def is_whole(self, key: Key | None) -> bool:
        """Whether the entry is as it was closed; the signature is checked with the key only."""
        if self.digest != self.digest_without("digest"):
            return False
        return key is None or self.signature == key.sign(self.digest_without("digest", "signature"))


@dataclass(frozen=True, slots=True)
class Read:
    """A ledger as it was read and found to be whole.

    Attributes
    ----------
    entries
        All, in order.
    torn
        Bytes of a half line at the end, which a stopped writer left and nobody was answered on.
    behind
        Whether the head lacks the last entry, because its writer was stopped before answering.
    """

    entries: tuple[Entry, ...]
    torn: int = 0
    behind: bool = False

    @property
    def head(self) -> str:
        """Digest of the last entry, to be noted elsewhere."""
        return self.entries[-1].digest if self.entries else ""


class Ledger:
    """The two files of a ledger.

    Parameters
    ----------
    folder
        Where ``ledger.jsonl`` and ``head.json`` are.
    """

    def __init__(self, folder: Path) -> None:
        # Entrants of a leaderboard see messages, too, and need not know where a server keeps it.
        self.place = folder.resolve().name
        self.path = folder / "ledger.jsonl"
        self.head = folder / "head.json"
        # What was checked already, by which key: the same bytes need not be checked again.
        self._checked: tuple[str, bytes, tuple[Entry, ...]] = ("", b"", ())

    def read(self, key: Key | None = None, *, known: str = "") -> Read:
        """Read and check everything.

        Parameters
        ----------
        key
            To check the signatures as well.
        known
            Digest of an entry that must be there, as somebody noted it elsewhere; it covers all
            entries up to that one.

        Raises
        ------
        DataError
            At the first entry that is not as it was written, or when some are missing.
        """
        try:
            data = self.path.read_bytes()
            head_bytes = self.head.read_bytes()
        except OSError as error:
            name = Path(error.filename or "").name
            raise DataError(f"{self.place}/{name}: cannot be read.", _HINT) from error
        entries, torn = self._whole_lines(data, key)
        behind = self._compare_head(head_bytes, entries)
        if torn and behind:
            raise DataError(
                f"{self.place}/{self.path.name}: the end is not as it was written.", _HINT
            )
        if known and known not in {entry.digest for entry in entries}:
            raise DataError(
                f"{self.place}/{self.path.name}: no entry has the digest {known}.", _HINT
            )
        return Read(entries, torn, behind)

    def _whole_lines(self, data: bytes, key: Key | None) -> tuple[tuple[Entry, ...], int]:
        """Entries of all whole lines, and the bytes of what follows the last one."""
        by = "" if key is None else key.id
        known, seen, entries = self._checked
        if known != by or not data.startswith(seen):
            seen, entries = b"", ()
        lines = data[len(seen) :].split(b"\n")
        entries = (*entries, *self._entries(lines[:-1], key, entries))
        torn = len(lines[-1])
        self._checked = (by, data[: len(data) - torn], entries)
        return entries, torn

    def _entries(
        self, lines: Sequence[bytes], key: Key | None, before: Sequence[Entry]
    ) -> Iterator[Entry]:
        """Check lines that follow entries."""
        previous = before[-1].digest if before else ""
        for seq, line in enumerate(lines, start=len(before) + 1):
            entry = _parsed(line)
            good = (
                entry is not None
                and (entry.seq, entry.previous) == (seq, previous)
                and entry.is_whole(key)
            )
            if entry is None or not good:
                raise DataError(
                    f"{self.place}/{self.path.name}: entry {seq} is missing or not as it was written.",
                    _HINT,
                )
            previous = entry.digest
            yield entry

    def _compare_head(self, data: bytes, entries: Sequence[Entry]) -> bool:
        """Compare with the head; return whether it lacks the last entry."""
        if data == _head(entries):
            return False
        if len(entries) > 1 and data == _head(entries[:-1]):
            return True
        raise DataError(
            f"{self.place}/{self.path.name}: it does not end where {self.head.name} says; it was cut short, or one "
            "of the two was changed.",
            _HINT,
        )

    def append(self, read: Read, entry: Entry, key: Key) -> Entry:
        """Append an entry, durably; the caller holds the lock and has just read the ledger.

        Parameters
        ----------
        read
            As `read` gave it.
        entry
            Without place, time, previous digest and signature.
        """
        note = dict(entry.note)
        if read.torn:
            _cut(self.path, read.torn)
            note["torn"] = read.torn
        at, last = datetime.now(UTC).isoformat(timespec="microseconds"), read.entries[-1:]
        if last and at < last[0].at:
            note["clock"] = last[0].at
        place = len(read.entries) + 1
        whole = replace(entry, seq=place, at=at, note=note, previous=read.head).closed(key)
        if read.behind:  # the entry of a stopped writer counts from now on
            write_atomic(self.head, _head(read.entries))
        _append(self.path, whole.line)
        write_atomic(self.head, _head((*read.entries, whole)))
        return whole


def _head(entries: Sequence[Entry]) -> bytes:
    if not entries:
        return b""
    return canonical_json({"seq": entries[-1].seq, "digest": entries[-1].digest}) + b"\n"


def _parsed(line: bytes) -> Entry | None:
    """Read an entry; ``None`` unless the line is exactly what the entry would be written as."""
    try:
        data = json.loads(line)
        if set(data) != {one.name for one in fields(Entry)}:
            return None
        entry = Entry(**data)
        return entry if entry.line == line + b"\n" else None
    except (ValueError, TypeError, RecursionError):
        return None


def _append(path: Path, line: bytes) -> None:
    """Append bytes and wait until they are on disk; a failure leaves the file as it was."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(handle).st_size
        try:
            done = 0
            while done < len(line):
                done += os.write(handle, line[done:])
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def _cut(path: Path, torn: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(-torn, os.SEEK_END)
        stream.truncate()
        os.fsync(stream.fileno())
