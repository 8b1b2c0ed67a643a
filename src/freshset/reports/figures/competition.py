"""Public against private scores of a competition with y = x and the line, and the p-values."""

from __future__ import annotations

import numpy as np

from freshset.protocols.competition.audit import CompetitionAudit
from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, Marks
from freshset.reports.table import Value, number, plain


@style.styled()
def competition(audit: CompetitionAudit) -> Figure:
    """Draw every submission, those of the top tenth in their own colour."""
    public, private = (
        100 * np.array([getattr(row, part) for row in audit.rows]) for part in ("public", "private")
    )
    canvas, axes = style.canvas(5.6, 5.0)
    lead = np.zeros(len(public), dtype=bool)
    lead[np.argsort(-public, kind="stable")[: audit.top]] = True
    size = style.mark_size(len(public))
    style.points(axes, public[~lead], private[~lead], gid="rest", colour=style.MARK, size=size)
    style.points(axes, public[lead], private[lead], gid="top", colour=style.STRONG, size=size)
    low, high = style.padded(min(public.min(), private.min()), max(public.max(), private.max()))
    axes.plot([low, high], [low, high], color=style.REFERENCE, linestyle="--", linewidth=1.0,
              zorder=2, label="y = x")  # fmt: skip
    if np.isfinite(audit.line.slope):
        ends = np.array([public.min(), public.max()])
        axes.plot(ends, audit.line.slope * ends + 100 * audit.line.intercept, color=style.MARK,
                  linewidth=1.1, zorder=3, label=f"all, slope {number(audit.line.slope, 2)}")  # fmt: skip
    if np.isfinite(audit.top_line.slope):
        ends = np.array([public[lead].min(), public[lead].max()])
        axes.plot(ends, audit.top_line.slope * ends + 100 * audit.top_line.intercept,
                  color=style.STRONG, linewidth=1.1, zorder=3,
                  label=f"top tenth, slope {number(audit.top_line.slope, 2)}")  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_xlabel("Public score (%)")
    axes.set_ylabel("Private score (%)")
    axes.legend(loc="upper left")
    fields = ("team", "time", "public", "private", "p", "p_split", "p_adjusted")
    rows: list[tuple[Value, ...]] = [
        (r.team, r.time, r.public, r.private, r.p, r.p_split, r.p_adjusted) for r in audit.rows
    ]
    titles = [
        f"{row.team or 'submission'}\npublic {x:.2f} %\nprivate {y:.2f} %"
        for row, x, y in zip(audit.rows, public, private, strict=True)
    ]
    marks = tuple(
        Marks(gid, tuple(t for t, one in zip(titles, lead, strict=True) if one == wanted))
        for gid, wanted in (("rest", False), ("top", True))
    )
    return Figure(
        "competition",
        "Public and private scores",
        " ".join(audit.findings[1:3]),
        canvas,
        plain("competition", fields, rows),
        marks,
    )


@style.styled()
def p_values(audit: CompetitionAudit) -> Figure:
    """Draw which share of the submissions has a p-value below each, beside what chance gives."""
    canvas, axes = style.canvas(5.6, 3.6)
    values = np.sort([row.p for row in audit.rows])
    share = np.arange(1, len(values) + 1) / len(values)
    axes.plot([0, 1], [0, 1], color=style.REFERENCE, linestyle="--", linewidth=1.0,
              label="by chance, if uniform")  # fmt: skip
    axes.step(np.r_[0, values, 1], np.r_[0, share, 1], where="post", color=style.MARK,
              linewidth=1.3, label="submissions")  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("p-value, public and private scores are equal")
    axes.set_ylabel("Share with a p-value below")
    axes.legend(loc="lower right")
    u = audit.uniform
    rows: list[tuple[Value, ...]] = list(zip(values.tolist(), share.tolist(), strict=True))
    return Figure(
        "p-values",
        "p-values against uniform",
        (
            f"{u.below:,} of {u.n:,} submissions have a p-value below .05, where {0.05 * u.n:.1f} would "
            f"by chance; the largest distance from the diagonal is {u.distance:.2f}."
        ),
        canvas,
        plain("p-values", ("p", "share"), rows),
    )
