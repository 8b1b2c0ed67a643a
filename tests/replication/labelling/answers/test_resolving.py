from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, item

from freshset.core.errors import DataError
from freshset.replication import tables
from freshset.replication.labelling.answers.resolving import read_known, resolve, unknown_task
from freshset.replication.project import Project


def test_names_of_files_count_where_one_image_has_them(any_project: Project) -> None:
    add_images(any_project, "candidate", {"cat": 3})
    first, second, third = (item(f"candidate-cat-{i}.jpg") for i in range(3))
    row = {
        "source": "folder", "class_key": "cat", "failure": "", "keyword": "", "url": "", "page": "",
        "author": "", "licence": "", "taken_at": "", "uploaded_at": "", "retrieved_at": "",
    }  # fmt: skip
    origins = [("a/x.jpg", first), ("b/x.jpg", second), ("c/only.jpg", third), ("d/lost.jpg", None)]
    with any_project.change("fake", who="ada", why="test") as change:
        rows = [row | {"key": key, "item_id": found} for key, found in origins]
        change.connection.execute(sa.insert(tables.origins), rows)
    with any_project.read() as connection:
        known = read_known(connection, any_project.spec)
    assert known.names["only.jpg"] == third
    assert known.names[second] == second
    assert "x.jpg" not in known.names
    assert "lost.jpg" not in known.names
    assert known.classes["Eurasian lynx"] == known.classes["lynx"] == "lynx"


def test_the_row_of_the_file_is_named(any_project: Project) -> None:
    with any_project.read() as connection:
        known = read_known(connection, any_project.spec)
    rows = pd.DataFrame(
        {"item": ["x"], "task_id": [""], "class_key": ["cat"], "chosen": [""], "selected": [1.0]}
    )
    with pytest.raises(DataError, match="f.csv: row 17: no image 'x'"):
        resolve(rows.assign(source_row=17), known, Path("f.csv"))
    assert "row 3: no task 'T'" in str(unknown_task(Path("f.csv"), 3, "T"))
