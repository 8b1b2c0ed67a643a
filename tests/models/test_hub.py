from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

import pytest
import torch
from fakes.hub import COMMIT, NOBODY, hub, point

from freshset.core.errors import DataError, UsageError
from freshset.models import hub as ours
from freshset.models.base import Runtime
from freshset.models.hub import (
    cached_file,
    fetched_hub_file,
    fetched_url_file,
    hub_file,
    hub_folder,
    url_file,
)

WEIGHTS = b"weights, as far as the hub can tell"
FILES = {
    "me/tiny": {
        "config.json": b"{}",
        "vocab.txt": b"words",
        "model.safetensors": WEIGHTS,
        "onnx/config.json": b"{}",
    }
}
NAMES = ["model.safetensors", "pytorch_model.bin"]
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Points the real client at an address; the cache begins empty."""

    def to(address: str) -> None:
        silence = ours._silence
        point(monkeypatch, address, tmp_path / "cache")
        monkeypatch.setattr(ours, "_silence", silence)

    monkeypatch.setattr(ours, "_silence", {})
    return to


@pytest.fixture
def running(use):
    with hub(FILES) as (address, asked):
        use(address)
        yield asked


def test_a_file_is_described_before_it_is_fetched(running):
    found = hub_file("me/tiny", NAMES, "", Runtime())
    assert (found.path, found.digest, found.download) == (None, SHA256, len(WEIGHTS))
    assert [line for line in running if "me/tiny" in line] == [
        "HEAD /me/tiny/resolve/main/model.safetensors"
    ]


def test_a_fetched_file_needs_no_hub(running, use):
    path = fetched_hub_file("me/tiny", NAMES, "", Runtime())
    assert path.read_bytes() == WEIGHTS
    use(NOBODY)
    for runtime in (Runtime(), Runtime(offline=True)):
        assert fetched_hub_file("me/tiny", NAMES, "", runtime) == path
        found = hub_file("me/tiny", NAMES, "", runtime)
        assert (found.path, found.digest, found.download) == (path, SHA256, 0)


def test_the_second_name_is_taken_where_there_is_no_first(running):
    assert hub_file("me/tiny", ["no.safetensors", "config.json"], "", Runtime()).download == 2
    with pytest.raises(UsageError, match="has no a or b"):
        hub_file("me/tiny", ["a", "b"], "", Runtime())


def test_small_files_come_together_and_weights_do_not(running):
    config = fetched_hub_file("me/tiny", ["config.json"], "", Runtime())
    folder = hub_folder("me/tiny", config, "", Runtime())
    assert folder.name == COMMIT
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "vocab.txt"]


def test_what_is_here_is_used_as_it_is_and_the_hub_is_not_asked(running, use):
    config = fetched_hub_file("me/tiny", ["config.json"], "", Runtime())
    with pytest.raises(DataError, match="the hub does not answer"):
        use(NOBODY)
        hub_folder("me/tiny", config, "", Runtime())
    assert hub_folder("me/tiny", config, "", Runtime(offline=True)) == config.parent
    (config.parent / "vocab.txt").write_text("words")
    assert hub_folder("me/tiny", config, "", Runtime()) == config.parent


def test_names_and_revisions_that_do_not_exist_are_refused(running):
    with pytest.raises(UsageError, match="no repository 'me/none'"):
        hub_file("me/none", NAMES, "", Runtime())
    with pytest.raises(UsageError, match="at revision 'v9'"):
        fetched_hub_file("me/tiny", NAMES, "v9", Runtime())
    with pytest.raises(UsageError, match="not the name of a hub repository"):
        cached_file("/a/b/c", NAMES, "")


def test_offline_says_how_to_fetch(use):
    use(NOBODY)
    for find in (hub_file, fetched_hub_file):
        with pytest.raises(
            UsageError, match="not on this machine, and the run is offline"
        ) as caught:
            find("me/tiny", NAMES, "v1", Runtime(offline=True))
        assert "hf download me/tiny model.safetensors --revision v1" in caught.value.hint


def test_a_hub_that_is_down_is_an_error_where_it_is_needed_and_asked_once_in_a_plan(use):
    use(NOBODY)
    start = time.monotonic()
    with pytest.raises(DataError, match="the hub does not answer"):
        fetched_hub_file("me/tiny", NAMES, "", Runtime())
    found = hub_file("me/tiny", NAMES, "", Runtime())
    assert (found.digest, found.download) == ("", -1)
    with hub(FILES) as (address, asked):
        use(address)
        assert hub_file("me/tiny", NAMES, "", Runtime()) == found
        assert not asked
    assert time.monotonic() - start < 5


@contextlib.contextmanager
def torch_home(folder: Path):
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(folder))
    try:
        yield folder / "checkpoints"
    finally:
        torch.hub.set_dir(before)


def test_plain_addresses_keep_their_files_where_torch_does(tmp_path):
    served = tmp_path / f"net-{SHA256[:8]}.pth"
    served.write_bytes(WEIGHTS)
    with torch_home(tmp_path / "home") as kept:
        assert url_file(served.as_uri()).download == -1
        with pytest.raises(UsageError, match=r"net-.*offline"):
            fetched_url_file(served.as_uri(), Runtime(offline=True))
        path = fetched_url_file(served.as_uri(), Runtime())
        assert path == kept / served.name
        assert url_file(served.as_uri()).digest == SHA256
        assert fetched_url_file(served.as_uri(), Runtime(offline=True)) == path


def test_a_file_that_is_not_what_its_name_says_is_not_kept(tmp_path):
    served = tmp_path / "net-00000000.pth"
    served.write_bytes(WEIGHTS)
    with torch_home(tmp_path / "home") as kept:
        with pytest.raises(DataError, match=r"cannot be fetched \(invalid hash"):
            fetched_url_file(served.as_uri(), Runtime())
        assert not (kept / served.name).exists()
