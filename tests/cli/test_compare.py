from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import make_archive
from fakes import judged_store

SETS = ("--old", "imagenet/val", "--new", "imagenetv2-b-33")
FAST = ("--bootstrap", "500", "--item-bootstrap", "200")


@pytest.fixture
def store(run, archive: Path) -> tuple[str, str]:
    assert run("import", "imagenetv2", archive, "--store", "s").returncode == 0
    return ("--store", "s")


def test_compare_as_text(run, store) -> None:
    out = run("compare", *store, *SETS, *FAST)
    assert out.returncode == 0
    assert out.stdout.startswith("ImageNet validation -> ImageNetV2 MatchedFrequency, top1\n\n- ")
    for word in ("m0", "m3", "linear", "probit", "logit", "mean drop"):
        assert word in out.stdout


def test_compare_as_json_with_every_option(run, store, tmp_path: Path) -> None:
    out = run(
        "compare", *store, *SETS, *FAST, "--metric", "top5", "--exclude", "m1", "--exclude", "m[2]",
        "--resample", "items", "--seed", "4", "--level", "0.9", "--margin", "2",
        "--same-distribution", "--json", "--output", "c.json",
    )  # fmt: skip
    assert (out.returncode, out.stdout) == (0, "")
    data = json.loads((tmp_path / "c.json").read_text())
    settings = data["settings"]
    assert settings["metric"] == "top5"
    assert settings["exclude"] == ["m1", "m[2]"]
    assert (settings["resample"], settings["seed"], settings["level"], settings["margin"]) == (
        "items",
        4,
        0.9,
        2,
    )
    assert settings["same_distribution"]
    assert [row["model"] for row in data["models"]] == ["m0", "m3"] or len(data["models"]) == 2
    assert data["fits"] == {}


def test_json_goes_to_stdout_and_warnings_to_stderr(run, store) -> None:
    out = run("compare", *store, *SETS, *FAST, "--exclude", "m[12]", "--json", "--output", "-")
    assert json.loads(out.stdout)["schema"] == "freshset.comparison/1"
    assert "Warning: No line is fitted" in out.stderr


def test_the_store_may_come_from_the_environment(run, store) -> None:
    assert run("compare", *SETS, *FAST, env={"FRESHSET_STORE": "s"}).returncode == 0


def test_pair(run, store) -> None:
    out = run("pair", "m0", "m3", *store)
    assert "better beyond noise" in out.stdout or "tied" in out.stdout
    data = json.loads(run("pair", "m0", "m3", *store, "--testset", "imagenet/val", "--json").stdout)
    assert data["schema"] == "freshset.pair/1"
    assert len(data["testsets"]) == 1
    assert run("pair", "m0", "m7", *store).returncode == 2


def test_lint_exit_codes(run, store, tmp_path: Path) -> None:
    good = run("lint", *store)
    assert good.returncode == 0
    archive = make_archive(tmp_path / "bad", n=200, worst_first=True)
    run("import", "imagenetv2", archive, "--store", "t")
    bad = run("lint", "--store", "t")
    assert bad.returncode == 1
    assert (
        "FAULT   worst-first: m0 on imagenetv2/matched-frequency is stored worst-first"
        in bad.stdout
    )
    assert run("lint", "--store", "t", "--fail-on", "never").returncode == 0
    assert json.loads(run("lint", "--store", "t", "--json").stdout)["schema"] == "freshset.lint/1"


def test_report(run, store, tmp_path: Path) -> None:
    out = run("report", *store, *SETS, *FAST, "--output", "r")
    assert out.returncode == 0
    assert out.stdout == "r/index.html\n"
    assert "m3" in (tmp_path / "r" / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def judged(tmp_path: Path) -> tuple[str, ...]:
    judged_store.make(tmp_path)
    return ("--store", "store", "--old", judged_store.OLD, "--new", judged_store.NEW, *FAST)


def test_frequencies_add_the_gap_at_equal_frequency(call, judged, tmp_path: Path) -> None:
    files = ("--old-frequencies", "old.csv", "--new-frequencies", "pool.csv")
    out = call("compare", *judged, *files)
    assert out.code == 0
    for word in ("At equal true selection frequency", "Jackknife over answers", "Beta-Binomial"):
        assert word in out.out
    plain = call("compare", *judged)
    assert "selection" not in plain.out
    page = call("report", *judged, *files, "--output", "r").out.strip()
    assert "At equal selection frequency" in (tmp_path / page).read_text(encoding="utf-8")
    assert list((tmp_path / "r" / "tables").glob("*-selection.csv"))


def test_frequencies_of_one_set_are_a_mistake(call, judged) -> None:
    out = call("compare", *judged, "--old-frequencies", "old.csv")
    assert out.code == 2
    assert "of one set only" in out.err
    missing = call("compare", *judged, "--old-frequencies", "x.csv", "--new-frequencies", "x.csv")
    assert missing.code == 2
    assert "x.csv" in missing.err
