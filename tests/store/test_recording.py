from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from freshset.core.errors import StoreError
from freshset.core.identity import CellSpec, RunSpec
from freshset.core.records import TestSet
from freshset.store import recording as module
from freshset.store.base import Partial
from freshset.store.parquet import ParquetStore
from freshset.store.recording import partial_folder

N = 50
IDS = np.array([f"i{k}" for k in range(N)], dtype=object)
ITEMS = TestSet(
    "mine/test", N, 3, item_ids=IDS, labels=(np.arange(N) % 3).astype(np.int32), ids_given=True
)
RUN = RunSpec("a/1", "a:m", "w", "p", "logits", "c", "fp32", "r", "")
SPEC = CellSpec("m", "mine/test", ITEMS.fingerprint, "", run=RUN)
SCORES = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float16)
TOPK = np.argsort(-SCORES, 1).astype(np.int32)


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    made = ParquetStore(tmp_path / "store", create=True)
    with made.batch() as batch:
        batch.put_testset(ITEMS)
    return made


def rows(start: int, stop: int) -> dict[str, Any]:
    return {"topk_id": TOPK[start:stop], "scores": SCORES[start:stop]}


def recorded(store: ParquetStore, *cuts: int) -> bytes:
    edges = [0, *cuts, N]
    recording = store.recording(SPEC, ITEMS)
    assert recording is not None
    for start, stop in itertools.pairwise(edges):
        assert recording.done == start
        recording.append(rows(start, stop), {"lib": "1"})
    cell = recording.finish()
    recording.close()
    return store.data_file(cell).read_bytes()


def test_a_cell_is_made_of_its_rows(store: ParquetStore) -> None:
    recorded(store, 20)
    (cell,) = store.cells()
    assert cell.runtime == {"lib": "1"}
    assert cell.spec == SPEC
    assert store.columns(cell)["topk_id"].tolist() == TOPK.tolist()
    np.testing.assert_array_equal(store.scores(cell), SCORES)
    assert store.matrix("mine/test", ["m"]).correct("top1").sum() == cell.correct["top1"]
    assert store.damaged() == ()
    assert not (store.path / "partial").exists() or not any((store.path / "partial").iterdir())


def test_the_bytes_do_not_depend_on_how_the_rows_came(
    store: ParquetStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROW_GROUP", 16)
    one = recorded(store, 7, 30, 31)
    other = ParquetStore(tmp_path / "other", create=True)
    with other.batch() as batch:
        batch.put_testset(ITEMS)
    assert recorded(other) == one
    (cell,) = store.cells()
    assert pq.ParquetFile(store.data_file(cell)).metadata.num_row_groups == 4


def test_rows_survive_until_the_cell_is_made(store: ParquetStore) -> None:
    first = store.recording(SPEC, ITEMS)
    assert first is not None
    first.append(rows(0, 20), {})
    assert store.recording(SPEC, ITEMS) is None
    first.close()
    store.sweep()
    second = store.recording(SPEC, ITEMS)
    assert second is not None
    assert second.done == 20
    second.append(rows(20, N), {})
    second.finish()
    second.close()
    store.sweep()
    assert not (store.path / "partial").exists()


def test_what_was_recorded_for_a_finished_cell_is_swept(store: ParquetStore) -> None:
    recorded(store)
    left = partial_folder(store.path, SPEC)
    left.mkdir(parents=True)
    (left / "rows-000000000000.npz").write_bytes(b"half")
    store.sweep()
    assert not (store.path / "partial").exists()


def test_cells_in_the_making_can_be_seen(store: ParquetStore) -> None:
    assert store.partials() == {}
    recording = store.recording(SPEC, ITEMS)
    assert recording is not None
    assert store.partials() == {SPEC.identity: Partial(0, live=True)}
    recording.append(rows(0, 20), {})
    recording.append(rows(20, 30), {})
    assert store.partials() == {SPEC.identity: Partial(30, live=True)}
    recording.close()
    assert store.partials() == {SPEC.identity: Partial(30, live=False)}
    recorded_at = sorted(p.name for p in (store.path / "partial").rglob("*"))
    store.partials()
    assert sorted(p.name for p in (store.path / "partial").rglob("*")) == recorded_at


def test_rows_that_do_not_fit_are_refused(store: ParquetStore) -> None:
    recording = store.recording(SPEC, ITEMS)
    assert recording is not None
    with pytest.raises(StoreError, match="0 rows of 50"):
        recording.finish()
    with pytest.raises(StoreError, match="do not fit"):
        recording.append({"topk_id": TOPK[:3], "scores": SCORES[:2]}, {})
    recording.append(rows(0, 40), {})
    with pytest.raises(StoreError, match="do not fit"):
        recording.append(rows(0, 20), {})
    recording.close()


def test_a_gap_between_files_is_named(store: ParquetStore) -> None:
    recording = store.recording(SPEC, ITEMS)
    assert recording is not None
    for start in (0, 10, 20):
        recording.append(rows(start, start + 10), {})
    recording.close()
    (partial_folder(store.path, SPEC) / "rows-000000000010.npz").unlink()
    with pytest.raises(StoreError, match="rows 10 to there are missing"):
        store.recording(SPEC, ITEMS)
    # The lock of a recording that could not be taken up is free again.
    (partial_folder(store.path, SPEC) / "rows-000000000020.npz").unlink()
    again = store.recording(SPEC, ITEMS)
    assert again is not None
    assert again.done == 10
    again.close()


def test_a_damaged_scores_file_is_found(store: ParquetStore) -> None:
    recorded(store)
    (cell,) = store.cells()
    path = store.data_file(cell).parent / "scores.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    (found,) = store.damaged()
    assert "scores.npy" in found


def test_half_a_file_of_rows_is_removed(store: ParquetStore) -> None:
    recording = store.recording(SPEC, ITEMS)
    assert recording is not None
    recording.append(rows(0, 20), {"lib": "1"})
    recording.close()
    # As a process leaves it that is killed while it writes.
    left = partial_folder(store.path, SPEC) / ".rows-000000000020.npz.x1y2"
    left.write_bytes(b"PK")
    again = store.recording(SPEC, ITEMS)
    assert again is not None
    assert (again.done, left.exists()) == (20, False)
    again.close()
