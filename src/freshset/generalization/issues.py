"""What lint finds, and how bad it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["fault", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("fault", "warning", "note")


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that looks wrong.

    Attributes
    ----------
    check
        Name of the check, for example ``worst-first``.
    severity
        ``fault`` (numbers are wrong), ``warning`` (look before you believe) or ``note``.
    testset
        Where.
    models
        Which models; empty when the issue is the test set's.
    message
        What, with numbers, and the next step.
    """

    check: str
    severity: Severity
    testset: str
    models: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class LintReport:
    """Everything that lint found, faults first, and how much it looked at."""

    cells: int
    testsets: int
    issues: tuple[Issue, ...]

    def at_least(self, severity: Severity) -> tuple[Issue, ...]:
        """Issues of this severity or worse."""
        limit = SEVERITIES.index(severity)
        return tuple(i for i in self.issues if SEVERITIES.index(i.severity) <= limit)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.lint/1``."""
        issues = [asdict(issue) | {"models": list(issue.models)} for issue in self.issues]
        head = {"schema": "freshset.lint/1", "cells": self.cells, "testsets": self.testsets}
        return head | {"issues": issues}
