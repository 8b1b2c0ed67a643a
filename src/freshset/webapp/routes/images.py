"""The images of tasks, for the workers who are asked about them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as Part
from starlette.responses import Response

from freshset.replication.labelling.task_images import find_image
from freshset.webapp.identity import Worker
from freshset.webapp.pictures import picture
from freshset.webapp.services import Shared

router = APIRouter(include_in_schema=False)


@router.get("/labelling/images/{token}")
def show_image(
    services: Shared, person: Worker, token: Annotated[str, Part(max_length=64)]
) -> Response:
    """Show an image of a task, by what the task calls it."""
    del person
    with services.project.read() as connection:
        item_id = find_image(connection, token)
    return picture(services.project, item_id)
