from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import judged_store


def test_competition(call, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"t{k % 9},{p:.4f},{p - 0.01:.4f}" for k, p in enumerate(rng.uniform(0.6, 0.9, 60))]
    (tmp_path / "t.csv").write_text("team,public,private\n" + "\n".join([*rows, "t9,0.5,"]) + "\n")
    items = ("--public-items", 800, "--private-items", 2400)
    got = call(
        "competition",
        "t.csv",
        *items,
        "--figure",
        "f.svg",
        "--level",
        0.9,
        "--seed",
        2,
        "--report",
        "r",
    )
    assert got.code == 0, got.err
    assert "adaptivity is identified" in " ".join(got.out.split())
    assert "1 rows without both scores" in got.err
    assert (tmp_path / "f.svg").exists()
    assert (tmp_path / "r" / "index.html").exists()
    data = json.loads(call("competition", "t.csv", *items, "--json", "--output", "-").out)
    assert data["submissions"] == 60


def test_looks_of_a_store(call, tmp_path: Path) -> None:
    store = judged_store.make(tmp_path, items=60)
    asked = ("looks", "--store", store, "--testset", judged_store.OLD, "--unrecorded", 6)
    got = call(*asked, "--report", "r")
    page = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "Looks, and the best score so far" in page
    assert got.code == 0, got.err
    assert got.out.startswith("look  at")
    assert "looked at 4 times" in " ".join(got.out.split())
    data = json.loads(call("looks", "--store", store, "--testset", judged_store.NEW, "--json").out)
    assert data["source"] == "store"
    assert call("looks", "--store", store).code == 2


def test_looks_of_a_holdout(call, tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.arange(30) % 3)
    call("holdout", "seal", "l.npy", "h", "--key", "k", "--looks", 5)
    assert "nothing was evaluated" in call("looks", "--holdout", "h").err
    call("holdout", "evaluate", "h", "l.npy", "--key", "k")
    got = call("looks", "--holdout", "h", "--level", 0.9)
    assert "100.00 %" in got.out


def test_levels_and_seeds_that_mean_nothing(call, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("public,private\n0.9,0.8\n0.8,0.8\n")
    audit = ("competition", "t.csv", "--public-items", 10, "--private-items", 10)
    assert "level is 3.0, not between 0 and 1" in call(*audit, "--level", 3).err
    assert call(*audit, "--seed", -1).code == 2


def test_plan(call) -> None:
    sizes = ("--accuracy", 0.9, "--old-items", 10_000, "--fresh-items", 2_000)
    got = call("plan", *sizes, "--models", 10, "--drop", 1.5, "--power", 0.9, "--level", 0.9)
    assert got.code == 0, got.err
    assert "any of 45 pairs" in " ".join(got.out.split())
    data = json.loads(call("plan", *sizes, "--json").out)
    one = next(row for row in data["needed"] if row["drop"] == 1)
    assert one["fresh"] == pytest.approx(26_172)
    assert (
        "impossible" in call("plan", "--accuracy", 0.5, "--old-items", 50, "--fresh-items", 50).out
    )
    assert call("plan", "--accuracy", 2, "--old-items", 1, "--fresh-items", 1).code == 2
