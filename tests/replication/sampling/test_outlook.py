from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, answered

from freshset.replication import tables
from freshset.replication.labelling.answers.base import answer_records
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project
from freshset.replication.sampling.outlook import read_outlook

ME = {"who": "ada", "why": "test"}
SPEC = """\
name: animals/fresh
original: animals/test
per_class: 30
classes:
  - {key: cat, confused_with: lynx}
  - {key: lynx, name: Eurasian lynx, confused_with: cat}
sampling: {strategy: %s}
workers: {policy: drop, min_controls: 6}
tasks: {answers: 3}
"""


@pytest.fixture
def labelled(tmp_path: Path) -> Iterator[Project]:
    """Cats are labelled by two good workers and one who ticks everything; lynxes by nobody."""
    text = SPEC % "threshold, threshold: 0.6, min_answers: 2"
    with Project.create(tmp_path / "project", text, **ME) as project:
        add_images(project, "candidate", {"cat": 84})
        add_images(project, "test", {"cat": 30, "lynx": 30})
        make_tasks(project, **ME)
        rng = np.random.default_rng(0)
        frame = answered(project, {"good": 1.0, "fine": 1.0, "bad": 0.0}, rng=rng)
        columns = {str(name): frame[name] for name in frame.columns if name != "token"}
        records = answer_records(Path("made"), columns | {"item": frame["token"]})
        import_answers(project, records, source="table", **ME)
        add_images(project, "candidate", {"lynx": 5})
        yield project


def test_what_is_in_stock_and_what_is_missing(labelled: Project) -> None:
    got = read_outlook(labelled)
    cat, lynx = got.classes
    assert (cat.candidates, cat.labelled) == (84, 84)
    assert 30 <= cat.eligible < 60
    assert cat.missing == 0
    assert (lynx.title, lynx.candidates, lynx.labelled, lynx.eligible) == ("Eurasian lynx", 5, 0, 0)
    assert lynx.missing == 30
    assert got.bins == {"all": (60, cat.eligible)}
    assert got.tasks is not None
    assert got.tasks.expected is not None
    assert got.tasks.expected >= 1
    assert got.trouble == ""
    # The same answers give the same numbers.
    assert read_outlook(labelled).tasks == got.tasks
    assert json.loads(json.dumps(got.to_dict()))["schema"] == "freshset.outlook/1"


def test_workers_and_what_the_policy_does_about_them(labelled: Project) -> None:
    got = read_outlook(labelled)
    assert [one.failed for one in got.workers] == [True, False, False]
    assert got.workers[0].accuracy is not None
    assert got.workers[0].accuracy < 0.6
    assert (got.policy["name"], got.policy["failed"]) == ("drop", [got.workers[0].worker])
    assert got.policy["changed"] > 0
    # All yes of one of three made every frequency higher.
    assert got.policy["raw"]["mean"] > got.frequencies["mean"]
    assert got.agreement.alpha is not None
    assert got.agreement.alpha < 1
    assert got.answers == len(got.workers) * got.workers[0].answers


def test_without_targets_the_rest_is_told(labelled: Project) -> None:
    text = SPEC % "matched-frequency, min_answers: 2"
    labelled.change_spec(text, **ME)
    got = read_outlook(labelled)
    assert "fewer than 20 original images" in got.trouble
    assert (got.tasks, got.cost, got.bins) == (None, None, {})
    assert [one.lacking for one in got.classes] == [None, None]
    assert got.classes[0].labelled == 84
    assert got.classes[0].missing == 0


def test_a_project_without_answers(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", SPEC % "top, min_answers: 2", **ME) as project:
        got = read_outlook(project)
        with project.read() as connection:
            assert connection.execute(sa.select(tables.answers)).first() is None
    assert (got.answers, got.workers, got.agreement.alpha) == (0, (), None)
    assert [one.candidates for one in got.classes] == [0, 0]
