"""WebDataset shards: tar files in which each image lies beside its label and what is told of it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from freshset.core.files import canonical_json
from freshset.replication.package.base import Contents
from freshset.replication.package.huggingface import metadata_row

SHARDS = "shards"
PER_SHARD = 1_000


def write_shards(contents: Contents, folder: Path, *, per_shard: int = PER_SHARD) -> None:
    """Write ``shards/part-000000.tar`` and so on, in the order of the files.

    The same images give the same bytes: names are sorted, and times and owners left out.
    """
    (folder / SHARDS).mkdir()
    for number, start in enumerate(range(0, len(contents.images), per_shard)):
        path = folder / SHARDS / f"part-{number:06d}.tar"
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for image in contents.images[start : start + per_shard]:
                _add(tar, f"{image.item_id}.cls", str(image.of.label).encode())
                _add(tar, f"{image.item_id}.{image.suffix}", image.source.read_bytes())
                _add(tar, f"{image.item_id}.json", canonical_json(metadata_row(image)))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    # A new entry has time 0, owner 0 and mode 0644.
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
