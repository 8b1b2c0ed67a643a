from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.task_page import external_question, html_question, task_page
from freshset.replication.spec import ClassSpec

CAT = ClassSpec(
    key="cat", name="cat <b>", definition="It purrs & sleeps.", synonyms=("house cat", "cat <b>"),
    links=("https://host/a?b=1&c=2",),
)  # fmt: skip
IMAGES = [(f"{i:032x}", f"https://host/{i:032x}.jpg?x=1&y=2") for i in range(48)]


def test_a_page_with_one_box_an_image() -> None:
    page = task_page(CAT, IMAGES, submit_to="https://host/submit")
    assert re.findall('value="([0-9a-f]{32})"', page) == [token for token, _ in IMAGES]
    assert 'action="https://host/submit"' in page
    assert "cat &lt;b&gt; or house cat?" in page
    assert "It purrs &amp; sleeps." in page
    assert "https://host/a?b=1&amp;c=2" in page
    assert "<b>" not in page
    assert 'name="selected"' in page
    for word in ("positive", "negative", "control", "candidate"):
        assert word not in page


def test_a_question_is_xml_with_the_page_in_it() -> None:
    page = task_page(CAT, IMAGES, submit_to="https://host/submit")
    root = ElementTree.fromstring(html_question(page))
    assert root.findtext("{*}HTMLContent") == page
    root = ElementTree.fromstring(external_question("https://host/t?a=1&b=2"))
    assert root.findtext("{*}ExternalURL") == "https://host/t?a=1&b=2"


def test_a_page_that_mturk_would_refuse_is_refused_here() -> None:
    long = [(token, "https://host/" + "x" * 2_000) for token, _ in IMAGES]
    with pytest.raises(DataError, match="bytes; MTurk takes 65,535"):
        html_question(task_page(CAT, long, submit_to="https://host/submit"))
