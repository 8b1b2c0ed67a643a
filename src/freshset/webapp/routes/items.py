"""Single images for reviewers: pictures, all that is known of them, the blacklist."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from freshset.core.errors import NotFoundError
from freshset.replication.collecting.excluding import blacklist, release
from freshset.replication.collecting.facts import picture_place
from freshset.replication.collecting.images import SHOWN, Copy, working_copy
from freshset.replication.sampling.items import LEVEL, ItemPage, item_page
from freshset.webapp.errors import API
from freshset.webapp.identity import Reviewer
from freshset.webapp.overview import frequencies_of
from freshset.webapp.pages import render
from freshset.webapp.params import OfItem, SomeItemsBecause
from freshset.webapp.services import Services, Shared

router = APIRouter(tags=["review"])

THUMBNAIL = Copy("thumbnail", 160, squash=False)
"""Small pictures for lists; made when they are first asked for."""

_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


class Excluding(BaseModel):
    """What excluding images did, or letting them in again."""

    changed: list[str] = Field(description="Images that this was new for.")
    unchanged: list[str] = Field(description="Images that it held for already.")


@router.get("/items/{item_id}", include_in_schema=False)
def show_item(request: Request, services: Shared, person: Reviewer, item_id: OfItem) -> Response:
    """Show all that is known of an image."""
    del person
    page = _page(services, item_id)
    classes = services.project.spec.by_key
    return render(request, "pool_item.html", page=page, classes=classes, level=LEVEL)


@router.get("/items/{item_id}/picture", include_in_schema=False)
def show_picture(request: Request, services: Shared, person: Reviewer, item_id: OfItem) -> Response:
    """Show the picture as workers see it."""
    del person
    return _picture(request, services, item_id, SHOWN)


@router.get("/items/{item_id}/thumbnail", include_in_schema=False)
def show_thumbnail(
    request: Request, services: Shared, person: Reviewer, item_id: OfItem
) -> Response:
    """Show a small picture."""
    del person
    return _picture(request, services, item_id, THUMBNAIL)


@router.get(API + "items/{item_id}")
def get_item(services: Shared, person: Reviewer, item_id: OfItem) -> dict[str, Any]:
    """Return all that is known of an image: origins, answers, neighbours, entries of the log."""
    del person
    return _page(services, item_id).to_dict()


@router.post(API + "items/blacklist")
def blacklist_items(services: Shared, person: Reviewer, some: SomeItemsBecause) -> Excluding:
    """Keep images out of all samples from now on."""
    done = blacklist(services.project, some.items, who=person.name, why=some.reason)
    return Excluding(changed=list(done.changed), unchanged=list(done.unchanged))


@router.post(API + "items/release")
def release_items(services: Shared, person: Reviewer, some: SomeItemsBecause) -> Excluding:
    """Take images off the blacklist again."""
    done = release(services.project, some.items, who=person.name, why=some.reason)
    return Excluding(changed=list(done.changed), unchanged=list(done.unchanged))


def _page(services: Services, item_id: str) -> ItemPage:
    frequencies = frequencies_of(services)
    with services.project.read() as connection:
        return item_page(connection, frequencies, item_id)


def _picture(request: Request, services: Services, item_id: str, kind: Copy) -> Response:
    """Answer with a copy of an image, or that it did not change; asked each time, as it may go."""
    with services.project.read() as connection:
        place = picture_place(connection, item_id)
    if place is None:
        raise NotFoundError("There is no such image.")
    path, down = place
    if down:
        raise HTTPException(410, "This image was taken down.")
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{kind.name}-{item_id[:16]}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    file = working_copy(services.project.folder, path, kind)
    return Response(file.read_bytes(), media_type=_TYPES[file.suffix], headers=headers)
