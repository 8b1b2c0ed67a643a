from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.image_samples import CLASSES, LABELS, MAKERS, N, encoded, picture, ref

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.datasets.contract import check_reader
from freshset.datasets.opened import (
    IMAGE_OPTIONS,
    ImageReader,
    check_unique,
    classification,
    decoding_of,
    given_ids,
    row_ids,
    stratum,
)
from freshset.datasets.options import Options
from freshset.datasets.registry import open_testset

ENCODED = ["image-folder", "manifest", "parquet", "webdataset", "hf-datasets"]


@pytest.mark.parametrize("name", MAKERS)
def test_every_adapter_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check_reader(open_testset, MAKERS[name](tmp_path))


@pytest.mark.parametrize("name", ENCODED)
def test_the_same_images_are_the_same_by_every_way(name: str, tmp_path: Path) -> None:
    reader = open_testset(MAKERS[name](tmp_path))
    assert isinstance(reader, ImageReader)
    # Folders come in the order of their names, all else in the order of the rows.
    rows = np.argsort(LABELS, kind="stable") if name == "image-folder" else np.arange(N)
    assert reader.testset.known_labels.tolist() == [LABELS[row] for row in rows]
    assert reader.classes == ClassSpace("", CLASSES)
    from freshset.datasets.images import decode

    for index, row in enumerate(rows):
        expected = decode(encoded(picture(int(row))), "x")
        assert np.array_equal(np.asarray(reader.read(index)), np.asarray(expected))
        assert reader.inspect(index).format == "JPEG"
    assert reader.reading.startswith("image/1 orientation=ignore bytes=")


@pytest.mark.parametrize("name", ENCODED)
def test_every_adapter_takes_the_options_of_images(name: str, tmp_path: Path) -> None:
    from dataclasses import replace

    ref = MAKERS[name](tmp_path)
    options = {**ref.options, "orientation": "apply", "max_pixels": 100}
    reader = open_testset(replace(ref, options=options))
    assert "orientation=apply" in reader.reading
    with pytest.raises(DataError, match="80 x 64 pixels are more than 100"):
        reader.read(0)
    with pytest.raises(UsageError, match="orientation is 'upright', not 'ignore' or 'apply'"):
        open_testset(replace(ref, options={**ref.options, "orientation": "upright"}))


@pytest.mark.parametrize("name", MAKERS)
def test_every_adapter_counts(name: str, tmp_path: Path) -> None:
    from dataclasses import replace

    ref = MAKERS[name](tmp_path)
    said = {**ref.options, "licence": "MIT", "expected_n": N}
    assert open_testset(replace(ref, options=said)).origin.licence == "MIT"
    with pytest.raises(DataError, match=f"{N} items, not the 50,000 of expected_n"):
        open_testset(replace(ref, options={**ref.options, "expected_n": 50_000}))


OPTIONS = Options(ref("x", "data"), IMAGE_OPTIONS)
SPACE = ClassSpace("", ("a", "b"))


def test_a_test_set_is_made() -> None:
    labels = np.array([1, 0])
    made = classification(OPTIONS, ["x", "y"], labels, SPACE, strata={"s": np.array([1, 2])})
    assert (made.id, made.n, made.n_classes, made.ids_given) == ("sample/x", 2, 2, True)
    assert (made.class_names, made.class_keys) == (("a", "b"), ())
    assert made.strata["s"].tolist() == [1, 2]
    named = ClassSpace("", ("n1", "n2"), ("a", "b"))
    made = classification(OPTIONS, ["x", "y"], labels, named, ids_given=False)
    assert (made.class_names, made.class_keys) == (("a", "b"), ("n1", "n2"))
    made.check("x")


@pytest.mark.parametrize(
    ("ids", "labels", "why"),
    [
        ([], [], "no items in data"),
        (["x"], [0, 1], "1 items, but 2 labels"),
        (["x", "y", "x"], [0, 1, 0], "rows 0 and 2 have one id, 'x'"),
        (["x", ""], [0, 1], "row 1: the id is empty"),
    ],
)
def test_items_that_are_none_are_refused(ids: list[str], labels: list[int], why: str) -> None:
    with pytest.raises(DataError, match=rf"sample/x: {why}"):
        classification(OPTIONS, ids, np.array(labels, dtype=np.int32), SPACE)


def test_ids() -> None:
    check_unique(row_ids(12), "x")
    assert row_ids(2) == ["0", "1"]
    assert given_ids(["007", 7], "x") == ["007", "7"]
    for bad in (None, 1.5, True):
        with pytest.raises(DataError, match="row 1: .* is no id"):
            given_ids(["a", bad], "x")
    with pytest.raises(DataError, match="row 1: the id 'a.udc80' is no text in UTF-8"):
        check_unique(["a", "a\udc80"], "x")


def test_strata() -> None:
    assert stratum(["a", None], "s", "x").tolist() == ["a", ""]
    assert stratum([1, 2], "s", "x").dtype.kind == "i"
    assert stratum([True, False], "s", "x").dtype == bool
    assert np.isnan(stratum([1.5, None], "s", "x")[1])
    assert np.isnan(stratum([1, None], "s", "x")[1])
    with pytest.raises(DataError, match="the column 's' holds int, str"):
        stratum([1, "a"], "s", "x")


def test_decoding_is_as_asked_for() -> None:
    assert decoding_of(OPTIONS).orientation == "ignore"
    asked = Options(ref("x", "data", orientation="apply", max_pixels=7), IMAGE_OPTIONS)
    assert (decoding_of(asked).orientation, decoding_of(asked).max_pixels) == ("apply", 7)


def test_a_set_of_a_package_carries_its_mark(tmp_path: Path) -> None:
    said = '{"schema": "freshset.package/1", "touched": "un-frozen: a wrong label"}'
    (tmp_path / "revision.json").write_text(said, encoding="utf-8")
    options = Options(ref("x", tmp_path / "test"), IMAGE_OPTIONS)
    labels = np.zeros(1, dtype=np.int32)
    assert classification(options, ["a"], labels, SPACE).touched == "un-frozen: a wrong label"
    assert classification(OPTIONS, ["a"], labels, SPACE).touched == ""
