from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.image_samples import (
    CLASSES,
    LABELS,
    N,
    encoded,
    files,
    make_manifest,
    make_parquet,
    picture,
    ref,
    write,
)

from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import ShowsSeveral, TestSetRef
from freshset.datasets.manifest import ADAPTER, BytesReader, PathReader

JPEG = encoded(picture(0))


def csv(folder: Path, *lines: str, name: str = "m.csv", **options: object) -> TestSetRef:
    for file in ("a.jpg", "b.jpg"):
        write(folder, file, JPEG)
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return ref("manifest", folder / name, **options)


def test_paths_are_ids_and_other_columns_are_strata(tmp_path: Path) -> None:
    reader = ADAPTER.open(make_manifest(tmp_path))
    assert isinstance(reader, PathReader)
    assert reader.testset.ids.tolist() == [name for name, _ in files()]
    assert reader.testset.ids_given
    assert set(reader.testset.strata) == {"keyword"}
    assert reader.testset.strata["keyword"].tolist() == [f"word {row % 2}" for row in range(N)]


def test_columns_are_found_by_usual_names_or_by_option(tmp_path: Path) -> None:
    given = csv(tmp_path, "picture,gold,nr", "a.jpg,1,007", "b.jpg,0,008")
    with pytest.raises(UsageError, match="no column 'path'; it has picture, gold, nr") as caught:
        ADAPTER.open(given)
    assert "option 'images'" in caught.value.hint
    options = {"images": "picture", "labels": "gold", "ids": "nr"}
    testset = ADAPTER.open(replace(given, options=options)).testset
    assert testset.ids.tolist() == ["007", "008"]
    assert testset.known_labels.tolist() == [1, 0]
    with pytest.raises(UsageError, match="no column 'glod'") as caught:
        ADAPTER.open(replace(given, options={**options, "labels": "glod"}))
    assert "'gold'" in caught.value.hint


@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "m.jsonl"])
def test_kinds_of_tables(name: str, tmp_path: Path) -> None:
    rows = [("a.jpg", "cat"), ("b.jpg", "dog")]
    lines = {
        ".csv": ["path,label", *(f'"{a}",{b}' for a, b in rows)],
        ".tsv": ["path\tlabel", *(f"{a}\t{b}" for a, b in rows)],
        ".jsonl": [json.dumps({"path": a, "label": b}) for a, b in rows],
    }[Path(name).suffix]
    testset = ADAPTER.open(csv(tmp_path, *lines, name=name, classes=["dog", "cat"])).testset
    assert testset.ids.tolist() == ["a.jpg", "b.jpg"]
    assert testset.known_labels.tolist() == [1, 0]


def test_parquet_may_hold_paths(tmp_path: Path) -> None:
    csv(tmp_path, "x")
    columns = {"path": ["a.jpg", "b.jpg"], "label": [1, 0], "tags": [["x"], []], "raw": [b"", b"1"]}
    pq.write_table(pa.table(columns | {"frequency": [0.1, 0.7]}), tmp_path / "m.parquet")
    reader = ADAPTER.open(ref("manifest", tmp_path / "m.parquet"))
    assert isinstance(reader, PathReader)
    assert reader.testset.strata["frequency"].tolist() == [0.1, 0.7]
    assert set(reader.testset.strata) == {"frequency"}


def test_parquet_may_hold_bytes(tmp_path: Path) -> None:
    given = make_parquet(tmp_path)
    reader = ADAPTER.open(given)
    assert isinstance(reader, BytesReader)
    assert reader.testset.ids.tolist()[:2] == ["img_00.jpg", "img_01.jpg"]
    assert set(reader.testset.strata) == {"score"}
    assert reader.reading.partition("bytes=")[2].startswith("sha256:")
    plain = pa.table({"bytes": [data for _, data in files()], "label": LABELS})
    pq.write_table(plain, tmp_path / "plain.parquet", row_group_size=5)
    bare = ADAPTER.open(replace(given, path=str(tmp_path / "plain.parquet")))
    assert bare.testset.ids.tolist() == [str(row) for row in range(N)]
    assert not bare.testset.ids_given
    assert np.array_equal(np.asarray(bare.read(7)), np.asarray(reader.read(7)))


def test_file_names_that_occur_twice_are_no_ids_of_bytes(tmp_path: Path) -> None:
    images = [{"bytes": JPEG, "path": "same.jpg"}] * 2
    pq.write_table(pa.table({"image": images, "label": [0, 1]}), tmp_path / "m.parquet")
    testset = ADAPTER.open(ref("manifest", tmp_path / "m.parquet")).testset
    assert testset.ids.tolist() == ["0", "1"]
    assert not testset.ids_given


def test_strata_may_be_chosen(tmp_path: Path) -> None:
    lines = ("path,label,keyword,width", "a.jpg,0,x,1", "b.jpg,1,,2")
    testset = ADAPTER.open(csv(tmp_path, *lines, strata="keyword")).testset
    assert {name: list(values) for name, values in testset.strata.items()} == {"keyword": ["x", ""]}
    with pytest.raises(UsageError, match="no column 'keywords'"):
        ADAPTER.open(csv(tmp_path, *lines, strata=["keywords"]))


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.jpg", "x/../../outside.jpg"])
def test_paths_outside_of_the_root_are_refused(path: str, tmp_path: Path) -> None:
    write(tmp_path, "outside.jpg", JPEG)
    given = csv(tmp_path / "data", "path,label", "a.jpg,0", f"{path},1")
    with pytest.raises(DataError, match=r"m\.csv: row 1: .* lies outside") as caught:
        ADAPTER.open(given)
    assert "root" in caught.value.hint


