"""What a training run keeps on disk, so that a killed one goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from freshset.core.errors import DataError

_SCHEMA = "freshset.training/1"
_FILE = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a run between two steps.

    Attributes
    ----------
    run
        What tells the run from others.
    tensors
        By name.
    values
        Everything else, plain.
    """

    run: str
    tensors: Mapping[str, torch.Tensor]
    values: Mapping[str, Any]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint over the last one; a crash leaves either."""
    body = {"schema": _SCHEMA, "run": checkpoint.run, "values": json.dumps(checkpoint.values)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    # Not through bytes in memory: weights and momentum of a large network take gigabytes.
    part = path.with_suffix(".part")
    save_file(dict(checkpoint.tensors), part, metadata=body)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(path)


def load(folder: Path, run: str) -> Checkpoint | None:
    """Read the checkpoint of a run; ``None`` where there is none.

    Raises
    ------
    DataError
        When it is damaged, or that of another run.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    hint = f"Delete {path}, and train again from the start."
    try:
        with safe_open(path, framework="pt") as file:
            body = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        values = json.loads(body["values"])
        schema, found = body["schema"], body["run"]
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: is damaged ({error}).", hint) from error
    if (schema, found) != (_SCHEMA, run):
        raise DataError(f"{path}: is of another run, or of another version.", hint)
    return Checkpoint(run, tensors, values)


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Copy of a tensor on the CPU, contiguous, sharing memory with no other."""
    copy = tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
    return copy.contiguous()
