"""``freshset testset package`` and ``audit``: hand a test set out, and look at anyone's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import FailOn, FailOnOption
from freshset.cli.output import columns, emit, warn
from freshset.cli.testset.options import (
    DatabaseOption,
    JsonOption,
    OutputOption,
    ProjectOption,
    WhoOption,
    WhyOption,
    opened,
    person,
)
from freshset.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from freshset.core.issues import Severity
    from freshset.replication.auditing.report import AuditReport
    from freshset.replication.package import Package

AnyProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project", help="Folder of a project.", envvar="FRESHSET_PROJECT", metavar="DIR"
    ),
]


def package(
    revision: Annotated[str, typer.Argument(help="A frozen revision.", metavar="REVISION")],
    project: ProjectOption,
    why: WhyOption,
    output: Annotated[
        Path, typer.Option("--output", help="Folder for the package.", metavar="DIR")
    ],
    who: WhoOption = "",
    no_shards: Annotated[
        bool,
        typer.Option(
            "--no-shards", help="Leave out the WebDataset shards, which hold every image once more."
        ),
    ] = False,
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Write a frozen revision as a folder: images, tables, Croissant, datasheet, checksums."""
    from freshset.replication.package import write_package

    with opened(project, database) as open_project:
        written = write_package(
            open_project, revision, output, who=person(who), why=why, shards=not no_shards
        )
    if written.touched:
        warn([f"{written.testset} is adaptively touched: {written.touched}."])
    emit(written.to_dict(), render_package(written), as_json=json, output=None)


def audit(
    path: Annotated[
        Path | None,
        typer.Argument(help="A package, or images in one folder a class.", metavar="DIR"),
    ] = None,
    project: AnyProjectOption = None,
    imagenetv2: Annotated[
        Path | None,
        typer.Option(
            "--imagenetv2", help="The 'data' folder of the ImageNetV2 repository.", metavar="DIR"
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Only this revision of the project, or this set of the archive; repeatable.",
        ),
    ] = None,
    original: Annotated[
        list[Path] | None,
        typer.Option(
            "--original",
            help="Folder of original images in one folder a class; repeatable.",
            metavar="DIR",
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            help="Distance up to which two pictures of a folder are one: pixels32=76800, phash=4; "
            "repeatable.",
            metavar="METRIC=DISTANCE",
        ),
    ] = None,
    blacklist: Annotated[
        Path | None,
        typer.Option(
            "--blacklist",
            help="JSON: reasons by image (path in the folder, name without ending, or SHA-256).",
            metavar="FILE",
        ),
    ] = None,
    fail_on: FailOnOption = FailOn.fault,
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Look for duplicates, blacklisted images, wrong labels, imbalance and overlaps in test sets."""
    from freshset.core.issues import SEVERITIES

    of_folder = {"--original": original, "--limit": limit, "--blacklist": blacklist}
    if path is not None:
        if imagenetv2 is not None or sets:
            raise UsageError(
                "A folder is audited whole, and alone.", "Leave out --imagenetv2 and --set."
            )
        result = _audit_path(path, original or [], _limits(limit), _reasons(blacklist))
    elif given := [name for name, value in of_folder.items() if value]:
        raise UsageError(f"{given[0]} goes with a folder.", "Name the folder to audit.")
    elif imagenetv2 is not None:
        from freshset.replication.auditing.archive import audit_archive

        result = audit_archive(imagenetv2, sets or ())
    elif project is not None:
        from freshset.replication.auditing.project import audit_project

        with opened(project, database) as open_project:
            result = audit_project(open_project, sets or ())
    else:
        raise UsageError("Nothing to audit.", "Give a folder, --project DIR or --imagenetv2 DIR.")
    emit(result.to_dict(), render_audit(result), as_json=json, output=output)
    limits: dict[FailOn, Severity] = {FailOn(name): name for name in SEVERITIES[:2]}
    if fail_on in limits and result.at_least(limits[fail_on]):
        raise typer.Exit(1)


def render_package(written: Package) -> str:
    """Say what was written."""
    lines = [
        f"Packaged {written.testset}: {written.images:,} images in {written.folder}.",
        f"SHA-256 of its checksums: {written.digest}",
        f"Next: freshset testset audit {written.folder}",
    ]
    if written.tombstones:
        lines.insert(1, f"Left out, since they were taken down: {written.tombstones:,}.")
    return "\n".join(lines)


def render_audit(result: AuditReport) -> str:
    """Lay out one row a set, then overlaps, then issues, worst first."""
    header = ("set", "images", "classes", "dupl. of original", "groups", "in one class", "blacklisted",
              "unreadable", "mean freq.")  # fmt: skip
    rows = [
        (
            one.name,
            f"{one.items:,}",
            f"{one.classes:,}",
            f"{len(one.original_duplicates):,}",
            f"{len(one.groups):,}",
            f"{len(one.same_class_groups):,}",
            f"{len(one.blacklisted):,}",
            f"{len(one.unreadable):,}",
            frequency_text(one.mean_frequency),
        )
        for one in result.sets
    ]
    lines = [columns(header, rows)]
    if result.overlaps:
        shared = [f"{o.a} and {o.b} {o.shared:,}" for o in result.overlaps]
        lines += ["", f"Shared images: {'; '.join(shared)}; all sets together {result.union:,}."]
    issues = [i for i in result.issues if i.check != "overlap"]
    lines += ["", *(f"{i.severity.upper():<8}{i.check}: {i.message}" for i in issues)]
    if not issues:
        lines.append("No faults, no warnings.")
    return "\n".join(lines)


def frequency_text(value: float) -> str:
    """Format a selection frequency; a dash where it is unknown."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def _audit_path(
    path: Path, original: list[Path], limits: Mapping[str, float], blacklist: Mapping[str, str]
) -> AuditReport:
    from freshset.replication.auditing.folder import LIMITS, audit_folder
    from freshset.replication.auditing.package import audit_package, is_package

    look = audit_package if is_package(path) else audit_folder
    return look(path, original=original, limits=limits or LIMITS, blacklist=blacklist)


def _limits(texts: list[str] | None) -> dict[str, float]:
    out = {}
    for text in texts or ():
        metric, equals, distance = text.partition("=")
        try:
            out[metric] = float(distance)
        except ValueError:
            equals = ""
        if not (equals and out[metric] >= 0):
            raise UsageError(f"--limit {text!r} is not METRIC=DISTANCE.", "Write --limit phash=4.")
    return out


def _reasons(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    from freshset.core.files import read_json

    table = read_json(path)
    if not isinstance(table, dict):
        raise DataError(f"{path}: no table of images and reasons.", 'Write {"image": "reason"}.')
    return {str(item): str(reason) for item, reason in table.items()}
