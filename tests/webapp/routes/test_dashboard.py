from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.crowd import answered
from fakes.web import Client

from freshset.replication.labelling.answers.base import answer_records
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project
from freshset.webapp.routes import dashboard

ME = {"who": "ada", "why": "test"}
PAGES = ("/dashboard", "/dashboard/live", "/dashboard/statistics")


@pytest.fixture
def labelled(project: Project) -> Project:
    make_tasks(project, **ME)
    answer(project, {"a": 1.0, "b": 0.0, "c": 1.0})
    return project


def answer(project: Project, skills: dict[str, float]) -> None:
    frame = answered(project, skills, rng=np.random.default_rng(0))
    columns = {str(name): frame[name] for name in frame.columns if name != "token"}
    records = answer_records(Path("made"), columns | {"item": frame["token"]})
    import_answers(project, records, source="table", **ME)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ["", "worker", "reviewer"])
def test_it_is_for_owners(client_as, role: str, path: str) -> None:
    assert client_as(role).get(path).status_code == (403 if role else 401)


def test_counts_and_statistics(client_as, labelled: Project) -> None:
    owner: Client = client_as("owner")
    text = owner.get("/dashboard/live").text
    assert ">168<" in text  # answers
    assert "6<small>of 6" in text
    text = owner.get("/dashboard/statistics").text
    assert "1 of 3 workers is below 70 % of at least 12 controls" in text
    assert "Krippendorff" in text
    assert "<html" not in text


def test_an_unchanged_part_has_no_body(client_as, labelled: Project, monkeypatch) -> None:
    monkeypatch.setattr(dashboard, "SECONDS", 0.0)
    monkeypatch.setattr(dashboard, "QUICK", 0.0)
    monkeypatch.setattr(dashboard, "REST", 0.0)
    owner: Client = client_as("owner")
    for path in PAGES[1:]:
        first = owner.get(path)
        same = owner.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == first.headers["etag"]
        answer(labelled, {path: 1.0})
        later = owner.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert later.status_code == 200


def test_numbers_are_counted_once_for_all_who_look(client_as, project, monkeypatch) -> None:
    reads = []
    read = dashboard.read_outlook
    monkeypatch.setattr(dashboard, "read_outlook", lambda of: reads.append(1) or read(of))
    one, other = client_as("owner"), client_as("owner")
    for _ in range(3):
        one.get("/dashboard/statistics")
        other.get("/dashboard/statistics")
    assert len(reads) == 1


def test_what_takes_long_is_counted_less_often(client_as, labelled, monkeypatch) -> None:
    reads = []
    read = dashboard.read_outlook
    monkeypatch.setattr(dashboard, "read_outlook", lambda of: reads.append(1) or read(of))
    monkeypatch.setattr(dashboard, "QUICK", 0.0)
    owner: Client = client_as("owner")
    for took, counted in ((1_000_000.0, 1), (0.0, 3)):
        monkeypatch.setattr(dashboard, "REST", took)
        owner.get("/dashboard/statistics")
        answer(labelled, {str(took): 1.0})
        owner.get("/dashboard/statistics")
        assert len(reads) == counted


def test_names_are_text(client_as, project: Project) -> None:
    spec = project.spec_text.replace("name: disc", 'name: "<img src=x onerror=alert(1)>"')
    project.change_spec(spec, **ME)
    make_tasks(project, **ME)
    owner: Client = client_as("owner", "<i>Eve</i>")
    for path in PAGES:
        text = owner.get(path).text
        assert "<img src=x" not in text
        assert "<i>Eve" not in text
        assert "&lt;img" in text


def test_a_project_whose_targets_are_unknown(client_as, project: Project) -> None:
    text = project.spec_text.replace(
        "{strategy: threshold, threshold: 0.5, min_answers: 2}",
        "{strategy: matched-frequency, min_answers: 2}",
    )
    project.change_spec(text, **ME)
    got = client_as("owner").get("/dashboard/statistics")
    assert got.status_code == 200
    assert "No targets yet" in got.text


def test_long_tables_are_cut_unless_all_is_asked_for(client_as, labelled, monkeypatch) -> None:
    monkeypatch.setattr(dashboard, "FEW", 1)
    owner: Client = client_as("owner")
    for path, link in zip(PAGES[1:], ("All 2 classes", "All 3 workers"), strict=True):
        few, every = owner.get(path).text, owner.get(path, params={"whole": "true"}).text
        assert link in few
        assert link not in every
        assert every.count("<tr>") > few.count("<tr>")
