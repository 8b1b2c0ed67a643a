"""Files of answers, frequencies and the log, made while they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from freshset.core.identifiers import slug
from freshset.replication import journal
from freshset.replication.journal import Filter, log_lines
from freshset.replication.labelling import answer_export
from freshset.replication.labelling.answer_export import export_answers
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.project import Project
from freshset.store import frequencies
from freshset.store.frequencies import frequencies_csv
from freshset.webapp.errors import API
from freshset.webapp.identity import Owner
from freshset.webapp.ready import spec_of
from freshset.webapp.routes.log import Asked
from freshset.webapp.services import Services, Shared

router = APIRouter(prefix=API + "exports", tags=["exports"])

LINES, PARQUET, CSV = "application/x-ndjson", "application/vnd.apache.parquet", "text/csv"


def _described(kind: str) -> dict[int | str, dict[str, Any]]:
    said = {"description": "The file.", "content": {kind: {"schema": {"type": "string"}}}}
    return {200: said, 429: {"description": "Too many downloads at a time."}}


@router.get("/answers.jsonl", response_class=StreamingResponse, responses=_described(LINES))
def answers_jsonl(services: Shared, person: Owner) -> Response:
    """All answers, one a line; the first line says what follows, and how many."""
    del person
    pieces = export_answers(services.project, "jsonl")
    return _send(services, pieces, "answers.jsonl", LINES, answer_export.SCHEMA)


@router.get("/answers.parquet", response_class=StreamingResponse, responses=_described(PARQUET))
def answers_parquet(services: Shared, person: Owner) -> Response:
    """All answers as Parquet, with the same columns."""
    del person
    pieces = export_answers(services.project, "parquet")
    return _send(services, pieces, "answers.parquet", PARQUET, answer_export.SCHEMA)


@router.get("/frequencies.csv", response_class=StreamingResponse, responses=_described(CSV))
def frequencies_table(services: Shared, person: Owner, raw: bool = False) -> Response:
    """Selection frequencies under the spec's policy on workers, or without it (`raw`)."""
    del person
    pieces = _frequencies(services.project, raw=raw)
    return _send(services, pieces, "frequencies.csv", CSV, frequencies.SCHEMA)


@router.get("/log.jsonl", response_class=StreamingResponse, responses=_described(LINES))
def log_jsonl(services: Shared, person: Owner, asked: Annotated[Asked, Query()]) -> Response:
    """Entries of the log, one a line, oldest first; the first line says what follows."""
    del person
    pieces = _log(services.project, asked.filter())
    return _send(services, pieces, "log.jsonl", LINES, journal.SCHEMA)


def _send(
    services: Services, pieces: Iterator[bytes], name: str, kind: str, schema: str
) -> Response:
    testset = slug(spec_of(services).name.replace("/", "-"))
    headers = {"X-Freshset-Schema": schema}
    return services.streams.send(pieces, name=f"{testset}-{name}", media_type=kind, headers=headers)


def _frequencies(project: Project, *, raw: bool) -> Iterator[bytes]:
    pooled = pooled_frequencies(project)
    yield frequencies_csv(pooled.raw if raw else pooled.frequencies).encode()


def _log(project: Project, wanted: Filter) -> Iterator[bytes]:
    with project.read() as connection:
        for piece in log_lines(connection, wanted):
            yield piece.encode()
