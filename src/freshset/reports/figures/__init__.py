"""Figures: each module draws one, from the numbers that a comparison already holds."""

from __future__ import annotations

from freshset.reports.figures.base import Figure
from freshset.reports.figures.drops import drops
from freshset.reports.figures.leverage import leverage
from freshset.reports.figures.pairs import pairs
from freshset.reports.figures.ranks import ranks
from freshset.reports.figures.scatter import scatter
from freshset.reports.figures.selection import selection
from freshset.reports.study import Study

__all__ = ["all_figures", "drops", "leverage", "pairs", "ranks", "scatter", "selection"]


def all_figures(study: Study) -> tuple[Figure, ...]:
    """Draw every figure that the study has the data for, in the order of the report."""
    comparison = study.comparison
    figures = [scatter(comparison, "linear"), scatter(comparison, "probit"), drops(comparison)]
    if len(comparison.models) > 1:
        figures.append(ranks(comparison))
    figures += [
        pairs(matrix, "old" if matrix.testset == comparison.old else "new")
        for matrix in study.pairs
    ]
    if "linear" in comparison.fits and comparison.fits["linear"].leave_one_out:
        figures.append(leverage(comparison))
    figures += selection(comparison)
    return tuple(figures)
