"""The pool of each class: candidates by frequency, and target against stock."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from freshset.replication.sampling.browsing import (
    ORDERS,
    STATES,
    Leaf,
    Order,
    Wanted,
    bars_of,
    leaf,
    spread_of,
    states_of,
)
from freshset.webapp.errors import API
from freshset.webapp.identity import Reviewer
from freshset.webapp.overview import pool_of
from freshset.webapp.pages import render
from freshset.webapp.params import OfClass
from freshset.webapp.services import Shared

router = APIRouter(tags=["review"])

MOST = 60
"""Images of a page."""

_Share = Annotated[float, Query(ge=0, le=1)]


class ClassLine(BaseModel):
    """A class in the list."""

    key: str
    title: str
    target: int | None = Field(description="Null where the original does not show it yet.")
    candidates: int
    eligible: int
    missing: int = Field(description="Images that lack in groups of the class.")


class Image(BaseModel):
    """A candidate."""

    item_id: str
    selected: float
    answers: float
    frequency: float | None = Field(description="Null without answers.")
    reason: str = Field(description="Why no sample may take it; empty where one may.")


class Bin(BaseModel):
    """One group of a class."""

    name: str
    target: int | None
    stock: int = Field(description="Eligible images.")
    others: int = Field(description="Images with answers that are not eligible.")


class ClassPage(BaseModel):
    """Some candidates of a class."""

    total: int = Field(description="How many there are of what was asked for.")
    start: int
    images: list[Image]
    bins: list[Bin]
    states: dict[str, int]


def asked(
    low: _Share = 0.0,
    high: _Share = 1.0,
    state: Annotated[str, Query(max_length=40)] = "all",
    order: Order = "highest",
) -> Wanted:
    """What is asked for in the address; whether it makes sense the rules say."""
    wanted = Wanted(low, high, state, order)
    wanted.check()
    return wanted


Asked = Annotated[Wanted, Depends(asked)]
Start = Annotated[int, Query(ge=0, le=1_000_000_000)]


@router.get("/pool", include_in_schema=False)
def show_classes(request: Request, services: Shared, person: Reviewer) -> Response:
    """Show all classes."""
    pool = pool_of(services, person.name)
    lines = list_classes(services, person)
    return render(request, "pool.html", lines=lines, lacking=pool.lacking, spec=pool.spec)


@router.get("/pool/{key}", include_in_schema=False)
def show_class(
    request: Request, services: Shared, person: Reviewer, key: OfClass, wanted: Asked,
    start: Start = 0,
) -> Response:  # fmt: skip
    """Show candidates of a class."""
    pool = pool_of(services, person.name)
    own = pool.of_class(key)
    keys = list(pool.spec.by_key)
    at = keys.index(key)
    return render(
        request, "pool_class.html", pool=pool, one=pool.spec.by_key[key], wanted=wanted,
        leaf=leaf(own, wanted, start=start, most=MOST), most=MOST, states=states_of(own),
        bars=bars_of(pool, key), spread=spread_of(own), all_states=STATES, orders=ORDERS,
        back=keys[at - 1] if at else "", ahead=keys[at + 1] if at + 1 < len(keys) else "",
    )  # fmt: skip


@router.get(API + "pool")
def list_classes(services: Shared, person: Reviewer) -> list[ClassLine]:
    """List all classes with what they have and what lacks."""
    pool = pool_of(services, person.name)
    counts = pool.eligibility.counts()
    lines = []
    for key, one in pool.spec.by_key.items():
        bars, own = bars_of(pool, key), counts.get(key, {})
        lines.append(
            ClassLine(
                key=key,
                title=one.title,
                target=None if pool.plan is None else sum(pool.plan.targets[key]),
                candidates=sum(own.values()),
                eligible=own.get("eligible", 0),
                missing=sum(bar.missing for bar in bars),
            )
        )
    return lines


@router.get(API + "pool/{key}")
def get_class(
    services: Shared, person: Reviewer, key: OfClass, wanted: Asked, start: Start = 0
) -> ClassPage:
    """Return candidates of a class, a page at a time."""
    pool = pool_of(services, person.name)
    own = pool.of_class(key)
    found: Leaf = leaf(own, wanted, start=start, most=MOST)
    return ClassPage(
        total=found.total,
        start=found.start,
        images=[Image(**one.to_dict()) for one in found.images],
        bins=[Bin(**asdict(bar)) for bar in bars_of(pool, key)],
        states=states_of(own),
    )
