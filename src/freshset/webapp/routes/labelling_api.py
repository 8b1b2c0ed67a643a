"""The interface of the labelling page: tasks, drafts and answers of the worker who asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from pydantic_core import to_json
from starlette.responses import Response

from freshset.replication.databases import pipelined
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.drafts import Draft as TickedBefore
from freshset.replication.labelling.drafts import ask_draft, save_draft
from freshset.replication.labelling.progress import ask_progress, read_progress
from freshset.replication.labelling.qualification import missing_step
from freshset.replication.labelling.slots import Lease, give_back, take
from freshset.replication.labelling.submissions import submit
from freshset.replication.labelling.task_images import ask_tokens
from freshset.replication.people import Person
from freshset.replication.project import Together
from freshset.replication.spec import Spec
from freshset.webapp.errors import API, Forbidden
from freshset.webapp.identity import Worker
from freshset.webapp.services import Services

router = APIRouter(prefix=API + "labelling", tags=["labelling"])

MOST = 2_000
"""Images that may be chosen in one task."""

Body = dict[str, Any]
"""What a model says, without the model, which takes longer to make than the rest of an answer."""

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
    later_on = wish.later_on if wish else ()

    def work(together: Together, worker: str) -> Body:
        return _desk(together, worker, later_on)

    return await _write(request, person, work)


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

    def work(together: Together, worker: str) -> Body:
        repeated = submit(together, worker, task_id, lease=answer.lease, chosen=answer.chosen)
        return {"accepted": True, "repeated": repeated} | _desk(together, worker, answer.later_on)

    return await _write(request, person, work)


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
    services: Services = request.app.state.services
    worker = hash_worker(person.person_id, services.project.salt)

    def checked(together: Together) -> Body:
        step = missing_step(person, together.spec)
        if step is not None:
            raise Forbidden(f"Before you label there is a {step} to do.", "Load the page again.")
        return work(together, worker)

    return Response(to_json(await services.writer.write(checked)), media_type="application/json")


def _desk(together: Together, worker: str, later_on: Sequence[str] = ()) -> Body:
    lease = take(together, worker, later_on=later_on)
    if lease is None:
        done = read_progress(together, worker).to_dict()
        return {"task": None, "progress": done | {"left": 0}}
    connection, spec = together.connection, together.spec
    with pipelined(connection):
        tokens = ask_tokens(connection, lease.task_id)
        draft = ask_draft(connection, worker, lease.task_id)
        progress = ask_progress(together, worker)
        task = _task(spec, lease, tokens(), draft())
        return {"task": task, "progress": progress().to_dict()}


def _task(spec: Spec, lease: Lease, tokens: list[str], ticked: TickedBefore | None) -> Body:
    asked = spec.by_key[lease.class_key]
    return {
        "task_id": lease.task_id,
        "lease": lease.lease,
        "asked": {
            "key": asked.key, "title": asked.title, "definition": asked.definition,
            "synonyms": asked.synonyms, "links": asked.links,
        },
        "images": [{"token": token, "url": f"/labelling/images/{token}"} for token in tokens],
        "expires_at": lease.expires_at,
        "seconds": spec.tasks.seconds,
        "draft": None if ticked is None else ticked.to_dict(),
    }  # fmt: skip
