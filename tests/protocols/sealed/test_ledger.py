from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshset.core.errors import DataError
from freshset.core.files import canonical_json
from freshset.protocols.sealed import ledger as module
from freshset.protocols.sealed.cipher import Key, new_key
from freshset.protocols.sealed.ledger import Entry, Ledger, Read

KEY = Key(new_key())


def filled(folder: Path, entries: int = 4) -> Ledger:
    ledger, read = Ledger(folder), Read(())
    for number in range(entries):
        what = Entry(0, "", f"ann {number} é", "evaluate", revealed={"accuracy": number / 7})
        ledger.append(read, what, KEY)
        read = ledger.read(KEY)
    return ledger


def test_entries_form_a_chain(tmp_path: Path) -> None:
    read = filled(tmp_path).read(KEY)
    assert [e.seq for e in read.entries] == [1, 2, 3, 4]
    assert [e.previous for e in read.entries] == ["", *(e.digest for e in read.entries[:-1])]
    assert read.head == read.entries[-1].digest
    assert not read.behind
    assert not read.torn


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("ledger")
    ledger = filled(folder)
    return folder, {p.name: p.read_bytes() for p in (ledger.path, ledger.head)}


def is_found(folder: Path, key: Key | None = None) -> bool:
    try:
        read = Ledger(folder).read(key)
    except DataError:
        return True
    return bool(read.torn)  # verify calls half a line damage; see test_holdout


@pytest.mark.parametrize("name", ["ledger.jsonl", "head.json"])
def test_every_byte_counts(whole: tuple[Path, dict[str, bytes]], name: str) -> None:
    folder, files = whole
    data, path = files[name], folder / name
    try:
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert is_found(folder), place
    finally:
        path.write_bytes(data)
    assert not is_found(folder)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_change_of_a_byte_is_found_without_the_key(
    whole: tuple[Path, dict[str, bytes]], data: st.DataObject
) -> None:
    folder, files = whole
    name = data.draw(st.sampled_from(sorted(files)))
    text, path = files[name], folder / name
    place = data.draw(st.integers(0, len(text) - 1))
    kind = data.draw(st.sampled_from(["change", "remove", "insert"]))
    byte = bytes([data.draw(st.integers(0, 255).filter(lambda b: b != text[place]))])
    if kind == "remove":
        byte = b""
    rest = text[place:] if kind == "insert" else text[place + 1 :]
    try:
        path.write_bytes(text[:place] + byte + rest)
        assert is_found(folder)
    finally:
        path.write_bytes(text)


@pytest.mark.parametrize("gone", [[0], [1], [3], [2, 3], [0, 1, 2, 3]])
def test_entries_that_are_gone_are_missed(tmp_path: Path, gone: list[int]) -> None:
    ledger = filled(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(x for k, x in enumerate(lines) if k not in gone))
    with pytest.raises(DataError, match="missing or not as it was|cut short"):
        ledger.read()


