"""Files of the Hugging Face hub and of plain addresses: on this machine, or still to be fetched."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import huggingface_hub
from huggingface_hub import errors as hub_errors

from freshset.core.errors import DataError, FreshsetError, UsageError
from freshset.models.base import Runtime
from freshset.models.weights import file_digest

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SMALL = ["*.json", "*.txt", "*.model"]
# torch.hub's rule: the first digits of the SHA-256 end the name.
_HASHED_NAME = re.compile(r"-([a-f0-9]{8,64})\.")
_SECONDS = 10.0
# A plan of many models asks a hub that does not answer once, and not for every model.
_PAUSE = 60.0
_HUB = "hub"
_silence: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of weights.

    Attributes
    ----------
    path
        Where it is; ``None`` when it is not on this machine.
    digest
        SHA-256; empty when it is not known before the file is here.
    download
        Bytes still to fetch; 0 when it is here, -1 when the size is not known.
    """

    path: Path | None
    digest: str
    download: int


def hub_file(repository: str, names: Sequence[str], revision: str, runtime: Runtime) -> HubFile:
    """Find a file of a hub repository, and ask the hub for its digest where it is not here.

    Parameters
    ----------
    names
        File names, the preferred first.
    revision
        Branch, tag or commit; empty for the default branch.

    Raises
    ------
    UsageError
        When it is not here and the hub must not be asked, or has no such repository, revision or
        file.
    """
    path = cached_file(repository, names, revision)
    if path is not None:
        return HubFile(path, file_digest(path), 0)
    if not runtime.offline and time.monotonic() < _silence.get(_HUB, 0.0):
        return HubFile(None, "", -1)
    try:
        _, facts = _asked(repository, names, revision, runtime)
    except DataError:  # a hub that does not answer says nothing about the file
        _silence[_HUB] = time.monotonic() + _PAUSE
        return HubFile(None, "", -1)
    etag = facts.etag or ""
    # The hub names large files by their SHA-256, and small ones by their SHA-1 in git.
    digest = etag if _SHA256.fullmatch(etag) else ""
    return HubFile(None, digest, -1 if facts.size is None else facts.size)


def fetched_hub_file(
    repository: str, names: Sequence[str], revision: str, runtime: Runtime
) -> Path:
    """Return the path of a file of a hub repository, fetching it where it is not here.

    Raises
    ------
    UsageError
        As `hub_file`.
    DataError
        When the hub does not answer.
    """
    path = cached_file(repository, names, revision)
    if path is not None:
        return path
    name, _ = _asked(repository, names, revision, runtime)
    try:
        return Path(huggingface_hub.hf_hub_download(repository, name, revision=revision or None))
    except Exception as error:
        raise _down(repository, error) from error


def hub_folder(repository: str, file: Path, revision: str, runtime: Runtime) -> Path:
    """Return the folder of a repository with everything small that describes its model.

    What is on this machine is used as it is, so that a study that is resumed runs what it began with
    even where the hub has something newer by now.

    Parameters
    ----------
    file
        One of its files that is here already.

    Raises
    ------
    DataError
        When the hub does not answer, and nothing but that file is here.
    """
    if runtime.offline or any(other != file for other in file.parent.iterdir()):
        return file.parent
    try:
        _asked(repository, [file.name], revision, runtime)
        return Path(
            huggingface_hub.snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=_SMALL,
                # What lies in folders is other formats of the same model.
                ignore_patterns=["*/*"],
            )
        )
    except FreshsetError:
        raise
    except Exception as error:
        raise _down(repository, error) from error


def cached_file(repository: str, names: Sequence[str], revision: str) -> Path | None:
    """Return the path of the first of some files that is on this machine."""
    for name in names:
        try:
            path = huggingface_hub.try_to_load_from_cache(
                repository, name, revision=revision or None
            )
        except hub_errors.HFValidationError as error:
            raise UsageError(
                f"{repository!r} is not the name of a hub repository.",
                "Write owner/name, or the path of a folder that exists.",
            ) from error
        if isinstance(path, str):
            return Path(path)
    return None


def url_file(url: str) -> HubFile:
    """Find a file that torch's own hub keeps, by its address."""
    path = _torch_path(url)
    return HubFile(path, file_digest(path), 0) if path.is_file() else HubFile(None, "", -1)


def fetched_url_file(url: str, runtime: Runtime) -> Path:
    """Return the path of a file, fetching it into the folder of torch's own hub.

    Raises
    ------
    UsageError
        When it is not here and must not be fetched.
    DataError
        When it cannot be fetched, or is not the file whose hash its name ends in.
    """
    import torch

    path = _torch_path(url)
    if path.is_file():
        return path
    if runtime.offline:
        raise UsageError(
            f"{path.name} is not on this machine, and the run is offline.",
            f"Fetch {url} into {path.parent}, or run once without --offline.",
        )
    found = _HASHED_NAME.search(path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(
            url, str(path), found.group(1) if found else None, progress=False
        )
    except (OSError, RuntimeError) as error:
        raise DataError(f"{url} cannot be fetched ({error}).", "Try again later.") from error
    return path


def _torch_path(url: str) -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def _asked(
    repository: str, names: Sequence[str], revision: str, runtime: Runtime
) -> tuple[str, huggingface_hub.HfFileMetadata]:
    """Ask the hub once, without its own patience of half a minute, for the first of some files."""
    if runtime.offline:
        raise _offline(repository, names[0], revision)
    for name in names:
        url = huggingface_hub.hf_hub_url(repository, name, revision=revision or None)
        try:
            return name, huggingface_hub.get_hf_file_metadata(url, timeout=_SECONDS)
        except hub_errors.EntryNotFoundError:
            continue
        except (hub_errors.RepositoryNotFoundError, hub_errors.RevisionNotFoundError) as error:
            raise _unknown(repository, revision) from error
        except Exception as error:
            raise _down(repository, error) from error
    raise UsageError(
        f"The hub repository {repository!r} has no {' or '.join(names)}.",
        "Only safetensors and torch checkpoints are loaded.",
    )


def _offline(repository: str, name: str, revision: str) -> UsageError:
    at = f" --revision {revision}" if revision else ""
    return UsageError(
        f"{repository} is not on this machine, and the run is offline.",
        f"Fetch it where there is a network: hf download {repository} {name}{at}",
    )


def _unknown(repository: str, revision: str) -> UsageError:
    at = f" at revision {revision!r}" if revision else ""
    return UsageError(
        f"The hub has no repository {repository!r}{at}, or none that you may read.",
        "Check the name; for a private or gated one run: hf auth login",
    )


def _down(repository: str, error: Exception) -> DataError:
    reason = str(error).strip().splitlines()
    return DataError(
        f"{repository} cannot be fetched: the hub does not answer "
        f"({type(error).__name__}{': ' + reason[0] if reason else ''}).",
        "Try again later; models that are on this machine run with --offline.",
    )
