from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import make_archive
from fakes.frozen import frozen_project

from freshset.core.frequencies import Frequencies
from freshset.core.records import Source
from freshset.replication.auditing.frequency_table import BinRow, FrequencyTable
from freshset.replication.auditing.revision_table import RevisionRow, RevisionTable
from freshset.replication.revisions import freeze as freezing
from freshset.stats.types import Estimate
from freshset.store.base import Examples
from freshset.store.frequencies import write_frequencies
from freshset.store.parquet import ParquetStore

NEW = "imagenetv2/matched-frequency"


@pytest.fixture
def store(call, tmp_path: Path) -> Path:
    """Four models on two sets of six classes, and frequencies of the new set's images."""
    archive = make_archive(tmp_path / "archive")
    assert call("import", "imagenetv2", archive, "--store", "s").code == 0
    testset = ParquetStore(tmp_path / "s").testset(NEW)
    import numpy as np

    keys = np.array([testset.class_names[k] for k in testset.known_labels], dtype=object)
    n = np.full(testset.n, 10.0)
    selected = np.arange(testset.n) % 11.0
    write_frequencies(tmp_path / "f.csv", Frequencies(testset.ids, keys, selected, n))
    return tmp_path / "s"


def test_revisions(call, store: Path) -> None:
    done = call("testset", "table", "revisions", "imagenet/*", NEW, "--store", store)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split()[:5] == ["revision", "images", "mean", "top-1", "%"]
    assert lines[2].startswith("imagenet/val")
    assert "over the 4 models" in lines[-1]
    data = json.loads(
        call("testset", "table", "revisions", NEW, "--store", store, "--model", "m0", "--json").out
    )
    assert [row["model"] for row in data["rows"]] == ["m0"]


def test_frequencies(call, store: Path) -> None:
    arguments = ("testset", "table", "frequencies", NEW, "--store", store)
    done = call(*arguments, "--frequencies", "f.csv", "--bins", "0.5")
    assert done.code == 0
    assert done.out.splitlines()[2].startswith("0.0 to 0.5")
    assert "4 models" in done.out
    assert call(*arguments).code == 2
    wrong = call(*arguments, "--frequencies", "f.csv", "--bins", "a,b")
    assert (wrong.code, "are no numbers" in wrong.err) == (2, True)


def test_strategies(call, store: Path) -> None:
    arguments = ("testset", "table", "strategies", "--store", store, "--original", "imagenet/val")
    done = call(*arguments, f"matched={NEW}", "--frequencies", "f.csv")
    assert done.code == 0
    row = done.out.splitlines()[2].split()
    assert row[:4] == ["matched", NEW, "40", "0.465"]
    plain = json.loads(call(*arguments, f"matched={NEW}", "--json").out)
    assert plain["rows"][0]["mean_frequency"] is None
    for wrong in ((NEW,), (f"a={NEW}", f"a={NEW}"), ("=x",)):
        failed = call(*arguments, *wrong)
        assert (failed.code, "is not NAME=TESTSET" in failed.err) == (2, True)


def test_frequencies_of_a_project(call, tmp_path: Path) -> None:
    with frozen_project(tmp_path / "project") as project:
        testset = freezing.testset_of(project, "r1")
    with ParquetStore(tmp_path / "s", create=True).batch() as batch:
        batch.put_testset(testset)
        topk = testset.known_labels[:, None]
        batch.put(Examples("m1", testset.id, topk, Source("test", "m1")))
    arguments = ("--store", "s", "--project", "project", "--json")
    done = call("testset", "table", "frequencies", testset.id, *arguments)
    assert done.code == 0
    # Three or four of four workers said yes to all images but one, which nobody was asked about.
    assert json.loads(done.out)["bins"] == [
        {"bin": "0.6 to 0.8", "n": 4}, {"bin": "0.8 to 1.0", "n": 3}, {"bin": "missing", "n": 1},
    ]  # fmt: skip


def test_many_models_are_shown_by_their_mean_alone() -> None:
    from freshset.cli.testset.tables import render_frequencies, render_revisions

    models = [f"model-{k}" for k in range(9)]
    half = Estimate(50.0, 40, 60)
    rows = tuple(RevisionRow("a/b", model, 10, half, None) for model in models)
    text = render_revisions(RevisionTable(("a/b",), (), rows, ()))
    assert "model-0" not in text
    assert text.splitlines()[2].split() == ["a/b", "10", "-", "-"]
    bins = tuple(BinRow(model, "0.0 to 1.0", 10, half) for model in models)
    text = render_frequencies(FrequencyTable("a/b", ("0.0 to 1.0",), (10,), bins))
    assert "model-0" not in text
    assert text.splitlines()[2].split()[-1] == "50.00"
