"""``freshset protocol holdout``: seal labels, evaluate under a budget, open, and check the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, OutputOption
from freshset.cli.output import columns, emit, say, warn
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
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.protocols.sealed.holdout import Holdout
    from freshset.protocols.sealed.ledger import Entry, Read

app = typer.Typer(
    name="holdout",
    help="A sealed holdout: labels under a key, a budget of looks, a ledger of everything revealed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the holdout.", metavar="DIR")]


@app.command()
def seal(
    labels: Annotated[Path, typer.Argument(help="The labels.", metavar="LABELS")],
    folder: FolderArgument,
    key: KeyOption,
    looks: Annotated[int, typer.Option("--looks", help="Evaluations in all.", metavar="N")],
    policy: PolicyOption = "ladder",
    step: StepOption = "",
    threshold: ThresholdOption = None,
    sigma: SigmaOption = None,
    budget: BudgetOption = None,
    each: Annotated[
        int, typer.Option("--each", help="Evaluations of one person; 0 for no limit.", metavar="N")
    ] = 0,
    name: Annotated[str, typer.Option("--name", help="What to call the holdout.")] = "",
    classes: ClassesOption = "",
    who: WhoOption = "",
    json: JsonOption = False,
) -> None:
    """Encrypt labels; the key is made unless its file is there already."""
    from freshset.protocols.policies import PolicySpec
    from freshset.protocols.replay import read_labels
    from freshset.protocols.sealed.holdout import Holdout
    from freshset.protocols.sealed.rules import Rules

    check_apart(folder, key)
    rules = Rules(PolicySpec(policy, step, threshold, sigma, budget), looks, each)
    rules.check()
    given = read_labels(labels, name, classes=classes)
    holdout = Holdout.seal(folder, key_of(key), given, rules, who=person(who))
    head = holdout.verify().head
    data = {"schema": "freshset.seal/1", "n": holdout.public.n, "digest": head,
            "rules": rules.to_dict()}  # fmt: skip
    text = (
        f"Sealed {holdout.public.n:,} labels of {holdout.public.name} into {folder}: policy {policy}, "
        f"{looks:,} looks.\nNote this digest elsewhere: {head}"
    )
    emit(data, text, as_json=json, output=None)


@app.command()
def evaluate(
    folder: FolderArgument,
    predictions: Annotated[Path, typer.Argument(help="Predictions.", metavar="PREDICTIONS")],
    key: KeyOption,
    model: Annotated[
        str, typer.Option("--model", help="What to call the model; the file's name by default.")
    ] = "",
    claimed: Annotated[
        float | None,
        typer.Option("--claimed", help="Accuracy on known data, a fraction; for thresholdout."),
    ] = None,
    who: WhoOption = "",
    json: JsonOption = False,
) -> None:
    """Use one look: record the evaluation, and show what the policy allows."""
    from freshset.protocols.replay import read_predictions
    from freshset.protocols.sealed.cipher import read_key
    from freshset.protocols.sealed.holdout import Holdout

    holdout = Holdout(folder)
    found = read_predictions(predictions, holdout.public)
    if len(found) != 1:
        raise UsageError(
            f"{predictions} holds {len(found)} models; a look is at one.", "Give one file a model."
        )
    name, submission = found[0]
    look = holdout.evaluate(
        read_key(key), submission, who=person(who), model=model or name, claimed=claimed
    )
    accuracy = look.answer.accuracy
    shown = "The budget is spent: no answer" if accuracy is None else f"{100 * accuracy:.2f} %"
    if look.answer.improved:
        shown += ", the best so far"
    text = f"{shown}. Looks left: {look.left:,}.\nReceipt (entry {look.seq}): {look.digest}"
    emit(look.to_dict(), text, as_json=json, output=None)


@app.command(name="open")
def open_(
    folder: FolderArgument,
    key: KeyOption,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Write the labels as csv.", metavar="FILE")
    ] = None,
    who: WhoOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """End the holdout: reveal how every evaluated model did, and answer no more."""
    from freshset.protocols.sealed.cipher import read_key
    from freshset.protocols.sealed.holdout import Holdout
    from freshset.protocols.sealed.opened import opened_scores

    holdout, secret = Holdout(folder), read_key(key)
    scores = opened_scores(holdout.open(secret, who=person(who)))
    if labels is not None:
        from freshset.core.files import write_atomic

        ids = holdout.public.ids or tuple(map(str, range(holdout.public.n)))
        lines = [f"{a},{b}" for a, b in zip(ids, holdout.labels(secret), strict=True)]
        write_atomic(labels, "item_id,label\n" + "\n".join(lines) + "\n")
        say(f"Wrote {labels}.")
    rows = [
        [
            one.model, one.who,
            "" if one.shown is None else f"{100 * one.shown:.2f} %",
            f"{100 * one.score.value:.2f} %",
            f"{100 * one.score.low:.1f} to {100 * one.score.high:.1f}",
        ]
        for one in scores
    ]  # fmt: skip
    data = {"schema": "freshset.opened/1", "scores": [one.to_dict() for one in scores]}
    header = ["model", "who", "shown", "accuracy", "95 % interval"]
    emit(data, columns(header, rows, left=(0, 1)), as_json=json, output=output)


@app.command()
def log(folder: FolderArgument, json: JsonOption = False, output: OutputOption = None) -> None:
    """Show every entry of the ledger, after checking it; no key is needed."""
    from freshset.protocols.sealed.holdout import Holdout

    holdout = Holdout(folder)
    read = holdout.verify()
    warn(_notes(read))
    emit(_ledger_dict(holdout, read), log_text(read), as_json=json, output=output)


@app.command()
def verify(
    folder: FolderArgument,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Check the signatures, too.", envvar="FRESHSET_KEY"),
    ] = None,
    known: KnownOption = "",
    json: JsonOption = False,
) -> None:
    """Check that no entry was changed, removed or added, and that nothing was cut off."""
    from freshset.protocols.sealed.cipher import read_key
    from freshset.protocols.sealed.holdout import Holdout

    holdout = Holdout(folder)
    read = holdout.verify(None if key is None else read_key(key), known=known)
    warn(_notes(read))
    text = f"{len(read.entries):,} entries, all as they were written.\nLast digest: {read.head}"
    if key is None:
        text += "\nWithout the key the signatures were not checked."
    if not known:
        text += "\nWithout a digest that was noted elsewhere (--known), a ledger that was replaced by an older one looks whole."
    emit(_ledger_dict(holdout, read), text, as_json=json, output=None)


def _ledger_dict(holdout: Holdout, read: Read) -> dict[str, object]:
    return {
        "schema": "freshset.ledger/1",
        "name": holdout.public.name,
        "n": holdout.public.n,
        "rules": holdout.rules.to_dict(),
        "digest": read.head,
        "behind": read.behind,
        "entries": [_entry_dict(one) for one in read.entries],
    }


def _entry_dict(entry: Entry) -> dict[str, object]:
    names = ("seq", "at", "who", "action", "model", "submission", "revealed", "note", "digest")
    return {name: getattr(entry, name) for name in names}


def _notes(read: Read) -> list[str]:
    out = entry_notes(read.entries)
    if read.behind:
        out.append("The writer of the last entry was stopped before it could answer.")
    return out


def log_text(read: Read) -> str:
    """Lay out the ledger, one line an entry."""
    rows = []
    for one in read.entries:
        accuracy = one.revealed.get("accuracy")
        shown = "" if accuracy is None else f"{100 * accuracy:.2f} %"
        if one.action == "open":
            shown = "everything"
        rows.append(
            [str(one.seq), one.at[:19], one.who, one.action, one.model, shown, one.digest[:12]]
        )
    header = ["", "at (UTC)", "who", "did", "model", "revealed", "digest"]
    return columns(header, rows, left=(1, 2, 3, 4, 6))
