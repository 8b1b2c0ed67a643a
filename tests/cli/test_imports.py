from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def test_archive(run, archive: Path) -> None:
    out = run("import", "imagenetv2", archive, "--store", "s")
    assert out.returncode == 0
    assert out.stdout.splitlines() == [
        "Imported 8 cells on 2 test sets into s.",
        "Alias: imagenetv2-b-33/m3_model -> m3",
    ]
    again = json.loads(run("import", "imagenetv2", archive, "--store", "s", "--json").stdout)
    assert (again["written"], len(again["unchanged"])) == ([], 8)


def test_cifar_labels(run, tmp_path: Path) -> None:
    place = tmp_path / "a" / "model_predictions" / "original_predictions"
    place.mkdir(parents=True)
    (place / "m_predictions.json").write_text("[1, 2, 3]")
    np.save(tmp_path / "l.npy", np.array([1, 2, 2], dtype=np.uint16))
    out = run("import", "cifar10.1", "a", "--labels", "cifar10/test=l.npy", "--store", "s")
    assert out.returncode == 0
    assert "Imported 1 cell on 1 test set into s." in out.stdout
    bad = run("import", "cifar10.1", "a", "--labels", "l.npy", "--store", "s")
    assert bad.returncode == 2
    assert "is not ID=FILE" in bad.stderr


def test_tables(run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("model,testset,n,correct\na,x,10,5\n")
    assert run("import", "table", "t.csv", "--store", "s").returncode == 0
    (tmp_path / "r.csv").write_text("model,img_size,top1,top5\na,224,50.0,90.0\n")
    out = run("import", "timm", "r.csv", "--testset", "mine/val", "--n", "200", "--store", "s")
    assert out.returncode == 0
    assert "Warning: Counts were derived from rounded accuracies" in out.stderr


def test_one_name_for_one_file(run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.array([0, 1, 2]))
    options = ("--testset", "t", "--labels", "a.npy", "--model", "net", "--store", "s")
    out = run("import", "predictions", "a.npy", "b.npy", *options)
    assert (out.returncode, out.stderr.splitlines()[0]) == (2, "Error: One model name for 2 files.")
    assert run("import", "predictions", "b.npy", *options).returncode == 0
    assert run("pair", "net", "net", "--store", "s").returncode == 0


def test_bad_input_exits_with_2_and_changes_nothing(run, tmp_path: Path, archive: Path) -> None:
    next(archive.rglob("m1.npy")).write_bytes(b"x")
    out = run("import", "imagenetv2", archive, "--store", "s")
    assert out.returncode == 2
    assert "m1.npy: not a whole .npy file." in out.stderr
    assert out.stderr.count("\n") == 2
    assert not (tmp_path / "s").exists()
