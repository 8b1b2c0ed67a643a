from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from freshset.core.config import RunSettings
from freshset.core.errors import StoreError, UsageError
from freshset.engine.backends.local import LocalBackend
from freshset.engine.progress import SilentWork
from freshset.engine.works import (
    Made,
    Place,
    WorkItem,
    count_states,
    in_shard,
    plan_works,
    run_works,
)
from freshset.store.works import Claim, WorkFailure, Works, WorkSpec


@dataclass(frozen=True)
class Sum:
    """Adds the results of what it needs to its number."""

    number: int
    needs: tuple[WorkSpec, ...] = ()
    fails: str = ""
    shard: str = ""

    @property
    def spec(self) -> WorkSpec:
        return WorkSpec.of("sum", number=self.number, needs=[n.identity for n in self.needs])

    @property
    def title(self) -> str:
        return f"number {self.number}"

    @property
    def images(self) -> int:
        return 10 * self.number

    def perform(self, claim: Claim, works: Works, context: int) -> Made:
        (claim.folder / "tried").touch()
        if self.fails == "bug":
            raise KeyError("oops")
        if self.fails:
            raise UsageError(self.fails, "Do else.")
        total = self.number + context
        for need in self.needs:
            found = works.get(need)
            assert found is not None
            total += found.document["total"]
        return Made({"total": total}, {"all": np.arange(total)})


class Seen(SilentWork):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, items: int, images: int) -> None:
        self.lines.append(f"begin {items} {images}")

    def working(self, title: str) -> None:
        self.lines.append(f"at {title}")

    def made(self, title: str, images: int) -> None:
        self.lines.append(f"made {title}")

    def failed(self, failure: WorkFailure) -> None:
        self.lines.append(f"failed {failure.title}")

    def end(self) -> None:
        self.lines.append("end")


def place(folder: Path, shard: tuple[int, int] = (1, 1)) -> Place[int]:
    return Place(folder, LocalBackend(RunSettings()), 100, shard)


def states(items: list[Any], folder: Path) -> list[str]:
    return [one.state for one in plan_works(items, Works(folder))]


def test_what_needs_results_is_done_after_them_and_nothing_twice(tmp_path: Path) -> None:
    leaves = [Sum(1), Sum(2)]
    top = Sum(3, tuple(leaf.spec for leaf in leaves))
    items = [top, *leaves, Sum(1)]
    assert states(items, tmp_path) == ["waiting", "missing", "missing"]
    plan = plan_works(items, Works(tmp_path))
    assert plan[0].reason == "Needs number 1 and 1 more."
    seen = Seen()
    report = run_works(items, place(tmp_path), seen)
    assert report.complete
    assert [item.title for item in report.made] == ["number 1", "number 2", "number 3"]
    assert seen.lines == [
        "begin 3 60", "at number 1", "made number 1", "at number 2", "made number 2",
        "at number 3", "made number 3", "end",
    ]  # fmt: skip
    made = Works(tmp_path).get(top.spec)
    assert made is not None
    assert made.document["total"] == 3 + 100 + 101 + 102
    assert len(made.array("all")) == made.document["total"]
    assert states(items, tmp_path) == ["done"] * 3
    again = run_works(items, place(tmp_path))
    assert again.complete
    assert again.made == []


def test_a_failure_is_recorded_and_stops_only_what_needs_it(tmp_path: Path) -> None:
    bad, bug, good = Sum(1, fails="No."), Sum(2, fails="bug"), Sum(3)
    top = Sum(4, (good.spec, bad.spec))
    report = run_works([bad, bug, good, top], place(tmp_path))
    assert [f.error for f in report.failures] == ["No.", "KeyError: 'oops'"]
    assert "Traceback" in report.failures[1].traceback
    assert [(one.item, one.state) for one in report.left] == [(top, "waiting")]
    assert report.left[0].reason == "Needs number 1, which failed: No."
    assert not report.complete
    plan = plan_works([bad, bug, good, top], Works(tmp_path))
    assert count_states(plan) == {"failed": 2, "done": 1, "waiting": 1}
    assert plan[0].reason == "No. Do else."
    # It is tried again, on top of what was kept; once it is done nothing says that it failed.
    report = run_works([Sum(1), bug, good, top], place(tmp_path))
    assert [item.title for item in report.made] == ["number 1", "number 4"]
    assert [f.title for f in report.failures] == ["number 2"]
    assert Works(tmp_path).failure(bad.spec) is None


