"""A transfer study in the report: page, files, and what it calls simulated."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from fakes.transfer_results import simulated, without
from markupsafe import escape

from freshset.reports.html import render_html
from freshset.reports.transfer import transfer_section
from freshset.reports.write import write_report
from freshset.transfer.analysis.analyse import analyse
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.protocol import Protocol

FAST = AnalysisSettings(resamples=200, draws=200, score_resamples=60, embed=False)


@pytest.fixture(scope="module")
def analysis() -> TransferAnalysis:
    results = without(simulated(4, 2, 2), ("net 1", "set-1", "scratch"))
    named = replace(results.models[0], name="<b>net</b> 0 & co")
    models = (named, *results.models[1:])

    def renamed(parts):
        return tuple(
            replace(one, model=named.name) if one.model == "net 0" else one for one in parts
        )

    results = replace(
        results,
        models=models,
        results=renamed(results.results),
        lengths=renamed(results.lengths),
        subsets=renamed(results.subsets),
        embeddings=(),
        protocol=Protocol.of("paper").to_dict(),
    )
    return analyse(results, FAST)


def test_the_page(analysis) -> None:
    section = transfer_section(analysis, note="Four simulated networks.")
    page = str(render_html([section]))
    assert "<b>net</b>" not in page
    assert "&lt;b&gt;net&lt;/b&gt; 0 &amp; co" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    for text in (*analysis.findings, *analysis.warnings):
        assert str(escape(text)) in page
    assert page.count("<svg") == 7
    for part in page.split("<svg")[1:]:
        ET.fromstring("<svg" + part[: part.index("</svg>") + 6])
    assert "45 values from 1e-06 to 1e+05" in page
    assert "out of memory" in page
    names = [tile.name for tile in section.glance]
    assert names[:2] == ["Models", "Data sets"]
    assert "r² with Source, fine-tuning" in names


def test_regions_of_the_page_have_names_of_their_own(analysis) -> None:
    section = transfer_section(analysis)
    page = str(render_html([section]))
    names = re.findall(r'role="region" aria-label="([^"]+)"', page)
    assert len(names) == len(set(names)) == len(section.tables)
    headings = re.findall(r'<section aria-labelledby="([^"]+)"', page)
    assert len(headings) == len(set(headings))


def test_the_files(analysis, tmp_path) -> None:
    section = transfer_section(analysis, title="Mine", slug="mine")
    write_report([section], tmp_path / "r", formats=("csv", "md"))
    names = {p.relative_to(tmp_path / "r").as_posix() for p in (tmp_path / "r").rglob("*.*")}
    assert {
        "index.html", "mine-transfer.json", "tables/mine-means.csv", "tables/mine-correlations.md",
        "tables/mine-missing.csv", "figures/mine-source-finetune.csv", "figures/mine-convergence.csv",
    } <= names  # fmt: skip
    document = json.loads((tmp_path / "r" / "mine-transfer.json").read_text(encoding="utf-8"))
    assert document["schema"] == "freshset.transfer/1"
    assert document["title"] == "A simulated study"


def test_all_that_is_simulated_says_so_and_nothing_else_does(analysis) -> None:
    section = transfer_section(analysis)
    for figure in section.figures:
        assert figure.alt.startswith("Simulated data.")
    captions = [table.caption for table in section.tables if table.name != "missing"]
    assert all(caption.startswith("Simulated data.") for caption in captions)
    real = transfer_section(replace(analysis, simulated=False, warnings=()))
    assert not any("Simulated" in one.alt for one in real.figures)
    assert ("Data", "measured") in real.provenance


def test_a_study_of_one_model_is_a_page_too() -> None:
    section = transfer_section(analyse(simulated(1, 1, 1, extras=False), FAST))
    page = str(render_html([section]))
    assert "No correlation with Source" in page
    assert not re.search(r"\bnan\b", page)
