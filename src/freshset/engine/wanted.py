"""What a study asks for: models, test sets, and how to run them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freshset.core.config import RunSettings
from freshset.core.errors import UsageError, did_you_mean
from freshset.datasets.base import TestSetRef
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model under the name that it has in the store."""

    ref: ModelRef
    name: str = ""

    @property
    def title(self) -> str:
        """Its name, which is the reference itself unless another one was given."""
        return self.name or str(self.ref)


@dataclass(frozen=True, slots=True)
class Wanted:
    """All models on all test sets.

    Attributes
    ----------
    root
        Folder that relative paths in references start from.

    Raises
    ------
    UsageError
        When two models or two test sets have one name.
    """

    models: tuple[WantedModel, ...]
    testsets: tuple[TestSetRef, ...]
    settings: RunSettings = field(default_factory=RunSettings)
    root: Path = Path()

    def __post_init__(self) -> None:
        for kind, names in (
            ("model", [model.title for model in self.models]),
            ("test set", [testset.id for testset in self.testsets]),
        ):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise UsageError(
                    f"The {kind} {twice[0]!r} occurs twice.", "Name every one once, or rename one."
                )

    @property
    def runtime(self) -> Runtime:
        """How models are to be run."""
        s = self.settings
        return Runtime(
            s.device, s.precision, s.threads, frozenset(s.trust), s.offline, str(self.root)
        )


def run_settings(given: Mapping[str, Any]) -> RunSettings:
    """Make settings of plain values.

    Raises
    ------
    UsageError
        For a setting that does not exist, or a value that it cannot have.
    """
    known = RunSettings.__dataclass_fields__
    for name in given:
        if name not in known:
            raise UsageError(f"No setting {name!r}.", did_you_mean(name, known))
    return RunSettings(**given)
