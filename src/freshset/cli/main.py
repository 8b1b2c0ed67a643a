"""The ``freshset`` command: global options, error messages and exit codes.

Exit codes: 0 done, 1 an audit found what ``--fail-on`` names, 2 usage, data or store error, 3 partial
run, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from freshset.cli import (
    check,
    compare,
    demo,
    imports,
    listing,
    protocol,
    run,
    scoring,
    serve,
    testset,
    transfer,
)
from freshset.core.errors import FreshsetError
from freshset.version import __version__

EXIT_CODES = {
    0: "done",
    1: "the audit found an issue at or above --fail-on",
    2: "usage, data or store error; what was stored is as it was",
    3: "partial run: some cells failed, or are made by another process; the others are stored",
    130: "interrupted; rows so far are kept, and running again resumes",
}

app = typer.Typer(
    name="freshset",
    help="Does a benchmark score survive a fresh test set, and does it transfer?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes longer to import than the whole of --help may take
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(imports.app, name="import")
app.add_typer(listing.app, name="ls")
app.add_typer(testset.app, name="testset")
app.add_typer(protocol.app, name="protocol")
app.add_typer(transfer.app, name="transfer")
for command in (
    run.run,
    check.check,
    run.status,
    scoring.score,
    scoring.rescore,
    compare.compare,
    compare.pair,
    compare.lint,
    compare.report,
    demo.demo,
    serve.serve,
):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"freshset {__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of an error.", envvar="FRESHSET_DEBUG"),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Does a benchmark score survive a fresh test set, and does it transfer?"""
    del version  # its callback has done the work
    if debug:
        os.environ["FRESHSET_DEBUG"] = "1"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        code = app(args=arguments, standalone_mode=False)
    except FreshsetError as error:
        if os.environ.get("FRESHSET_DEBUG"):
            raise
        typer.echo(f"Error: {error.message}", err=True)
        if error.hint:
            typer.echo(f"Next: {error.hint}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("Interrupted.", err=True)
        code = 130
    except BrokenPipeError:
        # The reader of our output is gone; point stdout elsewhere so that closing it is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if os.environ.get("FRESHSET_DEBUG"):
            raise
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"Error: {where}{error.strerror or error}.", err=True)
        typer.echo("Next: make room or check permissions, then run the command again.", err=True)
        code = 2
    except Exception as error:
        # Usage errors know how to show themselves, whichever click typer carries.
        if not hasattr(error, "show"):
            raise
        error.show()
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
