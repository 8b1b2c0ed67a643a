"""Audit of a package: whether it is as it was written, its spec's numbers, and its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.core.provenance import REVISION_FILE, touched_near
from freshset.replication.auditing.audit import Known
from freshset.replication.auditing.folder import LIMITS, audit_folder
from freshset.replication.auditing.report import AuditReport
from freshset.replication.package.base import IMAGES, packaged_classes
from freshset.replication.package.checksums import SUMS
from freshset.replication.package.consistency import check_package
from freshset.replication.package.huggingface import METADATA
from freshset.replication.spec import load_spec, parse_spec
from freshset.store.table_files import numbers, read_table


def is_package(path: Path) -> bool:
    """Whether a folder is a package of freshset."""
    return (path / SUMS).is_file() and (path / REVISION_FILE).is_file()


def audit_package(
    path: Path | str,
    *,
    original: Sequence[Path | str] = (),
    limits: Mapping[str, float] = LIMITS,
    blacklist: Mapping[str, str] | None = None,
) -> AuditReport:
    """Audit a package; parameters and errors are those of `audit_folder`.

    Beside what is looked for in any folder, revision, log, images and checksums must agree, every class
    must have the number of images that the spec asks for, and a set that was un-frozen is named.
    """
    path = Path(path)
    name = path.resolve().name
    spec = parse_spec(load_spec(path / "spec.yaml"), str(path / "spec.yaml"))
    folders = {one.key: one.folder for one in packaged_classes(spec)}
    known = Known(
        sizes={folders[one.key]: spec.size_of(one.key) for one in spec.classes},
        frequencies=_frequencies(path / METADATA),
        damaged=tuple(check_package(path)),
        touched={name: touched_near(path.resolve())},
    )
    return audit_folder(
        path / IMAGES,
        original=original,
        limits=limits,
        blacklist=blacklist,
        known=known,
        name=name,
    )


def _frequencies(file: Path) -> Frequencies:
    """Frequencies by path and folder, as the audit of a folder calls images and classes."""
    table = read_table(file)
    if missing := {"file_name", "selected", "answers"} - set(table.columns):
        raise DataError(f"{file}: no column {min(missing)!r}.", "Copy the package again.")
    names = table["file_name"].astype(str)
    selected, answers = (
        numbers(pd.Series(table[column]), file) for column in ("selected", "answers")
    )
    return Frequencies(
        names.to_numpy(dtype=object),
        np.array([name.partition("/")[0] for name in names], dtype=object),
        selected,
        answers,
    )
