from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.crowd import shown
from fakes.image_samples import picture
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.replication import tables
from freshset.replication.collecting.images import store_image
from freshset.replication.labelling.grids import close_tasks, make_tasks
from freshset.replication.labelling.task_files import export_tasks, read_tasks, unseen_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


@pytest.fixture
def project(tmp_path: Path, spec_text: str) -> Iterator[Project]:
    """Six candidates and six originals each of two classes, as files of several kinds."""
    import io

    with Project.create(tmp_path / "project", spec_text, **ME) as project:
        rows, members = [], []
        for number in range(18):
            stream = io.BytesIO()
            kind = ("PNG", "JPEG")[number % 2]
            # Originals are of another size, as they often are.
            picture(number, (700, 500) if number < 6 else (640, 640)).save(
                stream, kind, comment=b"ILSVRC2012_val"
            ) if kind == "JPEG" else picture(number, (700, 500)).save(stream, kind)
            stored = store_image(project.folder, stream.getvalue(), f"image {number}")
            rows.append(stored.row())
            pool, key = (("candidate", "cat"), ("test", "cat"), ("test", "lynx"))[number // 6]
            members.append(
                {"item_id": stored.item_id, "pool": pool, "class_key": key, "keyword": ""}
            )
        with project.change("fake", **ME) as change:
            change.connection.execute(sa.insert(tables.images), rows)
            change.connection.execute(sa.insert(tables.members), members)
        make_tasks(project, **ME)
        yield project


def test_files_name_tokens_and_nothing_else(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert export_tasks(project, folder) == 1
    images = shown(project)
    (line,) = (folder / "tasks.jsonl").read_text(encoding="utf-8").splitlines()
    task = json.loads(line)
    assert task["schema"] == "freshset.task/1"
    assert task["class"] == "cat"
    assert [one["token"] for one in task["images"]] == images["token"].tolist()
    text = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file())
    for item, role in zip(images["item_id"], images["role"], strict=True):
        assert item not in text
        assert role not in text
    files = sorted(path.name for path in (folder / "images").iterdir())
    assert files == sorted(f"{token}.jpg" for token in images["token"])
    for path in (folder / "images").iterdir():
        assert b"ILSVRC" not in path.read_bytes()
        with Image.open(path) as image:
            assert max(image.size) == 500
            assert image.format == "JPEG"
    studio = json.loads((folder / "label-studio.json").read_text(encoding="utf-8"))
    assert [one["data"]["token"] for one in studio] == images["token"].tolist()


def test_a_folder_is_used_once_and_closed_tasks_are_not_shown(
    project: Project, tmp_path: Path
) -> None:
    export_tasks(project, tmp_path / "out")
    with pytest.raises(UsageError, match="is not empty"):
        export_tasks(project, tmp_path / "out")
    close_tasks(project, "001", **ME)
    with pytest.raises(DataError, match="closed"):
        export_tasks(project, tmp_path / "more")


def test_a_missing_image_is_named_and_nothing_passes_as_whole(
    project: Project, tmp_path: Path
) -> None:
    import shutil

    shutil.rmtree(project.folder / "copies")
    shutil.rmtree(project.folder / "images")
    with pytest.raises(DataError, match="is missing"):
        export_tasks(project, tmp_path / "out")
    assert not (tmp_path / "out" / "tasks.jsonl").exists()


def test_a_task_with_an_image_that_was_taken_down_is_not_shown(
    project: Project, tmp_path: Path
) -> None:
    with project.change("fake", **ME) as change:
        row = {"item_id": shown(project)["item_id"][0], "kind": "takedown", "reason": "asked for"}
        row |= {"who": "ada", "at": change.at}
        change.connection.execute(sa.insert(tables.exclusions), [row])
    with pytest.raises(DataError, match="Batch 001 shows an image that was taken down"):
        export_tasks(project, tmp_path / "out")
    with pytest.raises(DataError, match="taken down"):
        unseen_tasks(project, "", "open")
    assert unseen_tasks(project, "", "closed") == []


def test_tasks_of_a_batch(project: Project, spec_text: str) -> None:
    (task,) = read_tasks(project, "001")
    assert (task.batch, task.status, task.asked.key) == ("001", "open", "cat")
    with pytest.raises(DataError, match="No batch '002'"):
        read_tasks(project, "002")
    begin, end = spec_text.index("  - key: cat"), spec_text.index("  - key: dog")
    text = (spec_text[:begin] + spec_text[end:]).replace("confused_with: cat", "confused_with: dog")
    project.change_spec(text.replace("key: dog\n", "key: dog\n", 1).replace(
        "synonyms: [dog]\n    confused_with: dog", "synonyms: [dog]\n    confused_with: lynx"
    ), **ME)  # fmt: skip
    with pytest.raises(DataError, match="tasks for 'cat', which the spec no longer has"):
        read_tasks(project)
