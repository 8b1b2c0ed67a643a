from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.protocols.leaderboard import setup as module
from freshset.protocols.leaderboard.limits import Limits
from freshset.protocols.leaderboard.setup import (
    BOARD,
    BoardRules,
    halves,
    make_board,
    read_setup,
)
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.holdout import Holdout
from freshset.protocols.sealed.submission import Labels

RULES = BoardRules(PolicySpec("ladder"), Limits(10, each=3), seed=5)


def test_halves_are_random_disjoint_and_the_same_for_a_seed() -> None:
    mask = halves(101, 3)
    assert (mask.sum(), (~mask).sum()) == (50, 51)
    np.testing.assert_array_equal(mask, halves(101, 3))
    assert (mask != halves(101, 4)).any()
    share = np.mean([halves(40, seed) for seed in range(400)], axis=0)
    assert abs(share - 0.5).max() < 0.12


def test_what_was_made_is_read_back(tmp_path: Path, key) -> None:
    labels = Labels.of(["cat", "dog", "eel", "cat", "dog"], name="pets", ids=list("abcde"))
    make_board(tmp_path / "b", key, labels, RULES, who="ann")
    setup = read_setup(tmp_path / "b")
    assert setup.public == labels.public
    assert setup.rules == RULES
    np.testing.assert_array_equal(setup.is_public, halves(5, 5))
    parts = [Holdout(tmp_path / "b" / name) for name in ("public", "private")]
    assert sorted(parts[0].public.ids + parts[1].public.ids) == list("abcde")
    for part in parts:
        # All classes of the whole, though two or three examples cannot show them all.
        assert part.public.classes == ("cat", "dog", "eel")
        part.verify(key)
    assert parts[0].rules.apart
    assert parts[0].rules.each == 3
    assert (parts[1].rules.policy.kind, parts[1].rules.each) == ("exact", 1)
    text = (tmp_path / "b" / BOARD).read_text()
    assert "cat" in text
    assert "label" not in json.loads(text)


def test_thresholdout_has_one_budget_for_everybody() -> None:
    policy = PolicySpec("thresholdout", threshold=0.1, sigma=0.01, budget=3)
    assert not BoardRules(policy, Limits(10)).of_public().apart


@pytest.mark.parametrize(
    "rules",
    [
        BoardRules(PolicySpec("ladder"), Limits(0)),
        BoardRules(PolicySpec("ladder"), Limits(5), seed=-1),
        BoardRules(PolicySpec("rounded"), Limits(5)),
    ],
)
def test_rules_that_cannot_be_meant(tmp_path: Path, key, rules: BoardRules) -> None:
    with pytest.raises(UsageError):
        make_board(tmp_path / "b", key, Labels.of([0, 1] * 4, name="x"), rules, who="ann")
    assert not (tmp_path / "b").exists()


def test_a_folder_is_there_whole_or_not_at_all(
    tmp_path: Path, key, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = Labels.of([0, 1] * 4, name="x")
    with pytest.raises(DataError, match="too few"):
        make_board(tmp_path / "b", key, Labels.of([0, 1, 1], name="x"), RULES, who="ann")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_part", stop)
        with pytest.raises(KeyboardInterrupt):
            make_board(tmp_path / "b", key, labels, RULES, who="ann")
    assert not (tmp_path / "b").exists()
    make_board(tmp_path / "b", key, labels, RULES, who="ann")
    assert [one.name for one in tmp_path.iterdir()] == ["b"]
    with pytest.raises(UsageError, match="is there already"):
        make_board(tmp_path / "b", key, labels, RULES, who="ann")


def test_no_board_a_damaged_and_a_newer_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no leaderboard"):
        read_setup(tmp_path)
    (tmp_path / BOARD).write_text("{}")
    with pytest.raises(StoreError, match="is damaged"):
        read_setup(tmp_path)
    good = module.Setup(Labels.of([0, 1], name="x").public, RULES, halves(2, 0)).to_dict()
    (tmp_path / BOARD).write_text(json.dumps(good | {"schema": "freshset.board/9"}))
    with pytest.raises(StoreError, match="Update freshset"):
        read_setup(tmp_path)
    (tmp_path / BOARD).write_text(json.dumps(good | {"public_items": [7]}))
    with pytest.raises(StoreError, match="is damaged"):
        read_setup(tmp_path)
