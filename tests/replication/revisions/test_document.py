from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.core.errors import DataError
from freshset.replication.revisions.document import Item, Removed, Revision, removed


def revision(items: tuple[Item, ...] = (), **changes: object) -> Revision:
    made = Revision(
        strategy="matched-frequency",
        seed=7,
        rules={"bins": [0.5], "upward": True},
        spec="s",
        policy="p",
        pools="q",
        parent="",
        targets={"cat": {"low": 1, "high": 2}},
        missing={},
        upward={"cat": {"low": 1}},
        eligibility={"cat": {"eligible": 9, "blacklisted": 2}},
        items=items,
    )
    return replace(made, **changes)


def item(name: str, class_key: str = "cat", how: str = "drawn") -> Item:
    return Item(name, class_key, 3.0, 10.0, "low", "low", how)


@given(st.lists(st.tuples(st.text(), st.floats(0, 1e9)), unique_by=lambda pair: pair[0]))
def test_a_document_reads_back_with_its_digest(rows) -> None:
    gone = (Removed("z", "cat", "blacklisted"),)
    items = tuple(Item(name, "cat", n, n, "low", "low", "kept") for name, n in rows)
    one = revision(items, removed=gone)
    again = Revision.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again == one
    assert again.digest == one.digest


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8}, {"parent": "x"}, {"spec": "x"}, {"policy": "x"}, {"pools": "x"},
        {"strategy": "top"}, {"rules": {}}, {"targets": {"cat": {}}}, {"eligibility": {}},
        {"missing": {"cat": {"low": 1}}}, {"upward": {}}, {"items": (item("b"), item("a"))},
        {"removed": (Removed("z", "cat", "surplus"),)},
    ],
)  # fmt: skip
def test_everything_changes_the_digest(change) -> None:
    one = revision((item("a"), item("b")))
    assert replace(one, **change).digest != one.digest


def test_a_revision_is_valid_when_nothing_is_missing() -> None:
    assert revision().is_valid
    short = revision((item("a", how="kept"),), missing={"cat": {"low": 2}})
    assert not short.is_valid
    summary = short.summary()
    assert (summary["missing"], summary["upward"], summary["kept"]) == (2, 1, 1)
    assert short.item_ids == {"cat": frozenset({"a"})}


def test_a_strange_document_is_refused() -> None:
    document = revision((item("a"),)).to_dict()
    with pytest.raises(DataError, match=r"revision/9"):
        Revision.from_dict(document | {"schema": "freshset.revision/9"})
    for broken in (
        document | {"items": {"columns": ["item_id"], "rows": [["a"]]}},
        {"schema": "freshset.revision/1"},
    ):
        with pytest.raises(DataError, match="lacks something"):
            Revision.from_dict(broken)


def test_removed_images_are_told_in_order() -> None:
    before = revision((item("b"), item("a"), item("c")))
    after = revision((item("c"), item("d"), item("a", "dog")))
    assert [one.item_id for one in removed(before, after)] == ["b", "a"]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("letter", "explained", "total"), [("a", 3938, 3983), ("b", 6282, 6548), ("c", 1383, 1514)]
)
def test_the_chain_of_imagenetv2_is_explained(
    shared_data: Path, letter: str, explained: int, total: int
) -> None:
    """T5: what each revision removed was blacklisted, sooner or later, or has a duplicate."""
    root = shared_data / "imagenetv2"
    bad = set(json.loads((root / "metadata" / "candidate_blacklist.json").read_text("utf-8")))
    pairs = json.loads((root / "metadata" / "near_duplicates.json").read_text("utf-8"))
    bad |= set(pairs).union(*pairs.values())
    chain: dict[str, tuple[str, Revision]] = {}
    for path in (root / "datasets").glob(f"imagenetv2-{letter}-*.json"):
        document = json.loads(path.read_text("utf-8"))
        items = tuple(item(name, key) for name, key in document["image_filenames"])
        chain[path.name] = document.get("starting_from"), revision(items)
    gone = [
        one
        for parent, after in chain.values()
        if parent
        for one in removed(chain[parent][1], after)
    ]
    assert (sum(one.item_id in bad for one in gone), len(gone)) == (explained, total)
    # The chain is complete: one revision began from none.
    assert sum(not parent for parent, _ in chain.values()) == 1
