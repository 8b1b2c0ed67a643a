from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from freshset.core.errors import DataError
from freshset.protocols.competition.table import read_submissions


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_table_in_percent_is_sorted_by_time(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.csv",
        "TeamName,SubmissionDate,PublicScore,PrivateScore\n"
        "b,2015-03-02 10:00:00,91.5,90\na,2015-03-01 09:30:00,80,81\nc,2015-03-03,,70\n",
    )
    got = read_submissions(path)
    assert len(got) == 2
    assert got.public.tolist() == [0.8, 0.915]
    assert got.team.tolist() == ["a", "b"]
    assert got.dropped == 1


def test_fractions_without_team_and_time(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"public": [0.9, 1.0], "private": [0.8, float("nan")]}).to_parquet(path)
    got = read_submissions(path)
    assert (got.public.tolist(), got.dropped, got.team.tolist()) == ([0.9], 1, [""])


def test_times_that_cannot_be_read_keep_the_order(tmp_path: Path) -> None:
    text = "public,private,time\n0.9,0.8,second\n0.7,0.6,first\n"
    assert read_submissions(write(tmp_path / "t.csv", text)).public.tolist() == [0.9, 0.7]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("public,b\n0.9,1\n", "no column of private scores; it has public, b"),
        ("a,private\n0.9,1\n", "no column of public"),
        ("public,private\n,\n", "no row has both"),
        ("public,private\n0.9,x\n", "'private' is 'x', no number"),
        ("public,private\n-3,0.4\n", "no accuracies"),
        ("public,private\n140,90\n", "no accuracies"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_submissions(write(tmp_path / "t.csv", text))
