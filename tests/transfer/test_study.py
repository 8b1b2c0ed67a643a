from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.small_transfer import make_study

from freshset.core.errors import DataError, UsageError
from freshset.models.training.recipe import Augmentation, Execution
from freshset.transfer.protocol import Protocol
from freshset.transfer.results import SourceModel
from freshset.transfer.study import NOTHING, Extra, OwnFiles, Source, load_transfer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study")
    make_study(path)
    return path


def read(folder: Path, text: str) -> str:
    """What is wrong with a study file."""
    path = folder / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as info:
        load_transfer(path)
    return str(info.value)


def test_all_of_a_study(folder: Path) -> None:
    study = load_transfer(
        make_study(
            folder,
            seeds=[0, 3],
            source={"name": "ImageNet", "testset": "imagenet-val"},
            convergence={"datasets": ["b*"], "lengths": [4, 2]},
            subsets={"models": ["wide"], "sizes": [6], "draws": 2},
            embeddings={"images": 7},
            report="report",
        )
    )
    assert (study.title, study.store) == ("Small", folder / "store")
    assert study.source == Source("ImageNet", "imagenet/val")
    assert [model.title for model in study.models] == ["narrow", "wide"]
    assert [(k.family, k.accuracy, k.n) for k in study.known] == [("n", 0.6, 0), ("", 0.7, 100)]
    assert [(d.id, d.metric) for d in study.datasets] == [
        ("bright", "top1"), ("dim", "mean-per-class"),
    ]  # fmt: skip
    assert study.regimes == ("features", "finetune", "scratch")
    assert study.seeds == (0, 3)
    assert study.protocol.finetune.rates == (0.05, 0.2)
    assert study.protocol.finetune.augmentation == Augmentation(scale=(0.5, 1), flip=0)
    assert study.protocol.finetune.momentum == Protocol.of("lite").finetune.momentum
    assert study.training == Execution(checkpoint_every=2)
    assert study.convergence == Extra(("narrow", "wide"), ("bright",), (2, 4))
    assert study.subsets == Extra(("wide",), ("bright", "dim"), (6,), 2)
    assert study.embeddings == Extra(("narrow", "wide"), ("bright", "dim"), (7,))
    assert study.report == folder / "report"
    assert study.simulated
    assert study.wanted({"batch_size": 3}).settings.batch_size == 3
    assert study.wanted().runtime.root == str(folder)


def test_what_is_left_out(folder: Path) -> None:
    path = folder / "short.yaml"
    path.write_text("models: ['py:nets.py:wide']\ndatasets: [bright]\n", encoding="utf-8")
    study = load_transfer(path)
    assert study.title == "short"
    assert study.protocol == Protocol.of("lite")
    assert study.seeds == (0,)
    assert study.source == Source()
    assert study.subsets == NOTHING
    assert not study.subsets.has("py:nets.py:wide", "bright")
    assert not study.simulated


def test_all_problems_at_once_with_their_lines(folder: Path) -> None:
    said = read(
        folder,
        """\
models: [{model: 'py:nets.py:wide', famly: x}]
datasets: [{path: nowhere}, {path: bright}]
seeds: [1, 1]
regimes: []
protocol:
  budget: lite
  finetune: {rates: [0], steps: 3}
  scratch: {decays: []}
  probe: {penalties: [-1]}
  splitting: {share: 1.5}
  subsets: {batch: 0}
  features: {poolin: mean}
training: {checkpoint_every: -1}
run: {batchsize: 3}
subsets: {sizes: [0], models: [narow]}
convergence: {lengths: [3], datasets: [dark]}
""",
    )
    for expected in (
        "line 1, models[0].famly: Unknown key 'famly'",
        "line 2, datasets[0]: There is no folder",
        "line 3, seeds: Seeds cannot be [1, 1].",
        "line 4, regimes: No regimes.",
        "line 7, protocol.finetune: A rate is 0.0.",
        "line 8, protocol.scratch: A grid has at least one rate and one decay.",
        "line 9, protocol.probe: Penalties must be positive",
        "line 10, protocol.splitting: The share of the validation set is 1.5.",
        "line 11, protocol.subsets: Steps, epochs and batch are at least 1",
        "line 12, protocol.features.poolin: Unknown key 'poolin'",
        "line 13, training.checkpoint_every: checkpoint_every is -1.",
        "line 14, run.batchsize: Unknown key 'batchsize'",
        "line 15, subsets: 0 is among the numbers.",
        "line 16, convergence.datasets: 'dark' matches nothing",
    ):
        assert expected in said


@pytest.mark.parametrize("seeds", ["0", "-1", "[]", "x", "[-1]", "true", "[1.5]"])
def test_seeds_that_cannot_be(folder: Path, seeds: str) -> None:
    text = f"models: ['py:nets.py:wide']\ndatasets: [bright]\nseeds: {seeds}\n"
    assert "Seeds cannot be" in read(folder, text)


def test_features_that_users_bring(folder: Path) -> None:
    np.save(folder / "mine.npy", np.zeros((24, 3), dtype=np.float32))
    text = """\
features:
  - {model: mine, dataset: bright, train: mine.npy, test: test.npy, family: f, accuracy: 0.8, n: 9}
datasets: [bright]
"""
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    np.save(folder / "test.npy", np.zeros((30, 3), dtype=np.float32))
    study = load_transfer(path)
    assert study.models == ()
    assert study.known == (SourceModel("mine", "f", 0.8, 9),)
    mine = folder / "mine.npy"
    assert study.own == {("mine", "bright"): OwnFiles(mine, mine, folder / "test.npy")}
    said = read(
        folder,
        """\
models: ['py:nets.py:wide']
datasets: [bright]
features:
  - {model: 'py:nets.py:wide', dataset: bright, train: mine.npy}
  - {model: mine, dataset: dark, train: nothing.npy}
scores: [leap]
""",
    )
    assert "line 4, features[0].model: 'py:nets.py:wide' is there already." in said
    assert "line 5, features[1].dataset: 'dark' is not among the data sets" in said
    assert "There is no file" in said
    assert "line 6, scores[0]: 'leap'" in said


def test_nothing_to_do(folder: Path) -> None:
    assert "The file is empty" in read(folder, "")
    assert "No data sets." in read(folder, "models: ['py:nets.py:wide']\n")
    assert "No models." in read(folder, "datasets: [bright]\n")
    with pytest.raises(DataError, match="cannot be read"):
        load_transfer(folder / "none.yaml")
