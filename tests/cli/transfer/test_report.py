"""``freshset transfer report`` on tables of predictions and on studies."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes.small_transfer import make_study
from fakes.transfer_results import simulated
from typer.testing import CliRunner

from freshset.cli.main import app
from freshset.core.errors import DataError, UsageError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three simulated models on two data sets in two regimes, as tables and arrays."""
    results = simulated(3, 2, 1, n=80, extras=False)
    kept = tuple(r for r in results.results if r.regime != "scratch")
    results = replace(results, results=kept)
    rows = []
    for k, one in enumerate(results.results):
        np.save(tmp_path / f"p{k}.npy", one.predictions)
        rows.append((one.model, one.dataset, one.regime, f"p{k}.npy"))
    for data in results.datasets:
        np.save(tmp_path / f"{data.id}.npy", data.labels)
    sets = [(d.id, d.metric, f"{d.id}.npy") for d in results.datasets]
    known = [(m.name, m.accuracy) for m in results.models]
    for name, columns, values in (
        ("predictions", ["model", "dataset", "regime", "file"], rows),
        ("datasets", ["id", "metric", "labels"], sets),
        ("models", ["name", "accuracy"], known),
    ):
        pd.DataFrame(values, columns=columns).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path / "predictions.csv"


def call(*arguments: str | Path):
    result = CliRunner().invoke(app, ["transfer", "report", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_findings_of_a_table(table: Path) -> None:
    found = call(table, "--source", "ImageNet", "--simulated")
    assert found.exit_code == 0
    assert "accuracy on ImageNet explains" in found.stdout.replace("\n  ", " ")
    assert "Warning: The data are simulated" in found.stderr
    assert not (table.parent / "report").exists()


def test_a_report_of_a_table(table: Path) -> None:
    folder = table.parent / "out"
    found = call(table, "--report", folder, "--title", "Mine", "--json", "--level", "0.9")
    document = json.loads(found.stdout)
    assert document["schema"] == "freshset.transfer/1"
    assert document["settings"]["level"] == 0.9
    assert (document["title"], document["simulated"]) == ("Mine", False)
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "<h1>Mine</h1>" in page
    assert (folder / "tables" / "mine-means.csv").exists()


def test_items_that_some_models_lack(table: Path) -> None:
    data = pd.read_csv(table.parent / "predictions.csv")
    shorter = np.load(table.parent / data.file[0])[:-1]
    np.save(table.parent / data.file[0], shorter)
    with pytest.raises(DataError, match="79 rows, but set-0.npy has 80 items"):
        call(table)


def test_a_study_says_itself_what_options_of_tables_are_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no table of prediction files"):
        call(tmp_path / "study.yaml", "--simulated")


def test_a_study(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = make_study(tmp_path, regimes=["features"], report="report")
    with pytest.raises(DataError, match="no result yet"):
        call(path)
    CliRunner().invoke(app, ["transfer", "probe", str(path)])
    found = call(path)
    assert f"Wrote {tmp_path / 'report' / 'index.html'}." in found.stderr
    assert "is first" in found.stdout.replace("\n  ", " ")
