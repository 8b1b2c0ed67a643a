"""Sizes of memory and files, as people write them."""

from __future__ import annotations

import re

from freshset.core.errors import UsageError

_UNITS = {"": 1, "b": 1}
_UNITS |= {f"{letter}b": 1000**i for i, letter in enumerate("kmgt", start=1)}
_UNITS |= {f"{letter}ib": 1024**i for i, letter in enumerate("kmgt", start=1)}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def parse_size(text: str) -> int:
    """Return the bytes that ``512MB``, ``2 GiB`` or ``1000000`` stand for.

    Raises
    ------
    UsageError
        When it is no size.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _UNITS:
        raise UsageError(f"{text!r} is not a size.", "Write for example 512MB or 2GiB.")
    return int(float(match[1]) * _UNITS[match[2]])


def size_text(size: float) -> str:
    """Return a number of bytes with three digits at most, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.0f} TB" if size >= 10 else f"{size:.1f} TB"
