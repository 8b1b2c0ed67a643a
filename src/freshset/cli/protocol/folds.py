"""``freshset protocol kfold``."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from freshset.cli.options import JsonOption, LevelOption, OutputOption, ReportOption
from freshset.cli.output import columns, emit, say, warn, wrapped
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.protocols.folds.result import KFoldResult


def kfold(
    data: Annotated[
        Path,
        typer.Argument(
            help="Examples: .npz with x, y and perhaps groups; or a table with a column label.",
            metavar="DATA",
        ),
    ],
    learner: Annotated[
        str,
        typer.Option(
            "--learner",
            help="MODULE:NAME (sklearn.svm:SVC) or FILE.py:NAME: an estimator, what makes one, or a "
            "function of train_x, train_y and test_x.",
            metavar="REF",
        ),
    ],
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", help="Setting of the learner, such as C=10; repeatable.", metavar="K=V"
        ),
    ] = None,
    against: Annotated[
        str, typer.Option("--against", help="Another learner on the same folds.", metavar="REF")
    ] = "",
    kind: Annotated[
        Literal["plain", "stratified", "grouped", "stratified-grouped"],
        typer.Option("--kind", help="How examples are cut."),
    ] = "stratified",
    folds: Annotated[int, typer.Option("--folds", help="Folds of each repeat.", metavar="K")] = 5,
    repeats: Annotated[
        int, typer.Option("--repeats", help="How often to shuffle and cut anew.", metavar="P")
    ] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the shuffling.")] = 0,
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            help="accuracy, balanced-accuracy, f1-macro, kappa, r2, mean-absolute-error or "
            "mean-squared-error.",
        ),
    ] = "accuracy",
    level: LevelOption = 0.95,
    official: Annotated[
        Path | None,
        typer.Option(
            "--official",
            help="The official test set, as DATA; read once, after the last fold.",
            metavar="FILE",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            help="Store that keeps finished folds and openings; running again goes on.",
            envvar="FRESHSET_STORE",
            metavar="DIR",
        ),
    ] = None,
    report: ReportOption = None,
    jobs: Annotated[
        int, typer.Option("--jobs", help="Folds at the same time; -1 for all processors.")
    ] = 1,
    backend: Annotated[
        str,
        typer.Option("--backend", help="Of joblib: loky, threading, ray or dask.", metavar="NAME"),
    ] = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Validate by repeated folds, with intervals that hold; open the official test set last, once."""
    from freshset.protocols.folds.compare import compare_folds
    from freshset.protocols.folds.data import read_data
    from freshset.protocols.folds.kfold import kfold as validate
    from freshset.protocols.folds.learners import load_learner
    from freshset.protocols.folds.making import Running
    from freshset.protocols.folds.splits import Scheme

    if against and official is not None:
        raise UsageError(
            "--official does not go with --against.",
            "Choose between learners on the folds; open the official set for the one you chose.",
        )
    if official is not None and not official.exists():
        raise UsageError(f"{official}: no such file.", "It is read after the last fold.")
    examples, scheme = read_data(data), Scheme(kind, folds, repeats, seed)
    running = Running(metric, level, jobs, backend, store)
    result = validate(
        load_learner(learner, _params(param or ())), examples, scheme, running=running,
        official=None if official is None else lambda: read_data(official),
    )  # fmt: skip
    warn(result.warnings)
    if not against:
        _report([result], report)
        emit(result.to_dict(), kfold_text(result), as_json=json, output=output)
        return
    second = validate(load_learner(against), examples, scheme, running=running)
    warn(second.warnings)
    both = compare_folds(result, second)
    _report([result, second], report, both.finding)
    text = "\n\n".join((kfold_text(result), kfold_text(second), wrapped([both.finding])))
    emit(both.to_dict(), text, as_json=json, output=output)


def _report(results: Sequence[KFoldResult], folder: Path | None, finding: str = "") -> None:
    if folder is None:
        return
    from freshset.reports.validation import validation_section
    from freshset.reports.write import write_report

    sections = [
        validation_section(
            one, title=f"{one.learner} on folds of {one.data}", slug=slug, note=finding
        )
        for one, slug in zip(results, ("folds", "against"), strict=False)
    ]
    title = f"Two learners on folds of {results[0].data}" if len(results) > 1 else ""
    say(f"Wrote {write_report(sections, folder, title=title)}.")


def kfold_text(result: KFoldResult) -> str:
    """Lay out a validation: the mean of every repeat, and the findings."""
    from freshset.protocols.folds.scores import shown

    rows = [
        [str(number + 1), shown(mean, result.metric)]
        for number, mean in enumerate(result.repeat_means)
    ]
    table = columns(["repeat", result.metric], rows)
    return f"{result.learner}\n\n{table}\n\n{wrapped(result.findings)}"


def _params(texts: Iterable[str]) -> dict[str, Any]:
    out = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {text!r} is not K=V.", "Such as C=10 or kernel=linear.")
        try:
            out[name] = json_module.loads(value)
        except json_module.JSONDecodeError:
            out[name] = value
    return out
