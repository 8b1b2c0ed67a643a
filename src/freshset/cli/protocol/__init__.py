"""``freshset protocol``: keep a test set honest."""

from __future__ import annotations

import typer

from freshset.cli.protocol import audits, board, folds, holdout, policies

app = typer.Typer(
    name="protocol",
    help="Keep a test set honest: folds, Ladder, Thresholdout, sealed holdouts, leaderboards, audits of reuse.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
for verb in (
    folds.kfold,
    policies.ladder,
    policies.thresholdout,
    policies.simulate,
    audits.competition,
    audits.looks,
    audits.plan,
):
    app.command()(verb)
app.add_typer(holdout.app, name="holdout")
app.add_typer(board.app, name="board")
