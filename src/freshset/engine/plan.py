"""The plan: what is wanted, less what is stored."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from freshset.core.errors import FreshsetError, UsageError
from freshset.core.files import sha256_bytes
from freshset.core.identifiers import slug
from freshset.core.identity import RunSpec, model_part, run_identity, testset_part
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.registry import open_testset
from freshset.engine.limited import limited
from freshset.engine.pairing import (
    UnsuitableError,
    class_mapping,
    mapping_text,
    run_of,
    suitable,
    unsuitable,
)
from freshset.engine.wanted import Wanted
from freshset.models.base import ModelInfo
from freshset.models.registry import describe
from freshset.store.base import Failure, Store

State = Literal["done", "missing", "stale", "failed", "skipped", "imported"]


class PlannedCell(NamedTuple):
    """One model on one test set, as planned.

    Attributes
    ----------
    state
        ``done``: stored.  ``missing``: to be run.  ``stale``: stored, but made from other inputs.
        ``failed``: cannot be run, such as a model that does not exist.  ``skipped``: model and test
        set do not belong together.  ``imported``: results of this name came from a file.
    identity
        Of the cell; empty where it cannot be known.
    """

    model: str
    testset: str
    state: State
    identity: str = ""

    @property
    def to_run(self) -> bool:
        """Whether the store lacks it."""
        return self.state in {"missing", "stale"}

    def in_shard(self, shard: tuple[int, int]) -> bool:
        """Whether a shard has the cell; the same answer everywhere, whatever else is planned."""
        part, parts = shard
        number = int(sha256_bytes(f"{self.model}\0{self.testset}".encode())[:12], 16)
        return parts == 1 or number % parts == part - 1


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells that are wanted, test set by test set.

    Attributes
    ----------
    wanted
        What the plan is for.
    infos, readers
        By model name, and by test-set id (of the whole test set, as the study names it).
    failures
        Why cells cannot be run, by model and test set.
    errors
        Of models that cannot be described, by name.
    """

    wanted: Wanted
    cells: tuple[PlannedCell, ...]
    infos: Mapping[str, ModelInfo]
    readers: Mapping[str, Reader]
    failures: Mapping[tuple[str, str], Failure]
    errors: Mapping[str, Exception] = field(default_factory=dict)

    def count(self) -> dict[str, int]:
        """Cells by state."""
        return dict(Counter(cell.state for cell in self.cells))

    def to_run(self, *, again: bool = False) -> list[PlannedCell]:
        """Return the cells to run in the wanted shard; with ``again`` also those that are done."""
        shard = self.wanted.settings.shard
        return [
            cell
            for cell in self.cells
            if (cell.to_run or (again and cell.state == "done")) and cell.in_shard(shard)
        ]

    @property
    def downloads(self) -> dict[str, int]:
        """Bytes still to fetch by model name; -1 where the size is not known."""
        wanted = {cell.model for cell in self.cells if cell.to_run}
        return {n: info.download for n, info in self.infos.items() if n in wanted and info.download}


def make_plan(wanted: Wanted, store: Store) -> Plan:
    """Compare what is wanted with what is stored.

    Raises
    ------
    UsageError, DataError
        When test sets cannot be opened; one message for all of them.
    """
    readers, closed = open_testsets(wanted)
    if closed:
        raise _all_of(list(closed.values()))
    infos, errors = describe_models(wanted)
    return plan_cells(wanted, infos, errors, readers, store)


def open_testsets(wanted: Wanted) -> tuple[dict[str, Reader], dict[str, FreshsetError]]:
    """Open all test sets, cut to the limit; returns also why those that cannot be are not."""
    readers: dict[str, Reader] = {}
    errors: dict[str, FreshsetError] = {}
    for ref in wanted.testsets:
        try:
            readers[ref.id] = limited(open_testset(ref), wanted.settings.limit)
        except FreshsetError as error:
            errors[ref.id] = error
    return readers, errors


