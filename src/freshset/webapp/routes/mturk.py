"""Pages for workers of Mechanical Turk, who see them within its own and submit to it.

Nobody signs in here: who somebody is, MTurk knows, and tells when the answers are fetched.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as Part
from pydantic import BaseModel, Field
from starlette.responses import Response

from freshset.core.errors import NotFoundError, UsageError
from freshset.replication.labelling.answers.mturk import FIELD
from freshset.replication.labelling.crowd_work import find_posted, find_posted_image
from freshset.replication.labelling.mturk import SUBMIT, WORKER_SITES
from freshset.replication.labelling.task_images import shown_tokens
from freshset.webapp.headers import CROWD_PAGES
from freshset.webapp.pages import paragraphs, render
from freshset.webapp.pictures import picture
from freshset.webapp.ready import spec_of
from freshset.webapp.services import Shared

router = APIRouter(prefix=CROWD_PAGES.rstrip("/"), include_in_schema=False)

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""What MTurk says in place of an assignment to whoever has not accepted the task yet."""

Token = Annotated[str, Part(max_length=64)]


class Opened(BaseModel):
    """How MTurk opens a page."""

    assignment_id: Annotated[str, Field(alias="assignmentId", max_length=128)] = PREVIEW
    submit_to: Annotated[str, Field(alias="turkSubmitTo", max_length=200)] = ""

    @property
    def preview(self) -> bool:
        """Whether the task is only looked at."""
        return self.assignment_id in {"", PREVIEW}

    @property
    def action(self) -> str:
        """Where the answers go: to MTurk, and to nobody else.

        Raises
        ------
        UsageError
            When another place is named.
        """
        if self.preview:
            return ""
        site = self.submit_to.rstrip("/")
        if site not in WORKER_SITES.values():
            raise UsageError(
                "This page was not opened by Mechanical Turk.", "Open the task there once more."
            )
        return site + SUBMIT


@router.get("/tasks/{task_id}")
def show_task(
    request: Request, services: Shared, task_id: Token, opened: Annotated[Opened, Query()]
) -> Response:
    """Show a task that was posted: to be done, or as a preview."""
    spec, action = spec_of(services), opened.action
    with services.project.read() as connection:
        key = find_posted(connection, task_id)
        tokens = shown_tokens(connection, task_id)
    if key not in spec.by_key:
        raise NotFoundError("There is no such task.", "Return it, and take another one.")
    images = [{"token": token, "url": f"{CROWD_PAGES}images/{token}"} for token in tokens]
    return render(
        request, "mturk.html", asked=spec.by_key[key], images=images, action=action, field=FIELD,
        opened=opened, instructions=paragraphs(spec.page.instructions),
    )  # fmt: skip


@router.get("/images/{token}")
def show_image(services: Shared, token: Token) -> Response:
    """Show an image of a task that was posted, by what the task calls it."""
    with services.project.read() as connection:
        item_id = find_posted_image(connection, token)
    return picture(services.project, item_id)
