"""``freshset transfer report``: the report of a study, or of predictions made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, LevelOption, OutputOption, SeedOption
from freshset.cli.output import emit, say, warn, wrapped
from freshset.cli.study_options import StudyStoreOption
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.transfer.own.results import About
    from freshset.transfer.results import TransferResults

_TABLES = {".csv"}


def report(
    path: Annotated[
        Path,
        typer.Argument(
            help="Study file, or a .csv table of prediction files (columns model, dataset, regime, "
            "file).",
            metavar="STUDY.yaml|TABLE.csv",
        ),
    ],
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Folder of the page, tables and figures; by default that of the study, if any.",
            metavar="DIR",
        ),
    ] = None,
    datasets: Annotated[
        Path | None,
        typer.Option(
            "--datasets",
            help="Of a table: csv of data sets (id, labels); default: datasets.csv beside it.",
            metavar="FILE",
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            "--models",
            help="Of a table: csv of models (name, accuracy); default: models.csv beside it.",
            metavar="FILE",
        ),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Of a table: heading of the report.")] = "",
    source: Annotated[
        str, typer.Option("--source", help="Of a table: name of the source benchmark.")
    ] = "",
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Of a table: its predictions are generated; say so.")
    ] = False,
    common_items: Annotated[
        bool,
        typer.Option(
            "--common-items",
            help="Of a table: judge only the test items that all models have a prediction of.",
        ),
    ] = False,
    embeddings: Annotated[
        bool, typer.Option("--embeddings/--no-embeddings", help="Make t-SNE maps of features.")
    ] = True,
    level: LevelOption = 0.95,
    seed: SeedOption = 0,
    store: StudyStoreOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Say what transfer results show, with tables and figures."""
    from freshset.cli.transfer.reporting import write_results
    from freshset.transfer.analysis.analyse import analyse
    from freshset.transfer.analysis.settings import AnalysisSettings
    from freshset.transfer.own.results import About

    settings = AnalysisSettings(level=level, seed=seed, embed=embeddings)
    folder = report
    if path.suffix.lower() in _TABLES:
        given = {"title": title, "source": source}
        about = About(
            **{name: text for name, text in given.items() if text},
            simulated=simulated, common_items=common_items,
        )  # fmt: skip
        results = _of_table(path, datasets, models, about)
    else:
        if datasets or models or title or source or simulated or common_items:
            raise UsageError(
                f"{path} is no table of prediction files.",
                "A study file says itself what --datasets, --models, --title, --source, --simulated "
                "and --common-items are for.",
            )
        results, wanted = _of_study(path, store)
        folder = report or wanted
    if folder is None:
        analysis = analyse(results, settings)
        warn(analysis.warnings)
    else:
        analysis, page = write_results(results, folder, settings)
        say(f"Wrote {page}.")
    emit(analysis.to_dict(), wrapped(analysis.findings), as_json=json, output=output)


def _of_table(
    path: Path, datasets: Path | None, models: Path | None, about: About
) -> TransferResults:
    from freshset.transfer.own.results import read_results

    return read_results(path, datasets=datasets, models=models, about=about)


def _of_study(path: Path, store: Path | None) -> tuple[TransferResults, Path | None]:
    from freshset.cli.study_options import overrides
    from freshset.transfer.gathering import results_of
    from freshset.transfer.running import make_transfer_plan
    from freshset.transfer.study import load_transfer

    study = load_transfer(path)
    plan = make_transfer_plan(study, overrides(study), store=store)
    return results_of(plan), study.report