def describe_models(wanted: Wanted) -> tuple[dict[str, ModelInfo], dict[str, Exception]]:
    """Describe all models; returns also why those that cannot be are not."""
    infos: dict[str, ModelInfo] = {}
    errors: dict[str, Exception] = {}
    for model in wanted.models:
        try:
            infos[model.title] = describe(model.ref, wanted.runtime)
        except Exception as error:  # one model that cannot be described must not stop the others
            errors[model.title] = error
    return infos, errors


def _all_of(errors: list[FreshsetError]) -> FreshsetError:
    """Return several errors as one."""
    if len(errors) == 1:
        return errors[0]
    lines = "".join(f"\n  - {error}" for error in errors)
    return UsageError(f"{len(errors)} test sets cannot be opened:{lines}")


def plan_cells(
    wanted: Wanted,
    infos: Mapping[str, ModelInfo],
    errors: Mapping[str, Exception],
    readers: Mapping[str, Reader],
    store: Store,
) -> Plan:
    """Plan models that are described and test sets that are open; see `make_plan`."""
    stored = store.stored()
    runs = {name: run_of(info, wanted.settings.precision) for name, info in infos.items()}
    models = [_Model(m.title, infos.get(m.title), runs.get(m.title)) for m in wanted.models]
    cells: list[PlannedCell] = []
    failures: dict[tuple[str, str], Failure] = {}
    for ref in wanted.testsets:
        reader = readers[ref.id]
        name = reader.testset.id
        folder = slug(name)
        part = testset_part(name, reader.testset.fingerprint, reader.reading)
        fits = _Fits(reader, ref)
        for model in models:
            try:
                identity = run_identity(model.part, part, fits.mapping(model, errors))
            except UnsuitableError:
                cells.append(PlannedCell(model.title, name, "skipped"))
            except Exception as error:  # whatever an adapter or a mapping raises is the cell's
                cells.append(PlannedCell(model.title, name, "failed"))
                failures[model.title, name] = failure_of(model.title, name, "load", error)
            else:
                found = stored.get((folder, model.slug), ())
                state: State = "done" if identity[:12] in found else "missing"
                if found and state == "missing":
                    state = _other_version(store, model.title, name)
                cells.append(PlannedCell(model.title, name, state, identity))
    return Plan(wanted, tuple(cells), infos, readers, failures, errors)


def failure_of(model: str, testset: str, stage: str, error: Exception) -> Failure:
    """Describe an error; a traceback is kept for those that were not raised on purpose."""
    if isinstance(error, FreshsetError):
        return Failure(model, testset, "", stage, error.message, error.hint)
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return Failure(model, testset, "", stage, text, "", "".join(traceback.format_exception(error)))


class _Model:
    """What planning needs of a model on every test set, made once."""

    __slots__ = ("info", "key", "part", "slug", "title")

    def __init__(self, title: str, info: ModelInfo | None, run: RunSpec | None) -> None:
        self.title = title
        self.slug = slug(title)
        self.info = info
        self.part = "" if run is None else model_part(title, run)
        # What decides whether it fits a test set, and how.
        self.key = ("", "", 0, "")
        if info is not None and run is not None:
            self.key = (info.task, info.input, info.n_outputs, run.classes)


class _Fits:
    """Mappings between models and one test set, found once for all models of one class space."""

    def __init__(self, reader: Reader, ref: TestSetRef) -> None:
        self._reader = reader
        self._ref = ref
        self._known: dict[tuple[str, str, int, str], str] = {}

    def mapping(self, model: _Model, errors: Mapping[str, Exception]) -> str:
        """Text of the mapping, as an identity has it; raises what `pair` raises."""
        known = self._known.get(model.key)
        if known is not None:
            return known
        info = model.info
        if info is None:
            raise errors[model.title]
        if not suitable(info, self._reader):
            raise unsuitable(model.title, info, self._reader)
        mapping = class_mapping(model.title, info, self._reader, self._ref)
        return self._known.setdefault(model.key, mapping_text(mapping))


def _other_version(store: Store, model: str, testset: str) -> State:
    """Say whether what is stored under other inputs came from an earlier run or from a file."""
    cells = store.cells(testset, model)
    return "stale" if cells and cells[0].spec.run is not None else "imported"
