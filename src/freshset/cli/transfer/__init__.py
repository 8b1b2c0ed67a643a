"""``freshset transfer``: do better models on the source benchmark transfer better?"""

from __future__ import annotations

import typer

from freshset.cli.transfer.pick import pick
from freshset.cli.transfer.report import report
from freshset.cli.transfer.run import STAGES, stage_command

app = typer.Typer(
    name="transfer",
    help="Transfer models to other data sets: fixed features, fine-tuning, training from scratch.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
for name, help_text in STAGES.items():
    app.command(name, help=help_text)(stage_command(name))
app.command("report")(report)
app.command("pick")(pick)
