"""Who is asked about which task: leases, their ends, and never more workers than were wanted."""

from __future__ import annotations

import multiprocessing
import random
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.crowd import add_images
from fakes.desk import Clock, answer, answer_all, take, tokens
from fakes.takers import take_all

from freshset.core.errors import ConflictError
from freshset.replication import tables
from freshset.replication.collecting.excluding import take_down
from freshset.replication.labelling.answers.importing import hash_worker, import_answers
from freshset.replication.labelling.answers.tables import read
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.slots import Lease, Wish, allocate, give_back, leased_at
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
SPEC = """\
name: animals/fresh
original: animals/test
tasks: {grid: 8, positives: 1, negatives: 1, answers: 3, seconds: 600}
sampling: {min_answers: 3}
classes:
  - {key: cat, confused_with: lynx}
  - {key: lynx, confused_with: cat}
"""
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def project(tmp_path: Path, database: str):
    """12 candidates each of two classes: four tasks for three workers each."""
    with Project.create(tmp_path / "project", SPEC, database=database, **ME) as project:
        add_images(project, "candidate", {"cat": 12, "lynx": 12})
        add_images(project, "test", {"cat": 5, "lynx": 5})
        assert make_tasks(project, **ME).tasks == 4
        yield project


def leased(project: Project, worker: str) -> Lease | None:
    with project.together() as together:
        return take(together, worker)


def states(project: Project) -> Counter[str]:
    with project.read() as connection:
        return Counter(connection.execute(sa.select(tables.slots.c.state)).scalars())


def test_a_worker_keeps_a_task_until_it_is_answered(project: Project) -> None:
    first = leased(project, "w1")
    assert leased(project, "w1") == first
    answer(project, "w1", first)
    second = leased(project, "w1")
    assert second.task_id > first.task_id
    assert answer_all(project, "w1") == 3
    assert leased(project, "w1") is None


def test_tasks_that_are_begun_come_first_and_close_after_the_last_answer(project: Project) -> None:
    first = [leased(project, f"w{n}") for n in range(3)]
    assert len({one.task_id for one in first}) == 1
    assert len({one.lease for one in first}) == 3
    assert leased(project, "w3").task_id > first[0].task_id
    for number, one in enumerate(first):
        answer(project, f"w{number}", one)
        status = sa.select(tables.tasks.c.status).where(tables.tasks.c.task_id == one.task_id)
        with project.read() as connection:
            closed = connection.execute(status).scalar_one() == "closed"
        assert closed == (number == 2)


def test_every_task_gets_as_many_different_workers_as_are_wanted(project: Project) -> None:
    assert [answer_all(project, f"w{n}") for n in range(5)] == [4, 4, 4, 0, 0]
    assert states(project) == {"done": 12}
    given = sa.select(
        tables.answers.c.task_id, sa.func.count(tables.answers.c.worker.distinct())
    ).group_by(tables.answers.c.task_id)
    with project.read() as connection:
        assert [n for _, n in connection.execute(given)] == [3] * 4
    assert project.verify_log() == sum(1 for _ in project.entries(action="answers.submit")) + 4


def test_leases_end_and_places_return(project: Project, clock: Clock) -> None:
    lost = [leased(project, f"gone{n}") for n in range(3)]
    clock.forward(seconds=599)
    assert leased(project, "w").task_id != lost[0].task_id
    clock.forward(seconds=2)
    back = leased(project, "x")
    assert back.task_id == lost[0].task_id
    assert back.lease not in {one.lease for one in lost}
    # The worker who was away gets the task again, by another lease, as long as it has a place.
    again = leased(project, "gone0")
    assert (again.task_id, again.lease == lost[0].lease) == (back.task_id, False)


def test_clocks_that_are_put_back_hold_no_place_for_longer(project: Project, clock: Clock) -> None:
    lost = leased(project, "gone")
    clock.forward(seconds=-30)  # as clocks are corrected now and then
    assert leased(project, "gone") == lost
    clock.forward(days=-400)
    assert leased(project, "w").task_id == lost.task_id
    assert states(project)["leased"] == 1
    again = leased(project, "gone")
    assert again.lease != lost.lease
    answer(project, "gone", again)
    assert answer_all(project, "w") == 4
    clock.forward(days=800)
    assert answer_all(project, "x") == 4
    assert project.verify_log()


