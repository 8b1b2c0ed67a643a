"""Results as plain text for a terminal."""

from __future__ import annotations

from math import isfinite

from freshset.cli.output import columns, wrapped
from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison, ModelRow, Score
from freshset.generalization.issues import LintReport
from freshset.generalization.pair import Pair
from freshset.generalization.selection import ESTIMATOR_NAMES, Selection
from freshset.stats.types import Estimate


def comparison_text(result: Comparison) -> str:
    """Findings, then one line a model, then the fits."""
    header = ("model", "old % [interval]", "new % [interval]", "drop [interval]", "rank", "change")
    rows = [_model(row) for row in result.models]
    title = f"{testset_title(result.old)} -> {testset_title(result.new)}, {result.settings.metric}"
    parts = [title, "", wrapped(result.findings), "", columns(header, rows), ""]
    for scale, fit in result.fits.items():
        unit = " points" if scale == "linear" else ""
        parts.append(
            f"{scale:<7} slope {_interval(fit.slope, 3)}, intercept {_interval(fit.intercept, 2)}"
            f"{unit}, R2 {fit.r2:.4f}"
        )
    parts.append("rank: = marks ties; change: [interval], * beyond noise")
    parts.append(
        f"mean drop {_interval(result.drop.mean, 2)} points; Spearman {result.ranks.spearman:.4f}, "
        f"Kendall {result.ranks.kendall:.4f}"
    )
    if result.selection is not None:
        parts += ["", _selection(result.selection)]
    if result.excluded:
        parts.append("left out: " + ", ".join(model for model, _ in result.excluded))
    return "\n".join(parts)


def _selection(selection: Selection) -> str:
    """The gap by each estimator."""
    header = ("mean gap in points", "[interval]", "standard error", "where the true gap is 0")
    rows = [
        (
            ESTIMATOR_NAMES[e.estimator],
            _interval(e.mean, 2),
            f"{e.error:.2f}",
            f"{e.null:.2f}" if isfinite(e.null) else "-",
        )
        for e in selection.estimates
    ]
    return columns(header, rows)


def pair_text(result: Pair) -> str:
    """One line a test set."""
    header = ("test set", "n", result.a, result.b, "difference [interval]", "only a", "only b",
              "p exact", "p mid", "p Holm")  # fmt: skip
    rows = [
        (
            row.testset,
            f"{row.n:,}",
            f"{100 * row.accuracy_a:.2f}",
            f"{100 * row.accuracy_b:.2f}",
            _interval(row.difference, 2),
            f"{row.only_a:,}",
            f"{row.only_b:,}",
            _p(row.p_exact),
            _p(row.p_mid),
            _p(row.p_adjusted),
        )
        for row in result.testsets
    ]
    notes = []
    for row in result.testsets:
        if row.p_adjusted < 1 - result.level:
            better = result.a if row.difference.value > 0 else result.b
            notes.append(f"{row.testset}: {better} is better beyond noise.")
        elif row.difference.value == 0:
            notes.append(f"{row.testset}: equal.")
        else:
            notes.append(
                f"{row.testset}: tied. Telling two models this far apart takes "
                f"{row.items_needed:,.0f} items at 80 % power."
            )
    return "\n".join([columns(header, rows), "", wrapped(notes)])


def lint_text(result: LintReport, shown_notes: int) -> str:
    """Issues, worst first; of notes only the first few."""
    issues = [i for i in result.issues if i.severity != "note"]
    notes = [i for i in result.issues if i.severity == "note"]
    head = f"{result.cells:,} cells on {result.testsets} test sets"
    if not issues:
        head += ": no faults, no warnings"
    lines = [f"{head}."]
    lines += [f"{i.severity.upper():<8}{i.check}: {i.message}" for i in issues]
    lines += [f"{'note':<8}{i.check}: {i.message}" for i in notes[:shown_notes]]
    if len(notes) > shown_notes:
        lines.append(f"... and {len(notes) - shown_notes:,} more notes; --json has them all.")
    return "\n".join(lines)


def _model(row: ModelRow) -> tuple[str, ...]:
    old = _rank(row.rank.old, tied=row.rank.tied_old)
    rank = f"{old} -> {_rank(row.rank.new, tied=row.rank.tied_new)}"
    mark = "*" if row.rank.beyond_noise else " "
    change = f"{row.rank.change:+d} [{row.rank.low:+d}, {row.rank.high:+d}]{mark}"
    return (row.model, _score(row.old), _score(row.new), _interval(row.drop, 2), rank, change)


def _rank(rank: int, *, tied: bool) -> str:
    return f"{rank}=" if tied else f"{rank}"


def _score(score: Score) -> str:
    return f"{100 * score.accuracy:.2f} [{100 * score.low:.2f}, {100 * score.high:.2f}]"


def _interval(estimate: Estimate, digits: int) -> str:
    # Adding 0.0 after rounding turns -0.00 into 0.00.
    value, low, high = (
        f"{round(part, digits) + 0.0:.{digits}f}"
        for part in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"


def _p(value: float) -> str:
    if value < 1e-300:
        return "<1e-300"
    return f"{value:.3g}"
