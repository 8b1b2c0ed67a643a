"""Seal labels, answer submissions within a budget of looks, and open the holdout at the end.

What is protected: somebody without the key cannot read a label, cannot write an entry, and cannot take
one away unnoticed by whoever noted a later digest.  What is not: whoever holds the key can do all of it;
many accounts can guess together; and answers tell about labels, as far as the policy lets them.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from freshset.core.errors import ConflictError, DataError, StoreError, UsageError
from freshset.core.files import pretty_json, read_json, sha256_file, write_atomic
from freshset.protocols.policies import policy_from_dict
from freshset.protocols.policy import Answer, Policy
from freshset.protocols.sealed.cipher import Key
from freshset.protocols.sealed.ledger import Entry, Ledger, Read
from freshset.protocols.sealed.rules import Rules
from freshset.protocols.sealed.submission import Labels, Public, Submission, check_submission

SCHEMA = "freshset.holdout/1"

_SEALED = "holdout.json"
_LOCK = ".lock"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """The answer to one evaluation.

    Attributes
    ----------
    answer
        What the policy shows.
    seq, digest
        Place of the entry and digest of the ledger with it: a receipt, which proves later that the
        ledger was not cut before it.
    left
        Looks that are left for everybody.
    """

    answer: Answer
    seq: int
    digest: str
    left: int

    def to_dict(self) -> dict[str, Any]:
        """Return the document ``freshset.look/1``."""
        return {
            "schema": "freshset.look/1",
            "accuracy": self.answer.accuracy,
            "improved": self.answer.improved,
            "remaining": self.answer.remaining,
            "seq": self.seq,
            "digest": self.digest,
            "left": self.left,
        }


class Holdout:
    """A sealed holdout in a folder: ``holdout.json``, ``ledger.jsonl`` and ``head.json``.

    Parameters
    ----------
    folder
        Where it was sealed.

    Raises
    ------
    StoreError
        When there is none, or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / _SEALED
        if not path.exists():
            raise StoreError(
                f"{folder}: no sealed holdout.", "freshset protocol holdout seal makes one."
            )
        data = read_json(path)
        try:
            self.public, self.rules = Public.from_dict(data), Rules.from_dict(data["rules"])
            self._key_id, self._token = str(data["key"]), str(data["secret"])
            known = data["schema"] == SCHEMA
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{path} is damaged.", "Restore it from a copy.") from error
        if not known:
            raise StoreError(f"{path}: {data['schema']} is not {SCHEMA}.", "Update freshset.")
        self.ledger = Ledger(folder)

    @classmethod
    def seal(cls, folder: Path, key: Key, labels: Labels, rules: Rules, *, who: str) -> Holdout:
        """Encrypt labels into a new folder.

        Parameters
        ----------
        labels
            From `Labels.of`, or from a file by `freshset.protocols.replay.read_labels`.

        Raises
        ------
        UsageError
            When the folder holds a holdout already, or the rules cannot be meant.
        """
        rules.check()
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            cls._write(folder, key, labels, rules, who)
        return cls(folder)

    @staticmethod
    def _write(folder: Path, key: Key, labels: Labels, rules: Rules, who: str) -> None:
        if (folder / _SEALED).exists():
            raise UsageError(f"{folder} holds a sealed holdout already.", "Give a new folder.")
        secret = {"labels": _packed(labels.codes), "seed": secrets.randbits(63)}
        data = {
            "schema": SCHEMA, **labels.public.to_dict(), "rules": rules.to_dict(), "key": key.id,
            "secret": key.encrypt(secret), "sealed": datetime.now(UTC).isoformat("T", "seconds"),
        }  # fmt: skip
        # The ledger first: without holdout.json the folder is no holdout, and sealing starts over.
        ledger = Ledger(folder)
        ledger.path.unlink(missing_ok=True)
        body = pretty_json(data)
        write_atomic(folder / f"{_SEALED}.new", body)
        revealed = {"holdout": sha256_file(folder / f"{_SEALED}.new")}
        ledger.append(
            Read(()), Entry(0, "", who, "seal", labels.public.name, revealed=revealed), key
        )
        (folder / f"{_SEALED}.new").replace(folder / _SEALED)

    def verify(self, key: Key | None = None, *, known: str = "") -> Read:
        """Check the whole folder.

        Parameters
        ----------
        key
            To check the signatures, and that the labels can be decrypted.
        known
            A digest that somebody noted elsewhere, such as a receipt.

        Raises
        ------
        DataError
            When anything was changed, removed, cut off or added.
        """
        read = self.ledger.read(key, known=known)
        self._check_seal(read)
        if read.torn:
            raise DataError(
                f"{self.ledger.path}: {read.torn} bytes at the end are no whole entry.",
                "If a writer was stopped there, the next evaluation removes them and says so.",
            )
        if key is not None:
            self._secret(key)
            for entry in read.entries:
                if entry.secret:
                    key.decrypt(entry.secret, f"entry {entry.seq}")
        return read

    def evaluate(
        self,
        key: Key,
        submission: Submission,
        *,
        who: str,
        model: str,
        claimed: float | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> Look:
        """Answer a submission, and record it; the answer is given only when the entry is on disk.

        Parameters
        ----------
        submission
            From `check`, which needs no key and uses no look.
        claimed
            Accuracy on data that the submitter knows, a fraction; for Thresholdout.
        note
            What else the entry is to say, JSON-ready and nothing secret.

        Raises
        ------
        UsageError
            For another key, without a name or a claim that is needed; no look is used.
        ConflictError
            When the looks are used up, the holdout was opened, or another process holds it too long.
        DataError
            When the ledger is not whole.
        """
        self.rules.check_said(who, model, claimed)
        secret = self._secret(key)
        with _locked(self.folder):
            read = self.ledger.read(key)
            self._check_seal(read)
            self._check_budget(read, who)
            policy = self._policy(key, read, secret, who)
            wrong = submission.classes != _unpacked(secret["labels"])
            answer = policy.submit(wrong, claimed=None if claimed is None else 1 - claimed)
            shown = {"accuracy": answer.accuracy, "improved": answer.improved,
                     "remaining": answer.remaining}  # fmt: skip
            inside = {"wrong": int(wrong.sum()), "policy": policy.to_dict()}
            entry = self.ledger.append(
                read,
                Entry(0, "", who, "evaluate", model, submission.digest, shown,
                      note=note or {}, secret=key.encrypt(inside)),
                key,
            )  # fmt: skip
            left = self.rules.looks - _looks(read) - 1
        return Look(answer, entry.seq, entry.digest, left)

    def check_look(self, key: Key, *, who: str, model: str, claimed: float | None = None) -> None:
        """Raise as `evaluate` would, without looking at anything."""
        self.rules.check_said(who, model, claimed)
        self._check_budget(self.ledger.read(key), who)

    def check_key(self, key: Key) -> None:
        """Raise `UsageError` unless it is the key of the holdout."""
        self._secret(key)

    def record(self, key: Key, *, who: str, action: str, revealed: Mapping[str, Any]) -> Entry:
        """Append an entry that looks at no label, such as what an entrant chose.

        Parameters
        ----------
        action
            What was done, in a word that the holdout does not use itself.

        Raises
        ------
        ConflictError
            When the holdout was opened.
        """
        self._secret(key)
        with _locked(self.folder):
            read = self.ledger.read(key)
            self._check_seal(read)
            self._check_sealed(read)
            return self.ledger.append(read, Entry(0, "", who, action, revealed=revealed), key)

    def check(self, values: npt.ArrayLike, ids: npt.ArrayLike | None = None) -> Submission:
        """Check predictions against what is public; see `check_submission`."""
        return check_submission(self.public, values, ids)

    def open(self, key: Key, *, who: str) -> tuple[Entry, ...]:
        """End the holdout: reveal how every submission did, and answer no more.

        Returns
        -------
        tuple of Entry
            All entries; the last one reveals the numbers of right answers by place of the entry.
            Opening again changes nothing.
        """
        self._secret(key)
        with _locked(self.folder):
            read = self.ledger.read(key)
            self._check_seal(read)
            if read.entries[-1].action == "open":
                return read.entries
            right = {
                str(entry.seq): self.public.n - int(key.decrypt(entry.secret, "ledger")["wrong"])
                for entry in read.entries
                if entry.action == "evaluate"
            }
            last = Entry(0, "", who, "open", revealed={"n": self.public.n, "right": right})
            return (*read.entries, self.ledger.append(read, last, key))

    def labels(self, key: Key) -> tuple[str, ...]:
        """The labels by name; only after the holdout was opened.

        Raises
        ------
        UsageError
            Before that.
        """
        if self.ledger.read(key).entries[-1].action != "open":
            raise UsageError("The holdout is sealed.", "Open it first; it answers no more then.")
        return tuple(self.public.classes[k] for k in _unpacked(self._secret(key)["labels"]))

    def _secret(self, key: Key) -> Mapping[str, Any]:
        if key.id != self._key_id:
            raise UsageError(f"{self.folder} was sealed with another key.", "Give that one.")
        data: Mapping[str, Any] = key.decrypt(self._token, f"{self.ledger.place}/{_SEALED}")
        return data

    def _check_seal(self, read: Read) -> None:
        first = read.entries[0] if read.entries else None
        sealed = sha256_file(self.folder / _SEALED)
        if first is None or first.action != "seal" or first.revealed.get("holdout") != sealed:
            raise DataError(
                f"{self.ledger.place}/{_SEALED} is not what the first entry says was sealed.",
                "Restore it from a copy.",
            )

    def _check_sealed(self, read: Read) -> None:
        if read.entries[-1].action == "open":
            raise ConflictError(
                f"{self.public.name} was opened on {read.entries[-1].at}; it answers no more.",
                "Collect a fresh test set.",
            )

    def _check_budget(self, read: Read, who: str) -> None:
        self._check_sealed(read)
        if _looks(read) >= self.rules.looks:
            raise ConflictError(
                f"All {self.rules.looks:,} looks at {self.public.name} are used.",
                "Open it, or collect a fresh test set.",
            )
        if self.rules.each and _looks(read, who) >= self.rules.each:
            raise ConflictError(f"{who} has used all {self.rules.each:,} looks.", "")

    def _policy(self, key: Key, read: Read, secret: Mapping[str, Any], who: str) -> Policy:
        for entry in reversed(read.entries):
            if entry.action == "evaluate" and (entry.who == who or not self.rules.apart):
                return policy_from_dict(key.decrypt(entry.secret, "ledger")["policy"])
        return self.rules.policy.make(int(secret["seed"]))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / _LOCK, timeout=_PATIENCE):
            yield
    except Timeout as error:
        raise ConflictError(
            f"{folder.resolve().name}: another process has been at work for a minute.",
            "Run the command again. No look was used.",
        ) from error


def _looks(read: Read, who: str = "") -> int:
    """Evaluations so far, of one person or of all."""
    return sum(e.action == "evaluate" and who in {"", e.who} for e in read.entries)


def _packed(codes: npt.NDArray[np.int64]) -> str:
    """Pack class numbers in four bytes each, so that the length does not depend on them."""
    return base64.b64encode(codes.astype("<i4").tobytes()).decode("ascii")


def _unpacked(text: str) -> npt.NDArray[np.int64]:
    return np.frombuffer(base64.b64decode(text), dtype="<i4").astype(np.int64)
