"""Tasks of a project: who is asked about what, and what the ids tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, answered, item, shown

from freshset.core.errors import DataError
from freshset.replication import tables
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.answers.tables import read
from freshset.replication.labelling.grids import close_tasks, make_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


@pytest.fixture
def project(any_project: Project) -> Project:
    add_images(any_project, "candidate", {"cat": 50, "dog": 5})
    add_images(any_project, "test", {"cat": 30, "dog": 30, "lynx": 30})
    return any_project


def answer(project: Project, folder: Path, workers: int) -> None:
    crowd = {f"w{i}": 1.0 for i in range(workers)}
    path = folder / "answers.csv"
    answered(project, crowd, rng=np.random.default_rng(0)).to_csv(path, index=False)
    import_answers(project, read(path), source="table", **ME)


def test_every_candidate_is_asked_about_among_hidden_controls(project: Project) -> None:
    batch = make_tasks(project, **ME)
    images = shown(project)
    assert (batch.batch, batch.tasks, batch.images, batch.asked) == ("001", 3, 144, 55)
    cats = images[images["class_key"] == "cat"]
    assert set(cats.loc[cats["role"] == "candidate", "item_id"]) == {
        item(f"candidate-cat-{i}.jpg") for i in range(50)
    }
    assert set(cats.loc[cats["role"] == "negative", "item_id"]) <= {
        item(f"test-lynx-{i}.jpg") for i in range(30)
    }
    dogs = images[images["class_key"] == "dog"]
    assert dogs["role"].value_counts().to_dict() == {"positive": 22, "negative": 21, "candidate": 5}
    (entry,) = project.entries(action="tasks.make")
    assert entry.detail["tasks"] == 3


def test_ids_tell_nothing(project: Project) -> None:
    make_tasks(project, **ME)
    images = shown(project)
    assert images["token"].is_unique
    assert images["token"].str.fullmatch("[0-9a-f]{32}").all()
    assert images["task_id"].str.fullmatch("[0-9a-f]{32}").all()
    # Neither order nor leading digit goes with the role.
    control = images["role"] != "candidate"
    for value in (images["position"], images["token"].map(lambda text: int(text[:8], 16))):
        correlation = np.corrcoef(control, value)[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(images))


def test_what_waits_or_has_its_answers_is_not_asked_again(project: Project, tmp_path: Path) -> None:
    asked = make_tasks(project, **ME).asked
    with pytest.raises(DataError, match="No image lacks answers") as caught:
        make_tasks(project, **ME)
    assert caught.value.hint.startswith(f"{asked} wait in open tasks")
    assert make_tasks(project, again=True, **ME).batch == "002"
    assert close_tasks(project, "002", **ME) == 3
    answer(project, tmp_path, 10)
    with project.read() as connection:
        states = connection.execute(sa.select(tables.tasks.c.status)).scalars().all()
    assert set(states) == {"closed"}
    add_images(project, "candidate", {"lynx": 1})
    batch = make_tasks(project, **ME)
    assert batch.asked == 1
    assert batch.left_out == {"answered": 55}


def test_too_few_answers_are_asked_again_once_the_batch_is_closed(
    project: Project, tmp_path: Path
) -> None:
    make_tasks(project, **ME)
    answer(project, tmp_path, 9)
    with pytest.raises(DataError, match="No image lacks answers"):
        make_tasks(project, **ME)
    close_tasks(project, "001", **ME)
    # The filled-up grid has shown some images twice, but a worker counts once.
    assert make_tasks(project, **ME).asked == 55
    with pytest.raises(DataError, match="No batch '009'"):
        close_tasks(project, "009", **ME)


def test_excluded_images_originals_and_their_duplicates_are_left_out(project: Project) -> None:
    ids = [item(f"candidate-cat-{i}.jpg") for i in range(3)]
    with project.change("fake", **ME) as change:
        here = change.connection
        row = {"kind": "blacklist", "reason": "", "who": "ada", "at": change.at}
        here.execute(sa.insert(tables.exclusions), [{"item_id": ids[0], **row}])
        member = {"item_id": ids[1], "pool": "train", "class_key": "cat", "keyword": ""}
        here.execute(sa.insert(tables.members), [member])
        a, b = sorted((ids[2], item("test-lynx-0.jpg")))
        pair = {"a": a, "b": b, "verdict": "duplicate", "who": "ada", "at": change.at, "version": 1}
        here.execute(sa.insert(tables.pairs), [pair])
        # The same verdict between candidates leaves both in.
        a, b = sorted((item("candidate-cat-3.jpg"), item("candidate-cat-4.jpg")))
        here.execute(sa.insert(tables.pairs), [pair | {"a": a, "b": b}])
    batch = make_tasks(project, **ME)
    assert batch.left_out == {"excluded": 1, "original": 2}
    images = shown(project)
    assert not set(ids) & set(images.loc[images["role"] == "candidate", "item_id"])


def test_originals_are_asked_about_until_the_histogram_stands(
    project: Project, tmp_path: Path
) -> None:
    batch = make_tasks(project, originals=True, **ME)
    assert batch.asked == 3 * 20
    images = shown(project)
    sizes = images.groupby(["class_key", "role"]).size()
    assert sizes["cat", "positive"] == sizes["lynx", "positive"] == 20
    assert sizes["cat", "candidate"] == 16 + 22
    answer(project, tmp_path, 10)
    with pytest.raises(DataError, match="No image lacks answers"):
        make_tasks(project, originals=True, **ME)


def test_one_spec_and_one_batch_give_one_composition(tmp_path: Path, spec_text: str) -> None:
    grids = []
    for name in ("a", "b"):
        with Project.create(tmp_path / name, spec_text, **ME) as project:
            add_images(project, "candidate", {"cat": 60})
            add_images(project, "test", {"cat": 30, "lynx": 30, "dog": 30})
            make_tasks(project, **ME)
            images = shown(project)
        grids.append({tuple(part["item_id"]) for _, part in images.groupby("task_id")})
    assert grids[0] == grids[1]


def test_answers_of_workers_who_failed_are_asked_for_again(tmp_path: Path, spec_text: str) -> None:
    text = spec_text + "workers: {policy: drop}\n"
    with Project.create(tmp_path / "p", text, **ME) as project:
        add_images(project, "candidate", {"cat": 168})
        add_images(project, "test", {"cat": 30, "lynx": 30, "dog": 30})
        make_tasks(project, **ME)
        crowd = {f"w{i}": 1.0 for i in range(9)} | {"spammer": 0.0}
        rows = answered(project, crowd, rng=np.random.default_rng(0))
        rows.to_csv(tmp_path / "a.csv", index=False)
        assert import_answers(project, read(tmp_path / "a.csv"), source="table", **ME).closed == 4
        # Ten have answered, but one of them does not count.
        assert make_tasks(project, **ME).asked == 168


@pytest.fixture
def bare(tmp_path: Path, spec_text: str) -> Iterator[Project]:
    with Project.create(tmp_path / "bare", spec_text, **ME) as project:
        yield project


def test_a_class_without_originals_has_no_controls(bare: Project) -> None:
    add_images(bare, "candidate", {"cat": 3})
    with pytest.raises(DataError, match="Class 'cat' has 0 original images"):
        make_tasks(bare, **ME)
    assert shown(bare).empty
    assert list(bare.entries(action="tasks")) == []
