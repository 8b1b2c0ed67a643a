"""The interface of the labelling page: tasks, drafts and answers of the worker who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from pydantic_core import to_json
from starlette.responses import Response

from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.drafts import save_draft
from freshset.replication.labelling.slots import give_back
from freshset.replication.labelling.submissions import Submission
from freshset.replication.people import Person
from freshset.replication.project import Together
from freshset.webapp.desk import Body, Call, check_ready, serve
from freshset.webapp.errors import API
from freshset.webapp.identity import Worker
from freshset.webapp.services import Services
from freshset.webapp.writer import Writer

router = APIRouter(prefix=API + "labelling", tags=["labelling"])

MOST = 2_000
"""Images that may be chosen in one task."""

Token = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
Chosen = Annotated[list[Token], Field(max_length=MOST, description="Tokens of images.")]
TaskId = Annotated[str, StringConstraints(pattern="^[0-9A-Za-z_-]{1,64}$")]
Places: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is signed in."},
    403: {"description": "Consent or the trial is missing, or the page is too old."},
}
Conflicts = Places | {
    409: {"description": "The worker does not hold this task, or has answered it otherwise."}
}


class Asked(BaseModel):
    """The class that a task asks for."""

    key: str
    title: str
    definition: str
    synonyms: list[str]
    links: list[str]


class Image(BaseModel):
    """One image of a grid."""

    token: str = Field(description="What it is called in answers.")
    url: str


class Draft(BaseModel):
    """What was ticked so far."""

    chosen: list[str]
    version: int


class Task(BaseModel):
    """A task that the worker holds."""

    task_id: str
    lease: str
    asked: Asked
    images: list[Image]
    expires_at: str
    seconds: int = Field(description="Time that a worker has for a task.")
    draft: Draft | None


class Progress(BaseModel):
    """How far the worker has come."""

    done: int
    left: int = Field(description="The task at hand is among them.")
    seconds_per_task: float | None


class Desk(BaseModel):
    """What the worker has to do."""

    task: Task | None = Field(description="Nothing when nothing is left.")
    progress: Progress


class Wish(BaseModel):
    """What the worker would rather do."""

    later_on: list[TaskId] = Field(
        [], max_length=100, description="Tasks that were given back, to come when no other is left."
    )


class Held(BaseModel):
    """Proof that the worker was given a task."""

    lease: Token


class Ticked(Held):
    """What is ticked so far."""

    chosen: Chosen
    version: int = Field(ge=0, le=1_000_000_000, description="Of the draft before; 0 for none.")


class Saved(BaseModel):
    """A draft that was kept."""

    version: int


class Answer(Held, Wish):
    """What a worker answers; all images that are not chosen do not show the class."""

    chosen: Chosen


class Accepted(Desk):
    """An answer that is kept for good, and what comes next."""

    accepted: bool
    repeated: bool = Field(description="Whether it had come before.")


class Returned(BaseModel):
    """The task was given back."""


@router.post("/next", response_model=Desk, responses=Places)
async def next_task(request: Request, person: Worker, wish: Wish | None = None) -> Response:
    """Give the worker a task: the one at hand, or else the next."""
    worker = _worker(request, person)
    return await _serve(request, Call(person, worker, wish.later_on if wish else ()))


@router.put("/tasks/{task_id}/draft", response_model=Saved, responses=Conflicts)
async def keep_draft(request: Request, person: Worker, task_id: TaskId, ticked: Ticked) -> Response:
    """Keep what is ticked so far."""

    def work(together: Together, worker: str) -> Body:
        how = ticked.model_dump()
        return {"version": save_draft(together, worker, task_id, **how)}

    return await _write(request, person, work)


@router.post("/tasks/{task_id}/submission", response_model=Accepted, responses=Conflicts)
async def take_answer(
    request: Request, person: Worker, task_id: TaskId, answer: Answer
) -> Response:
    """Take the worker's answer to a task, and give the next one."""
    worker = _worker(request, person)
    submission = Submission(worker, task_id, answer.lease, answer.chosen)
    return await _serve(request, Call(person, worker, answer.later_on, submission))


@router.post("/tasks/{task_id}/return", response_model=Returned, responses=Conflicts)
async def return_task(request: Request, person: Worker, task_id: TaskId, held: Held) -> Response:
    """Give a task back, for somebody else."""

    def work(together: Together, worker: str) -> Body:
        give_back(together, worker, task_id, held.lease)
        return {}

    return await _write(request, person, work)


async def _write(
    request: Request, person: Person, work: Callable[[Together, str], Body]
) -> Response:
    """Do something for a worker who may label, within a transaction that others share."""
    worker = _worker(request, person)

    def checked(together: Together) -> Body:
        check_ready(together, person)
        return work(together, worker)

    return _said(await _writer(request).write(checked))


async def _serve(request: Request, call: Call) -> Response:
    return _said(await _writer(request).write_of(serve, call))


def _writer(request: Request) -> Writer:
    services: Services = request.app.state.services
    return services.writer


def _worker(request: Request, person: Person) -> str:
    services: Services = request.app.state.services
    return hash_worker(person.person_id, services.project.salt)


def _said(body: Body) -> Response:
    return Response(to_json(body), media_type="application/json")
