"""The pages of the leaderboard: standings, submitting, one's own submissions, and the end."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from freshset.core.errors import ConflictError, DataError, FreshsetError, UsageError
from freshset.protocols.leaderboard.incoming import KINDS
from freshset.protocols.leaderboard.limits import now
from freshset.protocols.leaderboard.standings import Standing
from freshset.stats.types import Estimate
from freshset.webapp.boards import PAGE, ServedBoard
from freshset.webapp.identity import Owner, Worker
from freshset.webapp.pages import render
from freshset.webapp.submitting import OfBoard, TakenIn

router = APIRouter(include_in_schema=False)

BOARD, MINE = "/board", "/board/mine"
POLICIES = {
    "exact": "the accuracy on the public part",
    "rounded": "the accuracy on the public part, rounded",
    "ladder": "the best accuracy of yours so far; it moves when a submission beats it by the standard "
    "error of the difference",
    "ladder-step": "the best accuracy of yours so far; it moves when a submission beats it by a step",
    "thresholdout": "the accuracy that you claim, unless that on the public part is far from it",
}
"""What the public part answers, in words for entrants."""


@router.get(BOARD)
def show_board(request: Request, person: Worker, found: OfBoard) -> Response:
    """Show the standings."""
    standings = found.board.standings()
    return render(
        request, "board.html", found=standings, rules=found.board.setup.rules, me=person.name,
        scale=_scale(standings.rows), policy=POLICIES[found.board.setup.rules.policy.kind],
    )  # fmt: skip


@router.get(PAGE)
def ask_file(request: Request, person: Worker, found: OfBoard) -> Response:
    """Show the form of a submission."""
    return _form(request, found, person.name)


@router.post(PAGE)
async def take_file(request: Request, person: Worker, found: OfBoard, sent: TakenIn) -> Response:
    """Take a submission; the page that follows shows its answer."""
    try:
        receipt = await found.take(sent, person)
    except (UsageError, DataError, ConflictError) as error:
        status = 409 if isinstance(error, ConflictError) else 422
        return await run_in_threadpool(
            _form, request, found, person.name, status=status, error=error, token=sent.token
        )
    return RedirectResponse(f"{MINE}?entry={receipt.seq}", 303)


@router.get(MINE)
def show_mine(
    request: Request,
    person: Worker,
    found: OfBoard,
    entry: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> Response:
    """Show somebody's own submissions, and the answer to the one just sent."""
    mine, final = found.board.history(person.name)
    return render(
        request, "board_mine.html", name=found.name, mine=mine[::-1], final=final,
        phase=found.board.phase, sent=next((one for one in mine if one.seq == entry), None),
        left=found.board.setup.rules.limits.left(mine, now()),
        policy=POLICIES[found.board.setup.rules.policy.kind],
    )  # fmt: skip


@router.post(MINE)
def choose(person: Worker, found: OfBoard, entry: Annotated[int, Form()]) -> Response:
    """Let another submission of one's own count."""
    found.board.choose(entry, who=person.name)
    return RedirectResponse(MINE, 303)


@router.post(BOARD + "/close")
def close(owner: Owner, found: OfBoard) -> Response:
    """End submissions."""
    found.board.close(who=owner.name)
    return RedirectResponse(BOARD, 303)


@router.post(BOARD + "/open")
def open_private(owner: Owner, found: OfBoard) -> Response:
    """Score the private part, and show it to everybody."""
    found.board.open(who=owner.name)
    return RedirectResponse(BOARD, 303)


def _form(
    request: Request,
    found: ServedBoard,
    who: str,
    *,
    status: int = 200,
    error: FreshsetError | None = None,
    token: str = "",
) -> Response:
    board = found.board
    mine, _ = board.history(who)
    return render(
        request, "board_submit.html", status=status, name=found.name, kinds=KINDS, error=error,
        token=token or secrets.token_hex(16), public=board.setup.public, claims=found.claims,
        phase=board.phase, limits=board.setup.rules.limits,
        left=board.setup.rules.limits.left(mine, now()),
        policy=POLICIES[board.setup.rules.policy.kind],
    )  # fmt: skip


def _drawn(one: Standing) -> tuple[Estimate | None, Estimate | None]:
    return one.exact or one.public, one.private


def _scale(rows: Sequence[Standing]) -> tuple[float, float]:
    """Accuracies between which all intervals lie, for drawings: round ones, a bit apart."""
    every = [e for one in rows for e in _drawn(one) if e is not None]
    low = min((e.low for e in every), default=0.0)
    high = max((e.high for e in every), default=1.0)
    return math.floor(20 * low) / 20, max(
        math.ceil(20 * high) / 20, math.floor(20 * low) / 20 + 0.05
    )
