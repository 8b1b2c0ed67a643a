"""The one list of import formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from freshset.core.errors import UsageError, did_you_mean
from freshset.store.base import Store
from freshset.store.importers.report import ImportReport
from freshset.store.parquet import opened

# Format name -> module with a function ``read(path, store, **options)``.
FORMATS = {
    "imagenetv2": "freshset.store.importers.imagenetv2",
    "cifar10.1": "freshset.store.importers.cifar10_1",
    "predictions": "freshset.store.importers.arrays",
    "timm": "freshset.store.importers.timm_results",
    "table": "freshset.store.importers.tables",
}


def import_results(
    format: str,
    path: Path | str | Sequence[Path] | Mapping[str, Path],
    store: Store | Path | str,
    **options: Any,
) -> ImportReport:
    """Import foreign predictions or results into a store.

    Parameters
    ----------
    format
        A key of `FORMATS`.
    path
        The archive's folder, or the file; for ``predictions`` also several files, or files by the
        name of their model.
    store
        A store, or the folder of one, made when it does not exist.
    options
        Those of the format; see the reference of ``freshset import``.

    Raises
    ------
    UsageError
        For an unknown format.
    DataError, StoreError
        When anything does not fit; the store is then as it was.
    """
    if format not in FORMATS:
        raise UsageError(f"No import format {format!r}.", did_you_mean(format, FORMATS))
    source = Path(path) if isinstance(path, str) else path
    read: Callable[..., ImportReport] = import_module(FORMATS[format]).read
    return read(source, opened(store, create=True), **options)
