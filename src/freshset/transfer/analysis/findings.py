"""Findings: a transfer study in a few plain sentences, with the numbers and what they do not show.

Two rules are absolute: no sentence says that source accuracy does not matter (an interval that holds 0
shows nothing), and none says that models that are not told apart are equally good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from freshset.core.words import count, listed
from freshset.transfer.analysis.tables import REGIME_TITLES

if TYPE_CHECKING:
    from freshset.stats.types import Estimate
    from freshset.transfer.analysis.gains import Gain
    from freshset.transfer.analysis.regimes import RegimeAnalysis
    from freshset.transfer.analysis.result import TransferAnalysis

# An interval of r^2 as long as this says next to nothing.
_WIDE = 0.5
# A correlation that shrinks by this much within families was between them.
_FAMILY = 0.3
SCORE_TITLES = {"logme": "LogME", "leep": "LEEP", "nleep": "NLEEP", "h-score": "H-score"}


def findings(analysis: TransferAnalysis) -> tuple[str, ...]:
    """Return the sentences that apply, most important first."""
    rules: tuple[Callable[[TransferAnalysis], Iterator[str]], ...] = (
        _source,
        _regimes_apart,
        _families,
        _gains,
        _best,
        _agreement,
        _rankings,
        _convergence,
        _subsets,
        _embeddings,
        _runs,
        _recipes,
    )
    return tuple(text for rule in rules for text in rule(analysis))


def interval(estimate: Estimate, digits: int = 2) -> str:
    """Format bounds as words."""
    return f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"


def p_text(value: float) -> str:
    """Format a p-value with its sign."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _level(analysis: TransferAnalysis) -> str:
    return f"{100 * analysis.settings.level:g} %"


def _source(analysis: TransferAnalysis) -> Iterator[str]:
    lacking: dict[str, list[str]] = {}
    for one in analysis.regimes:
        title, relation = REGIME_TITLES[one.regime], one.source
        if not relation.overall:
            lacking.setdefault(relation.why_not, []).append(title)
            continue
        found = relation.overall[0]
        if not isfinite(found.r.value):
            yield f"{title.capitalize()}: all models have one mean, so nothing correlates with it."
            continue
        share, r = found.r2, found.r
        text = (
            f"{title.capitalize()}: accuracy on {analysis.source} explains {100 * share.value:.0f} % of "
            f"the variance of mean transfer accuracy over {found.n_models:,} models and "
            f"{found.n_datasets:,} data sets (r² {share.value:.2f}, {_level(analysis)} interval "
            f"{interval(share)}; r {r.value:.2f}, {interval(r)}; log odds); on single data sets r is "
            f"{_by_dataset(one)}"
        )
        if not r.excludes_zero:
            text += (
                ". The interval of r holds 0: these results show neither that models which are better "
                f"on {analysis.source} transfer better nor that they do not"
            )
        elif r.value < 0:
            text += f", and models that are better on {analysis.source} transfer worse"
        if share.high - share.low > _WIDE:
            text += (
                f". With {found.n_models:,} models the share may be anything from "
                f"{100 * share.low:.0f} to {100 * share.high:.0f} %; more models would tell, more "
                "seeds would not"
            )
        yield f"{text}."
    for why, titles in lacking.items():
        yield f"No correlation with {analysis.source} for {listed(titles)}. {why}"


def _by_dataset(one: RegimeAnalysis) -> str:
    values = [on.correlation.r.value for on in one.source.by_dataset]
    known = [value for value in values if isfinite(value)]
    return f"{min(known):.2f} to {max(known):.2f}" if known else "not defined"


def _regimes_apart(analysis: TransferAnalysis) -> Iterator[str]:
    known = [one for one in analysis.regimes if one.source.overall]
    if len(known) < 2:
        return
    ordered = sorted(known, key=lambda one: -one.source.overall[0].r.value)
    most, least = ordered[0], ordered[-1]
    above, below = most.source.overall[0].r, least.source.overall[0].r
    # False where a bound is nan.
    if not below.high >= above.low:
        return
    yield (
        f"The intervals of r of {REGIME_TITLES[most.regime]} and {REGIME_TITLES[least.regime]} "
        f"overlap ({interval(above)} and {interval(below)}): that accuracy on {analysis.source} matters "
        "more for one than for the other is not shown by them."
    )


