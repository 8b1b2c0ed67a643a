"""How a study stands: every cell's state, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from freshset.core.identifiers import is_limited, unlimited_id
from freshset.engine.plan import Plan, plan_cells
from freshset.engine.stale import Reasons
from freshset.store.base import Failure, Store

State = Literal[
    "done", "missing", "stale", "failed", "partial", "elsewhere", "limited", "skipped", "imported"
]

STATES: dict[State, str] = {
    "done": "stored",
    "missing": "not run yet",
    "stale": "stored, but made from other inputs",
    "failed": "could not be made",
    "partial": "rows are recorded; running again goes on from there",
    "elsewhere": "another process is making it",
    "limited": "only a trial of the first items is stored",
    "skipped": "model and test set do not belong together",
    "imported": "results of this name came from a file",
}


class CellStatus(NamedTuple):
    """One model on one test set.

    Attributes
    ----------
    rows
        Rows recorded of a cell that is not finished, or items of a trial.
    identity
        Of the wanted cell; empty where it cannot be known.
    """

    model: str
    testset: str
    state: State
    rows: int = 0
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Every cell of a study.

    Attributes
    ----------
    sizes
        Items by test set.
    failures
        Of the cells that failed, by model and test set.
    """

    plan: Plan
    cells: tuple[CellStatus, ...]
    sizes: Mapping[str, int]
    failures: Mapping[tuple[str, str], Failure]
    _reasons: Reasons

    def count(self) -> dict[str, int]:
        """Cells by state, in the order of `STATES`; those of no cell are left out."""
        counts = Counter(cell.state for cell in self.cells)
        return {state: counts[state] for state in STATES if counts[state]}

    def reason(self, cell: CellStatus) -> str:
        """Why a cell is not done, one sentence; reads the stored cell of a stale one."""
        if cell.state == "stale":
            return self._reasons.stale(cell.model, cell.testset)
        if cell.state == "failed":
            failure = self.failures[cell.model, cell.testset]
            rows = f" ({cell.rows:,} rows are recorded)" if cell.rows else ""
            return f"{failure.stage}: {failure.error}{rows}"
        if cell.state == "limited":
            return f"only the first {cell.rows:,} items were run (--limit)"
        if cell.state in {"partial", "elsewhere"}:
            rows = f"{cell.rows:,} of {self.sizes[cell.testset]:,} rows"
            return f"{rows}; {STATES[cell.state]}"
        return "" if cell.state == "done" else STATES[cell.state]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, without schema."""
        return {
            "testsets": [{"id": id, "n": n} for id, n in self.sizes.items()],
            "count": self.count(),
            "cells": [self._cell(cell) for cell in self.cells],
        }

    def _cell(self, cell: CellStatus) -> dict[str, Any]:
        out: dict[str, Any] = {"model": cell.model, "testset": cell.testset, "state": cell.state}
        if cell.state != "done":
            out["reason"] = self.reason(cell)
        if cell.rows:
            out["rows"] = cell.rows
        if cell.identity:
            out["identity"] = cell.identity
        failure = self.failures.get((cell.model, cell.testset))
        if failure is not None:
            out["failure"] = {
                name: getattr(failure, name) for name in ("stage", "error", "hint", "traceback")
            }
        return out


def status_of(plan: Plan, store: Store) -> Status:
    """Say how the cells of a plan stand; changes nothing."""
    partials = store.partials()
    stored = {(f.model, f.testset): f for f in store.failures()}
    trials = _trials(store)
    cells: list[CellStatus] = []
    failures: dict[tuple[str, str], Failure] = {}
    for model, testset, planned, identity in plan.cells:
        state: State = planned
        rows = 0
        key = model, testset
        if planned == "failed":
            failures[key] = plan.failures[key]
        elif planned in {"missing", "stale"}:
            partial = partials.get(identity)
            failure = _same(stored.get(key), identity)
            rows = 0 if partial is None else partial.rows
            if partial is not None and partial.live:
                state = "elsewhere"
            elif failure is not None:
                state, failures[key] = "failed", failure
            elif planned == "missing" and rows:
                state = "partial"
            elif planned == "missing" and key in trials:
                state, rows = "limited", trials[key]
        cells.append(CellStatus(model, testset, state, rows, identity))
    sizes = {reader.testset.id: reader.testset.n for reader in plan.readers.values()}
    return Status(plan, tuple(cells), sizes, failures, Reasons(plan, store))


def replanned(plan: Plan, store: Store) -> Plan:
    """Compare the same models and test sets with what is stored now."""
    return plan_cells(plan.wanted, plan.infos, plan.errors, plan.readers, store)


def _same(failure: Failure | None, identity: str) -> Failure | None:
    """Return a failure unless it was that of a cell with other inputs."""
    if failure is None or (failure.identity and failure.identity != identity):
        return None
    return failure


def _trials(store: Store) -> dict[tuple[str, str], int]:
    """Most items of trial runs by model and (whole) test set."""
    out: dict[tuple[str, str], int] = {}
    for testset in store.testsets():
        if is_limited(testset):
            whole = unlimited_id(testset)
            for cell in store.cells(testset):
                key = cell.spec.model, whole
                out[key] = max(cell.n, out.get(key, 0))
    return out
