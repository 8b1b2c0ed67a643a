"""Features in the making: a file that grows, and a mark of how many of its rows are on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import StoreError
from freshset.core.files import pretty_json, read_json, write_atomic
from freshset.store.array_file import ArrayFile
from freshset.store.works import Claim, Work, Works, WorkSpec
from freshset.transfer.features.wanted import KIND


class FeatureRecording:
    """Features of one model for one set of items, recorded as they come; see `start_recording`.

    Parameters
    ----------
    claim
        On the work; is closed with the recording.
    n
        Rows that there will be.
    storage
        Type of the values.

    Raises
    ------
    StoreError
        When rows that an earlier process recorded are not there any more.
    """

    def __init__(self, claim: Claim, n: int, storage: npt.DTypeLike) -> None:
        self._claim = claim
        self._n = n
        self._mark_file = claim.folder / "rows.json"
        path = claim.folder / f"{KIND}.npy"
        # A process that dies while it stores the result leaves the mark alone.
        before = read_json(self._mark_file) if path.exists() and self._mark_file.exists() else {}
        self._runtime: dict[str, str] = dict(before.get("runtime", {}))
        self._seconds: float = before.get("seconds", 0.0)
        self._marked: int = before.get("rows", 0)
        self._file = ArrayFile(path, n, storage, keep=self._marked)
        # A disk takes its time; meanwhile the next rows can come.
        self._disk = ThreadPoolExecutor(1)
        self._marking: Future[None] | None = None

    @property
    def done(self) -> int:
        """Rows that are recorded."""
        return self._file.rows

    def append(
        self, values: npt.NDArray[np.floating[Any]], runtime: Mapping[str, str], seconds: float
    ) -> None:
        """Record the next rows.

        Parameters
        ----------
        values
            Shape (rows, width).
        runtime
            Versions and device that made them.
        seconds
            That they took.
        """
        self._file.append(values)
        self._runtime, self._seconds = dict(runtime), self._seconds + seconds
        if self._marking is None or self._marking.done():
            self._settle()
            self._marking = self._disk.submit(self._mark, *self._state())

    def finish(self, about: Mapping[str, Any]) -> Work:
        """Store the features.

        Parameters
        ----------
        about
            What the document says of them besides shape, runtime and time.
        """
        self._settle()
        if self.done != self._n:
            raise StoreError(f"{self._mark_file.parent}: {self.done:,} rows of {self._n:,}.")
        if self._marked != self.done:
            self._mark(*self._state())
        document = {
            **about,
            "rows": self.done,
            "width": self._file.width,
            "seconds": self._seconds,
            "images_per_second": self.done / self._seconds if self._seconds else None,
            "runtime": self._runtime,
        }
        return self._claim.finish(document, {KIND: self._file})

    def close(self) -> None:
        """Let go of the work; what is recorded stays for whoever takes it up."""
        try:
            self._settle()
            if self._claim.folder.exists() and self._marked != self.done:
                self._mark(*self._state())
        finally:
            self._disk.shutdown()
            self._file.close()
            self._claim.close()

    def _state(self) -> tuple[int, dict[str, Any]]:
        rows = self.done
        return rows, {"rows": rows, "runtime": self._runtime, "seconds": self._seconds}

    def _mark(self, rows: int, state: dict[str, Any]) -> None:
        """Say that rows are there, when they are: what a power failure leaves is not asked for."""
        self._file.sync()
        write_atomic(self._mark_file, pretty_json(state))
        self._marked = rows

    def _settle(self) -> None:
        if self._marking is not None:
            self._marking.result()
            self._marking = None


def start_recording(
    works: Works, spec: WorkSpec, n: int, storage: npt.DTypeLike
) -> FeatureRecording | None:
    """Start recording, or take it up; ``None`` when another process is at it or has done it.

    Raises
    ------
    StoreError
        See `FeatureRecording`.
    """
    claim = works.claim(spec)
    if claim is None:
        return None
    try:
        # Asked after the claim, since another process may have finished it a moment ago.
        if not works.has(spec):
            return FeatureRecording(claim, n, storage)
    except BaseException:
        claim.close()
        raise
    claim.close()
    return None