def test_shards_share_everything_out_and_keep_together_what_belongs_together(
    tmp_path: Path,
) -> None:
    items: list[Sum] = []
    for number in range(1, 41):
        leaf = Sum(number, shard=f"cell {number}")
        items += [leaf, Sum(100 + number, (leaf.spec,), shard=f"cell {number}")]
    parts = [[item for item in items if in_shard(item, (i, 3))] for i in (1, 2, 3)]
    assert sorted(i.number for part in parts for i in part) == sorted(i.number for i in items)
    assert min(map(len, parts)) > 10
    for i, part in enumerate(parts, start=1):
        report = run_works(items, place(tmp_path, (i, 3)))
        assert report.complete
        assert {item.spec for item in report.made} == {item.spec for item in part}
    assert set(states(list(items), tmp_path)) == {"done"}


def test_work_of_a_live_process_is_left_alone(tmp_path: Path) -> None:
    mine, theirs = Sum(1), Sum(2)
    top = Sum(3, (theirs.spec,))
    claim = Works(tmp_path).claim(theirs.spec)
    assert claim is not None
    with claim:
        assert states([mine, theirs, top], tmp_path) == ["missing", "elsewhere", "waiting"]
        report = run_works([mine, theirs, top], place(tmp_path))
        assert report.made == [mine]
        assert [(one.item, one.state) for one in report.left] == [
            (theirs, "elsewhere"),
            (top, "waiting"),
        ]
        assert not report.complete
    assert run_works([mine, theirs, top], place(tmp_path)).complete


def test_what_another_process_finished_meanwhile_is_taken(tmp_path: Path) -> None:
    theirs = Sum(2)
    claim = Works(tmp_path).claim(theirs.spec)
    assert claim is not None

    class Late(Seen):
        def made(self, title: str, images: int) -> None:
            super().made(title, images)
            if title == "number 1":
                assert claim is not None
                claim.finish({"total": 5}, {})
                claim.close()

    items: list[WorkItem[int]] = [theirs, Sum(1), Sum(3, (theirs.spec,))]
    seen = Late()
    report = run_works(items, place(tmp_path), seen)
    assert report.complete
    assert "made number 2" in seen.lines
    assert theirs not in report.made
    assert "made number 3" in seen.lines


def test_what_is_done_travels(tmp_path: Path) -> None:
    class Elsewhere(LocalBackend):
        def map(self, function: Callable[..., Any], parts: Any, **_: Any) -> Any:
            for part in parts:
                yield pickle.loads(pickle.dumps(function))(pickle.loads(pickle.dumps(part)))

    there = Place(tmp_path, Elsewhere(RunSettings()), 100)
    assert run_works([Sum(1), Sum(2, fails="No.")], there).made == [Sum(1)]


def test_work_whose_process_dies_is_a_failure_of_its_own(tmp_path: Path) -> None:
    class Dying(LocalBackend):
        def map(self, function: Any, parts: Any, *, lost: Any = None, **_: Any) -> Any:
            for part in parts:
                yield lost(part, "out of memory") if part.number == 1 else function(part)

    there = Place(tmp_path, Dying(RunSettings()), 100)
    report = run_works([Sum(1), Sum(2)], there)
    assert report.made == [Sum(2)]
    assert [f.error for f in report.failures] == [
        "The process that did it died again and again: out of memory."
    ]
    assert states([Sum(1)], tmp_path) == ["failed"]


def test_an_interrupt_keeps_what_was_done_so_far(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Stopped(Sum):
        stop: list[int] = field(default_factory=list, compare=False)

        def perform(self, claim: Claim, works: Works, context: int) -> Made:
            made = super().perform(claim, works, context)
            if self.stop:
                raise KeyboardInterrupt
            return made

    seen = Seen()
    with pytest.raises(KeyboardInterrupt):
        run_works([Sum(1), Stopped(2, stop=[1]), Sum(3)], place(tmp_path), seen)
    assert seen.lines[-1] == "end"
    works = Works(tmp_path)
    assert works.has(Sum(1).spec)
    assert works.is_begun(Sum(2).spec)
    assert not works.is_live(Sum(2).spec)
    assert states([Sum(1), Sum(2), Sum(3)], tmp_path) == ["done", "missing", "missing"]


def test_a_store_that_cannot_be_written_to_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "works").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be written to"):
        run_works([Sum(1)], place(tmp_path))
