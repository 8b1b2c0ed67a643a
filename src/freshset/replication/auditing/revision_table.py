"""Accuracy by revision: how the building of a test set moved its own headline number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from freshset.core.errors import StoreError, UsageError, did_you_mean
from freshset.core.identifiers import canonical_testset
from freshset.core.records import Cell
from freshset.stats.intervals import clopper_pearson
from freshset.stats.types import Estimate
from freshset.store.base import Store

SCHEMA = "freshset.revision-table/1"


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One model on one revision.

    Attributes
    ----------
    top1, top5
        Percent, with the exact interval; ``top5`` is ``None`` where it is not known.
    """

    revision: str
    model: str
    n: int
    top1: Estimate
    top5: Estimate | None


@dataclass(frozen=True, slots=True)
class RevisionMean:
    """Mean over the models that all revisions have, in percent; ``change`` since the first one."""

    revision: str
    n: int
    top1: float
    change: float


@dataclass(frozen=True, slots=True)
class RevisionTable:
    """Accuracy of every model on every revision.

    Attributes
    ----------
    revisions
        In the order asked for.
    common
        Models that all revisions have, over which the means are.
    means
        One a revision; empty when no model is on all of them.
    """

    revisions: tuple[str, ...]
    common: tuple[str, ...]
    rows: tuple[RevisionRow, ...]
    means: tuple[RevisionMean, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "schema": SCHEMA,
            "unit": "percent",
            "revisions": list(self.revisions),
            "common": list(self.common),
            "rows": [asdict(row) for row in self.rows],
            "means": [asdict(mean) for mean in self.means],
        }


def revision_table(
    store: Store, revisions: Sequence[str], *, models: Sequence[str] = (), level: float = 0.95
) -> RevisionTable:
    """Tabulate accuracy by revision.

    Parameters
    ----------
    store
        Where the predictions are.
    revisions
        Test-set ids or patterns (``imagenetv2/b-*``), first to last; what one pattern matches is
        put in order of the numbers in its names.
    models
        Names or patterns; all by default.

    Raises
    ------
    UsageError
        When a name or pattern matches nothing.
    StoreError
        When a revision has no results.
    """
    names = _matching(revisions, store.testsets())
    cells = {name: _cells(store, name, models) for name in names}
    rows = [_row(cell, level) for name in names for cell in cells[name]]
    by_set = [{cell.spec.model for cell in cells[name]} for name in names]
    common = sorted(set.intersection(*by_set))
    means: list[RevisionMean] = []
    for name in names if common else ():
        own = [row for row in rows if row.revision == name and row.model in common]
        mean = sum(row.top1.value for row in own) / len(own)
        change = mean - means[0].top1 if means else 0.0
        means.append(RevisionMean(name, own[0].n, mean, change))
    return RevisionTable(names, tuple(common), tuple(rows), tuple(means))


def _matching(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for pattern in wanted:
        if any(letter in pattern for letter in "*?["):
            hits = sorted((name for name in known if fnmatchcase(name, pattern)), key=_natural)
        else:
            hits = [name for name in [canonical_testset(pattern)] if name in known]
        if not hits:
            raise UsageError(f"No test set {pattern!r} in the store.", did_you_mean(pattern, known))
        names |= dict.fromkeys(hits)
    return tuple(names)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key in which b-2 comes before b-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _cells(store: Store, name: str, models: Sequence[str]) -> list[Cell]:
    cells = [cell for cell in store.cells(name) if "top1" in cell.correct]
    if not cells:
        raise StoreError(f"{store.location}: no classification results on {name!r}.")
    if not models:
        return cells
    kept = [c for c in cells if any(fnmatchcase(c.spec.model, pattern) for pattern in models)]
    if not kept:
        raise UsageError(
            f"No model on {name!r} matches {', '.join(models)}.",
            did_you_mean(models[0], [cell.spec.model for cell in cells]),
        )
    return kept


def _row(cell: Cell, level: float) -> RevisionRow:
    top5 = _percent(cell, "top5", level) if "top5" in cell.correct else None
    return RevisionRow(
        cell.spec.testset, cell.spec.model, cell.n, _percent(cell, "top1", level), top5
    )


def _percent(cell: Cell, metric: str, level: float) -> Estimate:
    right = cell.correct[metric]
    interval = clopper_pearson(right, cell.n, level=level)
    return Estimate(100 * right / cell.n, 100 * float(interval.low), 100 * float(interval.high))
