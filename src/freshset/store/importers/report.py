"""What an import did, said in full: nothing is renamed, repaired or skipped silently."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from freshset.store.base import Batch, Counts, Examples


@dataclass(slots=True)
class ImportReport:
    """Outcome of one import.

    Attributes
    ----------
    testsets
        Ids of the test sets that were read.
    written, unchanged
        Cells stored, and cells that were there already, as ``model on testset``.
    aliases
        Names in the source that stand for another model name, as ``folder/name -> model``.
    repaired
        Cells whose predictions were reordered, as ``model on testset``.
    warnings
        Whatever else the user should know.
    """

    testsets: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def put(self, batch: Batch, cell: Examples | Counts) -> None:
        """Store a cell and note what became of it."""
        name = f"{cell.model} on {cell.testset}"
        (self.unchanged if batch.put(cell) is None else self.written).append(name)
        if isinstance(cell, Examples) and cell.repair != "none":
            self.repaired.append(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, schema ``freshset.import/1``."""
        names = ("testsets", "written", "unchanged", "aliases", "repaired", "warnings")
        return {"schema": "freshset.import/1"} | {name: getattr(self, name) for name in names}
