"""The leaderboard for programs."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from freshset.core.identifiers import slug
from freshset.protocols.leaderboard import standings
from freshset.protocols.leaderboard.entrants import Phase
from freshset.protocols.sealed.ledger import Entry
from freshset.webapp.boards import INTERFACE
from freshset.webapp.errors import API
from freshset.webapp.identity import Owner, Worker
from freshset.webapp.submitting import OfBoard, TakenIn

router = APIRouter(prefix=API + "board", tags=["board"])

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "model": {"type": "string", "maxLength": 100},
                        "token": {
                            "type": "string", "maxLength": 64,
                            "description": "Made up by the sender: the same file with the same token "
                            "is one submission, however often it is sent.",
                        },
                        "claimed": {
                            "type": "string",
                            "description": "Accuracy on data that you know, 0 to 1; for Thresholdout.",
                        },
                    },
                }
            }
        },
    }
}  # fmt: skip
_OVER: dict[int | str, dict[str, Any]] = {
    409: {"description": "Submissions have ended, or a limit is reached. No look was used."}
}


class Interval(BaseModel):
    """A value with its interval."""

    value: float
    low: float
    high: float


class StandingOut(BaseModel):
    """An entrant; accuracies are fractions, the drop is in percentage points."""

    group: int = Field(description="Tie group, from 1; 0 for an entrant without a score.")
    entrant: str
    model: str
    submissions: int
    last: str = Field(description="When the last one was, UTC.")
    public: Interval | None
    exact: Interval | None = Field(description="On the public part as it is, after the end.")
    private: Interval | None = Field(description="After the end.")
    drop: Interval | None = Field(description="Public less private, after the end.")


class StandingsOut(BaseModel):
    """The board."""

    schema_: str = Field(alias="schema")
    name: str
    phase: Phase
    n_public: int
    n_private: int
    submissions: int
    left: int
    level: float
    rows: list[StandingOut]
    findings: list[str]


class ReceiptOut(BaseModel):
    """The answer to a submission."""

    schema_: str = Field(alias="schema")
    seq: int = Field(description="Place of its entry in the ledger.")
    digest: str = Field(description="Proves later that the entry was there.")
    at: str
    model: str
    accuracy: float | None = Field(description="As the policy shows it; null without an answer.")
    improved: bool
    left: int | None = Field(description="Of you, for now; null without a limit.")
    left_of_all: int
    repeated: bool = Field(description="Whether it had been sent before; no look was used again.")


class SubmissionOut(BaseModel):
    """A submission of one's own."""

    seq: int
    at: str
    model: str
    accuracy: float | None
    submission: str = Field(description="SHA-256 of the predictions.")
    counts: bool = Field(description="Whether it is the one for the private part.")


class Choice(BaseModel):
    """Which submission is to count."""

    entry: int = Field(ge=0, le=1_000_000_000)


class Done(BaseModel):
    """How far the board is now."""

    phase: Literal["running", "ended", "opened"]


@router.get("")
def read_standings(person: Worker, found: OfBoard) -> StandingsOut:
    """Standings: intervals, and groups of entrants who cannot be told apart."""
    del person
    return StandingsOut.model_validate(found.board.standings().to_dict())


@router.get("/submissions")
def read_mine(person: Worker, found: OfBoard) -> list[SubmissionOut]:
    """Your own submissions, oldest first; nobody sees those of others."""
    mine, final = found.board.history(person.name)
    return [_out(one, counts=one == final) for one in mine]


@router.post(INTERFACE.removeprefix(API + "board"), responses=_OVER, openapi_extra=_FORM)
async def submit(person: Worker, found: OfBoard, sent: TakenIn) -> ReceiptOut:
    """Submit predictions; the answer comes once they and their entry are on disk."""
    receipt = await found.take(sent, person)
    return ReceiptOut.model_validate(receipt.to_dict())


@router.put("/choice", responses=_OVER)
def choose(person: Worker, found: OfBoard, choice: Choice) -> Done:
    """Let one of your submissions count in place of the best one, until the end."""
    found.board.choose(choice.entry, who=person.name)
    return Done(phase=found.board.phase)


@router.post("/close")
def close(owner: Owner, found: OfBoard) -> Done:
    """End submissions now; again, it changes nothing."""
    found.board.close(who=owner.name)
    return Done(phase=found.board.phase)


@router.post("/open", responses=_OVER)
def open_private(owner: Owner, found: OfBoard) -> Done:
    """Score the private part once for each entrant, after the end; again, it changes nothing."""
    found.board.open(who=owner.name)
    return Done(phase=found.board.phase)


_TABLE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The table.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


@router.get("/standings.csv", response_class=Response, responses=_TABLE)
def export(owner: Owner, found: OfBoard) -> Response:
    """Standings as csv."""
    del owner
    name = slug(found.name.replace("/", "-"))
    headers = {
        "Content-Disposition": f'attachment; filename="{name}-standings.csv"',
        "X-Freshset-Schema": standings.SCHEMA,
    }
    return Response(found.board.standings().to_csv(), media_type="text/csv", headers=headers)


def _out(one: Entry, *, counts: bool) -> SubmissionOut:
    return SubmissionOut(
        seq=one.seq, at=one.at, model=one.model, accuracy=one.revealed["accuracy"],
        submission=one.submission, counts=counts,
    )  # fmt: skip