def _families(analysis: TransferAnalysis) -> Iterator[str]:
    known = [
        one
        for one in analysis.regimes
        if one.source.overall and isfinite(one.source.within_families)
    ]
    if not known:
        return
    parts = [
        f"{one.source.within_families:.2f} instead of {one.source.overall[0].r.value:.2f} with "
        f"{REGIME_TITLES[one.regime]}"
        for one in known
    ]
    text = (
        f"Within the {known[0].source.families:,} families of models the correlation is "
        f"{listed(parts)}"
    )
    between = [
        REGIME_TITLES[one.regime]
        for one in known
        if one.source.overall[0].r.value - one.source.within_families > _FAMILY
    ]
    if between:
        text += (
            f": with {listed(between)} much of it says that families differ, not that better members "
            "transfer better"
        )
    yield f"{text}."


def _gains(analysis: TransferAnalysis) -> Iterator[str]:
    for gain in analysis.gains:
        yield _gain(gain, analysis)


def _gain(gain: Gain, analysis: TransferAnalysis) -> str:
    mean = gain.mean.difference
    cells = gain.difference.size
    better = int((gain.difference > 0).sum())
    titles = {d.id: d.title for d in analysis.datasets}
    text = (
        f"Fine-tuning less {REGIME_TITLES[gain.over]}: {mean.value:+.2f} log odds on average"
        f" ({np.mean(gain.points):+.1f} points)"
    )
    if isfinite(gain.mean.p):
        text += (
            f", {_level(analysis)} interval {interval(mean)} over data sets, {p_text(gain.mean.p)}"
        )
    text += f"; higher in {better:,} of {cells:,} cells"
    worse = [
        titles[id]
        for id, one in zip(gain.datasets, gain.by_dataset, strict=True)
        if not one.low > 0 and isfinite(one.low)
    ]
    if better and worse:
        text += f". No gain beyond the spread of the models on {listed(worse)}"
    return f"{text}."


def _best(analysis: TransferAnalysis) -> Iterator[str]:
    level = f"at a level of {1 - analysis.settings.level:.2g}"
    parts, alone = [], True
    for one in analysis.regimes:
        if not one.best:
            continue
        tied = [int(best.found.tied.sum()) - 1 for best in one.best]
        holm = [int(best.found.tied_holm.sum()) - 1 for best in one.best]
        alone = alone and not max(holm)
        ties = (
            f"{_span(tied)} not told apart from the best of a data set, {_span(holm)} after Holm's"
        )
        parts.append(
            f"{REGIME_TITLES[one.regime].capitalize()}: {_winners(one)}; "
            f"{ties if max(holm) else 'all others are told apart from the best'}."
        )
    if parts:
        last = "" if alone else f" Tests {level}; not told apart is no proof of being as good."
        yield " ".join(parts) + last


def _winners(one: RegimeAnalysis) -> str:
    total = len(one.best)
    winners = {best.models[best.found.best] for best in one.best}
    first = one.table.models[int(one.means.mean.argmax())]
    if len(winners) == 1:
        return (
            f"{next(iter(winners))} is first{f' on all {total:,} data sets' if total > 1 else ''}"
        )
    ahead = sum(best.models[best.found.best] == first for best in one.best)
    return (
        f"{first} has the highest mean and is first on {ahead:,} of {total:,} data sets, "
        f"{count(len(winners), 'model')} are first somewhere"
    )


