from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pytest
from fakes.image_samples import CLASSES, LABELS, N, encoded, make_hf_datasets, picture, ref

from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import TestSetRef
from freshset.datasets.huggingface import ADAPTER
from freshset.datasets.images import decode

JPEG = encoded(picture(0))
IMAGE = {"bytes": JPEG, "path": None}


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def saved(folder: Path, columns: dict[str, list[object]], **options: object) -> TestSetRef:
    known = {"image": datasets.Image(), "other": datasets.Image()}
    names = datasets.ClassLabel(names=["dog", "cat"])
    kinds = {
        name: known.get(name)
        or (names if name == "label" else datasets.Value("string" if name != "n" else "int64"))
        for name in columns
    }
    data = datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))
    data.save_to_disk(str(folder / "saved"))
    return ref("hf-datasets", folder / "saved", **options)


def test_class_names_are_the_class_space(tmp_path: Path) -> None:
    reader = ADAPTER.open(make_hf_datasets(tmp_path))
    assert reader.classes is not None
    assert reader.classes.keys == CLASSES
    assert reader.testset.known_labels.tolist() == LABELS
    assert reader.testset.ids.tolist() == [f"img_{row:02}.jpg" for row in range(N)]


def test_declared_classes_are_told_by_name(tmp_path: Path) -> None:
    given = saved(tmp_path, {"image": [IMAGE] * 2, "label": [0, 1]})
    reader = ADAPTER.open(replace(given, options={"classes": ["cat", "dog", "horse"]}))
    assert reader.testset.known_labels.tolist() == [1, 0]
    assert reader.testset.n_classes == 3
    with pytest.raises(DataError, match="2 classes in the data, 3 in 'classes'"):
        ADAPTER.open(replace(given, options={"classes": ["Katze", "Hund", "Pferd"]}))


def test_labels_that_are_missing_are_refused(tmp_path: Path) -> None:
    """Test splits on the hub often have the label -1."""
    with pytest.raises(DataError, match="label: row 1: the label -1 is outside"):
        ADAPTER.open(saved(tmp_path, {"image": [IMAGE] * 2, "label": [0, -1]}))


def test_columns_are_found_by_type_name_or_option(tmp_path: Path) -> None:
    columns = {"image": [IMAGE] * 2, "other": [IMAGE] * 2, "n": [0, 1], "gold": ["a", "b"]}
    given = saved(tmp_path, columns)
    with pytest.raises(UsageError, match="which column holds the labels") as caught:
        ADAPTER.open(given)
    assert "labels: COLUMN" in caught.value.hint
    given = replace(given, options={"labels": "gold", "strata": "n", "ids": "gold"})
    reader = ADAPTER.open(given)
    assert reader.testset.known_labels.tolist() == [0, 1]
    assert reader.testset.ids.tolist() == ["a", "b"]
    assert reader.testset.strata["n"].tolist() == [0, 1]
    with pytest.raises(UsageError, match="has no column 'goldd'"):
        ADAPTER.open(replace(given, options={"labels": "goldd"}))
    with pytest.raises(UsageError, match="no column 'm'"):
        ADAPTER.open(replace(given, options={"labels": "gold", "strata": "m"}))


