"""The interface of the labelling page: tasks, drafts and answers of the worker who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.drafts import find_draft, save_draft
from freshset.replication.labelling.progress import read_progress
from freshset.replication.labelling.qualification import missing_step
from freshset.replication.labelling.slots import Lease, give_back, take
from freshset.replication.labelling.submissions import submit
from freshset.replication.labelling.task_images import shown_tokens
from freshset.replication.project import Together
from freshset.webapp.errors import API, Forbidden
from freshset.webapp.identity import Worker
from freshset.webapp.services import Services, Shared

router = APIRouter(prefix=API + "labelling", tags=["labelling"])

MOST = 2_000
"""Images that may be chosen in one task."""

Result = TypeVar("Result")
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


class Answer(Held):
    """What a worker answers; all images that are not chosen do not show the class."""

    chosen: Chosen


class Accepted(Desk):
    """An answer that is kept for good, and what comes next."""

    accepted: bool
    repeated: bool = Field(description="Whether it had come before.")


class Returned(BaseModel):
    """The task was given back."""


@router.post("/next", responses=Places)
async def next_task(services: Shared, person: Worker) -> Desk:
    """Give the worker a task: the one at hand, or else the next."""
    return await _write(services, person, _desk)


@router.put("/tasks/{task_id}/draft", responses=Conflicts)
async def keep_draft(services: Shared, person: Worker, task_id: TaskId, ticked: Ticked) -> Saved:
    """Keep what is ticked so far."""

    def work(together: Together, worker: str) -> Saved:
        version = save_draft(
            together, worker, task_id,
            lease=ticked.lease, chosen=ticked.chosen, version=ticked.version,
        )  # fmt: skip
        return Saved(version=version)

    return await _write(services, person, work)


@router.post("/tasks/{task_id}/submission", responses=Conflicts)
async def take_answer(
    services: Shared, person: Worker, task_id: TaskId, answer: Answer
) -> Accepted:
    """Take the worker's answer to a task, and give the next one."""

    def work(together: Together, worker: str) -> Accepted:
        repeated = submit(together, worker, task_id, lease=answer.lease, chosen=answer.chosen)
        desk = _desk(together, worker)
        return Accepted(accepted=True, repeated=repeated, task=desk.task, progress=desk.progress)

    return await _write(services, person, work)


@router.post("/tasks/{task_id}/return", responses=Conflicts)
async def return_task(services: Shared, person: Worker, task_id: TaskId, held: Held) -> Returned:
    """Give a task back, for somebody else."""

    def work(together: Together, worker: str) -> Returned:
        give_back(together, worker, task_id, held.lease)
        return Returned()

    return await _write(services, person, work)


async def _write(
    services: Services, person: Worker, work: Callable[[Together, str], Result]
) -> Result:
    """Do something for a worker who may label, within a transaction that others share."""
    worker = hash_worker(person.person_id, services.project.salt)

    def checked(together: Together) -> Result:
        step = missing_step(person, together.spec)
        if step is not None:
            raise Forbidden(f"Before you label there is a {step} to do.", "Load the page again.")
        return work(together, worker)

    return await services.writer.write(checked)


def _desk(together: Together, worker: str) -> Desk:
    lease = take(together, worker)
    progress = read_progress(together.connection, worker).to_dict()
    if lease is None:
        return Desk(task=None, progress=Progress(**progress | {"left": 0}))
    return Desk(task=_task(together, worker, lease), progress=Progress(**progress))


def _task(together: Together, worker: str, lease: Lease) -> Task:
    one = together.spec.by_key[lease.class_key]
    draft = find_draft(together.connection, worker, lease.task_id)
    return Task(
        task_id=lease.task_id,
        lease=lease.lease,
        asked=Asked(
            key=one.key, title=one.title, definition=one.definition,
            synonyms=list(one.synonyms), links=list(one.links),
        ),
        images=[
            Image(token=token, url=f"/labelling/images/{token}")
            for token in shown_tokens(together.connection, lease.task_id)
        ],
        expires_at=lease.expires_at,
        seconds=together.spec.tasks.seconds,
        draft=None if draft is None else Draft(**draft.to_dict()),
    )  # fmt: skip
