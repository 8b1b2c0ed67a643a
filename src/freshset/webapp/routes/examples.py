"""Example images of the class that a task asks for."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from freshset.core.errors import NotFoundError
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.examples import class_of_task, example_items
from freshset.webapp.errors import API
from freshset.webapp.pictures import picture
from freshset.webapp.ready import Ready
from freshset.webapp.services import Services, Shared

router = APIRouter(tags=["labelling"])

_TASK = "labelling/tasks/{task_id}/examples"
_CHANGES = (
    "original.add", "image.blacklist", "image.release", "image.takedown", "tasks.make",
)  # fmt: skip
"""Actions that can change which images are examples."""
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is signed in."},
    403: {"description": "Consent or the trial is missing."},
    404: {"description": "The worker has no such task, or it has no such example."},
}


class Examples(BaseModel):
    """Example images of a class."""

    urls: list[str] = Field(description="Where they are; may be none.")


@router.get(API + _TASK, responses=_REFUSED)
def list_examples(services: Shared, person: Ready, task_id: str) -> Examples:
    """List example images of the class that a task asks for."""
    count = len(_items(services, person.person_id, task_id))
    return Examples(urls=[f"/labelling/tasks/{task_id}/examples/{n}" for n in range(count)])


@router.get("/" + _TASK + "/{number}", include_in_schema=False)
def show_example(services: Shared, person: Ready, task_id: str, number: int) -> Response:
    """Show one of them."""
    items = _items(services, person.person_id, task_id)
    if not 0 <= number < len(items):
        raise NotFoundError("There is no such example.")
    return picture(services.project, items[number])


def _items(services: Services, person_id: str, task_id: str) -> list[str]:
    worker = hash_worker(person_id, services.project.salt)
    with services.project.read() as connection:
        class_key = class_of_task(connection, task_id, worker)

    def compute() -> list[str]:
        with services.project.read() as connection:
            return example_items(connection, class_key)

    return services.memory.of(("examples", class_key), compute, actions=_CHANGES)
