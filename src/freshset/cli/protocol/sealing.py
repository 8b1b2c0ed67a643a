"""What the commands of holdouts and leaderboards share: their key, their policy, notes on entries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from freshset.cli.output import say
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.protocols.sealed.cipher import Key
    from freshset.protocols.sealed.ledger import Entry

KeyOption = Annotated[
    Path,
    typer.Option(
        "--key", help="File of the key; keep it elsewhere.", envvar="FRESHSET_KEY", metavar="FILE"
    ),
]
KnownOption = Annotated[
    str,
    typer.Option("--known", help="A digest that was noted elsewhere, such as a receipt."),
]
PolicyOption = Annotated[
    Literal["exact", "rounded", "ladder", "ladder-step", "thresholdout"],
    typer.Option("--policy", help="What is answered of the hidden labels."),
]
ClassesOption = Annotated[
    str,
    typer.Option(
        "--classes",
        help="What predictions may name, if not every class has an example: a number of classes from "
        "0, or a file with one a line.",
        metavar="N|FILE",
    ),
]
StepOption = Annotated[str, typer.Option("--step", help="Of rounded and ladder-step.")]
ThresholdOption = Annotated[
    float | None, typer.Option("--threshold", help="Of thresholdout, a fraction.")
]
SigmaOption = Annotated[
    float | None, typer.Option("--sigma", help="Noise of thresholdout, a fraction.")
]
BudgetOption = Annotated[
    int | None, typer.Option("--budget", help="Of thresholdout: answers from the hidden part.")
]


def check_apart(folder: Path, key: Path) -> None:
    """Refuse a key within the folder that it opens.

    Raises
    ------
    UsageError
        When it lies there.
    """
    if key.resolve().is_relative_to(folder.resolve()):
        raise UsageError("The key would lie beside what it opens.", "Give a file outside DIR.")


def key_of(path: Path) -> Key:
    """Read a key, which is made where there is none yet."""
    from freshset.protocols.sealed.cipher import new_key, read_key, write_key

    if not path.exists():
        write_key(path, new_key())
        say(f"Wrote a new key to {path}. Without it the labels are lost; with it they are open.")
    return read_key(path)


def entry_notes(entries: Sequence[Entry]) -> list[str]:
    """Say which entries were written after a clock went back or a writer was stopped."""
    out = [
        f"Entry {one.seq} was written at {one.at}, before the entry before it ({one.note['clock']}): "
        "a clock went back."
        for one in entries
        if "clock" in one.note
    ]
    out += [
        f"Before entry {one.seq}, half a line of a stopped writer was removed."
        for one in entries
        if "torn" in one.note
    ]
    return out
