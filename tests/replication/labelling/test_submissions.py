"""Answers from the browser: all of a grid, once, as a file with the same answers would give them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images
from fakes.desk import Clock, answer, answer_all, submit, take, tokens

from freshset.core.errors import ConflictError, DataError, FreshsetError, NotFoundError
from freshset.replication import tables
from freshset.replication.labelling.answers.base import grid_records
from freshset.replication.labelling.answers.importing import hash_worker, import_answers
from freshset.replication.labelling.drafts import find_draft, save_draft
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.slots import Lease, give_back
from freshset.replication.labelling.submissions import Submission, accept
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
SPEC = """\
name: animals/fresh
original: animals/test
tasks: {grid: 8, positives: 2, negatives: 1, answers: 2, seconds: 600}
sampling: {min_answers: 2}
classes:
  - {key: cat, confused_with: lynx}
  - {key: lynx, confused_with: cat}
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def make(folder: Path, database: str = "") -> Project:
    project = Project.create(folder, SPEC, database=database, **ME)
    add_images(project, "candidate", {"cat": 10})
    add_images(project, "test", {"cat": 2, "lynx": 2})
    make_tasks(project, **ME)
    return project


@pytest.fixture
def project(tmp_path: Path, database: str) -> Iterator[Project]:
    """Two tasks of eight images for two workers each, which share both positive controls."""
    with make(tmp_path / "project", database) as project:
        yield project


def leased(project: Project, worker: str) -> Lease:
    with project.together() as together:
        lease = take(together, worker)
    assert lease is not None
    return lease


def sent(project: Project, worker: str, lease: Lease, chosen: list[str]) -> bool:
    with project.together() as together:
        return submit(together, worker, lease.task_id, lease=lease.lease, chosen=chosen)


def stored(project: Project) -> pd.DataFrame:
    query = sa.select(tables.answers).order_by(*tables.answers.primary_key.columns)
    with project.read() as connection:
        return pd.DataFrame(connection.execute(query).all())


def test_an_answer_is_kept_for_every_image_of_the_grid(project: Project) -> None:
    lease = leased(project, "w")
    shown = tokens(project, lease.task_id)
    assert not sent(project, "w", lease, [shown[2], shown[5], shown[2]])
    rows = stored(project)
    assert len(rows) == 8
    query = sa.select(tables.task_items.c.item_id).where(
        tables.task_items.c.token.in_([shown[2], shown[5]])
    )
    with project.read() as connection:
        ticked = set(connection.execute(query).scalars())
    assert set(rows.loc[rows["selected"] == 1, "item_id"]) == ticked
    first = rows.iloc[0]
    assert (first["worker"], first["class_key"], first["source"]) == ("w", "cat", "web")
    assert (first["task_id"], first["assignment_id"]) == (lease.task_id, lease.lease)
    assert first["accepted_at"] == lease.leased_at <= first["submitted_at"]
    (entry,) = project.entries(action="answers.submit")
    assert (entry.who, entry.subject) == ("w", lease.task_id)
    assert entry.detail == {"selected": 2, "closed": False}


def test_no_image_may_be_chosen(project: Project) -> None:
    assert not sent(project, "w", leased(project, "w"), [])
    assert stored(project)["selected"].tolist() == [0.0] * 8


def test_the_same_again_changes_nothing(project: Project) -> None:
    lease = leased(project, "w")
    answer(project, "w", lease)
    before, entries = stored(project), project.verify_log()
    assert answer(project, "w", lease)
    with pytest.raises(ConflictError, match="already, otherwise"):
        answer(project, "w", lease, lambda _: False)
    assert stored(project).equals(before)
    assert project.verify_log() == entries


def test_a_second_answer_about_an_image_is_not_kept(project: Project) -> None:
    first = leased(project, "w")
    answer(project, "w", first, lambda _: True)
    second = leased(project, "w")
    answer(project, "w", second, lambda _: False)
    # Both tasks show the same two positive controls, and maybe one negative.
    rows = stored(project)
    assert len(rows) in (8 + 5, 8 + 6)
    assert rows["selected"].sum() == 8
    # What is the same again is told by the answers that were kept.
    assert answer(project, "w", second, lambda _: False)


