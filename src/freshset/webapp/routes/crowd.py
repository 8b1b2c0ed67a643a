"""The crowd: tasks are posted on Mechanical Turk, and what comes back is looked at, paid and imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import RedirectResponse, Response

from freshset.core.errors import FreshsetError, StoreError
from freshset.replication.labelling import mturk
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.costs import RULE
from freshset.replication.labelling.crowd_review import (
    approve_assignments,
    reject_assignment,
    stop_asking,
)
from freshset.replication.labelling.crowd_work import find_batch, read_assignments, read_batches
from freshset.webapp.errors import Forbidden
from freshset.webapp.identity import Owner
from freshset.webapp.pages import render
from freshset.webapp.ready import spec_of
from freshset.webapp.routes.dashboard import fragment
from freshset.webapp.services import Services, Shared

router = APIRouter(prefix="/crowd", include_in_schema=False)

MOST = 300
"""Assignments of a page."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
Id = Annotated[str, Field(max_length=128)]
_SAID = {
    "published": "{n} tasks were posted.",
    "approved": "{n} assignments were approved; {m} had been decided before.",
    "rejected": "The assignment was rejected; {n} of its answers no longer count.",
    "imported": "{n} new answers were imported; {m} were known already.",
    "closed": "{n} tasks were closed; nobody else is asked.",
}


class Reason(BaseModel):
    """Why something is done, which the log keeps."""

    why: Text


class Publishing(Reason):
    """A batch to be posted, as its preview was seen."""

    batch: Id
    tasks: int
    live: bool = False
    word: Annotated[str, Field(max_length=20)] = ""


class Approving(Reason):
    """Assignments to be approved."""

    assignment: list[Id] = []


class Rejecting(Reason):
    """An assignment to be rejected."""

    assignment: Id


class Done(BaseModel):
    """What was done before the page was shown, and how often."""

    done: Annotated[str, Field(max_length=20)] = ""
    n: int = 0
    m: int = 0

    @property
    def said(self) -> str:
        """A sentence, empty where nothing was done."""
        return _SAID.get(self.done, "").format(n=f"{self.n:,}", m=f"{self.m:,}")


@router.get("")
def show(
    request: Request, services: Shared, person: Owner, done: Annotated[Done, Query()]
) -> Response:
    """Show all batches, and what posting the open tasks would cost."""
    del person
    return _page(request, services, said=done.said)


@router.post("/publish")
def publish(
    request: Request, services: Shared, person: Owner, form: Annotated[Publishing, Form()]
) -> Response:
    """Post the open tasks of a batch."""
    plan = mturk.plan_for(spec_of(services).tasks, form.tasks, live=form.live)
    try:
        mturk.check_word(plan, form.word)
        count = mturk.publish(
            services.project,
            _client(services, live=form.live),
            question=mturk.link_question(f"{services.settings.base_url}/mturk/tasks/{{task}}"),
            plan=plan,
            word=form.word,
            batch=form.batch,
            signed=(person.name, form.why),
        )
    except FreshsetError as error:
        return _page(request, services, error=error)
    return _back("/crowd", "published", count)


@router.get("/batches/{batch}")
def show_batch(
    request: Request, services: Shared, person: Owner, batch: str, done: Annotated[Done, Query()]
) -> Response:
    """Show one batch; its script asks what has come back."""
    del person
    return _batch_page(request, services, batch, said=done.said)


@router.get("/batches/{batch}/assignments")
def assignments(request: Request, services: Shared, person: Owner, batch: str) -> Response:
    """Ask MTurk what was submitted."""
    del person
    with services.project.read() as connection:
        found = find_batch(connection, batch)
    try:
        # To look costs nothing, wherever it was posted.
        client = services.mturk(live=bool(found.live))
        rows = read_assignments(services.project, client, batch)
    except FreshsetError as error:
        return fragment(request, "crowd_assignments.html", batch=found, rows=(), error=str(error))
    rows = tuple(sorted(rows, key=lambda one: not one.waits))
    return fragment(
        request, "crowd_assignments.html", batch=found, rows=rows, most=MOST, error="",
        least=spec_of(services).workers.min_accuracy,
    )  # fmt: skip


