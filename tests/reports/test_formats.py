from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from freshset.reports.formats import latex_escape, to_csv, to_html, to_latex, to_markdown
from freshset.reports.table import plain
from freshset.reports.tables import all_tables, gap, scores


def test_csv_gives_the_numbers_back(comparison):
    rows = list(csv.DictReader(io.StringIO(to_csv(scores(comparison)))))
    assert [r["model"] for r in rows] == [row.model for row in comparison.models]
    for got, row in zip(rows, comparison.models, strict=True):
        assert float(got["old_accuracy_fraction"]) == row.old.accuracy
        assert float(got["new_accuracy_high_fraction"]) == row.new.high
        assert float(got["drop_low_points"]) == row.drop.low
        assert int(got["rank_change_high"]) == row.rank.high
        assert got["beyond_noise"] == ("true" if row.rank.beyond_noise else "false")


def test_csv_of_absent_values(comparison):
    row = next(csv.DictReader(io.StringIO(to_csv(gap(comparison)))))
    assert row["term"] == "Adaptivity"
    assert row["value_points"] == ""


def test_csv_keeps_hostile_names(hostile):
    text = to_csv(plain("t", ("model",), [(name,) for name in hostile]))
    assert [row[0] for row in csv.reader(io.StringIO(text))][1:] == list(hostile)


def test_markdown_has_one_line_for_each_row(hostile_study):
    table = scores(hostile_study.comparison)
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(table.rows)
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line)) == len(table.columns) + 1
    assert "<script" not in re.sub(r"\\<", "", to_markdown(table))


def test_latex_is_balanced_and_escaped(hostile_study, comparison):
    for table in (*all_tables(hostile_study.comparison), *all_tables(comparison)):
        text = to_latex(table)
        body = re.sub(r"\\[\\{}$&%#_]", "", text.partition("\n")[2])
        assert body.count("{") == body.count("}")
        assert body.count("$") % 2 == 0
        assert "_" not in body
        assert "#" not in body
        assert re.findall(r"\\begin\{(\w+)\}", text) == re.findall(r"\\end\{(\w+)\}", text)
        rows = [
            line for line in text.splitlines() if line.endswith(r"\\") and "caption" not in line
        ]
        assert len(rows) == len(table.rows) + 2
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == len(table.columns) - 1


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("a_b", r"a\_b"),
        ("50 %", r"50 \%"),
        ("\\x", r"\textbackslash{}x"),
        ("\N{MINUS SIGN}1", "$-$1"),
    ],
)
def test_latex_escape(text, tex):
    assert latex_escape(text) == tex


class Cells(HTMLParser):
    """Reads a table back: text by cell, and the tags that were seen."""

    def __init__(self):
        super().__init__()
        self.rows, self.tags, self.inside = [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in ("td", "th") or (self.inside and tag in ("span", "button"))
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def test_html_shows_names_as_they_are(hostile_study, hostile):
    parser = Cells()
    html = to_html(scores(hostile_study.comparison), sortable=True, row_header=1)
    parser.feed(html)
    parser.close()
    assert {row[1] for row in parser.rows[1:]} == {n.replace("\x07", "\ufffd") for n in hostile}
    assert "script" not in parser.tags
    assert "b" not in parser.tags


def test_html_sorts_by_raw_values(comparison):
    html = to_html(scores(comparison), sortable=True, row_header=1)
    assert html.count("<button") == 7
    assert html.count('aria-sort="ascending"') == 1
    assert f'data-v="{comparison.models[0].new.accuracy!r}"' in html
    assert html.count('<th scope="row">') == 25
    assert "<button" not in to_html(scores(comparison))
