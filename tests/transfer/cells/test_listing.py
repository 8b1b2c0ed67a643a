from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from fakes.image_samples import encoded
from fakes.small_transfer import make_study
from PIL import Image

from freshset.core.config import RunSettings
from freshset.models.base import OUTPUTS
from freshset.models.training.recipe import Execution
from freshset.transfer.cells.cell import Cell
from freshset.transfer.cells.listing import cells_of
from freshset.transfer.cells.training import Final, Trial
from freshset.transfer.protocol import Features, ProbeProtocol, Protocol, Splitting, Training
from freshset.transfer.running import TransferPlan, make_transfer_plan
from freshset.transfer.study import TransferStudy, load_transfer

# What each part of a study can change: identities of features (f), probes (p), trials (t), finals (r).
CHANGES: dict[type, dict[str, tuple[Any, str]]] = {
    Splitting: {
        "official": (False, ""),  # the data here have no official validation set
        "share": (0.4, "ptr"),
        "stratified": (False, "ptr"),
    },
    Features: {
        "layer": ("body.0", "fp"),
        "pooling": ("first", ""),  # the penultimate layer is pooled by the network itself
        "view": ("weights", ""),  # which for these networks is the whole image
        "storage": ("float16", "fp"),
    },
    ProbeProtocol: {
        "penalties": ((3.0,), "p"),
        "tolerance": (1e-3, "p"),
        "refit_tolerance": (1e-3, "p"),
        "refit": (False, "p"),
    },
    Training: {
        "steps": (7, "tr"),
        "batch": (5, "tr"),
        "rule": ("bit", "tr"),
        "rates": ((0.01, 0.02), "tr"),
        "decays": ((0.5,), "tr"),
        "momentum": (0.1, "tr"),
        "nesterov": (False, "tr"),
        "schedule": ("constant", "tr"),
        "warmup": (2, "tr"),
        "norm": ("own", "tr"),
        "augmentation": (Training().augmentation, "tr"),
        "view": ("weights", "tr"),
        "refit": (False, "r"),
        "precision": ("bf16", "tr"),
        "compile": (True, "tr"),
        "measure_every": (3, "r"),
        "stopping": ("none", ""),  # with a rule: the test below
    },
}
# Where and how something runs changes no identity, but for the precision of features.
RUN_HASHED = {"precision"}
RUN_NOT_HASHED = {
    "on_existing", "batch_size", "save", "topk", "limit", "shard", "device", "workers", "threads",
    "memory", "models_at_once", "offline", "trust", "backend", "address", "actors", "actor_cpus",
    "actor_gpus",
}  # fmt: skip
EXECUTION_NOT_HASHED = {"checkpoint_every", "micro_batch", "workers", "memory", "channels_last"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> TransferStudy:
    return load_transfer(make_study(tmp_path_factory.mktemp("study")))


def identities(study: TransferStudy, **settings: Any) -> dict[str, set[str]]:
    listed = make_transfer_plan(study, settings).listed
    assert not listed.impossible
    found: dict[str, set[str]] = {
        "f": {
            one.wanted.spec.identity
            for one in listed.features
            if one.wanted.features.layer != OUTPUTS
        }
    }
    for letter, kind in (("p", "probe"), ("t", "trial"), ("r", "final")):
        found[letter] = {i.spec.identity for i in listed.items if i.spec.kind == kind}
    return found


def changed(before: dict[str, set[str]], after: dict[str, set[str]]) -> str:
    """Kinds of work of which nothing is the same."""
    return "".join(letter for letter in "fptr" if not before[letter] & after[letter])


@pytest.mark.parametrize("kind", CHANGES, ids=lambda kind: kind.__name__)
def test_every_field_of_the_protocol_is_hashed_where_it_changes_a_number(
    study: TransferStudy, kind: type
) -> None:
    assert {field.name for field in fields(kind)} == set(CHANGES[kind])
    before = identities(study)
    parts = {"Splitting": ["splitting"], "Features": ["features"], "ProbeProtocol": ["probe"]}
    for name, (value, expected) in CHANGES[kind].items():
        protocol = study.protocol
        for part in parts.get(kind.__name__, ["finetune", "scratch"]):
            protocol = replace(
                protocol, **{part: replace(getattr(protocol, part), **{name: value})}
            )
        after = identities(replace(study, protocol=protocol))
        assert changed(before, after) == expected, name


def test_a_rule_that_gives_trials_up_makes_other_trials(study: TransferStudy) -> None:
    pytest.importorskip("optuna")
    every = replace(study.protocol.finetune, measure_every=3)
    before = replace(study.protocol, finetune=every, scratch=every)
    stopped = replace(every, stopping="median")
    after = replace(before, finetune=stopped, scratch=stopped)
    plan = make_transfer_plan(replace(study, protocol=after))
    assert changed(
        identities(replace(study, protocol=before)), identities(replace(study, protocol=after))
    ) == ("tr")
    trials = [item for item in plan.listed.items if isinstance(item, Trial)]
    assert [len(trial.others) for trial in trials[:2]] == [0, 1]
    assert trials[1].others == (trials[0].spec,)
    assert {trial.recipe.measure_every for trial in trials} == {3}


def test_every_part_of_the_protocol_is_looked_at() -> None:
    kinds = {"budget", "splitting", "features", "probe", "finetune", "scratch", "subsets"}
    assert {field.name for field in fields(Protocol)} == kinds


def test_where_and_how_it_runs_changes_nothing(study: TransferStudy) -> None:
    assert {field.name for field in fields(RunSettings)} == RUN_HASHED | RUN_NOT_HASHED
    assert {field.name for field in fields(Execution)} == EXECUTION_NOT_HASHED
    before = identities(study)
    other = replace(study, training=Execution(1, 4, 1, 5, channels_last=False))
    assert identities(other, batch_size=3, workers=1, threads=2, models_at_once=1) == before
    assert changed(before, identities(study, precision="bf16")) == "fp"


def test_what_a_network_or_a_data_set_is_changes_its_work_only(
    study: TransferStudy, tmp_path: Path
) -> None:
    def by_model(plan: TransferPlan) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for item in plan.listed.items:
            found.setdefault(item.cell.model, set()).add(item.spec.identity)
        return found

    before = make_transfer_plan(study)
    path = make_study(tmp_path)
    nets = tmp_path / "nets.py"
    nets.write_text(nets.read_text() + "\n# changed\n", encoding="utf-8")
    after = make_transfer_plan(load_transfer(path))
    # The code says which network it is, also where its weights are not read.
    assert not by_model(before)["wide"] & by_model(after)["wide"]
    image = next((tmp_path / "dim" / "test").glob("*/*.png"))
    image.write_bytes(encoded(Image.new("RGB", (9, 9)), "PNG"))
    again = make_transfer_plan(load_transfer(path))
    same = {i.spec.identity for i in after.listed.items} & {
        i.spec.identity for i in again.listed.items
    }
    kinds = {
        (i.cell.dataset, i.spec.kind) for i in again.listed.items if i.spec.identity not in same
    }
    assert kinds == {("dim", "probe"), ("dim", "final")}


def test_a_cell_is_trials_and_a_final_run_that_needs_them(study: TransferStudy) -> None:
    listed = make_transfer_plan(study).listed
    cell = Cell("wide", "dim", "scratch", 0)
    final = listed.cells[cell]
    assert isinstance(final, Final)
    trials = [i for i in listed.items if isinstance(i, Trial) and i.cell == cell]
    assert [(t.recipe.rate, t.recipe.start) for t in trials] == [(0.05, "random"), (0.2, "random")]
    assert final.needs == tuple(trial.spec for trial in trials)
    assert {item.shard for item in (*trials, final)} == {cell.shard}
    assert [item.images for item in (*trials, final)] == [48] * 3
    one = replace(study.protocol.scratch, rates=(0.1,))
    alone = make_transfer_plan(replace(study, protocol=replace(study.protocol, scratch=one))).listed
    final = alone.cells[cell]
    assert isinstance(final, Final)
    assert final.trials == ()  # one pair needs no choice
    assert final.only.rate == 0.1


def test_cells_in_their_order(tmp_path: Path) -> None:
    study = load_transfer(
        make_study(
            tmp_path,
            seeds=[4, 5],
            regimes=["features", "finetune"],
            convergence={"lengths": [3], "models": ["wide"], "datasets": ["dim"]},
            subsets={"sizes": [6], "draws": 2, "models": ["wide"], "datasets": ["dim"]},
        )
    )
    found = list(cells_of(study))
    assert found[0] == Cell("narrow", "bright", "features", 4)
    assert len(found[:-5]) == 2 * 2 * 2 * 2
    assert found[-5:] == [
        Cell("wide", "dim", "finetune", 4, 3),
        Cell("wide", "dim", "features", 4, 0, (6, 0)),
        Cell("wide", "dim", "features", 4, 0, (6, 1)),
        Cell("wide", "dim", "finetune", 4, 0, (6, 0)),
        Cell("wide", "dim", "finetune", 4, 0, (6, 1)),
    ]


def reason_of(study: TransferStudy, pick: Callable[[Cell], bool]) -> str:
    listed = make_transfer_plan(study).listed
    reasons = {str(e) for cell, e in listed.impossible.items() if pick(cell)}
    return " ".join(reasons)


def test_cells_that_can_never_be_made(study: TransferStudy, tmp_path: Path) -> None:
    many = {"sizes": [50], "draws": 1, "models": ["wide"], "datasets": ["dim"]}
    large = load_transfer(make_study(tmp_path, subsets=many))
    assert "dim has only 19 training images" in reason_of(large, lambda c: c.subset[0] == 50)
    no_view = replace(study.protocol, features=replace(study.protocol.features, view="centre"))
    assert not make_transfer_plan(replace(study, protocol=no_view)).listed.impossible
    (tmp_path / "texts.py").write_text(
        "def f():\n    return lambda texts: texts\nf.input = 'text'\n"
    )
    texts = load_transfer(make_study(tmp_path, models=["py:texts.py:f"]))
    assert "does classification of text items" in reason_of(texts, lambda _: True)
