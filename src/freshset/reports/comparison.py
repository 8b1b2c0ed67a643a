"""The section of a comparison: verdict, scores, lines, drops, ranks, pairs and the gap."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison, methods
from freshset.reports import tables
from freshset.reports.figures import all_figures
from freshset.reports.formats import to_html
from freshset.reports.markup import Drawn, drawn, render
from freshset.reports.section import Section, Tile
from freshset.reports.selection import selection_facts, selection_tables
from freshset.reports.study import Study
from freshset.reports.table import estimate_cell, number

OUTCOMES = {
    "survived": "Survived",
    "dropped": "Dropped",
    "rose": "Rose",
    "undecided": "Undecided",
}
_RESAMPLED = {
    "models": "models",
    "items": "items",
    "both": "models and items",
}
_METHODS = {
    "clopper-pearson": "Clopper-Pearson (exact binomial)",
    "newcombe": "Newcombe's hybrid score interval for two independent proportions",
    "percentile": "bootstrap percentiles",
}
_APPROXIMATE = " (approximate)"


def comparison_section(study: Study) -> Section:
    """Return a comparison as a section of a report, with everything drawn that its data allow."""
    comparison = study.comparison
    figures = all_figures(study)
    outcome = OUTCOMES.get(comparison.verdict.outcome, comparison.verdict.outcome)
    tiles = _tiles(comparison)
    names = Tile("Old", comparison.old, align="left"), Tile("New", comparison.new, align="left")
    return Section(
        kind="comparison",
        title=study.title,
        slug=study.slug,
        findings=comparison.findings,
        document=comparison.to_dict(),
        note=study.note,
        warnings=comparison.warnings,
        glance=(*names, *tiles[:2], Tile("Verdict", outcome, align="left")),
        figures=figures,
        tables=tables.all_tables(comparison),
        provenance=_provenance(comparison),
        body=_body(study, {one.name: drawn(study.slug, one) for one in figures}, (outcome, tiles)),
    )


def _body(study: Study, figures: dict[str, Drawn], verdict: tuple[str, tuple[Tile, ...]]) -> Markup:
    comparison, (outcome, tiles) = study.comparison, verdict
    chosen = comparison.selection
    return render(
        "comparison.html.j2",
        slug=study.slug,
        outcome=outcome,
        tiles=tiles,
        facts=_facts(comparison),
        scores=to_html(tables.scores(comparison), sortable=True, row_header=1),
        absent=to_html(tables.missing_results(study.missing_results)),
        with_absent=bool(study.missing_results),
        summary=to_html(tables.summary(comparison)),
        gap=to_html(tables.gap(comparison)),
        selection=[to_html(one) for one in selection_tables(comparison)],
        selection_facts=() if chosen is None else selection_facts(chosen),
        figures=figures,
        pairs=[figures[name] for name in ("pairs-old", "pairs-new") if name in figures],
        missing=_missing(comparison, figures),
    )


def _tiles(comparison: Comparison) -> tuple[Tile, ...]:
    """Return the few numbers that come first."""
    mean = estimate_cell(comparison.drop.mean, 2)
    tiles = [
        Tile("Models", f"{len(comparison.models):,}"),
        Tile("Mean drop, points", mean.text, mean.interval),
    ]
    for scale in ("linear", "probit"):
        if fit := comparison.fits.get(scale):
            slope = estimate_cell(fit.slope, 2)
            tiles.append(Tile(f"Slope, {scale} scale", slope.text, slope.interval))
    beyond, changed = comparison.ranks.changed_beyond_noise, comparison.ranks.changed
    tiles.append(Tile("Rank changes beyond noise", f"{beyond:,}", f"of {changed:,} seen"))
    return tuple(tiles)


def _facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    verdict = comparison.verdict
    margin = f"{verdict.margin:g} {'point' if verdict.margin == 1 else 'points'}"
    small = verdict.p_equivalence < 0.001
    needed = (
        f"{number(verdict.fresh_items_needed, 0)}"
        if np.isfinite(verdict.fresh_items_needed)
        else "no number is enough: the old set itself is too small"
    )
    wanted = f"{100 * comparison.settings.power:.0f} %"
    return (
        ("Equivalence margin", margin),
        (
            f"Equivalence test (TOST), p-value for a change within {margin}",
            "< 0.001" if small else f"{verdict.p_equivalence:.3f}",
        ),
        (f"Power to see a drop of {margin}", f"{100 * verdict.power:.0f} %"),
        (f"Smallest drop seen with {wanted} power", f"{number(verdict.detectable, 2)} points"),
        (f"Fresh items needed to see {margin} with {wanted} power", needed),
    )


def _missing(comparison: Comparison, drawn: dict[str, Drawn]) -> tuple[str, ...]:
    """Say which figures the data do not allow, and why."""
    out = []
    if "ranks" not in drawn:
        out.append("Ranks: there is one model only.")
    if "pairs-old" not in drawn:
        why = "it takes two models" if comparison.per_example else (
            "it takes per-example predictions, and there are only counts"
        )  # fmt: skip
        out.append(f"Pairs of models: {why}.")
    if "leverage" not in drawn:
        out.append("Leverage: it takes a line and at least 4 models.")
    return tuple(out)


def _provenance(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    settings, how = comparison.settings, methods(comparison)
    first = comparison.models[0]
    items = f"{settings.item_bootstrap:,} {how['item_noise']}"
    excluded = "; ".join(f"{model}: {why}" for model, why in comparison.excluded)
    return (
        ("Old test set", _testset(comparison.old, first.old.n)),
        ("New test set", _testset(comparison.new, first.new.n)),
        ("Metric", settings.metric.replace("top", "top-") + " accuracy"),
        ("Data", "per-example predictions" if comparison.per_example else "counts only"),
        ("Confidence level", f"{100 * settings.level:g} %"),
        ("Seed", str(settings.seed)),
        ("Accuracy intervals", _method(how["accuracy_interval"])),
        ("Drop intervals", _method(how["drop_interval"])),
        (
            "Mean drop, lines and bands",
            f"{_method(how['bootstrap_interval'])}; {_draws(comparison)}",
        ),
        (
            "Rank changes",
            f"{_method(how['rank_interval'])}; {items}",
        ),
        ("Pairs", "exact McNemar tests, Holm's correction over all pairs of a test set"),
        ("Same distribution declared", "yes" if settings.same_distribution else "no"),
        ("Patterns excluded", ", ".join(settings.exclude) or "none"),
        ("Models excluded", excluded or "none"),
    )


def _draws(comparison: Comparison) -> str:
    settings, what = comparison.settings, methods(comparison)["resampled"]
    sizes = []
    if what != "items":
        sizes.append(f"{settings.bootstrap:,} resamples of models")
    if what != "models":
        sizes.append(f"{settings.item_bootstrap:,} of items")
    return f"resampled: {_RESAMPLED.get(what, what)} ({', '.join(sizes)})"


def _method(name: str) -> str:
    known = name.removesuffix(_APPROXIMATE)
    suffix = ", approximate: counts derived from rounded percentages"
    return _METHODS.get(known, known) + suffix * name.endswith(_APPROXIMATE)


def _testset(testset: str, n: int) -> str:
    title = testset_title(testset)
    name = f"{title} ({testset})" if title != testset else testset
    return f"{name}, n = {n:,}"
