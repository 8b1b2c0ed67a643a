"""A leaderboard in a folder: submissions, choices, the end, and the private part once after it.

The folder holds ``board.json`` (rules and split), two sealed holdouts ``public`` and ``private``, and
``predictions``.  Every accepted submission is one entry of the public ledger.  The private part answers
nothing before the end, and then once for each entrant.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from freshset.core.errors import ConflictError, DataError, NotFoundError, UsageError
from freshset.core.files import sha256_file
from freshset.protocols.leaderboard import limits
from freshset.protocols.leaderboard.entrants import (
    Phase,
    choices,
    evaluations,
    final_submissions,
    phase_of,
)
from freshset.protocols.leaderboard.kept import Kept
from freshset.protocols.leaderboard.setup import BOARD, PREDICTIONS, PRIVATE, PUBLIC, read_setup
from freshset.protocols.leaderboard.standings import Ended, Standings, make_standings
from freshset.protocols.sealed.cipher import Key
from freshset.protocols.sealed.holdout import Holdout
from freshset.protocols.sealed.ledger import Entry
from freshset.protocols.sealed.submission import Submission
from freshset.stats.types import BoolArray

MODEL = 100
"""Letters that a model's name may have."""
TOKEN = 64
_LOCK = ".lock"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a submission.

    Attributes
    ----------
    seq, digest
        Place of its entry, and digest of the ledger with it, which proves later that it was there.
    at
        UTC.
    accuracy
        What the policy shows, a fraction; ``None`` where a budget is spent.
    improved
        Whether it is the best that the entrant was shown so far.
    left
        Submissions that the entrant has left for now; ``None`` without a limit.
    left_of_all
        Submissions that everybody together has left.
    repeated
        Whether the same had been sent before, so that this is the first answer again.
    """

    seq: int
    digest: str
    at: str
    model: str
    accuracy: float | None
    improved: bool
    left: int | None
    left_of_all: int
    repeated: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the document ``freshset.receipt/1``."""
        return {"schema": "freshset.receipt/1", **asdict(self)}


