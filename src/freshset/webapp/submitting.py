"""What requests to a leaderboard bring, and which one they are about."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import PurePath
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from freshset.core.errors import NotFoundError, UsageError
from freshset.protocols.leaderboard.board import MODEL, TOKEN
from freshset.protocols.leaderboard.incoming import KINDS
from freshset.webapp.boards import Sent, ServedBoard
from freshset.webapp.identity import Worker
from freshset.webapp.services import Shared

_FIELDS = 8
_NAME = 100


async def get_board(person: Worker, services: Shared) -> ServedBoard:
    """Return the leaderboard; whoever asks has joined.

    Raises
    ------
    NotFoundError
        Where none is served.
    """
    del person
    if services.board is None:
        raise NotFoundError("No leaderboard is served here.", "It is: freshset serve --board DIR")
    return services.board


OfBoard = Annotated[ServedBoard, Depends(get_board)]


async def get_sent(request: Request, board: OfBoard) -> AsyncIterator[Sent]:
    """Read the form of a submission.

    The body is not looked at before it is known who sends it; parameters of a route would do that.

    Raises
    ------
    UsageError
        For a form without a file, or with values that cannot be meant.
    """
    del board
    form = await request.form(max_files=1, max_fields=_FIELDS)
    try:
        yield _sent(form)
    finally:
        await form.close()


TakenIn = Annotated[Sent, Depends(get_sent)]


def _sent(form: FormData) -> Sent:
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise UsageError("There is no file.", f"Choose one of: {', '.join(KINDS)}.")
    name = "".join(c for c in PurePath(file.filename).name if c.isprintable())[-_NAME:]
    model = _text(form, "model") or PurePath(name).stem.strip()[:MODEL] or "model"
    return Sent(file, name, model, _text(form, "token"), _claimed(_text(form, "claimed")))


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    most = max(MODEL, TOKEN)
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise UsageError(f"{name}: up to {most} letters, in one line.", "No look was used.")
    return value.strip()


def _claimed(text: str) -> float | None:
    if not text:
        return None
    value = math.nan
    with suppress(ValueError):
        value = float(text)
    if not 0 <= value <= 1:
        raise UsageError("A claimed accuracy lies between 0 and 1.", "No look was used.")
    return value
