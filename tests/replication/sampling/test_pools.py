from __future__ import annotations

import pytest
from fakes.pool import add_images, exclude, frequencies

from freshset.core.errors import DataError
from freshset.replication.collecting.excluding import excluded
from freshset.replication.project import Project
from freshset.replication.sampling.eligibility import Barred, Limits, judge
from freshset.replication.sampling.pools import eligibility_csv, pools_digest, read_pools


def test_every_image_of_a_pool_has_a_row_answers_or_not(any_project: Project) -> None:
    add_images(any_project, ["b", "a"], "cat", word="tabby")
    add_images(any_project, ["a"], "dog")
    add_images(any_project, ["o"], "cat", pool="test", word="kitten")
    add_images(any_project, ["t"], "cat", pool="train")
    asked = frequencies([("o", "cat", 9, 10), ("a", "dog", 4, 10), ("o", "dog", 0, 10)])
    with any_project.read() as connection:
        pools = read_pools(connection, asked)
    rows = pools.candidates
    assert list(zip(rows.item_ids, rows.class_keys, rows.selected, rows.answers, strict=True)) == [
        ("a", "cat", 0, 0), ("a", "dog", 4, 10), ("b", "cat", 0, 0),
    ]  # fmt: skip
    # The answers on whether the original image shows the class it is not of are not its frequency.
    assert list(zip(pools.originals.item_ids, pools.originals.selected, strict=True)) == [("o", 9)]
    assert pools.candidate_keywords["b", "cat"] == "tabby"
    assert pools.original_keywords == {("o", "cat"): "kitten"}


def test_frequencies_of_unknown_images_are_refused(project: Project) -> None:
    add_images(project, ["a"], "cat")
    asked = frequencies([("a", "cat", 1, 2), ("z", "cat", 1, 2)])
    with project.read() as connection, pytest.raises(DataError, match="1 images .* 'z'"):
        read_pools(connection, asked)


def test_exclusions_are_known_with_their_reasons(project: Project) -> None:
    add_images(project, ["a", "b"], "cat")
    exclude(project, "a")
    exclude(project, "b", kind="takedown")
    with project.read() as connection:
        assert excluded(connection) == {"a": "blurred", "b": "blurred"}
        assert excluded(connection, kind="takedown") == {"b": "blurred"}


def test_the_digest_of_pools_is_of_all_that_counts() -> None:
    rows = frequencies([("a", "cat", 3, 10), ("b", "cat", 4, 10)])
    digest = pools_digest(judge(rows, Barred(), Limits()))
    assert pools_digest(judge(rows[::-1], Barred(), Limits())) == digest
    other = frequencies([("a", "cat", 3, 10), ("b", "cat", 5, 10)])
    for judged in (judge(other, Barred(), Limits()), judge(rows, Barred({"a"}), Limits())):
        assert pools_digest(judged) != digest


def test_every_candidate_is_told_its_reason() -> None:
    rows = frequencies([("a", "cat", 3, 10), ("b", "cat", 4.5, 10)])
    assert eligibility_csv(judge(rows, Barred({"a"}), Limits())).splitlines() == [
        "class,item_id,selected,answers,reason",
        "cat,a,3.0,10.0,blacklisted",
        "cat,b,4.5,10.0,",
    ]
