from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes.crowd import add_images
from fakes.desk import answer, take, tokens

from freshset.core.errors import ConflictError, DataError
from freshset.replication.labelling.drafts import Draft, find_draft, save_draft
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.slots import Lease, give_back
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
Save = Callable[..., int]


@pytest.fixture
def project(any_project: Project) -> Project:
    add_images(any_project, "candidate", {"cat": 50})
    add_images(any_project, "test", {"cat": 5, "lynx": 5})
    make_tasks(any_project, **ME)
    return any_project


@pytest.fixture
def lease(project: Project) -> Lease:
    with project.together() as together:
        lease = take(together, "w")
    assert lease is not None
    return lease


@pytest.fixture
def save(project: Project, lease: Lease) -> Save:
    def save(chosen: list[str], version: int, worker: str = "w") -> int:
        with project.together() as together:
            return save_draft(
                together, worker, lease.task_id, lease=lease.lease, chosen=chosen, version=version
            )

    return save


def found(project: Project, lease: Lease, worker: str = "w") -> Draft | None:
    with project.read() as connection:
        return find_draft(connection, worker, lease.task_id)


def test_what_was_ticked_last_is_kept(project: Project, lease: Lease, save: Save) -> None:
    assert found(project, lease) is None
    one, two, *_ = tokens(project, lease.task_id)
    assert save([one], 0) == 1
    assert save([one, two], 1) == 2
    assert found(project, lease) == Draft((one, two), 2)
    assert found(project, lease).to_dict() == {"chosen": [one, two], "version": 2}
    assert save([], 2) == 3
    assert found(project, lease) == Draft((), 3)
    # Drafts decide nothing, so that the log has no entries of them.
    assert project.verify_log() == 4


def test_of_two_pages_the_one_that_is_behind_is_told(
    project: Project, lease: Lease, save: Save
) -> None:
    one = tokens(project, lease.task_id)[0]
    save([one], 0)
    for behind in (0, 2):
        with pytest.raises(ConflictError, match="open elsewhere"):
            save([], behind)
    assert found(project, lease) == Draft((one,), 1)


def test_only_images_of_the_task_and_only_for_whom_it_is(save: Save) -> None:
    with pytest.raises(DataError, match="not of this task"):
        save(["0" * 32], 0)
    with pytest.raises(ConflictError, match="not given"):
        save([], 0, worker="other")


def test_there_is_none_after_the_answer(project: Project, lease: Lease, save: Save) -> None:
    save([], 0)
    answer(project, "w", lease)
    assert found(project, lease) is None
    with pytest.raises(ConflictError, match="submitted this task already"):
        save([], 1)


def test_who_gives_a_task_back_leaves_no_draft(project: Project, lease: Lease, save: Save) -> None:
    save([], 0)
    with project.together() as together:
        give_back(together, "w", lease.task_id, lease.lease)
    assert found(project, lease) is None
