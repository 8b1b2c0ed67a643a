"""Plan and run work that is no cell of a model on a test set, such as training runs.

A store keeps such work under the identity of its inputs (`freshset.store.works`).  Here it is compared
with what is wanted, and what is missing is done: in waves, since some work needs the results of
other work, on this machine or on Ray.  Whoever does a piece of work also stores it, so that nothing
large travels.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy.typing as npt

from freshset.core.errors import FreshsetError
from freshset.core.files import sha256_bytes
from freshset.engine.backends.base import Backend
from freshset.engine.progress import SilentWork, WorkProgress
from freshset.engine.writing import writing
from freshset.store.array_file import ArrayFile
from freshset.store.works import Claim, WorkFailure, Works, WorkSpec

State = Literal["done", "missing", "failed", "waiting", "elsewhere"]
Context = TypeVar("Context")
Context_contra = TypeVar("Context_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Made:
    """What work comes to; see `freshset.store.works.Claim.finish`."""

    document: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any] | ArrayFile | Path] = field(default_factory=dict)


class WorkItem(Protocol[Context_contra]):
    """A piece of work that is wanted; it travels to where it is done."""

    @property
    def spec(self) -> WorkSpec:
        """What it is."""

    @property
    def title(self) -> str:
        """In words, for progress and messages."""

    @property
    def needs(self) -> tuple[WorkSpec, ...]:
        """Work whose results it reads."""

    @property
    def shard(self) -> str:
        """Work with the same text here belongs to the same shard."""

    @property
    def images(self) -> int:
        """Images that go through a network for it, as its price."""

    def perform(self, claim: Claim, works: Works, context: Context_contra) -> Made:
        """Do it.

        Parameters
        ----------
        claim
            Its folder keeps what the next attempt goes on from.
        works
            Where the results are that it needs.
        context
            What all work of a run shares, such as data sets that are open.

        Raises
        ------
        Whatever goes wrong: it is recorded, and the run goes on with other work.
        """


@dataclass(frozen=True, slots=True)
class PlannedWork(Generic[Context]):
    """A piece of work, as planned.

    Attributes
    ----------
    state
        ``done``: stored.  ``missing``: can be done now.  ``failed``: failed when it was tried last,
        and is tried again.  ``waiting``: needs other work first.  ``elsewhere``: another process is
        at it.
    reason
        Why it failed or what it waits for; else empty.
    """

    item: WorkItem[Context]
    state: State
    reason: str = ""


@dataclass(slots=True)
class WorkReport(Generic[Context]):
    """What a run did.

    Attributes
    ----------
    made, failures
        Work that was done, and why other work could not be.
    left
        What is not there now for other reasons: another process is at it, or it waits for work that
        failed or that belongs to another shard.
    """

    made: list[WorkItem[Context]] = field(default_factory=list)
    failures: list[WorkFailure] = field(default_factory=list)
    left: list[PlannedWork[Context]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything that was wanted is in the store now."""
        return not (self.failures or self.left)


class Sharded(Protocol):
    """What belongs to a shard."""

    @property
    def shard(self) -> str:
        """What has the same text here belongs to the same shard."""


def in_shard(item: Sharded, shard: tuple[int, int]) -> bool:
    """Whether part i of n (from 1) has the work; the same answer everywhere."""
    part, parts = shard
    return parts == 1 or int(sha256_bytes(item.shard.encode())[:12], 16) % parts == part - 1


def plan_works(
    items: Sequence[WorkItem[Context]], works: Works
) -> tuple[PlannedWork[Context], ...]:
    """Compare what is wanted with what is stored; every identity once, in the order given."""
    planner = _Planner(works, {item.spec.identity: item for item in items})
    return tuple(planner.planned(item) for item in planner.items.values())


def count_states(planned: Sequence[PlannedWork[Any]]) -> dict[str, int]:
    """Work by state."""
    return dict(Counter(one.state for one in planned))


@dataclass(slots=True)
class _Planner(Generic[Context]):
    """Looks at the store once for each piece of work: studies have tens of thousands."""

    works: Works
    items: Mapping[str, WorkItem[Context]]
    _there: dict[WorkSpec, bool] = field(default_factory=dict)

    def planned(self, item: WorkItem[Context]) -> PlannedWork[Context]:
        """One piece of work with its state."""
        spec = item.spec
        if self._has(spec):
            return PlannedWork(item, "done")
        if self.works.is_live(spec):
            return PlannedWork(item, "elsewhere", "Another process is at it.")
        absent = [need for need in item.needs if not self._has(need)]
        if absent:
            return PlannedWork(item, "waiting", self._waits(absent))
        failure = self.works.failure(spec)
        if failure is not None:
            return PlannedWork(item, "failed", f"{failure.error} {failure.hint}".strip())
        return PlannedWork(item, "missing")

    def _has(self, spec: WorkSpec) -> bool:
        known = self._there.get(spec)
        if known is None:
            known = self._there[spec] = self.works.has(spec)
        return known

    def _waits(self, absent: Sequence[WorkSpec]) -> str:
        """Say what is waited for, first of all what failed."""
        for need in absent:
            failure = self.works.failure(need)
            if failure is not None:
                return f"Needs {failure.title}, which failed: {failure.error}"
        item = self.items.get(absent[0].identity)
        first = absent[0].kind if item is None else item.title
        more = f" and {len(absent) - 1:,} more" if len(absent) > 1 else ""
        return f"Needs {first}{more}."


