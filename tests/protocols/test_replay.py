from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.protocols.ladder import FreeLadder
from freshset.protocols.policies import PolicySpec
from freshset.protocols.replay import (
    SCHEMA,
    Submitted,
    read_labels,
    read_predictions,
    read_submitted,
    replay,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text("item_id,label\na,cat\nb,dog\nc,cat\n")
    (tmp_path / "one.csv").write_text("item_id,prediction\na,cat\nb,cat\nc,cat\n")
    (tmp_path / "many.csv").write_text(
        "item_id,model,prediction\na,m1,cat\nb,m1,dog\nc,m1,dog\na,m2,cat\nb,m2,dog\nc,m2,cat\n"
    )
    return tmp_path


def test_files_are_submitted_in_their_order(folder: Path) -> None:
    labels = read_labels(folder / "labels.csv", "pets")
    assert labels.public.ids == ("a", "b", "c")
    assert labels.public.name == "pets"
    found = read_submitted(labels, [folder / "one.csv", folder / "many.csv"])
    assert [one.name for one in found] == ["one", "m1", "m2"]
    assert [one.wrong.tolist() for one in found] == [
        [False, True, False], [False, False, True], [False, False, False],
    ]  # fmt: skip
    result = replay(FreeLadder(), found)
    assert [a.accuracy for _, a in result.answers] == pytest.approx([2 / 3, 2 / 3, 2 / 3])
    data = json.loads(json.dumps(result.to_dict()))
    assert (data["schema"], data["policy"]) == (SCHEMA, "ladder")
    assert data["answers"][0] == {
        "submission": "one", "accuracy": pytest.approx(2 / 3), "improved": True, "remaining": None,
    }  # fmt: skip


def test_arrays_without_ids(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.array([0, 1, 2]))
    np.save(tmp_path / "p.npy", np.array([0, 1, 1]))
    labels = read_labels(tmp_path / "labels.npy")
    assert read_submitted(labels, [tmp_path / "p.npy"])[0].wrong.tolist() == [False, False, True]


def test_bad_files_are_named(folder: Path) -> None:
    labels = read_labels(folder / "labels.csv")
    bad = folder / "bad.csv"
    bad.write_text("item_id,prediction\nb,cat\na,cat\nc,cat\n")
    with pytest.raises(DataError, match=r"bad\.csv: The ids are those of the holdout in another"):
        read_predictions(bad, labels.public)
    bad.write_text("item_id,label\na,cat\na,dog\n")
    with pytest.raises(DataError, match="each once"):
        read_labels(bad)


def test_claims() -> None:
    policy = PolicySpec("thresholdout", threshold=0.05, sigma=0.0, budget=3).make()
    one = Submitted("m", np.array([True, False]))
    answers = replay(policy, [one, one], claimed=[0.9, 0.5]).answers
    assert [a.accuracy for _, a in answers] == [0.5, 0.5]
    assert [a.remaining for _, a in answers] == [2, 2]
    with pytest.raises(UsageError, match="1 claims for 2"):
        replay(policy, [one, one], claimed=[0.9])
    with pytest.raises(UsageError, match="Claim the loss"):
        replay(policy, [one])


def test_classes_without_an_example(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.array([0, 2]))
    (tmp_path / "classes.txt").write_text("0\n1\n2\n")
    for said in ("3", str(tmp_path / "classes.txt")):
        labels = read_labels(tmp_path / "labels.npy", classes=said)
        assert labels.public.classes == ("0", "1", "2")
    with pytest.raises(DataError, match="none of the 2 classes"):
        read_labels(tmp_path / "labels.npy", classes="2")
