"""The section of a validation by folds, with the official test set that was opened at its end."""

from __future__ import annotations

from freshset.protocols.folds.result import KFoldResult
from freshset.protocols.folds.scores import NO_PERCENT
from freshset.reports.figures.validation import validation
from freshset.reports.section import Section, Tile
from freshset.reports.study import slug_of
from freshset.reports.table import ABSENT, Cell, Column, Table, estimate_cell, number
from freshset.stats.types import Estimate


def validation_section(
    result: KFoldResult, *, title: str = "", slug: str = "", note: str = ""
) -> Section:
    """Return a validation by folds as a section of a report.

    Parameters
    ----------
    slug
        Short name in file names and links; made from the title by default.
    note
        One paragraph on where the data come from.
    """
    title = title or f"Folds of {result.data}"
    return Section(
        kind="validation",
        title=title,
        slug=slug or slug_of(title),
        findings=result.findings,
        document=result.to_dict(),
        note=note,
        warnings=result.warnings,
        glance=_glance(result),
        figures=(validation(result),),
        tables=(_repeats(result),),
        provenance=_provenance(result),
    )


def _glance(result: KFoldResult) -> tuple[Tile, ...]:
    official = result.official
    return (
        Tile("Learner", result.learner, align="left"),
        Tile("Metric", result.metric, align="left"),
        _tile("Mean of the folds", result, result.mean),
        _tile("As if independent", result, result.naive),
        Tile("Official test set", ABSENT)
        if official is None
        else _tile("Official test set", result, official.score),
        Tile("Folds less official", ABSENT)
        if official is None
        else _tile("Folds less official", result, official.gap, change=True),
    )


def _tile(name: str, result: KFoldResult, one: Estimate, *, change: bool = False) -> Tile:
    if result.metric in NO_PERCENT:
        cell = estimate_cell(one, 3, signed=change)
        return Tile(name, cell.text, cell.interval)
    percent = Estimate(100 * one.value, 100 * one.low, 100 * one.high)
    cell = estimate_cell(percent, 2, signed=change)
    return Tile(name, f"{cell.text} {'points' if change else '%'}", cell.interval)


def _repeats(result: KFoldResult) -> Table:
    share = result.metric not in NO_PERCENT
    scale, digits, unit = (100, 2, "%") if share else (1, 3, "")
    columns = (
        Column("Repeat", ("repeat",)),
        Column("Mean", ("mean",), unit=unit),
        Column("Lowest fold", ("lowest",), unit=unit),
        Column("Highest fold", ("highest",), unit=unit),
    )
    rows = []
    for repeat, mean in enumerate(result.repeat_means):
        scores = [one.score for one in result.folds if one.repeat == repeat]
        values = (mean, min(scores), max(scores))
        shown = (Cell((x,), number(scale * x, digits)) for x in values)
        rows.append((Cell((repeat + 1,), f"{repeat + 1:,}"), *shown))
    caption = f"Mean {result.metric} of each repeat: all data, shuffled and cut into folds anew."
    return Table("repeats", caption, columns, tuple(rows))


def _provenance(result: KFoldResult) -> tuple[tuple[str, str], ...]:
    scheme, official = result.scheme, result.official
    facts = [
        ("Data of the folds", f"{result.data}, n = {result.n:,}"),
        ("Learner", result.learner),
        ("Folds", f"{scheme.repeats:,} x {scheme.folds:,}, {scheme.kind}"),
        ("Seed", str(scheme.seed)),
        ("Confidence level", f"{100 * result.level:g} %"),
        ("Interval of the mean", "Nadeau and Bengio's correction for overlapping training sets"),
    ]
    if official is not None:
        when = (
            "by an earlier run of this validation" if official.before else "once, after the folds"
        )
        facts.append(("Official test set", f"{official.name}, n = {official.n:,}, opened {when}"))
    return tuple(facts)
