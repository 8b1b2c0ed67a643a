from __future__ import annotations

from pathlib import Path

from freshset.store.base import Failure
from freshset.store.failures import remove_failure
from freshset.store.parquet import ParquetStore

FAILURE = Failure("timm:a/b", "mine/test", "i" * 64, "load", "No such file.", "Look.", "Trace\n")


def test_failures_come_back_and_the_last_one_counts(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "store", create=True)
    store.put_failure(FAILURE)
    # A run whose first cell fails has made a store all the same.
    store = ParquetStore(tmp_path / "store")
    later = Failure("timm:a/b", "mine/test", "j" * 64, "predict", "Broke.")
    store.put_failure(later)
    other = Failure("x", "mine/test", "", "load", "Broke.")
    store.put_failure(other)
    assert store.failures() == (later, other)
    remove_failure(store.path, "mine/test", "timm:a/b")
    assert store.failures() == (other,)
    remove_failure(store.path, "mine/test", "x")
    remove_failure(store.path, "mine/test", "x")
    assert not (store.path / "failures").exists()
