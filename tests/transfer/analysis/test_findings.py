"""Sentences say what holds, and never what was not shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.transfer_results import simulated

from freshset.stats.types import Estimate
from freshset.transfer.analysis.analyse import analyse
from freshset.transfer.analysis.findings import findings, interval, p_text


def about(texts, start: str) -> str:
    return next(text for text in texts if text.startswith(start))


def test_numbers_are_those_of_the_analysis(analysis) -> None:
    tuned = analysis.regime("finetune").source.overall[0]
    text = about(analysis.findings, "Fine-tuning: accuracy on Source explains")
    assert f"explains {100 * tuned.r2.value:.0f} % of the variance" in text
    assert f"interval {interval(tuned.r2)}; r {tuned.r.value:.2f}, {interval(tuned.r)}" in text
    gain = analysis.gains[1]
    text = about(analysis.findings, "Fine-tuning less training from scratch")
    assert f"{gain.mean.difference.value:+.2f} log odds" in text
    assert p_text(gain.mean.p) in text
    assert "10.0 times as many" in about(analysis.findings, "Fine-tuning comes within 0.1")
    assert "the longest training is the best" in about(analysis.findings, "Fine-tuning comes")
    text = about(analysis.findings, "Of four pairs of model and data set")
    assert "in 4 fixed features are at least as good as fine-tuning up to" in text
    logme = next(r for r in analysis.rankings if (r.score, r.regime) == ("logme", "finetune"))
    text = about(
        analysis.findings, "Scores that need no training against accuracy with fine-tuning"
    )
    lost = f"{logme.regret:.1f} points lost"
    assert f"loses: LogME {logme.mean.value:.2f} ({interval(logme.mean)}), {lost}; LEEP" in text
    agreement = analysis.regime("finetune").agreement
    assert f"{agreement.w:.2f} with fine-tuning" in about(
        analysis.findings, "How far data sets agree"
    )
    assert "No test here accounts for it" in about(analysis.findings, "Runs of one cell")
    assert "2 recipes" in about(analysis.findings, "The models were trained")
    assert "of the same class" in about(analysis.findings, "net 0 on Set 0: the nearest image")


def test_an_interval_with_0_shows_neither(fast) -> None:
    results = simulated(6, 3, 1, extras=False)
    accuracy = (0.75, 0.7, 0.8, 0.71, 0.79, 0.74)
    shuffled = replace(
        results,
        models=tuple(replace(m, accuracy=p) for m, p in zip(results.models, accuracy, strict=True)),
    )
    found = analyse(shuffled, fast)
    text = about(found.findings, "Fine-tuning: accuracy on Source")
    assert "show neither that models which are better on Source transfer better nor" in text
    assert "more models would tell" in text
    assert "is not shown by them" in about(found.findings, "The intervals of r of")


def test_the_absolute_rules(analysis, fast) -> None:
    for found in (analysis, analyse(simulated(3, 2, 1, extras=False), fast)):
        text = " ".join(found.findings)
        for never in ("does not matter", "no correlation between", "equally good", "is as good"):
            assert never not in text
        for one in found.findings:
            if "others are not told apart" in one or "other is not told apart" in one:
                assert "not told apart is no proof of being as good" in one


def test_one_model_and_one_data_set_have_no_correlation(fast) -> None:
    one_model = analyse(simulated(1, 3, 1, extras=False), fast).findings
    text = about(
        one_model, "No correlation with Source for fixed features, fine-tuning and training"
    )
    assert text.endswith("One model has results: a correlation takes at least 3.")
    one_dataset = analyse(simulated(5, 1, 1, extras=False), fast).findings
    assert "One data set says nothing of others" in about(one_dataset, "No correlation with Source")
    assert "one run a cell" in about(one_dataset, "There is one run")
    single = analyse(simulated(1, 1, 1, extras=False), fast).findings
    assert not any("nan" in text or "best one" in text for text in single)


def test_families_that_carry_the_correlation_are_said(analysis) -> None:
    one = analysis.regimes[0]
    weak = replace(one, source=replace(one.source, within_families=-0.2))
    text = about(findings(replace(analysis, regimes=(weak,))), "Within the 3 families")
    assert "with fixed features much of it says that families differ" in text
    even = about(findings(analysis), "Within the 3 families")
    assert "families differ" not in even


def test_when_all_are_told_apart_it_is_said_plainly(analysis) -> None:
    one = analysis.regimes[1]
    best = one.best[0]
    apart = replace(
        best, found=replace(best.found, p=best.found.p * 0, p_holm=best.found.p_holm * 0)
    )
    sure = apart.found
    for p in (sure.p, sure.p_holm):
        p[sure.best] = 1
    text = about(
        findings(replace(analysis, regimes=(replace(one, best=(apart,)),))), "Fine-tuning: net"
    )
    assert text.endswith("is first; all others are told apart from the best.")


@pytest.mark.parametrize(("p", "text"), [(0.0001, "p < 0.001"), (0.0314, "p = 0.031")])
def test_formats(p: float, text: str) -> None:
    assert p_text(p) == text
    assert interval(Estimate(1, -0.5, 2.25)) == "-0.50 to 2.25"
