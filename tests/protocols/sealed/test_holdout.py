from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import snapshot
from filelock import FileLock

from freshset.core.errors import ConflictError, DataError, FreshsetError, StoreError, UsageError
from freshset.protocols.ladder import FreeLadder
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed import holdout as module
from freshset.protocols.sealed.cipher import Key, new_key
from freshset.protocols.sealed.holdout import Holdout
from freshset.protocols.sealed.rules import Rules
from freshset.protocols.sealed.submission import Labels

LABELS = np.random.default_rng(0).integers(0, 3, 40)
Make = Callable[..., Holdout]

THRESHOLDOUT = PolicySpec("thresholdout", threshold=0.1, sigma=0.01, budget=3)


def guess(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(LABELS)) < 0.7, LABELS, rng.integers(0, 3, len(LABELS)))


def look(holdout: Holdout, key: Key, seed: int = 0, who: str = "bob", **options: object):
    return holdout.evaluate(key, holdout.check(guess(seed)), who=who, model=f"m{seed}", **options)


def test_from_seal_to_open(make: Make, key: Key) -> None:
    holdout = Holdout(make(looks=3).folder)
    first, second = look(holdout, key, 1), look(holdout, key, 2, who="cal")
    assert first.answer.accuracy == pytest.approx(np.mean(guess(1) == LABELS))
    assert (first.seq, first.left, second.seq, second.left) == (2, 2, 3, 1)
    entries = holdout.verify(key, known=first.digest).entries
    assert [(e.action, e.who, e.model) for e in entries] == [
        ("seal", "ann", "digits"), ("evaluate", "bob", "m1"), ("evaluate", "cal", "m2"),
    ]  # fmt: skip
    assert entries[1].revealed["accuracy"] == first.answer.accuracy
    with pytest.raises(UsageError, match="is sealed"):
        holdout.labels(key)
    opened = holdout.open(key, who="ann")
    right = {"2": int(np.sum(guess(1) == LABELS)), "3": int(np.sum(guess(2) == LABELS))}
    assert opened[-1].revealed == {"n": 40, "right": right}
    assert holdout.labels(key) == tuple(map(str, LABELS))
    with pytest.raises(ConflictError, match="was opened on"):
        look(holdout, key, 3)
    assert holdout.open(key, who="dan") == opened
    assert len(holdout.verify(key).entries) == 4
    assert first.to_dict()["schema"] == "freshset.look/1"


def test_the_budget_is_kept(make: Make, key: Key) -> None:
    holdout = make(looks=3, each=2)
    for _ in range(2):
        look(holdout, key)
    with pytest.raises(ConflictError, match="bob has used all 2"):
        look(holdout, key)
    assert look(holdout, key, who="cal").left == 0
    with pytest.raises(ConflictError, match="All 3 looks at digits are used"):
        look(holdout, key, who="dan")
    assert len(holdout.verify(key).entries) == 4


def test_the_policy_goes_on_between_processes(make: Make, key: Key) -> None:
    holdout, ladder = make(PolicySpec("ladder")), FreeLadder()
    for seed in range(8):
        shown = look(Holdout(holdout.folder), key, seed).answer
        assert shown == ladder.submit(guess(seed) != LABELS)
    thresholds = make(THRESHOLDOUT, place="other")
    left = [
        look(Holdout(thresholds.folder), key, s, claimed=0.2).answer.remaining for s in range(5)
    ]
    assert left == [2, 1, 0, 0, 0]
    with pytest.raises(UsageError, match="that the submitter knows"):
        look(thresholds, key)
    with pytest.raises(UsageError, match="between 0 and 1"):
        look(thresholds, key, claimed=70.0)


def test_every_changed_byte_of_the_sealed_file_is_found(make: Make, key: Key) -> None:
    holdout = make()
    look(holdout, key)
    path = holdout.folder / "holdout.json"
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(FreshsetError):
            Holdout(holdout.folder).verify()
    path.write_bytes(data)
    Holdout(holdout.folder).verify(key)


def test_half_a_line_is_said_by_verify_and_repaired_by_the_next(make: Make, key: Key) -> None:
    holdout = make()
    look(holdout, key)
    with holdout.ledger.path.open("ab") as stream:
        stream.write(b'{"act')
    with pytest.raises(DataError, match="5 bytes at the end are no whole entry"):
        holdout.verify()
    look(holdout, key)
    assert holdout.verify(key).entries[-1].note == {"torn": 5}


def test_a_bad_ledger_answers_nothing(make: Make, key: Key) -> None:
    holdout = make()
    look(holdout, key)
    lines = holdout.ledger.path.read_bytes().splitlines(keepends=True)
    holdout.ledger.path.write_bytes(lines[0])
    before = snapshot(holdout.folder)
    with pytest.raises(DataError, match="cut short"):
        look(holdout, key)
    assert snapshot(holdout.folder) == before


