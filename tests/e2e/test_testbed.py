"""The testbed from end to end: 12 models in the formats people have, on three test sets.

The folder is that of ``examples/testbed``, the commands are those of the tutorial about it.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import snapshot
from e2e.commands import Done, freshset, interrupted, made_testbed, together

from freshset.store.parquet import ParquetStore

# All of them on one worker, as the steps build on each other, and that of the others that use Ray.
pytestmark = pytest.mark.xdist_group("ray")

SETS = ("digits/old", "digits/new", "digits/jpeg")
LATER = """
  - {name: ridge, model: "sklearn:models/ridge.skops?input=image&size=8x8&mode=L&std=0.0625"}
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What a command said, and every file of the store after it."""

    done: Done
    store: dict[str, bytes]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_testbed(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def folder(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("e2e") / "testbed"))


@pytest.fixture(scope="session")
def looked(folder: Path) -> list[Done]:
    """Looking at the study before it is run."""
    before = snapshot(folder)
    done = together(folder, ["check", "study.yaml"], ["run", "study.yaml", "--dry-run"])
    assert snapshot(folder) == before
    assert not (folder / "store").exists()
    return done


@pytest.fixture(scope="session")
def stopped(looked: list[Done], folder: Path) -> Step:
    return Step(interrupted(folder, "run", "study.yaml"), snapshot(folder / "store"))


@pytest.fixture(scope="session")
def status(stopped: Step, folder: Path) -> Done:
    return freshset(folder, "status", "study.yaml", "--json")


@pytest.fixture(scope="session")
def resumed(status: Done, folder: Path) -> Step:
    done = freshset(folder, "run", "study.yaml", "--no-report", "--json")
    return Step(done, snapshot(folder / "store"))


@pytest.fixture(scope="session")
def extended(resumed: Step, folder: Path) -> Step:
    with (folder / "study.yaml").open("a", encoding="utf-8") as file:
        file.write(LATER)
    done = freshset(folder, "run", "study.yaml")
    return Step(done, snapshot(folder / "store"))


@pytest.fixture
def other(made: Path, tmp_path: Path) -> Path:
    """The same folder elsewhere, without a store."""
    return Path(shutil.copytree(made, tmp_path / "elsewhere"))


def test_check_finds_no_fault(looked: list[Done]) -> None:
    done = looked[0]
    assert done.code == 0, done.err
    assert "12 models, 36 cells that fit: 0 faults" in done.out
    for name, n in zip(SETS, (579, 640, 640), strict=True):
        assert re.search(rf"^{name} +{n} +{n} +10 ", done.out, re.MULTILINE)


def test_a_dry_run_says_what_is_to_do_and_writes_nothing(looked: list[Done]) -> None:
    done = looked[1]
    assert done.code == 0, done.err
    assert "36 cells: 36 to run." in done.out
    assert "36 cells to run (22,308 forward passes); 0 of 36 are there." in done.out
    # Three ways to prepare an item, and one model that reads none.
    assert f"Items to read and prepare: {3 * (579 + 640 + 640):,}, shared" in done.out


def test_an_interrupted_run_keeps_what_it_has(stopped: Step, status: Done) -> None:
    assert stopped.done.code == 130
    assert "run the same command again to resume" in stopped.done.err
    assert "Traceback" not in stopped.done.err
    count = status.document["count"]
    assert set(count) <= {"done", "missing", "partial"}
    assert 0 < count["done"] < 36
    assert sum(count.values()) == 36


def test_the_same_command_resumes(stopped: Step, status: Done, resumed: Step) -> None:
    assert resumed.done.code == 0, resumed.done.err
    document = resumed.done.document
    assert document["complete"]
    assert document["count"] == {"done": 36}
    assert len(document["made"]) == 36 - status.document["count"]["done"]
    kept = {name: data for name, data in stopped.store.items() if name.startswith("cells")}
    assert kept.items() <= resumed.store.items()
    assert not any(name.startswith(("partial", "failures")) for name in resumed.store)


def test_a_model_that_is_added_is_all_that_is_run(resumed: Step, extended: Step) -> None:
    assert extended.done.code == 0, extended.done.err
    assert "3 cells to run (1,859 forward passes); 36 of 39 are there." in extended.done.err
    assert "3 cells made, 0 failed. 39 cells: 39 done." in extended.done.out
    assert resumed.store.items() <= extended.store.items()
    new = [name for name in extended.store.keys() - resumed.store.keys() if "cells" in name]
    assert len(new) == 6
    assert all("/ridge/" in name for name in new)


def test_the_run_ends_with_a_report(extended: Step, folder: Path) -> None:
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "New writers, enlarged and compressed (simulated)" in page
    assert "All 11 models lose accuracy on digits/new" in page
    assert "All 11 models lose accuracy on digits/new" in extended.done.out
    assert not re.search(r"https?://|@import|url\((?!#)|<script[^>]+src=", page)


def test_one_net_in_three_formats_is_one_net(extended: Step, folder: Path) -> None:
    store = ParquetStore(folder / "store")
    for name in SETS:
        timm, onnx, py = store.predictions(name, ["resnet", "resnet-onnx", "resnet-py"])
        assert (timm == onnx).all()
        assert (timm == py).all()
        assert (timm == store.testset(name).labels).mean() > 0.8


def test_two_shards_make_the_same_store(resumed: Step, other: Path) -> None:
    run = ["run", "study.yaml", "--store", "shared", "--no-report"]
    one, two = together(other, [*run, "--shard", "1/2"], [*run, "--shard", "2/2"])
    assert (one.code, two.code) == (0, 0), one.err + two.err
    made = [
        re.search(r"^(\d+) cells to run in shard", done.err, re.MULTILINE) for done in (one, two)
    ]
    assert sum(int(match[1]) for match in made if match) == 36
    assert all(match and int(match[1]) > 6 for match in made)
    assert snapshot(other / "shared") == resumed.store


def test_ray_makes_the_same_store(resumed: Step, other: Path) -> None:
    pytest.importorskip("ray")
    done = freshset(other, "run", "study.yaml", "--backend", "ray", "--no-report")
    assert done.code == 0, done.err
    assert "36 cells made, 0 failed." in done.out
    assert snapshot(other / "store") == resumed.store


def test_one_model_that_fails_stops_no_other(other: Path) -> None:
    whole = (other / "models" / "knn.skops").read_bytes()
    (other / "models" / "knn.skops").write_bytes(whole[: len(whole) // 2])
    study = yaml.safe_load((other / "study.yaml").read_text(encoding="utf-8"))
    # Four models say as much as twelve.
    study["models"] = [one for one in study["models"] if "skops" in one["model"]]
    study["compare"] = [{"old": "digits/old", "new": "digits/new"}]
    (other / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    done = freshset(other, "run", "study.yaml")
    assert done.code == 3
    assert "9 cells made, 3 failed. 12 cells: 9 done, 3 failed." in done.out
    assert "knn on digits/old" in done.out
    assert "All 3 models lose accuracy on digits/new" in done.out
    page = (other / "report" / "index.html").read_text(encoding="utf-8")
    assert "All 3 models lose accuracy on digits/new" in page
    for name in ("digits/old", "digits/new"):
        assert re.search(rf"knn</th><td[^>]*>{name}</td><td[^>]*>[^<]*knn\.skops", page)
