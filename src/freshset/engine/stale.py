"""Why a stored cell is not the one that is wanted: its inputs, compared field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

from freshset.core.errors import FreshsetError, StoreError
from freshset.core.identity import CellSpec, RunSpec
from freshset.engine.pairing import pair
from freshset.engine.plan import Plan
from freshset.store.base import Store
from freshset.store.testsets import check_same

_DIGEST = re.compile(r"\b[0-9a-f]{32,}\b")
_LONGEST = 100
# What users call the fields; those that are not here are called what they are.
_WORDS = {
    "classes": "classes of the model",
    "reading": "how items are read",
    "mapping": "class mapping",
}


class Reasons:
    """Compares stored cells with the cells of a plan; a test set is compared once.

    Parameters
    ----------
    plan
        What is wanted.
    store
        What is there.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan = plan
        self._store = store
        self._readers = {reader.testset.id: reader for reader in plan.readers.values()}
        self._refs = {plan.readers[ref.id].testset.id: ref for ref in plan.wanted.testsets}
        self._testsets: dict[str, str] = {}

    def stale(self, model: str, testset: str) -> str:
        """Why the stored cell of a model on a test set is not the wanted one, one sentence."""
        info, precision = self._plan.infos[model], self._plan.wanted.settings.precision
        reader, ref = self._readers[testset], self._refs[testset]
        cells = self._store.cells(testset, model)
        if not cells:
            return "it was removed meanwhile"
        stored, wanted = cells[0].spec, pair(model, info, reader, precision, ref).spec
        if info.download and stored.run is not None and stored.run.weights:
            return "the weights are not on this machine, so nothing says whether they are the same"
        return "; ".join(self._differences(stored, wanted)) or (
            "made by another version of freshset"
        )

    def _differences(self, stored: CellSpec, wanted: CellSpec) -> Iterator[str]:
        if stored.fingerprint != wanted.fingerprint:
            yield f"test set: {self._testset(wanted.testset)}"
        if stored.run is None or wanted.run is None:
            return
        for field in fields(RunSpec):
            before, now = getattr(stored.run, field.name), getattr(wanted.run, field.name)
            if before != now:
                name = _WORDS.get(field.name, field.name)
                yield f"{name}: {difference(before, now)}"

    def _testset(self, testset: str) -> str:
        if testset not in self._testsets:
            self._testsets[testset] = self._compared(testset)
        return self._testsets[testset]

    def _compared(self, testset: str) -> str:
        try:
            check_same(self._store.testset(testset), self._readers[testset].testset)
        except StoreError as error:
            return error.message
        except FreshsetError:
            pass  # it cannot be read, which is another command's business
        return "items, labels or classes changed"


def difference(before: str, now: str) -> str:
    """Say in a few words how two canonical texts differ.

    Texts of words separated by spaces, such as ``resize=256 crop=224``, are compared word by word;
    digests are cut to what tells them apart.
    """
    old, new = before.split(), now.split()
    gone = " ".join(word for word in old if word not in new)
    come = " ".join(word for word in new if word not in old)
    if not gone and not come:
        gone, come = before, now  # the same words in another order
    return f"{_short(gone)} -> {_short(come)}"


def _short(text: str) -> str:
    text = _DIGEST.sub(lambda match: f"{match[0][:8]}..", text) or "none"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
