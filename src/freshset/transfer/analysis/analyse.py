"""From the results of a transfer study to its analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from freshset.core.errors import DataError
from freshset.core.words import count, listed
from freshset.transfer.analysis.checks import check_results
from freshset.transfer.analysis.convergence import converge
from freshset.transfer.analysis.embeddings import embedding_maps
from freshset.transfer.analysis.findings import findings
from freshset.transfer.analysis.gains import gains
from freshset.transfer.analysis.rankings import rank_scores
from freshset.transfer.analysis.regimes import RegimeAnalysis, analyse_regime
from freshset.transfer.analysis.result import CostOf, DatasetFacts, TransferAnalysis
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.analysis.subsets import subset_sizes
from freshset.transfer.analysis.tables import REGIME_TITLES, REGIMES, Key, by_cell
from freshset.transfer.results import Regime, Result, TargetSet, TransferResults


def analyse(results: TransferResults, settings: AnalysisSettings | None = None) -> TransferAnalysis:
    """Analyse a transfer study, as far as it has results.

    Parameters
    ----------
    results
        Cells that are not there are no fault: what the others allow is done, and what is left out is
        said.

    Returns
    -------
    TransferAnalysis
        The same for the same results and settings.

    Raises
    ------
    DataError
        For results that contradict themselves, and where there are none at all.
    """
    settings = settings or AnalysisSettings()
    check_results(results)
    if not results.results:
        raise DataError("There is no result yet.", "Run the study first.")
    cells = by_cell(results)
    found = (analyse_regime(results, cells, regime, settings) for regime in REGIMES)
    regimes = tuple(one for one in found if one is not None)
    tables = {one.regime: one.table for one in regimes}
    analysis = TransferAnalysis(
        title=results.title,
        source=results.source,
        simulated=results.simulated,
        models=results.models,
        datasets=tuple(_facts(d) for d in results.datasets),
        regimes=regimes,
        gains=gains(tables, settings),
        rankings=rank_scores(results.scores, tables, settings),
        convergence=converge(results, settings),
        subsets=subset_sizes(results),
        embeddings=embedding_maps(results, settings),
        costs=tuple(_cost(cells, one.regime) for one in regimes),
        missing=results.missing,
        protocol=results.protocol,
        settings=settings,
        warnings=tuple(_warnings(results, regimes)),
    )
    return replace(analysis, findings=findings(analysis))


def _facts(dataset: TargetSet) -> DatasetFacts:
    classes = dataset.labels.shape[1] if dataset.labels.ndim == 2 else 0
    return DatasetFacts(
        dataset.id,
        dataset.title,
        dataset.metric,
        classes or len(dataset.class_names) or len(set(dataset.labels.tolist())),
        dataset.n_train,
        dataset.n_test,
        dataset.note,
    )


def _cost(cells: Mapping[Key, list[Result]], regime: Regime) -> CostOf:
    mine = [one for key, cell in cells.items() if key[2] == regime for one in cell]
    seconds, images = (
        sum(float(one.cost.get(name, 0)) for one in mine) for name in ("seconds", "images")
    )
    return CostOf(regime, len(mine), seconds, images)


def _warnings(results: TransferResults, regimes: tuple[RegimeAnalysis, ...]) -> Iterator[str]:
    if results.simulated:
        yield "The data are simulated: they say nothing of real models."
    yield from (f"{d.title}: {d.note}" for d in results.datasets if d.note)
    for one in regimes:
        yield from _about_cells(one)
    if results.missing:
        text = f"{count(len(results.missing), 'cell')} that the study asks for"
        text += " is not there." if len(results.missing) == 1 else " are not there."
        yield text[0].upper() + text[1:]
    said: dict[str, list[str]] = {}
    for cell in results.results:
        for text in cell.warnings:
            said.setdefault(text, []).append(f"{cell.model} on {cell.dataset} ({cell.regime})")
    for text, where in said.items():
        yield f"{text} ({listed(list(dict.fromkeys(where)))})"


def _about_cells(one: RegimeAnalysis) -> Iterator[str]:
    """Say what a regime's cells do not allow."""
    title = REGIME_TITLES[one.regime].capitalize()
    if left := one.table.left_out:
        is_left = "lacks cells and is" if len(left) == 1 else "lack cells and are"
        yield (
            f"{title}: {listed(left)} {is_left} left out of means and correlations, which are about "
            f"{count(len(one.table.models), 'model')} on {count(len(one.table.datasets), 'data set')}."
        )
    if one.seeds.least != one.seeds.most:
        yield (
            f"{title}: cells have {one.seeds.least:,} to {one.seeds.most:,} seeds; means over few are "
            "less certain."
        )
    mixed = [best.dataset for best in one.best if len(set(best.seeds)) > 1]
    if mixed:
        yield (
            f"{title}: models have no seed in common on {listed(mixed)}; answers of different seeds are "
            "compared."
        )
