"""``freshset demo``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from freshset.cli.output import is_terminal, wrapped


def demo(
    output: Annotated[
        Path, typer.Option("--output", help="Folder for the store and the report.", metavar="DIR")
    ] = Path("freshset-demo"),
    seed: Annotated[int, typer.Option("--seed", help="Seed of splits, models, resamples.")] = 0,
) -> None:
    """Tell the whole story on bundled and measured data: offline, in under a minute."""
    from freshset.demo.run import run, steps

    with _progress(steps()) as step:
        result = run(output, seed=seed, step=step)
    for study in result.studies:
        typer.echo(f"\n{study.title}")
        typer.echo(wrapped(study.comparison.findings))
    typer.echo("\nFolds of known writers, and unseen writers")
    typer.echo(wrapped(result.validation.findings))
    typer.echo(f"\nReport: {result.page.resolve()}")
    typer.echo(f"Store:  {result.store.resolve()}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], object]]:
    if not is_terminal():
        yield str  # nobody is watching
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda text: bar.update(task, advance=1, description=text)
