"""Answers into a project: all or nothing, each once, and everything counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, answered, item, shown

from freshset.core.errors import DataError
from freshset.replication import tables
from freshset.replication.labelling.answers.base import grid_records
from freshset.replication.labelling.answers.importing import (
    ImportReport,
    hash_worker,
    import_answers,
)
from freshset.replication.labelling.answers.tables import read
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
Rows = list[dict[str, object]]


@pytest.fixture
def project(any_project: Project) -> Project:
    add_images(any_project, "candidate", {"cat": 50})
    add_images(any_project, "test", {"cat": 20, "lynx": 20})
    make_tasks(any_project, **ME)
    return any_project


@pytest.fixture
def put(project: Project, tmp_path: Path) -> Callable[[object], ImportReport]:
    """Import rows as a csv file."""

    def put(rows: object) -> ImportReport:
        path = tmp_path / "answers.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
        return import_answers(project, read(path), source="table", **ME)

    return put


def stored(project: Project) -> pd.DataFrame:
    with project.read() as connection:
        return pd.DataFrame(connection.execute(sa.select(tables.answers)).all())


def cat(number: int = 0) -> str:
    return item(f"candidate-cat-{number}.jpg")


def one(**values: object) -> dict[str, object]:
    return {"worker": "w", "item_id": cat(), "selected": 1, "class": "cat"} | values


def test_a_whole_crowd_is_imported_once(
    project: Project, put: Callable[[object], ImportReport], rng: np.random.Generator
) -> None:
    rows = answered(project, {"ann": 0.9, "bob": 0.4}, rng=rng)
    report = put(rows)
    frame = stored(project)
    images = shown(project)
    unique = images.drop_duplicates(["item_id", "class_key"])
    assert report.rows == len(rows) == 192
    assert report.added == len(frame) == 2 * len(unique)
    assert report.later == 192 - len(frame) > 0  # the second grid was filled up with earlier images
    assert report.workers == 2
    assert set(frame["worker"]) == {hash_worker(name, project.salt) for name in ("ann", "bob")}
    assert set(frame["selected"]) == {0.0, 1.0}
    assert frame["submitted_at"].str.startswith("2030-01-01T0").all()
    # Tokens became images, and each answer is what its file says.
    tokens = images.set_index("token")["item_id"]
    rows["key"] = [*zip(rows["worker"], rows["token"].map(tokens), strict=True)]
    said = rows.drop_duplicates("key").set_index("key")["selected"]
    names = {hash_worker(name, project.salt): name for name in ("ann", "bob")}
    for _, row in frame.iterrows():
        first = rows[rows["key"] == (names[row["worker"]], row["item_id"])]
        assert row["selected"] in set(first["selected"])
    assert len(said) == len(frame)
    again = put(rows.drop(columns="key"))
    assert (again.added, again.known, again.later) == (0, len(frame), report.later)
    pd.testing.assert_frame_equal(stored(project), frame)
    first_log, second_log = project.entries(action="answers.import")
    assert first_log.detail["added"] == len(frame)
    assert first_log.detail["sha256"] == second_log.detail["sha256"]
    assert second_log.detail["known"] == len(frame)


def test_the_first_answer_of_a_worker_counts(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    late, early = "2030-01-02T00:00:00Z", "2030-01-01T23:30:00Z"
    report = put([one(selected=1, submitted_at=late), one(selected=0, submitted_at=early)])
    assert (report.added, report.later) == (1, 1)
    assert stored(project)["selected"].tolist() == [0]
    # 01:00 at +02:00 is 23:00 in UTC: earlier than both.
    report = put([one(selected=0.5, submitted_at="2030-01-02T01:00:00+02:00")])
    assert (report.added, report.replaced, report.later) == (0, 1, 1)
    assert stored(project)["selected"].tolist() == [0.5]
    report = put([one(selected=1, submitted_at=late), one(selected=1)])
    assert (report.added, report.replaced, report.later) == (0, 0, 2)
    assert stored(project)["selected"].tolist() == [0.5]


def test_without_times_the_first_row_counts(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    report = put([one(selected=0), one(selected=1)])
    assert (report.added, report.later) == (1, 1)
    assert stored(project)["selected"].tolist() == [0]


def test_only_submitted_and_approved_answers_count(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    states = ["Submitted", "Approved", "Rejected", "", "draft", "rejected"]
    report = put([one(worker=f"w{i}", status=state) for i, state in enumerate(states)])
    assert report.added == len(stored(project)) == 3
    assert report.not_counted == {"rejected": 2, "draft": 1}
    assert report.rows == 6


def test_images_are_known_by_file_name_and_classes_by_membership_or_name(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    put(
        [
            {"task": "candidate-cat-0.jpg", "worker": "w", "label": "yes"},
            {"task": "candidate-cat-1.jpg", "worker": "w", "label": "no"},
            {"task": "candidate-cat-2.jpg", "worker": "w", "label": "maybe"},
        ]
    )
    frame = stored(project).set_index("item_id")
    assert frame["selected"].to_dict() == {cat(0): 1, cat(1): 0, cat(2): 0.5}
    assert set(frame["class_key"]) == {"cat"}
    put([one(item_id=cat(3), **{"class": "Eurasian lynx"})])
    assert stored(project).set_index("item_id").loc[cat(3), "class_key"] == "lynx"


def test_a_chosen_class_answers_for_the_classes_of_the_image(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    with project.change("fake", **ME) as change:
        row = {"item_id": cat(1), "pool": "candidate", "class_key": "lynx", "keyword": ""}
        change.connection.execute(sa.insert(tables.members), [row])
    rows = [(0, "cat"), (1, "Eurasian lynx"), (2, "dog")]
    put([{"task": cat(n), "worker": "w", "label": label} for n, label in rows])
    frame = stored(project).set_index(["item_id", "class_key"])["selected"]
    assert frame.to_dict() == {
        (cat(0), "cat"): 1, (cat(1), "cat"): 0, (cat(1), "lynx"): 1, (cat(2), "cat"): 0
    }  # fmt: skip


def test_grids_say_no_for_every_image_that_is_not_selected(
    project: Project, tmp_path: Path
) -> None:
    images = shown(project)
    task = images["task_id"].iloc[0]
    own = images[images["task_id"] == task]
    chosen = own["token"].iloc[[0, 5]]
    with project.change("fake", **ME) as change:
        query = sa.update(tables.tasks).where(tables.tasks.c.task_id == task)
        change.connection.execute(query.values(external_id="HIT1"))
    grids = grid_records(
        Path("crowd"),
        {"worker": ["w", "v"], "external_id": ["HIT1", ""], "task_id": ["", task],
         "tokens": ["|".join(chosen), ""]},
    )  # fmt: skip
    report = import_answers(project, grids, source="mturk", **ME)
    assert report.added == 2 * len(own)
    frame = stored(project)
    yes = frame[frame["selected"] == 1]
    assert set(yes["item_id"]) == set(own["item_id"].iloc[[0, 5]])
    assert set(yes["worker"]) == {hash_worker("w", project.salt)}
    with pytest.raises(DataError, match="row 0: no task 'HIT9'"):
        bad = grid_records(Path("crowd"), {"worker": ["w"], "external_id": ["HIT9"]})
        import_answers(project, bad, source="mturk", **ME)
    with pytest.raises(DataError, match="row 1: 'ffff' is no image of its task"):
        bad = grid_records(
            Path("crowd"), {"worker": ["w", "v"], "task_id": [task] * 2, "tokens": ["", "ffff"]}
        )
        import_answers(project, bad, source="mturk", **ME)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"item_id": "0" * 64}, "row 1: no image '0000"),
        ({"task_id": "T9"}, "row 1: no task 'T9'"),
        ({"class": "kat"}, "row 1: no class 'kat' here. Did you mean 'cat'"),
        ({"selected": 2}, "row 1: 'selected' is '2', no answer"),
        ({"selected": ""}, "row 1: 'selected' is '', no answer"),
        ({"selected": -1}, "row 1: 'selected' is '-1', no answer"),
        ({"selected": "fish"}, "row 1: no class 'fish' here"),
        ({"worker": ""}, "row 1: no worker"),
        ({"item_id": ""}, "row 1: no item"),
        ({"submitted_at": "yesterday"}, "row 1: 'submitted_at' is 'yesterday', no time"),
    ],
)
def test_one_bad_row_and_nothing_is_imported(
    project: Project, put: Callable[[object], ImportReport], row: dict[str, object], message: str
) -> None:
    before = [entry.seq for entry in project.entries()]
    with pytest.raises(DataError, match=message):
        put([one(item_id=cat(1)), one(**row)])
    assert stored(project).empty
    assert [entry.seq for entry in project.entries()] == before


def test_an_image_that_its_task_does_not_show_is_refused(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    images = shown(project)
    first, last = images.iloc[0], images.iloc[-1]
    assert first["task_id"] != last["task_id"]
    with pytest.raises(DataError, match="row 0: task .* does not show image"):
        put([{"worker": "w", "token": first["token"], "task_id": last["task_id"], "selected": 1}])
    with pytest.raises(DataError, match="row 0: task .* does not ask for 'dog'"):
        put([{"worker": "w", "token": first["token"], "selected": 1, "class": "dog"}])
    assert stored(project).empty


def test_an_image_of_no_or_several_classes_needs_a_class(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    with project.change("fake", **ME) as change:
        row = {"item_id": cat(1), "pool": "candidate", "class_key": "lynx", "keyword": ""}
        change.connection.execute(sa.insert(tables.members), [row])
        query = sa.delete(tables.members).where(tables.members.c.item_id == cat(2))
        change.connection.execute(query)
    with pytest.raises(DataError, match="row 0: image .* is of several classes"):
        put([{"worker": "w", "item_id": cat(1), "selected": 1}])
    with pytest.raises(DataError, match="row 0: image .* is of no class"):
        put([{"worker": "w", "item_id": cat(2), "selected": 1}])


def test_a_half_written_file_names_its_row_and_imports_nothing(
    project: Project, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = tmp_path / "answers.csv"
    answered(project, {"ann": 1.0}, rng=rng).to_csv(path, index=False)
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(text[:40]) + "\n" + text[40][:45], encoding="utf-8")
    with pytest.raises(DataError, match=r"answers.csv: row 39: (no image|no worker|'selected')"):
        import_answers(project, read(path), source="table", **ME)
    assert stored(project).empty
    assert list(project.entries(action="answers")) == []


def test_clocks_that_jump_are_counted_and_told(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    first = {"item_id": shown(project)["item_id"].iloc[0], "class": ""}
    task = {"task_id": shown(project)["task_id"].iloc[0]}
    report = put(
        [
            one(
                worker="a", accepted_at="2031-01-02T00:00:00Z", submitted_at="2031-01-01T00:00:00Z"
            ),
            one(worker="b", submitted_at="1999-01-01T00:00:00Z", **first, **task),
            one(worker="c", submitted_at="2999-01-01T00:00:00Z"),
        ]
    )
    assert report.added == 3
    said = " ".join(report.warnings)
    for what in ("before they were accepted", "before their task was made", "in the future"):
        assert f"answers were submitted {what}" in said
    (entry,) = project.entries(action="answers.import")
    assert entry.detail["warnings"] == list(report.warnings)


def test_workers_are_stored_as_salted_hashes(
    project: Project, put: Callable[[object], ImportReport]
) -> None:
    put([one(worker="A1B2C3SECRET")])
    with project.read() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                assert "SECRET" not in str(row)
    assert hash_worker("a", "salt") != hash_worker("a", "other salt")


def test_a_task_closes_when_all_have_answered(
    project: Project, put: Callable[[object], ImportReport], rng: np.random.Generator
) -> None:
    rows = answered(project, {f"w{i}": 1.0 for i in range(10)}, rng=rng)
    assert put(rows[rows["worker"] != "w9"]).closed == 0
    assert put(rows).closed == 2
