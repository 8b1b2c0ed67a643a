from __future__ import annotations

import json
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from fakes.crowd import answered
from fakes.web import Client

from freshset.replication.labelling.answer_export import COLUMNS
from freshset.replication.labelling.answers.base import answer_records
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
FILES = ("answers.jsonl", "answers.parquet", "frequencies.csv", "log.jsonl")


@pytest.fixture
def labelled(project: Project) -> Project:
    make_tasks(project, **ME)
    frame = answered(project, {"a": 0.9, "b": 0.0}, rng=np.random.default_rng(0))
    columns = {str(name): frame[name] for name in frame.columns if name != "token"}
    records = answer_records(Path("made"), columns | {"item": frame["token"]})
    import_answers(project, records, source="table", **ME)
    return project


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_answers_in_both_forms(client_as, labelled: Project) -> None:
    owner: Client = client_as("owner")
    got = owner.get("/api/exports/answers.jsonl")
    assert got.headers["content-type"] == "application/x-ndjson"
    assert got.headers["x-freshset-schema"] == "freshset.answers/1"
    assert got.headers["content-disposition"] == (
        'attachment; filename="shapes-fresh-answers.jsonl"'
    )
    header, *rows = lines(got.text)
    assert header["rows"] == len(rows) > 40
    whole = owner.get("/api/exports/answers.parquet")
    assert whole.headers["content-disposition"].endswith('answers.parquet"')
    table = pq.read_table(BytesIO(whole.content))
    assert table.to_pylist() == rows
    assert table.column_names == list(COLUMNS)


@pytest.mark.parametrize("raw", [False, True])
def test_frequencies(client_as, labelled: Project, raw: bool) -> None:
    got = client_as("owner").get("/api/exports/frequencies.csv", params={"raw": raw})
    frame = pd.read_csv(StringIO(got.text))
    pooled = pooled_frequencies(labelled)
    expected = pooled.raw if raw else pooled.frequencies
    assert frame["selected"].tolist() == expected.selected.tolist()
    assert frame["item_id"].tolist() == expected.item_ids.tolist()


def test_the_log_as_it_is_filtered(client_as, labelled: Project) -> None:
    owner: Client = client_as("owner")
    header, *rows = lines(owner.get("/api/exports/log.jsonl").text)
    assert rows == [entry.to_dict() for entry in labelled.entries()]
    assert header["rows"] == len(rows)
    some = lines(owner.get("/api/exports/log.jsonl", params={"action": "tasks."}).text)
    assert [row["action"] for row in some[1:]] == ["tasks.make"]
    wrong = owner.get("/api/exports/log.jsonl", params={"until": "soon"})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("role", ["", "worker", "reviewer"])
def test_exports_are_for_owners(client_as, role: str, name: str) -> None:
    got = client_as(role).get(f"/api/exports/{name}")
    assert got.status_code == (403 if role else 401)


def test_they_are_described(client_as) -> None:
    paths = client_as("owner").get("/api/openapi.json").json()["paths"]
    for name in FILES:
        assert paths[f"/api/exports/{name}"]["get"]["tags"] == ["exports"]
