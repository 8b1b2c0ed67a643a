"""The report of a transfer study, as far as its results are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from freshset.cli.output import say, warn

if TYPE_CHECKING:
    from freshset.transfer.analysis.result import TransferAnalysis
    from freshset.transfer.analysis.settings import AnalysisSettings
    from freshset.transfer.results import TransferResults
    from freshset.transfer.running import TransferPlan


def write_results(
    results: TransferResults, folder: Path, settings: AnalysisSettings | None = None
) -> tuple[TransferAnalysis, Path]:
    """Analyse results and write their report; returns the analysis and the page."""
    from freshset.reports.transfer import transfer_section
    from freshset.reports.write import write_report
    from freshset.transfer.analysis.analyse import analyse

    analysis = analyse(results, settings)
    warn(analysis.warnings)
    say("Drawing tables and figures ...")
    return analysis, write_report([transfer_section(analysis)], folder, title=results.title)


def report_of(plan: TransferPlan) -> tuple[TransferAnalysis, Path] | None:
    """Write the report that a study asks for; ``None`` when it asks for none, or it is too early."""
    from freshset.core.errors import DataError
    from freshset.transfer.gathering import results_of

    if plan.study.report is None:
        return None
    try:
        results = results_of(plan)
    except DataError as error:  # such as a source that is not measured yet
        say(f"No report: {error}")
        return None
    if plan.settings.shard[1] > 1 and results.missing:
        say(f"No report yet: {len(results.missing):,} cells are left to other shards.")
        return None
    if not results.results:
        say("No report: there is no result yet.")
        return None
    return write_results(results, plan.study.report)
