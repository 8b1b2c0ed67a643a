from __future__ import annotations

import argparse
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.models import weights
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.models.weights import (
    check_digest,
    combined_digest,
    file_digest,
    files_digest,
    fill,
    is_trusted,
    load_state_dict,
)

STATE = {"weight": torch.ones(3, 2), "bias": torch.zeros(3)}


class Runs:
    """A pickle that would make a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FRESHSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "_WORTH_REMEMBERING", 0)
    return tmp_path / "cache"


def aged(path: Path, seconds: int = 100) -> Path:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - seconds * 10**9))
    return path


def test_a_digest_is_remembered_until_the_file_changes(tmp_path, cache, monkeypatch):
    path = tmp_path / "m.bin"
    path.write_bytes(b"one")
    digest = file_digest(aged(path))
    assert digest == sha256_file(path)
    monkeypatch.setattr(weights, "sha256_file", lambda _: "hashed again")
    assert file_digest(path) == digest
    path.write_bytes(b"two")
    assert file_digest(path) == "hashed again"


def test_a_file_that_was_just_written_is_not_remembered(tmp_path, cache):
    path = tmp_path / "m.bin"
    path.write_bytes(b"one")
    file_digest(path)
    assert not cache.exists()


def test_a_damaged_memory_costs_only_time(tmp_path, cache):
    path = tmp_path / "m.bin"
    path.write_bytes(b"one")
    digest = file_digest(aged(path))
    (note,) = (cache / "digests").iterdir()
    assert json.loads(note.read_text())["sha256"] == digest
    note.write_text("{")
    assert file_digest(path) == digest


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, cache):
    cache.write_text("in the way")
    path = tmp_path / "m.bin"
    path.write_bytes(b"one")
    assert file_digest(aged(path)) == sha256_file(path)


def test_digests_of_several_files_go_by_their_names(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"1")
    second.write_bytes(b"2")
    assert files_digest([first]) == sha256_file(first)
    assert files_digest([second, first]) == files_digest([first, second])
    assert combined_digest("") == combined_digest("", 1) == ""
    assert combined_digest("x", {"a": 1}) != combined_digest("x", {"a": 2})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="gone.bin"):
        file_digest(tmp_path / "gone.bin")


def test_wrong_checksums_are_refused():
    right = ModelRef.parse(f"timm:a?sha256={'ab' * 32}")
    check_digest(right, "ab" * 32)
    check_digest(right, "")  # not fetched yet
    with pytest.raises(DataError, match=r"have the SHA-256 cd.*not the one asked for"):
        check_digest(right, "cd" * 32)
    with pytest.raises(UsageError, match="all 64"):
        check_digest(ModelRef.parse("timm:a?sha256=abcd"), "ab" * 32)


@pytest.mark.parametrize("name", ["m.safetensors", "m.pth", "old.pt"])
def test_safe_formats_are_loaded(tmp_path, name):
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=name != "old.pt")
    loaded = load_state_dict(path)
    assert loaded.keys() == STATE.keys()
    assert all(torch.equal(loaded[name], STATE[name]) for name in STATE)


def test_training_checkpoints_are_searched_for_their_averaged_weights(tmp_path):
    path = tmp_path / "last.pth.tar"
    averaged = {f"module.{name}": value + 1 for name, value in STATE.items()}
    content = {"state_dict": STATE, "state_dict_ema": averaged, "epoch": 3}
    torch.save(content | {"args": argparse.Namespace(lr=0.1)}, path)
    assert torch.equal(load_state_dict(path)["bias"], STATE["bias"] + 1)


def test_a_pickle_is_refused_without_being_run_and_accepted_by_trust(tmp_path):
    ran = tmp_path / "ran"
    path = tmp_path / "m.pth"
    torch.save({"state_dict": STATE, "more": Runs(ran)}, path)
    with pytest.raises(DataError, match=r"can run any program.*asks for") as caught:
        load_state_dict(path)
    assert f"--trust {path}" in caught.value.hint
    assert not ran.exists()
    assert load_state_dict(path, trusted=True).keys() == STATE.keys()
    assert ran.exists()


def test_a_whole_network_is_a_pickle_too(tmp_path):
    path = tmp_path / "m.pt"
    torch.save(torch.nn.Linear(2, 3), path)
    with pytest.raises(DataError, match=r"unpickled.*Linear"):
        load_state_dict(path)
    assert load_state_dict(path, trusted=True).keys() == STATE.keys()


def test_a_bare_pickle_is_refused(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"a": Runs(tmp_path / "ran")}))
    with pytest.raises(DataError, match="can run any program"):
        load_state_dict(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>Not found</html>", "a web page, not weights"),
        (b"\n <HTML>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"no weights at all", "not a whole torch checkpoint"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_no_file_of_weights_is_named(tmp_path, content, words, suffix):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    if suffix == ".safetensors" and words.startswith("not a whole"):
        words = "not a whole safetensors file"
    with pytest.raises(DataError, match=words):
        load_state_dict(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_was_cut_short_is_named(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    if suffix == ".pth":
        torch.save(STATE, path)
    else:
        save_file(STATE, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="not a whole"):
        load_state_dict(path)


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], {}])
def test_a_checkpoint_without_weights_is_refused(tmp_path, content):
    path = tmp_path / "m.pth"
    torch.save(content, path)
    with pytest.raises(DataError, match="no weights by name"):
        load_state_dict(path)


def test_weights_must_be_exactly_those_of_the_network():
    network = torch.nn.Linear(2, 3)
    fill(network, STATE, "m.pth")
    assert torch.equal(network.weight, STATE["weight"])
    with pytest.raises(DataError, match=r"m.pth: the weights do not fit.*bias"):
        fill(network, {"weight": STATE["weight"]}, "m.pth")


def test_trust_is_by_name():
    runtime = Runtime(trust=frozenset({"models/a.pth"}))
    assert is_trusted(runtime, "", "models/a.pth")
    assert not is_trusted(runtime, "", "models/b.pth")
