from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from freshset.reports.figures import all_figures, scatter
from freshset.reports.figures.base import Marks
from freshset.reports.svg import inline


def test_every_mark_names_its_model(comparison):
    root = ET.fromstring(inline(scatter(comparison), "p"))
    titles = [mark.findtext("title") for mark in root.iter() if mark.get("class") == "mark"]
    assert [t.split("\n")[0] for t in titles] == [row.model for row in comparison.models]


def test_marks_lie_where_the_models_are(comparison):
    root = ET.fromstring(inline(scatter(comparison), "p"))
    x = [float(mark.get("x")) for mark in root.iter() if mark.get("class") == "mark"]
    old = [row.old.accuracy for row in comparison.models]
    left, right = x[-1], x[0]
    for got, accuracy in zip(x, old, strict=True):
        share = (accuracy - old[-1]) / (old[0] - old[-1])
        assert got == pytest.approx(left + share * (right - left), abs=0.02)


def test_ids_of_two_figures_do_not_clash(study):
    ids, wanted = [], []
    for number, figure in enumerate(all_figures(study)):
        text = inline(figure, f"f{number}")
        ids += re.findall(r' id="([^"]+)"', text)
        wanted += re.findall(r'href="#([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text)
    assert len(ids) == len(set(ids))
    assert set(wanted) == set(ids)


def test_colours_follow_the_page_and_nothing_is_remote(study):
    for figure in all_figures(study):
        text = inline(figure, "p")
        assert not re.findall(r"#[0-9a-fA-F]{6}\b", text)
        assert "var(--fig-ink)" in text
        assert "http" not in text
        assert "<style" not in text
        assert "DejaVu" not in text


def test_hostile_names_stay_text(hostile_study, hostile):
    for figure in all_figures(hostile_study):
        root = ET.fromstring(inline(figure, "p"))
        assert "script" not in {element.tag for element in root.iter()}
        seen = "".join(root.itertext())
        assert hostile[0] in seen


def test_a_mark_too_few_is_an_error(comparison):
    figure = replace(scatter(comparison), marks=(Marks("models", ("one",)),))
    with pytest.raises(ValueError, match="25 marks drawn for 1"):
        inline(figure, "p")
