from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from freshset.cli.main import main
from freshset.core.records import Source, TestSet
from freshset.store.base import Examples
from freshset.store.parquet import ParquetStore


@pytest.fixture
def store(tmp_path: Path) -> Path:
    ids = np.array([f"i{k}" for k in range(20)], dtype=object)
    labels = (np.arange(20) % 2).astype(np.int32)
    site = np.array(["web"] * 15 + ["scan"] * 5, dtype=object)
    items = TestSet(
        "mine/test", 20, 2, item_ids=ids, labels=labels, ids_given=True, class_names=("cat", "dog"),
        strata={"site": site},
    )  # fmt: skip
    made = ParquetStore(tmp_path / "store", create=True)
    with made.batch() as batch:
        batch.put_testset(items)
        for name, shift in (("right", 0), ("wrong", 1)):
            topk = ((labels + shift) % 2)[:, None].astype(np.int32)
            batch.put(Examples(name, "mine/test", topk, Source("test", name, name)))
    return made.path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out = capsys.readouterr()
    return int(caught.value.code or 0), out.out, out.err


def test_scores_with_their_intervals_and_why_some_are_absent(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "score", "--store", str(store), "--testset", "mine/test")
    assert code == 0
    lines = out.splitlines()
    assert "top1 %" in lines[2]
    assert lines[4].split()[:4] == ["right", "100.00", "[83.16,", "100.00]"]
    assert "nll" in out
    assert "logits or probabilities" in out


def test_scores_by_stratum(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["score", "--store", str(store), "--testset", "mine/test", "--metric", "top1"]
    code, out, _ = run(capsys, *command, "--by", "site", "--model", "wrong")
    assert code == 0
    assert "wrong, top1 by site" in out
    code, out, _ = run(capsys, *command, "--by", "site", "--json")
    rows = json.loads(out)["models"][0]["strata"]["top1"]
    assert {row["stratum"]: row["n"] for row in rows} == {"web": 15, "scan": 5}


def test_other_labels_and_fewer_classes(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({f"i{k}": "dog" for k in range(20)}), encoding="utf-8")
    command = ["rescore", "--store", str(store), "--testset", "mine/test"]
    code, out, _ = run(capsys, *command, "--as", "mine/dogs", "--labels", str(labels))
    assert (code, out) == (0, "Scored 2 new cells on mine/dogs: 20 items.\n")
    assert [c.correct["top1"] for c in ParquetStore(store).cells("mine/dogs")] == [10, 10]
    classes = tmp_path / "classes.txt"
    classes.write_text("cat\n", encoding="utf-8")
    code, _, err = run(capsys, *command, "--as", "mine/cats", "--classes", str(classes))
    assert code == 2
    assert "needs full scores" in err
    assert "--save scores" in err
