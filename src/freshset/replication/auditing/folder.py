"""Audit of anyone's test set: images in one folder a class, alone or against the original ones."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.files import sha256_bytes
from freshset.datasets.images import SUFFIXES, decode
from freshset.replication.auditing.audit import Known, Members, audit
from freshset.replication.auditing.report import AuditReport
from freshset.replication.duplicates.embedders import Embedder, embedder
from freshset.replication.duplicates.hashes import hamming_nearest
from freshset.replication.duplicates.neighbours import nearest

LIMITS: Mapping[str, float] = {"pixels32": 76_800.0}
"""Distances up to which two pictures count as one: 5 grey levels on average, at 32 x 32 pixels."""

_NEIGHBOURS = 10
_BATCH = 256


@dataclass(frozen=True, slots=True)
class _Picture:
    """One file: digests of its bytes and its pixels, and what is compared of it by metric."""

    item_id: str
    class_key: str
    bytes: str
    pixels: str
    prepared: Mapping[str, npt.NDArray[np.uint8]]
    fault: str = ""


def audit_folder(
    path: Path | str,
    *,
    original: Sequence[Path | str] = (),
    limits: Mapping[str, float] = LIMITS,
    blacklist: Mapping[str, str] | None = None,
    known: Known | None = None,
    name: str = "",
) -> AuditReport:
    """Audit a folder of class folders.

    Parameters
    ----------
    path
        The folder; an image is called by its path in it.
    original
        Folders of the original data set, laid out the same way.
    limits
        Distances by metric (``pixels32``, ``pixels``, ``phash``) up to which two pictures are
        duplicates; files of equal bytes or equal pixels always are.
    blacklist
        Reasons by path in the folder, by file name without ending, or by SHA-256 of the file.
    known
        What is known besides, such as the sizes that classes should have.
    name
        What to call the set; by default the folder's name.

    Raises
    ------
    DataError
        When a folder does not exist or holds no images in class folders.
    UsageError
        For an unknown metric.
    MissingExtraError
        When a metric needs a library that is not installed.
    """
    path = Path(path)
    embedders = {metric: embedder(metric) for metric in limits}
    pictures = _read(path, "", embedders)
    originals = [
        picture for folder in original for picture in _read(Path(folder), f"{folder}/", embedders)
    ]
    sound = [p for p in pictures if not p.fault]
    references = [p for p in originals if not p.fault]
    links = [*_same([*sound, *references])]
    for metric, limit in limits.items():
        links += _near(sound, references, metric, limit)
    known = known or Known()
    found = replace(
        known,
        links=tuple(sorted(set(links))),
        original={p.item_id: p.class_key for p in originals},
        blacklist=_listed(pictures, blacklist or {}),
        unreadable={p.item_id: p.fault for p in pictures if p.fault},
        damaged=(*known.damaged, *_lost(originals)),
    )
    rows = tuple((p.item_id, p.class_key) for p in pictures)
    return audit([Members(name or path.resolve().name, rows)], found)


def _read(root: Path, prefix: str, embedders: Mapping[str, Embedder]) -> list[_Picture]:
    files = sorted(_files(root))
    if not files:
        raise DataError(
            f"{root}: no images in class folders.", "Give the folder that holds one folder a class."
        )

    def read(file: Path) -> _Picture:
        place = file.relative_to(root)
        return _picture(file, f"{prefix}{place.as_posix()}", place.parts[0], embedders)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(read, files))


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        raise DataError(f"{root}: not a folder.", "Give the folder of the class folders.")
    for file in root.rglob("*"):
        inside = file.relative_to(root).parts
        hidden = any(part.startswith(".") for part in inside)
        image = file.suffix.lower() in SUFFIXES and file.is_file()
        if len(inside) > 1 and image and not hidden:
            yield file


def _picture(
    file: Path, item_id: str, class_key: str, embedders: Mapping[str, Embedder]
) -> _Picture:
    try:
        data = file.read_bytes()
        image = decode(data, item_id, orientation="apply")
    except (DataError, OSError) as error:
        said = error.message if isinstance(error, DataError) else str(error.strerror)
        return _Picture(
            item_id, class_key, "", "", {}, said.removeprefix(f"{item_id}: ").rstrip(".")
        )
    size = f"{image.width}x{image.height}\0".encode()
    prepared = {metric: one.prepare(image) for metric, one in embedders.items()}
    return _Picture(
        item_id, class_key, sha256_bytes(data), sha256_bytes(size + image.tobytes()), prepared
    )


def _same(pictures: Sequence[_Picture]) -> Iterator[tuple[str, str]]:
    """Pairs of equal pixels, which those of equal bytes are too."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for picture in pictures:
        groups[picture.pixels].append(picture.item_id)
    for items in groups.values():
        yield from pairwise(items)


def _near(
    pictures: Sequence[_Picture], references: Sequence[_Picture], metric: str, limit: float
) -> Iterator[tuple[str, str]]:
    """Pairs within a distance, inside the set and against the original."""
    if not pictures:
        return
    everything = [*pictures, *references]
    vectors = _vectors(everything, metric)
    find = hamming_nearest if metric == "phash" else nearest
    # One more than asked for, as an image is its own nearest.
    found = find(vectors[: len(pictures)], vectors, _NEIGHBOURS + 1)
    for row, column in np.argwhere(found.distances <= limit):
        other = int(found.indices[row, column])
        if other != row:
            yield everything[row].item_id, everything[other].item_id


def _vectors(pictures: Sequence[_Picture], metric: str) -> npt.NDArray[np.uint8]:
    one = embedder(metric)
    parts = [
        one.embed(np.stack([p.prepared[metric] for p in pictures[start : start + _BATCH]]))
        for start in range(0, len(pictures), _BATCH)
    ]
    return np.concatenate(parts)


def _lost(originals: Sequence[_Picture]) -> list[str]:
    lost = [p for p in originals if p.fault]
    if not lost:
        return []
    first = f"{lost[0].item_id} ({lost[0].fault})"
    text = "Original images that cannot be read and were compared with nothing"
    return [f"{text}: {len(lost):,}. {first}."]


def _listed(pictures: Sequence[_Picture], blacklist: Mapping[str, str]) -> dict[str, str]:
    out = {}
    for picture in pictures:
        for name in (picture.item_id, Path(picture.item_id).stem, picture.bytes):
            if name in blacklist:
                out[picture.item_id] = blacklist[name]
    return out
