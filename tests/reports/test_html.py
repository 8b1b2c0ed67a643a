from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from freshset.core.errors import UsageError
from freshset.reports.competition import competition_section
from freshset.reports.figures.style import PALETTE
from freshset.reports.html import render_html, versions
from freshset.reports.study import MissingResult, Study
from freshset.reports.validation import validation_section

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}


class Page(HTMLParser):
    """A strict reader: every element is closed in order, every attribute is kept."""

    def __init__(self):
        super().__init__()
        self.stack, self.elements, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"attribute given twice: {tag} {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.stack == []
    return page


@pytest.fixture(scope="module")
def page(study):
    return render_html([study])


def test_it_parses_and_ids_are_unique(page):
    ids = [attrs["id"] for _, attrs in read(page).elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_nothing_is_remote(page):
    for tag, attrs in read(page).elements:
        assert tag not in ("link", "iframe", "object", "img")
        for name in ("src", "href", "srcset", "action", "data", "xlink:href"):
            assert attrs.get(name, "#").startswith("#")
    assert not re.search(r"https?://|@import|url\((?!#)", page)


def test_references_have_a_target(page):
    elements = read(page).elements
    ids = {attrs.get("id") for _, attrs in elements}
    for _, attrs in elements:
        for name in ("aria-labelledby", "for", "data-filter"):
            if name in attrs:
                assert attrs[name] in ids
        if "href" in attrs:
            assert attrs["href"][1:] in ids


def test_every_figure_has_its_sentence(page, study):
    figures = re.findall(r'<svg [^>]*role="img" aria-labelledby="([^"]+)"', page)
    assert len(figures) == page.count("<svg ") == 7
    for name in figures:
        caption = re.search(rf'<figcaption id="{name}"><b>.+?</b> (.+?)</figcaption>', page)
        assert re.search(r"\d", caption[1])
        assert caption[1].endswith(".")


def test_every_model_is_in_the_table(page, study):
    for row in study.comparison.models:
        assert f'<th scope="row">{row.model}</th>' in page


def test_findings_come_first_then_the_order_of_the_report(page, study):
    headings = re.findall(r"<h3[^>]*>(.*?)</h3>", page)
    assert headings == [
        "Findings", "Verdict", "Scores of the models", "New against old accuracy", "Drop", "Ranks",
        "Pairs of models: told apart, or tied", "Leverage", "The gap taken apart",
        "How these numbers were made",
    ]  # fmt: skip
    assert study.comparison.findings[0] in "".join(read(page).text)


def test_missing_results_have_a_table(study, hostile):
    missing = tuple(MissingResult(name, "made-up/new", f"load: {name}") for name in hostile)
    html = render_html([replace(study, missing_results=missing)])
    assert "Missing results" in re.findall(r"<h3[^>]*>(.*?)</h3>", html)
    shown = read(html)
    text = " ".join(" ".join(shown.text).split())
    for name in hostile:
        assert " ".join(f"load: {name}".replace("\x07", "\ufffd").split()) in text
    assert "Missing results" not in render_html([study])


def test_provenance(page, study):
    text = " ".join(" ".join(read(page).text).split())
    for part in ("imagenet/val", "n = 800", "n = 400", "top-1", "95 %", "200 resamples of models"):
        assert part in text
    for name, number in versions().items():
        assert f"{name} {number}" in text
    assert not re.search(r"/home/|/tmp/|\b20\d\d-\d\d-\d\d\b", text)


def test_dark_mode_print_and_toggle(page):
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert 'id="theme"' in page
    for name, light, dark in PALETTE:
        assert f"--{name}: {light};" in page
        assert page.count(f"--{name}: {dark};") == 2


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_in_both_modes(page):
    blocks = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", page.split(start)[1].split("}")[0]))
        for start in ("color-scheme: light;", "color-scheme: dark;")
    ]
    assert blocks[0].keys() == blocks[1].keys()
    for colours in blocks:
        for text in ("ink", "muted", "link", "strong"):
            for ground in ("page", "surface", "warn-page", "hover"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for text in ("fig-ink", "fig-muted", "fig-strong"):
            assert contrast(colours[text], colours["fig-surface"]) >= 4.5, text
        for shape in ("fig-mark", "fig-reference", "fig-tied"):
            assert contrast(colours[shape], colours["fig-surface"]) >= 3, shape


def test_hostile_names_are_text(hostile_study, hostile):
    hurt = Study("<i>t</i> & co", "s", hostile_study.comparison, hostile_study.pairs, "<u>note</u>")
    page = read(render_html([hurt]))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 1
    assert not {"i", "u"} & set(tags)
    text = "".join(page.text)
    assert "<i>t</i> & co" in text
    assert "<u>note</u>" in text
    for name in hostile:
        assert name.replace("\x07", "\ufffd") in text


def test_several_studies_have_a_way_between_them(study, make_study):
    other = make_study(3, per_example=False)
    other = Study("Other", "other", other.comparison)
    html = render_html([study, other])
    page = read(html)
    links = {attrs["href"] for tag, attrs in page.elements if tag == "a" and "href" in attrs}
    assert {"#a-study", "#other"} <= links
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_two_models_counts_only_and_perfect_scores(make_study, perfect):
    small = render_html([make_study(2)])
    assert "No line is fitted" in small
    assert "Leverage: it takes a line" in small
    page = render_html([Study("p", "p", perfect)])
    read(page)
    assert "A warning &amp; &lt;b&gt;more&lt;/b&gt;." in page
    assert "per-example predictions, and there are only counts" in page
    assert "gone: matches --exclude g*" in page
    assert "approximate: counts derived" in page
    one = render_html([make_study(1)])
    assert "Ranks: there is one model only." in one


def test_no_study_and_one_slug_twice(study):
    with pytest.raises(UsageError, match="at least one study"):
        render_html([])
    with pytest.raises(UsageError, match="slug 'a-study'"):
        render_html([study, study])


def test_results_of_all_kinds_share_a_page(study, audit, validated):
    other = Study("Other", "other", study.comparison)
    html = render_html([study, competition_section(audit), other, validation_section(validated)])
    page = read(html)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    captions = re.findall(r"<caption><span>(\w+ at a glance)", html)
    assert captions == [
        "Comparison at a glance",
        "Competition at a glance",
        "Validation at a glance",
    ]
    tables = html.split("<nav")[1].split("</nav>")[0].split("<table>")[1:]
    assert [table.count('<th scope="row">') for table in tables] == [2, 1, 1]
    order = re.findall(r'<article id="([^"]+)"', html)
    assert order == [
        "a-study", "public-and-private-scores-of-a-competition", "other", "folds-of-digits",
    ]  # fmt: skip
    text = "".join(page.text)
    assert "adaptivity is identified" in text
    assert "opened once, at the end" in text
    assert html.count("<h3 id=") == html.count("</h3>") - 4  # provenance has none


def test_a_section_of_its_own_kind_alone(audit):
    html = render_html([competition_section(audit, title="<i>A</i> contest", note="From a <u>.")])
    page = read(html)
    tags = [tag for tag, _ in page.elements]
    assert not {"i", "u", "b"} & set(tags) - {"b"}
    text = "".join(page.text)
    for part in ("<i>A</i> contest", "From a <u>.", "<b>team</b> 7", "2 rows without both scores"):
        assert part in text
    assert re.findall(r"<h3[^>]*>(.*?)</h3>", html) == [
        "Findings", "In numbers", "Public and private scores", "p-values against uniform",
        "Submissions",
        "How these numbers were made",
    ]  # fmt: skip
    references = [
        attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs
    ]
    ids = {attrs.get("id") for _, attrs in page.elements}
    assert set(references) <= ids
    assert not re.search(r"https?://|@import|url\((?!#)", html)
