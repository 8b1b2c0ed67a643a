"""Tar files as places to read from: what is in them, and where, without unpacking or fetching them.

Only the headers and the small files beside the images (labels) are read, through ranges where the
file system has them; an image is later one read of its own bytes.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import fsspec

from freshset.core.errors import DataError, MissingExtraError, UsageError
from freshset.core.files import canonical_json, read_json, write_atomic

SIDECARS = ("cls", "json")
_SCHEMA = "freshset.shards/1"
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
# A header, a label, and the next header fit into one request; the image between two does not.
_BLOCK = 4096
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Sample:
    """Files of a shard that share a name.

    Attributes
    ----------
    key
        Path in the shard up to the first dot of the file name.
    files
        Offset and size in the shard, by what follows that dot (``jpg``).
    texts
        Content of the small files, by the same (``cls``, ``json``).
    """

    key: str
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def expand(pattern: str) -> list[str]:
    """Expand ``{000..049}`` and ``{a,b}`` as a shell does."""
    match = _BRACES.search(pattern)
    if match is None:
        return [pattern]
    bounds = _RANGE.fullmatch(match[1])
    if bounds:
        first, last = bounds.groups()
        width = max(len(first), len(last)) if first.startswith("0") or last.startswith("0") else 0
        parts = [str(number).zfill(width) for number in range(int(first), int(last) + 1)]
    else:
        parts = match[1].split(",")
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [one for part in parts for one in expand(f"{head}{part}{tail}")]


def is_remote(pattern: str) -> bool:
    """Whether reading needs a network."""
    protocol = pattern.partition("://")[0] if "://" in pattern else "file"
    return protocol not in {"file", "local", "memory"}


def find_shards(pattern: str, storage: Mapping[str, Any]) -> list[str]:
    """Paths or URLs of the shards, in the order of the pattern; of a glob, in alphabetical order.

    Raises
    ------
    UsageError
        When one does not exist, nothing matches, or the file system cannot be asked.
    MissingExtraError
        When the package of the file system is not installed.
    """
    found: list[str] = []
    for one in expand(pattern):
        try:
            system, path = fsspec.url_to_fs(one, **storage)
            globbed = any(letter in path for letter in "*?[")
            paths = sorted(system.glob(path)) if globbed else [path]
            missing = [path for path in paths if not system.exists(path) or system.isdir(path)]
        except ImportError as error:
            raise MissingExtraError(
                f"{one} needs a package that is not installed ({error}).",
                'Install it; for s3:// that is pip install "freshset[s3]"',
            ) from error
        except Exception as error:  # file systems raise what their clients raise
            raise UsageError(
                f"{one}: cannot be asked for ({type(error).__name__}: {error}).",
                "Check the address and storage_options.",
            ) from error
        if missing or not paths:
            raise UsageError(f"There is no shard {one}.", "Braces count: {000..049} are 50 shards.")
        local = not is_remote(one) and "file" in system.protocol
        found += paths if local else [system.unstrip_protocol(path) for path in paths]
    return found


def scan_shards(
    urls: Sequence[str], storage: Mapping[str, Any], index: Path | None
) -> list[list[Sample]]:
    """Samples of every shard.

    Parameters
    ----------
    urls
        As `find_shards` returns them.
    index
        File in which to keep what was found, for the next time; shards that changed since are
        scanned again.

    Raises
    ------
    DataError
        For a shard that is no whole, uncompressed tar file.
    """
    known = _read_index(index)
    with ThreadPoolExecutor(_AT_ONCE if any(map(is_remote, urls)) else 1) as pool:
        keys = list(pool.map(lambda url: _version(url, storage), urls))
        todo = [url for url, key in zip(urls, keys, strict=True) if (url, key) not in known]
        scanned = dict(zip(todo, pool.map(lambda url: _scan(url, storage), todo), strict=True))
    pairs = list(zip(urls, keys, strict=True))
    samples = [scanned[url] if url in scanned else known[url, key] for url, key in pairs]
    if index is not None and todo:
        body = [
            {"url": url, "version": key, "samples": [asdict(one) for one in found]}
            for (url, key), found in zip(pairs, samples, strict=True)
        ]
        write_atomic(index, canonical_json({"schema": _SCHEMA, "shards": body}))
    return samples


def read_range(url: str, offset: int, size: int, storage: Mapping[str, Any]) -> bytes:
    """Read some bytes of a shard.

    Raises
    ------
    DataError
        When they cannot be read.
    """
    try:
        if "://" not in url:
            with Path(url).open("rb") as stream:
                stream.seek(offset)
                data = stream.read(size)
        else:
            # Asked for every time, as fsspec keeps one connection a process and none in a pickle.
            system, path = fsspec.url_to_fs(url, **storage)
            data = system.cat_file(path, start=offset, end=offset + size)
    except Exception as error:  # file systems raise what their clients raise
        raise DataError(
            f"{url}: cannot be read ({type(error).__name__}: {error}).", "Run again to resume."
        ) from error
    if len(data) != size:
        raise DataError(
            f"{url}: ends before byte {offset + size}.", "The shard changed; run again."
        )
    return data


def _version(url: str, storage: Mapping[str, Any]) -> str:
    system, path = fsspec.url_to_fs(url, **storage)
    return system.ukey(path)


def _scan(url: str, storage: Mapping[str, Any]) -> list[Sample]:
    samples: dict[str, Sample] = {}
    try:
        with _open(url, storage) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                if not member.isreg():
                    continue
                folder, slash, name = member.name.rpartition("/")
                stem, _, kind = name.partition(".")
                sample = samples.setdefault(f"{folder}{slash}{stem}", Sample(folder + slash + stem))
                kind = kind.lower()
                if kind in sample.files:
                    raise DataError(f"{url}: two files are called {member.name!r}.")
                sample.files[kind] = (member.offset_data, member.size)
                if kind in SIDECARS:
                    stream.seek(member.offset_data)
                    sample.texts[kind] = stream.read(member.size).decode()
    except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"{url}: not a whole tar file ({error}).",
            "Copy it again; shards must not be compressed, or none of their images can be found.",
        ) from error
    return list(samples.values())


def _open(url: str, storage: Mapping[str, Any]) -> IO[bytes]:
    if "://" not in url:
        return Path(url).open("rb")
    system, path = fsspec.url_to_fs(url, **storage)
    return system.open(path, "rb", block_size=_BLOCK, cache_type="readahead")


def _read_index(index: Path | None) -> dict[tuple[str, str], list[Sample]]:
    if index is None or not index.exists():
        return {}
    data = read_json(index)
    try:
        if data["schema"] != _SCHEMA:
            raise UsageError(f"{index}: not an index of shards, but {data['schema']!r}.")
        return {
            (shard["url"], shard["version"]): [
                Sample(
                    one["key"],
                    {kind: (place[0], place[1]) for kind, place in one["files"].items()},
                    one["texts"],
                )
                for one in shard["samples"]
            ]
            for shard in data["shards"]
        }
    except (TypeError, KeyError, IndexError) as error:
        raise DataError(
            f"{index}: not an index of shards.", "Remove or rename the file."
        ) from error
