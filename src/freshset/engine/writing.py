"""Saying which store it is that cannot be written to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freshset.core.errors import StoreError


@contextmanager
def writing(location: str | Path) -> Iterator[None]:
    """Turn an error of the file system into one of the store at ``location``.

    Raises
    ------
    StoreError
        For OSError.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(
            f"{location}: cannot be written to ({reason}).",
            "Make room or check permissions, then run the same command again to go on.",
        ) from error
