from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    labels = ["cat", "dog"] * 20
    rows = "".join(f"i{k},{c}\n" for k, c in enumerate(labels))
    (tmp_path / "labels.csv").write_text("item_id,label\n" + rows)
    for name, wrong in (("a", 12), ("b", 3)):
        guess = [c if k >= wrong else {"cat": "dog", "dog": "cat"}[c] for k, c in enumerate(labels)]
        rows = "".join(f"i{k},{c}\n" for k, c in enumerate(guess))
        (tmp_path / f"{name}.csv").write_text("item_id,prediction\n" + rows)


SEAL = ("holdout", "seal", "labels.csv", "h", "--key", "keys/k", "--looks", 3, "--who", "ann")
KEY = ("--key", "keys/k", "--who", "bob")


def test_from_seal_to_open(call, tmp_path: Path) -> None:
    sealed = call(*SEAL, "--policy", "exact", "--name", "pets")
    assert sealed.code == 0, sealed.err
    assert "Sealed 40 labels of pets into h: policy exact, 3 looks." in sealed.out
    assert "Wrote a new key to keys/k" in sealed.err
    first = call("holdout", "evaluate", "h", "a.csv", *KEY)
    assert first.out.startswith("70.00 %, the best so far. Looks left: 2.\nReceipt (entry 2): ")
    second = json.loads(
        call("holdout", "evaluate", "h", "b.csv", *KEY, "--model", "v2", "--json").out
    )
    assert (second["accuracy"], second["left"]) == (0.925, 1)
    checked = call("holdout", "verify", "h", "--key", "keys/k", "--known", second["digest"])
    assert checked.out.startswith("3 entries, all as they were written.")
    assert "older one" in call("holdout", "verify", "h").out
    log = call("holdout", "log", "h")
    assert [line.split()[3:5] for line in log.out.splitlines()[2:]] == [
        ["seal", "pets"], ["evaluate", "a"], ["evaluate", "v2"],
    ]  # fmt: skip
    data = json.loads(call("holdout", "log", "h", "--json").out)
    assert data["entries"][1]["revealed"]["accuracy"] == 0.7
    assert "secret" not in data["entries"][1]
    opened = call("holdout", "open", "h", *KEY, "--labels", "out.csv")
    assert opened.out.splitlines()[3].split()[:6] == ["v2", "bob", "92.50", "%", "92.50", "%"]
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "labels.csv").read_text()
    again = json.loads(call("holdout", "open", "h", *KEY, "--json").out)
    assert [one["model"] for one in again["scores"]] == ["a", "v2"]
    late = call("holdout", "evaluate", "h", "a.csv", *KEY)
    assert (late.code, late.out) == (2, "")
    assert "was opened on" in late.err


def test_thresholdout_and_limits(call) -> None:
    options = ("--policy", "thresholdout", "--threshold", 0.1, "--sigma", 0.001, "--budget", 1)
    assert call(*SEAL, *options, "--each", 2, "--json").code == 0
    missing = call("holdout", "evaluate", "h", "a.csv", *KEY)
    assert "that the submitter knows" in missing.err
    told = call("holdout", "evaluate", "h", "a.csv", *KEY, "--claimed", 0.95)
    assert told.out.startswith("7") or told.out.startswith("6")
    spent = call("holdout", "evaluate", "h", "a.csv", *KEY, "--claimed", 0.95)
    assert spent.out.startswith("The budget is spent: no answer. Looks left: 1.")
    assert (
        "bob has used all 2" in call("holdout", "evaluate", "h", "a.csv", *KEY, "--claimed", 1).err
    )


def test_mistakes(call, tmp_path: Path) -> None:
    inside = call("holdout", "seal", "labels.csv", "h", "--key", "h/k", "--looks", 3)
    assert "lie beside what it opens" in inside.err
    assert not (tmp_path / "h").exists()
    assert "needs a step" in call(*SEAL, "--policy", "rounded").err
    assert call(*SEAL, "--policy", "ladder-step", "--step", "0.01").code == 0
    assert "holds a sealed holdout already" in call(*SEAL).err
    bad = call("holdout", "evaluate", "h", "labels.csv", *KEY)
    assert bad.code == 2
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("item_id,prediction\ni0,cat\n")
    assert "1 predictions, where labels has 40" in call("holdout", "evaluate", "h", wrong, *KEY).err
    wrong.write_text(
        "item_id,model,prediction\n" + "".join(f"i{k % 40},m{k // 40},cat\n" for k in range(80))
    )
    assert "holds 2 models" in call("holdout", "evaluate", "h", wrong, *KEY).err
    assert "no key can be read" in call("holdout", "evaluate", "h", "a.csv", "--key", "none").err
    path = tmp_path / "h" / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"ann", b"eve"))
    assert call("holdout", "log", "h").code == 2
    assert "entry 1 is missing or not" in call("holdout", "verify", "h").err


def test_notes_are_warnings(call, tmp_path: Path) -> None:
    assert call(*SEAL).code == 0
    head = tmp_path / "h" / "head.json"
    before = head.read_bytes()
    assert call("holdout", "evaluate", "h", "a.csv", *KEY).code == 0
    after = head.read_bytes()
    head.write_bytes(before)
    assert "stopped before it could answer" in call("holdout", "log", "h").err
    head.write_bytes(after)
    with (tmp_path / "h" / "ledger.jsonl").open("ab") as stream:
        stream.write(b"{")
    assert "no whole entry" in call("holdout", "verify", "h").err
    assert call("holdout", "evaluate", "h", "b.csv", *KEY).code == 0
    assert "half a line of a stopped writer" in call("holdout", "verify", "h").err


def test_classes_without_an_example(call, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("bird\ncat\ndog\n")
    (tmp_path / "bird.csv").write_text(
        "item_id,prediction\n" + "".join(f"i{k},bird\n" for k in range(40))
    )
    call(*SEAL, "--policy", "exact")
    assert "'bird' is no class" in call("holdout", "evaluate", "h", "bird.csv", *KEY).err
    sealed = ("holdout", "seal", "labels.csv", "h2", "--key", "keys/k", "--looks", 3)
    assert call(*sealed, "--policy", "exact", "--classes", "classes.txt").code == 0
    assert call("holdout", "evaluate", "h2", "bird.csv", *KEY).out.startswith("0.00 %")
