from __future__ import annotations

import json
from pathlib import Path

import pytest

from freshset.core.errors import UsageError
from freshset.reports.study import Study
from freshset.reports.write import write_report

FIGURES = (
    "scatter-linear",
    "scatter-probit",
    "drops",
    "ranks",
    "pairs-old",
    "pairs-new",
    "leverage",
)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_written(study, tmp_path):
    page = write_report([study], tmp_path / "new" / "report")
    assert page == tmp_path / "new" / "report" / "index.html"
    wanted = {"index.html", "a-study-comparison.json"}
    wanted |= {
        f"tables/a-study-{n}.{k}"
        for n in ("scores", "summary", "gap")
        for k in ("csv", "md", "tex")
    }
    wanted |= {f"figures/a-study-{n}.{k}" for n in FIGURES for k in ("svg", "png", "csv")}
    written = files(page.parent)
    assert set(written) == wanted
    assert json.loads(written["a-study-comparison.json"]) == json.loads(
        json.dumps(study.comparison.to_dict())
    )
    for name, data in written.items():
        if name.endswith(".png"):
            assert data.startswith(b"\x89PNG")
            assert b"Software" not in data
        if name.endswith(".svg"):
            assert b"<dc:date>" not in data
            assert b"Matplotlib" not in data


def test_same_bytes_twice(study, tmp_path):
    write_report([study], tmp_path / "a")
    write_report([study], tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_other_files_stay_and_formats_are_chosen(make_study, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.svg").write_text("mine")
    (tmp_path / "index.html").write_text("old")
    write_report([make_study(3, per_example=False)], tmp_path, formats=("md",))
    written = files(tmp_path)
    assert written["figures/mine.svg"] == b"mine"
    assert written["index.html"] != b"old"
    kinds = {Path(name).suffix for name in written if name.startswith("tables/")}
    assert kinds == {".md"}
    assert [name for name in written if name.startswith("figures/")] == ["figures/mine.svg"]


def test_two_studies_in_one_folder(study, make_study, tmp_path):
    other = Study("Other", "other", make_study(2).comparison)
    write_report([study, other], tmp_path, formats=("csv",), title="Both")
    written = files(tmp_path)
    assert "tables/other-scores.csv" in written
    assert "tables/a-study-scores.csv" in written
    assert "<h1>Both</h1>" in written["index.html"].decode()


def test_nothing_is_written_for_a_wrong_request(study, tmp_path):
    with pytest.raises(UsageError, match=r"'pgn' is not a format.*png"):
        write_report([study], tmp_path / "r", formats=("pgn",))
    with pytest.raises(UsageError, match="slug"):
        write_report([study, study], tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_folder_that_is_a_file(make_study, tmp_path):
    (tmp_path / "r").write_text("x")
    with pytest.raises(UsageError, match="cannot write the report"):
        write_report([make_study(2)], tmp_path / "r", formats=())


@pytest.mark.parametrize(("models", "limit"), [(67, 3_000_000), (1556, 15_000_000)])
def test_the_page_stays_small(models, limit, make_study, tmp_path):
    page = write_report(
        [make_study(models, per_example=models < 1000, n=1000)], tmp_path, formats=()
    )
    assert page.stat().st_size < limit
