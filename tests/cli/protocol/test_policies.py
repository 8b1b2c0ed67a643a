from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest

LABELS = np.arange(40) % 2


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", LABELS)
    for name, wrong in (("a", 20), ("b", 19), ("c", 8)):
        guess = LABELS.copy()
        guess[:wrong] ^= 1
        np.save(tmp_path / f"{name}.npy", guess)


FILES = ("a.npy", "b.npy", "c.npy", "--labels", "labels.npy")


def test_ladder(call) -> None:
    got = call("ladder", *FILES)
    assert got.code == 0, got.err
    lines = [line.split() for line in got.out.splitlines()[2:]]
    assert lines == [
        ["a", "50.00", "%", "better"],
        ["b", "50.00", "%"],
        ["c", "80.00", "%", "better"],
    ]
    step = json.loads(call("ladder", *FILES, "--step", "0.4", "--json").out)
    assert step["policy"] == "ladder-step"
    assert [one["improved"] for one in step["answers"]] == [True, False, False]


def test_a_state_goes_on_and_is_private(call, tmp_path: Path) -> None:
    first = call("ladder", "a.npy", "--labels", "labels.npy", "--state", "s.json")
    second = call("ladder", "b.npy", "c.npy", "--labels", "labels.npy", "--state", "s.json")
    whole = call("ladder", *FILES)
    assert first.out.splitlines()[2:] + second.out.splitlines()[2:] == whole.out.splitlines()[2:]
    assert stat.S_IMODE((tmp_path / "s.json").stat().st_mode) == 0o600
    other = call("ladder", *FILES, "--step", "0.1", "--state", "s.json")
    assert (other.code, other.out) == (2, "")
    assert "written with other settings" in other.err


def test_thresholdout(call, tmp_path: Path) -> None:
    claims = ("--claimed", 0.9, "--claimed", 0.52, "--claimed", 0.8)
    options = ("--threshold", 0.1, "--sigma", 0.001, "--budget", 1, "--seed", 4)
    got = call("thresholdout", *FILES, *claims, *options, "--json", "--output", "r.json")
    assert got.code == 0, got.err
    answers = json.loads((tmp_path / "r.json").read_text())["answers"]
    assert answers[0]["accuracy"] == pytest.approx(0.5, abs=0.05)
    assert [one["remaining"] for one in answers] == [0, 0, 0]
    assert answers[1]["accuracy"] is None
    assert "refused" in call("thresholdout", *FILES, *claims, *options).out
    free = ("--budget", 0, "--noise", "gaussian", "--threshold", 0.1, "--sigma", 0.001)
    assert "refused" not in call("thresholdout", *FILES, *claims, *free).out
    assert "Claim the loss" in call("thresholdout", *FILES, *options).err


def test_simulate(call, tmp_path: Path) -> None:
    got = call(
        "simulate", "--submissions", 12, "--repetitions", 2, "--items", 60, "--figure", "f.svg",
        "--seed", 1,
    )  # fmt: skip
    assert got.code == 0, got.err
    assert "After 12 submissions (boosting)" in got.out
    assert (tmp_path / "f.svg").read_text().startswith("<?xml")
    data = json.loads(
        call("simulate", "--submissions", 5, "--repetitions", 2, "--items", 20, "--json").out
    )
    assert data["schema"] == "freshset.feedback-simulation/1"
