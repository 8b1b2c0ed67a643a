"""A store of which only some cells count."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from freshset.core.records import Cell
from freshset.store.parquet import ParquetStore


class SelectedStore(ParquetStore):
    """Shows those cells of a store that have one of some identities.

    A store may hold more than one study, and results whose inputs have changed since; neither
    belongs into a study's report.
    """

    def __init__(self, path: Path | str, identities: Collection[str]) -> None:
        super().__init__(path, create=True)
        self._identities = frozenset(identities)

    def cells(self, testset: str | None = None, model: str | None = None) -> tuple[Cell, ...]:
        """As of the whole store, less what was not selected."""
        found = super().cells(testset, model)
        return tuple(cell for cell in found if cell.spec.identity in self._identities)
