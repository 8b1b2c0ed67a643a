from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import make_archive, snapshot

from freshset.core.errors import StoreError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore


def test_another_process_may_write_the_same_cell_meanwhile(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "store"
    first, second = ParquetStore(path, create=True), ParquetStore(path, create=True)
    import_results("imagenetv2", archive, tmp_path / "source")
    with first.batch() as one:
        _copy_into(one, tmp_path / "source")
        with second.batch() as two:
            _copy_into(two, tmp_path / "source")
        middle = snapshot(path / "cells")
    assert snapshot(path / "cells") == middle
    assert len(first.cells()) == 8
    assert first.damaged() == ()


def _copy_into(batch: object, source: Path) -> None:
    from freshset.store.base import Examples

    store = ParquetStore(source)
    for cell in store.cells():
        batch.put_testset(store.testset(cell.spec.testset))
        topk = store.predictions(cell.spec.testset, [cell.spec.model])[0][:, None]
        batch.put(Examples(cell.spec.model, cell.spec.testset, topk, cell.source))


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_a_killed_import_leaves_whole_cells_and_goes_on(tmp_path: Path, delay: float) -> None:
    archive = make_archive(tmp_path / "archive", n=2_000)
    code = (
        "import sys; from freshset.store.importers import import_results; print('go', flush=True);"
        "import_results('imagenetv2', sys.argv[1], sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(archive), str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    import_results("imagenetv2", archive, tmp_path / "store")
    import_results("imagenetv2", archive, tmp_path / "whole")
    store = ParquetStore(tmp_path / "store")
    assert store.damaged() == ()
    for part in ("cells", "testsets"):
        assert snapshot(store.path / part) == snapshot(tmp_path / "whole" / part)


def test_a_full_disk_ends_in_an_error_and_an_intact_store(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "store"
    import_results("imagenetv2", archive, path, testset=("imagenet/val",))
    before = snapshot(path)
    real = pq.write_table
    calls = []

    def write_table(table: object, where: object, **options: object) -> None:
        calls.append(where)
        real(table, where, **options)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", write_table)
    with pytest.raises(OSError, match="No space left"):
        import_results("imagenetv2", archive, path)
    assert snapshot(path) == before


def test_counts_need_their_test_set(tmp_path: Path) -> None:
    from freshset.core.records import Source
    from freshset.store.base import Counts

    store = ParquetStore(tmp_path / "store", create=True)
    with pytest.raises(StoreError, match="not in the store"), store.batch() as batch:
        batch.put(Counts("m", "x", 10, {"top1": 5}, Source("t")))
    assert not (tmp_path / "store").exists()


def test_a_test_set_that_another_process_stored_meanwhile(archive: Path, tmp_path: Path) -> None:
    import numpy as np

    from freshset.core.records import TestSet

    def items(order: list[str]) -> TestSet:
        return TestSet(
            "t",
            2,
            2,
            np.array(order, dtype=object),
            np.array([0, 1], dtype=np.int32),
            ids_given=True,
        )

    store = ParquetStore(tmp_path / "s", create=True)
    with pytest.raises(StoreError, match="other items"), store.batch() as late:
        late.put_testset(items(["b", "a"]))
        with store.batch() as early:
            early.put_testset(items(["a", "b"]))
    assert store.testset("t").ids.tolist() == ["a", "b"]


def test_a_test_set_never_loses_what_another_process_stored_meanwhile(tmp_path: Path) -> None:
    import numpy as np

    from freshset.core.records import TestSet

    ids = np.array(["a", "b"], dtype=object)
    labels = np.array([0, 1], dtype=np.int32)
    plain = TestSet("t", 2, 2, ids, labels)
    rich = TestSet("t", 2, 2, ids, labels, strata={"size": np.array([3, 4])})
    store = ParquetStore(tmp_path / "s", create=True)
    with store.batch() as late:
        late.put_testset(plain)
        with store.batch() as early:
            early.put_testset(rich)
    assert list(store.testset("t").strata) == ["size"]


def test_a_test_set_that_gains_something_is_there_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from freshset.core.records import TestSet

    ids = np.array(["a", "b"], dtype=object)
    labels = np.array([0, 1], dtype=np.int32)
    store = ParquetStore(tmp_path / "s", create=True)
    with store.batch() as batch:
        batch.put_testset(TestSet("t", 2, 2, ids, labels))
    real, seen = Path.replace, []

    def replace(path: Path, target: Path) -> Path:
        seen.append(store.testset("t").n)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with store.batch() as batch:
        batch.put_testset(TestSet("t", 2, 2, ids, labels, strata={"size": np.array([3, 4])}))
    assert set(seen) == {2}
    assert list(store.testset("t").strata) == ["size"]


def test_a_folder_that_cannot_be_made_changes_nothing(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    import_results("imagenetv2", archive, path, testset=("imagenet/val",))
    (path / "cells" / "imagenetv2%2Fmatched-frequency").write_text("in the way")
    before = snapshot(path)
    with pytest.raises(OSError, match="exists|ot a directory"):
        import_results("imagenetv2", archive, path)
    assert snapshot(path) == before
