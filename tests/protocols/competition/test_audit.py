from __future__ import annotations

import json

import numpy as np
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.protocols.competition.audit import SCHEMA, CompetitionAudit, audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.stats.halves import two_proportions

N = (1000, 3000)


def submissions(seed: int, *, fitted: float = 0.0, n: int = 200) -> Submissions:
    """Simulated: 40 teams, errors shared, public scores raised by what was fitted."""
    rng = np.random.default_rng(seed)
    hard = rng.random(sum(N))
    skill = rng.uniform(0.6, 0.9, size=(n, 1))
    correct = np.where(rng.random((n, sum(N))) < 0.3, rng.random((n, sum(N))) < skill, hard < skill)
    correct[:, : N[0]] |= rng.random((n, N[0])) < fitted
    team = np.array([f"team {i % 40}" for i in range(n)], dtype=object)
    return Submissions(
        correct[:, : N[0]].mean(axis=1), correct[:, N[0] :].mean(axis=1), team, team, 0
    )


def audit(s: Submissions) -> CompetitionAudit:
    return audit_competition(s, *N, rng=np.random.default_rng(0))


def test_without_adaptivity_none_is_found() -> None:
    flagged = lost = 0
    for seed in range(12):
        got = audit(submissions(seed))
        flagged += got.drop.excludes_zero
        lost += got.beyond > 0
    assert flagged <= 2
    assert lost <= 3


def test_adaptivity_is_found_and_called_so() -> None:
    got = audit(submissions(0, fitted=0.25))
    assert got.drop.low > 0
    assert got.beyond > 50
    assert got.uniform.below > 100
    text = " ".join(got.findings)
    assert "adaptivity is identified" in text
    assert "So there is adaptive overfitting" in text


def test_leaders_that_were_fitted_lose_more_than_luck() -> None:
    s = submissions(1)
    lead = np.argsort(-s.public)[:20]
    fitted = s.public.copy()
    fitted[lead] = np.minimum(1.0, fitted[lead] + 0.06)
    got = audit(Submissions(fitted, s.private, s.team, s.time))
    assert "so this is more than luck" in " ".join(got.findings)
    honest = [" ".join(audit(submissions(seed)).findings) for seed in range(15)]
    assert sum("no more than luck" in text for text in honest) >= 14


def test_the_numbers() -> None:
    s = submissions(3)
    got = audit(s)
    assert got.drop.value == pytest.approx(100 * np.mean(s.public - s.private))
    assert got.top == 20
    leaders = np.argsort(-s.public)[:20]
    assert got.top_drop.value == pytest.approx(
        100 * np.mean(s.public[leaders] - s.private[leaders])
    )
    assert got.rows[7].p == pytest.approx(
        float(two_proportions(s.public[7] * N[0], N[0], s.private[7] * N[1], N[1]))
    )
    slope, intercept = np.polyfit(s.public, s.private, 1)
    assert (got.line.slope, got.line.intercept) == pytest.approx((slope, intercept))
    assert got.line.r2 == pytest.approx(np.corrcoef(s.public, s.private)[0, 1] ** 2)
    assert got.uniform_teams is not None
    assert got.uniform_teams.n == 40
    data = json.loads(json.dumps(got.to_dict()))
    assert data["schema"] == SCHEMA
    assert len(data["rows"]) == data["submissions"] == 200
    assert len(data["findings"]) == 5


def test_few_and_equal_submissions() -> None:
    nobody = np.array(["", ""], dtype=object)
    s = Submissions(np.array([0.5, 0.5]), np.array([0.6, 0.4]), nobody, nobody)
    got = audit(s)
    assert np.isnan(got.line.slope)
    assert got.uniform_teams is None
    assert len(got.findings) == 4
    assert json.loads(json.dumps(got.to_dict()))["line"]["slope"] is None


def test_a_rise_is_no_adaptivity() -> None:
    s = submissions(0, fitted=0.25)
    rise = Submissions(s.private, s.public, s.team, s.time)
    assert "look for another reason" in " ".join(audit(rise).findings)


def test_bad_input() -> None:
    s = submissions(0, n=1)
    with pytest.raises(DataError, match="two submissions"):
        audit(s)
    with pytest.raises(UsageError, match="need examples"):
        audit_competition(s, 0, 5, rng=np.random.default_rng(0))


def test_scores_that_no_count_gives_are_told() -> None:
    rng = np.random.default_rng(0)
    right = rng.integers(600, 900, size=(2, 50))
    names = np.full(50, "", dtype=object)

    def warned(public: np.ndarray, private: np.ndarray) -> tuple[str, ...]:
        return audit(Submissions(public, private, names, names, 3)).warnings

    left_out = "3 rows without both scores are left out."
    assert warned(right[0] / 1000, right[1] / 3000) == (left_out,)
    # Rounded to three digits, shares of 3,000 are what they can be.
    assert warned(right[0] / 1000, np.round(right[1] / 3000, 3)) == (left_out,)
    first, second = warned(right[0] / 1000, rng.uniform(0.5, 0.9, 50))
    assert first == left_out
    assert "private scores are no shares of 3,000 examples" in second
    assert "or the score no accuracy" in second
