from __future__ import annotations

import os

import pytest
import torch

from freshset.core.errors import DataError
from freshset.models.training import checkpoint
from freshset.models.training.checkpoint import Checkpoint, load, plain, save

WEIGHT = torch.arange(24, dtype=torch.float32).reshape(1, 2, 3, 4)
TENSORS = {
    "a": plain(WEIGHT.to(memory_format=torch.channels_last)),
    "tied": plain(WEIGHT),
    "count": plain(torch.tensor(3)),
    "half": plain(torch.ones(2, dtype=torch.bfloat16)),
}
VALUES = {"step": 3, "losses": [0.1, 1e-300], "none": None}


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path):
    assert load(tmp_path / "new", "run") is None
    save(tmp_path / "new", Checkpoint("run", TENSORS, VALUES))
    save(tmp_path / "new", Checkpoint("run", TENSORS, VALUES))
    found = load(tmp_path / "new", "run")
    assert found.values == VALUES
    assert found.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.tensors[name], tensor)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["checkpoint.safetensors"]


def test_a_copy_shares_nothing_and_lies_plainly():
    weight = WEIGHT.to(memory_format=torch.channels_last)
    copy = plain(weight)
    assert copy.is_contiguous()
    assert torch.equal(copy, weight)
    copy.zero_()
    assert weight.any()


def test_a_crash_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    save(tmp_path, Checkpoint("run", TENSORS, {"step": 1}))

    def broken(*_args, **_settings):
        (tmp_path / "checkpoint.part").write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", broken)
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path, Checkpoint("run", TENSORS, {"step": 2}))
    assert load(tmp_path, "run").values == {"step": 1}
    monkeypatch.undo()
    save(tmp_path, Checkpoint("run", TENSORS, {"step": 2}))
    assert load(tmp_path, "run").values == {"step": 2}


def test_it_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    save(tmp_path, Checkpoint("run", TENSORS, VALUES))
    assert synced == [(tmp_path / "checkpoint.safetensors").stat().st_size]


def test_the_checkpoint_of_another_run_is_not_taken_up(tmp_path):
    save(tmp_path, Checkpoint("run", TENSORS, VALUES))
    with pytest.raises(DataError, match="another run") as caught:
        load(tmp_path, "other")
    assert "Delete" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all"])
def test_a_damaged_one_is_said_to_be(tmp_path, content):
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        load(tmp_path, "run")


def test_one_that_was_cut_is_said_to_be_damaged(tmp_path):
    save(tmp_path, Checkpoint("run", TENSORS, VALUES))
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match="is damaged"):
        load(tmp_path, "run")
