"""The section of a transfer study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freshset.reports.figures.transfer import transfer_figures
from freshset.reports.section import Section, Tile
from freshset.reports.study import slug_of
from freshset.reports.table import ABSENT, estimate_cell
from freshset.reports.transfer_numbers import number_tables
from freshset.reports.transfer_tables import score_tables
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.tables import REGIME_TITLES, REGIMES

# Lists longer than this are given by their length and ends.
_LONG = 8


def transfer_section(
    analysis: TransferAnalysis, *, title: str = "", slug: str = "", note: str = ""
) -> Section:
    """Return a transfer study as a section of a report.

    Parameters
    ----------
    title
        By default that of the study.
    slug
        Short name in file names and links; made from the title by default.
    note
        One paragraph on where the data come from.
    """
    title = title or analysis.title
    return Section(
        kind="transfer",
        title=title,
        slug=slug or slug_of(title),
        findings=analysis.findings,
        document=analysis.to_dict(),
        note=note,
        warnings=analysis.warnings,
        glance=_glance(analysis),
        figures=transfer_figures(analysis),
        tables=(*score_tables(analysis), *number_tables(analysis)),
        provenance=_provenance(analysis),
    )


def _glance(analysis: TransferAnalysis) -> tuple[Tile, ...]:
    tiles = [
        Tile("Models", f"{len(analysis.models):,}"),
        Tile("Data sets", f"{len(analysis.datasets):,}"),
    ]
    for regime in REGIMES:
        one = analysis.regime(regime)
        name = f"r² with {analysis.source}, {REGIME_TITLES[regime]}"
        if one is None or not one.source.overall:
            tiles.append(Tile(name, ABSENT))
        else:
            cell = estimate_cell(one.source.overall[0].r2, 2)
            tiles.append(Tile(name, cell.text, cell.interval))
    for gain in analysis.gains:
        cell = estimate_cell(gain.mean.difference, 2, signed=True)
        name = f"Fine-tuning less {REGIME_TITLES[gain.over]}, log odds"
        tiles.append(Tile(name, cell.text, cell.interval))
    return tuple(tiles)


def _provenance(analysis: TransferAnalysis) -> tuple[tuple[str, str], ...]:
    settings = analysis.settings
    facts = [
        ("Data", "simulated" if analysis.simulated else "measured"),
        ("Source benchmark", analysis.source),
        ("Scale", "log odds of each data set's metric, clamped by half an item"),
        (
            "Correlations",
            f"percentiles of {settings.resamples:,} resamples; below ten models Fisher's interval",
        ),
        ("Error bars of means", "Morey's, Student's quantile over data sets"),
        (
            "Against the best",
            (
                "exact McNemar test for top-1 accuracy; "
                f"{settings.draws:,} exchanges of answers for means of per-class accuracies; "
                "exact exchanges of decisions for several classes an image; paired t over data sets "
                "for means"
            ),
        ),
        ("Confidence level", f"{100 * settings.level:g} %"),
        ("Seed", str(settings.seed)),
    ]
    for name, value in analysis.protocol.items():
        facts.append((f"Protocol: {name}", _said(value)))
    return tuple(facts)


def _said(value: Any) -> str:
    """Write settings in one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_said(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        if len(value) > _LONG:
            return f"{len(value):,} values from {_said(value[0])} to {_said(value[-1])}"
        return ", ".join(map(_said, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
