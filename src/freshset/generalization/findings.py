"""Findings: a comparison in a few plain sentences, with the numbers and what they do not show.

The rules are stated in the documentation (explanation, "How findings are worded") and pinned by
tests.  Two of them are absolute: no sentence says that there is no adaptive overfitting, and
"survived" is said only after an equivalence test with enough power.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from freshset.core.identifiers import testset_title
from freshset.core.words import count

if TYPE_CHECKING:
    from freshset.generalization.comparison import Comparison
    from freshset.stats.types import Estimate

# A model whose removal moves the slope by this share carries the line.
_CARRIED = 0.1

# Slopes this close to 1 are 1.
_ROUNDING = 1e-9


def findings(comparison: Comparison) -> tuple[str, ...]:
    """Return the sentences that apply, most important first."""
    rules: tuple[Callable[[Comparison], str], ...] = (
        _direction,
        _touched,
        _verdict,
        _rank_changes,
        _slopes,
        _selection,
        _gap,
        _leverage,
    )
    return tuple(text for rule in rules if (text := rule(comparison)))


def points(value: float) -> str:
    """Format percentage points, with more digits where one would print 0."""
    text = f"{value:.1f}" if abs(value) >= 0.95 or value == 0 else f"{value:.2f}"
    return "0.0" if float(text) == 0 else text


def _percent(level: float) -> str:
    return f"{100 * level:g} %"


def _direction(c: Comparison) -> str:
    drops = np.array([row.drop.value for row in c.models])
    lower, higher, total = int((drops > 0).sum()), int((drops < 0).sum()), drops.size
    mean = c.drop.mean
    size = f"{points(abs(mean.value))} points {'lower' if mean.value >= 0 else 'higher'}"
    span = sorted((np.sign(mean.value) or 1) * np.array([mean.low, mean.high]))
    interval = f"{_percent(c.settings.level)} interval {points(span[0])} to {points(span[1])}"
    new, old = testset_title(c.new), testset_title(c.old)
    if total == 1:
        return f"The model scores {size} on {new} than on {old} ({interval})."
    if total in (lower, higher):
        who = "Both models" if total == 2 else f"All {total:,} models"
        moved = f"{who} {'lose' if lower else 'gain'} accuracy on {new}"
        return f"{moved}: {size} than on {old} on average ({interval}; {_range(c)})."
    if not lower and not higher:
        return f"All {total:,} models score the same on {new} as on {old} ({interval})."
    same = f", {total - lower - higher:,} the same" if lower + higher < total else ""
    return (
        f"{lower:,} of {total:,} models score lower on {new} than on {old} and {higher:,} higher{same}: "
        f"{size} on average ({interval}; {_range(c)})."
    )


def _range(c: Comparison) -> str:
    return f"drops from {points(c.drop.min)} to {points(c.drop.max)}"


def _verdict(c: Comparison) -> str:
    v = c.verdict
    margin = f"{v.margin:g} point{'' if v.margin == 1 else 's'}"
    if v.outcome == "survived":
        beyond = sum(row.drop.low > v.margin or row.drop.high < -v.margin for row in c.models)
        text = (
            f"On average the scores survived: an equivalence test puts the mean change within "
            f"{margin} (p {_p(v.p_equivalence)}), and these sets would have shown a drop of "
            f"{margin} with a probability of {100 * v.power:.0f} %."
        )
        if beyond:
            text += f" Still, {count(beyond, 'model')} moved by more than that beyond noise."
        return text
    if v.outcome == "undecided":
        need = (
            f"it takes {v.fresh_items_needed:,.0f} fresh items"
            if np.isfinite(v.fresh_items_needed)
            else "no number of fresh items is enough, since the old set itself is too small"
        )
        return (
            f"Undecided: the mean change is within noise, which does not show that the scores "
            f"survived. These sets show drops of {points(v.detectable)} points or more with "
            f"{100 * c.settings.power:.0f} % power; for {margin}, {need}."
        )
    return ""


def _touched(c: Comparison) -> str:
    """Say which set was changed when its predictions may have been known."""
    texts = [
        f"{testset_title(name)} was changed after its predictions may have been seen ({why}), so its "
        "scores may be fitted to the models that were seen: for them it is no fresh test set."
        for name, why in c.touched
    ]
    return " ".join(texts)


def _rank_changes(c: Comparison) -> str:
    if len(c.models) < 2:
        return ""
    changed, beyond = c.ranks.changed, c.ranks.changed_beyond_noise
    # Two orders of two models are equal or opposite; a correlation would say no more.
    known = len(c.models) > 2 and np.isfinite(c.ranks.spearman)
    kept = f"Spearman correlation {c.ranks.spearman:.3f}" if known else ""
    if not changed and not beyond:
        return f"No model changes rank ({kept})." if kept else "No model changes rank."
    exceed = f"{count(beyond, 'rank change')} exceed{'s' if beyond == 1 else ''} noise"
    text = f"{exceed[0].upper()}{exceed[1:]}, of {changed:,} seen"
    return f"{text} ({kept})." if kept else f"{text}."


def _slopes(c: Comparison) -> str:
    if "linear" not in c.fits:
        return ""
    linear, probit = c.fits["linear"].slope, c.fits["probit"].slope
    text = (
        f"On the linear scale one point on {testset_title(c.old)} is worth {linear.value:.2f} on "
        f"{testset_title(c.new)} ({linear.low:.2f} to {linear.high:.2f}); on the probit scale the "
        f"slope is {probit.value:.2f} ({probit.low:.2f} to {probit.high:.2f})"
    )
    return f"{text}, {_slope_clause(linear, probit)}."


def _slope_clause(linear: Estimate, probit: Estimate) -> str:
    above, below = linear.low > 1 + _ROUNDING, linear.high < 1 - _ROUNDING
    probit_above = probit.low > 1 + _ROUNDING
    clauses = (
        (
            above and not probit_above,
            (
                "so better models pull ahead in points because the linear scale is stretched where "
                "the new set puts them, as it is for any harder set"
            ),
        ),
        (above, "so better models lose less on either scale"),
        (
            linear.high < 0,
            "so models that are better on the old set are worse on the new one",
        ),
        (
            below and probit_above,
            (
                "so in points gains on the old set shrink on the new one because the linear scale "
                "is compressed where the new set puts them, as it is for any easier set"
            ),
        ),
        (below, "so in points gains on the old set shrink on the new one"),
        (True, "so in points gains on the old set are neither shrunk nor stretched beyond noise"),
    )
    return next(clause for applies, clause in clauses if applies)


def _selection(c: Comparison) -> str:
    """Say what is left of the change at equal true selection frequency, and what would settle it."""
    s = c.selection
    if s is None:
        return ""
    left, naive = s["beta_binomial"].mean, s["naive"].mean.value
    text = (
        f"At equal true selection frequency the mean change is {points(left.value)} points instead of "
        f"{points(s['raw'].mean.value)}, old minus new ({_percent(c.settings.level)} interval "
        f"{points(left.low)} to {points(left.high)}, Beta-Binomial estimate; matched on the observed "
        f"frequencies of {s.answers:,} answers an item it is {points(naive)})."
    )
    if s.held_out.drop.excludes_zero:
        side = "below" if s.held_out.drop.value > 0 else "above"
        text += (
            f" Answers that the matching did not use put the matched new items "
            f"{points(abs(100 * s.held_out.drop.value))} points of frequency {side} the old ones: "
            "equal observed frequencies are not equal here."
        )
    tolerance = f"{points(s.need.tolerance)} points"
    if s.need.naive > s.answers:
        return (
            f"{text} About {s.need.naive:,} answers an item ({s.need.naive - s.answers:,} more) would "
            f"bring the matched change itself within {tolerance} of its limit."
        )
    return f"{text} More answers an item would move the matched change by less than {tolerance}."


def _gap(c: Comparison) -> str:
    if c.gap.adaptivity.identified:
        if c.verdict.outcome == "rose":
            return (
                "The new set is declared a draw from the old distribution; adaptive overfitting "
                "does not raise scores, so look for another reason for the rise."
            )
        if not c.gap.total.excludes_zero:
            return (
                "The new set is declared a draw from the old distribution, so a drop would be "
                "adaptive overfitting; within noise there is none to measure, and the interval "
                f"allows {points(c.gap.total.low)} to {points(c.gap.total.high)} points of it."
            )
        return (
            "The new set is declared a draw from the old distribution, so the mean change of "
            f"{points(c.gap.total.value)} points is adaptivity, up to sampling error."
        )
    if c.verdict.outcome == "rose":
        return (
            "How much of the change comes from other items and how much from models fitted to the "
            "old set cannot be told from one fresh set."
        )
    return (
        "How much of the change comes from harder items and how much from models fitted to the old "
        "set cannot be told from one fresh set: a penalty that all models share would look the same."
    )


def _leverage(c: Comparison) -> str:
    fit = c.fits.get("linear")
    if fit is None or not fit.leave_one_out:
        return ""
    shift = np.abs(np.array(fit.leave_one_out) - fit.slope.value)
    worst = int(np.nanargmax(shift))
    if not shift[worst] > _CARRIED * abs(fit.slope.value):
        return ""
    return (
        f"One model carries the line: without {c.models[worst].model} the linear slope is "
        f"{fit.leave_one_out[worst]:.2f} instead of {fit.slope.value:.2f}."
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
