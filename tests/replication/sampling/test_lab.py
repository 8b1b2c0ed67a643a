from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fakes.pool import ANIMALS, add_images, animals, exclude, frequencies

from freshset.core.errors import UsageError
from freshset.core.frequencies import Frequencies
from freshset.replication.project import Project
from freshset.replication.sampling.choose import Choice, choice_of
from freshset.replication.sampling.eligibility import Barred, judge
from freshset.replication.sampling.lab import Correct, Spread, run_lab
from freshset.replication.sampling.plan import limits_of, plan_of
from freshset.replication.sampling.pools import Pools
from freshset.replication.spec import parse_spec


def choice(project: Project, answers, strategy: str) -> Choice:
    text = ANIMALS % f"strategy: {strategy}"
    if project.spec_text != text:
        project.change_spec(text, who="ada", why="x")
    with project.read() as connection:
        return choice_of(connection, answers)


@pytest.fixture
def choices(tmp_path: Path) -> dict[str, Choice]:
    with Project.create(tmp_path / "p", ANIMALS % "strategy: top", who="ada", why="x") as project:
        rows = []
        for letter, key in (("c", "cat"), ("d", "dog")):
            ids = [f"{letter}{k}" for k in range(10)]
            add_images(project, ids, key)
            rows += [(one, key, k, 10) for k, one in enumerate(ids)]
        answers = frequencies(rows)
        return {name: choice(project, answers, name) for name in ("top", "random")}


def test_top_has_no_spread_and_random_has(choices) -> None:
    lab = run_lab(choices, range(30))
    top, random = lab.rows
    assert (top.strategy, random.strategy) == ("top", "random")
    assert top.mean_frequency == Spread(*[pytest.approx(v) for v in (0.82, 0, 0.82, 0.82)])
    assert top.overlap == Spread(1.0, 0.0, 1.0, 1.0)
    # 3 of 10 and 2 of 10 at random: two samples share 3 * 3/10 + 2 * 2/10 of 5 images.
    assert random.overlap.mean == pytest.approx(1.3 / 5, abs=0.05)
    assert random.mean_frequency.mean == pytest.approx(0.45, abs=0.08)
    assert random.mean_frequency.sd > 0
    assert random.images == Spread(5.0, 0.0, 5.0, 5.0)
    assert (random.missing.high, random.upward.high, random.accuracy) == (0, 0, {})
    document = json.loads(json.dumps(lab.to_dict()))
    assert document["schema"] == "freshset.strategy-lab/1"
    assert document["seeds"] == list(range(30))


def test_accuracy_is_that_of_the_sample(choices) -> None:
    ids = np.array([f"{letter}{k}" for letter in "cd" for k in range(10)], dtype=object)
    easy = np.array([int(one[1]) >= 7 for one in ids])
    correct = Correct(("all", "easy"), ids, np.array([np.ones(20, bool), easy]))
    top, random = run_lab(choices, range(20), correct=correct).rows
    assert top.accuracy["easy"] == Spread(100.0, 0.0, 100.0, 100.0)
    assert random.accuracy["all"].mean == 100
    assert random.accuracy["easy"].sd > 0
    few = Correct(("all",), ids[:3], np.ones((1, 3), bool))
    with pytest.raises(UsageError, match="no predictions for image"):
        run_lab(choices, [1], correct=few)


def test_one_seed_has_no_spread(choices) -> None:
    (row,) = run_lab({"random": choices["random"]}, [4]).rows
    assert row.overlap is None
    assert row.mean_frequency.sd == 0


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_that_contradict_are_refused(choices, seeds) -> None:
    with pytest.raises(UsageError, match="different seeds"):
        run_lab(choices, seeds)


def test_an_empty_pool_has_no_frequency(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ANIMALS % "strategy: top", who="ada", why="x") as project:
        answers = animals(project, 1)
        exclude(project, "c0")
        exclude(project, "d0")
        empty = choice(project, answers, "random")
    (row,) = run_lab({"random": empty}, [1, 2]).rows
    assert (row.images.mean, row.missing.mean, row.mean_frequency) == (0, 5, None)
    with pytest.raises(UsageError, match="empty"):
        run_lab({"random": empty}, [1], correct=Correct((), np.array([]), np.ones((0, 0), bool)))


def real_votes(shared_data: Path) -> tuple[Frequencies, Correct]:
    """ReaL's five answers on whether ImageNet images show their own class, and two models."""
    sets = shared_data / "imagenetv2" / "datasets" / "imagenet-validation-original.json"
    rows = json.loads(sets.read_text("utf-8"))["image_filenames"]
    keys = sorted({key for _, key in rows})
    number = {key: i for i, key in enumerate(keys)}
    names = np.array([name for name, _ in rows], dtype=object)
    labels = np.array([number[key] for _, key in rows])
    place = {name: i for i, name in enumerate(names)}
    raters = np.load(shared_data / "real" / "raters.npz")
    image = np.array([place[name] for name in raters["info"][:, 0]])
    own = labels[image] == raters["info"][:, 1].astype(int)
    no, maybe, yes = raters["tensor"][:, own].sum(axis=0).T
    of_image = np.array(keys, dtype=object)[labels[image[own]]]
    votes = Frequencies(names[image[own]], of_image, yes + maybe / 2, no + maybe + yes)
    folder = shared_data / "imagenetv2" / "predictions" / "imagenet-validation-original"
    models = ("resnet50", "alexnet")
    right = [np.load(folder / f"{model}.npy")[:, 0] == labels for model in models]
    return votes, Correct(models, names, np.array(right))


@pytest.mark.shared_data
def test_strategies_on_the_answers_of_real(shared_data: Path) -> None:
    """The figures of docs/explanation/sampling-strategies.md, with fewer seeds."""
    votes, correct = real_votes(shared_data)
    votes = votes[np.lexsort((votes.item_ids.astype(str), votes.class_keys.astype(str)))]
    half = np.random.default_rng(0).random(len(votes)) < 0.5
    fresh, old = votes[half], votes[~half]
    stock, before = (Counter(one.class_keys.tolist()) for one in (fresh, old))
    keys = sorted(key for key in stock if stock[key] >= 8 and before[key] >= 8)
    assert len(keys) == 650
    fresh = fresh[np.isin(fresh.class_keys.astype(str), keys)]
    choices = {}
    for strategy in ("random", "matched-frequency, upward: true", "threshold", "top"):
        spec = parse_spec(
            "name: fresh/real\noriginal: imagenet/val\nper_class: 4\nclasses:\n"
            + "".join(f"  - {{key: {key}}}\n" for key in keys)
            + f"sampling: {{min_answers: 5, min_original_images: 5, strategy: {strategy}}}\n"
            + "tasks: {negatives: 0, answers: 5}\n"
        )
        eligibility = judge(fresh, Barred(), limits_of(spec))
        choices[strategy] = Choice(
            spec, Pools(fresh, old, {}, {}), eligibility, plan_of(spec, old, {})
        )
    random, matched, threshold, top = run_lab(choices, range(12), correct=correct).rows
    assert [round(one.mean_frequency.mean, 2) for one in (random, matched, threshold, top)] == [
        0.54, 0.57, 0.86, 0.83,
    ]  # fmt: skip
    means = [one.accuracy["resnet50"].mean for one in (random, matched, threshold, top)]
    assert means == pytest.approx([52.2, 52.9, 63.2, 64.8], abs=0.6)
    assert 0.4 < random.accuracy["resnet50"].sd < 1.3
    assert top.accuracy["resnet50"].sd == pytest.approx(0, abs=1e-9)
    assert (matched.upward.mean, threshold.missing.mean) == (110, 497)
