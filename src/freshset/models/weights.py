"""Files of weights: their digests, and loading them without running what they may bring along."""

from __future__ import annotations

import json
import os
import pickle
import re
import time
import warnings
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError, UsageError
from freshset.core.files import canonical_json, sha256_bytes, sha256_file, write_atomic
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef

# Smaller files are hashed faster than a memory of them is read.
_WORTH_REMEMBERING = 1 << 22
# A file may change again within the resolution of its modification time.
_SETTLED_NS = 2_000_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Where training scripts keep the weights in a checkpoint, best first; the order of timm.
_INSIDE = ("state_dict_ema", "model_ema", "state_dict", "model")
# Wrappers that put themselves before every name.
_PREFIXES = ("_orig_mod.", "module.", "_orig_mod.")


def cache_folder() -> Path:
    """Folder for what can be made again: FRESHSET_CACHE, or freshset's part of the user's cache."""
    own = os.environ.get("FRESHSET_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "freshset"


def file_digest(path: Path) -> str:
    """SHA-256 of a file; of large ones remembered for as long as the file stays as it is.

    Raises
    ------
    DataError
        When the file cannot be read.
    """
    try:
        status = path.stat()
        if status.st_size < _WORTH_REMEMBERING:
            return sha256_file(path)
        state = [status.st_size, status.st_mtime_ns, status.st_ino]
        note = cache_folder() / "digests" / f"{sha256_bytes(str(path.resolve()).encode())}.json"
        known = _remembered(note, state)
        if known:
            return known
        digest = sha256_file(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if time.time_ns() - status.st_mtime_ns > _SETTLED_NS:
        _remember(note, {"path": str(path.resolve()), "state": state, "sha256": digest})
    return digest


def files_digest(paths: Sequence[Path]) -> str:
    """Digest of the weights in one or more files: that of the file, or of all digests by name."""
    digests = [file_digest(path) for path in sorted(paths, key=lambda path: path.name)]
    return digests[0] if len(digests) == 1 else sha256_bytes(canonical_json(digests))


def combined_digest(weights: str, *parts: Any) -> str:
    """Digest of weights and of what else makes a model that its reference does not say.

    Parameters
    ----------
    weights
        Their digest; as long as it is not known, nothing is.
    parts
        JSON values.
    """
    return sha256_bytes(canonical_json([weights, *parts])) if weights else ""


def check_digest(ref: ModelRef, digest: str) -> None:
    """Compare the weights with the option ``sha256`` of a reference, where there is one.

    Raises
    ------
    UsageError
        When the option is no SHA-256.
    DataError
        When the weights are others.
    """
    wanted = ref.option("sha256")
    if wanted is None or not digest:
        return
    if not isinstance(wanted, str) or not _SHA256.fullmatch(wanted):
        raise UsageError(f"{ref}: sha256 is {wanted!r}.", "Give all 64 hexadecimal digits.")
    if wanted != digest:
        raise DataError(
            f"{ref}: the weights have the SHA-256 {digest}, which is not the one asked for.",
            "Fetch the file again, or correct the option sha256.",
        )


def is_trusted(runtime: Runtime, *names: str) -> bool:
    """Whether a file may be unpickled, by any of the names that it goes by."""
    return not runtime.trust.isdisjoint(names)


def check_whole(path: Path) -> None:
    """Raise `DataError` for what downloads leave behind instead of weights: pages and pointers."""
    try:
        with path.open("rb") as stream:
            start = stream.read(256).lstrip().lower()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if not start:
        raise DataError(f"{path}: an empty file.", "Fetch it again.")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DataError(
            f"{path}: a web page, not weights: its download was answered with an error page.",
            "Fetch it again from a link to the file itself.",
        )
    if start.startswith(b"version https://git-lfs"):
        raise DataError(
            f"{path}: a Git LFS pointer, not the weights themselves.", "Run: git lfs pull"
        )


def load_state_dict(path: Path, *, trusted: bool = False) -> dict[str, Any]:
    """Load tensors by name, from safetensors or from a torch checkpoint.

    A checkpoint of a training script is searched for the weights; averaged ones (EMA) come first.

    Parameters
    ----------
    trusted
        Whether the file may be unpickled.

    Raises
    ------
    DataError
        For files that need to be unpickled without being trusted, and for anything that is not a
        whole file of weights.
    """
    check_whole(path)
    if path.suffix.lower() == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise DataError(
                f"{path}: not a whole safetensors file ({error}).", "Fetch it again."
            ) from error
    content = _unpacked(path, trusted)
    inside = content.state_dict() if hasattr(content, "state_dict") else content
    if isinstance(inside, dict):
        inside = next((inside[key] for key in _INSIDE if inside.get(key) is not None), inside)
    tensors = _tensors(inside)
    if not tensors:
        raise DataError(
            f"{path}: holds no weights by name.", "Save model.state_dict(), best as safetensors."
        )
    return tensors


def fill(network: Any, state: dict[str, Any], where: str) -> None:
    """Put all weights into a network, which has to be made for exactly these.

    Raises
    ------
    DataError
        When names or shapes differ.
    """
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise does_not_fit(where, error) from error


def does_not_fit(where: str, error: Exception) -> DataError:
    """Return the error for weights that are not those of a network; torch's can be long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    detail = " ".join(lines[1:] or lines)
    return DataError(
        f"{where}: the weights do not fit the model: {detail[:300]}"
        f"{'...' if len(detail) > 300 else ''}",
        "Check the model's name and options, such as num_classes.",
    )


def _unpacked(path: Path, trusted: bool) -> Any:
    import torch

    # What timm's training script keeps beside the weights, and cannot do any harm.
    allow = getattr(torch.serialization, "safe_globals", None)
    try:
        with allow([Namespace]) if allow else nullcontext(), warnings.catch_warnings():
            # Remarks on how the file was saved; what matters becomes an error below.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=not trusted)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        if not trusted and _wants_unpickling(path, error):
            raise DataError(
                f"{path}: needs to be unpickled, which can run any program, so it is not loaded"
                f"{_what(path)}.",
                f"Save the weights as safetensors, or allow this file: --trust {path}",
            ) from error
        detail = (str(error).splitlines() or [""])[0][:120]
        raise DataError(
            f"{path}: not a whole torch checkpoint ({type(error).__name__}: {detail}).",
            "Check that the file was copied whole.",
        ) from error


def _wants_unpickling(path: Path, error: Exception) -> bool:
    if not isinstance(error, pickle.UnpicklingError):
        return "TorchScript" in str(error)
    with path.open("rb") as stream:
        # A zip archive, as torch writes it, or a bare pickle of protocol 2 and later.
        return stream.read(2).startswith((b"PK", b"\x80"))


def _what(path: Path) -> str:
    """Name what a checkpoint wants to run."""
    from torch import serialization

    try:
        names = serialization.get_unsafe_globals_in_checkpoint(str(path))
    except Exception:  # it only adds to a message, and is missing in old versions
        return ""
    return f" (it asks for {', '.join(names[:3])})" if names else ""


def _tensors(values: Any) -> dict[str, Any]:
    import torch

    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        return {}
    if not all(isinstance(value, torch.Tensor) for value in values.values()):
        return {}
    out = {}
    for name, value in values.items():
        bare = name
        for prefix in _PREFIXES:
            bare = bare.removeprefix(prefix)
        out[bare] = value
    return out


def _remembered(note: Path, state: list[int]) -> str:
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        return str(known["sha256"]) if known["state"] == state else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # nothing yet, or not ours: hash again


def _remember(note: Path, content: dict[str, Any]) -> None:
    try:
        write_atomic(note, json.dumps(content))
    except OSError:
        return  # a cache that cannot be written only costs time
