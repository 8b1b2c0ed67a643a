"""What an audit finds, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
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
        Where; empty when the issue is a model's on every test set.
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

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self) | {"models": list(self.models)}


def at_least(issues: Iterable[Issue], severity: Severity) -> tuple[Issue, ...]:
    """Issues of this severity or worse."""
    limit = SEVERITIES.index(severity)
    return tuple(i for i in issues if SEVERITIES.index(i.severity) <= limit)
