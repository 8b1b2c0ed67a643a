"""Mechanical Turk without a network: what is used of boto3's client, and workers who submit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

_ANSWER = (
    '<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="http://mechanicalturk.'
    'amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"><Answer>'
    "<QuestionIdentifier>selected</QuestionIdentifier><FreeText>{}</FreeText></Answer>"
    "</QuestionFormAnswers>"
)


class FakeMTurk:
    """One requester's account.

    Attributes
    ----------
    hits
        What was posted, by id.
    assignments
        What was submitted, by id.
    asked
        Names of the operations in the order in which they were asked for.
    broken
        Operations that are refused.
    """

    def __init__(self) -> None:
        self.hits: dict[str, dict[str, Any]] = {}
        self.assignments: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.broken: set[str] = set()

    def create_hit(self, **options: Any) -> dict[str, Any]:
        self._note("create_hit")
        for hit in self.hits.values():
            assert hit["UniqueRequestToken"] != options["UniqueRequestToken"], "posted twice"
        hit = options | {"HITId": f"HIT{len(self.hits)}"}
        self.hits[hit["HITId"]] = hit
        return {"HIT": hit}

    def get_paginator(self, name: str) -> _Pages:
        return _Pages(self, name)

    def approve_assignment(self, *, AssignmentId: str) -> dict[str, Any]:
        self._decide("approve_assignment", AssignmentId, "Approved")
        return {}

    def reject_assignment(self, *, AssignmentId: str, RequesterFeedback: str) -> dict[str, Any]:
        self._decide("reject_assignment", AssignmentId, "Rejected")
        self.assignments[AssignmentId]["RequesterFeedback"] = RequesterFeedback
        return {}

    def update_expiration_for_hit(self, *, HITId: str, ExpireAt: datetime) -> dict[str, Any]:
        self._note("update_expiration_for_hit")
        self.hits[HITId]["Expiration"] = ExpireAt
        return {}

    def submit(self, task_id: str, worker: str, tokens: list[str], *, seconds: float = 60) -> str:
        """A worker submits a task, as MTurk keeps what its page sent."""
        hit = next(one for one in self.hits.values() if one["RequesterAnnotation"] == task_id)
        begun = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(hours=len(self.assignments))
        name = f"ASSIGNMENT{len(self.assignments)}"
        self.assignments[name] = {
            "AssignmentId": name, "WorkerId": worker, "HITId": hit["HITId"],
            "AssignmentStatus": "Submitted", "AcceptTime": begun,
            "SubmitTime": begun + timedelta(seconds=seconds),
            "Answer": _ANSWER.format(escape("|".join(tokens))),
        }  # fmt: skip
        return name

    def _decide(self, what: str, name: str, status: str) -> None:
        self._note(what)
        assert self.assignments[name]["AssignmentStatus"] == "Submitted", "decided twice"
        self.assignments[name]["AssignmentStatus"] = status

    def _note(self, name: str) -> None:
        self.asked.append(name)
        if name in self.broken:
            raise ClientError({"Error": {"Code": "ServiceFault", "Message": "try again"}}, name)


class _Pages:
    def __init__(self, of: FakeMTurk, name: str) -> None:
        self._of, self._name = of, name

    def paginate(self, HITId: str = "") -> list[dict[str, Any]]:
        self._of._note(self._name)
        if self._name == "list_hits":
            return [{"HITs": [*self._of.hits.values()]}]
        found = [one for one in self._of.assignments.values() if one["HITId"] == HITId]
        return [{"Assignments": found[:1]}, {"Assignments": found[1:]}]
