from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.answer_table import record_answers
from freshset.replication.labelling.answers.engstrom import read
from freshset.replication.labelling.frequencies import pool


def frame(**more: list[object]) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": ["a", "a", "b"], "wnid": ["n1", "n1", "n2"], "selected": [True, False, True]} | more
    )


def test_a_frame_without_workers_keeps_every_answer(tmp_path: Path) -> None:
    frame(dataset=["v1"] * 3).to_parquet(tmp_path / "a.parquet")
    records = read(tmp_path / "a.parquet")
    assert records.skipped == {"unnamed worker": 3}
    got = pool(record_answers(records))
    assert got.selected.tolist() == [1, 1]
    assert got.answers.tolist() == [2, 1]


def test_a_frame_with_workers_and_the_image_as_index(tmp_path: Path) -> None:
    frame(worker=["x", "y", "x"]).to_csv(tmp_path / "a.csv", index=False)
    assert read(tmp_path / "a.csv").rows["worker"].tolist() == ["x", "y", "x"]
    frame(WorkerId=[1, 2, 1]).to_parquet(tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet").rows["worker"].tolist() == ["1", "2", "1"]


def test_bad_frames(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pickled frame"):
        read(tmp_path / "df_clean.pt")
    frame().drop(columns="wnid").to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no column 'wnid'"):
        read(tmp_path / "a.parquet")
    frame(selected=["1", "0", "cat"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match="row 2: selected is 'cat'"):
        read(tmp_path / "a.csv")
    frame(selected=[1, 0, 7]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match="row 2: 'selected' is '7'"):
        read(tmp_path / "a.csv")