def test_nobody_answers_what_they_were_not_given(project: Project) -> None:
    mine, other = leased(project, "w1"), leased(project, "w2")
    with pytest.raises(ConflictError, match="not given"):
        sent(project, "w2", mine, [])
    with pytest.raises(ConflictError, match="not given"):
        sent(project, "w1", other, [])
    with pytest.raises(ConflictError, match="not given"), project.together() as together:
        submit(together, "w1", "0" * 32, lease=mine.lease, chosen=[])
    assert stored(project).empty


def test_images_of_other_tasks_are_refused(project: Project) -> None:
    lease = leased(project, "w")
    with project.read() as connection:
        query = sa.select(tables.task_items.c.token).where(
            tables.task_items.c.task_id != lease.task_id
        )
        strange = connection.execute(query).scalars().first()
    own = tokens(project, lease.task_id)[0]
    for chosen in ([strange], [own, strange], ["0" * 32], [own[:31]], ["%"], [""]):
        with pytest.raises(DataError, match="not of this task"):
            sent(project, "w", lease, chosen)
    assert stored(project).empty
    assert not list(project.entries(action="answers.submit"))


def test_a_late_answer_counts_while_there_is_a_place(project: Project, clock: Clock) -> None:
    late = leased(project, "late")
    clock.forward(seconds=700)
    assert leased(project, "w1").task_id == late.task_id
    # One place is w1's now, and the other is free.
    assert not answer(project, "late", late)
    assert set(stored(project)["accepted_at"]) == {late.leased_at}
    assert answer_all(project, "w1") == 2


def test_a_late_answer_comes_too_late_when_all_places_are_taken(
    project: Project, clock: Clock
) -> None:
    late = leased(project, "late")
    clock.forward(seconds=700)
    for worker in ("w1", "w2"):
        assert answer_all(project, worker) == 2
    with pytest.raises(ConflictError, match="ran out"):
        answer(project, "late", late)
    assert set(stored(project)["worker"]) == {"w1", "w2"}


def test_an_expired_lease_that_nobody_took_is_as_good_as_new(
    project: Project, clock: Clock
) -> None:
    late = leased(project, "late")
    clock.forward(seconds=7_000)
    assert not answer(project, "late", late)


def test_a_draft_goes_with_the_answer(project: Project) -> None:
    lease = leased(project, "w")
    own = tokens(project, lease.task_id)[:1]
    with project.together() as together:
        save_draft(together, "w", lease.task_id, lease=lease.lease, chosen=own, version=0)
    answer(project, "w", lease)
    with project.read() as connection:
        assert find_draft(connection, "w", lease.task_id) is None


def test_a_task_that_is_gone(project: Project) -> None:
    lease = leased(project, "w")
    with project.change("x", **ME) as change:
        change.connection.execute(sa.delete(tables.slots))
    with pytest.raises(NotFoundError):
        answer(project, "w", lease)


def test_the_same_rows_as_from_a_file(tmp_path: Path) -> None:
    """The project, and a copy of it into which the same grids are imported, hold the same answers."""
    with make(tmp_path / "web") as web:
        copy = tmp_path / "file"
        web.close()
        shutil.copytree(tmp_path / "web", copy)
        grids = []
        for name in ("ann", "bob"):
            worker = hash_worker(name, web.salt)
            for _ in range(2):
                lease = leased(web, worker)
                ticked = [t for t in tokens(web, lease.task_id) if t[1] < "7"]
                sent(web, worker, lease, ticked)
                grids.append((name, lease.task_id, "|".join(ticked), lease.lease))
        columns = ["worker", "task_id", "tokens", "assignment_id"]
        frame = pd.DataFrame(grids, columns=columns)
        with Project.open(copy) as file:
            records = grid_records(tmp_path / "x.csv", {name: frame[name] for name in columns})
            import_answers(file, records, source="mturk", **ME)
            # Times are the web's own; all else is the same.
            left = [name for name in stored(web) if not name.endswith("_at") and name != "source"]
            assert stored(web)[left].equals(stored(file)[left])
            status = sa.select(tables.tasks.c.task_id, tables.tasks.c.status).order_by("task_id")
            with web.read() as one, file.read() as other:
                assert one.execute(status).all() == other.execute(status).all()
                assert {row.status for row in one.execute(status)} == {"closed"}


