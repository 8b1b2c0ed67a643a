from __future__ import annotations

from dataclasses import fields, replace

import pytest

from freshset.core import identity
from freshset.core.identity import CellSpec, RunSpec, model_part, run_identity

SPEC = CellSpec("m", "mine/test", "f" * 64, "c" * 64)

# Every field of a cell is in one of these lists: what its identity depends on, and what it does not.
CHANGES_NUMBERS = {"model", "testset", "fingerprint", "content", "repair", "run"}
CHANGES_A_RUN = {
    "adapter",
    "reference",
    "weights",
    "preprocessing",
    "outputs",
    "classes",
    "precision",
    "reading",
    "mapping",
}


def test_every_field_is_classified() -> None:
    assert {f.name for f in fields(CellSpec)} == CHANGES_NUMBERS


RUN = RunSpec("a/1", "a:m", "w", "p", "logits", "c", "fp32", "r", "")


@pytest.mark.parametrize("name", sorted(CHANGES_A_RUN))
def test_identity_of_a_run_depends_on(name: str) -> None:
    assert {f.name for f in fields(RunSpec)} == CHANGES_A_RUN
    spec = replace(SPEC, content="", run=RUN)
    assert replace(spec, run=replace(RUN, **{name: "other"})).identity != spec.identity
    assert CellSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize("name", sorted(CHANGES_NUMBERS - {"run"}))
def test_identity_depends_on(name: str) -> None:
    assert replace(SPEC, **{name: "other"}).identity != SPEC.identity


def test_identity_is_pinned() -> None:
    # A change of this value makes every stored cell stale: raise IDENTITY_VERSION and say so.
    assert SPEC.identity.startswith("69b30c062a4adbbd"), SPEC.identity


def test_the_parts_of_a_plan_give_the_identity_of_the_cell() -> None:
    spec = replace(SPEC, content="", run=RUN)
    items = identity.testset_part(spec.testset, spec.fingerprint, RUN.reading)
    assert run_identity(model_part("m", RUN), items, RUN.mapping) == spec.identity
