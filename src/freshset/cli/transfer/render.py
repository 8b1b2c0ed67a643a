"""The plan and the run of a transfer study, as text for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freshset.cli.output import columns, wrapped
from freshset.cli.progress import duration_text
from freshset.cli.render_status import grouped
from freshset.version import __version__

if TYPE_CHECKING:
    from freshset.transfer.costs import TransferCost
    from freshset.transfer.running import TransferPlan, TransferRun

_STATES = ("done", "missing", "waiting", "failed", "elsewhere")


def plan_text(plan: TransferPlan, name: str, cost: TransferCost) -> str:
    """Return the plan of a dry run: what is there, and what the rest takes."""
    present = [s for s in _STATES if any(counts.get(s) for counts in cost.states.values())]
    rows = [
        [kind, *(f"{counts.get(state, 0):,}" for state in present)]
        for kind, counts in cost.states.items()
    ]
    parts = [columns(["work", *present], rows), "", intent_text(cost)]
    if cost.download:
        parts.append(f"Weights to fetch first, of {len(cost.download):,} models.")
    parts += _budget_lines(cost) if name == "run" else []
    parts += _impossible(plan)
    return "\n".join([*parts, "Nothing was written."])


def intent_text(cost: TransferCost) -> str:
    """Return in one sentence or two what a run is going to do."""
    if not cost.features and not cost.training:
        left = sum(n for c in cost.states.values() for s, n in c.items() if s != "done")
        return (
            "Nothing is left to do." if not left else f"{left:,} pieces of work without a network."
        )
    text = (
        f"Images to take features of: {cost.features:,}; to train on: {cost.training:,} in "
        f"{sum(_left(cost, kind) for kind in ('trial', 'final')):,} runs."
    )
    if cost.seconds is None:
        return f"{text} Nothing of these models was measured yet, so nobody knows how long."
    return f"{text} About {duration_text(cost.seconds)}, by the speed measured so far."


def _left(cost: TransferCost, kind: str) -> int:
    return sum(n for state, n in cost.states.get(kind, {}).items() if state != "done")


def _budget_lines(cost: TransferCost) -> list[str]:
    """All cells of the study under each budget."""
    rows = [[budget, f"{images:,}"] for budget, images in cost.budgets.items()]
    return ["", "The whole study under each budget:", columns(["budget", "images"], rows), ""]


def _impossible(plan: TransferPlan) -> list[str]:
    found = {
        cell.title: f"{error.message} {error.hint}".strip()
        for cell, error in plan.listed.impossible.items()
    }
    if not found:
        return []
    return ["", "impossible:", *(f"  {one}" for one in grouped(found.items(), len(found)))]


def result_text(result: TransferRun, findings: Sequence[str] = (), page: Path | None = None) -> str:
    """Return what a run did, and what its report found."""
    made = len(result.features.made) + len(result.works.made)
    parts = [f"{made:,} pieces of work made, {len(result.failures):,} failed."]
    left = result.works.left
    if left or result.features.elsewhere:
        number = len(left) + len(result.features.elsewhere)
        parts.append(f"Left for later or to other processes: {number:,}.")
        reasons = [(one.item.title, one.reason) for one in left]
        parts += [f"  {line}" for line in grouped(reasons, len(reasons))]
    if result.failures:
        why = [(one.title, f"{one.error} {one.hint}".rstrip()) for one in result.failures]
        parts += ["", "failed:", *(f"  {line}" for line in grouped(why, len(why)))]
    if result.impossible:
        parts += _impossible(result.plan)
    parts += ["", wrapped(findings)] if findings else []
    parts.append("")
    if page is not None:
        parts.append(f"Report: {page}")
    return "\n".join([*parts, f"Store:  {result.plan.store}"])


def document(
    plan: TransferPlan,
    name: str,
    *,
    cost: TransferCost | None = None,
    result: TransferRun | None = None,
    page: Path | None = None,
) -> dict[str, Any]:
    """Return the JSON document ``freshset.transfer-run/1``, of a plan or of what a run did."""
    out: dict[str, Any] = {
        "schema": "freshset.transfer-run/1",
        "version": __version__,
        "study": str(plan.study.path),
        "store": str(plan.store),
        "stage": name,
        "dry_run": result is None,
        "settings": plan.settings.to_dict(),
        "protocol": plan.study.protocol.to_dict(),
        "impossible": [
            {**asdict(cell), "reason": f"{error.message} {error.hint}".strip()}
            for cell, error in plan.listed.impossible.items()
        ],
    }
    if cost is not None:
        out["cost"] = asdict(cost)
    if result is not None:
        out["complete"] = result.complete
        out["report"] = None if page is None else str(page)
        out["made"] = [one.title for one in result.features.made]
        out["made"] += [one.title for one in result.works.made]
        out["failed"] = [
            {"work": one.title, "error": one.error, "hint": one.hint} for one in result.failures
        ]
        out["left"] = [
            {"work": one.item.title, "state": one.state, "reason": one.reason}
            for one in result.works.left
        ] + [
            {"work": one.title, "state": "elsewhere", "reason": ""}
            for one in result.features.elsewhere
        ]
    return out