def many(project: Project, given: list[Submission]) -> list[bool | str]:
    """What comes of submissions in one transaction, with the reasons of those refused."""
    with project.together() as together:
        said = accept(together, given)
    return [str(one) if isinstance(one, FreshsetError) else one for one in said]


def test_of_many_at_once_each_is_judged_by_itself(project: Project) -> None:
    first, other = leased(project, "w1"), leased(project, "w2")
    shown = tokens(project, first.task_id)
    good = Submission("w1", first.task_id, first.lease, shown[:2])
    said = many(
        project,
        [
            Submission("w3", first.task_id, first.lease, []),
            Submission("w2", other.task_id, other.lease, ["0" * 32]),
            good,
            Submission("w1", first.task_id, first.lease, shown[:2]),
            Submission("w1", first.task_id, first.lease, shown[:1]),
            Submission("w2", other.task_id, other.lease, []),
        ],
    )
    assert [one if isinstance(one, bool) else one.split(".")[0] for one in said] == [
        "You were not given this task",
        "An image is not of this task",
        False,
        True,
        "You have answered this task already, otherwise",
        False,
    ]
    assert many(project, [good]) == [True]
    assert len(stored(project)) == 16
    entries = list(project.entries(action="answers.submit"))
    # The second of two answers that are wanted closes the task, in the order in which they came.
    assert [(one.who, one.detail["closed"]) for one in entries] == [("w1", False), ("w2", True)]
    assert project.verify_log()


def test_of_two_answers_of_one_worker_at_once_the_first_counts(
    project: Project, clock: Clock
) -> None:
    first = leased(project, "w")
    clock.forward(seconds=700)
    lent = [leased(project, worker) for worker in ("x", "y")]
    second = leased(project, "w")
    assert second.task_id != first.task_id
    with project.together() as together:
        give_back(together, "x", first.task_id, lent[0].lease)
    said = many(
        project,
        [
            Submission("w", one.task_id, one.lease, tokens(project, one.task_id)[:n])
            for one, n in ((first, 8), (second, 0))
        ],
    )
    assert said == [False, False]
    rows = stored(project)
    # Both tasks show the same two positive controls, and maybe one negative.
    assert len(rows) in (8 + 5, 8 + 6)
    assert set(rows.loc[rows["task_id"] == first.task_id, "selected"]) == {1.0}
    assert len(rows[rows["task_id"] == first.task_id]) == 8


def test_at_once_is_as_one_after_the_other(project: Project, clock: Clock) -> None:
    """Late and early answers, repeated and wrong ones, of workers who compete for places."""
    rng = random.Random(3)
    given: list[Submission] = []
    for _ in range(4):
        for worker in rng.sample("abcdef", 4):
            lease = leased(project, worker)
            chosen = rng.sample(tokens(project, lease.task_id), 3)
            if rng.random() < 0.3:
                chosen[0] = "0" * 32
            given.append(Submission(worker, lease.task_id, lease.lease, chosen))
        clock.forward(seconds=700)
    given += rng.sample(given, len(given) // 2)
    rng.shuffle(given)

    def outcome(sizes: int) -> tuple[list[str], pd.DataFrame, set[tuple[str, str]]]:
        said: list[str] = []
        with pytest.raises(ZeroDivisionError), project.together() as together:
            for start in range(0, len(given), sizes):
                said += map(str, accept(together, given[start : start + sizes]))
            columns = [c for c in tables.answers.c if c.name != "submitted_at"]
            query = sa.select(*columns).order_by(*tables.answers.primary_key.columns)
            rows = pd.DataFrame(together.connection.execute(query).all())
            status = sa.select(tables.tasks.c.task_id, tables.tasks.c.status)
            states = set(map(tuple, together.connection.execute(status)))
            raise ZeroDivisionError  # so that the next one begins with the same
        return said, rows, states

    said, rows, states = outcome(1)
    assert {"True", "False"} < set(said)
    assert len(set(said)) >= 4
    for sizes in (3, len(given)):
        again = outcome(sizes)
        assert (again[0], again[2]) == (said, states)
        assert again[1].equals(rows)
