"""The dashboard: where labelling stands, now, and what the answers say."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from freshset.core.files import sha256_bytes
from freshset.replication.labelling.standing import Standing, read_at_work, read_standing
from freshset.replication.project import now
from freshset.replication.sampling.outlook import Outlook, read_outlook
from freshset.webapp.identity import Owner
from freshset.webapp.pages import render
from freshset.webapp.ready import spec_of
from freshset.webapp.services import Services, Shared

router = APIRouter(prefix="/dashboard", include_in_schema=False)

SECONDS = 3.0
"""Least age of numbers that are counted again, however many look."""

FEW = 24
"""Classes and workers that are shown unless all are asked for."""

QUICK, REST = 5.0, 20.0
"""Least age of what takes longer, in seconds and in times of what it took: a twentieth of one core."""


@router.get("")
def show(request: Request, services: Shared, person: Owner, whole: bool = False) -> Response:
    """Show the page: counts at once; its script fetches the rest, and everything again and again."""
    del person
    return render(
        request, "dashboard.html", spec=spec_of(services), whole=whole, few=FEW, **_live(services)
    )


@router.get("/live")
def live(request: Request, services: Shared, person: Owner, whole: bool = False) -> Response:
    """Show what changes with each answer."""
    del person
    return fragment(
        request, "dashboard_live.html", whole=whole, few=FEW, spec=spec_of(services),
        **_live(services),
    )  # fmt: skip


@router.get("/statistics")
def statistics(request: Request, services: Shared, person: Owner, whole: bool = False) -> Response:
    """Show what takes longer to count: less often where there are more answers."""
    outlook = _outlook(services, person.name)
    return fragment(
        request, "dashboard_statistics.html", whole=whole, few=FEW, spec=spec_of(services),
        outlook=outlook,
    )  # fmt: skip


def fragment(request: Request, template: str, **values: Any) -> Response:
    """Render a part of a page, or say that it is still the one that the browser has."""
    response = render(request, template, **values)
    etag = f'"{sha256_bytes(bytes(response.body))[:32]}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return response


def _live(services: Services) -> dict[str, Any]:
    standing, at = _standing(services), now()
    with services.project.read() as connection:
        at_work = read_at_work(connection, at)  # leases are not in the log
    minutes = standing.series(at, steps=60, minutes=1)
    hour = sum(tasks for tasks, _ in minutes)
    return {
        "standing": standing,
        "at_work": at_work,
        "minutes": [images for _, images in minutes],
        "hours": [images for _, images in standing.series(at, steps=48, minutes=60)],
        "hours_left": standing.left / hour if hour and standing.left else None,
    }


def _standing(services: Services) -> Standing:
    def read() -> Standing:
        with services.project.read() as connection:
            return read_standing(connection, spec_of(services), now())

    return services.memory.of("standing", read, seconds=SECONDS)


def _outlook(services: Services, who: str) -> Outlook:
    last: Outlook | None = services.memory.last("outlook")
    seconds = QUICK if last is None else max(QUICK, REST * last.took)
    return services.memory.of(
        "outlook", lambda: read_outlook(services.project), seconds=seconds, who=who
    )
