from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.replication.collecting.sources.table import Table

ROWS = {
    "url": ["https://x.org/1.jpg", "https://x.org/2.jpg", "pictures/3.png"],
    "class": ["dog", "cat", "domestic dog"],
    "license": ["CC0", None, "CC BY 4.0"],
    "date_taken": ["2012-07-12", "", None],
    "search_key": ["hound", "tabby", ""],
}


def table(folder: Path, kind: str, rows: dict[str, list[object]] = ROWS) -> Path:
    path = folder / f"found.{kind}"
    frame = pd.DataFrame(rows)
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_rows_are_found_class_by_class(tmp_path: Path, classes, kind: str) -> None:
    cat, first, second = Table(path=table(tmp_path, kind)).find(classes, None)
    assert (cat.key, cat.class_key, cat.keyword, cat.licence) == (
        "https://x.org/2.jpg", "cat", "tabby", "",
    )  # fmt: skip
    assert cat.url == "https://x.org/2.jpg"
    assert cat.path is None
    assert (first.class_key, first.licence, first.taken_at) == ("dog", "CC0", "2012-07-12")
    assert (second.class_key, second.url) == ("dog", "")
    assert second.path == tmp_path / "pictures/3.png"


def test_columns_have_any_name(tmp_path: Path, classes) -> None:
    rows = {"where": ["https://x.org/1"], "what": ["cat"], "number": [17], "by": ["Ada"]}
    path = table(tmp_path, "csv", rows)
    with pytest.raises(UsageError, match="which column holds the images. There are where, what"):
        list(Table(path=path).find(classes, None))
    with pytest.raises(UsageError, match="no column 'wher'"):
        list(Table(path=path, images="wher").find(classes, None))
    source = Table(path=path, images="where", classes="what", ids="number", author="by")
    (found,) = source.find(classes, None)
    assert (found.key, found.author) == ("17", "Ada")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"url": ["https://x.org/1"], "class": ["cow"]}, "row 0: the spec has no class 'cow'"),
        ({"url": ["../secret.png"], "class": ["cat"]}, "row 0: '../secret.png' lies outside"),
        ({"url": ["/etc/passwd"], "class": ["cat"]}, "lies outside"),
        ({"url": ["file:///etc/passwd"], "class": ["cat"]}, "neither http"),
        ({"url": ["https://x.org/1", None], "class": ["cat", "cat"]}, "row 1: no text in 'url'"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, classes, rows, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(Table(path=table(tmp_path, "csv", rows)).find(classes, None))


def test_no_table(tmp_path: Path, classes) -> None:
    with pytest.raises(UsageError, match="no file"):
        list(Table(path=tmp_path / "none.csv").find(classes, None))
