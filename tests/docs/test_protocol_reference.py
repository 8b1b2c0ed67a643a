"""Every field of the documents of protocols is documented."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from freshset.protocols.budget import Plan, plan_budget
from freshset.protocols.competition.audit import audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.protocols.folds.compare import compare_folds
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.kfold import kfold
from freshset.protocols.folds.splits import Scheme
from freshset.protocols.leaderboard.board import Board
from freshset.protocols.leaderboard.limits import Limits
from freshset.protocols.leaderboard.setup import BoardRules, make_board
from freshset.protocols.looks import looks_of_holdout
from freshset.protocols.policies import PolicySpec
from freshset.protocols.policy import Answer
from freshset.protocols.replay import Submitted, replay
from freshset.protocols.sealed.cipher import Key, new_key
from freshset.protocols.sealed.holdout import Holdout
from freshset.protocols.sealed.opened import opened_scores
from freshset.protocols.sealed.rules import Rules
from freshset.protocols.sealed.submission import Labels, check_submission
from freshset.protocols.simulation import FeedbackSettings, feedback_study


def keys(value: Any) -> set[str]:
    """Names of all fields of a document."""
    if isinstance(value, dict):
        return set(value) | {k for inner in value.values() for k in keys(inner)}
    if isinstance(value, (list, tuple)):
        return {k for inner in value for k in keys(inner)}
    return set()


def board_documents(folder: Path, key: Key) -> list[dict[str, Any]]:
    labels = Labels.of(np.arange(40) % 2, name="d")
    make_board(folder, key, labels, BoardRules(PolicySpec("exact"), Limits(9)), who="a")
    board = Board(folder, key)
    one = check_submission(labels.public, np.zeros(40, dtype=int))
    receipt = board.submit(one, who="b", model="m")
    board.close(who="a")
    board.open(who="a")
    return [receipt.to_dict(), board.standings().to_dict(), board.setup.to_dict()]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), np.arange(40) % 2
    folds = kfold(
        lambda a, b, c: [b[0]] * len(c),
        Data(x, y),
        Scheme("stratified", 2, 2),
        official=Data(-x, y),
    )
    labels, key = Labels.of(y, name="d"), Key(new_key())
    rules = Rules(PolicySpec("rounded", step="0.01"), 5)
    holdout = Holdout.seal(tmp_path_factory.mktemp("s") / "h", key, labels, rules, who="a")
    look = holdout.evaluate(key, holdout.check(y), who="b", model="m")
    looks = looks_of_holdout(holdout).to_dict()
    entries = [one.to_dict() for one in holdout.open(key, who="a")]
    scores = [one.to_dict() for one in opened_scores(holdout.open(key, who="a"))]
    nobody = np.array([""] * 9, dtype=object)
    submissions = Submissions(rng.random(9), rng.random(9), nobody, nobody)
    small = FeedbackSettings(20, 20, (2,), 2)
    found = [
        compare_folds(folds, folds).to_dict(),
        replay(PolicySpec("ladder").make(), [Submitted("m", y == 1)]).to_dict(),
        Answer(0.1, improved=True).to_dict(),
        feedback_study(small).to_dict(),
        look.to_dict(),
        {"schema": "freshset.ledger/1", "entries": entries},
        {"schema": "freshset.opened/1", "scores": scores},
        audit_competition(submissions, 10, 10, rng=rng).to_dict(),
        looks,
        plan_budget(Plan(1000, 100, 0.9, 3)).to_dict(),
        *board_documents(tmp_path_factory.mktemp("b") / "b", key),
    ]
    return {one["schema"]: one for one in found}


def test_every_field_is_documented(docs: Path, documents: dict[str, dict[str, Any]]) -> None:
    page = (docs / "reference" / "protocol-json.md").read_text(encoding="utf-8")
    known = {part for code in re.findall(r"`([^`]+)`", page) for part in re.findall(r"\w+", code)}
    common = {"schema", "value", "low", "high", "right", "2"}
    for schema, document in documents.items():
        assert f"`{schema}`" in page
        assert keys(document) - known - common == set(), schema
