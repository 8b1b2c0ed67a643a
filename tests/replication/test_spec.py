from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from freshset.core.errors import DataError, UsageError
from freshset.replication.spec import ClassSpec, Spec, load_spec, parse_spec

SPEC = """\
name: animals/fresh
original: animals/test
per_class: 4
classes:
  - {key: cat, definition: A small mammal., synonyms: [cat, house cat], confused_with: lynx}
  - {key: lynx, name: Eurasian lynx, per_class: 2}
"""


def test_a_spec_has_defaults_and_exceptions_by_class() -> None:
    spec = parse_spec(SPEC)
    assert [one.title for one in spec.classes] == ["cat", "Eurasian lynx"]
    assert (spec.size_of("cat"), spec.size_of("lynx")) == (4, 2)
    assert spec.by_key["cat"].synonyms == ("cat", "house cat")
    assert spec.sampling.strategy == "matched-frequency"
    assert (spec.tasks.grid, spec.tasks.answers, spec.duplicates.neighbours) == (48, 10, 30)


def test_all_that_is_wrong_is_said_at_once_with_lines() -> None:
    text = """\
name: a fresh
original: animals/test
per_clas: 3
classes:
  - key: cat
    confused_with: dgo
    thresold: 3
  - key: dog
    confused_with: dog
    threshold: .5
  - key: dog
  - cow
  - key: a/b
  - key: horse
    confused_with: a/b
sampling: {strategy: matched, upwards: true, min_answers: 20}
tasks: {answers: 5, positives: 40, negatives: 20}
workers: {policy: fire}
duplicates: {thresholds: {pixels: -1}}
"""
    with pytest.raises(UsageError) as caught:
        parse_spec(text, "fresh.yaml")
    said = str(caught.value).splitlines()
    assert said[0] == "fresh.yaml: 14 problems:"
    assert [line.split(": ")[0].strip(" -") for line in said[1:]] == [
        "line 1, name",
        "line 3, per_clas",
        "line 6, classes[0].confused_with",
        "line 7, classes[0].thresold",
        "line 9, classes[1].confused_with",
        "line 10, classes[1].threshold",
        "line 11, classes[2].key",
        "line 12, classes[3]",
        "line 13, classes[4].key",
        "line 16, sampling.strategy",
        "line 16, sampling.upwards",
        "line 17, tasks",
        "line 18, workers.policy",
        "line 19, duplicates.thresholds.pixels",
    ]
    assert "Did you mean 'per_class'" in said[2]
    assert "Did you mean 'dog'?" in said[3]
    assert "Did you mean 'threshold'?" in said[4]
    assert "Did you mean 'upward'?" in said[11]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "sampling: {min_answers: 11}",
            "line 7, sampling.min_answers: .* more than the 10 answers",
        ),
        ("sampling: {bins: [.2, .2]}", "do not rise from above 0"),
        ("sampling: {bins: [.2, 1]}", "do not rise from above 0"),
        ("sampling: {strategy: top, upward: true}", "Upward goes with matched-frequency"),
        ("sampling: {strategy: top, threshold: .5}", "Threshold goes with strategy threshold"),
        (
            "sampling: {strategy: top, threshold: .5, upward: true, bins: [.9, .1]}",
            "Bins .* Upward .* Threshold",
        ),
        ("tasks: {grid: 6}", "leave no room in a grid of 6"),
        ("tasks: {reward: -1}", "tasks.reward: -1: input should be greater"),
        ("per_class: 0", "The key 'per_class' occurs twice, first in line 3"),
        ("seeds: {tasks: x}", "line 7, seeds.tasks"),
        ("name: ''", "occurs twice"),
        ("\tx: 1", "tab"),
    ],
)
def test_contradictions(change: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_spec(SPEC + change + "\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The file is empty"),
        ("- a", "Not a mapping"),
        ("name: x/y", "No key 'original'"),
        ("name: x/y\noriginal: x/z\nclasses: []", "There are no classes"),
        ("name: x/y\noriginal: x/z\nclasses: cat", "Not a list"),
        ("name: x/y\noriginal: x/z\nclasses: [{key: cat}]", "need a second class"),
        ("name: x/y\noriginal: x/z\nclasses: [{key: ' '}, {key: b}]", "is no key"),
        ("name: x/y\noriginal: x/z\nclasses: [{key: .a}, {key: b}]", "no dot first"),
    ],
)
def test_what_is_no_spec(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_spec(text)


def test_a_class_with_another_fault_still_counts_as_a_class() -> None:
    text = (
        "name: x/y\noriginal: x/z\nclasses:\n- {key: a, confused_with: b}\n- {key: b, links: 3}\n"
    )
    with pytest.raises(UsageError) as caught:
        parse_spec(text)
    assert str(caught.value) == "the spec, line 5, classes[1].links: Not a list."


def test_a_spec_made_in_python_obeys_the_same_rules() -> None:
    classes = (ClassSpec(key="a"), ClassSpec(key="a", confused_with="b"))
    with pytest.raises(ValidationError, match="occurs twice.*'b', which is no class here"):
        Spec(name="x/y", original="x/z", classes=classes)
    with pytest.raises(ValidationError, match="cannot have|test-set id"):
        Spec(name="x y", original="x/z", classes=(ClassSpec(key="a"), ClassSpec(key="b")))


def test_digests_tell_what_people_were_told() -> None:
    one = parse_spec(SPEC).by_key["cat"]
    again = parse_spec(SPEC.replace("per_class: 4", "per_class: 5")).by_key["cat"]
    other = parse_spec(SPEC.replace("small", "little")).by_key["cat"]
    assert one.digest == again.digest != other.digest
    assert parse_spec(SPEC).digest == parse_spec("# a comment\n" + SPEC).digest
    assert parse_spec(SPEC).digest != parse_spec(SPEC + "seeds: {sample: 1}\n").digest


def test_changes_have_what_was_before_and_after() -> None:
    before, after = (
        parse_spec(SPEC),
        parse_spec(SPEC.replace("lynx", "bobcat") + "seeds: {sample: 1}"),
    )
    changes = after.changes_from(before)
    assert changes["seeds.sample"] == [0, 1]
    assert changes["classes.cat.confused_with"] == ["lynx", "bobcat"]
    assert changes["classes.lynx.name"] == ["Eurasian lynx", None]
    assert changes["classes.bobcat.name"] == [None, "Eurasian bobcat"]
    assert before.changes_from(before) == {}


def test_the_order_of_classes_is_part_of_the_spec() -> None:
    first, second = SPEC.splitlines()[4:6]
    swapped = SPEC.replace(f"{first}\n{second}", f"{second}\n{first}")
    changes = parse_spec(swapped).changes_from(parse_spec(SPEC))
    assert changes == {"classes": [["cat", "lynx"], ["lynx", "cat"]]}


def test_a_thousand_classes_are_read_once() -> None:
    rows = (f"- {{key: c{i}, confused_with: c{(i + 1) % 1000}}}" for i in range(1000))
    text = "name: x/y\noriginal: x/z\nclasses:\n" + "\n".join(rows)
    spec = parse_spec(text)
    assert len(spec.classes) == 1000
    assert parse_spec(text) is spec


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "fresh.yaml"
    with pytest.raises(DataError, match="cannot be read"):
        load_spec(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="cannot be read"):
        load_spec(path)
    path.write_bytes(b"\xef\xbb\xbf" + SPEC.encode())
    assert load_spec(path) == SPEC
    path.write_text("name: x", encoding="utf-8")
    with pytest.raises(UsageError, match="fresh.yaml: 2 problems"):
        load_spec(path)
