from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import snapshot

from freshset.core.errors import DataError, StoreError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore, make_store


@pytest.fixture
def store(archive: Path, tmp_path: Path) -> ParquetStore:
    import_results("imagenetv2", archive, tmp_path / "store")
    return ParquetStore(tmp_path / "store")


def a_file(store: ParquetStore, name: str = "predictions.parquet") -> Path:
    return next(iter(sorted(store.path.glob(f"cells/*/*/*/{name}"))))


def test_files_describe_themselves(store: ParquetStore) -> None:
    path = a_file(store)
    table = pq.read_table(path)
    assert table.column_names == ["item_id", "label", "pred", "correct", "label_rank", "topk_id"]
    spec = json.loads(table.schema.metadata[b"freshset"])["spec"]
    assert spec["model"] == "m0"
    assert table.column("topk_id").to_pylist()[0][0] == table.column("pred").to_pylist()[0]


def test_two_imports_give_the_same_bytes(
    store: ParquetStore, archive: Path, tmp_path: Path
) -> None:
    import_results("imagenetv2", archive, tmp_path / "other")
    assert snapshot(tmp_path / "other") == snapshot(store.path)


def test_no_staging_is_left(store: ParquetStore) -> None:
    assert sorted(p.name for p in store.path.iterdir()) == ["cells", "store.json", "testsets"]


def test_without_its_marker_a_cell_is_not_done(store: ParquetStore) -> None:
    before = len(store.cells())
    a_file(store, "cell.json").unlink()
    assert len(store.cells()) == before - 1


def test_truncated_parquet(store: ParquetStore) -> None:
    path = a_file(store)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"predictions\.parquet: not a readable Parquet file"):
        store.matrix("imagenet/val", ["m0"])
    assert "its bytes are not those" in store.damaged()[0]
    path.unlink()
    with pytest.raises(StoreError, match="missing"):
        store.matrix("imagenet/val", ["m0"])
    assert "missing, although" in store.damaged()[0]


@pytest.mark.parametrize("name", ["store.json", "testset.json", "cell.json"])
def test_written_by_a_newer_version(store: ParquetStore, name: str) -> None:
    path = next(store.path.rglob(name))
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"schema": data["schema"].replace("/1", "/2")}))
    with pytest.raises(StoreError, match="newer version of freshset"):
        ParquetStore(store.path).testset("imagenet/val").check("")
        store.cells()
        [store.testset(name) for name in store.testsets()]


def test_edited_cells_are_noticed(store: ParquetStore) -> None:
    path = a_file(store, "cell.json")
    path.write_text(path.read_text().replace('"m0"', '"m9"'))
    with pytest.raises(StoreError, match="does not match its folder"):
        store.cells()
    path.write_text('{"schema": "freshset.cell/1"}')
    with pytest.raises(StoreError, match="not a cell"):
        store.cells()


def test_items_that_were_changed_are_noticed(store: ParquetStore) -> None:
    one, two = sorted(store.path.glob("testsets/*/items.parquet"))
    shutil.copy(two, one)
    with pytest.raises(StoreError, match=r"does not match its testset\.json"):
        [store.testset(name) for name in store.testsets()]


def test_two_cells_of_one_pair_are_a_conflict(store: ParquetStore, tmp_path: Path) -> None:
    cell = a_file(store, "cell.json")
    data = json.loads(cell.read_text())
    data["spec"]["content"] = "0" * 64
    from freshset.core.records import Cell

    other = Cell.from_dict(data)
    folder = cell.parent.parent / other.spec.identity[:12]
    shutil.copytree(cell.parent, folder)
    (folder / "cell.json").write_text(json.dumps(other.to_dict()))
    with pytest.raises(StoreError, match="Two cells of 'm0'"):
        store.cells()


def test_folders_that_are_no_stores(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such store"):
        ParquetStore(tmp_path / "missing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is a file"):
        ParquetStore(tmp_path / "file", create=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match="neither empty nor a store"):
        ParquetStore(tmp_path / "full", create=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "store.json").write_text('{"schema": "freshset.cell/1"}')
    with pytest.raises(StoreError, match="not a store"):
        ParquetStore(tmp_path / "other")


def test_a_failed_first_import_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    next(archive.rglob("m3*.npy")).write_bytes(b"not an array")
    with pytest.raises(DataError):
        import_results("imagenetv2", archive, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_totals_that_do_not_match_the_predictions(store: ParquetStore) -> None:
    cell = a_file(store, "cell.json")
    data = json.loads(cell.read_text())
    data["correct"]["top1"] = 3.0
    cell.write_text(json.dumps(data))
    with pytest.raises(StoreError, match="right where its cell.json says 3"):
        store.matrix("imagenet/val", ["m0"])


@pytest.mark.parametrize("correct", [{}, {"top1": None}, {"top1": "many"}, None])
def test_cells_without_totals(store: ParquetStore, correct: object) -> None:
    cell = a_file(store, "cell.json")
    cell.write_text(json.dumps(json.loads(cell.read_text()) | {"correct": correct}))
    with pytest.raises(StoreError, match="not a cell"):
        store.cells()


@pytest.mark.parametrize("field", ["id", "n_classes", "fingerprint"])
def test_test_sets_without_a_field(store: ParquetStore, field: str) -> None:
    for path in store.path.glob("testsets/*/testset.json"):
        data = json.loads(path.read_text())
        del data[field]
        path.write_text(json.dumps(data))
    with pytest.raises(StoreError, match=f"no field '{field}'"):
        store.testset("imagenet/val")


def test_a_cell_in_the_wrong_folder(store: ParquetStore) -> None:
    folder = a_file(store).parent
    shutil.copytree(folder, folder.parent.parent / "copy" / folder.name)
    with pytest.raises(StoreError, match="does not match its folder"):
        store.cells()


def test_a_folder_becomes_a_store_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        ParquetStore(tmp_path / "new")
    make_store(tmp_path / "new")
    assert ParquetStore(tmp_path / "new").testsets() == ()
    before = snapshot(tmp_path / "new")
    make_store(tmp_path / "new")
    assert snapshot(tmp_path / "new") == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError):
        make_store(tmp_path / "other")
