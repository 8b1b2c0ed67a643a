"""Answers from Mechanical Turk: batch results as csv, and assignments as its interface lists them.

The form's field ``selected`` holds the tokens of the ticked images, joined by ``|``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.base import Records, grid_records
from freshset.store.importers.tables import need_columns
from freshset.store.table_files import read_table

FIELD = "selected"
_COLUMNS = {
    "worker": "WorkerId",
    "external_id": "HITId",
    "assignment_id": "AssignmentId",
    "status": "AssignmentStatus",
    "accepted_at": "AcceptTime",
    "submitted_at": "SubmitTime",
}
_TOKENS = f"Answer.{FIELD}"


def read(path: Path) -> Records:
    """Read a batch file (``.csv``), or a JSON list of assignments as the AWS tools print it.

    Raises
    ------
    DataError
        When the file cannot be read, lacks a column, or an answer cannot be read; names the row.
    """
    if path.suffix.lower() == ".json":
        return assignment_records(_assignments(path), path)
    frame = read_table(path)
    need_columns(frame, (*_COLUMNS.values(), _TOKENS), path)
    columns = {ours: frame[theirs] for ours, theirs in _COLUMNS.items()} | {
        "tokens": frame[_TOKENS]
    }
    if "RequesterAnnotation" in frame.columns:
        columns["task_id"] = frame["RequesterAnnotation"]
    _whole_lines(frame, path)
    return grid_records(path, columns)


def assignment_records(assignments: Iterable[Mapping[str, Any]], path: Path) -> Records:
    """Make records of assignments, as ``list_assignments_for_hit`` returns them.

    Raises
    ------
    DataError
        When one lacks a part, or its answer is not the XML that it should be.
    """
    rows = []
    for number, one in enumerate(assignments):
        missing = [name for name in (*_COLUMNS.values(), "Answer") if name not in one]
        # Whoever has not submitted yet has no time and no answer.
        if missing and missing not in (["SubmitTime"], ["SubmitTime", "Answer"]):
            raise DataError(f"{path}: row {number}: an assignment without {missing[0]}.")
        row = {ours: _text(one.get(theirs, "")) for ours, theirs in _COLUMNS.items()}
        answer = str(one.get("Answer", ""))
        rows.append(row | {"tokens": selected_tokens(answer, f"{path}: row {number}")})
    frame = pd.DataFrame(rows)
    return grid_records(path, {str(name): frame[name] for name in frame.columns})


def selected_tokens(answer: str, where: str) -> str:
    """Read the field `FIELD` of a ``QuestionFormAnswers`` document; empty when nothing is selected.

    Raises
    ------
    DataError
        When it is no such document.
    """
    if not answer:
        return ""
    if "<!" in answer.replace("<![CDATA[", ""):
        raise DataError(f"{where}: an answer that declares a document type; it is not MTurk's.")
    try:
        root = ElementTree.fromstring(answer)  # noqa: S314  # entities need a declaration, see above
    except ElementTree.ParseError as error:
        raise DataError(
            f"{where}: the answer is not whole XML ({error}).", "Fetch the assignments again."
        ) from error
    for part in root.iterfind("{*}Answer"):
        if part.findtext("{*}QuestionIdentifier") == FIELD:
            return part.findtext("{*}FreeText") or ""
    return ""


def _assignments(path: Path) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error}).", "Fetch it again.") from error
    found = document.get("Assignments") if isinstance(document, dict) else document
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise DataError(f"{path}: no list of Assignments.")
    return found


def _whole_lines(frame: pd.DataFrame, path: Path) -> None:
    """A line without a status is the last one of a file that was cut."""
    empty = (frame["AssignmentStatus"] == "").to_numpy()
    if empty.any():
        raise DataError(
            f"{path}: row {int(empty.argmax())}: no AssignmentStatus.",
            "The file is not whole; download it again. Nothing was imported.",
        )


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
