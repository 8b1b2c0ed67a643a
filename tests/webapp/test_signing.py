from __future__ import annotations

import time
from pathlib import Path

import pytest
from itsdangerous import timed

from freshset.core.errors import StoreError
from freshset.webapp.signing import SECRET, Signer

SIGNER = Signer("s" * 64)


def test_a_body_comes_back() -> None:
    text = SIGNER.sign("session", {"p": "1"})
    assert SIGNER.read("session", text) == {"p": "1"}
    assert SIGNER.read("session", text, seconds=5) == {"p": "1"}


@pytest.mark.parametrize("text", ["", "abc", "a.b.c", "\x00", "é.é.é", "." * 5_000])
def test_what_nobody_signed_is_nothing(text: str) -> None:
    assert SIGNER.read("session", text) is None


def test_every_letter_of_a_text_counts() -> None:
    text = SIGNER.sign("session", {"p": "1"})
    for place in range(len(text) - 1):  # the last letter has bits that mean nothing
        other = "A" if text[place] != "A" else "B"
        assert SIGNER.read("session", text[:place] + other + text[place + 1 :]) is None


def test_a_text_is_good_for_one_purpose_and_one_project() -> None:
    text = SIGNER.sign("invitation", {"i": "1"})
    assert SIGNER.read("session", text) is None
    assert Signer("t" * 64).read("invitation", text) is None


def test_a_text_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SIGNER.sign("session", {"p": "1"})
    later = int(time.time()) + 100
    monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _self: later)
    assert SIGNER.read("session", text, seconds=101) is not None
    assert SIGNER.read("session", text, seconds=90) is None


def test_a_body_that_is_no_object_is_nothing() -> None:
    assert SIGNER.read("x", str(SIGNER._serializer("x").dumps(["p"]))) is None


def test_marks_differ_by_purpose_text_and_secret() -> None:
    marks = {SIGNER.mark("a", "b"), SIGNER.mark("b", "a"), Signer("t").mark("a", "b")}
    assert len(marks) == 3
    assert SIGNER.mark("a", "b") == SIGNER.mark("a", "b")


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    text = Signer.of(tmp_path).sign("x", {"a": 1})
    assert Signer.of(tmp_path).read("x", text) == {"a": 1}
    assert (tmp_path / SECRET).stat().st_mode & 0o777 == 0o600


def test_an_empty_secret_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / SECRET).write_text("\n")
    with pytest.raises(StoreError, match="holds no secret"):
        Signer.of(tmp_path)