def test_given_back_is_free_at_once(project: Project) -> None:
    mine = leased(project, "w1")
    with project.together() as together:
        give_back(together, "w1", mine.task_id, mine.lease)
        give_back(together, "w1", mine.task_id, mine.lease)
    assert "leased" not in states(project)
    other = leased(project, "w2")
    assert other.task_id == mine.task_id
    with pytest.raises(ConflictError, match="not given this task"), project.together() as together:
        give_back(together, "w1", mine.task_id, other.lease)


def test_a_lease_is_proof_for_one_worker_and_one_task(project: Project) -> None:
    mine = leased(project, "w1")
    with project.together() as together:
        assert leased_at(together, "w1", mine.task_id, mine.lease) == mine.leased_at
        for worker, task_id, lease in (
            ("w2", mine.task_id, mine.lease),
            ("w1", "other", mine.lease),
            ("w1", mine.task_id, mine.lease[:-1] + ("0" if mine.lease[-1] != "0" else "1")),
            ("w1", mine.task_id, "f" * 14 + mine.lease[14:]),
            ("w1", mine.task_id, ""),
            ("w1", mine.task_id, "ä" * 32),
        ):
            with pytest.raises(ConflictError):
                leased_at(together, worker, task_id, lease)


def test_what_must_not_be_shown_is_not_given_out(project: Project) -> None:
    """Closed and published tasks, those with an image that is gone, and classes of the past."""
    with project.read() as connection:
        rows = connection.execute(
            sa.select(tables.tasks.c.task_id, tables.tasks.c.class_key).order_by("task_id")
        ).all()
    cats = [task_id for task_id, key in rows if key == "cat"]
    held = leased(project, "w")
    with project.read() as connection:
        item = connection.execute(
            sa.select(tables.task_items.c.item_id).where(
                tables.task_items.c.task_id == cats[0], tables.task_items.c.role == "candidate"
            )
        ).scalars().first()  # fmt: skip
    take_down(project, [item], **ME)
    with project.change("x", **ME) as change:
        change.connection.execute(
            sa.update(tables.tasks).where(tables.tasks.c.task_id == cats[1]).values(status="closed")
        )
    assert leased(project, "w").task_id not in cats
    assert (leased(project, "w") == held) == (held.class_key != "cat")
    assert answer_all(project, "w") == 2
    without = SPEC.replace("  - {key: lynx, confused_with: cat}\n", "")
    without = without.replace("key: cat, confused_with: lynx", "key: cat")
    project.change_spec(without.replace("negatives: 1", "negatives: 0"), **ME)
    assert leased(project, "v") is None


def test_more_or_fewer_answers_may_be_wanted_later(project: Project) -> None:
    first = leased(project, "w0")
    answer(project, "w0", first)
    project.change_spec(SPEC.replace("answers: 3", "answers: 4"), **ME)
    assert [answer_all(project, f"w{n}") for n in range(6)] == [3, 4, 4, 4, 0, 0]
    assert states(project) == {"done": 16}


def test_with_fewer_answers_wanted_free_places_stay_free(project: Project) -> None:
    for worker in ("w0", "w1"):
        answer(project, worker, leased(project, worker))
    project.change_spec(SPEC.replace("answers: 3", "answers: 2").replace("rs: 3", "rs: 2"), **ME)
    # The one task that has its two answers is not given to a third worker.
    assert [answer_all(project, f"w{n}") for n in range(4)] == [3, 3, 0, 0]


def test_answers_from_a_file_take_places(project: Project, tmp_path: Path) -> None:
    with project.read() as connection:
        task_id = connection.execute(sa.select(sa.func.min(tables.tasks.c.task_id))).scalar_one()
    rows = [f"{w},{task_id},{token},1" for w in "ab" for token in tokens(project, task_id)]
    path = tmp_path / "answers.csv"
    path.write_text("\n".join(["worker,task_id,token,selected", *rows]), encoding="utf-8")
    import_answers(project, read(path), source="table", **ME)
    assert leased(project, "w0").task_id == task_id
    assert leased(project, "w1").task_id != task_id
    assert leased(project, hash_worker("a", project.salt)).task_id != task_id
    assert states(project)["done"] == 2


def test_answers_from_a_file_take_places_that_are_there_already(
    project: Project, tmp_path: Path
) -> None:
    task_id = leased(project, "w0").task_id
    rows = [f"{w},{task_id},{token},1" for w in "ab" for token in tokens(project, task_id)]
    path = tmp_path / "answers.csv"
    path.write_text("\n".join(["worker,task_id,token,selected", *rows]), encoding="utf-8")
    import_answers(project, read(path), source="table", **ME)
    assert states(project)["done"] == 2
    assert leased(project, "w1").task_id != task_id
    import_answers(project, read(path), source="table", **ME)
    assert states(project)["done"] == 2


