"""freshset: does a benchmark score survive a fresh test set, and does it transfer?

The public names below are loaded when they are first used, so ``import freshset`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from freshset.version import __version__

if TYPE_CHECKING:
    from freshset.core.config import CompareSettings
    from freshset.core.errors import FreshsetError
    from freshset.core.records import Cell, TestSet
    from freshset.engine.execute import run
    from freshset.engine.run import RunReport
    from freshset.engine.study import load_study
    from freshset.generalization.compare import compare
    from freshset.generalization.comparison import Comparison
    from freshset.generalization.issues import LintReport
    from freshset.generalization.lint import lint
    from freshset.generalization.pair import Pair, pair
    from freshset.reports.study import Study, study_from
    from freshset.reports.write import write_report
    from freshset.store.importers import ImportReport, import_results
    from freshset.store.parquet import ParquetStore

_WHERE = {
    "Cell": "core.records",
    "CompareSettings": "core.config",
    "Comparison": "generalization.comparison",
    "FreshsetError": "core.errors",
    "ImportReport": "store.importers",
    "LintReport": "generalization.issues",
    "Pair": "generalization.pair",
    "ParquetStore": "store.parquet",
    "RunReport": "engine.run",
    "Study": "reports.study",
    "TestSet": "core.records",
    "compare": "generalization.compare",
    "import_results": "store.importers",
    "lint": "generalization.lint",
    "load_study": "engine.study",
    "pair": "generalization.pair",
    "run": "engine.execute",
    "study_from": "reports.study",
    "write_report": "reports.write",
}

__all__ = [
    "Cell",
    "CompareSettings",
    "Comparison",
    "FreshsetError",
    "ImportReport",
    "LintReport",
    "Pair",
    "ParquetStore",
    "RunReport",
    "Study",
    "TestSet",
    "__version__",
    "compare",
    "import_results",
    "lint",
    "load_study",
    "pair",
    "run",
    "study_from",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'freshset' has no attribute {name!r}")
    return getattr(import_module(f"freshset.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
