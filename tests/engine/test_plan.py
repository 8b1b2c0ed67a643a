from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fakes.testbed import CLASSES

from freshset.core.errors import UsageError
from freshset.core.identity import CellSpec
from freshset.engine.pairing import pair
from freshset.engine.plan import PlannedCell, make_plan
from freshset.engine.wanted import Wanted
from freshset.store.parquet import ParquetStore

Make = Callable[..., Wanted]


def test_the_plan_names_the_identity_that_the_cell_will_have(
    wanted: Make, store: ParquetStore
) -> None:
    study = wanted("a?seed=1")
    plan = make_plan(study, store)
    for cell in plan.cells:
        reader = plan.readers[cell.testset]
        ref = study.testsets[0]
        spec = pair(cell.model, plan.infos[cell.model], reader, "fp32", ref).spec
        assert cell.identity == spec.identity
        assert CellSpec.from_dict(spec.to_dict()).identity == spec.identity
    assert plan.count() == {"missing": 2}
    assert plan.downloads == {}


def test_runtime_knobs_change_no_identity_and_precision_does(
    wanted: Make, store: ParquetStore
) -> None:
    first = make_plan(wanted("a"), store).cells
    knobs = {"batch_size": 7, "workers": 3, "threads": 1, "device": "cuda", "memory": 5, "topk": 2}
    assert make_plan(wanted("a", **knobs), store).cells == first
    assert make_plan(wanted("a", save="scores", models_at_once=1), store).cells == first
    other = make_plan(wanted("a", precision="bf16"), store).cells
    assert {c.identity for c in other}.isdisjoint({c.identity for c in first})


def test_all_test_sets_that_cannot_be_opened_are_named_at_once(
    wanted: Make, store: ParquetStore
) -> None:
    sets = {"mine/a": {"n": 0}, "mine/b": {}, "mine/c": {"n": 0}}
    with pytest.raises(UsageError, match=r"2 test sets .*\n  - mine/a: no items.*\n  - mine/c"):
        make_plan(wanted("a", testsets=sets), store)


def test_a_permutation_is_found_and_a_restriction_is_not_guessed(
    wanted: Make, store: ParquetStore
) -> None:
    plan = make_plan(wanted("a?classes=edcba", "b?classes=abcdefgh&outputs=8"), store)
    states = {(cell.model, cell.testset): cell.state for cell in plan.cells}
    assert states["fake:a?classes=edcba", "mine/old"] == "missing"
    failure = plan.failures["fake:b?classes=abcdefgh&outputs=8", "mine/old"]
    assert "restrict" in failure.hint
    assert len(CLASSES) == 5


def test_shards_are_stable_and_disjoint() -> None:
    cells = [PlannedCell(f"m{i}", "t", "missing") for i in range(300)]
    parts = [[c for c in cells if c.in_shard((part, 3))] for part in (1, 2, 3)]
    assert sorted(c for part in parts for c in part) == sorted(cells)
    assert all(70 < len(part) < 130 for part in parts)
    # Pinned: machines with different versions of freshset must agree.
    assert [c.model for c in parts[0][:4]] == ["m1", "m8", "m9", "m10"]


def test_one_name_twice_is_refused(wanted: Make) -> None:
    with pytest.raises(UsageError, match="model 'fake:a' occurs twice"):
        wanted("a", "a")


def test_labels_that_change_make_a_cell_stale(wanted: Make, store: ParquetStore) -> None:
    from freshset.engine.backends.local import LocalBackend
    from freshset.engine.run import run_plan

    study = wanted("a", testsets={"mine/old": {"n": 20}})
    run_plan(make_plan(study, store), store, LocalBackend(study.settings))
    other = wanted("a", testsets={"mine/old": {"n": 21}})
    assert make_plan(other, store).count() == {"stale": 1}
    assert np.unique([c.state for c in make_plan(study, store).cells]).tolist() == ["done"]
