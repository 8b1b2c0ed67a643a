"""What lint found in a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from freshset.core.issues import Issue, Severity, at_least


@dataclass(frozen=True, slots=True)
class LintReport:
    """Everything that lint found, faults first, and how much it looked at."""

    cells: int
    testsets: int
    issues: tuple[Issue, ...]

    def at_least(self, severity: Severity) -> tuple[Issue, ...]:
        """Issues of this severity or worse."""
        return at_least(self.issues, severity)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.lint/1``."""
        head = {"schema": "freshset.lint/1", "cells": self.cells, "testsets": self.testsets}
        return head | {"issues": [issue.to_dict() for issue in self.issues]}
