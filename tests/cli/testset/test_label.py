from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, answered, item
from typer.testing import CliRunner, Result

from freshset.cli.main import app
from freshset.cli.testset.label import frequencies
from freshset.core.errors import DataError, UsageError
from freshset.replication.labelling import mturk
from freshset.replication.project import Project
from freshset.replication.tables import origins
from freshset.store.frequencies import read_frequencies

SPEC = """\
name: animals/fresh
original: animals/test
per_class: 5
classes:
  - {key: cat, definition: It purrs., confused_with: dog}
  - {key: dog, definition: It barks., confused_with: cat}
sampling: {strategy: threshold, threshold: 0.7, min_answers: 8}
workers: {policy: drop}
"""
ME = ("--who", "ada", "--why", "test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "p", SPEC, who="ada", why="x") as project:
        add_images(project, "candidate", {"cat": 60, "dog": 60})
        add_images(project, "test", {"cat": 30, "dog": 30})
    return tmp_path


def run(folder: Path, *arguments: object, input: str | None = None) -> Result:
    command = ["testset", *map(str, arguments), "--project", str(folder / "p")]
    result = CliRunner().invoke(app, command, input=input)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def crowd(folder: Path, workers: Sequence[str] = "abcdefghij", *, spammers: str = "") -> Path:
    """Answers of a simulated crowd to the tasks of the project."""
    path = folder / "answers.csv"
    with Project.open(folder / "p") as project:
        skills = {name: 0.0 if name in spammers else 0.95 for name in workers}
        answered(project, skills, rng=np.random.default_rng(0)).to_csv(path, index=False)
    return path


def test_from_tasks_to_a_forecast(folder: Path) -> None:
    made = run(folder, "tasks", *ME).stdout
    assert made.startswith("Batch 001: 4 tasks with 192 images, which ask about 120.")
    path = crowd(folder, spammers="a")
    imported = json.loads(run(folder, "answers", "table", path, *ME, "--json").stdout)
    assert imported["schema"] == "freshset.answers-import/1"
    assert (imported["rows"], imported["workers"], imported["closed"]) == (1_920, 10, 4)
    again = run(folder, "answers", "table", path, *ME)
    assert again.stdout.startswith("Imported 0 of 1,920 answers of 10 workers.")
    result = run(folder, "frequencies", "--write", folder / "f.csv", "--json")
    data = json.loads(result.stdout)
    assert data["schema"] == "freshset.frequencies-summary/1"
    assert len(data["by_worker"]) == 10
    assert len(data["policy"]["failed"]) == 1
    table = read_frequencies(folder / "f.csv")
    assert set(table.answers) == {9}
    run(folder, "frequencies", "--raw", "--write", folder / "raw.parquet")
    run(folder, "frequencies", "--details", folder / "d.csv")
    np.testing.assert_allclose(read_frequencies(folder / "d.csv").value, table.value)
    assert set(read_frequencies(folder / "raw.parquet").answers) == {10}
    assert run(folder, "forecast").stdout.startswith("Nothing is missing")
    forecast = json.loads(run(folder, "forecast", "--json").stdout)
    assert forecast["schema"] == "freshset.forecast/1"
    assert forecast["cost"]["expected"] == 0


def test_frequencies_for_a_comparison_name_originals_as_their_test_set_does(folder: Path) -> None:
    run(folder, "tasks", *ME)
    run(folder, "answers", "table", crowd(folder), *ME)
    with Project.open(folder / "p") as project, project.change("fake", who="a", why="b") as change:
        rows = [
            {
                "source": "original:test", "key": f"cat/{i}.png", "class_key": "cat",
                "item_id": item(f"test-cat-{i}.jpg"), "retrieved_at": "",
            }
            for i in range(30)
        ]  # fmt: skip
        change.connection.execute(sa.insert(origins), rows)
    tables = {}
    for name, options in (("ids", ()), ("names", ("--original-names",))):
        run(folder, "frequencies", *options, "--write", folder / f"{name}.csv")
        tables[name] = read_frequencies(folder / f"{name}.csv")
    asked = {item(f"test-cat-{i}.jpg"): f"cat/{i}.png" for i in range(30)}
    ids = tables["ids"].item_ids.tolist()
    assert asked.keys() & set(ids)
    assert tables["names"].item_ids.tolist() == [asked.get(one, one) for one in ids]
    with pytest.raises(UsageError, match="needs a project"):
        frequencies(of=("table", folder / "answers.csv"), original_names=True)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_answers_are_exported_and_read_again(folder: Path, ending: str) -> None:
    run(folder, "tasks", *ME)
    run(folder, "answers", "table", crowd(folder), *ME)
    path = folder / "out" / f"all.{ending}"
    data = json.loads(run(folder, "export", path, "--json").stdout)
    assert data["bytes"] == path.stat().st_size
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    again = run(folder, "answers", "table", path, *ME)
    assert again.stdout.startswith("Imported 0 of ")
    with pytest.raises(UsageError, match="not written as 'txt'"):
        run(folder, "export", folder / "all.txt")


def test_text_of_frequencies(folder: Path) -> None:
    run(folder, "tasks", *ME)
    run(folder, "answers", "table", crowd(folder, spammers="ab"), *ME)
    text = run(folder, "frequencies").stdout
    assert "0 without answers; 8 to 8 answers each." in text
    for words in ("Agreement: pairs that agree", "Krippendorff's alpha", "Dawid-Skene consensus"):
        assert words in text
    assert "Workers: 10, of whom 2 failed the controls; policy drop changes" in text


def test_a_forecast_before_enough_is_there(folder: Path) -> None:
    run(folder, "tasks", *ME)
    path = crowd(folder)
    lines = path.read_text(encoding="utf-8").splitlines()
    # Answers about twenty images only.
    header, rows = lines[0], lines[1:]
    tokens = sorted({row.split(",")[1] for row in rows})[:20]
    kept = [row for row in rows if row.split(",")[1] in tokens]
    path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    run(folder, "answers", "table", path, *ME)
    text = run(folder, "forecast", "--simulations", 200).stdout
    assert text.startswith("Further tasks: ")
    assert "(90 % of simulations)" in text
    assert "to collect" in text
    first, second = (
        run(folder, "forecast", "--json", "--seed", seed, "--simulations", 50).stdout
        for seed in (1, 1)
    )
    assert first == second
    with pytest.raises(UsageError, match="does not lie between"):
        run(folder, "forecast", "--level", 90)


def test_a_forecast_without_answers_says_that_nothing_is_known(folder: Path) -> None:
    text = run(folder, "forecast").stdout
    assert "nothing says how to reach them: cat, dog" in text
    assert "unknown" in text


def test_batches_are_closed_and_nothing_half_asked(folder: Path) -> None:
    run(folder, "tasks", *ME)
    assert run(folder, "tasks", *ME, "--batch", "001", "--close").stdout == (
        "Closed 4 tasks of batch 001.\n"
    )
    with pytest.raises(UsageError, match="What is to be done with batch 001"):
        run(folder, "tasks", *ME, "--batch", "001")
    with pytest.raises(UsageError, match="Which tasks"):
        run(folder, "tasks", *ME, "--close")
    made = json.loads(run(folder, "tasks", *ME, "--originals", "--json").stdout)
    assert (made["batch"], made["asked"]) == ("002", 40)


def test_tasks_whose_images_are_gone_are_not_exported(folder: Path) -> None:
    with pytest.raises(DataError, match="is missing"):
        run(folder, "tasks", *ME, "--export", folder / "out")
    with pytest.raises(DataError, match="is missing"):
        run(folder, "tasks", *ME, "--batch", "001", "--export", folder / "out2")


def test_a_bad_file_imports_nothing_and_exits_with_2(folder: Path) -> None:
    (folder / "bad.csv").write_text("task,worker,label\nnone.jpg,w,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"bad.csv: row 0: no image 'none.jpg'"):
        run(folder, "answers", "table", folder / "bad.csv", *ME)
    with Project.open(folder / "p") as project:
        assert list(project.entries(action="answers")) == []


@pytest.mark.parametrize(
    "arguments", [("table",), ("mturk",), ("table", "--fetch"), ("mturk", "x.csv", "--fetch")]
)
def test_answers_come_from_one_place(folder: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="Answers come from one file"):
        run(folder, "answers", *arguments, *ME)


def test_answers_of_others_need_no_project(folder: Path) -> None:
    (folder / "a.csv").write_text(
        "task,worker,label\nx,w,cat\nx,v,dog\ny,w,cat\ny,v,cat\n", encoding="utf-8"
    )

    def alone(*arguments: object) -> Result:
        result = CliRunner().invoke(app, ["testset", "frequencies", *map(str, arguments)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    data = json.loads(alone("--of", "table", folder / "a.csv", "--json").stdout)
    assert (data["answers"], data["workers"], data["frequencies"]["images"]) == (8, 2, 4)
    counts = np.zeros((2, 10), dtype=int)
    counts[:, 3] = 47
    np.save(folder / "c.npy", counts)
    text = alone("--of", "cifar10h", folder / "c.npy").stdout
    assert text.startswith("20 images and classes, 0 without answers; 47 to 47 answers each.")
    with pytest.raises(UsageError, match="Counts alone have no details"):
        alone("--of", "cifar10h", folder / "c.npy", "--details", folder / "d.csv")
    with pytest.raises(UsageError, match="Whose answers"):
        alone()


class FakeClient:
    """MTurk as far as posting goes."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []

    def create_hit(self, **options: Any) -> dict[str, Any]:
        self.posted.append(options)
        return {"HIT": {"HITId": f"H{len(self.posted)}"}}

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **options: Any) -> list[dict[str, Any]]:
        return [{"HITs": [], "Assignments": []}]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    fake = FakeClient()
    monkeypatch.setattr(mturk, "connect", lambda *, live=False: fake)
    return fake


URL = "https://host/{token}.jpg"


def test_the_cost_is_shown_before_anything_is_posted(folder: Path, client: FakeClient) -> None:
    run(folder, "tasks", *ME)
    text = run(folder, "publish", *ME, "--dry-run", "--live").stdout
    assert text.startswith(
        "4 tasks x 10 workers x $0.10 and fees = $5.60 for real workers.\nMTurk charges 20 %"
    )
    assert client.posted == []
    result = run(folder, "publish", *ME, "--image-url", URL)
    assert "the sandbox, which is free" in result.stderr
    assert result.stdout == "Published 4 tasks.\n"
    assert len(client.posted) == 4


@pytest.mark.parametrize(
    ("confirm", "posted"), [((), 0), (("--confirm", "yes"), 0), (("--confirm", "LIVE"), 4)]
)
def test_live_needs_the_word(
    folder: Path, client: FakeClient, confirm: tuple[str, ...], posted: int
) -> None:
    run(folder, "tasks", *ME)
    command = ("publish", *ME, "--live", "--image-url", URL, *confirm)
    if posted:
        assert json.loads(run(folder, *command, "--json").stdout)["published"] == 4
    else:
        # There is no terminal here, so nobody is asked.
        with pytest.raises(UsageError, match=r"Nothing was posted: live tasks cost \$5.60"):
            run(folder, *command)
    assert len(client.posted) == posted


def test_where_the_images_lie_is_asked(folder: Path, client: FakeClient) -> None:
    run(folder, "tasks", *ME)
    with pytest.raises(UsageError, match="Give one of --image-url and --page-url"):
        run(folder, "publish", *ME)
    run(folder, "publish", *ME, "--page-url", "https://host/{task}")
    assert "ExternalQuestion" in client.posted[0]["Question"]


def test_fetching_without_answers(folder: Path, client: FakeClient) -> None:
    run(folder, "tasks", *ME)
    run(folder, "publish", *ME, "--image-url", URL)
    with pytest.raises(DataError, match="no answers"):
        run(folder, "answers", "mturk", "--fetch", *ME)
