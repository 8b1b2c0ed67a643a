"""The report as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jinja2
import matplotlib
import numpy as np
import scipy
from markupsafe import Markup

from freshset.core.errors import UsageError
from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison, methods
from freshset.reports import tables
from freshset.reports.figures import all_figures
from freshset.reports.figures.base import Figure
from freshset.reports.figures.style import PALETTE
from freshset.reports.formats import to_html
from freshset.reports.selection import selection_facts, selection_tables
from freshset.reports.study import Study
from freshset.reports.svg import inline
from freshset.reports.table import estimate_cell, number
from freshset.version import __version__

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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure as the page needs it."""

    id: str
    title: str
    alt: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class Section:
    """A study as the page needs it: what is drawn and what is formatted."""

    study: Study
    outcome: str
    tiles: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]
    scores: Markup
    absent: Markup
    summary: Markup
    gap: Markup
    selection: Markup
    selection_facts: tuple[tuple[str, str], ...]
    figures: dict[str, Drawn]
    pairs: tuple[Drawn, ...]
    missing: tuple[str, ...]


def render_html(studies: Sequence[Study], *, title: str = "") -> str:
    """Return the page.

    Parameters
    ----------
    studies
        At least one; their slugs must differ.
    title
        Heading of the page; by default that of the only study.

    Raises
    ------
    UsageError
        When there is no study, or two have one slug.
    """
    check_studies(studies)
    return render_drawn([(study, all_figures(study)) for study in studies], title=title)


def render_drawn(drawn: Sequence[tuple[Study, Sequence[Figure]]], *, title: str = "") -> str:
    """Return the page of studies whose figures are drawn already."""
    only = drawn[0][0].title if len(drawn) == 1 else "Do the scores survive a fresh test set?"
    page: str = _template().render(
        title=title or only,
        sections=[_section(study, figures) for study, figures in drawn],
        versions=versions(),
        palette=PALETTE,
    )
    return page


def check_studies(studies: Sequence[Study]) -> None:
    """Raise `UsageError` when there is no study, or two have one slug."""
    if not studies:
        raise UsageError("A report needs at least one study.")
    slugs = [study.slug for study in studies]
    twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
    if twice:
        raise UsageError(
            f"Two studies have the slug {twice[0]!r}.", "Give each study a slug of its own."
        )


def versions() -> dict[str, str]:
    """Return the versions of what made the numbers and the figures."""
    return {
        "freshset": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "matplotlib": matplotlib.__version__,
    }


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("freshset.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2")


def _section(study: Study, figures: Sequence[Figure]) -> Section:
    comparison = study.comparison
    chosen = comparison.selection
    drawn = {
        figure.name: Drawn(
            f"{study.slug}-{figure.name}",
            figure.title,
            figure.alt,
            # Made by this package, with every text in it escaped on the way.
            Markup(inline(figure, f"{study.slug}-{figure.name}")),  # noqa: S704
        )
        for figure in figures
    }
    return Section(
        study=study,
        outcome=OUTCOMES.get(comparison.verdict.outcome, comparison.verdict.outcome),
        tiles=_tiles(comparison),
        facts=_facts(comparison),
        provenance=_provenance(comparison),
        scores=Markup(to_html(tables.scores(comparison), sortable=True, row_header=1)),  # noqa: S704
        absent=Markup(to_html(tables.missing_results(study.missing_results))),  # noqa: S704
        summary=Markup(to_html(tables.summary(comparison))),  # noqa: S704
        gap=Markup(to_html(tables.gap(comparison))),  # noqa: S704
        selection=Markup("".join(map(to_html, selection_tables(comparison)))),  # noqa: S704
        selection_facts=() if chosen is None else selection_facts(chosen),
        figures=drawn,
        pairs=tuple(drawn[name] for name in ("pairs-old", "pairs-new") if name in drawn),
        missing=_missing(comparison, drawn),
    )


def _tiles(comparison: Comparison) -> tuple[tuple[str, str, str], ...]:
    """Return name, value and interval of the few numbers that come first."""
    mean = estimate_cell(comparison.drop.mean, 2)
    tiles = [
        ("Models", f"{len(comparison.models):,}", ""),
        ("Mean drop, points", mean.text, mean.interval),
    ]
    for scale in ("linear", "probit"):
        if fit := comparison.fits.get(scale):
            slope = estimate_cell(fit.slope, 2)
            tiles.append((f"Slope, {scale} scale", slope.text, slope.interval))
    beyond, changed = comparison.ranks.changed_beyond_noise, comparison.ranks.changed
    tiles.append(("Rank changes beyond noise", f"{beyond:,}", f"of {changed:,} seen"))
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
