from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.mturk import assignment_records, read, selected_tokens

XML = (
    '<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="http://mechanicalturk.'
    'amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"><Answer>'
    "<QuestionIdentifier>{field}</QuestionIdentifier><FreeText>{text}</FreeText></Answer>"
    "</QuestionFormAnswers>"
)
HEAD = "HITId,AssignmentId,WorkerId,AssignmentStatus,AcceptTime,SubmitTime,Answer.selected,RequesterAnnotation\n"
ROW = "H1,A1,W1,Approved,Thu Sep 20 14:02:45 PDT 2018,Thu Sep 20 14:12:45 PDT 2018,t1|t2,T1\n"


def assignment(**more: Any) -> dict[str, Any]:
    return {
        "AssignmentId": "A1", "WorkerId": "W1", "HITId": "H1", "AssignmentStatus": "Submitted",
        "AcceptTime": "2026-01-31T00:00:00Z", "SubmitTime": datetime(2026, 1, 31, 1, tzinfo=UTC),
        "Answer": XML.format(field="selected", text="t1|t2"),
    } | more  # fmt: skip


def test_a_batch_file(tmp_path: Path) -> None:
    path = tmp_path / "batch.csv"
    path.write_text(HEAD + ROW + ROW.replace("W1", "W2").replace("t1|t2", ""), encoding="utf-8")
    grids = read(path).grids
    assert grids["worker"].tolist() == ["W1", "W2"]
    assert grids["tokens"].tolist() == ["t1|t2", ""]
    assert set(grids["external_id"]) == {"H1"}
    assert set(grids["task_id"]) == {"T1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD.replace("WorkerId", "Who") + ROW, "no column 'WorkerId'"),
        (HEAD + ROW + "H1,A2,W2", "row 1: no AssignmentStatus"),
        (HEAD + ROW.replace("W1", ""), "row 0: no worker"),
        (HEAD, "no answers"),
    ],
)
def test_bad_batch_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "b.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read(tmp_path / "b.csv")


@pytest.mark.parametrize("wrapped", [True, False])
def test_assignments_as_the_tools_print_them(tmp_path: Path, wrapped: bool) -> None:
    found = [assignment(SubmitTime="2026-01-31T01:00:00Z")]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"Assignments": found} if wrapped else found), encoding="utf-8")
    (row,) = read(path).grids.to_dict("records")
    assert (row["worker"], row["tokens"], row["external_id"]) == ("W1", "t1|t2", "H1")


def test_assignments_as_the_client_returns_them() -> None:
    (row,) = assignment_records([assignment()], Path("mturk")).grids.to_dict("records")
    assert row["submitted_at"] == "2026-01-31T01:00:00+00:00"
    waiting = assignment(AssignmentStatus="Submitted")
    del waiting["SubmitTime"], waiting["Answer"]
    (row,) = assignment_records([waiting], Path("mturk")).grids.to_dict("records")
    assert row["tokens"] == ""


def test_a_form_without_a_tick_selects_nothing() -> None:
    assert selected_tokens(XML.format(field="selected", text=""), "f") == ""
    assert selected_tokens(XML.format(field="comment", text="t1"), "f") == ""
    assert selected_tokens("", "f") == ""


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (XML[:80], "not whole XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares a document type"),
    ],
)
def test_bad_answers(answer: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        selected_tokens(answer, "f: row 0")


@pytest.mark.parametrize("missing", ["WorkerId", "HITId", "AssignmentStatus"])
def test_an_assignment_without_a_part(missing: str) -> None:
    one = assignment()
    del one[missing]
    with pytest.raises(DataError, match=f"row 0: an assignment without {missing}"):
        assignment_records([one], Path("mturk"))


@pytest.mark.parametrize("text", ["[1]", '{"x": 1}', "[{"])
def test_files_that_hold_no_assignments(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"cannot be read as JSON|no list of Assignments"):
        read(tmp_path / "a.json")
