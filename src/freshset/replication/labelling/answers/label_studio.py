"""Exports of Label Studio: JSON with one task an image, choices for answers.

``data`` of a task names the image by ``token``, ``item_id`` or ``image`` (a URL or path whose last part
is the file's name), and may have ``task_id`` and ``class``.  The annotation's choice is yes, no or
maybe, or a class.  Cancelled annotations and ground truths are left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd

from freshset.core.errors import DataError
from freshset.core.files import read_json
from freshset.replication.labelling.answers.base import Records, answer_records, split_labels


def read(path: Path) -> Records:
    """Read an export (the format that Label Studio calls JSON).

    Raises
    ------
    DataError
        When it is no such export, or an annotation lacks its image, its author or its choice; names
        the task, from 0.
    """
    document = read_json(path)
    if not isinstance(document, list) or not all(isinstance(task, dict) for task in document):
        raise DataError(f"{path}: not a list of tasks.", "Export as JSON, not as JSON-MIN or CSV.")
    skipped: Counter[str] = Counter()
    rows = [
        row
        for number, task in enumerate(document)
        for row in _answers(task, f"{path}: task {number}", skipped)
    ]
    if not rows:
        raise DataError(f"{path}: no annotations.", "Were they submitted before the export?")
    frame = pd.DataFrame(rows)
    selected, chosen = split_labels(frame.pop("choice"), path)
    columns = {str(name): frame[name] for name in frame.columns}
    return answer_records(path, columns | {"selected": selected, "chosen": chosen}, dict(skipped))


def _answers(
    task: Mapping[str, Any], where: str, skipped: Counter[str]
) -> Iterator[dict[str, str]]:
    data = task.get("data")
    if not isinstance(data, dict):
        raise DataError(f"{where}: no data.", "Export as JSON, not as JSON-MIN or CSV.")
    item = str(data.get("token") or data.get("item_id") or _name(str(data.get("image", ""))))
    for annotation in task.get("annotations", []):
        if annotation.get("was_cancelled"):
            skipped["cancelled"] += 1
        elif annotation.get("ground_truth"):
            skipped["ground truth"] += 1
        else:
            yield {
                "worker": _author(annotation.get("completed_by"), where),
                "item": item,
                "class_key": str(data.get("class", "")),
                "task_id": str(data.get("task_id", "")),
                "choice": _choice(annotation.get("result"), where),
                "submitted_at": str(annotation.get("created_at", "")),
                "assignment_id": str(annotation.get("id", "")),
            }


def _author(value: Any, where: str) -> str:
    """An id, or in some exports a person."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    if value in (None, ""):
        raise DataError(f"{where}: an annotation without completed_by.")
    return str(value)


def _choice(result: Any, where: str) -> str:
    choices = [
        choice
        for part in (result if isinstance(result, list) else [])
        for choice in part.get("value", {}).get("choices", [])
    ]
    if len(choices) != 1:
        raise DataError(
            f"{where}: an annotation with {len(choices)} choices.",
            "Every annotation needs one choice: yes, no, maybe or a class.",
        )
    return str(choices[0])


def _name(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name)
