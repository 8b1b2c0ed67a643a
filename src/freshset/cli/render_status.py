"""How a study stands, as text for a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from itertools import islice

from freshset.cli.output import columns
from freshset.engine.status import STATES, CellStatus, State, Status

_WORDS: dict[State, str] = {
    "missing": "to run",
    "limited": "trial",
    "skipped": "-",
    "elsewhere": "running",
}
# States that have something to say, the most urgent first.
_EXPLAINED: tuple[State, ...] = (
    "failed", "stale", "partial", "elsewhere", "limited", "imported", "skipped"
)  # fmt: skip
_SHOWN_REASONS = 10
_SHOWN_CELLS = 3
# Why a cell is stale is read from its file; no more of them than this for one page.
_LOOKED_AT = 200


def status_text(status: Status, *, traceback: bool = False) -> str:
    """Counts, the matrix where it fits the terminal, and why cells are not done."""
    matrix = matrix_text(status)
    parts = [matrix if fits(matrix) else counts_text(status), "", total_text(status)]
    why = reasons_text(status)
    if why:
        parts += ["", why]
    if traceback:
        parts += tracebacks(status)
    return "\n".join(parts)


def fits(text: str) -> bool:
    """Whether the terminal is wide enough."""
    width = shutil.get_terminal_size((100, 24)).columns
    return max(map(len, text.splitlines()), default=0) <= width


def total_text(status: Status) -> str:
    """Cells by state, in one line."""
    counts = [f"{n:,} {_name(state)}" for state, n in _counted(status).items()]
    return f"{len(status.cells):,} cells: {', '.join(counts)}."


def matrix_text(status: Status) -> str:
    """One row a model and one column a test set."""
    sets = list(status.sizes)
    rows: dict[str, dict[str, str]] = {}
    for cell in status.cells:
        rows.setdefault(cell.model, {})[cell.testset] = _word(cell, status)
    return columns(
        ("model", *sets), [(model, *(row[name] for name in sets)) for model, row in rows.items()]
    )


def counts_text(status: Status) -> str:
    """One row a test set: how many models are in which state."""
    states = list(_counted(status))
    counts: dict[str, dict[str, int]] = {name: {} for name in status.sizes}
    for cell in status.cells:
        row = counts[cell.testset]
        row[cell.state] = row.get(cell.state, 0) + 1
    header = ("test set", "items", *map(_name, states))
    rows = [
        (name, f"{status.sizes[name]:,}", *(f"{row.get(state, 0):,}" for state in states))
        for name, row in counts.items()
    ]
    return columns(header, rows)


def reasons_text(status: Status) -> str:
    """Why cells are not done; those with one reason together."""
    lines: list[str] = []
    for state in _EXPLAINED:
        cells = [cell for cell in status.cells if cell.state == state]
        if cells:
            reasons = ((f"{c.model} on {c.testset}", status.reason(c)) for c in cells)
            lines += [f"{_name(state)}:"]
            lines += [f"  {line}" for line in grouped(reasons, len(cells))]
    return "\n".join(lines)


def tracebacks(status: Status) -> Iterator[str]:
    """Every traceback once, under the cells that it ended."""
    found: dict[str, list[str]] = {}
    for (model, testset), failure in status.failures.items():
        if failure.traceback:
            found.setdefault(failure.traceback, []).append(f"{model} on {testset}")
    for text, names in found.items():
        yield f"\n{_some(names)}:\n{text.rstrip()}"


def grouped(reasons: Iterable[tuple[str, str]], total: int) -> list[str]:
    """Return a line for each reason, with who has it; of many reasons only the first.

    Parameters
    ----------
    reasons
        Who, and why; no more of it is drawn than is shown.
    total
        How many there are.
    """
    groups: dict[str, list[str]] = {}
    looked = 0
    for who, why in islice(reasons, _LOOKED_AT):
        if why not in groups and len(groups) == _SHOWN_REASONS:
            break
        groups.setdefault(why, []).append(who)
        looked += 1
    lines = [f"{_some(names)}: {reason}" for reason, names in groups.items()]
    if looked < total:
        lines.append(f"... and {total - looked:,} more; --json has them all")
    return lines


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_CELLS:,} more" if len(names) > _SHOWN_CELLS else ""
    return ", ".join(names[:_SHOWN_CELLS]) + more


def _counted(status: Status) -> dict[State, int]:
    counts = status.count()
    return {state: counts[state] for state in STATES if state in counts}


def _name(state: State) -> str:
    return state if state == "skipped" else _WORDS.get(state, state)


def _word(cell: CellStatus, status: Status) -> str:
    if cell.state == "partial":
        return f"{100 * cell.rows // status.sizes[cell.testset]} %"
    return _WORDS.get(cell.state, cell.state)
