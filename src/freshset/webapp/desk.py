"""What workers get to do: their answers are taken, and their next tasks shown, for many at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from freshset.core.errors import FreshsetError
from freshset.replication.databases import pipelined, prefer_keys
from freshset.replication.labelling.drafts import Draft, ask_drafts
from freshset.replication.labelling.progress import ask_progress
from freshset.replication.labelling.qualification import missing_step
from freshset.replication.labelling.slots import Lease, Wish, allocate
from freshset.replication.labelling.submissions import Submission, accept
from freshset.replication.labelling.task_images import ask_tokens
from freshset.replication.people import Person
from freshset.replication.project import Together
from freshset.replication.spec import Spec
from freshset.webapp.errors import Forbidden

Body = dict[str, Any]
"""What a model says, without the model, which takes longer to make than the rest of an answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """A worker who comes for a task, with an answer to one or without.

    Attributes
    ----------
    person, worker
        Who, and what answers know them by.
    later_on
        See `freshset.replication.labelling.slots.Wish`.
    submission
        The answer.
    """

    person: Person
    worker: str
    later_on: Collection[str] = ()
    submission: Submission | None = None


def serve(together: Together, calls: Sequence[Call]) -> list[Body | FreshsetError]:
    """Take all answers, then give everybody a task; for each what to say, or why they are refused."""
    prefer_keys(together.connection)
    out: dict[int, Body | FreshsetError] = {}
    for place, call in enumerate(calls):
        try:
            check_ready(together, call.person)
        except FreshsetError as error:
            out[place] = error
    answers = {
        place: call.submission
        for place, call in enumerate(calls)
        if call.submission is not None and place not in out
    }
    taken = dict(zip(answers, accept(together, list(answers.values())), strict=True))
    out |= {place: said for place, said in taken.items() if isinstance(said, FreshsetError)}
    served = [place for place in range(len(calls)) if place not in out]
    for place, desk in zip(served, _desks(together, [calls[n] for n in served]), strict=True):
        said = {"accepted": True, "repeated": taken[place]} if place in taken else {}
        out[place] = said | desk
    return [out[place] for place in range(len(calls))]


def check_ready(together: Together, person: Person) -> None:
    """Refuse whoever may not label yet.

    Raises
    ------
    Forbidden
        When consent or the trial is missing.
    """
    step = missing_step(person, together.spec)
    if step is not None:
        raise Forbidden(f"Before you label there is a {step} to do.", "Load the page again.")


def _desks(together: Together, calls: Sequence[Call]) -> list[Body]:
    if not calls:
        return []
    leases = allocate(together, [Wish(call.worker, call.later_on) for call in calls])
    held = {(call.worker, one.task_id): one for call, one in zip(calls, leases, strict=True) if one}
    with pipelined(together.connection):
        tokens = ask_tokens(together.connection, {task_id for _, task_id in held})
        drafts = ask_drafts(together.connection, held)
        progress = ask_progress(together, {call.worker for call in calls})
        shown, ticked, far = tokens(), drafts(), progress()
    images = {
        task_id: [{"token": token, "url": f"/labelling/images/{token}"} for token in of_task]
        for task_id, of_task in shown.items()
    }
    out = []
    for call, lease in zip(calls, leases, strict=True):
        done = far[call.worker].to_dict()
        if lease is None:
            out.append({"task": None, "progress": done | {"left": 0}})
            continue
        draft = ticked.get((call.worker, lease.task_id))
        task = _task(together.spec, lease, images[lease.task_id], draft)
        out.append({"task": task, "progress": done})
    return out


def _task(spec: Spec, lease: Lease, images: list[Body], ticked: Draft | None) -> Body:
    asked = spec.by_key[lease.class_key]
    return {
        "task_id": lease.task_id,
        "lease": lease.lease,
        "asked": {
            "key": asked.key, "title": asked.title, "definition": asked.definition,
            "synonyms": asked.synonyms, "links": asked.links,
        },
        "images": images,
        "expires_at": lease.expires_at,
        "seconds": spec.tasks.seconds,
        "draft": None if ticked is None else ticked.to_dict(),
    }  # fmt: skip