@dataclass(frozen=True, slots=True)
class Place(Generic[Context]):
    """Where work is done and kept.

    Attributes
    ----------
    store
        Folder of the store; on Ray the same path on every machine.
    context
        Is given to all work; travels once to each machine.
    shard
        Part i of n (from 1) of the work.
    """

    store: Path
    backend: Backend
    context: Context
    shard: tuple[int, int] = (1, 1)


def run_works(
    items: Sequence[WorkItem[Context]],
    place: Place[Context],
    progress: WorkProgress | None = None,
) -> WorkReport[Context]:
    """Do what the store lacks.

    Running again resumes: what is stored is not done again, and work that keeps checkpoints goes on
    from the last.

    Raises
    ------
    StoreError
        When the store cannot be written to; what was stored before stays as it is.
    """
    progress = progress or SilentWork()
    works = Works(place.store)
    with writing(place.store):
        works.sweep()
    todo = [
        one.item
        for one in plan_works(items, works)
        if one.state != "done" and in_shard(one.item, place.shard)
    ]
    report: WorkReport[Context] = WorkReport()
    progress.begin(len(todo), sum(item.images for item in todo))
    try:
        runner = _Runner(todo, works, place, report, progress)
        runner.waves()
        # Once more what other processes were at: by now they may be done with it, or dead.
        runner.again()
        runner.waves()
    finally:
        progress.end()
    with writing(place.store):
        works.sweep()
    failed = {failure.spec.identity for failure in report.failures}
    report.left = [
        one
        for one in plan_works(todo, works)
        if one.state != "done" and one.item.spec.identity not in failed
    ]
    return report


class _Runner(Generic[Context]):
    """The state of one run."""

    def __init__(
        self,
        todo: Sequence[WorkItem[Context]],
        works: Works,
        place: Place[Context],
        report: WorkReport[Context],
        progress: WorkProgress,
    ) -> None:
        self._left = {item.spec.identity: item for item in todo}
        self._elsewhere: dict[str, WorkItem[Context]] = {}
        self._works = works
        self._place = place
        self._report = report
        self._progress = progress

    def waves(self) -> None:
        """Do whatever has all that it needs, until nothing more has."""
        while ready := [item for item in self._left.values() if self._ready(item)]:
            self._wave(ready)

    def again(self) -> None:
        """Take up what was left to other processes."""
        self._left |= self._elsewhere
        self._elsewhere = {}

    def _ready(self, item: WorkItem[Context]) -> bool:
        return all(self._works.has(need) for need in item.needs)

    def _wave(self, ready: Sequence[WorkItem[Context]]) -> None:
        place = self._place
        perform = _Perform(place.store, place.context)
        self._progress.working(ready[0].title)
        ended = place.backend.map(perform, ready, gpus=True, lost=_Lost(place.store))
        for number, (item, end) in enumerate(zip(ready, ended, strict=True), start=1):
            del self._left[item.spec.identity]
            if isinstance(end, WorkFailure):
                self._report.failures.append(end)
                self._progress.failed(end)
            elif end == "elsewhere":
                self._elsewhere[item.spec.identity] = item
            else:
                if end == "made":
                    self._report.made.append(item)
                self._progress.made(item.title, item.images)
            if number < len(ready):
                self._progress.working(ready[number].title)


_End = WorkFailure | Literal["made", "there", "elsewhere"]


@dataclass(frozen=True, slots=True)
class _Perform(Generic[Context]):
    """Does one piece of work and stores it, wherever it is called."""

    store: Path
    context: Context

    def __call__(self, item: WorkItem[Context]) -> _End:
        works = Works(self.store)
        with writing(self.store):
            claim = works.claim(item.spec)
        if claim is None:
            return "elsewhere"
        with claim:
            if works.has(item.spec):
                return "there"
            try:
                made = item.perform(claim, works, self.context)
            except Exception as error:  # one that fails must not stop the others
                failure = _failure(item, error)
                with writing(self.store):
                    works.put_failure(failure)
                return failure
            with writing(self.store):
                claim.finish(made.document, made.arrays)
        return "made"


@dataclass(frozen=True, slots=True)
class _Lost:
    """Records work whose process died again and again."""

    store: Path

    def __call__(self, item: WorkItem[Any], reason: str) -> _End:
        text = f"The process that did it died again and again: {reason}."
        failure = WorkFailure(item.spec, item.title, text, "Give each process more memory.")
        with writing(self.store):
            Works(self.store).put_failure(failure)
        return failure


def _failure(item: WorkItem[Any], error: Exception) -> WorkFailure:
    if isinstance(error, FreshsetError):
        return WorkFailure(item.spec, item.title, error.message, error.hint)
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    trace = "".join(traceback.format_exception(error))
    return WorkFailure(item.spec, item.title, text, "", trace)
