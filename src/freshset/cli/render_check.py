"""A check as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from freshset.cli.output import columns
from freshset.core.issues import SEVERITIES, Issue
from freshset.engine.check import CheckReport
from freshset.engine.probe import Probe

_SHOWN_OF_A_KIND = 20


def check_text(result: CheckReport, shown_notes: int) -> str:
    """Return the test sets, what the probe gave, and all issues, worst first."""
    probes = {probe.testset: probe for probe in result.probes}
    header = ("test set", "items", "read", "classes", "right in the probe", "probed with")
    rows = [
        (one.id, f"{one.n:,}", f"{one.read:,}", f"{one.n_classes:,}" if one.n_classes else "-",
         *_probed(probes.get(one.id)))
        for one in result.testsets
    ]  # fmt: skip
    counts = [sum(issue.severity == kind for issue in result.issues) for kind in SEVERITIES]
    found = ", ".join(
        f"{n:,} {kind}{'' if n == 1 else 's'}" for n, kind in zip(counts, SEVERITIES, strict=True)
    )
    head = f"{result.models:,} models, {result.cells:,} cells that fit: {found}."
    return "\n".join([columns(header, rows), "", head, *_lines(result.issues, shown_notes)])


def _probed(probe: Probe | None) -> tuple[str, str]:
    if probe is None:
        return "-", "-"
    return f"{probe.correct:,} of {probe.n:,} ({100 * probe.correct / probe.n:.1f} %)", probe.model


def _lines(issues: Iterable[Issue], shown_notes: int) -> list[str]:
    """Return a line an issue; of many of one kind on one test set only the first."""
    lines: list[str] = []
    counts: dict[tuple[str, str], int] = {}
    notes = 0
    for issue in issues:
        key = issue.check, issue.testset
        counts[key] = counts.get(key, 0) + 1
        notes += issue.severity == "note"
        hidden = counts[key] > _SHOWN_OF_A_KIND
        if hidden or (issue.severity == "note" and notes > shown_notes):
            continue
        word = issue.severity.upper() if issue.severity != "note" else "note"
        where = f"{issue.testset}: " if issue.testset else ""
        lines.append(f"{word:<8}{issue.check}: {where}{issue.message}")
    many = {key: n - _SHOWN_OF_A_KIND for key, n in counts.items() if n > _SHOWN_OF_A_KIND}
    for (check, testset), more in many.items():
        lines.append(f"... and {more:,} more of {check} on {testset}; --json has them all.")
    if notes > shown_notes:
        lines.append(f"... and {notes - shown_notes:,} more notes; --json has them all.")
    return lines
