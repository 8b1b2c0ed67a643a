"""Audit of the sets in the archive of ImageNetV2 by the metadata that lie beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError, did_you_mean
from freshset.core.files import read_json
from freshset.replication.auditing.audit import Known, Members, audit
from freshset.replication.auditing.report import AuditReport

_REVISION = re.compile(r"imagenetv2-([a-z])-(\d+)")
_ORIGINAL = "imagenet-validation-original"
# Candidates are named by digests; images of ImageNet keep the names that they have there.
_ORIGINAL_SUFFIX = ".JPEG"
_TRAIN = re.compile(r"(n\d{8})_\d+\.JPEG")


def audit_archive(path: Path, sets: Sequence[str] = ()) -> AuditReport:
    """Audit sets of the archive: duplicates, blacklist, balance and overlaps.

    Parameters
    ----------
    path
        Its ``data`` folder, with ``datasets/`` and ``metadata/``.
    sets
        Names of files in ``datasets/`` without their ending; by default the last revision of every
        letter.

    Raises
    ------
    DataError
        When a file is missing or does not hold what it should.
    """
    path = Path(path)
    names = tuple(sets) or _last_revisions(path)
    links = _links(path / "metadata" / "near_duplicates.json")
    blacklist = _table(path / "metadata" / "candidate_blacklist.json")
    members = [Members(name, _rows(path, name)) for name in names]
    known = Known(
        links=links,
        original=_original(path, links),
        blacklist={str(item): str(reason) for item, reason in blacklist.items()},
    )
    return audit(members, known)


def _last_revisions(path: Path) -> tuple[str, ...]:
    last: dict[str, int] = {}
    for file in (path / "datasets").glob("*.json"):
        if match := _REVISION.fullmatch(file.stem):
            last[match[1]] = max(last.get(match[1], 0), int(match[2]))
    if not last:
        raise DataError(
            f"{path}: no datasets/imagenetv2-<letter>-<number>.json.",
            "Give the 'data' folder of the ImageNetV2 repository.",
        )
    return tuple(f"imagenetv2-{letter}-{number}" for letter, number in sorted(last.items()))


def _rows(path: Path, name: str) -> tuple[tuple[str, str], ...]:
    file = path / "datasets" / f"{name}.json"
    if not file.is_file():
        known = [other.stem for other in file.parent.glob("*.json")]
        raise DataError(f"{file}: missing.", did_you_mean(name, known))
    try:
        return tuple((str(item), str(wnid)) for item, wnid in read_json(file)["image_filenames"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: no list of [file name, wnid] under 'image_filenames'.",
            "Copy the file again from the ImageNetV2 repository.",
        ) from error


def _links(file: Path) -> tuple[tuple[str, str], ...]:
    pairs = set()
    for item, others in _table(file).items():
        if not isinstance(others, list):
            raise DataError(f"{file}: {item!r} has no list of duplicates.", "Copy the file again.")
        pairs |= {(min(item, other), max(item, other)) for other in map(str, others)}
    return tuple(sorted(pairs))


def _original(path: Path, links: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Original images: those of the validation set, and linked ones of the other parts."""
    original = {item: "" for pair in links for item in pair if item.endswith(_ORIGINAL_SUFFIX)}
    for item in original:
        if match := _TRAIN.fullmatch(item):
            original[item] = match[1]
    if (path / "datasets" / f"{_ORIGINAL}.json").is_file():
        original |= dict(_rows(path, _ORIGINAL))
    return original


def _table(file: Path) -> Mapping[str, Any]:
    table = read_json(file)
    if not isinstance(table, dict):
        raise DataError(f"{file}: no table.", "Copy it again from the ImageNetV2 repository.")
    return table