class Board:
    """A leaderboard, for many threads of one process and for other processes beside it.

    Parameters
    ----------
    folder
        As `make_board` made it.
    key
        Of the holdouts.
    clock
        Tells the time, UTC.

    Raises
    ------
    StoreError
        When there is none.
    UsageError
        For another key.
    """

    def __init__(
        self, folder: Path, key: Key, *, clock: Callable[[], datetime] = limits.now
    ) -> None:
        self.setup = read_setup(folder)
        self.folder, self._key, self._clock = folder, key, clock
        self._public, self._private = Holdout(folder / PUBLIC), Holdout(folder / PRIVATE)
        self._kept = Kept(folder / PREDICTIONS)
        self._sealed = sha256_file(folder / BOARD)
        for part in (self._public, self._private):
            part.check_key(key)
        # One thread at a time goes for the lock of the file, which is asked for again and again.
        self._turn = threading.Lock()
        self._made: tuple[tuple[str, str, Phase], Standings] | None = None
        with self._locked():
            self._read()

    def submit(
        self,
        submission: Submission,
        *,
        who: str,
        model: str,
        token: str = "",
        claimed: float | None = None,
    ) -> Receipt:
        """Answer a submission; it is on disk, with its entry in the ledger, when this returns.

        The same predictions of the same entrant with the same token are one submission, however often
        they are sent: the first answer comes again, and no look is used.

        Parameters
        ----------
        submission
            From `freshset.protocols.leaderboard.incoming.read_upload`.
        token
            Made up by the sender; a new one submits the same predictions once more.
        claimed
            Accuracy on data that the entrant knows, a fraction; for Thresholdout.

        Raises
        ------
        UsageError
            Without names, or a claim that is needed; no look is used.
        ConflictError
            After the end, or beyond a limit; no look is used.
        DataError
            When the ledger is not whole.
        """
        if len(token) > TOKEN or not token.isprintable() or len(model) > MODEL:
            raise UsageError(
                f"A model's name has up to {MODEL} letters and a token {TOKEN}.",
                "No look was used.",
            )
        with self._locked():
            entries, at = self._read(), self._clock()
            mine = evaluations(entries, who)
            same = (submission.digest, token)
            for one in mine:
                if (one.submission, one.note.get("token", "")) == same:
                    return self._receipt(one, entries, at, repeated=True)
            self._check_running(entries, at)
            self.setup.rules.limits.check_entrant(mine, at)
            # Before anything is kept: what is refused must not fill the disk.
            self._public.check_look(self._key, who=who, model=model, claimed=claimed)
            self._kept.put(submission)
            part = Submission(submission.classes[self.setup.is_public], submission.digest)
            self._public.evaluate(
                self._key, part, who=who, model=model, claimed=claimed, note={"token": token}
            )
            after = self._read()
            return self._receipt(after[-1], after, at, repeated=False)

    def history(self, who: str) -> tuple[tuple[Entry, ...], Entry | None]:
        """Submissions of one entrant in order, and the one that will count (or does)."""
        entries = self.entries()
        return tuple(evaluations(entries, who)), final_submissions(entries).get(who)

    def choose(self, seq: int, *, who: str) -> None:
        """Let one of an entrant's own submissions count in the end, in place of the best one.

        Raises
        ------
        NotFoundError
            When it is no submission of theirs.
        ConflictError
            After the end, or when they chose more often than they submitted.
        """
        with self._locked():
            entries = self._read()
            mine = evaluations(entries, who)
            if seq not in {one.seq for one in mine}:
                raise NotFoundError("You have no such submission.", "Choose one of your list.")
            self._check_running(entries, self._clock())
            made = choices(entries, who)
            if made and made[-1] == seq:
                return
            if len(made) >= len(mine):
                raise ConflictError(
                    "You chose as often as you submitted.", "Your last choice counts."
                )
            self._public.record(self._key, who=who, action="choose", revealed={"entry": seq})

    def close(self, *, who: str) -> None:
        """End submissions now; again, it changes nothing."""
        with self._locked():
            if self._phase(self._read()) == "running":
                self._public.record(self._key, who=who, action="close", revealed={})

    def open(self, *, who: str) -> None:
        """Score the private part once for each entrant, and reveal everything; again, it goes on.

        Raises
        ------
        ConflictError
            Before the end.
        DataError
            When predictions are missing or were changed; nothing was scored then.
        """
        with self._locked():
            entries = self._read()
            if self._phase(entries) == "running":
                raise ConflictError("Submissions have not ended.", "Close the leaderboard first.")
            if not any(one.action in {"close", "open"} for one in entries):
                # From here on it has ended whatever the clock may say.
                self._public.record(self._key, who=who, action="close", revealed={})
            finals = final_submissions(entries)
            kept = {name: self._kept.get(one.submission) for name, one in finals.items()}
            private = self._private.ledger.read(self._key).entries
            done = {one.who for one in evaluations(private)}
            if private[-1].action != "open":
                for name in sorted(finals.keys() - done):
                    self._score_private(kept[name], finals[name])
            self._private.open(self._key, who=who)
            self._public.open(self._key, who=who)

    def entries(self) -> tuple[Entry, ...]:
        """All entries of the public ledger, checked; secret but for the entrant's own."""
        with self._locked():
            return self._read()

    @property
    def phase(self) -> Phase:
        """Whether it is running, has ended, or was opened."""
        return self._phase(self.entries())

    def standings(self) -> Standings:
        """The board as everybody may see it."""
        with self._locked():
            entries, private = self._read(), self._private.ledger.read(self._key).entries
            phase = self._phase(entries)
        place = (entries[-1].digest, private[-1].digest, phase)
        made = self._made
        if made is None or made[0] != place:
            ended = self._ended(entries, private) if phase == "opened" else None
            made = (place, make_standings(self.setup, entries, phase, ended))
            self._made = made
        return made[1]

    def verify(self, *, known: str = "") -> tuple[Entry, ...]:
        """Check both ledgers, the rules and all predictions; returns the public entries.

        Parameters
        ----------
        known
            Digest of a receipt.

        Raises
        ------
        DataError
            When anything was changed, removed, cut off or added.
        """
        with self._locked():
            entries = self._public.verify(self._key, known=known).entries
            private = self._private.verify(self._key).entries
            sealed = sha256_file(self.folder / BOARD)
            self._check_rules(entries, sealed)
            self._check_rules(private, sealed)
            digests = {one.submission for one in evaluations(entries)}
            if not {one.submission for one in evaluations(private)} <= digests:
                raise DataError("The private part was asked about what nobody submitted.")
            for digest in sorted(digests):
                self._kept.get(digest)
            return entries

    def _score_private(self, submission: Submission, entry: Entry) -> None:
        part = Submission(submission.classes[~self.setup.is_public], submission.digest)
        self._private.evaluate(
            self._key, part, who=entry.who, model=entry.model, note={"entry": entry.seq}
        )

    def _ended(self, entries: tuple[Entry, ...], private: tuple[Entry, ...]) -> Ended:
        names = self._private.labels(self._key)
        place = {name: k for k, name in enumerate(self.setup.public.classes)}
        labels = np.array([place[name] for name in names], dtype=np.int64)
        scored = evaluations(private)
        correct: dict[str, BoolArray] = {
            one.who: self._kept.get(one.submission).classes[~self.setup.is_public] == labels
            for one in scored
        }
        return Ended(correct, {one.who: int(one.note["entry"]) for one in scored},
                     dict(entries[-1].revealed["right"]))  # fmt: skip

    def _receipt(
        self, entry: Entry, entries: tuple[Entry, ...], at: datetime, *, repeated: bool
    ) -> Receipt:
        rules = self.setup.rules.limits
        shown = entry.revealed
        return Receipt(
            entry.seq, entry.digest, entry.at, entry.model, shown["accuracy"],
            bool(shown["improved"]), rules.left(evaluations(entries, entry.who), at),
            rules.looks - len(evaluations(entries)), repeated,
        )  # fmt: skip

    def _phase(self, entries: tuple[Entry, ...]) -> Phase:
        return phase_of(entries, ended=self.setup.rules.limits.have_ended(self._clock()))

    def _check_running(self, entries: tuple[Entry, ...], at: datetime) -> None:
        if phase_of(entries, ended=self.setup.rules.limits.have_ended(at)) != "running":
            raise ConflictError(
                f"Submissions to {self.setup.public.name} have ended.", "No look was used."
            )

    def _read(self) -> tuple[Entry, ...]:
        entries = self._public.ledger.read(self._key).entries
        self._check_rules(entries, self._sealed)
        return entries

    def _check_rules(self, entries: tuple[Entry, ...], sealed: str) -> None:
        said = entries[1].revealed.get("board") if len(entries) > 1 else None
        if said != sealed:
            raise DataError(
                f"{BOARD} is not what the ledgers say was sealed.",
                "Restore it from a copy.",
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._turn:
            try:
                lock = FileLock(self.folder / _LOCK, timeout=_PATIENCE)
                with lock:
                    yield
            except Timeout as error:
                raise ConflictError(
                    f"{self.setup.public.name}: another process has been at work for a minute.",
                    "Try again. No look was used.",
                ) from error
