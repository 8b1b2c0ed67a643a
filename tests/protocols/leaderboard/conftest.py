from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from freshset.protocols.leaderboard.board import Board
from freshset.protocols.leaderboard.limits import Limits
from freshset.protocols.leaderboard.setup import BoardRules, make_board
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.cipher import Key, new_key
from freshset.protocols.sealed.submission import Labels, Submission, check_submission

N = 200
TRUTH = np.random.default_rng(0).integers(0, 4, N)
IDS = tuple(f"i{k}" for k in range(N))
Make = Callable[..., Board]


class Clock:
    """A clock that tests set; it stands at the time when it was made."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(scope="session")
def key() -> Key:
    return Key(new_key())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, key: Key, clock: Clock) -> Make:
    def build(policy: PolicySpec | None = None, **limits: object) -> Board:
        rules = BoardRules(policy or PolicySpec("exact"), Limits(**({"looks": 50} | limits)))
        labels = Labels.of(TRUTH, name="digits", ids=IDS)
        make_board(tmp_path / "board", key, labels, rules, who="ann")
        return Board(tmp_path / "board", key, clock=clock)

    return build


@pytest.fixture
def guess() -> Callable[..., Submission]:
    """Predictions with a share of right ones, by a seed."""

    def draw(board: Board, seed: int, share: float = 0.7) -> Submission:
        rng = np.random.default_rng(seed)
        values = np.where(rng.random(N) < share, TRUTH, (TRUTH + 1) % 4)
        return check_submission(board.setup.public, values, IDS)

    return draw


@pytest.fixture
def truth() -> np.ndarray:
    return TRUTH
