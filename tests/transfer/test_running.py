from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from fakes.small_transfer import make_dataset, make_study, numbers

from freshset.core.errors import DataError, UsageError
from freshset.engine.progress import SilentWork
from freshset.models.training.recipe import Execution
from freshset.store.parquet import ParquetStore
from freshset.transfer.cells.cell import Cell
from freshset.transfer.cells.probing import ProbeItem
from freshset.transfer.costs import transfer_cost
from freshset.transfer.gathering import results_of
from freshset.transfer.running import (
    TransferPlan,
    TransferRun,
    context_of,
    make_transfer_plan,
    run_transfer,
)
from freshset.transfer.study import NOTHING, TransferStudy, load_transfer

pytestmark = pytest.mark.xdist_group("transfer")  # one process makes the finished study
pytest.importorskip("torch")
pytest.importorskip("safetensors")


def test_running_again_makes_nothing(done: TransferPlan) -> None:
    again = run_transfer(make_transfer_plan(done.study))
    assert again.complete
    assert again.features.made == []
    assert again.works.made == []
    assert ParquetStore(done.store).cells() == ()  # it is a store for evaluations too


def part_of(done: TransferPlan) -> TransferStudy:
    """Some of the finished study."""
    return replace(
        done.study,
        regimes=("features", "finetune"),
        datasets=done.study.datasets[1:],
        convergence=NOTHING,
        subsets=NOTHING,
        embeddings=NOTHING,
    )


def test_shards_make_all_and_the_same(done: TransferPlan, tmp_path: Path) -> None:
    study, there = part_of(done), numbers(done)
    made = 0
    for part in (1, 2):
        plan = make_transfer_plan(study, {"shard": (part, 2)}, store=tmp_path)
        result = run_transfer(plan)
        assert result.complete
        assert result.works.made
        made += len(result.works.made)
    assert made == len(plan.listed.items)
    assert numbers(plan).items() <= there.items()


_RUN = """
import sys
from freshset.transfer.running import make_transfer_plan, run_transfer
from freshset.transfer.study import NOTHING, TransferStudy, load_transfer
run_transfer(make_transfer_plan(load_transfer(sys.argv[1]), store=__import__("pathlib").Path(sys.argv[2])))
"""


