"""All answers of a project as a file, a piece at a time, so that a million take no more memory than few.

One state of the database is written, in the order of images, classes and workers: the same answers
give the same file.  Every file says which schema it has and how many answers it should hold; one that
was cut off has fewer (JSON lines), or no end that Parquet can be read without.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from freshset.core.errors import StoreError, UsageError, did_you_mean
from freshset.core.files import canonical_json
from freshset.replication.journal import head_of
from freshset.replication.project import Project
from freshset.replication.tables import answers

SCHEMA = "freshset.answers/1"
COLUMNS = (
    "task_id", "item_id", "class", "worker_id", "selected", "status", "accepted_at", "submitted_at",
    "assignment_id", "source",
)  # fmt: skip
"""Columns, in their order; ``status`` is ``submitted`` for all, as no others are kept."""

_CHUNK = 5_000
_GROUP = 4 * _CHUNK
_STATUS = "submitted"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file of answers says of itself.

    Attributes
    ----------
    schema
        `SCHEMA`.
    testset
        Id of the test set that is built.
    rows
        Answers that the file holds when it is whole.
    entry, digest
        The last entry of the log when it was so.
    columns
        `COLUMNS`.
    """

    schema: str
    testset: str
    rows: int
    entry: int
    digest: str
    columns: tuple[str, ...] = COLUMNS

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self) | {"columns": [*self.columns]}


def export_answers(project: Project, form: str) -> Iterator[bytes]:
    """Write all answers, piece by piece.

    The database is open as long as pieces are taken; close the iterator to stop early.

    Parameters
    ----------
    form
        ``jsonl``: the first line is the `Header`, every other one an answer.  ``parquet``: the header
        is the file's metadata ``freshset``, as JSON.

    Raises
    ------
    UsageError
        For another form, before anything is read.
    StoreError
        When the database cannot be read.
    """
    if form not in _FORMS:
        raise UsageError(f"Answers are not written as {form!r}.", did_you_mean(form, _FORMS))
    return _pieces(project, _FORMS[form])


def write_answers(project: Project, path: Path) -> int:
    """Write all answers into a file, which is whole or as it was before; returns its bytes.

    Raises
    ------
    UsageError
        When its name does not end with ``.jsonl`` or ``.parquet``.
    StoreError
        When it cannot be written, or the database not be read.
    """
    pieces, size = export_answers(project, path.suffix.lower().lstrip(".")), 0
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            for piece in pieces:
                size += stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error.strerror}).", "Make room, and export again."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return size


Rows = Iterator[list[tuple[Any, ...]]]


def _pieces(project: Project, write: Callable[[Header, Rows], Iterator[bytes]]) -> Iterator[bytes]:
    with project.read() as connection:
        count = sa.select(sa.func.count()).select_from(answers)
        head = head_of(connection)
        header = Header(
            SCHEMA, project.spec.name, int(connection.execute(count).scalar_one()),
            int(head["seq"]), str(head["digest"]),
        )  # fmt: skip
        yield from write(header, _rows(connection))


def _rows(connection: sa.Connection) -> Rows:
    c = answers.c
    status: sa.ColumnElement[str] = sa.literal_column(f"'{_STATUS}'")
    query = sa.select(
        c.task_id, c.item_id, c.class_key, c.worker, c.selected, status, c.accepted_at,
        c.submitted_at, c.assignment_id, c.source,
    ).order_by(c.item_id, c.class_key, c.worker)  # fmt: skip
    # PostgreSQL's driver would fetch all rows at once without it.
    with connection.execution_options(yield_per=_CHUNK).execute(query) as result:
        for part in result.partitions():
            yield [tuple(row) for row in part]


def _as_lines(header: Header, rows: Rows) -> Iterator[bytes]:
    yield canonical_json(header.to_dict()) + b"\n"
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for part in rows:
        lines = (encode(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in part)
        yield "".join(lines).encode()


def _as_parquet(header: Header, rows: Rows) -> Iterator[bytes]:
    kinds = {name: pa.float64() if name == "selected" else pa.string() for name in COLUMNS}
    said: dict[bytes | str, bytes | str] = {
        "schema": SCHEMA,
        "freshset": canonical_json(header.to_dict()),
    }
    schema = pa.schema(kinds, metadata=said)
    sink = _Pieces()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        group: list[tuple[Any, ...]] = []
        for part in rows:
            group += part
            if len(group) >= _GROUP:
                writer.write_table(_table(group, schema))
                group = []
                yield sink.taken()
        if group or not header.rows:
            writer.write_table(_table(group, schema))
    yield sink.taken()


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


class _Pieces(BytesIO):
    """What was written since it was last asked; places are counted from the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self._gone = 0

    def tell(self) -> int:
        return self._gone + super().tell()

    def taken(self) -> bytes:
        """Return it and forget it."""
        piece = self.getvalue()
        self._gone += len(piece)
        self.seek(0)
        self.truncate()
        return piece


_FORMS: dict[str, Callable[[Header, Rows], Iterator[bytes]]] = {
    "jsonl": _as_lines,
    "parquet": _as_parquet,
}
