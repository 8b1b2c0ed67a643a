"""The board that everybody sees: intervals and tie groups, and after the end what became of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from freshset.protocols.competition.audit import CompetitionAudit, audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.protocols.leaderboard.entrants import (
    Phase,
    evaluations,
    shown_best,
)
from freshset.protocols.leaderboard.setup import Setup
from freshset.protocols.sealed.ledger import Entry
from freshset.stats.intervals import clopper_pearson, newcombe_drop
from freshset.stats.tie_groups import groups_of_answers, groups_of_scores
from freshset.stats.types import BoolArray, Estimate, Interval

SCHEMA = "freshset.standings/1"

COLUMNS = (
    "group", "entrant", "model", "submissions", "last", "public", "public_low", "public_high",
    "public_exact", "private", "private_low", "private_high", "drop", "drop_low", "drop_high",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Ended:
    """What the private part said.

    Attributes
    ----------
    correct
        By entrant, which private examples are right, shape (examples,).
    counted
        By entrant, place of the submission that counted.
    right
        By place of a submission, right answers on the public part.
    """

    correct: Mapping[str, BoolArray]
    counted: Mapping[str, int]
    right: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """One entrant.

    Attributes
    ----------
    group
        Tie group, from 1; 0 for an entrant who was shown no score.
    model
        Of the best answer; after the end, of the submission that counted.
    submissions, last
        How many, and when the last one was (UTC).
    public
        Best accuracy that was shown, a fraction, with its exact interval; ``None`` where none was.
    exact
        Accuracy on the public part of the submission that counted, with its exact interval, whatever
        was shown; after the end only.
    private
        Accuracy of it on the private part, with its exact interval; after the end only.
    drop
        Public less private accuracy of it, percentage points, with its interval; after the end only.
    """

    group: int
    entrant: str
    model: str
    submissions: int
    last: str
    public: Estimate | None
    exact: Estimate | None = None
    private: Estimate | None = None
    drop: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Standings:
    """The board.

    Attributes
    ----------
    phase
        ``running``, ``ended`` (the private part is still sealed) or ``opened``.
    n_public, n_private
        Examples of the parts.
    submissions, left
        Of everybody: so many were made, and so many may still be.
    rows
        By group, and by score within one, which says nothing there.
    level
        Of intervals and groups.
    audit
        Public against private scores; after the end, where two entrants were scored.
    """

    name: str
    phase: Phase
    n_public: int
    n_private: int
    submissions: int
    left: int
    rows: tuple[Standing, ...]
    level: float
    audit: CompetitionAudit | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the document ``freshset.standings/1``."""
        return {
            "schema": SCHEMA, "name": self.name, "phase": self.phase, "n_public": self.n_public,
            "n_private": self.n_private, "submissions": self.submissions, "left": self.left,
            "level": self.level, "rows": [one.to_dict() for one in self.rows],
            "findings": list(self.audit.findings) if self.audit else [],
        }  # fmt: skip

    def to_csv(self) -> str:
        """Return a table of `COLUMNS`; accuracies are fractions, drops percentage points.

        Names that a spreadsheet would take for a formula get an apostrophe before them.
        """
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(COLUMNS)
        for one in self.rows:
            table.writerow([
                one.group or "", _plain(one.entrant), _plain(one.model), one.submissions, one.last,
                *_cells(one.public), "" if one.exact is None else one.exact.value,
                *_cells(one.private), *_cells(one.drop),
            ])  # fmt: skip
        return out.getvalue()


def make_standings(
    setup: Setup,
    entries: Sequence[Entry],
    phase: Phase,
    ended: Ended | None = None,
    *,
    level: float = 0.95,
) -> Standings:
    """Make the board of a public ledger, and of the private part where that was opened.

    Before that, nothing but shown answers goes into groups and intervals, so that the board tells no
    more of the labels than the answers did.
    """
    n, submitted = int(setup.is_public.sum()), evaluations(entries)
    n_private = setup.public.n - n
    rows = _running(entries, n, level) if ended is None else _opened(entries, n, ended, level)
    audit = _audit(rows, n, n_private, level) if ended is not None else None
    return Standings(
        setup.public.name, phase, n, n_private, len(submitted),
        setup.rules.limits.looks - len(submitted), tuple(rows), level, audit,
    )  # fmt: skip