def test_labels_are_nowhere_in_the_folder(make: Make, key: Key, tmp_path: Path) -> None:
    holdout = make(PolicySpec("ladder"), labels=np.array(["cat", "dog"] * 40))
    holdout.evaluate(key, holdout.check(["cat", "dog"] * 40), who="bob", model="m")
    text = b"".join(snapshot(holdout.folder).values())
    assert b'"cat", "dog", "cat"' not in b" ".join(text.split())
    assert text.count(b"cat") == 1  # the list of classes
    assert b"losses" not in text


def test_lengths_tell_nothing(make: Make, key: Key) -> None:
    """Two holdouts with the same classes: one has two-digit classes almost only, one hardly any."""
    many, few = np.r_[np.arange(12), np.full(28, 11)], np.r_[np.arange(12), np.full(28, 1)]
    sizes = []
    for place, labels in (("a", many), ("b", few)):
        holdout = make(PolicySpec("ladder"), labels=labels, place=place)
        for guess_all in (11, 1):
            checked = holdout.check(np.full(40, guess_all))
            holdout.evaluate(key, checked, who="bob", model="m")
        secret = [len(e.secret) for e in holdout.verify(key).entries]
        sizes.append(
            (len(json.loads((holdout.folder / "holdout.json").read_text())["secret"]), secret)
        )
    assert sizes[0] == sizes[1]


def messages(holdout: Holdout, key: Key) -> list[str]:
    """What every kind of mistake says."""
    out = []
    good = holdout.check(guess(0))

    def heard(call: Callable[[], object]) -> None:
        with pytest.raises(FreshsetError) as error:
            call()
        said = str(error.value).replace(str(holdout.folder), "DIR")
        out.append(said.replace(f"{holdout.folder.name}/", "DIR/"))

    for bad in (guess(0)[1:], np.r_[guess(0), 1], guess(0) + 7, guess(0)[:, None] == [0, 1], "x"):
        heard(lambda bad=bad: holdout.check(bad))
    heard(lambda: holdout.evaluate(key, good, who="", model="m"))
    heard(lambda: holdout.evaluate(key, good, who="bob", model="two\nlines"))
    heard(lambda: holdout.evaluate(Key(new_key()), good, who="bob", model="m"))
    heard(lambda: holdout.evaluate(key, good, who="bob", model="m", claimed=2.0))
    look(holdout, key)
    heard(lambda: look(holdout, key))  # the only look is used
    heard(lambda: holdout.verify(key, known="00"))
    return out


def test_no_message_depends_on_the_labels(make: Make, key: Key) -> None:
    one = messages(make(looks=1), key)
    other = messages(make(looks=1, labels=(LABELS + 1) % 3, place="other"), key)
    assert one == other
    assert len(one) == 11


def test_mistakes_use_no_look(make: Make, key: Key) -> None:
    holdout = make()
    before = snapshot(holdout.folder)
    with pytest.raises(DataError, match="No look was used"):
        holdout.check(guess(0)[1:])
    with pytest.raises(UsageError, match="another key"):
        look(holdout, Key(new_key()))
    assert snapshot(holdout.folder) == before


PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from freshset.protocols.sealed.cipher import read_key
from freshset.protocols.sealed.holdout import Holdout
folder, key, who, count = Path(sys.argv[1]), read_key(Path(sys.argv[2])), sys.argv[3], int(sys.argv[4])
holdout = Holdout(folder)
for number in range(count):
    submission = holdout.check(np.full(40, number % 3))
    print(holdout.evaluate(key, submission, who=who, model=f"{who}-{number}").digest, flush=True)