def _span(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    if low == high:
        return f"{count(low, 'other')} {'is' if low == 1 else 'are'}"
    return f"{low:,} to {high:,} others are"


def _agreement(analysis: TransferAnalysis) -> Iterator[str]:
    known = [
        (one, one.agreement)
        for one in analysis.regimes
        if one.agreement is not None and isfinite(one.agreement.w)
    ]
    if not known:
        return
    parts = [
        f"{found.w:.2f} with {REGIME_TITLES[one.regime]} ({p_text(found.p)})"
        for one, found in known
    ]
    text = (
        "How far data sets agree on the order of the models, by Kendall's W from 0 to 1: "
        f"{listed(parts)}"
    )
    chance = [
        REGIME_TITLES[one.regime] for one, found in known if found.p > 1 - analysis.settings.level
    ]
    if chance:
        text += (
            f". With {listed(chance)} chance gives as much: there a ranking by the mean says little of "
            "another data set"
        )
    yield f"{text}."


def _rankings(analysis: TransferAnalysis) -> Iterator[str]:
    for regime in dict.fromkeys(one.regime for one in analysis.rankings):
        mine = [one for one in analysis.rankings if one.regime == regime]
        parts = [
            f"{SCORE_TITLES.get(one.score, one.score)} {one.mean.value:.2f}"
            + (f" ({interval(one.mean)})" if isfinite(one.mean.low) else "")
            + f", {one.regret:.1f} points lost"
            for one in sorted(mine, key=lambda one: -one.mean.value)
        ]
        datasets = max(len(one.datasets) for one in mine)
        yield (
            f"Scores that need no training against accuracy with {REGIME_TITLES[regime]}, by weighted "
            f"Kendall correlation, mean over {count(datasets, 'data set')}, and what taking their first "
            f"choice loses: {'; '.join(parts)}."
        )


def _convergence(analysis: TransferAnalysis) -> Iterator[str]:
    found = analysis.convergence
    if found is None or not found.pairs:
        return
    steps = dict(found.mean_steps)
    text = (
        f"Fine-tuning comes within {found.within:g} log odds of its best after "
        f"{steps['finetune']:,.0f} steps on average, training from scratch after "
        f"{steps['scratch']:,.0f}: {found.speedup.value:.1f} times as many"
    )
    pairs = f"{count(found.pairs, 'pair')} of model and data set"
    text += (
        f" ({interval(found.speedup, 1)}; geometric mean over {pairs})"
        if isfinite(found.speedup.low)
        else f" ({pairs})"
    )
    ends = sum(curve.at_end for curve in found.curves)
    if ends:
        text += (
            f". In {ends:,} of {len(found.curves):,} curves the longest training is the best: "
            "more might be better still"
        )
    if found.basis == "curves":
        text += ". Points are along one run, whose learning rate was set for its full length"
    yield f"{text}."


def _subsets(analysis: TransferAnalysis) -> Iterator[str]:
    if analysis.subsets is None or not analysis.subsets.crossings:
        return
    found = analysis.subsets.crossings
    always = [one for one in found if one.features_to == one.sizes[-1]]
    never = [one for one in found if one.tuned_from == one.sizes[0]]
    cross = [one for one in found if one.features_to and one.tuned_from]
    parts = []
    if cross:
        to = sorted(one.features_to for one in cross)
        start = sorted(one.tuned_from for one in cross)
        parts.append(
            f"in {len(cross):,} fixed features are at least as good as fine-tuning up to "
            f"{_range(to)} images and fine-tuning is better from {_range(start)}"
        )
    if always:
        parts.append(f"in {len(always):,} fixed features are at least as good at every size")
    if never:
        parts.append(f"in {len(never):,} fine-tuning is better at every size")
    rest = len(found) - len(cross) - len(always) - len(never)
    if rest:
        parts.append(f"in {rest:,} neither is better throughout")
    pairs = f"{count(len(found), 'pair')} of model and data set"
    yield f"Of {pairs}, {'; '.join(parts)} (means over random subsets; sizes that were tried)."


def _range(values: list[int]) -> str:
    low, high = values[0], values[-1]
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _embeddings(analysis: TransferAnalysis) -> Iterator[str]:
    titles = {d.id: d.title for d in analysis.datasets}
    share = {(m.model, m.dataset, m.stage): m.neighbour for m in analysis.embeddings}
    for model, dataset, stage in share:
        if stage == "before" and (model, dataset, "after") in share:
            after = share[model, dataset, "after"]
            yield (
                f"{model} on {titles[dataset]}: the nearest image in feature space is of the same class "
                f"for {100 * share[model, dataset, 'before']:.0f} % of images before fine-tuning and "
                f"{100 * after:.0f} % after."
            )


def _runs(analysis: TransferAnalysis) -> Iterator[str]:
    several = [one for one in analysis.regimes if one.seeds.cells]
    if several:
        spread = "; ".join(
            f"{one.seeds.points:.2f} points ({one.seeds.logit:.3f} log odds) with "
            f"{REGIME_TITLES[one.regime]}"
            for one in several
        )
        yield (
            f"Runs of one cell with other seeds have a standard deviation of {spread}. No test here "
            "accounts for it: the tests take the trained networks of one seed as they are."
        )
    else:
        yield (
            "There is one run a cell. The tests take trained networks as they are; how much another "
            "run would change is not known."
        )


def _recipes(analysis: TransferAnalysis) -> Iterator[str]:
    recipes = {model.recipe for model in analysis.models if model.recipe}
    if len(recipes) > 1:
        yield (
            f"The models were trained by {len(recipes):,} recipes. Regularisation that raises source "
            "accuracy can make fixed features worse (Kornblith and others 2019), so a correlation over "
            "models is about their recipes too."
        )
