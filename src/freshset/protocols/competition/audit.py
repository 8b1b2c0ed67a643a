"""Public against private scores: line, top, p-values against uniform, and what they say.

Source of the method: Roelofs et al. (2019), "A meta-analysis of overfitting in machine learning".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from freshset.core.errors import DataError, UsageError
from freshset.protocols.competition.table import Submissions
from freshset.stats.fits import fit_line
from freshset.stats.halves import (
    ks_uniform,
    luck_of_the_top,
    mean_drop_bound,
    split_midp,
    two_proportions,
)
from freshset.stats.multiplicity import adjust
from freshset.stats.types import Estimate, FloatArray, IntArray, none_if_nan

SCHEMA = "freshset.competition/1"

_ALPHA = 0.05
_TOP = 0.1


@dataclass(frozen=True, slots=True)
class Row:
    """One submission: accuracies (fractions), and p-values of the test of two proportions.

    ``p_split`` is the exact mid-p value of a random split, ``p_adjusted`` it after Holm.
    """

    team: str
    time: str
    public: float
    private: float
    p: float
    p_split: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Line:
    """Private on public accuracy, ordinary least squares (both fractions); nan where there is none."""

    slope: float
    intercept: float
    r2: float
    n: int


@dataclass(frozen=True, slots=True)
class Uniformity:
    """P-values of submissions against uniform.

    Attributes
    ----------
    n, below
        P-values, and how many are below .05.
    distance, p
        Of Kolmogorov and Smirnov; p is too small, since submissions share examples.
    """

    n: int
    below: int
    distance: float
    p: float


@dataclass(frozen=True, slots=True)
class CompetitionAudit:
    """A finished competition.

    Attributes
    ----------
    drop
        Mean of public less private, percentage points; the interval is what a random split alone
        leaves open, whatever the number of submissions.
    top_drop
        The same over the tenth with the best public scores.
    top_luck
        What that would be without any adaptivity if submissions erred independently (simulated; mean
        and 95 % range), points.
    line, top_line
        Of all, and of the tenth.
    uniform, uniform_teams
        Of all submissions, and of the best one of each team.
    beyond
        Submissions with an adjusted p-value below .05 and a public score above the private one.
    warnings
        What may be wrong with the numbers.
    """

    n_public: int
    n_private: int
    rows: tuple[Row, ...]
    dropped: int
    drop: Estimate
    top: int
    top_drop: Estimate
    top_luck: Estimate
    line: Line
    top_line: Line
    uniform: Uniformity
    uniform_teams: Uniformity | None
    beyond: int
    level: float
    warnings: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """What the numbers say, in sentences."""
        rules: tuple[Callable[[CompetitionAudit], str], ...] = (
            _identified, _mean, _top, _p_values, _line,
        )  # fmt: skip
        return tuple(text for rule in rules if (text := rule(self)))

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        lines = {
            name: {k: none_if_nan(v) for k, v in asdict(getattr(self, name)).items()}
            for name in ("line", "top_line")
        }
        teams = self.uniform_teams
        return {
            "schema": SCHEMA,
            "n_public": self.n_public,
            "n_private": self.n_private,
            "submissions": len(self.rows),
            "dropped": self.dropped,
            "drop": self.drop.to_dict(),
            "top": self.top,
            "top_drop": self.top_drop.to_dict(),
            "top_luck": self.top_luck.to_dict(),
            **lines,
            "uniform": asdict(self.uniform),
            "uniform_teams": None if teams is None else asdict(teams),
            "beyond": self.beyond,
            "level": self.level,
            "warnings": list(self.warnings),
            "findings": list(self.findings),
            "rows": [asdict(row) for row in self.rows],
        }


def audit_competition(
    submissions: Submissions,
    n_public: int,
    n_private: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
) -> CompetitionAudit:
    """Audit a competition whose public and private parts are a random split of one test set.

    Parameters
    ----------
    n_public, n_private
        Examples of the two parts.
    rng
        For the luck of the top.

    Raises
    ------
    UsageError
        For parts without examples.
    DataError
        For fewer than two submissions.
    """
    if min(n_public, n_private) < 1:
        raise UsageError("Both parts need examples.", "Give --public-items and --private-items.")
    if len(submissions) < 2:
        raise DataError("An audit needs two submissions at least.")
    s = submissions
    k_public, k_private = np.rint(s.public * n_public), np.rint(s.private * n_private)
    pooled = (k_public + k_private) / (n_public + n_private)
    p = two_proportions(k_public, n_public, k_private, n_private)
    exact = split_midp(k_public, n_public, k_private, n_private)
    adjusted = adjust(np.clip(exact, 0, 1))
    rows = tuple(
        Row(str(s.team[i]), str(s.time[i]), float(s.public[i]), float(s.private[i]), float(p[i]),
            float(exact[i]), float(adjusted[i]))
        for i in range(len(s))
    )  # fmt: skip
    best = _best_of_teams(s)
    leaders = np.argsort(-s.public, kind="stable")[: max(1, round(_TOP * len(s)))]
    luck = 100 * luck_of_the_top(pooled, n_public, n_private, share=_TOP, rng=rng)
    low, high = np.quantile(luck, [0.025, 0.975])
    return CompetitionAudit(
        n_public, n_private, rows, s.dropped,
        _drop(s, np.arange(len(s)), pooled, (n_public, n_private), level),
        len(leaders), _drop(s, leaders, pooled, (n_public, n_private), level),
        Estimate(float(luck.mean()), float(low), float(high)),
        _line_of(s.public, s.private), _line_of(s.public[leaders], s.private[leaders]),
        _uniformity(p), None if best is None else _uniformity(p[best]),
        int(np.sum((adjusted < _ALPHA) & (s.public > s.private))), level,
        _warnings(s, n_public, n_private),
    )  # fmt: skip


def _warnings(s: Submissions, n_public: int, n_private: int) -> tuple[str, ...]:
    out = [f"{s.dropped:,} rows without both scores are left out."] * bool(s.dropped)
    for part, scores, n in (("public", s.public, n_public), ("private", s.private, n_private)):
        share = _share_of_no_count(scores, n)
        if share > 0.5:
            out.append(
                f"{100 * share:.0f} % of the {part} scores are no shares of {n:,} examples. The number "
                "may be wrong, or the score no accuracy; then intervals and p-values do not hold."
            )
    return tuple(out)


def _share_of_no_count(scores: FloatArray, n: int) -> float:
    """Share of scores that no whole number of right answers gives, as far as they were rounded."""
    digits = max(len(f"{score:.10f}".rstrip("0").partition(".")[2]) for score in scores)
    slack = 0.5 * 10.0**-digits * n + 1e-6
    return float(np.mean(np.abs(scores * n - np.rint(scores * n)) > slack))


def _drop(
    s: Submissions, rows: IntArray, pooled: FloatArray, sizes: tuple[int, int], level: float
) -> Estimate:
    value = float(100 * np.mean(s.public[rows] - s.private[rows]))
    half = 100 * mean_drop_bound(pooled[rows], *sizes, level=level)
    return Estimate(value, value - half, value + half)


def _line_of(x: FloatArray, y: FloatArray) -> Line:
    if len(x) < 3 or np.ptp(x) == 0:
        return Line(float("nan"), float("nan"), float("nan"), len(x))
    line = fit_line(x, y)
    spread = float(np.sum((y - y.mean()) ** 2))
    r2 = 1 - float(np.sum((y - line(x)) ** 2)) / spread if spread else float("nan")
    return Line(float(line.slope), float(line.intercept), r2, len(x))


def _uniformity(p: FloatArray) -> Uniformity:
    distance, value = ks_uniform(np.clip(p, 0, 1))
    return Uniformity(len(p), int(np.sum(p < _ALPHA)), distance, value)


def _best_of_teams(s: Submissions) -> IntArray | None:
    """Row of the best public score of each team; ``None`` without teams."""
    if not any(s.team):
        return None
    best: dict[str, int] = {}
    for row, team in enumerate(s.team):
        if str(team) not in best or s.public[row] > s.public[best[str(team)]]:
            best[str(team)] = row
    return np.array(sorted(best.values()), dtype=np.int64)


def _span(e: Estimate) -> str:
    return f"{e.low:.2f} to {e.high:.2f}"


def _identified(_: CompetitionAudit) -> str:
    return (
        "Public and private part are random parts of one test set, so nothing but adaptivity and the "
        "luck of the split can move scores between them. This is the one case where adaptivity is "
        "identified; it needs the split to have been random."
    )


def _mean(a: CompetitionAudit) -> str:
    text = (
        f"Over {len(a.rows):,} submissions the public score is {abs(a.drop.value):.2f} points "
        f"{'above' if a.drop.value >= 0 else 'below'} the private one on average; the split alone "
        f"leaves {_span(a.drop)} open ({100 * a.level:g} %), however many submissions there are, "
        "since all share it."
    )
    if a.drop.low > 0:
        return f"{text} So there is adaptive overfitting, of {_span(a.drop)} points on average."
    if a.drop.high < 0:
        return f"{text} Adaptivity does not lower public scores: look for another reason."
    return f"{text} No average overfitting can be told from the split; up to {a.drop.high:.2f} points of it are possible."


def _top(a: CompetitionAudit) -> str:
    half = a.top_drop.high - a.top_drop.value
    beyond = a.top_drop.low > a.top_luck.high
    return (
        f"The {a.top:,} with the best public scores lose {a.top_drop.value:.2f} points on the private "
        f"part. Who leads is lucky: without any adaptivity they would lose about "
        f"{a.top_luck.value:.2f} ({_span(a.top_luck)}) if submissions erred independently, and the "
        f"split, which they share, can move that by {half:.2f}; so this is "
        f"{'more than luck' if beyond else 'no more than luck'}."
    )


def _p_values(a: CompetitionAudit) -> str:
    u = a.uniform
    text = (
        f"Tested one by one, {u.below:,} of {u.n:,} submissions differ at .05, where {0.05 * u.n:.1f} "
        f"would by chance; {a.beyond:,} have a public score above the private one beyond noise after "
        f"correction for {u.n:,} tests (Holm). The p-values are {u.distance:.2f} away from uniform "
        f"(Kolmogorov and Smirnov, p {_p(u.p)}); submissions share their examples, so that p-values "
        "move together and this p is too small"
    )
    if a.uniform_teams is None:
        return f"{text}."
    t = a.uniform_teams
    return f"{text}. With the best submission of each of {t.n:,} teams alone: {t.distance:.2f}, p {_p(t.p)}."


def _line(a: CompetitionAudit) -> str:
    if not np.isfinite(a.line.slope):
        return ""
    text = (
        f"One point of public score is worth {a.line.slope:.2f} points of private score"
        f" (R² {a.line.r2:.3f})"
    )
    if np.isfinite(a.top_line.slope):
        text += f", and {a.top_line.slope:.2f} in the top tenth"
    return f"{text}; noise in the public scores alone pulls such slopes below 1, most in the top."


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
