from __future__ import annotations

import jinja2
import pytest

from freshset.reports.figures.drops import drops
from freshset.reports.markup import drawn, render
from freshset.reports.section import Section


def test_a_figure_carries_the_slug(comparison):
    figure = drops(comparison)
    one = drawn("mine", figure)
    assert one.id == "mine-drops"
    assert (one.title, one.alt) == (figure.title, figure.alt)
    assert one.svg.startswith("<svg ")
    assert 'aria-labelledby="mine-drops-caption"' in one.svg


def test_text_is_escaped_and_what_is_missing_is_an_error():
    section = Section("k", "T", "t", (), {})
    text = render("section.html.j2", section=section, figures=[], tables=[("<x>", "<table>")])
    assert "&lt;x&gt;" in text
    assert "<table>" in text
    with pytest.raises(jinja2.UndefinedError):
        render("section.html.j2", section=section)
