"""``freshset testset sample`` and ``lab``: draw a revision, or many samples to see their spread."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.output import columns, emit, warn
from freshset.cli.testset.options import (
    DatabaseOption,
    FrequenciesOption,
    JsonOption,
    OutputOption,
    ProjectOption,
    WhoOption,
    WhyOption,
    frequencies_of,
    opened,
    person,
)
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.files import write_atomic

if TYPE_CHECKING:
    from freshset.replication.revisions.document import Revision
    from freshset.replication.sampling.choose import Choice
    from freshset.replication.sampling.lab import Lab, Spread


def sample(
    project: ProjectOption,
    why: WhyOption,
    who: WhoOption = "",
    parent: Annotated[
        str,
        typer.Option("--parent", help="Revision to begin from; its good images stay."),
    ] = "",
    name: Annotated[
        str, typer.Option("--name", help="Name; by default the strategy and a number.")
    ] = "",
    frequencies: FrequenciesOption = None,
    candidates: Annotated[
        Path | None,
        typer.Option(
            "--candidates",
            help="Write every candidate with the first reason why it is not eligible.",
            metavar="FILE.csv",
        ),
    ] = None,
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Draw a revision by the spec's strategy and seed, as a draft to be reviewed."""
    from freshset.replication.revisions.chain import load
    from freshset.replication.sampling.choose import choice_of, draw_revision
    from freshset.replication.sampling.pools import eligibility_csv
    from freshset.replication.status import unguarded

    with opened(project, database) as open_project:
        answers = frequencies_of(open_project, frequencies)
        head = draw_revision(
            open_project,
            answers,
            name=name,
            parent=parent,
            who=person(who),
            why=why,
        )
        with open_project.read() as connection:
            revision = load(connection, head.name)
            if candidates is not None:
                found = choice_of(connection, answers).eligibility
                write_atomic(candidates, eligibility_csv(found))
        warn(unguarded(open_project))
    if not revision.is_valid:
        warn([f"{head.name} is not valid: images lack in {len(revision.missing):,} classes."])
    data = {"schema": "freshset.sample/1"} | head.to_dict() | revision.summary()
    data |= {name: getattr(revision, name) for name in ("missing", "upward", "eligibility")}
    emit(data, render_sample(head.name, revision), as_json=json, output=None)


def lab(
    project: ProjectOption,
    strategy: Annotated[
        list[str] | None,
        typer.Option("--strategy", help="Only this strategy; repeatable. All that can be drawn."),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", help="Samples of each strategy, with seeds from 0.", min=1)
    ] = 20,
    frequencies: FrequenciesOption = None,
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Draw many samples by each strategy and show what the seed alone does; stores nothing."""
    from typing import get_args

    from freshset.replication.sampling.choose import choice_of
    from freshset.replication.sampling.lab import run_lab
    from freshset.replication.spec import Strategy

    known: tuple[Strategy, ...] = get_args(Strategy)
    for one in strategy or ():
        if one not in known:
            raise UsageError(f"No strategy {one!r}.", did_you_mean(one, known))
    wanted = [one for one in known if not strategy or one in strategy]
    choices: dict[str, Choice] = {}
    with opened(project, database) as open_project:
        answers = frequencies_of(open_project, frequencies)
        with open_project.read() as connection:
            for one in wanted:
                try:
                    choices[one] = choice_of(connection, answers, strategy=one)
                except DataError as error:
                    if strategy:
                        raise
                    warn([f"{one} is left out. {error.message}"])
    result = run_lab(choices, range(seeds))
    emit(result.to_dict(), render_lab(result), as_json=json, output=output)


def render_sample(name: str, revision: Revision) -> str:
    """Lay out what was drawn; for a revision that is not valid also what lacks, and why."""
    facts = revision.summary()
    drew = f"{facts['images']:,} images of {len(revision.targets):,} classes"
    counts = (
        f"{facts['kept']:,} kept from the parent, {facts['upward']:,} from a higher bin than meant"
    )
    lines = [
        f"Drew {name}: {drew} by {facts['strategy']}, seed {facts['seed']}.",
        f"{counts}, {facts['missing']:,} missing.",
    ]
    if revision.is_valid:
        return "\n".join([*lines, f"Next: freshset testset review {name}"])
    rows = []
    for key, groups in sorted(revision.missing.items()):
        reasons = dict(revision.eligibility.get(key, {}))
        eligible = reasons.pop("eligible", 0)
        rows.append(
            [key, str(sum(groups.values())), _counts(groups), str(eligible), _counts(reasons)]
        )
    header = ("class", "missing", "of", "eligible", "not eligible")
    return "\n".join([*lines, "", columns(header, rows, left=(0, 2, 4))])


def render_lab(result: Lab) -> str:
    """Lay out one row a strategy."""
    rows = [
        [
            row.strategy,
            _spread(row.mean_frequency, ".3f"),
            _spread(row.overlap, ".2f"),
            _spread(row.images, ".0f"),
            _spread(row.missing, ".0f"),
            _spread(row.upward, ".0f"),
        ]
        for row in result.rows
    ]
    header = ("strategy", "mean frequency", "overlap", "images", "missing", "upward")
    note = f"Mean and standard deviation over {len(result.seeds)} seeds."
    return columns(header, rows) + f"\n\n{note}"


def _counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in numbers.items())


def _spread(value: Spread | None, form: str) -> str:
    if value is None:
        return "-"
    return f"{value.mean:{form}} ± {value.sd:{form}}"
