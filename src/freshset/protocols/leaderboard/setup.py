"""What a leaderboard is: its rules, its two random halves, and the folder that is made of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.core.files import pretty_json, read_json, sha256_file, write_atomic
from freshset.protocols.leaderboard.limits import Limits
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.cipher import Key
from freshset.protocols.sealed.holdout import Holdout
from freshset.protocols.sealed.rules import Rules
from freshset.protocols.sealed.submission import Labels, Public
from freshset.stats.types import BoolArray

SCHEMA = "freshset.board/1"
BOARD, PUBLIC, PRIVATE, PREDICTIONS = "board.json", "public", "private", "predictions"

_SMALLEST = 4


@dataclass(frozen=True, slots=True)
class BoardRules:
    """How a leaderboard works.

    Attributes
    ----------
    policy
        What the public part answers.
    limits
        How often, and until when.
    seed
        Of the split into halves; it is no secret.
    """

    policy: PolicySpec
    limits: Limits
    seed: int = 0

    def check(self) -> None:
        """Raise `UsageError` unless they can be meant."""
        self.limits.check()
        if self.seed < 0:
            raise UsageError("The seed of the split is not negative.", "Such as 0.")
        self._holdout().check()

    def _holdout(self) -> Rules:
        apart = self.policy.kind != "thresholdout"  # its budget is everybody's
        return Rules(self.policy, self.limits.looks, self.limits.each, apart=apart)

    def of_public(self) -> Rules:
        """Rules of the public part."""
        return self._holdout()

    def of_private(self) -> Rules:
        """Rules of the private part: one exact look for each entrant."""
        return Rules(PolicySpec("exact"), self.limits.looks, each=1)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "policy": self.policy.to_dict(), "limits": self.limits.to_dict(), "seed": self.seed,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BoardRules:
        """Read what `to_dict` wrote."""
        limits = Limits.from_dict(data["limits"])
        return cls(PolicySpec.from_dict(data["policy"]), limits, int(data["seed"]))


@dataclass(frozen=True, slots=True)
class Setup:
    """A leaderboard as it was made.

    Attributes
    ----------
    public
        What everybody may know of the whole test set.
    rules
        How it works.
    is_public
        Which examples are in the public part, shape (examples,).
    """

    public: Public
    rules: BoardRules
    is_public: BoolArray

    def to_dict(self) -> dict[str, Any]:
        """Return the document ``board.json``."""
        items = np.flatnonzero(self.is_public).tolist()
        return {
            "schema": SCHEMA, **self.public.to_dict(), "rules": self.rules.to_dict(),
            "public_items": items,
        }  # fmt: skip


def halves(n: int, seed: int) -> BoolArray:
    """Draw the public half of so many examples, shape (n,); the private one has one more if odd."""
    mask = np.zeros(n, dtype=bool)
    mask[np.random.default_rng(seed).permutation(n)[: n // 2]] = True
    return mask


def make_board(folder: Path, key: Key, labels: Labels, rules: BoardRules, *, who: str) -> None:
    """Seal labels into a new leaderboard; a folder of that name is there only when all is done.

    Raises
    ------
    UsageError
        When the folder is there already, or the rules cannot be meant.
    DataError
        For fewer than four examples.
    """
    rules.check()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", "Give a new folder.")
    if labels.public.n < _SMALLEST:
        raise DataError(
            f"{labels.public.n} examples are too few for two parts.", "Give four or more."
        )
    setup = Setup(labels.public, rules, halves(labels.public.n, rules.seed))
    place = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(place, ignore_errors=True)  # what a stopped try left
    place.mkdir(parents=True)
    write_atomic(place / BOARD, pretty_json(setup.to_dict()))
    for part, mask, how in (
        (PUBLIC, setup.is_public, rules.of_public()),
        (PRIVATE, ~setup.is_public, rules.of_private()),
    ):
        holdout = Holdout.seal(place / part, key, _part(labels, mask, part), how, who=who)
        sealed = {"board": sha256_file(place / BOARD)}
        holdout.record(key, who=who, action="board", revealed=sealed)
    if folder.exists():
        folder.rmdir()
    place.replace(folder)


def read_setup(folder: Path) -> Setup:
    """Read ``board.json``.

    Raises
    ------
    StoreError
        When there is none, it is damaged, or of another version.
    """
    path = folder / BOARD
    if not path.exists():
        raise StoreError(f"{folder}: no leaderboard.", "freshset protocol board create makes one.")
    data = read_json(path)
    try:
        public, rules = Public.from_dict(data), BoardRules.from_dict(data["rules"])
        mask = np.zeros(public.n, dtype=bool)
        mask[np.array(data["public_items"], dtype=np.int64)] = True
        known = data["schema"] == SCHEMA
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise StoreError(f"{path} is damaged.", "Restore it from a copy.") from error
    if not known:
        raise StoreError(f"{path}: {data['schema']} is not {SCHEMA}.", "Update freshset.")
    return Setup(public, rules, mask)


def _part(labels: Labels, mask: BoolArray, part: str) -> Labels:
    """Labels of a part, with the classes of the whole, which a part may lack."""
    whole, rows = labels.public, np.flatnonzero(mask)
    ids = tuple(whole.ids[k] for k in rows) if whole.ids else ()
    public = replace(whole, name=f"{whole.name} ({part} part)", n=len(rows), ids=ids)
    return Labels(public, tuple(labels.names[k] for k in rows))
