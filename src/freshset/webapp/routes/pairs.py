"""Near-duplicate pairs: the queue, one pair at a time, and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from freshset.replication.collecting.facts import image_facts
from freshset.replication.duplicates.pairs import Pending, Said, record_verdicts
from freshset.replication.duplicates.reviewing import Desk, Look, look_at, turns
from freshset.replication.duplicates.state import ordered
from freshset.replication.people import Person, list_people
from freshset.webapp.errors import API
from freshset.webapp.identity import Reviewer
from freshset.webapp.overview import desk_of
from freshset.webapp.pages import render
from freshset.webapp.params import Because, Conflict, OfItem, Version
from freshset.webapp.services import Services, Shared

router = APIRouter(tags=["review"])

PAGE = 30
"""Pairs of a list."""

Verdict = Literal["duplicate", "different", "open"]
Start = Annotated[int, Query(ge=0, le=1_000_000_000)]


class Waiting(BaseModel):
    """A pair that waits for a verdict."""

    a: str
    b: str
    distances: dict[str, float] = Field(description="By metric, those within their threshold.")
    version: int


class Queue(BaseModel):
    """Pairs that wait, closest first."""

    waiting: int = Field(description="How many there are in all.")
    pairs: list[Waiting]


class Known(BaseModel):
    """What was said of a pair."""

    a: str
    b: str
    verdict: str = Field(description="Empty where nothing was.")
    version: int
    who: str
    at: str
    why: str
    distances: dict[str, float | None] = Field(description="By metric; null where it is not kept.")


class Judged(Because):
    """A verdict."""

    verdict: Verdict = Field(description="`open` takes back what was said.")
    version: Version


class Done(BaseModel):
    """A verdict that is kept."""

    verdict: Verdict
    version: int
    waiting: int = Field(description="Pairs that still wait.")
    next: str = Field(description="Page of the pair to go on with; empty when none waits.")


@router.get("/pairs", include_in_schema=False)
def show_next(request: Request, services: Shared, person: Reviewer) -> Response:
    """Show the pair that is the person's turn."""
    with services.project.read() as connection:
        desk = desk_of(services).renewed(connection)
        order = _order(connection, desk, person)
    if not order:
        return render(request, "pairs_none.html", rules=desk.rules, near=len(desk.near))
    return _show(request, services, person, (order[0].a, order[0].b))


@router.get("/pairs/list", include_in_schema=False)
def show_list(request: Request, services: Shared, person: Reviewer, start: Start = 0) -> Response:
    """Show all pairs that wait, closest first."""
    del person
    with services.project.read() as connection:
        desk = desk_of(services).renewed(connection)
        queue = desk.queue
        some = queue[start : start + PAGE]
        facts = image_facts(connection, [item for one in some for item in (one.a, one.b)])
    return render(
        request, "pairs_list.html", pairs=some, facts=facts, total=len(queue), start=start,
        most=PAGE, rules=desk.rules, classes=services.project.spec.by_key,
    )  # fmt: skip


@router.get("/pairs/{a}/{b}", include_in_schema=False)
def show_pair(
    request: Request, services: Shared, person: Reviewer, a: OfItem, b: OfItem
) -> Response:
    """Show one pair, whether it waits or not."""
    return _show(request, services, person, ordered(a, b))


@router.get(API + "pairs")
def get_queue(
    services: Shared,
    person: Reviewer,
    start: Start = 0,
    most: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Queue:
    """List the pairs that wait for a verdict, closest first."""
    del person
    with services.project.read() as connection:
        queue = desk_of(services).renewed(connection).queue
    pairs = [
        Waiting(a=one.a, b=one.b, distances=dict(one.distances), version=one.version)
        for one in queue[start : start + most]
    ]
    return Queue(waiting=len(queue), pairs=pairs)


@router.get(API + "pairs/{a}/{b}")
def get_pair(services: Shared, person: Reviewer, a: OfItem, b: OfItem) -> Known:
    """Return what was said of a pair, and its distances."""
    del person
    with services.project.read() as connection:
        look = look_at(connection, desk_of(services).renewed(connection), a, b)
    said = look.verdict
    return Known(
        a=look.a,
        b=look.b,
        verdict="" if said is None else said.verdict,
        version=look.version,
        who="" if said is None else said.who,
        at="" if said is None else said.at,
        why=look.why,
        distances={one.metric: one.value for one in look.distances},
    )


@router.put(API + "pairs/{a}/{b}", responses=Conflict)
def judge_pair(services: Shared, person: Reviewer, a: OfItem, b: OfItem, said: Judged) -> Done:
    """Say whether two images are duplicates, or take back what was said."""
    pair, desk = ordered(a, b), desk_of(services)
    with services.project.read() as connection:
        before = _order(connection, desk.renewed(connection), person)
    one = Said(*pair, said.verdict, said.version)
    changed = record_verdicts(services.project, [one], who=person.name, why=said.reason)
    with services.project.read() as connection:
        desk = desk.renewed(connection)
    left = {(one.a, one.b) for one in desk.queue}
    following = [one for one in _after(before, pair) if one in left and one != pair]
    return Done(
        verdict=said.verdict,
        version=said.version + 1 if changed else desk.state.version_of(pair),
        waiting=len(left),
        next=_address(following[0]) if following else "",
    )


def _show(request: Request, services: Services, person: Person, pair: tuple[str, str]) -> Response:
    with services.project.read() as connection:
        desk = desk_of(services).renewed(connection)
        look: Look = look_at(connection, desk, *pair)
        order = _order(connection, desk, person)
    others = [one for one in _after(order, pair) if one != pair]
    return render(
        request, "pairs_one.html", look=look, waiting=len(order),
        ahead=_address(others[0]) if others else "", back=_address(others[-1]) if others else "",
        classes=services.project.spec.by_key,
    )  # fmt: skip


def _order(connection: sa.Connection, desk: Desk, person: Person) -> list[Pending]:
    """The queue as it is the person's turn."""
    reviewers = [
        one.name for one in list_people(connection) if one.active and one.role == "reviewer"
    ]
    return turns(desk.queue, reviewers, person.name)


def _after(order: Sequence[Pending], pair: tuple[str, str]) -> list[tuple[str, str]]:
    """All pairs, from the one after a pair on and then from the first."""
    pairs = [(one.a, one.b) for one in order]
    at = pairs.index(pair) + 1 if pair in pairs else 0
    return pairs[at:] + pairs[:at]


def _address(pair: tuple[str, str]) -> str:
    return f"/pairs/{pair[0]}/{pair[1]}"
