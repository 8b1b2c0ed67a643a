"""Text files that list the images of a split, one a line, as data sets publish them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from freshset.core.errors import DataError
from freshset.datasets.images import SUFFIXES

# A path up to the suffix of an image; behind it there may be a label.
_LINE = re.compile(
    rf"/?(?P<id>.*(?:{'|'.join(map(re.escape, sorted(SUFFIXES)))}))(?:\s+\S+)?", re.IGNORECASE
)
_TITLES = {"path", "file", "filename", "image"}


def read_item_list(path: Path) -> frozenset[str]:
    """Read the ids of the images that a file lists.

    Parameters
    ----------
    path
        One image a line: its path below the folder of the images, also with a ``/`` before it (as
        SUN397 has it), and with a label behind it; the labels are not used.  A first line that
        says ``path`` is a heading (as Birdsnap has it).

    Raises
    ------
    DataError
        When the file is no text, lists no image, one twice, or something that is no image; names
        the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from error
    found: dict[str, int] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or (number == 1 and line.lower() in _TITLES):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(
                f"{path}: line {number}: {line!r} is no image file.", "Write one path a line."
            )
        first = found.setdefault(match["id"], number)
        if first != number:
            raise DataError(f"{path}: lines {first} and {number} are the same, {match['id']!r}.")
    if not found:
        raise DataError(f"{path}: lists no images.")
    return frozenset(found)


def missing_text(listed: Collection[str], there: Collection[str]) -> str:
    """Say which listed images are not there, in a few words; empty when all are."""
    missing = sorted(set(listed) - set(there))
    if not missing:
        return ""
    return (
        f"{len(missing):,} of the {len(listed):,} listed images are not there, the first is "
        f"{missing[0]!r}"
    )
