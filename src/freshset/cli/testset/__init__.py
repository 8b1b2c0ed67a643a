"""``freshset testset``: build a fresh test set, from candidates to a frozen package."""

from __future__ import annotations

from collections.abc import Callable

import typer

from freshset.cli.testset import choose, collect, dedupe, label, project, publish, revise, tables

app = typer.Typer(
    name="testset",
    help="Build a fresh test set: candidates, duplicates, labels, samples, review, package.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
# In the order of the pipeline; each is a plain function with typer's annotations.
VERBS: tuple[Callable[..., None], ...] = (
    project.new,
    project.spec,
    project.upgrade,
    project.status,
    project.log,
    collect.original,
    collect.collect,
    collect.blacklist,
    collect.takedown,
    dedupe.dedupe,
    dedupe.pairs,
    dedupe.verdict,
    dedupe.components,
    label.tasks,
    label.publish,
    label.answers,
    label.export,
    label.frequencies,
    label.forecast,
    choose.lab,
    choose.sample,
    revise.revisions,
    revise.review,
    revise.freeze,
    revise.unfreeze,
    publish.package,
    publish.audit,
)
for verb in VERBS:
    app.command()(verb)
app.add_typer(tables.app, name="table")
