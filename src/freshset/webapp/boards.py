"""A leaderboard beside the project: predictions that people send, and who takes turns at what."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.datastructures import UploadFile

from freshset.core.errors import UsageError
from freshset.protocols.leaderboard.board import Board, Receipt
from freshset.protocols.leaderboard.incoming import KINDS, read_upload
from freshset.protocols.sealed.submission import Submission
from freshset.replication.people import Person
from freshset.webapp.settings import Settings

PAGE, INTERFACE = "/board/submit", "/api/board/submissions"


def upload_limits(settings: Settings) -> dict[str, int]:
    """Bytes that a request may bring where predictions are sent."""
    return dict.fromkeys((PAGE, INTERFACE), settings.max_upload)


@dataclass(frozen=True, slots=True)
class Sent:
    """What somebody sent.

    Attributes
    ----------
    file
        Held in memory while it is small, else on disk.
    name
        As its sender calls it.
    model, token, claimed
        See `Board.submit`.
    """

    file: UploadFile
    name: str
    model: str
    token: str
    claimed: float | None


@dataclass(frozen=True, slots=True)
class ServedBoard:
    """A leaderboard that an app serves.

    Files are read by two threads and scored by one: the ledger takes one entry at a time anyway, and
    whoever waits holds no thread that the other pages need.
    """

    board: Board
    reading: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))
    scoring: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    @property
    def name(self) -> str:
        """What the leaderboard is called."""
        return self.board.setup.public.name

    @property
    def claims(self) -> bool:
        """Whether entrants must claim an accuracy."""
        return self.board.setup.rules.policy.kind == "thresholdout"

    async def take(self, sent: Sent, person: Person) -> Receipt:
        """Read, score and record a submission; errors as of `read_upload` and `Board.submit`."""

        def score() -> Receipt:
            return self.board.submit(
                submission, who=person.name, model=sent.model, token=sent.token,
                claimed=sent.claimed,
            )  # fmt: skip

        submission: Submission = await run_sync(_read, self.board, sent, limiter=self.reading)
        return await run_sync(score, limiter=self.scoring)


def _read(board: Board, sent: Sent) -> Submission:
    suffix = PurePath(sent.name).suffix.lower()
    if suffix not in KINDS:
        raise UsageError(
            f"{sent.name}: unknown kind of file.",
            f"Send one of: {', '.join(KINDS)}. No look was used.",
        )
    with tempfile.TemporaryDirectory(prefix="freshset-") as folder:
        path = Path(folder) / f"predictions{suffix}"
        with path.open("wb") as stream:
            shutil.copyfileobj(sent.file.file, stream)
        return read_upload(path, board.setup.public, name=sent.name)
