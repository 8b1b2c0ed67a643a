"""Tables that a user writes give the results that they were written from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from freshset.core.errors import DataError
from freshset.transfer.analysis.checks import check_results
from freshset.transfer.own.results import About, read_results


def test_what_was_written_is_read(written) -> None:
    path, results = written
    found = read_results(path, about=About("Mine", "ImageNet", simulated=True))
    check_results(found)
    assert (found.title, found.source, found.simulated) == ("Mine", "ImageNet", True)
    assert found.models == results.models
    for mine, given in zip(found.datasets, results.datasets, strict=True):
        assert (mine.id, mine.title, mine.metric, mine.n_train) == (
            given.id, given.title, given.metric, given.n_train,
        )  # fmt: skip
        assert np.array_equal(
            mine.labels,
            given.labels & ~given.ignored if given.ignored is not None else given.labels,
        )
    given = {(r.model, r.dataset, r.regime): r for r in results.results}
    assert len(found.results) == len(given)
    for one in found.results:
        expected = given[one.model, one.dataset, one.regime]
        assert np.array_equal(one.predictions, expected.predictions)
        assert one.cost == {"seconds": 7}
        if one.dataset != "set-2":
            assert one.score == pytest.approx(expected.score)


def test_mean_average_precision_by_the_definition(written) -> None:
    path, _ = written
    found = read_results(path)
    one = next(r for r in found.results if r.dataset == "set-2")
    target = next(d for d in found.datasets if d.id == "set-2")
    precision = []
    for c in range(5):
        counted = ~target.ignored[:, c]
        said, shown = one.predictions[counted, c], target.labels[counted, c]
        # Two values of a score: all items of equal score come in together.
        hits, items = (said & shown).sum(), said.sum()
        points = [(hits / shown.sum(), hits / items), (1, shown.sum() / counted.sum())]
        precision.append(
            np.mean([max(p for r, p in points if 10 * r >= level) for level in range(11)])
        )
    assert one.score == pytest.approx(np.mean(precision))


def test_models_that_nothing_is_known_of(written) -> None:
    path, _ = written
    (path.parent / "models.csv").unlink()
    found = read_results(path)
    assert [m.accuracy for m in found.models] == [None] * 3
    with pytest.raises(DataError, match=r"models\.csv"):
        read_results(path, models=path.parent / "models.csv")


def drop_items(path: Path, file: str, count: int) -> None:
    frame = pd.read_csv(path.parent / file, dtype=str)
    frame.iloc[count:].to_csv(path.parent / file, index=False)


def test_items_without_a_prediction_are_refused_or_left_out_and_said(written) -> None:
    path, _ = written
    drop_items(path, "p0.csv", 4)
    with pytest.raises(DataError, match=r"56 of 60 test items.*first p0\.csv") as caught:
        read_results(path)
    assert "--common-items" in caught.value.hint
    found = read_results(path, about=About(common_items=True))
    check_results(found)
    assert found.datasets[0].n_test == 56
    assert "56 of 60 test items have a prediction of every model" in found.datasets[0].note
    assert found.datasets[1].n_test == 60


@pytest.mark.parametrize(
    ("table", "column", "value", "match"),
    [
        ("predictions", "dataset", "set-9", "no data set 'set-9' is declared"),
        ("predictions", "regime", "fine-tune", "no regime 'fine-tune'"),
        ("predictions", "seed", "one", "seed is 'one', not a number"),
        ("predictions", "file", "", "file is empty"),
        ("predictions", "file", "gone.csv", "gone.csv"),
        ("datasets", "metric", "top5", "no metric 'top5'"),
        ("datasets", "id", "set-1", "occurs twice"),
        ("models", "accuracy", "76.1", "accuracy is 76.1"),
        ("models", "name", "net 1", "occurs twice"),
    ],
)
def test_what_is_wrong_is_named(written, table, column, value, match) -> None:
    path, _ = written
    file = path.parent / f"{table}.csv"
    frame = pd.read_csv(file, dtype=str)
    frame.loc[0, column] = value
    frame.to_csv(file, index=False)
    with pytest.raises(DataError, match=match):
        read_results(path)


def test_tables_without_rows_or_columns(written) -> None:
    path, _ = written
    pd.read_csv(path).iloc[:0].to_csv(path, index=False)
    with pytest.raises(DataError, match="no rows"):
        read_results(path)
    path.write_text("model,dataset\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'regime'"):
        read_results(path)
