"""The log of the project: who did what, when and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from freshset.core.errors import DataError, UsageError
from freshset.replication.journal import Entry, Filter, search
from freshset.webapp.identity import Owner
from freshset.webapp.pages import render
from freshset.webapp.services import Services, Shared

router = APIRouter(include_in_schema=False)

PAGE = 50
"""Entries of a page."""

Text = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    """Which entries are asked for; what is empty is not asked."""

    action: Annotated[Text, Field(description="Begin of the action, such as `answers.`.")] = ""
    who: Annotated[Text, Field(description="Who did it, exactly.")] = ""
    subject: Annotated[Text, Field(description="What it was done to, exactly.")] = ""
    text: Annotated[Text, Field(description="Occurs in the reason.")] = ""
    since: Annotated[Text, Field(description="A day or time in ISO form, UTC: then and later.")] = (
        ""
    )
    until: Annotated[Text, Field(description="Likewise: before then; a day still counts.")] = ""

    def filter(self) -> Filter:
        """Return it as a filter.

        Raises
        ------
        UsageError
            When a time is none.
        """
        return Filter.of(**self.model_dump(include=set(Asked.model_fields)))


class Paged(Asked):
    """Which page of them; entries of a smaller number follow."""

    before: Annotated[int, Field(ge=0, lt=2**31)] = 0


@router.get("/log")
def show(
    request: Request, services: Shared, person: Owner, asked: Annotated[Paged, Query()]
) -> Response:
    """Show entries, the newest first."""
    del person
    return _page(request, services, asked)


@router.post("/log/verify")
def verify(
    request: Request,
    services: Shared,
    person: Owner,
    known: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Check the whole log, and say what was found."""
    del person
    try:
        count = services.project.verify_log(known.strip().lower())
    except DataError as error:
        return _page(request, services, Paged(), found={"good": False, "said": str(error)})
    text = f"All {count:,} entries are as they were written, and none is missing."
    return _page(request, services, Paged(), found={"good": True, "said": text})


def _page(
    request: Request, services: Services, asked: Paged, *, found: dict[str, Any] | None = None
) -> Response:
    wrong, entries, end = "", [], True
    try:
        wanted = asked.filter()
    except UsageError as error:
        wrong = str(error)
    else:
        with services.project.read() as connection:
            entries = search(connection, wanted, before=asked.before, limit=PAGE + 1)
        entries, end = entries[:PAGE], len(entries) <= PAGE
    typed = asked.model_dump(exclude={"before"}, exclude_defaults=True)
    older = "" if end else urlencode(typed | {"before": entries[-1].seq})
    return render(
        request, "log.html", status=422 if wrong else 200, entries=[_shown(one) for one in entries],
        asked=asked, wrong=wrong, found=found, older=older, newest=urlencode(typed),
    )  # fmt: skip


def _shown(entry: Entry) -> dict[str, Any]:
    """An entry with its detail as lines of name and value."""
    return asdict(entry) | {"day": entry.at[:10], "time": entry.at[11:19]}