def test_the_root_may_be_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, "pictures/c.jpg", JPEG)
    (tmp_path / "lists").mkdir()
    given = csv(tmp_path / "lists", "path,label", "c.jpg,0", "c2.jpg,1")
    write(tmp_path, "pictures/c2.jpg", encoded(picture(2)))
    given = replace(given, options={"root": "pictures"}, root=tmp_path)
    assert ADAPTER.open(given).read(1).size == (80, 64)
    with pytest.raises(DataError, match=r"row 0: .*lists/c\.jpg cannot be read"):
        ADAPTER.open(replace(given, options={}))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["path,label", "a.jpg,0", "a.jpg,1"], "rows 0 and 1 have one id, 'a.jpg'"),
        (["path,label,id", "a.jpg,0,x", "b.jpg,1,x"], "rows 0 and 1 have one id, 'x'"),
        (["path,label", "a.jpg,0", "c.jpg,1"], r"row 1: .*c\.jpg cannot be read"),
        (["path,label", "a.jpg,0", ",1"], "row 1: no text in 'path'"),
        (["path,label", "a.jpg,0", "b.jpg,"], "row 1: no label"),
        (["path,label", "a.jpg,0", "b.jpg,0.5"], "row 1: the label is 0.5, not a whole number"),
        (["path,label"], "no rows"),
    ],
)
def test_rows_that_are_no_items_are_refused(lines: list[str], why: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=why):
        ADAPTER.open(csv(tmp_path, *lines))


def test_tables_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown kind of table.*\.csv, \.tsv, \.jsonl"):
        ADAPTER.open(csv(tmp_path, "x", name="m.txt"))
    with pytest.raises(DataError, match=r"m\.parquet: cannot be read"):
        ADAPTER.open(csv(tmp_path, "x", name="m.parquet"))


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    for given in (make_manifest(tmp_path), make_parquet(tmp_path)):
        with pytest.raises(DataError, match="the SHA-256 is"):
            ADAPTER.open(replace(given, options={**given.options, "sha256": "0" * 64}))


def test_reading_sees_sizes_and_on_demand_content(tmp_path: Path) -> None:
    given = make_manifest(tmp_path)
    content = replace(given, options={"content": True})
    before, before_content = ADAPTER.open(given).reading, ADAPTER.open(content).reading
    path = tmp_path / CLASSES[0] / "img_00.jpg"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert ADAPTER.open(given).reading == before
    assert ADAPTER.open(content).reading != before_content


def test_a_damaged_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    rows = [{"bytes": JPEG, "path": "a"}, {"bytes": JPEG[:200], "path": "b"}]
    pq.write_table(pa.table({"image": rows, "label": [0, 1]}), tmp_path / "m.parquet")
    reader = ADAPTER.open(ref("manifest", tmp_path / "m.parquet"))
    reader.read(0)
    with pytest.raises(DataError, match=r"m\.parquet: row 1: the image is truncated"):
        reader.read(1)


def test_images_that_show_several_classes(tmp_path: Path) -> None:
    lines = ("path,tags,unclear", "a.jpg,cat;dog,", "b.jpg,,dog")
    options = {"labels": "tags", "separator": ";", "ignored": "unclear"}
    reader = ADAPTER.open(csv(tmp_path, *lines, **options))
    assert isinstance(reader, ShowsSeveral)
    assert reader.classes is not None
    assert reader.classes.keys == ("cat", "dog")
    assert reader.testset.accepted is not None
    assert reader.testset.accepted.offsets.tolist() == [0, 2, 2]
    assert reader.ignored.classes.tolist() == [1]
    assert not reader.testset.strata
    assert reader.read(1).size == picture(0).size
    with pytest.raises(UsageError, match="'ignored' is for images that show several classes"):
        ADAPTER.open(csv(tmp_path, *lines, labels="tags", ignored="unclear"))
    assert not isinstance(ADAPTER.open(make_manifest(tmp_path)), ShowsSeveral)


def test_lists_of_classes_in_parquet_and_jsonl(tmp_path: Path) -> None:
    make_parquet(tmp_path)
    table = pq.read_table(tmp_path / "set.parquet").drop_columns(["label"])
    tags = [[LABELS[row], (LABELS[row] + 1) % 3] for row in range(N)]
    pq.write_table(table.append_column("label", pa.array(tags)), tmp_path / "tags.parquet")
    reader = ADAPTER.open(ref("manifest", tmp_path / "tags.parquet", classes=3, separator=";"))
    assert isinstance(reader, ShowsSeveral)
    assert reader.testset.accepted is not None
    assert reader.testset.accepted.classes.tolist() == [c for row in tags for c in sorted(row)]
    with pytest.raises(DataError, match="the column 'label' holds lists"):
        ADAPTER.open(ref("manifest", tmp_path / "tags.parquet", classes=3))
    rows = [{"path": f, "label": t} for f, t in (("a.jpg", ["cat", "dog"]), ("b.jpg", []))]
    given = csv(tmp_path, *map(json.dumps, rows), name="m.jsonl", separator=";")
    found = ADAPTER.open(given).testset.accepted
    assert found is not None
    assert found.offsets.tolist() == [0, 2, 2]
