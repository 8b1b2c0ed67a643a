from __future__ import annotations

from dataclasses import replace

import pytest

from freshset.replication.package.base import Contents, PackagedClass
from freshset.replication.package.datasheet import datasheet
from freshset.replication.package.facts import Facts, gather_facts
from freshset.replication.project import Project
from freshset.replication.spec import parse_spec


@pytest.fixture
def facts(project: Project, contents: Contents) -> Facts:
    with project.read() as connection:
        return gather_facts(connection, contents)


def test_every_number_is_that_of_the_project(contents: Contents, facts: Facts) -> None:
    text = datasheet(contents, facts)
    assert contents.head.digest in text
    assert "8 images in 4 classes." in text
    assert "| 0 | cat | Cat, domestic | 2 | 2 | 0.875 |" in text
    assert "| 3 | 2 | 2 | 2 | 2 | 0.750 |" in text
    assert "4 workers gave 28 answers in 0 tasks. 28 of the answers" in text
    assert "71.4 % of all pairs" in text
    assert "Images without answers: 1." in text
    assert "eligible 8, blacklisted 4" in text
    assert "By licence: unknown 4, CC BY 4.0 4." in text
    assert "Frozen although:" in text
    assert "4 not reviewed" in text


def test_a_touched_set_says_so_at_the_top(contents: Contents, facts: Facts) -> None:
    assert "Adaptively touched" not in datasheet(contents, facts)
    touched = replace(contents, touched="revision r1 was un-frozen on 2026-01-02: a wrong label")
    head = datasheet(touched, facts).partition("## Composition")[0]
    assert "**Adaptively touched.**" in head
    assert "a wrong label." in head


def test_without_answers_nothing_is_said_of_agreement(contents: Contents, facts: Facts) -> None:
    unknown = replace(facts, agreement=float("nan"), alpha=float("nan"))
    assert "alpha" not in datasheet(contents, unknown)


def test_names_cannot_break_the_tables(contents: Contents, facts: Facts) -> None:
    odd = PackagedClass(0, "a|b", "two\nlines", "a%7Cb")
    renamed = replace(
        contents,
        classes=(odd,),
        images=tuple(replace(image, of=odd) for image in contents.images),
        spec=parse_spec('name: a\noriginal: b\ntasks: {negatives: 0}\nclasses: [{key: "a|b"}]'),
    )
    assert "| 0 | a\\|b | two lines | 8 | 10 |" in datasheet(renamed, facts)