@pytest.mark.parametrize("kind", ["struct", "reversed", "binary"])
def test_bytes_that_nobody_called_images(kind: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [encoded(picture(row)) for row in range(2)]
    columns = {
        "struct": [{"bytes": data, "path": f"{row}.jpg"} for row, data in enumerate(rows)],
        "reversed": [{"path": f"{row}.jpg", "bytes": data} for row, data in enumerate(rows)],
        "binary": rows,
    }
    pq.write_table(pa.table({"image": columns[kind], "label": [0, 1]}), tmp_path / "x.parquet")
    reader = ADAPTER.open(ref("hf-datasets", tmp_path / "x.parquet"))
    assert reader.testset.ids.tolist() == (["0", "1"] if kind == "binary" else ["0.jpg", "1.jpg"])
    for row, data in enumerate(rows):
        assert np.array_equal(np.asarray(reader.read(row)), np.asarray(decode(data, "x")))


def test_items_without_names_have_row_numbers(tmp_path: Path) -> None:
    testset = ADAPTER.open(saved(tmp_path, {"image": [IMAGE] * 2, "label": [0, 1]})).testset
    assert testset.ids.tolist() == ["0", "1"]
    assert not testset.ids_given


def test_an_image_folder_has_paths_that_name_no_machine(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        (tmp_path / "pictures" / name / "a.jpg").write_bytes(JPEG)
    reader = ADAPTER.open(ref("hf-datasets", tmp_path / "pictures"))
    assert sorted(reader.testset.ids.tolist()) == ["cat/a.jpg", "dog/a.jpg"]
    assert reader.testset.ids_given
    assert reader.read(0).size == (80, 64)
    content = ADAPTER.open(ref("hf-datasets", tmp_path / "pictures", content=True))
    assert "bytes=content:" in content.reading


def test_images_outside_of_the_folder_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(JPEG)
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    data = datasets.Dataset.from_dict({"image": [str(outside)], "label": [0]}, features=kinds)
    (tmp_path / "d").mkdir()
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in (str(outside), "../outside.jpg"):
        images = [{"bytes": None, "path": path}]
        table = pa.table({"image": images, "label": [0]}).cast(data.data.schema)
        table = table.replace_schema_metadata(data.data.schema.metadata)
        pq.write_table(table, tmp_path / "d" / "y.parquet")
        with pytest.raises(DataError, match=r"row 0: .* lies outside"):
            ADAPTER.open(ref("hf-datasets", tmp_path / "d" / "y.parquet"))


def test_an_image_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1: an image without bytes or path"):
        ADAPTER.open(saved(tmp_path, {"image": [IMAGE, None], "label": [0, 1]}))


def test_images_are_decoded_by_our_rules(tmp_path: Path) -> None:
    from PIL import Image

    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    deep = {"bytes": encoded(Image.fromarray(ramp), "PNG"), "path": None}
    cut = {"bytes": JPEG[:300], "path": None}
    reader = ADAPTER.open(saved(tmp_path, {"image": [deep, cut], "label": [0, 1]}))
    assert np.array_equal(np.asarray(reader.read(0))[..., 0], ramp >> 8)
    with pytest.raises(DataError, match="sample/hf-datasets: row 1: the image is truncated"):
        reader.read(1)


def test_reading_is_by_content_and_not_by_the_librarys_fingerprint(tmp_path: Path) -> None:
    def reading(folder: str, image: bytes, **options: object) -> str:
        columns = {"image": [{"bytes": image, "path": None}] * 2, "label": [0, 1]}
        return ADAPTER.open(saved(tmp_path / folder, columns, **options)).reading

    before = reading("a", JPEG)
    assert reading("b", JPEG) == before
    assert reading("c", JPEG[:-1] + b"x") == before
    assert reading("d", JPEG + b"x") != before
    changed = reading("e", JPEG[:-1] + b"x", content=True)
    assert changed != reading("f", JPEG, content=True)


def test_texts_are_read_too(tmp_path: Path) -> None:
    given = saved(tmp_path, {"text": ["good", "bad"], "label": [1, 0], "n": [1, 2]})
    reader = ADAPTER.open(given)
    assert reader.item == "text"
    assert [reader.read(0), reader.read(1)] == ["good", "bad"]
    assert reader.testset.known_labels.tolist() == [1, 0]
    other = saved(tmp_path / "other", {"text": ["good", "worse"], "label": [1, 0]})
    assert ADAPTER.open(other).reading != reader.reading
    empty = saved(tmp_path / "empty", {"text": ["good", " "], "label": [1, 0]})
    with pytest.raises(DataError, match="row 1: no text"):
        ADAPTER.open(empty)
