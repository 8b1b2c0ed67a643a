"""``freshset transfer pick`` prints a ranked answer, and ends with 3 when models were left out."""

from __future__ import annotations

import json

import pytest
from fakes.small_transfer import make_dataset, make_study

pytest.importorskip("torch")

QUICK = ("--device", "cpu", "--workers", 0, "--threads", 1)


@pytest.fixture
def folder(tmp_path):
    make_study(tmp_path)  # for its networks
    make_dataset(tmp_path / "scenes", strength=120, seed=3, n=10, test=3)
    (tmp_path / "list.txt").write_text("py:nets.py:narrow\npy:nets.py:wide\n")
    return tmp_path


def test_a_ranked_answer_in_words_and_as_json(call, folder) -> None:
    command = ("transfer", "pick", "--data", "scenes", "--models", "@list.txt", *QUICK)
    result = call(*command, "--budget", "10min", "--top", 1)
    assert result.code == 0, result.out
    lines = result.out.splitlines()
    assert lines[0] == "scenes: 3 classes; probes learned from 24 images, and 6 others judged them."
    header = next(line for line in lines if line.startswith("group"))
    assert header.split()[:3] == ["group", "model", "accuracy"]
    assert "fine-tuning, hyperrule" in header
    rows = [line for line in lines if "py:nets.py:" in line and line.strip()[0] == "1"]
    assert len(rows) == 2
    assert "no test image was opened" in " ".join(result.out.split())
    as_json = call(*command, "--json")
    found = json.loads(as_json.out)
    assert [one["group"] for one in found["candidates"]] == [1, 1]
    assert found["untried"] == []


def test_models_left_out_are_named_and_told_by_the_exit_code(call, folder) -> None:
    result = call(
        "transfer", "pick", "--data", "scenes", "--models", "py:nets.py:nobody",
        "--models", "py:nets.py:wide", *QUICK,
    )  # fmt: skip
    assert result.code == 3
    assert "Not tried: py:nets.py:nobody: " in result.out
    assert "py:nets.py:wide is the only model that was tried." in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "nowhere", "--models", "py:nets.py:wide"), "There is no folder"),
        (("--data", "scenes", "--models", "@nothing.txt"), "nothing.txt"),
        (("--data", "scenes", "--models", "tim:resnet18"), "timm"),
        (("--data", "scenes", "--models", "py:nets.py:wide", "--budget", "soon"), "is not a time"),
    ],
)
def test_refuses_what_is_not_there(call, folder, arguments, said) -> None:
    result = call("transfer", "pick", *arguments)
    assert result.code == 2
    assert said in result.err
