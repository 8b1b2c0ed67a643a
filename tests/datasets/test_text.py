from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.datasets.base import TestSetRef
from freshset.datasets.contract import Subject, checks
from freshset.datasets.text import ADAPTER

REVIEWS = {
    "id": ["r1", "r2", "r3", "r4"],
    "text": ["good", "bad, very", "so\nso", "fine"],
    "label": ["pos", "neg", "neg", "pos"],
    "year": [2019, 2020, 2020, 2021],
}


def ref(path: Path, **options: Any) -> TestSetRef:
    return TestSetRef("reviews/test", "text", str(path), options, root=path.parent)


def write(path: Path, data: dict[str, list[Any]] = REVIEWS) -> Path:
    frame = pd.DataFrame(data)
    match path.suffix:
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        case ".parquet":
            frame.to_parquet(path, row_group_size=3)
        case ".tsv":
            frame.replace("\n", " ", regex=True).to_csv(path, index=False, sep="\t")
        case _:
            frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("check", checks(), ids=str)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_the_contract(tmp_path: Path, suffix: str, check: Any) -> None:
    check(Subject(ADAPTER.open, ref(write(tmp_path / f"r{suffix}"), strata=["year"])))


def test_labels_classes_and_strata(tmp_path: Path) -> None:
    reader = ADAPTER.open(ref(write(tmp_path / "r.jsonl"), strata="year", licence="CC0"))
    testset = reader.testset
    assert testset.ids.tolist() == REVIEWS["id"]
    assert testset.known_labels.tolist() == [1, 0, 0, 1]
    assert reader.classes is not None
    assert reader.classes.keys == ("neg", "pos")
    assert testset.strata["year"].tolist() == REVIEWS["year"]
    assert testset.ids_given
    assert [reader.read(row) for row in range(4)] == REVIEWS["text"]
    assert reader.origin.licence == "CC0"
    assert sha256_file(tmp_path / "r.jsonl") in reader.reading


def test_one_test_set_in_four_formats(tmp_path: Path) -> None:
    plain = REVIEWS | {"text": ["good", "bad", "so so", "fine"]}
    readers = [
        ADAPTER.open(ref(write(tmp_path / f"r{suffix}", plain)))
        for suffix in (".csv", ".tsv", ".jsonl", ".parquet")
    ]
    assert len({reader.testset.fingerprint for reader in readers}) == 1
    assert len({tuple(reader.read(row) for row in range(4)) for reader in readers}) == 1


def test_declared_classes_and_other_columns(tmp_path: Path) -> None:
    data = {"sentence": ["a", "b"], "gold": [1, 0], "key": [10, 11]}
    path = write(tmp_path / "r.parquet", data)
    options = {"text": "sentence", "labels": "gold", "ids": "key", "classes": ["neg", "pos"]}
    reader = ADAPTER.open(ref(path, **options))
    assert reader.testset.ids.tolist() == ["10", "11"]
    assert reader.testset.class_names == ("neg", "pos")
    without = ADAPTER.open(ref(path, **{k: v for k, v in options.items() if k != "ids"}))
    assert without.testset.ids.tolist() == ["0", "1"]
    assert not without.testset.ids_given


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": ["a", "", "c", "d"]}, "row 1: no text"),
        ({"label": ["pos", None, "neg", "pos"]}, "row 1: no label"),
        ({"id": ["r1", "r2", "r2", "r4"]}, "rows 1 and 2 have one id, 'r2'"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_is_missing_is_named_by_row(
    tmp_path: Path, suffix: str, change: dict[str, list[Any]], message: str
) -> None:
    path = write(tmp_path / f"r{suffix}", REVIEWS | change)
    with pytest.raises(DataError, match=message):
        ADAPTER.open(ref(path))


def test_labels_that_are_no_class(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv")
    with pytest.raises(DataError, match="'neg' is no class"):
        ADAPTER.open(ref(path, classes=["pos", "negative"]))
    numbers = write(tmp_path / "n.csv", REVIEWS | {"label": [0, 1, 2, 1]})
    with pytest.raises(DataError, match="row 2: the label 2 is outside|row 2: 2 is outside"):
        ADAPTER.open(ref(numbers, classes=2))


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv")
    for options, message in (
        ({"label": "label"}, "no option 'label'"),
        ({"text": "review"}, "no column 'review'"),
        ({"strata": ["month"]}, "no column 'month'"),
        ({"expected_n": 5}, "4 items, not the 5"),
        ({"sha256": "0" * 64}, "the SHA-256 is"),
    ):
        with pytest.raises((UsageError, DataError), match=message):
            ADAPTER.open(ref(path, **options))


def test_mixed_strata_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    rows = [{"text": "a", "label": 0, "s": 1}, {"text": "b", "label": 1, "s": "x"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="column 's' holds int, str"):
        ADAPTER.open(ref(path, strata="s"))
    assert np.array_equal(ADAPTER.open(ref(path)).testset.known_labels, [0, 1])
