"""Getting a Hugging Face data set: from a folder or file, or from the hub through its cache."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import datasets

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.datasets.options import Options

OPTIONS = ("split", "config", "revision")
"""Options that say which data set."""

_FILES = {".parquet": "parquet", ".json": "json", ".jsonl": "json", ".csv": "csv"}
_COMMIT = re.compile(r"[0-9a-f]{40}")


def load(options: Options) -> datasets.Dataset:
    """Load one split.

    Raises
    ------
    UsageError
        For a folder, split or configuration that does not exist.
    DataError
        When the library cannot read the data, the hub cannot be reached and nothing is cached, or
        the cache holds another revision than the one asked for.
    """
    path = Path(options.ref.path)
    split = options.text("split")
    if "[" in split:
        raise UsageError(
            f"{options.ref.id}: split {split!r} is a part of a test set.",
            "Take a whole split; --limit makes trial runs.",
        )
    here = bool(options.ref.path) and path.exists()
    with _quiet(offline=options.ref.offline or here):
        try:
            found = _from_disk(options, path) if here else _from_hub(options, split)
        except (DataError, UsageError):
            raise
        except Exception as error:  # the library raises what its many readers raise
            raise _explained(options, path, error) from error
    if isinstance(found, datasets.DatasetDict):
        return found[_split(options, split, list(found))]
    return found


def _from_disk(options: Options, path: Path) -> datasets.Dataset | datasets.DatasetDict:
    if (path / "state.json").exists() or (path / "dataset_dict.json").exists():
        return datasets.load_from_disk(str(path))
    config = options.text("config") or None
    if path.is_dir():
        return datasets.load_dataset(str(path), config)
    kind = _FILES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: unknown kind of file.", f"Use one of: {', '.join(_FILES)}.")
    return datasets.load_dataset(kind, data_files=str(path))


def _from_hub(options: Options, split: str) -> datasets.Dataset | datasets.DatasetDict:
    name, _, revision = options.ref.path.partition("@")
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) or name.startswith("."):
        raise UsageError(
            f"{options.ref.id}: there is no file or folder {name!r}.",
            "A name on the hub is owner/name.",
        )
    revision = options.text("revision", revision)
    found = datasets.load_dataset(
        name, options.text("config") or None, split=split or "test", revision=revision or None
    )
    cached = {Path(file["filename"]).parent.name for file in getattr(found, "cache_files", ())}
    if _COMMIT.fullmatch(revision) and cached - {revision}:
        raise DataError(
            f"{options.ref.id}: {name} is cached at revision {min(cached)}, not {revision}.",
            "Run once with the hub in reach, or ask for the revision that is there.",
        )
    return found


def _split(options: Options, wanted: str, there: list[str]) -> str:
    split = wanted or (there[0] if len(there) == 1 else "test")
    if split not in there:
        raise UsageError(
            f"{options.ref.id}: no split {split!r} in {options.ref.path}.",
            did_you_mean(split, there),
        )
    return split


def _explained(options: Options, path: Path, error: Exception) -> DataError | UsageError:
    what = f"{options.ref.id}: {options.ref.path}"
    if isinstance(error, (ConnectionError, FileNotFoundError)) and not path.exists():
        why = "the run is offline" if options.ref.offline else "the hub cannot be reached"
        return DataError(
            f"{what} is not in the library's cache, and {why} ({error}).",
            "Fetch it where the hub can be reached, save it with save_to_disk, and give the folder.",
        )
    if type(error) is ValueError:  # of a split or configuration; subclasses are of damaged data
        return UsageError(f"{what}: {error}")
    return DataError(f"{what}: cannot be read ({type(error).__name__}: {error}).")


@contextmanager
def _quiet(*, offline: bool) -> Iterator[None]:
    """Let the library draw no bars, and ask no hub where that is not wanted."""
    bars, asks = not datasets.are_progress_bars_disabled(), datasets.config.HF_HUB_OFFLINE
    datasets.disable_progress_bars()
    datasets.config.HF_HUB_OFFLINE = asks or offline
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = asks
        if bars:
            datasets.enable_progress_bars()
