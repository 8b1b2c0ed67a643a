"""Labelling tasks on Mechanical Turk: posted once each, in the sandbox unless one insists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from freshset.core.errors import DataError, MissingExtraError, StoreError, UsageError
from freshset.replication import tables
from freshset.replication.labelling.answers.base import Records
from freshset.replication.labelling.answers.mturk import assignment_records
from freshset.replication.labelling.costs import RULE, task_cost
from freshset.replication.labelling.task_files import Shown, read_tasks, unseen_tasks
from freshset.replication.labelling.task_page import external_question, html_question, task_page
from freshset.replication.project import Project
from freshset.replication.spec_sections import TasksSpec

LIVE_WORD = "LIVE"
"""What must be typed before money is spent."""

_SANDBOX = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"
_LIVE = "https://mturk-requester.us-east-1.amazonaws.com"
WORKER_SITES = {False: "https://workersandbox.mturk.com", True: "https://www.mturk.com"}
"""Where workers are, by whether it is live; nobody else is sent what they choose."""

SUBMIT = "/mturk/externalSubmit"
"""Path there at which answers are taken."""

_DAY = 24 * 3600


class Client(Protocol):
    """What is used of boto3's client."""

    def create_hit(self, **options: Any) -> dict[str, Any]:
        """Post a task."""

    def get_paginator(self, name: str) -> Any:
        """List in pages."""

    def approve_assignment(self, **options: Any) -> dict[str, Any]:
        """Accept what a worker did, and pay for it."""

    def reject_assignment(self, **options: Any) -> dict[str, Any]:
        """Refuse what a worker did."""

    def update_expiration_for_hit(self, **options: Any) -> dict[str, Any]:
        """Change until when a task is offered."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What posting will do.

    Attributes
    ----------
    tasks, answers, reward
        Tasks to be posted, workers for each, and dollars for one answer.
    cost
        Dollars with fees.
    live
        Whether real workers see them and real money is spent; the sandbox is free.
    """

    tasks: int
    answers: int
    reward: float
    cost: float
    live: bool

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.publish-preview/1``."""
        return {"schema": "freshset.publish-preview/1", "fee": RULE} | asdict(self)


def connect(*, live: bool = False) -> Client:
    """Open MTurk with the credentials that boto3 finds: the sandbox, or the real thing.

    Raises
    ------
    MissingExtraError
        Without boto3.
    """
    try:
        import boto3
    except ImportError as error:
        raise MissingExtraError(
            "Mechanical Turk needs boto3, which is not installed.",
            'Install it: pip install "freshset[mturk]"',
        ) from error
    endpoint = _LIVE if live else _SANDBOX
    client: Client = boto3.client("mturk", region_name="us-east-1", endpoint_url=endpoint)
    return client


def preview(project: Project, *, batch: str = "", live: bool = False) -> Preview:
    """Tell what posting the open tasks will cost.

    Raises
    ------
    DataError
        When there are no such tasks.
    """
    count = sum(task.status == "open" for task in read_tasks(project, batch))
    return plan_for(project.spec.tasks, count, live=live)


def plan_for(rules: TasksSpec, tasks: int, *, live: bool = False) -> Preview:
    """Tell what posting so many tasks will cost."""
    cost = task_cost(tasks, rules.answers, rules.reward)
    return Preview(tasks, rules.answers, rules.reward, cost, live)


def check_word(plan: Preview, word: str) -> None:
    """Refuse to spend money without the typed word.

    Raises
    ------
    UsageError
        When the plan is live and the word is not `LIVE_WORD`.
    """
    if plan.live and word != LIVE_WORD:
        raise UsageError(
            f"Nothing was posted: live tasks cost ${plan.cost:,.2f} and need the word {LIVE_WORD}.",
            f"Type {LIVE_WORD} when you are asked, or give --confirm {LIVE_WORD}.",
        )


def publish(
    project: Project,
    client: Client,
    *,
    question: Callable[[Shown], str],
    plan: Preview,
    word: str = "",
    batch: str = "",
    signed: tuple[str, str],
) -> int:
    """Post the open tasks; returns how many.

    No task is posted twice.  What was posted is stored at once, task by task; where that failed, the
    task is found on MTurk by its annotation, which is its id, and only stored.  Its id is also its
    request token, by which MTurk itself refuses a second one for a day.

    Parameters
    ----------
    question
        Makes the question of a task; see `page_question` and `link_question`.
    plan
        What the user was shown; see `preview`.
    word
        `LIVE_WORD`, as typed by the user; needed when the plan is live.
    signed
        Who does it and why.

    Raises
    ------
    UsageError
        When it is live and the word is another, or the tasks are not those of the plan.
    DataError
        When one shows an image that was taken down.
    StoreError
        When MTurk refuses; what was posted before stays posted and stored.
    """
    check_word(plan, word)
    tasks = unseen_tasks(project, batch, "open")
    if len(tasks) != plan.tasks:
        raise UsageError("The tasks have changed since the preview.", "Look at a new preview.")
    rules = project.spec.tasks
    who, why = signed
    there = _posted(client) if tasks else {}
    for task in tasks:
        options = {
            "Title": f"Find the images that show: {task.asked.title}",
            "Description": "Look at a page of images and tick those that show the object.",
            "Keywords": "image, label, photo, tick",
            "Reward": f"{rules.reward:.2f}",
            "MaxAssignments": rules.answers,
            "AssignmentDurationInSeconds": rules.seconds,
            "LifetimeInSeconds": 7 * _DAY,
            "AutoApprovalDelayInSeconds": 3 * _DAY,
            "RequesterAnnotation": task.task_id,
            "UniqueRequestToken": task.task_id,
            "Question": question(task),
        }
        hit = there.get(task.task_id) or _post(client, options)
        with project.change("tasks.publish", who=who, why=why, subject=task.task_id) as change:
            change.detail |= {"hit": hit, "live": plan.live, "answers": rules.answers}
            change.detail["reward"] = rules.reward
            of = tables.tasks
            query = sa.update(of).where(of.c.task_id == task.task_id)
            change.connection.execute(query.values(status="published", external_id=hit))
    return len(tasks)


def page_question(image_url: str, *, live: bool) -> Callable[[Shown], str]:
    """Questions with the whole form, whose images lie at a URL with ``{token}`` in it.

    Raises
    ------
    UsageError
        When the URL has no place for the token, or is not https, which MTurk's pages need.
    """
    if "{token}" not in image_url or not image_url.startswith("https://"):
        raise UsageError(
            f"{image_url!r} is no place for the images.",
            "Give a URL such as https://bucket.s3.amazonaws.com/images/{token}.jpg",
        )

    def question(task: Shown) -> str:
        images = [(token, image_url.replace("{token}", token)) for token, _ in task.images]
        return html_question(task_page(task.asked, images, submit_to=WORKER_SITES[live] + SUBMIT))

    return question


def link_question(page_url: str) -> Callable[[Shown], str]:
    """Questions that point to a page of one's own, at a URL with ``{task}`` in it.

    Raises
    ------
    UsageError
        When the URL has no place for the task, or is not https.
    """
    if "{task}" not in page_url or not page_url.startswith("https://"):
        raise UsageError(
            f"{page_url!r} is no place for the pages.",
            "Give a URL such as https://host/tasks/{task}",
        )
    return lambda task: external_question(page_url.replace("{task}", task.task_id))


def fetch_answers(project: Project, client: Client, *, batch: str = "") -> Records:
    """Fetch all assignments of the published tasks, whatever was fetched before.

    Raises
    ------
    DataError
        When no task was published, or nobody has answered.
    StoreError
        When MTurk refuses.
    """
    hits = [task.external_id for task in read_tasks(project, batch) if task.external_id]
    if not hits:
        raise DataError("No task was published.", "Publish some: freshset testset publish")
    return assignment_records(assignments_of(client, hits), Path("mturk"))


def assignments_of(client: Client, hits: Iterable[str]) -> Iterator[dict[str, Any]]:
    """List all assignments of posted tasks, as MTurk tells them.

    Raises
    ------
    StoreError
        When MTurk refuses.
    """
    pages = client.get_paginator("list_assignments_for_hit")
    for hit in hits:
        try:
            for page in pages.paginate(HITId=hit):
                yield from page["Assignments"]
        except refusals() as error:
            raise StoreError(
                f"MTurk does not list the answers to {hit} ({error}).",
                "Check the credentials that boto3 finds.",
            ) from error


def refusals() -> tuple[type[Exception], ...]:
    """What a client raises when MTurk refuses or cannot be reached."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return ()
    return (BotoCoreError, ClientError)


def _posted(client: Client) -> dict[str, str]:
    """Ids of what is on MTurk, by annotation."""
    try:
        pages = client.get_paginator("list_hits").paginate()
        return {
            hit["RequesterAnnotation"]: str(hit["HITId"])
            for page in pages
            for hit in page["HITs"]
            if hit.get("RequesterAnnotation")
        }
    except refusals() as error:
        raise StoreError(
            f"MTurk does not answer ({error}).", "Check the credentials that boto3 finds."
        ) from error


def _post(client: Client, options: dict[str, Any]) -> str:
    try:
        return str(client.create_hit(**options)["HIT"]["HITId"])
    except refusals() as error:
        raise StoreError(
            f"MTurk refuses task {options['RequesterAnnotation']} ({error}).",
            "What was posted is kept; run the command again to post the rest.",
        ) from error
