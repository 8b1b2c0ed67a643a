"""``freshset protocol competition``, ``looks`` and ``plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, LevelOption, OutputOption, ReportOption, SeedOption
from freshset.cli.output import columns, emit, say, warn, wrapped
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.protocols.budget import Budget
    from freshset.protocols.looks import Looks


def competition(
    table: Annotated[
        Path,
        typer.Argument(
            help="Submissions, csv or Parquet: public, private, and perhaps team and time.",
            metavar="TABLE",
        ),
    ],
    public_items: Annotated[
        int, typer.Option("--public-items", help="Examples of the public part.", metavar="N")
    ],
    private_items: Annotated[
        int, typer.Option("--private-items", help="Examples of the private part.", metavar="N")
    ],
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Write the scatter as svg.", metavar="FILE")
    ] = None,
    report: ReportOption = None,
    level: LevelOption = 0.95,
    seed: SeedOption = 0,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Audit a finished competition: public against private scores, where adaptivity is identified."""
    import numpy as np

    from freshset.protocols.competition.audit import audit_competition
    from freshset.protocols.competition.table import read_submissions

    submissions = read_submissions(table)
    rng = np.random.default_rng(seed)
    result = audit_competition(submissions, public_items, private_items, rng=rng, level=level)
    warn(result.warnings)
    if figure is not None:
        from freshset.core.files import write_atomic
        from freshset.reports.figures.base import to_svg
        from freshset.reports.figures.competition import competition as draw

        write_atomic(figure, to_svg(draw(result)))
        say(f"Wrote {figure}.")
    if report is not None:
        from freshset.reports.competition import competition_section
        from freshset.reports.write import write_report

        say(f"Wrote {write_report([competition_section(result)], report)}.")
    emit(result.to_dict(), wrapped(result.findings), as_json=json, output=output)


def looks(
    testset: Annotated[
        str,
        typer.Option(
            "--testset",
            help="Id of a test set of the store, or name of an official set that kfold opened.",
            metavar="ID",
        ),
    ] = "",
    store: Annotated[
        Path | None,
        typer.Option("--store", help="Folder of the store.", envvar="FRESHSET_STORE"),
    ] = None,
    holdout: Annotated[
        Path | None,
        typer.Option("--holdout", help="A sealed holdout, in place of a store.", metavar="DIR"),
    ] = None,
    unrecorded: Annotated[
        int, typer.Option("--unrecorded", help="Looks that happened elsewhere.", metavar="N")
    ] = 0,
    report: ReportOption = None,
    level: LevelOption = 0.95,
    seed: SeedOption = 0,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """How often a test set was looked at, and how much of the best score that could explain."""
    import numpy as np

    from freshset.protocols.looks import looks_of_holdout, looks_of_store

    if holdout is not None:
        from freshset.protocols.sealed.holdout import Holdout

        result = looks_of_holdout(Holdout(holdout), level=level, unrecorded=unrecorded)
    elif store is not None and testset:
        from freshset.store.parquet import ParquetStore

        rng = np.random.default_rng(seed)
        opened = ParquetStore(store)
        result = looks_of_store(opened, testset, rng=rng, level=level, unrecorded=unrecorded)
    else:
        raise UsageError(
            "Nothing to look into.", "Give --holdout DIR, or --store DIR and --testset ID."
        )
    if report is not None:
        from freshset.reports.looks import looks_section
        from freshset.reports.write import write_report

        say(f"Wrote {write_report([looks_section(result)], report)}.")
    emit(result.to_dict(), looks_text(result), as_json=json, output=output)


def looks_text(result: Looks) -> str:
    """Lay out the looks that raised the best score, and the findings."""
    rows, before = [], None
    for number, one in enumerate(result.looks, start=1):
        if one.best != before and one.best is not None:
            rows.append([f"{number:,}", one.at[:10], one.model, f"{100 * one.best:.2f} %"])
            before = one.best
    table = columns(["look", "at", "model", "best so far"], rows, left=(1, 2))
    return f"{table}\n\n{wrapped(result.findings)}"


def plan(
    accuracy: Annotated[
        float, typer.Option("--accuracy", help="Expected on the old set, a fraction.")
    ],
    old_items: Annotated[
        int, typer.Option("--old-items", help="Examples of the old set.", metavar="N")
    ],
    fresh_items: Annotated[
        int, typer.Option("--fresh-items", help="Examples of the fresh set.", metavar="N")
    ],
    models: Annotated[int, typer.Option("--models", help="Models to compare.", metavar="K")] = 1,
    drop: Annotated[
        list[float] | None,
        typer.Option("--drop", help="Plan for this drop, in points, too; repeatable."),
    ] = None,
    level: LevelOption = 0.95,
    power: Annotated[float, typer.Option("--power", help="Wanted power.")] = 0.8,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """What test sets of these sizes can resolve, and how many fresh examples to collect."""
    from freshset.protocols.budget import Plan, plan_budget

    wanted = Plan(old_items, fresh_items, accuracy, models, level, power)
    result = plan_budget(wanted, drops=tuple(one / 100 for one in drop or ()))
    emit(result.to_dict(), plan_text(result), as_json=json, output=output)


def plan_text(budget: Budget) -> str:
    """Lay out drops and differences in two tables, and the findings."""
    needed = [
        [f"{one.drop:g}", f"{100 * one.power:.0f} %", _count(one.fresh), _count(one.fresh_all)]
        for one in budget.needed
    ]
    resolved = [
        [f"{100 * one.discordance:g} %", _points(one.one), _points(one.any_pair)]
        for one in budget.resolved
    ]
    header = ["drop (points)", "power now", "fresh examples", "for all models at once"]
    tables = (
        columns(header, needed),
        columns(["models differ in", "told apart from (points)", "any pair"], resolved),
    )
    return "\n\n".join((*tables, wrapped(budget.findings)))


def _count(value: float) -> str:
    return "impossible" if value == float("inf") else f"{value:,.0f}"


def _points(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"  # noqa: PLR0124 - nan
