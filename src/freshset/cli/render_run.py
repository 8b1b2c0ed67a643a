"""A plan and a run, as text for a terminal and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freshset.cli.output import wrapped
from freshset.cli.render_status import (
    counts_text,
    fits,
    grouped,
    matrix_text,
    reasons_text,
    total_text,
)
from freshset.core.sizes import size_text
from freshset.engine.cost import Cost
from freshset.engine.plan import Plan
from freshset.engine.run import RunReport
from freshset.engine.status import Status
from freshset.engine.study import StudyFile
from freshset.version import __version__

if TYPE_CHECKING:
    from freshset.reports.study import Study


def plan_text(plan: Plan, status: Status, cost: Cost) -> str:
    """Return the plan of a dry run: what is there, and what the rest takes."""
    matrix = matrix_text(status)
    parts = [matrix if fits(matrix) else counts_text(status), "", total_text(status)]
    why = reasons_text(status)
    parts += ["", why] if why else []
    parts += ["", intent_text(plan, cost), *_costs(plan, cost), "Nothing was written."]
    return "\n".join(parts)


def intent_text(plan: Plan, cost: Cost) -> str:
    """Return in one sentence what a run is going to do."""
    settings = plan.wanted.settings
    done = plan.count().get("done", 0)
    part, parts = settings.shard
    shard = f" in shard {part}/{parts}" if parts > 1 else ""
    if settings.on_existing == "only-cache":
        return f"Nothing is run (only-cache); {done:,} of {len(plan.cells):,} cells are there."
    trial = f" of the first {settings.limit:,} items" if settings.limit else ""
    return (
        f"{cost.cells:,} cells{trial} to run{shard} ({_items(cost.items)}); {done:,} of "
        f"{len(plan.cells):,} are there."
    )


def _costs(plan: Plan, cost: Cost) -> list[str]:
    lines = [
        f"Items to read and prepare: {cost.reads:,}, shared by models that prepare them alike."
    ]
    download = size_text(cost.download)
    if cost.downloads_unknown:
        download += f", and {cost.downloads_unknown:,} models that do not say how much"
    lines.append(f"To download: {download}.")
    what = "all scores" if plan.wanted.settings.save == "scores" else "the best classes"
    lines.append(
        f"Disk for the new cells: about {size_text(cost.disk)}, with {what} of every item."
    )
    return lines


def _items(number: int) -> str:
    return f"{number:,} forward pass{'' if number == 1 else 'es'}"


def result_text(
    result: RunReport, status: Status, studies: list[Study], page: Path | None, store: str
) -> str:
    """Return what a run did, and what its studies found."""
    parts = [
        f"{len(result.made):,} cells made, {len(result.failures):,} failed. {total_text(status)}"
    ]
    if result.elsewhere:
        parts.append(f"Left to another process: {len(result.elsewhere):,} cells.")
    if result.failures:
        reasons = (
            (f"{f.model} on {f.testset}", f"{f.stage}: {f.error} {f.hint}".rstrip())
            for f in result.failures
        )
        parts += ["", "failed:"]
        parts += [f"  {line}" for line in grouped(reasons, len(result.failures))]
    for study in studies:
        parts += ["", study.title, wrapped(study.comparison.findings)]
    parts.append("")
    if page is not None:
        parts.append(f"Report: {page}")
    return "\n".join([*parts, f"Store:  {store}"])


def document(
    study: StudyFile,
    store: str,
    status: Status,
    *,
    cost: Cost | None = None,
    result: RunReport | None = None,
    page: Path | None = None,
) -> dict[str, Any]:
    """Return the JSON document ``freshset.run/1``, of a plan or of what a run did."""
    out: dict[str, Any] = {
        "schema": "freshset.run/1",
        "version": __version__,
        "study": str(study.path),
        "store": store,
        "dry_run": result is None,
        "settings": status.plan.wanted.settings.to_dict(),
        **status.to_dict(),
    }
    if cost is not None:
        out["cost"] = asdict(cost)
    if result is not None:
        out["complete"] = result.complete
        out["made"] = [
            {
                "model": cell.spec.model,
                "testset": cell.spec.testset,
                "identity": cell.spec.identity,
                "n": cell.n,
                "correct": dict(cell.correct),
                "values": dict(cell.values),
            }
            for cell in result.made
        ]
        out["failed"] = [asdict(failure) for failure in result.failures]
        out["elsewhere"] = [list(names) for names in result.elsewhere]
        out["report"] = None if page is None else str(page)
    return out
