"""``freshset protocol board``: make a leaderboard, look at it, end it, and open its private part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, OutputOption
from freshset.cli.output import columns, emit, say, warn, wrapped
from freshset.cli.protocol.sealing import (
    BudgetOption,
    ClassesOption,
    KeyOption,
    KnownOption,
    PolicyOption,
    SigmaOption,
    StepOption,
    ThresholdOption,
    check_apart,
    entry_notes,
    key_of,
)
from freshset.cli.testset.options import WhoOption, person

if TYPE_CHECKING:
    from freshset.protocols.leaderboard.board import Board
    from freshset.protocols.leaderboard.standings import Standings
    from freshset.stats.types import Estimate

app = typer.Typer(
    name="board",
    help="A leaderboard over a sealed holdout; freshset serve --board lets people submit to it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the leaderboard.", metavar="DIR")]

_PHASES = {
    "running": "open to submissions",
    "ended": "ended; the private part is sealed",
    "opened": "ended, and the private part was opened",
}


@app.command()
def create(
    labels: Annotated[Path, typer.Argument(help="The labels.", metavar="LABELS")],
    folder: FolderArgument,
    key: KeyOption,
    looks: Annotated[
        int, typer.Option("--looks", help="Submissions of everybody in all.", metavar="N")
    ],
    each: Annotated[
        int, typer.Option("--each", help="Submissions of one entrant; 0 for no limit.", metavar="N")
    ] = 0,
    per_day: Annotated[
        int,
        typer.Option(
            "--per-day", help="Submissions of one entrant a day; 0 for no limit.", metavar="N"
        ),
    ] = 5,
    seconds: Annotated[
        float,
        typer.Option("--seconds", help="Between two submissions of one entrant.", metavar="S"),
    ] = 0.0,
    ends: Annotated[
        str,
        typer.Option(
            "--ends", help="Last day, or the time of the end; UTC unless it says.", metavar="DATE"
        ),
    ] = "",
    policy: PolicyOption = "ladder",
    step: StepOption = "",
    threshold: ThresholdOption = None,
    sigma: SigmaOption = None,
    budget: BudgetOption = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Of the split into halves; no secret.", metavar="N")
    ] = 0,
    name: Annotated[str, typer.Option("--name", help="What to call the leaderboard.")] = "",
    classes: ClassesOption = "",
    who: WhoOption = "",
    json: JsonOption = False,
) -> None:
    """Split labels into a public and a private half, and seal both; the key is made unless it is there."""
    from freshset.protocols.leaderboard.limits import Limits, parse_end
    from freshset.protocols.leaderboard.setup import BoardRules, make_board
    from freshset.protocols.policies import PolicySpec
    from freshset.protocols.replay import read_labels

    check_apart(folder, key)
    limits = Limits(looks, each, per_day, seconds, parse_end(ends))
    rules = BoardRules(PolicySpec(policy, step, threshold, sigma, budget), limits, seed)
    rules.check()
    given = read_labels(labels, name, classes=classes)
    make_board(folder, key_of(key), given, rules, who=person(who))
    board = _opened(folder, key)
    found, head = board.standings(), board.entries()[-1].digest
    data = {"schema": "freshset.board-seal/1", "n_public": found.n_public, "digest": head,
            "n_private": found.n_private, "rules": rules.to_dict()}  # fmt: skip
    text = (
        f"Sealed {found.n_public + found.n_private:,} labels of {found.name} into {folder}: "
        f"{found.n_public:,} public, {found.n_private:,} private (seed {seed}).\n"
        f"Policy {policy}, {looks:,} submissions.\nNote this digest elsewhere: {head}"
    )
    emit(data, text, as_json=json, output=None)


@app.command()
def status(
    folder: FolderArgument,
    key: KeyOption,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write the standings as csv.", metavar="FILE")
    ] = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show the standings: intervals and groups of entrants who cannot be told apart."""
    from freshset.core.files import write_atomic

    found = _opened(folder, key).standings()
    if csv is not None:
        write_atomic(csv, found.to_csv())
        say(f"Wrote {csv}.")
    emit(found.to_dict(), standings_text(found), as_json=json, output=output)


@app.command()
def close(folder: FolderArgument, key: KeyOption, who: WhoOption = "") -> None:
    """End submissions now."""
    board = _opened(folder, key)
    board.close(who=person(who))
    say(f"{board.setup.public.name} takes no more submissions; its private part is still sealed.")


@app.command(name="open")
def open_(
    folder: FolderArgument,
    key: KeyOption,
    who: WhoOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """After the end: score the private part, once for each entrant, and reveal everything."""
    board = _opened(folder, key)
    board.open(who=person(who))
    found = board.standings()
    emit(found.to_dict(), standings_text(found), as_json=json, output=output)


@app.command()
def verify(
    folder: FolderArgument, key: KeyOption, known: KnownOption = "", json: JsonOption = False
) -> None:
    """Check both ledgers, the rules, and that all predictions are kept as they were submitted."""
    entries = _opened(folder, key).verify(known=known)
    warn(entry_notes(entries))
    submitted = sum(one.action == "evaluate" for one in entries)
    data = {"schema": "freshset.board-check/1", "entries": len(entries), "submissions": submitted,
            "digest": entries[-1].digest}  # fmt: skip
    text = (
        f"{len(entries):,} entries with {submitted:,} submissions, all as they were written.\n"
        f"Last digest: {entries[-1].digest}"
    )
    emit(data, text, as_json=json, output=None)


def _opened(folder: Path, key: Path) -> Board:
    from freshset.protocols.leaderboard.board import Board
    from freshset.protocols.sealed.cipher import read_key

    return Board(folder, read_key(key))


def standings_text(found: Standings) -> str:
    """Lay out the standings."""
    head = (
        f"{found.name}: {_PHASES[found.phase]}. {found.submissions:,} submissions of "
        f"{len(found.rows):,} entrants, {found.left:,} left."
    )
    if not found.rows:
        return head
    opened = found.phase == "opened"
    header = ["group", "entrant", "model", "sent", "public", f"{100 * found.level:g} % interval"]
    header += ["private", "interval", "drop", "interval"] if opened else []
    rows = []
    for one in found.rows:
        cells = [str(one.group or "-"), one.entrant, one.model, f"{one.submissions:,}"]
        cells += _cells(one.exact if opened else one.public, 100)
        rows.append(cells + (_cells(one.private, 100) + _cells(one.drop, 1) if opened else []))
    said = ["Within a group nobody is distinguishable from its best."]
    said += found.audit.findings if found.audit else ()
    return f"{head}\n\n{columns(header, rows, left=(1, 2))}\n\n{wrapped(said)}"


def _cells(estimate: Estimate | None, scale: float) -> list[str]:
    if estimate is None:
        return ["-", "-"]
    low, high = scale * estimate.low, scale * estimate.high
    return [f"{scale * estimate.value:.2f}", f"{low:.1f} to {high:.1f}"]
