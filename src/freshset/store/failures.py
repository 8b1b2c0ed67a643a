"""Why cells could not be made: one JSON file each, removed when the cell is made after all."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from freshset.core.files import pretty_json
from freshset.core.identifiers import slug
from freshset.store.base import Failure
from freshset.store.stage import remove_if_empty, write_staged

SCHEMA = "freshset.failure/1"


def write_failure(store: Path, failure: Failure) -> None:
    """Record a failure in place of an earlier one of the same model and test set."""
    body = {"schema": SCHEMA} | asdict(failure)
    write_staged(store, _path(store, failure.testset, failure.model), pretty_json(body))


def read_failure(data: dict[str, Any]) -> Failure:
    """Inverse of what `write_failure` writes."""
    return Failure(**{name: value for name, value in data.items() if name != "schema"})


def failure_files(store: Path) -> list[Path]:
    """Files of all failures, sorted by test set and model."""
    return sorted((store / "failures").glob("*/*.json"))


def remove_failure(store: Path, testset: str, model: str) -> None:
    """Forget a failure, since the cell was made."""
    path = _path(store, testset, model)
    path.unlink(missing_ok=True)
    remove_if_empty(path.parent)
    remove_if_empty(path.parent.parent)


def _path(store: Path, testset: str, model: str) -> Path:
    return store / "failures" / slug(testset) / f"{slug(model)}.json"