@pytest.mark.parametrize("separately", [False, True])
def test_of_many_at_once_no_two_get_one_place(
    project: Project, database: str, separately: bool
) -> None:
    """Twenty workers at once for twelve places, in threads, and in processes of their own."""
    if separately:
        queue = SPAWN.Queue()
        runs = [
            SPAWN.Process(target=take_all, args=(project.folder, database, f"p{n}", 10, queue.put))
            for n in range(2)
        ]
    else:
        found: list[list[str]] = []
        runs = [
            threading.Thread(
                target=take_all, args=(project.folder, database, f"t{n}", 5, found.append)
            )
            for n in range(4)
        ]
    for run in runs:
        run.start()
    if separately:
        found = [queue.get(timeout=120) for _ in runs]
    for run in runs:
        run.join()
    given = Counter(task_id for part in found for task_id in part)
    assert sum(given.values()) == 12
    assert set(given.values()) == {3}
    assert states(project) == {"leased": 12}
    with project.read() as connection:
        workers = list(connection.execute(sa.select(tables.slots.c.worker)).scalars())
    assert len(set(workers)) == 12


def test_the_database_itself_refuses_two_places_for_one_worker(project: Project) -> None:
    mine = leased(project, "w1")
    other = sa.update(tables.slots).where(
        tables.slots.c.task_id == mine.task_id, tables.slots.c.state == "free"
    )
    with (
        pytest.raises(Exception, match="(?i)unique"),
        project.change("x", **ME) as change,
    ):
        change.connection.execute(other.values(worker="w1"))


def test_times_are_texts_that_sort(project: Project) -> None:
    mine = leased(project, "w1")
    assert mine.to_dict()["expires_at"] > mine.leased_at
    assert timedelta(seconds=600) == Clock.parse(mine.expires_at) - Clock.parse(mine.leased_at)


def test_a_task_that_was_given_back_comes_again_when_no_other_is_left(project: Project) -> None:
    returned: list[str] = []
    with project.together() as together:
        while (lease := take(together, "w", later_on=returned)).task_id not in returned:
            give_back(together, "w", lease.task_id, lease.lease)
            returned.append(lease.task_id)
    with project.read() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(tables.tasks)).scalar()
    assert len(returned) == count > 1
    assert lease.task_id == min(returned)


def test_at_once_is_as_one_after_the_other(project: Project, clock: Clock) -> None:
    """Workers who hold tasks, come twice, gave tasks back, or find nothing left."""
    rng = random.Random(5)
    for number in range(3):
        answer(project, f"w{number}", leased(project, f"w{number}"))
    lost = leased(project, "gone")
    clock.forward(seconds=500)
    held = leased(project, "w0")
    clock.forward(seconds=200)
    with project.read() as connection:
        ids = list(
            connection.execute(sa.select(tables.tasks.c.task_id).order_by("task_id")).scalars()
        )
    workers = [f"w{rng.randrange(8)}" for _ in range(15)]
    wishes = [Wish(worker, rng.sample(ids, rng.randrange(4))) for worker in workers]
    # Of one who comes twice the first wish counts, as the task is then held.
    first = {wish.worker: wish for wish in reversed(wishes)}

    def outcome(size: int) -> list[tuple[str, str | None]]:
        given: list[Lease | None] = []
        with pytest.raises(ZeroDivisionError), project.together() as together:
            for start in range(0, len(wishes), size):
                part = [first[wish.worker] for wish in wishes[start : start + size]]
                given += allocate(together, part)
            raise ZeroDivisionError  # so that the next one begins with the same
        return [
            (one.worker, lease and lease.task_id) for one, lease in zip(wishes, given, strict=True)
        ]

    one_by_one = outcome(1)
    assert ("w0", held.task_id) in one_by_one or "w0" not in workers
    assert lost.task_id in dict(one_by_one).values()
    assert outcome(4) == outcome(len(wishes)) == one_by_one
    with project.together() as together:
        assert allocate(together, []) == []


def test_many_at_once_get_all_places_and_no_more(project: Project) -> None:
    with project.together() as together:
        leases = allocate(together, [Wish(f"w{n}") for n in range(20)])
    given = Counter(one.task_id for one in leases if one)
    assert set(given.values()) == {3}
    assert [one is None for one in leases] == [False] * 12 + [True] * 8
    assert len({one.lease for one in leases if one}) == 12
    assert states(project) == {"leased": 12}
