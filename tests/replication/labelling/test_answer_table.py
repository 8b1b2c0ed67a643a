from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.crowd import add_images, answered, shown

from freshset.core.errors import DataError
from freshset.replication.labelling.answer_table import project_answers, record_answers
from freshset.replication.labelling.answers.base import answer_records, grid_records
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.answers.tables import read
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


def test_controls_are_known_by_their_task(any_project: Project, tmp_path: Path) -> None:
    add_images(any_project, "candidate", {"cat": 10})
    add_images(any_project, "test", {"cat": 30, "lynx": 30})
    make_tasks(any_project, **ME)
    rows = answered(any_project, {"a": 1.0, "b": 1.0}, rng=np.random.default_rng(0))
    rows.to_csv(tmp_path / "a.csv", index=False)
    import_answers(any_project, read(tmp_path / "a.csv"), source="table", **ME)
    with any_project.read() as connection:
        table = project_answers(connection)
    images = shown(any_project).set_index("item_id")
    assert len(table) == 2 * len(images)
    expected = {"positive": 1.0, "negative": 0.0}
    for row in range(len(table)):
        role = images.loc[table.item_ids[table.question[row]], "role"]
        if role == "candidate":
            assert np.isnan(table.expected[row])
        else:
            assert table.expected[row] == expected[role] == table.selected[row]


def test_a_project_without_answers(any_project: Project) -> None:
    with any_project.read() as connection:
        table = project_answers(connection)
    assert len(table) == len(table.item_ids) == len(table.workers) == 0


def test_a_file_alone() -> None:
    records = answer_records(
        Path("f"),
        {"worker": ["b", "a", "a", "a"], "item": ["y", "x", "y", "y"], "selected": [1, 0.5, 0, 1],
         "status": ["", "Approved", "", "Rejected"], "class_key": ["k"] * 4},
    )  # fmt: skip
    table = record_answers(records)
    assert table.workers.tolist() == ["a", "b"]
    assert table.item_ids.tolist() == ["x", "y"]
    assert table.values.tolist() == [2, 1, 0]
    assert np.isnan(table.expected).all()


def test_grids_need_a_project() -> None:
    with pytest.raises(DataError, match="without their tasks"):
        record_answers(grid_records(Path("f"), {"worker": ["w"]}))