@contextmanager
def started(study: Path, store: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", _RUN, str(study), str(store)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_run_goes_on_and_comes_to_the_same(study_file: Path, tmp_path: Path) -> None:
    study, store = load_transfer(study_file), tmp_path / "killed"
    whole = make_transfer_plan(study)
    assert run_transfer(whole).complete
    with started(study_file, store) as process:
        deadline = time.monotonic() + 60
        # A checkpoint of a training run, after others are done.
        while not any((store / "works/partial").glob("*/*.safetensors")) or not any(
            (store / "works/trial").glob("*/work.json")
        ):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    plan = make_transfer_plan(study, store=store)
    states = transfer_cost(plan).states
    assert states["trial"]["done"] >= 1
    result = run_transfer(plan)
    assert result.complete
    assert len(result.works.made) < len(plan.listed.items)
    assert numbers(plan) == numbers(whole)
    assert not (store / "works/partial").exists()


@pytest.mark.xdist_group("ray")
def test_ray_comes_to_the_same(study_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    study = replace(load_transfer(study_file), regimes=("features", "finetune"))
    here = make_transfer_plan(study, store=tmp_path / "here")
    assert run_transfer(here).complete
    there = make_transfer_plan(study, {"backend": "ray", "actors": 1}, store=tmp_path / "there")
    assert run_transfer(there).complete
    assert numbers(there) == numbers(here)


def kinds(result: TransferRun) -> list[str]:
    return sorted({item.spec.kind for item in result.works.made})


def test_single_stages(study_file: Path) -> None:
    plan = make_transfer_plan(load_transfer(study_file))
    result = run_transfer(plan, stage="features", features_only=True)
    assert (len(result.features.made), kinds(result)) == (3, [])
    result = run_transfer(plan, stage="features")
    assert (result.features.made, kinds(result)) == ([], ["probe", "transferability"])
    result = run_transfer(plan, stage="scratch")
    assert (result.features.made, kinds(result)) == ([], ["final", "trial"])
    assert {item.cell.regime for item in result.works.made} == {"scratch"}
    assert [item.cell.regime for item in plan.items("finetune")] == ["finetune"] * 3


def test_a_model_that_fails_stops_no_other(study_file: Path) -> None:
    models = ["py:nets.py:wide", "py:nets.py:nothing"]
    plan = make_transfer_plan(load_transfer(make_study(study_file.parent, models=models)))
    result = run_transfer(plan, stage="features")
    assert not result.complete
    assert result.failures == []
    assert {cell.model for cell in result.impossible} == {"py:nets.py:nothing"}
    assert {item.cell.model for item in result.works.made} == {"py:nets.py:wide"}


def test_diverging_trials_are_results_and_never_chosen(study_file: Path) -> None:
    training = {"steps": 4, "batch": 8, "rates": [0.05, 1e30], "decays": [0.0]}
    protocol = {"budget": "lite", "finetune": training}
    path = make_study(study_file.parent, protocol=protocol, models=["py:nets.py:wide"])
    plan = make_transfer_plan(load_transfer(path))
    assert run_transfer(plan, stage="finetune").complete
    for item in plan.items("finetune"):
        work = plan.works.get(item.spec)
        assert work is not None
        if item.spec.kind == "final":
            assert work.document["chosen"]["rate"] == 0.05
        elif "1e+30" in item.title:
            assert work.document["score"] is None
            assert work.document["trained"]["diverged"] > 0
    training["rates"] = [1e29, 1e30]
    plan = make_transfer_plan(
        load_transfer(make_study(path.parent, protocol=protocol, models=["py:nets.py:wide"]))
    )
    result = run_transfer(plan, stage="finetune")
    assert not result.complete
    assert {failure.error for failure in result.failures} == {"All 2 trials diverged."}


def test_what_is_wrong_with_data_sets_is_said_at_once(tmp_path: Path) -> None:
    path = make_study(tmp_path)
    study = load_transfer(path)
    wrong = tuple(
        replace(dataset, expected={"test": 31, "classes": 3}) for dataset in study.datasets
    )
    with pytest.raises(UsageError, match="2 data sets cannot be used") as info:
        make_transfer_plan(replace(study, datasets=wrong))
    assert str(info.value).count("31") == 2
    with pytest.raises(DataError):
        make_transfer_plan(replace(study, datasets=wrong[:1]))
    with pytest.raises(UsageError, match="no limit of items"):
        make_transfer_plan(study, {"limit": 5})


def test_where_readers_run(done: TransferPlan) -> None:
    def of(**settings: Any) -> Execution:
        return context_of(make_transfer_plan(done.study, settings)).execution

    assert of(workers=-1).workers == -1  # each run decides, by its data
    assert of(workers=-1, backend="ray").workers == 0
    assert of(workers=2, backend="ray", memory=5).workers == 2
    assert of(memory=5).memory == 5
    assert of().checkpoint_every == 2


def test_official_validation_sets_have_no_seeds(tmp_path: Path) -> None:
    path = make_study(tmp_path, seeds=2)
    make_dataset(tmp_path / "other", strength=60, seed=5, n=3)
    (tmp_path / "other" / "train").rename(tmp_path / "bright" / "val")
    plan = make_transfer_plan(load_transfer(path))
    assert plan.datasets["bright", 0] is plan.datasets["bright", 1]
    probes = [i for i in plan.listed.items if i.spec.kind == "probe"]
    assert len({i.spec.identity for i in probes if i.cell.dataset == "bright"}) == 2
    assert len({i.spec.identity for i in probes if i.cell.dataset == "dim"}) == 4


def test_progress_tells_of_everything(study_file: Path) -> None:
    class Seen(SilentWork):
        def __init__(self) -> None:
            self.images = 0
            self.made_titles: list[str] = []

        def advance(self, images: int) -> None:
            self.images += images

        def made(self, title: str, images: int) -> None:
            self.images += images
            self.made_titles.append(title)

    plan = make_transfer_plan(load_transfer(study_file))
    seen = Seen()
    run_transfer(plan, progress=seen)
    assert seen.images == 24 + 24 + 30 + 6 * 48
    assert len(seen.made_titles) == 3 + len(plan.listed.items)


def test_features_that_users_bring_are_probed_without_a_network(
    done: TransferPlan, tmp_path: Path
) -> None:
    path = make_study(tmp_path)
    files = {}
    item = done.listed.cells[Cell("wide", "dim", "features", 0)]
    assert isinstance(item, ProbeItem)
    for part in ("train", "test"):
        work = done.works.get(getattr(item.features, part))
        assert work is not None
        files[part] = f"{part}.npy"
        np.save(tmp_path / files[part], work.array("features"))
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    del text["models"]
    text["features"] = [{"model": "brought", "dataset": "dim", **files}]
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    plan = make_transfer_plan(load_transfer(path))
    assert transfer_cost(plan).states["features"] == {"missing": 2}
    assert run_transfer(plan).complete
    (ours,) = results_of(plan).results
    (theirs,) = [
        one
        for one in results_of(done).results
        if (one.model, one.dataset, one.regime) == ("wide", "dim", "features")
    ]
    assert (ours.score, ours.chosen) == (theirs.score, theirs.chosen)
    np.testing.assert_array_equal(ours.predictions, theirs.predictions)
    scores = results_of(plan).scores["brought", "dim"]
    assert "leep" not in scores  # nobody knows what the network said
    assert scores["logme"] == pytest.approx(results_of(done).scores["wide", "dim"]["logme"])
