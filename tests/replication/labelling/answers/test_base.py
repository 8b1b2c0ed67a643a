from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.base import (
    COLUMNS,
    GRID_COLUMNS,
    answer_records,
    grid_records,
    split_labels,
)


def test_what_is_not_given_is_empty() -> None:
    records = answer_records(Path("f"), {"worker": [1, 2], "item": ["a", "b"], "selected": [0, 1]})
    assert list(records.rows) == list(COLUMNS)
    assert records.rows["worker"].tolist() == ["1", "2"]
    assert records.rows["selected"].tolist() == [0, 1]
    assert set(records.rows["status"]) == {""}
    assert records.grids.empty
    grids = grid_records(Path("f"), {"worker": ["w"], "tokens": [None]}, {"x": 3})
    assert list(grids.grids) == list(GRID_COLUMNS)
    assert grids.grids["tokens"].tolist() == [""]
    assert grids.skipped == {"x": 3}
    assert grids.rows.empty


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"worker": [], "item": []}, "f: no answers"),
        ({"worker": ["w", None], "item": ["a", "b"]}, "row 1: no worker"),
        ({"worker": ["w", "v"], "item": ["", "b"]}, "row 0: no item"),
        ({"item": ["a"]}, "row 0: no worker"),
    ],
)
def test_answers_without_worker_or_image_are_refused(columns: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        answer_records(Path("f"), columns)


def test_grids_without_worker_are_refused() -> None:
    with pytest.raises(DataError, match="row 0: no worker"):
        grid_records(Path("f"), {"task_id": ["t"]})


def test_yes_no_and_maybe_in_their_spellings() -> None:
    said = ["1", " Yes", "TRUE", "0", "no", "n", "0.5", "Maybe", "1.0"]
    selected, chosen = split_labels(pd.Series(said, name="x"), Path("f"))
    assert selected.tolist() == [1, 1, 1, 0, 0, 0, 0.5, 0.5, 1]
    assert set(chosen) == {""}


def test_names_of_classes() -> None:
    selected, chosen = split_labels(
        pd.Series(["cat", "yes", "12", "dog "], name="x")[:1], Path("f")
    )
    assert np.isnan(selected).all()
    assert chosen.tolist() == ["cat"]
    # A column of numbers alone may be one of class ids, but not one that has answers in it.
    selected, chosen = split_labels(pd.Series(["12", "3"], name="x"), Path("f"))
    assert chosen.tolist() == ["12", "3"]
    with pytest.raises(DataError, match="row 2: 'x' is '12', no answer"):
        split_labels(pd.Series(["yes", "no", "12"], name="x"), Path("f"))


@pytest.mark.parametrize("text", ["", "nan", "None"])
def test_an_empty_answer_is_none(text: str) -> None:
    with pytest.raises(DataError, match=f"row 1: 'x' is '{text}', no answer"):
        split_labels(pd.Series(["cat", text], name="x"), Path("f"))
