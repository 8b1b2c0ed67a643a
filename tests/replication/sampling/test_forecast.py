"""The forecast of tasks and cost, against what then happens in simulated projects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes.pool import ANIMALS, add_images, exclude, frequencies

from freshset.core.frequencies import Frequencies
from freshset.replication.project import Project
from freshset.replication.sampling.choose import Choice, choice_of
from freshset.replication.sampling.forecast import forecast


@pytest.fixture
def animals(tmp_path: Path) -> Iterator[Project]:
    """Cats by threshold: three are wanted, and two of the dogs."""
    spec = ANIMALS % "strategy: threshold"
    with Project.create(tmp_path / "animals", spec, who="ada", why="x") as project:
        yield project


def choice(project: Project, table: Frequencies, **rules: object) -> Choice:
    with project.read() as connection:
        return choice_of(connection, table, **rules)


def rows(selected: list[int], key: str, letter: str) -> list[tuple[str, str, float, float]]:
    return [(f"{letter}{n}", key, float(k), 10.0) for n, k in enumerate(selected)]


def test_a_class_that_has_enough_needs_nothing(animals: Project) -> None:
    add_images(animals, [f"c{n}" for n in range(5)], "cat")
    add_images(animals, [f"d{n}" for n in range(5)], "dog")
    table = frequencies(rows([10] * 5, "cat", "c") + rows([10] * 5, "dog", "d"))
    got = forecast(choice(animals, table), rng=np.random.default_rng(0))
    assert got.tasks.expected == got.cost.expected == got.cost.high == 0
    assert got.unreachable == ()
    assert [one.missing for one in got.classes] == [{}, {}]


def test_what_is_missing_and_what_it_takes(animals: Project) -> None:
    # One cat in ten reaches .7, and half of those were excluded.
    said = [10, 9, 8, 7, *([0, 1, 2, 3] * 9)]
    add_images(animals, [f"c{n}" for n in range(60)], "cat")
    table = frequencies(rows(said, "cat", "c"))
    exclude(animals, "c0")
    exclude(animals, "c1")
    got = forecast(choice(animals, table), rng=np.random.default_rng(0))
    cat, dog = got.classes
    assert (cat.stock, cat.missing) == ({"all": 2}, {"all": 1})
    assert (cat.unlabelled, cat.basis) == (20, "own")
    assert 0.02 < cat.chances["all"] < 0.08
    assert cat.candidates.expected == pytest.approx(1 / cat.chances["all"], rel=1e-6)
    assert cat.candidates.low < cat.candidates.expected < cat.candidates.high
    # Nothing is known of dogs but what cats are like.
    assert (dog.basis, dog.missing) == ("all classes", {"all": 2})
    # Ten workers a task, ten cents each, and 40 % of that for MTurk.
    assert got.cost.expected == pytest.approx(got.tasks.expected * 10 * 0.1 * 1.4)
    document = json.loads(json.dumps(got.to_dict(), allow_nan=False))
    assert document["schema"] == "freshset.forecast/1"
    assert "40 %" in document["fee"]


def test_nothing_known_is_no_forecast(animals: Project) -> None:
    got = forecast(choice(animals, frequencies([])), rng=np.random.default_rng(0))
    assert got.unreachable == ("cat", "dog")
    assert got.classes[0].candidates.expected is None
    assert got.classes[0].basis == "none"
    json.dumps(got.to_dict(), allow_nan=False)


def test_a_set_at_random_needs_one_candidate_an_image(animals: Project) -> None:
    table = frequencies(rows([5] * 12, "cat", "c")[:1])
    add_images(animals, ["c0"], "cat")
    got = forecast(choice(animals, table, strategy="random"), rng=np.random.default_rng(0))
    assert got.classes[0].candidates.expected == pytest.approx(2)
    assert got.classes[1].candidates.expected == pytest.approx(2)


MATCHED = """\
name: animals/fresh
original: animals/test
per_class: 10
classes: [{key: cat, confused_with: dog}, {key: dog, confused_with: cat}]
sampling: {upward: %s}
"""


@pytest.mark.parametrize("upward", ["false", "true"])
def test_the_forecast_comes_true(tmp_path: Path, upward: str) -> None:
    """Label simulated candidates until the set is valid: how often the interval held."""
    rng = np.random.default_rng(5)
    with Project.create(tmp_path / "p", MATCHED % upward, who="ada", why="x") as project:
        for key, letter in (("cat", "o"), ("dog", "q")):
            add_images(project, [f"{letter}{n}" for n in range(40)], key, pool="test")
        add_images(project, [f"c{n}" for n in range(60)], "cat")
        held, ratios = [], []
        for _ in range(15):
            original = rows(rng.binomial(10, rng.beta(2, 1, 40)).tolist(), "cat", "o")
            original += rows([10] * 40, "dog", "q")
            said = rng.binomial(10, rng.beta(1, 1.5, 60))
            table = frequencies(original + rows(said.tolist(), "cat", "c"))
            chosen = choice(project, table)
            cat = forecast(chosen, rng=rng, simulations=400).classes[0]
            target, stock = (np.array([*part.values()]) for part in (cat.target, cat.stock))
            needed = []
            for _ in range(20):
                more = rng.binomial(10, rng.beta(1, 1.5, 4_000))
                bins = np.minimum(more * 5 // 10, 4)
                have = stock + np.cumsum(np.eye(5, dtype=int)[bins], axis=0)
                have = np.vstack([stock, have])
                if upward == "true":
                    lack, need = have[:, ::-1].cumsum(axis=1), target[::-1].cumsum()
                    valid = (lack >= need).all(axis=1)
                else:
                    valid = (have >= target).all(axis=1)
                needed.append(int(valid.argmax()))
            held += [cat.candidates.low <= n <= cat.candidates.high for n in needed]
            ratios.append((np.mean(needed) + 1) / (cat.candidates.expected + 1))
    assert 0.75 < np.mean(held) <= 1
    assert np.median(ratios) == pytest.approx(1, abs=0.25)
