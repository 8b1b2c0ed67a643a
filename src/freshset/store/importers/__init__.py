"""Importers of foreign results, each reached by its format name and imported when asked for."""

from __future__ import annotations

from freshset.store.importers.formats import FORMATS, import_results
from freshset.store.importers.report import ImportReport

__all__ = ["FORMATS", "ImportReport", "import_results"]
