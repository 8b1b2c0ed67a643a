"""The page where people label, and what comes before the first task: consent and a trial."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from freshset.core.errors import ConflictError, NotFoundError
from freshset.replication.labelling import qualification
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.qualification import Trial
from freshset.replication.people import Person
from freshset.webapp.identity import Worker
from freshset.webapp.pages import paragraphs, render
from freshset.webapp.pictures import picture
from freshset.webapp.ready import spec_of
from freshset.webapp.services import Services, Shared

router = APIRouter(include_in_schema=False)

LABEL, CONSENT, TRIAL = "/label", "/label/consent", "/label/trial"
_STEPS = {"consent": CONSENT, "qualification": TRIAL}


@router.get(LABEL)
def label(request: Request, services: Shared, person: Worker) -> Response:
    """Show the labelling page, or lead to what comes before it."""
    spec = spec_of(services)
    step = qualification.missing_step(person, spec)
    if step is not None:
        return RedirectResponse(_STEPS[step], 303)
    worker = _hash(services, person)
    with services.project.read() as connection:
        begun = qualification.has_begun(connection, worker)
        passed = qualification.last_outcome(connection, worker)
        owner = qualification.inviter(connection, person)
    return render(
        request, "label.html", begun=begun, passed=passed, owner=owner, size=spec.tasks.grid,
        instructions=paragraphs(spec.page.instructions),
    )  # fmt: skip


@router.get(CONSENT)
def ask_consent(request: Request, services: Shared, person: Worker) -> Response:
    """Show what people agree to."""
    spec = spec_of(services)
    if qualification.missing_step(person, spec) != "consent":
        return RedirectResponse(LABEL, 303)
    return render(
        request, "consent.html", spec=spec, paragraphs=paragraphs(spec.page.consent),
        digest=qualification.consent_digest(spec),
    )  # fmt: skip


@router.post(CONSENT)
def take_consent(services: Shared, person: Worker, digest: Annotated[str, Form()]) -> Response:
    """Note that somebody agrees; a text that has changed meanwhile is shown again."""
    try:
        qualification.give_consent(services.project, person, digest)
    except ConflictError:
        return RedirectResponse(CONSENT, 303)
    return RedirectResponse(LABEL, 303)


@router.get(TRIAL)
def show_trial(request: Request, services: Shared, person: Worker) -> Response:
    """Show the trial that is next, or whom to ask when none is left."""
    spec = spec_of(services)
    if qualification.missing_step(person, spec) != "qualification":
        return RedirectResponse(LABEL, 303)
    with services.project.read() as connection:
        trial = qualification.next_trial(connection, spec, _hash(services, person))
        last = qualification.last_outcome(connection, _hash(services, person))
        owner = qualification.inviter(connection, person)
    images = []
    if trial is not None:
        marks = _marks(services, person, trial)
        images = [{"token": mark, "url": f"{TRIAL}/images/{mark}"} for mark in marks]
    return render(
        request, "qualification.html", trial=trial, images=images, last=last, owner=owner,
        asked=trial and spec.by_key[trial.class_key], pass_mark=spec.page.pass_mark,
        tries=qualification.TRIES, instructions=paragraphs(spec.page.instructions),
    )  # fmt: skip


@router.post(TRIAL)
def take_trial(
    services: Shared,
    person: Worker,
    number: Annotated[int, Form()],
    chosen: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Score a trial; the page that follows says how it went."""
    with services.project.read() as connection:
        trial = _trial(services, person, connection)
    marks = {} if trial is None else _marks(services, person, trial)
    # A mark of another trial is of no image of this one, which is then refused.
    items = frozenset(marks.get(mark, "") for mark in chosen or ())
    qualification.score_trial(services.project, person, number, items)
    return RedirectResponse(LABEL, 303)


@router.get(TRIAL + "/images/{mark}")
def trial_image(services: Shared, person: Worker, mark: str) -> Response:
    """Show an image of the trial that is next."""
    with services.project.read() as connection:
        trial = _trial(services, person, connection)
    marks = {} if trial is None else _marks(services, person, trial)
    if mark not in marks:
        raise NotFoundError("There is no such image.")
    return picture(services.project, marks[mark])


def _trial(services: Services, person: Person, connection: sa.Connection) -> Trial | None:
    worker = _hash(services, person)
    return qualification.next_trial(connection, spec_of(services), worker)


def _marks(services: Services, person: Person, trial: Trial) -> dict[str, str]:
    """Images of a trial by what pages call them, which tells nothing and fits this trial only."""
    mark, place = services.signer.mark, f"{person.person_id}:{trial.number}"
    return {mark("trial", f"{place}:{item}"): item for item in trial.items}


def _hash(services: Services, person: Person) -> str:
    return hash_worker(person.person_id, services.project.salt)
