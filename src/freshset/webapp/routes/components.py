"""Components of duplicates: their graphs, the image that is kept, and edges to cut."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from freshset.replication.collecting.facts import image_facts
from freshset.replication.duplicates.components import Component, Resolution, resolve
from freshset.replication.duplicates.dedupe import cut, keep
from freshset.replication.duplicates.reviewing import Desk, around, distances_of
from freshset.replication.duplicates.state import ordered
from freshset.webapp.errors import API
from freshset.webapp.identity import Reviewer
from freshset.webapp.layout import place_nodes
from freshset.webapp.overview import desk_of, frequencies_of
from freshset.webapp.pages import render
from freshset.webapp.params import Because, Conflict, ItemId, OfItem, Version
from freshset.webapp.services import Services, Shared

router = APIRouter(tags=["review"])

PAGE = 20
"""Components of a list."""

PICTURES = 60
"""Images up to which a graph shows them; a larger one has dots."""


class Cut(Because):
    """An edge to be cut."""

    a: ItemId
    b: ItemId
    version: Version


class Keep(Because):
    """An image to be kept in its component."""

    item: ItemId
    seen: ItemId | None = Field(description="Image that was asked for before; null for none.")


class Found(BaseModel):
    """A component of duplicates."""

    items: list[str]
    kept: str
    reason: str


class Parts(BaseModel):
    """What became of a component."""

    parts: list[Found] = Field(description="Components that hold one of the images named.")
    alone: list[str] = Field(description="Images named that are linked to none any more.")


@router.get("/components", include_in_schema=False)
def show_components(
    request: Request,
    services: Shared,
    person: Reviewer,
    start: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> Response:
    """Show all components, largest first."""
    del person
    with services.project.read() as connection:
        found = _resolved(services, desk_of(services).renewed(connection))
    return render(
        request, "components.html", components=found.components[start : start + PAGE],
        total=len(found.components), out=len(found.out), start=start, most=PAGE,
    )  # fmt: skip


@router.get("/components/{item_id}", include_in_schema=False)
def show_component(
    request: Request, services: Shared, person: Reviewer, item_id: OfItem
) -> Response:
    """Show the component that holds an image."""
    del person
    with services.project.read() as connection:
        desk = desk_of(services).renewed(connection)
        one = _holding(_resolved(services, desk), item_id)
        if one is None:
            return render(request, "component_none.html", item_id=item_id)
        facts = image_facts(connection, one.items)
        edges = _edges(connection, desk, one)
    return render(
        request, "component.html", one=one, facts=facts, edges=edges, item_id=item_id,
        at=place_nodes(one.items, list(one.edges)), pictures=len(one.items) <= PICTURES,
        asked=max(desk.state.asked.intersection(one.items), default=""),
        classes=services.project.spec.by_key,
    )  # fmt: skip


@router.get(API + "components")
def list_components(services: Shared, person: Reviewer) -> list[Found]:
    """List all components, largest first."""
    del person
    with services.project.read() as connection:
        found = _resolved(services, desk_of(services).renewed(connection))
    return [_found(one) for one in found.components]


@router.post(API + "components/cut", responses=Conflict)
def cut_edge(services: Shared, person: Reviewer, edge: Cut) -> Parts:
    """Undo the link between two images."""
    cut(
        services.project, edge.a, edge.b, version=edge.version, who=person.name, why=edge.reason
    )  # fmt: skip
    return _parts(services, [edge.a, edge.b])


@router.post(API + "components/keep", responses=Conflict)
def keep_item(services: Shared, person: Reviewer, one: Keep) -> Parts:
    """Let an image stay in its component, whatever the rule says."""
    keep(services.project, one.item, seen=one.seen or "", who=person.name, why=one.reason)
    return _parts(services, [one.item])


def _resolved(services: Services, desk: Desk) -> Resolution:
    return resolve(desk.state, frequencies_of(services), good=desk.rules.good)


def _holding(found: Resolution, item_id: str) -> Component | None:
    return next((one for one in found.components if item_id in one.items), None)


def _edges(connection: sa.Connection, desk: Desk, one: Component) -> list[dict[str, object]]:
    """Edges with why they are there, their distances, and the version of what was said."""
    known = around(connection, one.items)
    return [
        {
            "pair": pair,
            "why": why,
            "distances": [
                each
                for each in distances_of(known, pair, desk.rules.thresholds)
                if each.value is not None
            ],
            "version": desk.state.version_of(ordered(*pair)),
        }
        for pair, why in sorted(one.edges.items())
    ]


def _parts(services: Services, items: list[str]) -> Parts:
    with services.project.read() as connection:
        found = _resolved(services, desk_of(services).renewed(connection))
    holding = {item: _holding(found, item) for item in items}
    parts = {one.items: _found(one) for one in holding.values() if one is not None}
    return Parts(
        parts=list(parts.values()), alone=[item for item, one in holding.items() if one is None]
    )


def _found(one: Component) -> Found:
    return Found(items=list(one.items), kept=one.kept, reason=one.reason)
