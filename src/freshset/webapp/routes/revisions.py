"""Revisions: drawing them, the final review class by class, replacing images, freezing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from freshset.replication.collecting.facts import image_facts
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.revisions.chain import head, load
from freshset.replication.revisions.freeze import Problem, freeze, problems_of, unfreeze
from freshset.replication.revisions.overview import Line, list_revisions
from freshset.replication.revisions.review import (
    ClassReview,
    Judgement,
    images_to_review,
    reviews_of,
    set_reviews,
)
from freshset.replication.sampling.choose import draw_revision
from freshset.replication.sampling.replacing import replace_images, replacements_of
from freshset.webapp.errors import API
from freshset.webapp.identity import Owner, Reviewer
from freshset.webapp.overview import ground_of
from freshset.webapp.pages import render
from freshset.webapp.params import (
    Because,
    Conflict,
    OfClass,
    OfRevision,
    Remark,
    SomeItems,
    SomeItemsBecause,
    Version,
)
from freshset.webapp.services import Services, Shared

router = APIRouter(tags=["review"])

_SPEAKS = (
    "revision.review", "revision.freeze", "revision.unfreeze", "revision.sample", "spec.change",
    "image.blacklist", "image.release", "image.takedown", "pairs.verdict", "candidates.collect",
    "original.add",
)  # fmt: skip
"""Actions after which something else may speak against freezing a revision."""

Verdict = Literal["open", "good", "problematic"]
_Name = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._+-]{0,99})?$")]


class RevisionLine(BaseModel):
    """A revision in the list."""

    name: str
    parent: str
    state: str
    touched: bool
    at: str
    images: int
    missing: int
    good: int = Field(description="Classes that were found good.")
    problematic: int
    children: list[str] = Field(description="Revisions that were drawn from it.")


class Reviewed(BaseModel):
    """The review of a class."""

    class_key: str
    verdict: Verdict
    stale: bool = Field(description="Whether the class's definition has changed since.")
    who: str
    at: str
    version: int


class Speaks(BaseModel):
    """Something that speaks against freezing."""

    check: str
    message: str
    waivable: bool = Field(description="Whether a reason may outweigh it.")


class OneRevision(RevisionLine):
    """A revision, its reviews, and what speaks against freezing it."""

    reviews: list[Reviewed]
    problems: list[Speaks]


class Judged(Because):
    """A verdict on a class."""

    verdict: Verdict
    version: Version


class Incoming(BaseModel):
    """An image of a class that comes or goes."""

    item_id: str
    reason: str = Field(description="Why it goes, or how it was drawn.")


class ClassChange(BaseModel):
    """What a draw changes in one class."""

    class_key: str
    gone: list[Incoming]
    come: list[Incoming]
    missing: int


class Preview(BaseModel):
    """What the next draw would change; nothing was written."""

    classes: list[ClassChange]


class Draw(Because):
    """A revision to be drawn."""

    parent: _Name = Field("", description="Revision to begin from; empty for none.")
    name: _Name = Field("", description="Empty for the next free one.")


class Drawn(BaseModel):
    """A revision that was drawn."""

    name: str


class Freeze(Because):
    """A revision is to be frozen."""

    allow_incomplete: Remark = Field(
        "", description="Why it may be frozen although something speaks against it."
    )


@router.get("/revisions", include_in_schema=False)
def show_revisions(request: Request, services: Shared, person: Reviewer) -> Response:
    """Show all revisions."""
    with services.project.read() as connection:
        lines = list_revisions(connection)
    return render(
        request, "revisions.html", lines=lines, spec=services.project.spec,
        owner=person.may("owner"),
    )  # fmt: skip


@router.get("/revisions/{name}", include_in_schema=False)
def show_revision(
    request: Request, services: Shared, person: Reviewer, name: OfRevision
) -> Response:
    """Show a revision with the reviews of its classes."""
    with services.project.read() as connection:
        line = _line(connection, name)
        reviews = reviews_of(connection, name)
        revision = load(connection, name)
    sizes = {key: len(ids) for key, ids in revision.item_ids.items()}
    return render(
        request, "revisions_one.html", line=line, reviews=reviews, revision=revision, sizes=sizes,
        problems=_problems(services, name), classes=services.project.spec.by_key,
        owner=person.may("owner"),
    )  # fmt: skip


@router.get("/revisions/{name}/classes/{key}", include_in_schema=False)
def show_review(
    request: Request, services: Shared, person: Reviewer, name: OfRevision, key: OfClass
) -> Response:
    """Show the images of a class beside original ones."""
    del person
    with services.project.read() as connection:
        shown = images_to_review(connection, name, key)
        line = _line(connection, name)
        reviews = reviews_of(connection, name)
        facts = image_facts(connection, [one.item_id for one in shown])
    keys = [one.class_key for one in reviews]
    at = keys.index(key)
    others = reviews[at + 1 :] + reviews[:at]
    return render(
        request, "class_review.html", line=line, key=key, facts=facts,
        review=reviews[at], one=services.project.spec.by_key.get(key),
        fresh=[one for one in shown if one.part == "fresh"],
        originals=[one for one in shown if one.part == "original"],
        open_key=next((one.class_key for one in others if one.verdict == "open"), ""),
        back=keys[at - 1] if at else "", ahead=keys[at + 1] if at + 1 < len(keys) else "",
    )  # fmt: skip


@router.get(API + "revisions")
def get_revisions(services: Shared, person: Reviewer) -> list[RevisionLine]:
    """List all revisions, newest first."""
    del person
    with services.project.read() as connection:
        return [RevisionLine(**_plain(one)) for one in list_revisions(connection)]


@router.get(API + "revisions/{name}")
def get_revision(services: Shared, person: Reviewer, name: OfRevision) -> OneRevision:
    """Return a revision with its reviews, and what speaks against freezing it."""
    del person
    with services.project.read() as connection:
        line, reviews = _line(connection, name), reviews_of(connection, name)
    problems = _problems(services, name)
    return OneRevision(
        **_plain(line),
        reviews=[_reviewed(one) for one in reviews],
        problems=[Speaks(check=p.check, message=p.message, waivable=p.waivable) for p in problems],
    )


@router.post(API + "revisions", responses=Conflict)
def draw(services: Shared, person: Owner, wanted: Draw) -> Drawn:
    """Draw a revision by the spec."""
    frequencies = pooled_frequencies(services.project).frequencies
    done = draw_revision(
        services.project, frequencies, name=wanted.name, parent=wanted.parent,
        who=person.name, why=wanted.reason,
    )  # fmt: skip
    return Drawn(name=done.name)


@router.put(API + "revisions/{name}/classes/{key}", responses=Conflict)
def judge_class(
    services: Shared, person: Reviewer, name: OfRevision, key: OfClass, said: Judged
) -> Reviewed:
    """Say what is thought of a class of a revision."""
    one = Judgement(key, said.verdict, said.version)
    (given,) = set_reviews(services.project, name, [one], who=person.name, why=said.reason)
    return _reviewed(given)


@router.post(API + "revisions/{name}/preview")
def preview(services: Shared, person: Reviewer, name: OfRevision, some: SomeItems) -> Preview:
    """Say what would take the place of images if they were on the blacklist; writes nothing."""
    del person
    ground = ground_of(services)
    with services.project.read() as connection:
        found = replacements_of(connection, ground, name, some.items)
    return Preview(
        classes=[
            ClassChange(
                class_key=one.class_key,
                gone=[Incoming(item_id=gone.item_id, reason=gone.reason) for gone in one.gone],
                come=[Incoming(item_id=come.item_id, reason=come.how) for come in one.come],
                missing=one.missing,
            )
            for one in found.classes
        ]
    )


@router.post(API + "revisions/{name}/replace", responses=Conflict)
def replace(services: Shared, person: Reviewer, name: OfRevision, some: SomeItemsBecause) -> Drawn:
    """Blacklist images and draw the next revision, which holds others in their place."""
    frequencies = pooled_frequencies(services.project).frequencies
    done = replace_images(
        services.project, frequencies, name, some.items, who=person.name, why=some.reason
    )
    return Drawn(name=done.name)


@router.post(API + "revisions/{name}/freeze", responses=Conflict)
def freeze_revision(services: Shared, person: Owner, name: OfRevision, wanted: Freeze) -> Drawn:
    """Freeze a revision: from here on it may be predicted on, and is never changed."""
    done = freeze(
        services.project, name, who=person.name, why=wanted.reason,
        allow_incomplete=wanted.allow_incomplete,
    )  # fmt: skip
    return Drawn(name=done.name)


@router.post(API + "revisions/{name}/unfreeze")
def unfreeze_revision(services: Shared, person: Owner, name: OfRevision, why: Because) -> Drawn:
    """Make a frozen revision a draft again; it and all that come from it are marked for ever."""
    unfreeze(services.project, name, who=person.name, why=why.reason)
    return Drawn(name=name)


def _line(connection: sa.Connection, name: str) -> Line:
    head(connection, name)  # an unknown one gets a hint
    return next(one for one in list_revisions(connection) if one.head.name == name)


def _problems(services: Services, name: str) -> tuple[Problem, ...]:
    def compute() -> tuple[Problem, ...]:
        with services.project.read() as connection:
            return problems_of(connection, name)

    return services.memory.of(("problems", name), compute, actions=_SPEAKS)


def _reviewed(one: ClassReview) -> Reviewed:
    return Reviewed(**one.to_dict())


def _plain(one: Line) -> dict[str, Any]:
    own = one.head
    return {
        "name": own.name,
        "parent": own.parent,
        "state": own.state,
        "touched": own.touched,
        "at": own.at,
        "images": one.summary.get("images", 0),
        "missing": one.summary.get("missing", 0),
        "good": one.good,
        "problematic": one.problematic,
        "children": list(one.children),
    }
