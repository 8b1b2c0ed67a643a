"""A leaderboard of made-up labels, and predictions for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from freshset.protocols.leaderboard.board import Board
from freshset.protocols.leaderboard.limits import Limits
from freshset.protocols.leaderboard.setup import BoardRules, make_board
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.cipher import Key, new_key
from freshset.protocols.sealed.submission import Labels
from freshset.webapp.boards import ServedBoard

N = 400
CLASSES = np.array(["cat", "dog", "eel", "fox"])
TRUTH = CLASSES[np.random.default_rng(0).integers(0, 4, N)]
IDS = tuple(f"img-{k:03d}" for k in range(N))


def board_of(
    folder: Path, policy: PolicySpec | None = None, key: str = "", **limits: Any
) -> ServedBoard:
    """A new leaderboard called pets."""
    secret = Key(key or new_key())
    rules = BoardRules(policy or PolicySpec("exact"), Limits(**({"looks": 500} | limits)))
    make_board(folder, secret, Labels.of(TRUTH, name="pets", ids=IDS), rules, who="ada")
    return ServedBoard(Board(folder, secret))


def guess(seed: int, share: float = 0.7) -> bytes:
    """Predictions as csv, of which such a share is right."""
    rng = np.random.default_rng(seed)
    wrong = CLASSES[(np.searchsorted(CLASSES, TRUTH) + rng.integers(1, 4, N)) % 4]
    values = np.where(rng.random(N) < share, TRUTH, wrong)
    rows = "".join(f"{a},{b}\n" for a, b in zip(IDS, values, strict=True))
    return f"item_id,prediction\n{rows}".encode()
