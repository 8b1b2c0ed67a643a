"""Predictions that were submitted, kept by their digest so that the private part can be scored later."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes, write_atomic
from freshset.protocols.sealed.submission import Submission

_TYPE = np.dtype("<i4")


class Kept:
    """A folder of predictions; each file holds places in the list of classes, four bytes each.

    Parameters
    ----------
    folder
        Made by the first submission.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, submission: Submission) -> None:
        """Keep a submission, on disk when this returns; one that is there already stays."""
        path = self._path(submission.digest)
        if not path.exists():
            write_atomic(path, submission.classes.astype(_TYPE).tobytes())

    def get(self, digest: str) -> Submission:
        """Read a submission back.

        Raises
        ------
        DataError
            When it is missing or not what was submitted.
        """
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: cannot be read.", "Restore it from a copy.") from error
        whole = len(data) % _TYPE.itemsize == 0
        classes = np.frombuffer(data if whole else b"", dtype=_TYPE).astype(np.int64)
        if sha256_bytes(canonical_json(classes.tolist())) != digest:
            raise DataError(f"{path}: not what was submitted.", "Restore it from a copy.")
        return Submission(classes, digest)

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.bin"
