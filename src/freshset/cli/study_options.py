"""Options of the commands that take a study file: flag > environment > study file > default."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.engine.study import StudyFile
    from freshset.transfer.study import TransferStudy


class OnExistingName(StrEnum):
    """Values of ``--on-existing``."""

    only_missing = "only-missing"
    always = "always"
    never = "never"
    only_cache = "only-cache"


class PrecisionName(StrEnum):
    """Values of ``--precision``."""

    fp32 = "fp32"
    tf32 = "tf32"
    fp16 = "fp16"
    bf16 = "bf16"


class SaveName(StrEnum):
    """Values of ``--save``."""

    topk = "topk"
    scores = "scores"


class BackendName(StrEnum):
    """Values of ``--backend``."""

    local = "local"
    ray = "ray"


StudyArgument = Annotated[Path, typer.Argument(help="Study file.", metavar="STUDY.yaml")]
StudyStoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Folder of the store, in place of the study's.", envvar="FRESHSET_STORE"
    ),
]
OnExistingOption = Annotated[
    OnExistingName | None,
    typer.Option(
        "--on-existing",
        help="Run what is missing, run all again, refuse when anything is there, or run nothing.",
        envvar="FRESHSET_ON_EXISTING",
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        help="Only part I of N of the cells, the same ones everywhere.",
        metavar="I/N",
        envvar="FRESHSET_SHARD",
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        help="Only the first N items, as a trial: such cells enter no report.",
        metavar="N",
    ),
]
SaveOption = Annotated[
    SaveName | None,
    typer.Option(
        "--save", help="Keep the best classes of every item, or all scores.", envvar="FRESHSET_SAVE"
    ),
]
TopkOption = Annotated[
    int | None,
    typer.Option("--topk", help="Classes to keep an item.", metavar="K", envvar="FRESHSET_TOPK"),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size", "-b", help="Items in a batch.", metavar="N", envvar="FRESHSET_BATCH_SIZE"
    ),
]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(
        "--precision",
        help="Of the forward pass; part of what a cell is.",
        envvar="FRESHSET_PRECISION",
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option("--device", help="auto, cpu, cuda or cuda:1.", envvar="FRESHSET_DEVICE"),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes that read items; 0 for none, -1 for one a core.",
        metavar="N",
        envvar="FRESHSET_WORKERS",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="Threads of the forward pass; 0 leaves it to the library.",
        metavar="N",
        envvar="FRESHSET_THREADS",
    ),
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory",
        help="Most memory of prepared items that wait, for example 2GB.",
        metavar="SIZE",
        envvar="FRESHSET_MEMORY",
    ),
]
ModelsAtOnceOption = Annotated[
    int | None,
    typer.Option(
        "--models-at-once",
        help="Models in memory together, which share decoded items.",
        metavar="N",
        envvar="FRESHSET_MODELS_AT_ONCE",
    ),
]
BackendOption = Annotated[
    BackendName | None,
    typer.Option("--backend", help="Run here, or on Ray.", envvar="FRESHSET_BACKEND"),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Of the Ray cluster; without it Ray is started here.",
        envvar="FRESHSET_ADDRESS",
    ),
]
ActorsOption = Annotated[
    int | None,
    typer.Option(
        "--actors",
        help="Processes on Ray; 0 takes as many as fit.",
        metavar="N",
        envvar="FRESHSET_ACTORS",
    ),
]
ActorCpusOption = Annotated[
    float | None,
    typer.Option(
        "--actor-cpus",
        help="Cores of one Ray process, which may be less than one.",
        metavar="N",
        envvar="FRESHSET_ACTOR_CPUS",
    ),
]
ActorGpusOption = Annotated[
    float | None,
    typer.Option(
        "--actor-gpus",
        help="GPUs of one Ray process, which may be a part of one; -1 takes one where there is any.",
        metavar="N",
        envvar="FRESHSET_ACTOR_GPUS",
    ),
]
OfflineOption = Annotated[
    bool | None,
    typer.Option("--offline/--online", help="Never ask a hub.", envvar="FRESHSET_OFFLINE"),
]
TrustOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        help="File of weights that may be unpickled, which can run code; repeatable.",
        metavar="FILE",
    ),
]


def overrides(study: StudyFile | TransferStudy, **given: Any) -> dict[str, Any]:
    """Return the settings that were given, as `freshset.engine.study.StudyFile.wanted` takes them.

    Raises
    ------
    UsageError
        For a shard or a size that is none.
    """
    from freshset.core.sizes import parse_size

    out = {name: value for name, value in given.items() if value is not None}
    for name, value in out.items():
        out[name] = value.value if isinstance(value, StrEnum) else value
    if "shard" in out:
        out["shard"] = parse_shard(out["shard"])
    if "memory" in out:
        out["memory"] = parse_size(out["memory"])
    if "trust" in out:
        # What the study trusts stays trusted; a flag only adds to it.
        out["trust"] = (*study.run.get("trust", ()), *out["trust"])
    return out


def parse_shard(text: str) -> tuple[int, int]:
    """Return part and number of parts of ``2/8``."""
    part, slash, parts = text.partition("/")
    if not slash or not (part.strip().isdecimal() and parts.strip().isdecimal()):
        raise UsageError(
            f"--shard {text!r} is not I/N.", "Use 1/4 to 4/4 for the parts of four machines."
        )
    return int(part), int(parts)
