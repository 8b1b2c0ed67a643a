from __future__ import annotations

import json
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, answered

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.replication import tables
from freshset.replication.labelling import answer_export
from freshset.replication.labelling.answer_export import (
    COLUMNS,
    SCHEMA,
    export_answers,
    write_answers,
)
from freshset.replication.labelling.answers.base import answer_records
from freshset.replication.labelling.answers.formats import read_answers
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_export, "_CHUNK", 40)
    monkeypatch.setattr(answer_export, "_GROUP", 100)


def labelled(project: Project) -> Project:
    """Three workers answer two tasks."""
    add_images(project, "candidate", {"cat": 84})
    add_images(project, "test", {"cat": 30, "lynx": 30})
    make_tasks(project, **ME)
    frame = answered(project, {"a": 0.9, "b": 0.8, "c": 0.1}, rng=np.random.default_rng(0))
    columns = {str(name): frame[name] for name in frame.columns if name != "token"}
    records = answer_records(Path("made"), columns | {"item": frame["token"]})
    import_answers(project, records, source="table", **ME)
    return project


def stored(project: Project) -> set[tuple[object, ...]]:
    of = tables.answers.c
    query = sa.select(of.worker, of.item_id, of.class_key, of.task_id, of.selected, of.submitted_at)
    with project.read() as connection:
        return {tuple(row) for row in connection.execute(query)}


def as_table(data: bytes) -> pa.Table:
    return pq.read_table(BytesIO(data))


def test_every_answer_is_a_line(any_project: Project) -> None:
    labelled(any_project)
    pieces = list(export_answers(any_project, "jsonl"))
    assert len(pieces) > 4
    header, *rows = [json.loads(line) for line in b"".join(pieces).splitlines()]
    last = list(any_project.entries())[-1]
    assert header == {
        "schema": SCHEMA, "testset": "animals/fresh", "rows": len(rows), "entry": last.seq,
        "digest": last.digest, "columns": list(COLUMNS),
    }  # fmt: skip
    assert all(list(row) == list(COLUMNS) for row in rows)
    names = ("worker_id", "item_id", "class", "task_id", "selected", "submitted_at")
    assert {tuple(row[name] for name in names) for row in rows} == stored(any_project)
    assert len(rows) == len(stored(any_project)) > 250
    assert {(row["status"], row["source"]) for row in rows} == {("submitted", "table")}
    keys = [(row["item_id"], row["class"], row["worker_id"]) for row in rows]
    assert keys == sorted(keys)


def test_parquet_holds_the_same(any_project: Project) -> None:
    labelled(any_project)
    lines = b"".join(export_answers(any_project, "jsonl")).splitlines()
    pieces = list(export_answers(any_project, "parquet"))
    assert len(pieces) == 3
    file = pq.ParquetFile(BytesIO(b"".join(pieces)))
    assert file.metadata.num_row_groups == 3
    table = file.read()
    assert table.to_pylist() == [json.loads(line) for line in lines[1:]]
    assert table.schema.metadata[b"schema"] == SCHEMA.encode()
    assert json.loads(table.schema.metadata[b"freshset"]) == json.loads(lines[0])


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_an_export_is_read_again(any_project: Project, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"answers.{form}"
    path.write_bytes(b"".join(export_answers(labelled(any_project), form)))
    before = stored(any_project)
    # Into the same project: nothing is new, as its workers are known.
    report = import_answers(any_project, read_answers("table", path), source="table", **ME)
    assert (report.added, report.known, report.workers) == (0, len(before), 3)
    assert stored(any_project) == before


def test_a_copy_without_answers_gets_the_same_frequencies(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.folder, tmp_path / "empty")
    path = tmp_path / "answers.parquet"
    path.write_bytes(b"".join(export_answers(labelled(project), "parquet")))
    with Project.open(tmp_path / "empty") as copy:
        add_images(copy, "candidate", {"cat": 84})
        add_images(copy, "test", {"cat": 30, "lynx": 30})
        records = read_answers("table", path)
        # It has other tasks: the answers are of images and classes all the same.
        rows = records.rows.assign(task_id="")
        import_answers(copy, type(records)(path, rows, records.grids), source="table", **ME)
        theirs = pooled_frequencies(copy).raw
    ours = pooled_frequencies(project).raw
    assert theirs.item_ids.tolist() == ours.item_ids.tolist()
    assert theirs.selected.tolist() == ours.selected.tolist()
    assert theirs.answers.tolist() == ours.answers.tolist()


def test_what_was_cut_off_is_told(project: Project, tmp_path: Path) -> None:
    labelled(project)
    path = tmp_path / "cut.jsonl"
    pieces = list(export_answers(project, "jsonl"))
    path.write_bytes(b"".join(pieces[:-1]))
    with pytest.raises(DataError, match=r"of \d+ answers; the file was cut off"):
        read_answers("table", path)
    path.write_bytes(b"".join(pieces)[:-9])
    with pytest.raises(DataError, match="no whole export"):
        read_answers("table", path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="no whole export"):
        read_answers("table", path)
    short = tmp_path / "cut.parquet"
    short.write_bytes(b"".join(list(export_answers(project, "parquet"))[:-1]))
    with pytest.raises(DataError, match="may be truncated"):
        read_answers("table", short)


def test_nothing_yet_is_a_whole_file(any_project: Project) -> None:
    header = json.loads(b"".join(export_answers(any_project, "jsonl")))
    assert header["rows"] == 0
    table = as_table(b"".join(export_answers(any_project, "parquet")))
    assert (table.num_rows, table.column_names) == (0, list(COLUMNS))


def test_answers_that_come_meanwhile_are_not_in_it(any_project: Project) -> None:
    labelled(any_project)
    before = stored(any_project)
    pieces = export_answers(any_project, "jsonl")
    head = json.loads(next(pieces))
    with any_project.change("fake", **ME) as change:
        row = {"worker": "0", "item_id": "0", "class_key": "cat", "selected": 1.0}
        change.connection.execute(sa.insert(tables.answers), [row])
    assert head["rows"] == len(before) == len(b"".join(pieces).splitlines())


def test_whoever_stops_early_frees_the_database(project: Project) -> None:
    labelled(project)
    pool = project._engine.pool
    pieces = export_answers(project, "jsonl")
    next(pieces)
    assert pool.checkedout() == 1
    pieces.close()
    assert pool.checkedout() == 0


def test_another_form_is_refused_at_once(project: Project) -> None:
    with pytest.raises(UsageError, match="not written as 'json'"):
        export_answers(project, "json")


def test_a_file_is_whole_or_as_it_was(project: Project, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "out" / "answers.jsonl"
    assert write_answers(labelled(project), path) == path.stat().st_size
    before = path.read_bytes()
    monkeypatch.setattr(
        answer_export.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(StoreError, match=r"cannot be written \(full\)"):
        write_answers(project, path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["answers.jsonl"]