@router.post("/batches/{batch}/approve")
def approve(
    request: Request,
    services: Shared,
    person: Owner,
    batch: str,
    form: Annotated[Approving, Form()],
) -> Response:
    """Approve assignments, by which their workers are paid."""

    def work(client: mturk.Client) -> tuple[int, int]:
        found = approve_assignments(
            services.project, client, batch, form.assignment, who=person.name, why=form.why
        )
        return found.approved, found.decided

    return _do(request, services, batch, "approved", work)


@router.post("/batches/{batch}/reject")
def reject(
    request: Request,
    services: Shared,
    person: Owner,
    batch: str,
    form: Annotated[Rejecting, Form()],
) -> Response:
    """Reject one assignment, with a reason that its worker is told."""

    def work(client: mturk.Client) -> tuple[int, int]:
        removed = reject_assignment(
            services.project, client, batch, form.assignment, who=person.name, why=form.why
        )
        return removed, 0

    return _do(request, services, batch, "rejected", work)


@router.post("/batches/{batch}/import")
def import_now(
    request: Request, services: Shared, person: Owner, batch: str, form: Annotated[Reason, Form()]
) -> Response:
    """Bring the answers into the project."""

    def work(client: mturk.Client) -> tuple[int, int]:
        records = mturk.fetch_answers(services.project, client, batch=batch)
        report = import_answers(
            services.project, records, source="mturk", who=person.name, why=form.why
        )
        return report.added + report.replaced, report.known

    return _do(request, services, batch, "imported", work, spends=False)


@router.post("/batches/{batch}/close")
def close(
    request: Request, services: Shared, person: Owner, batch: str, form: Annotated[Reason, Form()]
) -> Response:
    """Ask no further workers."""

    def work(client: mturk.Client) -> tuple[int, int]:
        return stop_asking(services.project, client, batch, who=person.name, why=form.why), 0

    return _do(request, services, batch, "closed", work, spends=False)


def _do(
    request: Request,
    services: Services,
    batch: str,
    done: str,
    work: Callable[[mturk.Client], tuple[int, int]],
    *,
    spends: bool = True,
) -> Response:
    """Do something with a batch where it was posted, and say what came of it."""
    with services.project.read() as connection:
        live = bool(find_batch(connection, batch).live)
    try:
        client = _client(services, live=live) if spends else services.mturk(live=live)
        count, more = work(client)
    except FreshsetError as error:
        return _batch_page(request, services, batch, error=error)
    return _back(f"/crowd/batches/{batch}", done, count, more)


def _client(services: Services, *, live: bool) -> mturk.Client:
    """Open MTurk for what may cost money.

    Raises
    ------
    Forbidden
        When it is live, and the server was not started so.
    """
    if live and not services.settings.mturk_live:
        raise Forbidden(
            "This server only tries the sandbox.", "Start it with --mturk-live to spend money."
        )
    return services.mturk(live=live)


def _page(
    request: Request, services: Services, *, said: str = "", error: FreshsetError | None = None
) -> Response:
    spec = spec_of(services)
    with services.project.read() as connection:
        batches = read_batches(connection)
    plans = {one.batch: mturk.plan_for(spec.tasks, one.open) for one in batches}
    settings = services.settings
    return render(
        request, "crowd.html", status=_status(error), batches=batches, plans=plans, rule=RULE,
        live=settings.mturk_live, here=settings.base_url, word=mturk.LIVE_WORD, said=said,
        error=str(error or ""),
    )  # fmt: skip


def _batch_page(
    request: Request,
    services: Services,
    batch: str,
    *,
    said: str = "",
    error: FreshsetError | None = None,
) -> Response:
    with services.project.read() as connection:
        found = find_batch(connection, batch)
    values: dict[str, Any] = {"batch": found, "said": said, "error": str(error or "")}
    return render(request, "crowd_batch.html", status=_status(error), **values)


def _status(error: FreshsetError | None) -> int:
    if error is None:
        return 200
    if isinstance(error, Forbidden):
        return 403
    return 503 if isinstance(error, StoreError) else 422


def _back(path: str, done: str, n: int, m: int = 0) -> Response:
    return RedirectResponse(f"{path}?{urlencode({'done': done, 'n': n, 'm': m})}", 303)
