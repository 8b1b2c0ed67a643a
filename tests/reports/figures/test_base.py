from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from freshset.reports.figures import all_figures, scatter
from freshset.reports.figures.base import describe, describe_ranks, label, to_png, to_svg

NAMES = ["scatter-linear", "scatter-probit", "drops", "ranks", "pairs-old", "pairs-new", "leverage"]


def test_the_figures_of_a_study(study):
    figures = all_figures(study)
    assert [figure.name for figure in figures] == NAMES
    for figure in figures:
        assert any(c.isdigit() for c in figure.alt)
        assert figure.alt.endswith(".")
        assert figure.data.rows


@pytest.mark.parametrize(
    ("models", "names"),
    [(1, NAMES[:3]), (2, NAMES[:4]), (3, NAMES[:4]), (4, [*NAMES[:4], NAMES[6]])],
)
def test_the_figures_of_few_models(models, names, make_study):
    figures = all_figures(make_study(models, per_example=False))
    assert [figure.name for figure in figures] == names
    for figure in figures:
        ET.fromstring(to_svg(figure))


def test_accuracies_of_0_and_1(perfect):
    from freshset.reports.study import Study

    for figure in all_figures(Study("t", "t", perfect)):
        assert "nan" not in to_svg(figure).lower()


def test_same_bytes_and_no_date(comparison):
    first, second = scatter(comparison), scatter(comparison)
    assert to_svg(first) == to_svg(second) == to_svg(first)
    assert to_png(first) == to_png(second)
    assert "dc:date" not in to_svg(first)
    assert "<text" in to_svg(first)


def test_the_users_settings_neither_matter_nor_change(comparison):
    before = to_svg(scatter(comparison))
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert to_svg(scatter(comparison)) == before
        assert mpl.rcParams["font.size"] == 30


def test_hostile_names_are_drawn_as_text(hostile_study):
    for figure in all_figures(hostile_study):
        root = ET.fromstring(to_svg(figure))
        assert not [e for e in root.iter() if e.tag.endswith("script")]
        assert to_png(figure).startswith(b"\x89PNG")


def test_labels():
    assert label("short") == "short"
    assert label("a\x00b\nc") == "a\ufffdb\ufffdc"
    long = label("x" * 50 + "end", 21)
    assert len(long) == 21
    assert long.endswith("end")


def test_descriptions(comparison):
    row = comparison.models[0]
    lines = describe(row).split("\n")
    assert lines[0] == row.model
    assert f"{100 * row.old.accuracy:.2f} %" in lines[1]
    assert f"rank {row.rank.old} on the old set, {row.rank.new}" in describe_ranks(row)
