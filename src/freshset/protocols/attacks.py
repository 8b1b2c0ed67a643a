"""People who fit a leaderboard: they see answers only, never a label.

All submissions are vectors of bits for labels that are fair coin flips, so that no submission is right
more often than half of the time on fresh data, whatever the leaderboard shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freshset.core.errors import UsageError, did_you_mean
from freshset.protocols.policies import policy_from_dict
from freshset.protocols.policy import Answer, Policy

Bits = npt.NDArray[np.bool_]

# Share of its bits that a step of hill climbing flips.
_FLIPPED = 0.02

# These answer with the best loss so far; what a submission is worth shows only where it improves.
_BEST_ONLY = {"ladder", "ladder-step"}


@dataclass(frozen=True, slots=True)
class Leader:
    """The submission with the lowest loss shown, after a number of submissions.

    Attributes
    ----------
    shown
        Its loss on the board, a fraction.
    fresh
        Its loss on fresh examples, a fraction.
    """

    shown: float
    fresh: float

    @property
    def error(self) -> float:
        """By how much the board flatters it, a fraction."""
        return self.fresh - self.shown


class Board:
    """A leaderboard over coin flips.

    Parameters
    ----------
    policy
        What answers.
    labels
        Shape (public + train + fresh,): hidden public labels, those that submitters know, fresh ones.
    n_public, n_train
        Sizes of the first two parts.
    """

    def __init__(self, policy: Policy, labels: Bits, n_public: int, n_train: int) -> None:
        self.policy, self.labels = policy, labels
        self.cuts = (n_public, n_public + n_train)
        self.leader: Leader | None = None

    def submit(self, bits: Bits) -> Answer:
        """Answer a submission, and keep it as leader if it is the best shown."""
        wrong = bits != self.labels
        public, known = self.cuts
        claimed = float(wrong[public:known].mean()) if known > public else None
        answer = self.policy.submit(wrong[:public], claimed=claimed)
        if answer.improved and answer.loss is not None:
            self.leader = Leader(answer.loss, float(wrong[known:].mean()))
        return answer

    def copy(self) -> Board:
        """Return the board as it is now, with a life of its own."""
        public, known = self.cuts
        other = Board(policy_from_dict(self.policy.to_dict()), self.labels, public, known - public)
        other.leader = self.leader
        return other

    def led_by(self) -> Leader:
        """The leader; raises `UsageError` before the first submission."""
        if self.leader is None:
            raise UsageError("Nothing was submitted yet.")
        return self.leader


def random_guesses(board: Board, counts: Sequence[int], rng: np.random.Generator) -> list[Leader]:
    """Submit coin flips: the best of many is lucky, nobody adapts."""
    out = []
    for number in range(1, counts[-1] + 1):
        board.submit(_coins(board, rng))
        if number in counts:
            out.append(board.led_by())
    return out


def hill_climbing(board: Board, counts: Sequence[int], rng: np.random.Generator) -> list[Leader]:
    """Flip a few random bits of the best submission, and keep the change if the board shows it."""
    best, out = _coins(board, rng), []
    for number in range(1, counts[-1] + 1):
        trial = best if number == 1 else best ^ (rng.random(len(best)) < _FLIPPED)
        if board.submit(trial).improved:
            best = trial
        if number in counts:
            out.append(board.led_by())
    return out


def boosting(board: Board, counts: Sequence[int], rng: np.random.Generator) -> list[Leader]:
    """Submit coin flips and then the majority of those that seemed better than chance.

    Where answers are the best loss so far, those that lowered it are taken.  At each number of
    submissions the majority goes to a copy of the board, as the last of them.

    References
    ----------
    Blum and Hardt (2015), section 4 and ``attacks.jl`` of the authors' code.
    """
    votes = np.zeros(len(board.labels), dtype=np.int64)
    best_only = board.policy.kind in _BEST_ONLY
    taken, out = 0, []
    for number in range(1, counts[-1] + 1):
        bits = _coins(board, rng)
        # The last submission is the majority itself; the coins are drawn all the same.
        if number in counts:
            trial = board.copy()
            trial.submit(2 * votes >= taken)
            out.append(trial.led_by())
        answer = board.submit(bits)
        good = answer.loss is not None and answer.loss <= 0.5
        if good and (answer.improved or not best_only):
            votes += bits
            taken += 1
    return out


Attack = Callable[[Board, Sequence[int], np.random.Generator], list[Leader]]

ATTACKS: dict[str, Attack] = {
    "boosting": boosting,
    "hill climbing": hill_climbing,
    "random": random_guesses,
}


def attack(
    name: str, board: Board, counts: Sequence[int], rng: np.random.Generator
) -> list[Leader]:
    """Attack a board.

    Parameters
    ----------
    name
        A name in `ATTACKS`.
    counts
        Numbers of submissions after which to look at the leader, ascending, from 1.

    Returns
    -------
    list of Leader
        One a number.

    Raises
    ------
    UsageError
        For an unknown name, or numbers that do not ascend.
    """
    if name not in ATTACKS:
        raise UsageError(f"Unknown attack {name!r}.", did_you_mean(name, ATTACKS))
    if not counts or counts[0] < 1 or sorted(set(counts)) != list(counts):
        raise UsageError("Numbers of submissions must ascend.", "Such as 10, 100, 1000.")
    return ATTACKS[name](board, counts, rng)


def _coins(board: Board, rng: np.random.Generator) -> Bits:
    return rng.integers(0, 2, len(board.labels), dtype=np.int8).astype(bool)