def test_swapped_doubled_and_foreign_entries_are_found(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    a, b, c, d = ledger.path.read_bytes().splitlines(keepends=True)
    for lines in ((a, c, b, d), (a, b, b, c, d), (a, b, c, d, b"{}\n"), (a, b, c, d, b"\n")):
        ledger.path.write_bytes(b"".join(lines))
        with pytest.raises(DataError):
            ledger.read()


def forged(ledger: Ledger, keep: int) -> None:
    """Somebody without the key writes the chain anew, head and all."""
    entries = ledger.read().entries
    out: list[Entry] = []
    for entry in entries[:keep]:
        one = replace(entry, who="eve", previous=out[-1].digest if out else "")
        out.append(replace(one, digest=one.digest_without("digest")))
    ledger.path.write_bytes(b"".join(e.line for e in out))
    head = {"seq": out[-1].seq, "digest": out[-1].digest}
    ledger.head.write_bytes(canonical_json(head) + b"\n")


def test_a_chain_written_anew_is_found_by_the_key_or_a_known_digest(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    receipt = ledger.read().entries[1].digest
    forged(ledger, 4)
    ledger.read()  # a chain it is
    with pytest.raises(DataError, match="entry 1 is missing or not"):
        ledger.read(KEY)
    with pytest.raises(DataError, match=f"no entry has the digest {receipt}"):
        ledger.read(known=receipt)


def test_a_ledger_and_head_cut_together_are_found_by_a_receipt(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    entries = ledger.read().entries
    ledger.path.write_bytes(b"".join(e.line for e in entries[:2]))
    head = {"seq": 2, "digest": entries[1].digest}
    ledger.head.write_bytes(canonical_json(head) + b"\n")
    ledger.read(KEY)  # nothing inside can tell
    with pytest.raises(DataError, match="no entry has"):
        ledger.read(known=entries[3].digest)
    assert ledger.read(known=entries[0].digest).head == entries[1].digest


def test_half_a_line_is_removed_by_the_next_writer_and_noted(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    with ledger.path.open("ab") as stream:
        stream.write(b'{"seq":3,"who"')
    read = ledger.read(KEY)
    assert (len(read.entries), read.torn) == (2, 14)
    ledger.append(read, Entry(0, "", "bob", "evaluate"), KEY)
    last = ledger.read(KEY).entries[-1]
    assert (last.seq, last.note) == (3, {"torn": 14})


def test_an_entry_that_the_head_lacks_counts(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    before = ledger.head.read_bytes()
    ledger.append(ledger.read(), Entry(0, "", "bob", "evaluate"), KEY)
    ledger.head.write_bytes(before)  # stopped between the two
    read = ledger.read(KEY)
    assert (len(read.entries), read.behind) == (3, True)
    ledger.append(read, Entry(0, "", "cal", "evaluate"), KEY)
    assert len(ledger.read(KEY).entries) == 4
    with ledger.path.open("ab") as stream:
        stream.write(b"x")
    ledger.head.write_bytes(before)
    with pytest.raises(DataError, match="cut short"):
        ledger.read()


def test_half_a_line_over_an_old_head_is_damage(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    before = ledger.head.read_bytes()
    ledger.append(ledger.read(), Entry(0, "", "bob", "evaluate"), KEY)
    ledger.head.write_bytes(before)
    with ledger.path.open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(DataError, match="the end is not as it was written"):
        ledger.read()


def test_a_clock_that_goes_back_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = filled(tmp_path, 1)
    last = ledger.read().entries[-1].at

    class Early(module.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2001, 1, 1, tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Early)
    entry = ledger.append(ledger.read(), Entry(0, "", "bob", "evaluate"), KEY)
    assert entry.note == {"clock": last}
    assert entry.at.startswith("2001")
    assert ledger.read(KEY).entries[-1] == entry


def test_a_full_disk_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = filled(tmp_path, 2)
    before, write = ledger.path.read_bytes(), os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 50:
            return write(handle, data[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", lambda h, d: full(h, d if len(d) > 500 else d[:1]))
    with pytest.raises(OSError, match="No space"):
        ledger.append(ledger.read(), Entry(0, "", "bob", "evaluate", secret="x" * 500), KEY)
    assert ledger.path.read_bytes() == before


def test_unreadable_files(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    ledger.head.unlink()
    with pytest.raises(DataError, match=r"head\.json: cannot be read"):
        ledger.read()
    assert json.loads(ledger.path.read_bytes().splitlines()[0])["seq"] == 1


def test_what_was_checked_once_is_checked_again_when_it_changes(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    ledger.read(KEY)
    data = ledger.path.read_bytes()
    for place in (10, len(data) // 2, len(data) - 2):
        ledger.path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(DataError):
            ledger.read(KEY)
    ledger.path.write_bytes(data)
    assert len(ledger.read(KEY).entries) == 4
    # What was read without the key was not checked with it.
    forged(ledger, 4)
    ledger.read()
    with pytest.raises(DataError, match="entry 1 is missing"):
        ledger.read(KEY)
