"""``freshset check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import FailOn, FailOnOption, JsonOption, OutputOption
from freshset.cli.output import emit
from freshset.cli.study_options import (
    BatchSizeOption,
    DeviceOption,
    OfflineOption,
    PrecisionOption,
    StudyArgument,
    StudyStoreOption,
    TrustOption,
    WorkersOption,
    overrides,
)

if TYPE_CHECKING:
    from freshset.core.issues import Severity

_SHOWN_NOTES = 10


def check(
    path: StudyArgument,
    sample: Annotated[
        int,
        typer.Option(
            "--sample",
            help="Read only N items of each test set, spread evenly.",
            metavar="N",
            min=0,
        ),
    ] = 0,
    probe: Annotated[
        str | None,
        typer.Option(
            "--probe",
            help="Model to probe with; by default the first of the study that fits.",
            metavar="MODEL",
        ),
    ] = None,
    probe_items: Annotated[
        int,
        typer.Option(
            "--probe-items", help="Items to probe on, about; 0 for no probe.", metavar="N", min=0
        ),
    ] = 1000,
    batch_size: BatchSizeOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    offline: OfflineOption = None,
    trust: TrustOption = None,
    store: StudyStoreOption = None,
    fail_on: FailOnOption = FailOn.fault,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Check a study before it is run: counts, ids, labels, class order, every item, every model."""
    from freshset.cli.progress import watcher
    from freshset.cli.render_check import check_text
    from freshset.engine.check import CheckSettings
    from freshset.engine.check import check as check_study
    from freshset.engine.study import load_study
    from freshset.store.parquet import ParquetStore

    study = load_study(path)
    given = overrides(
        study, batch_size=batch_size, precision=precision, device=device, workers=workers,
        offline=offline, trust=trust,
    )  # fmt: skip
    opened = ParquetStore(study.store if store is None else store, create=True)
    settings = CheckSettings(sample, probe or "", probe_items)
    result = check_study(study.wanted(given), opened, settings, watcher())
    emit(result.to_dict(), check_text(result, _SHOWN_NOTES), as_json=json, output=output)
    limits: dict[FailOn, Severity] = {FailOn.fault: "fault", FailOn.warning: "warning"}
    if fail_on in limits and result.at_least(limits[fail_on]):
        raise typer.Exit(1)
