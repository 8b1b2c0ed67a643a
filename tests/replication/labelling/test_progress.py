from __future__ import annotations

import pytest
from fakes.crowd import add_images
from fakes.desk import Clock, answer, answer_all, take

from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.progress import Progress, read_progress
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


def progress(project: Project, worker: str) -> Progress:
    with project.together() as together:
        return read_progress(together, worker)


def test_tasks_done_and_left_and_the_time_they_took(
    any_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    add_images(any_project, "candidate", {"cat": 120})
    add_images(any_project, "test", {"cat": 5, "lynx": 5})
    make_tasks(any_project, **ME)
    assert progress(any_project, "w") == Progress(0, 3, None)
    for done, (seconds, median) in enumerate([(10, 10), (40, 25), (31, 31)], start=1):
        with any_project.together() as together:
            lease = take(together, "w")
            assert read_progress(together, "w").left == 4 - done
        clock.forward(seconds=seconds)
        answer(any_project, "w", lease)
        now = progress(any_project, "w")
        assert (now.done, now.left) == (done, 3 - done)
        assert now.seconds_per_task == pytest.approx(median, abs=2)
    assert set(now.to_dict()) == {"done", "left", "seconds_per_task"}


def test_what_others_have_finished_is_not_left(any_project: Project) -> None:
    add_images(any_project, "candidate", {"cat": 50})
    add_images(any_project, "test", {"cat": 5, "lynx": 5})
    make_tasks(any_project, **ME)
    assert answer_all(any_project, "w0") == 2
    for number in range(1, 10):
        answer_all(any_project, f"w{number}")
    assert (progress(any_project, "w0").done, progress(any_project, "w0").left) == (2, 0)
    assert progress(any_project, "late") == Progress(0, 0, None)


def test_a_clock_that_went_back_tells_no_time(
    any_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    add_images(any_project, "candidate", {"cat": 5})
    add_images(any_project, "test", {"cat": 50, "lynx": 50})
    make_tasks(any_project, **ME)
    with any_project.together() as together:
        lease = take(together, "w")
    clock.forward(hours=-1)
    answer(any_project, "w", lease)
    assert progress(any_project, "w") == Progress(1, 0, None)
