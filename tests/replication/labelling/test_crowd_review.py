from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
from botocore.stub import ANY, Stubber
from fakes.mturk import FakeMTurk
from replication.labelling.test_crowd_work import posted, tasks_of, tokens

from freshset.core.errors import NotFoundError, StoreError, UsageError
from freshset.replication import tables
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.crowd_review import (
    Approval,
    approve_assignments,
    reject_assignment,
    stop_asking,
)
from freshset.replication.labelling.crowd_work import read_assignments
from freshset.replication.labelling.mturk import fetch_answers
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


def submitted(project: Project) -> tuple[FakeMTurk, list[str]]:
    """Both tasks of a batch, each submitted by two workers."""
    client = posted(project)
    names = [
        client.submit(task, worker, tokens(project, task, "positive"))
        for task in tasks_of(project, "001")
        for worker in ("W1", "W2")
    ]
    return client, names


def answers_of(project: Project, assignment: str = "") -> int:
    of = tables.answers.c.assignment_id
    count = sa.select(sa.func.count()).select_from(tables.answers)
    with project.read() as connection:
        query = count.where(of == assignment) if assignment else count
        return int(connection.execute(query).scalar_one())


def test_approving_twice_pays_once(any_project: Project) -> None:
    client, names = submitted(any_project)
    assert approve_assignments(any_project, client, "001", names[:2], **ME) == Approval(2, 0)
    assert approve_assignments(any_project, client, "001", names[:3], **ME) == Approval(1, 2)
    assert client.asked.count("approve_assignment") == 3
    entries = list(any_project.entries(action="crowd.approve"))
    assert sorted(entry.subject for entry in entries) == names[:3]
    assert (entries[0].who, entries[0].detail["controls"], entries[0].detail["right"]) == (
        "ada", 6, 6,
    )  # fmt: skip
    assert "W1" not in str([entry.to_dict() for entry in entries])


def test_after_a_refusal_the_rest_is_approved(project: Project) -> None:
    client, names = submitted(project)
    client.broken = {"approve_assignment"}
    with pytest.raises(StoreError, match=r"stays as it was .*try again"):
        approve_assignments(project, client, "001", names, **ME)
    assert list(project.entries(action="crowd.approve")) == []
    client.broken = set()
    assert approve_assignments(project, client, "001", names, **ME) == Approval(4, 0)


def test_what_is_not_of_the_batch_is_not_approved(project: Project) -> None:
    client, names = submitted(project)
    with pytest.raises(NotFoundError, match="no assignment 'ELSEWHERE'"):
        approve_assignments(project, client, "001", [*names, "ELSEWHERE"], **ME)
    with pytest.raises(UsageError, match="No assignment was chosen"):
        approve_assignments(project, client, "001", [], **ME)
    assert "approve_assignment" not in client.asked


def test_a_rejected_assignment_does_not_count(any_project: Project) -> None:
    client, names = submitted(any_project)
    import_answers(any_project, fetch_answers(any_project, client), source="mturk", **ME)
    before = answers_of(any_project)
    removed = reject_assignment(any_project, client, "001", names[0], who="ada", why="All ticked")
    assert 40 <= removed <= 48
    assert answers_of(any_project) == before - removed
    assert client.assignments[names[0]]["RequesterFeedback"] == "All ticked"
    (entry,) = any_project.entries(action="crowd.reject")
    assert (entry.subject, entry.why, entry.detail["answers_removed"]) == (
        names[0], "All ticked", removed,
    )  # fmt: skip
    # Again, as after a failure: MTurk is not asked, and nothing is left to remove.
    assert reject_assignment(any_project, client, "001", names[0], **ME) == 0
    assert client.asked.count("reject_assignment") == 1
    # An import does not bring them back; where it counts now, another answer of the worker does.
    import_answers(any_project, fetch_answers(any_project, client), source="mturk", **ME)
    assert answers_of(any_project, names[0]) == 0


def test_rejecting_needs_a_reason_and_comes_too_late_after_approval(project: Project) -> None:
    client, names = submitted(project)
    with pytest.raises(UsageError, match="is told why"):
        reject_assignment(project, client, "001", names[0], who="ada", why=" ")
    approve_assignments(project, client, "001", names[:1], **ME)
    with pytest.raises(UsageError, match="approved already"):
        reject_assignment(project, client, "001", names[0], **ME)
    client.broken = {"reject_assignment"}
    with pytest.raises(StoreError):
        reject_assignment(project, client, "001", names[1], **ME)
    assert list(project.entries(action="crowd.reject")) == []


def test_nobody_else_is_asked(any_project: Project) -> None:
    client, _ = submitted(any_project)
    client.broken = {"update_expiration_for_hit"}
    with pytest.raises(StoreError, match="does not end HIT"):
        stop_asking(any_project, client, "001", **ME)
    client.broken = set()
    assert stop_asking(any_project, client, "001", **ME) == 2
    assert {hit["Expiration"] for hit in client.hits.values()} == {datetime(2000, 1, 1, tzinfo=UTC)}
    # What was submitted before can still be seen and paid.
    assert len(read_assignments(any_project, client, "001")) == 4
    assert stop_asking(any_project, client, "001", **ME) == 0
    with pytest.raises(NotFoundError):
        stop_asking(any_project, client, "009", **ME)


def test_the_real_interface_takes_these_requests(project: Project) -> None:
    fake, names = submitted(project)
    real: Any = boto3.client(
        "mturk", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y",
        endpoint_url="https://mturk-requester-sandbox.us-east-1.amazonaws.com",
    )  # fmt: skip

    class Half(FakeMTurk):
        """Lists like the fake one, and decides by the model of the real one."""

        hits, assignments = fake.hits, fake.assignments
        approve_assignment = staticmethod(real.approve_assignment)
        reject_assignment = staticmethod(real.reject_assignment)
        update_expiration_for_hit = staticmethod(real.update_expiration_for_hit)

        def __init__(self) -> None:
            self.asked, self.broken = [], set()

    with Stubber(real) as stub:
        stub.add_response("approve_assignment", {}, {"AssignmentId": names[0]})
        rejected = {"AssignmentId": names[1], "RequesterFeedback": "test"}
        stub.add_response("reject_assignment", {}, rejected)
        for _ in range(2):
            stub.add_response("update_expiration_for_hit", {}, {"HITId": ANY, "ExpireAt": ANY})
        approve_assignments(project, Half(), "001", names[:1], **ME)
        reject_assignment(project, Half(), "001", names[1], **ME)
        stop_asking(project, Half(), "001", **ME)
        stub.assert_no_pending_responses()