"""


def start(holdout: Holdout, key_file: Path, who: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, holdout.folder, key_file, who, str(count)]
    return subprocess.Popen([str(x) for x in command], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def filed(tmp_path: Path) -> tuple[Holdout, Key, Path]:
    text, path = new_key(), tmp_path / "key"
    path.write_text(text)
    rules = Rules(PolicySpec("ladder"), 10_000)
    return (
        Holdout.seal(tmp_path / "s", Key(text), Labels.of(LABELS, name="d"), rules, who="a"),
        Key(text),
        path,
    )


def test_two_processes_at_once_lose_nothing(filed: tuple[Holdout, Key, Path]) -> None:
    holdout, key, path = filed
    running = [start(holdout, path, who, 15) for who in ("bob", "cal")]
    receipts = [out for one in running for out in one.communicate(timeout=120)[0].split()]
    assert all(one.returncode == 0 for one in running)
    entries = holdout.verify(key).entries[1:]
    assert sorted(receipts) == sorted(e.digest for e in entries)
    assert sorted(e.model for e in entries) == sorted(
        f"{w}-{k}" for w in ("bob", "cal") for k in range(15)
    )


def test_a_killed_process_loses_no_answer(filed: tuple[Holdout, Key, Path]) -> None:
    holdout, key, path = filed
    one = start(holdout, path, "bob", 5000)
    assert one.stdout is not None
    first = one.stdout.readline()
    time.sleep(0.3)
    one.send_signal(signal.SIGKILL)
    receipts = [first.strip(), *one.communicate()[0].split()]
    look(holdout, key, who="cal")
    entries = holdout.verify(key).entries
    digests = [e.digest for e in entries]
    assert set(receipts) <= set(digests)
    assert len(digests) - len(receipts) in {2, 3}  # seal, cal, and perhaps one unanswered


def test_a_holdout_held_by_another_process(
    make: Make, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdout = make()
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    with FileLock(holdout.folder / ".lock"), pytest.raises(ConflictError, match="No look was used"):
        look(holdout, key)


def test_bad_seals(make: Make, key: Key, tmp_path: Path) -> None:
    make()
    with pytest.raises(UsageError, match="holds a sealed holdout already"):
        make()
    for bad in ({"looks": 0}, {"policy": PolicySpec("rounded")}, {"each": -1}):
        with pytest.raises(UsageError):
            make(place="x", **bad)
    assert not (tmp_path / "x").exists()
    with pytest.raises(StoreError, match="no sealed holdout"):
        Holdout(tmp_path / "x")


def test_a_newer_or_damaged_file(make: Make) -> None:
    holdout = make()
    path = holdout.folder / "holdout.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"schema": "freshset.holdout/2"}))
    with pytest.raises(StoreError, match="Update freshset"):
        Holdout(holdout.folder)
    del data["rules"]
    path.write_text(json.dumps(data))
    with pytest.raises(StoreError, match="is damaged"):
        Holdout(holdout.folder)


def test_sealing_starts_over_after_a_crash(make: Make, key: Key, tmp_path: Path) -> None:
    holdout = make()
    (holdout.folder / "holdout.json").unlink()
    again = make()
    look(again, key)
    assert len(again.verify(key).entries) == 2


def test_apart_the_policy_begins_anew_for_each_person(key: Key, tmp_path: Path) -> None:
    rules = Rules(PolicySpec("ladder"), 20, apart=True)
    holdout = Holdout.seal(tmp_path / "x", key, Labels.of(LABELS, name="d"), rules, who="ann")
    assert Holdout(tmp_path / "x").rules == rules
    own = {"bob": FreeLadder(), "cal": FreeLadder()}
    for seed in range(8):
        who = "bob" if seed % 2 else "cal"
        shown = look(Holdout(holdout.folder), key, seed, who).answer
        assert shown == own[who].submit(guess(seed) != LABELS)
    with pytest.raises(UsageError, match="one budget for everybody"):
        Rules(THRESHOLDOUT, 20, apart=True).check()


def test_what_looks_at_no_label_is_recorded_until_it_is_opened(make: Make, key: Key) -> None:
    holdout = make()
    look(holdout, key, 1, note={"token": "t"})
    entry = holdout.record(key, who="bob", action="choose", revealed={"entry": 2})
    assert (entry.seq, entry.action, entry.revealed) == (3, "choose", {"entry": 2})
    assert look(holdout, key, 2).left == 18
    entries = holdout.verify(key).entries
    assert entries[1].note == {"token": "t"}
    holdout.open(key, who="ann")
    with pytest.raises(ConflictError, match="was opened on"):
        holdout.record(key, who="bob", action="choose", revealed={})


def test_two_processes_that_seal_at_once(key: Key, tmp_path: Path) -> None:
    labels, rules = Labels.of(LABELS, name="d"), Rules(PolicySpec("exact"), 5)
    ends: list[str] = []

    def seal(who: str) -> None:
        try:
            Holdout.seal(tmp_path / "s", key, labels, rules, who=who)
            ends.append("sealed")
        except UsageError as error:
            ends.append(error.message)

    threads = [threading.Thread(target=seal, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends.count("sealed") == 1
    assert sum("sealed holdout already" in end for end in ends) == 5
    assert len(Holdout(tmp_path / "s").verify(key).entries) == 1


def test_a_look_can_be_asked_about_before(make: Make, key: Key) -> None:
    holdout = make(looks=1)
    before = snapshot(holdout.folder)
    holdout.check_look(key, who="bob", model="m")
    with pytest.raises(UsageError, match="needs model"):
        holdout.check_look(key, who="bob", model=" ")
    assert snapshot(holdout.folder) == before
    look(holdout, key)
    with pytest.raises(ConflictError, match="All 1 looks"):
        holdout.check_look(key, who="bob", model="m")
