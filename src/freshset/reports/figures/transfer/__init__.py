"""Figures of transfer studies: each module draws one kind, from an analysis."""

from __future__ import annotations

from freshset.reports.figures.base import Figure
from freshset.reports.figures.transfer.convergence import convergence
from freshset.reports.figures.transfer.embeddings import embeddings
from freshset.reports.figures.transfer.gains import gain_figures
from freshset.reports.figures.transfer.source import source_figures
from freshset.reports.figures.transfer.subsets import subsets
from freshset.transfer.analysis.result import TransferAnalysis

__all__ = ["transfer_figures"]


def transfer_figures(analysis: TransferAnalysis) -> tuple[Figure, ...]:
    """Draw every figure that the analysis has the data for, in the order of the report."""
    optional = (convergence(analysis), subsets(analysis), embeddings(analysis))
    return (
        *source_figures(analysis),
        *gain_figures(analysis),
        *(figure for figure in optional if figure is not None),
    )
