from __future__ import annotations

import numpy as np
import pytest

from freshset.core.frequencies import Frequencies
from freshset.replication.auditing.audit import Known, Members, audit

SET = Members("new", (("a", "cat"), ("b", "cat"), ("c", "dog"), ("d", "dog")))


def messages(known: Known, *sets: Members) -> list[tuple[str, str]]:
    return [(issue.check, issue.severity) for issue in audit(sets or (SET,), known).issues]


def test_a_clean_set_has_no_issue() -> None:
    report = audit((SET,), Known(links=(("a", "x"), ("c", "y")), blacklist={"z": "no photograph"}))
    assert report.issues == ()
    assert (report.union, report.overlaps) == (4, ())
    found = report.sets[0]
    assert (found.items, found.classes, found.smallest, found.largest) == (4, 2, 2, 2)


def test_an_image_that_duplicates_an_original_one() -> None:
    report = audit((SET,), Known(links=(("o1", "a"),), original={"o1": "cat"}))
    (found,) = report.sets[0].original_duplicates
    assert (found.item_id, found.class_key, found.original) == ("a", "cat", "o1")
    assert found.direct
    assert report.issues[0].message == ("new: near-duplicates of original images: 1. a ~ o1.")
    assert report.at_least("fault") == report.issues


def test_links_through_images_of_no_set_count() -> None:
    known = Known(links=(("a", "x"), ("x", "y"), ("y", "o2"), ("x", "b"), ("c", "o1")),
                  original={"o2": "", "o1": "dog", "o3": "dog"})  # fmt: skip
    report = audit((SET,), known)
    assert [(d.item_id, d.original, d.direct) for d in report.sets[0].original_duplicates] == [
        ("a", "o2", False), ("b", "o2", False), ("c", "o1", True),
    ]  # fmt: skip
    (group,) = report.sets[0].groups
    assert (group.item_ids, group.same_class) == (("a", "b"), True)


def test_an_original_image_itself_is_found() -> None:
    (found,) = audit((SET,), Known(original={"d": "dog"})).sets[0].original_duplicates
    assert (found.item_id, found.original, found.direct) == ("d", "d", True)


def test_another_label_than_that_of_the_original() -> None:
    known = Known(links=(("a", "o1"), ("c", "o2")), original={"o1": "dog", "o2": ""})
    report = audit((SET,), known)
    assert [issue.check for issue in report.issues] == ["original-duplicate", "label"]
    assert "a is cat, o1 is dog" in report.issues[1].message


def test_groups_in_one_class_and_across_classes() -> None:
    report = audit((SET,), Known(links=(("a", "b"), ("c", "b"))))
    (group,) = report.sets[0].groups
    assert group.same_class
    assert messages(Known(links=(("a", "b"),))) == [("inside-duplicate", "warning")]
    across = audit((SET,), Known(links=(("b", "c"),)))
    assert [(i.check, i.severity) for i in across.issues] == [("label", "warning")]
    assert "b (cat) ~ c (dog)" in across.issues[0].message
    assert across.to_dict()["sets"][0]["same_class_groups"] == 0


def test_blacklisted_unreadable_and_repeated_images_are_faults() -> None:
    twice = Members("new", (("a", "cat"), ("a", "dog"), ("b", "dog"), ("c", "cat")))
    known = Known(blacklist={"b": "drawing"}, unreadable={"c": "truncated"})
    report = audit((twice,), known)
    assert [i.check for i in report.issues] == ["unreadable", "repeated", "blacklisted"]
    assert {i.severity for i in report.issues} == {"fault"}
    assert report.sets[0].repeated == ("a",)
    assert "b (drawing)" in report.issues[2].message


def test_balance_against_what_was_wanted_and_without_it() -> None:
    uneven = Members("new", (*SET.rows, ("e", "dog")))
    (note,) = audit((uneven,), Known()).issues
    assert (note.check, note.severity) == ("balance", "note")
    assert "from 2 to 3" in note.message
    (warning,) = audit((uneven,), Known(sizes={"cat": 2, "dog": 2, "lynx": 2})).issues
    assert warning.severity == "warning"
    assert "dog has 3 of 2; lynx has 0 of 2" in warning.message
    (unknown,) = audit((SET,), Known(sizes={"cat": 2})).issues
    assert "dog has 2 of 0" in unknown.message


def test_overlaps_and_union() -> None:
    other = Members("other", (("c", "dog"), ("d", "dog"), ("e", "cat"), ("f", "cat")))
    third = Members("third", (("g", "cat"), ("h", "dog")))
    report = audit((SET, other, third), Known())
    assert [(o.a, o.b, o.shared) for o in report.overlaps] == [
        ("new", "other", 2), ("new", "third", 0), ("other", "third", 0),
    ]  # fmt: skip
    assert report.union == 8
    assert messages(Known(), SET, other, third) == [("overlap", "note")]


def test_frequencies_that_are_unknown_are_not_zero() -> None:
    ids = np.array(["a", "b", "c"], dtype=object)
    keys = np.array(["cat", "cat", "cat"], dtype=object)
    frequencies = Frequencies(ids, keys, np.array([6.0, 0, 3]), np.array([10.0, 0, 10]))
    report = audit((SET,), Known(frequencies=frequencies))
    # b has no answers, c was asked about as a cat, d not at all.
    assert report.sets[0].mean_frequency == pytest.approx(0.6)
    assert report.sets[0].unknown_frequency == 3
    assert [i.check for i in report.issues] == ["unknown-frequency"]


def test_the_document_names_only_a_few_in_messages_and_all_in_lists() -> None:
    rows = tuple((f"i{i}", "cat") for i in range(9))
    document = audit(
        (Members("new", rows),), Known(blacklist={item: "bad" for item, _ in rows})
    ).to_dict()
    assert document["schema"] == "freshset.audit/1"
    assert document["issues"][0]["message"].endswith("and 6 more.")
    assert len(document["sets"][0]["blacklisted"]) == 9
    assert document["sets"][0]["mean_frequency"] is None
