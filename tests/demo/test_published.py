from __future__ import annotations

from pathlib import Path

from freshset.demo import published
from freshset.store.parquet import ParquetStore


def test_studies_load_and_say_that_they_are_published(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "s", create=True)
    for study in published.STUDIES:
        published.load(study, store)
        published.load(study, store)
        assert study.note.startswith("Published study")
        assert store.cells(study.old)
        assert store.cells(study.new)
