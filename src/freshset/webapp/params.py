"""What requests name: images, classes, revisions, reasons and notes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

_ITEM = "^[0-9a-f]{64}$"
_PLAIN = r"^[^\x00-\x1f\x7f]*$"  # databases take no NUL, and a line of the log has one line

ItemId = Annotated[str, StringConstraints(pattern=_ITEM)]
OfItem = Annotated[str, Path(pattern=_ITEM, description="SHA-256 of an image.")]
OfClass = Annotated[str, Path(pattern=_PLAIN, min_length=1, max_length=255)]
OfRevision = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]
Version = Annotated[
    int, Field(ge=0, le=1_000_000_000, description="Of what was seen; 0 where there was nothing.")
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_PLAIN),
    Field(description="Why; the log keeps it."),
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_PLAIN)]

Conflict: dict[int | str, dict[str, Any]] = {
    409: {"description": "Somebody else was quicker; nothing was changed."}
}
"""The answer to a change of what has changed since it was looked at."""


Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=_PLAIN)]
"""A reason that may be empty."""


class Because(BaseModel):
    """A change with its reason."""

    reason: Reason


class SomeItems(BaseModel):
    """Some images."""

    items: list[ItemId] = Field(min_length=1, max_length=1_000)


class SomeItemsBecause(SomeItems, Because):
    """Some images, and why."""