def _running(entries: Sequence[Entry], n: int, level: float) -> list[Standing]:
    rows = _entrants(entries, n, level)
    told = [one for one in rows if one.public is not None]
    scores = np.array([one.public.value for one in told if one.public is not None])
    group = groups_of_scores(scores, n, level=level)
    grouped = [replace(one, group=int(k)) for one, k in zip(told, group, strict=True)]
    grouped.sort(key=lambda one: (one.group, -_value(one.public)))
    return grouped + [one for one in rows if one.public is None]


def _opened(entries: Sequence[Entry], n: int, ended: Ended, level: float) -> list[Standing]:
    rows = [one for one in _entrants(entries, n, level) if one.entrant in ended.correct]
    if not rows:
        return []
    names = {one.seq: one.model for one in entries}
    correct = np.stack([ended.correct[one.entrant] for one in rows])
    group, m = groups_of_answers(correct, level=level), correct.shape[1]
    out = []
    for one, k, private in zip(rows, group, correct.sum(axis=1), strict=True):
        seq = ended.counted[one.entrant]
        right = ended.right[str(seq)]
        low, high = _ends(newcombe_drop(right, n, int(private), m, level=level))
        out.append(replace(
            one, group=int(k), model=names[seq], exact=_exact(right, n, level),
            private=_exact(int(private), m, level),
            drop=Estimate(100 * (right / n - int(private) / m), 100 * low, 100 * high),
        ))  # fmt: skip
    return sorted(out, key=lambda one: (one.group, -_value(one.private)))


def _entrants(entries: Sequence[Entry], n: int, level: float) -> list[Standing]:
    """One row an entrant, in the order of their first submissions; groups are not made yet."""
    mine: dict[str, list[Entry]] = {}
    for one in evaluations(entries):
        mine.setdefault(one.who, []).append(one)
    out = []
    for who, some in mine.items():
        best = shown_best(some)  # what somebody chose is nobody else's business before the end
        shown = best.revealed["accuracy"]
        public = None if shown is None else _shown(float(shown), n, level)
        out.append(Standing(0, who, best.model, len(some), some[-1].at, public))
    return out


def _audit(
    rows: Sequence[Standing], n: int, n_private: int, level: float
) -> CompetitionAudit | None:
    if len(rows) < 2:
        return None
    public = np.array([_value(one.exact) for one in rows])
    private = np.array([_value(one.private) for one in rows])
    names = np.array([one.entrant for one in rows], dtype=object)
    times = np.array([one.last for one in rows], dtype=object)
    found = Submissions(public, private, names, times)
    return audit_competition(found, n, n_private, rng=np.random.default_rng(0), level=level)


def _shown(accuracy: float, n: int, level: float) -> Estimate:
    """A shown accuracy with the exact interval of so many right; noise may show more than all."""
    low, high = _ends(clopper_pearson(int(np.clip(round(accuracy * n), 0, n)), n, level=level))
    return Estimate(accuracy, min(low, accuracy), max(high, accuracy))


def _exact(right: int, n: int, level: float) -> Estimate:
    low, high = _ends(clopper_pearson(right, n, level=level))
    return Estimate(right / n, low, high)


def _ends(interval: Interval) -> tuple[float, float]:
    return float(interval.low), float(interval.high)


def _value(estimate: Estimate | None) -> float:
    return float("nan") if estimate is None else estimate.value


def _cells(estimate: Estimate | None) -> list[float | str]:
    return ["", "", ""] if estimate is None else [estimate.value, estimate.low, estimate.high]


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
