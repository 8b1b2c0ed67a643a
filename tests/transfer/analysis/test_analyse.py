"""Whole analyses: reproducible, partial, and honest about what they leave out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.transfer_results import simulated, without

from freshset.core.errors import DataError
from freshset.transfer.analysis.analyse import analyse


def test_the_same_results_give_the_same_analysis(results, analysis, fast) -> None:
    again = analyse(results, fast).to_dict()
    known = analysis.to_dict()
    for part in ("regimes", "gains", "rankings", "convergence", "subsets", "costs", "warnings"):
        assert again[part] == known[part]
    assert again["embeddings"] == []
    assert [one.regime for one in analysis.regimes] == ["features", "finetune", "scratch"]
    assert [d.classes for d in analysis.datasets] == [5, 5, 5, 5]
    assert analysis.costs[1].cells == 64
    assert analysis.costs[1].seconds == 128


def test_a_regime_more_does_not_change_the_others(results, analysis, fast) -> None:
    fewer = replace(results, results=tuple(r for r in results.results if r.regime != "features"))
    found = analyse(fewer, fast)
    assert found.regime("features") is None
    one, other = (a.to_dict()["regimes"][-1] for a in (found, analysis))
    assert one == other


def test_warnings(fast) -> None:
    results = without(simulated(4, 3, 2, extras=False), ("net 1", "set-2", "finetune"))
    results = replace(
        results,
        datasets=(replace(results.datasets[0], note="1,855 of 2,443 test images"), *results.datasets[1:]),
        results=(
            replace(results.results[0], warnings=("the batch was halved",)),
            *results.results[2:],
        ),
    )  # fmt: skip
    text = "\n".join(analyse(results, fast).warnings)
    for part in (
        "The data are simulated: they say nothing of real models.",
        "Set 0: 1,855 of 2,443 test images",
        "Fine-tuning: net 1 lacks cells and is left out of means and correlations",
        "which are about three models on three data sets.",
        "One cell that the study asks for is not there.",
        "Fixed features: cells have 1 to 2 seeds",
        "the batch was halved (net 0 on set-0 (features))",
    ):
        assert part in text
    apart = simulated(3, 2, 3, extras=False)
    apart = replace(
        apart,
        simulated=False,
        results=tuple(r for r in apart.results if r.seed == int(r.model[-1])),
    )
    warned = analyse(apart, fast).warnings
    assert any("no seed in common on set-0 and set-1" in text for text in warned)
    assert not any("simulated" in text for text in warned)


def test_nothing_to_analyse(fast) -> None:
    with pytest.raises(DataError, match="no result yet"):
        analyse(replace(simulated(2, 2, 1, extras=False), results=()), fast)
