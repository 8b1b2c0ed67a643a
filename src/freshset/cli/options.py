"""Options that several commands share, with one wording each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from freshset.core.errors import UsageError


class MetricName(StrEnum):
    """Values of ``--metric``."""

    top1 = "top1"
    top5 = "top5"
    exact_match = "exact-match"


class ResampleName(StrEnum):
    """Values of ``--resample``."""

    models = "models"
    items = "items"
    both = "both"


class FailOn(StrEnum):
    """Values of ``--fail-on``."""

    fault = "fault"
    warning = "warning"
    never = "never"


StoreOption = Annotated[
    Path, typer.Option("--store", help="Folder of the store.", envvar="FRESHSET_STORE")
]
OldOption = Annotated[str, typer.Option("--old", help="Id of the old test set.")]
NewOption = Annotated[str, typer.Option("--new", help="Id of the new test set.")]
MetricOption = Annotated[
    MetricName,
    typer.Option(
        "--metric", help="First prediction right, label among five, or answer exactly right."
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Leave out models by name or pattern (fv_*); repeatable."),
]
ResampleOption = Annotated[
    ResampleName,
    typer.Option("--resample", help="What the intervals of fits and mean drop resample."),
]
BootstrapOption = Annotated[
    int, typer.Option("--bootstrap", help="Number of model resamples.", metavar="N")
]
ItemBootstrapOption = Annotated[
    int, typer.Option("--item-bootstrap", help="Number of item resamples.", metavar="N")
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", help="Write a report: page, tables and figures.", metavar="DIR"),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of all resampling.", min=0)]


def _share(context: typer.Context, parameter: typer.CallbackParam, value: float) -> float:
    """Check that an option lies between 0 and 1, both excluded."""
    del context
    if not 0 < value < 1:
        raise UsageError(f"{parameter.name} is {value}, not between 0 and 1.", "Use 0.95 for 95 %.")
    return value


LevelOption = Annotated[float, typer.Option("--level", help="Confidence level.", callback=_share)]
MarginOption = Annotated[
    float,
    typer.Option("--margin", help="Change in points that still counts as survived."),
]
PowerOption = Annotated[
    float,
    typer.Option("--power", help="Power to see a drop of the margin before survived is said."),
]
SameDistributionOption = Annotated[
    bool,
    typer.Option(
        "--same-distribution",
        help="Declare that the new set is a random draw from the old set's distribution.",
    ),
]
OldFrequenciesOption = Annotated[
    Path | None,
    typer.Option(
        "--old-frequencies", help="Selection frequencies of the old set, .csv or .parquet."
    ),
]
NewFrequenciesOption = Annotated[
    Path | None,
    typer.Option(
        "--new-frequencies",
        help="Those of the new set, and of the candidates that it was selected from.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", help="Write to a file; - is stdout.", metavar="FILE")
]
FailOnOption = Annotated[
    FailOn, typer.Option("--fail-on", help="Exit with 1 on an issue this severe.")
]
