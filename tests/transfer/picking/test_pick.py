"""Models are ranked within a time, by images that nothing learned from; the test set stays closed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.small_transfer import make_dataset, make_study

from freshset.core.errors import UsageError
from freshset.engine.wanted import WantedModel
from freshset.models.reference import ModelRef
from freshset.transfer.datasets.base import TransferDataset
from freshset.transfer.datasets.declaring import folder_dataset
from freshset.transfer.picking.clock import Clock
from freshset.transfer.picking.pick import PickSettings, pick

pytest.importorskip("torch")

RUN = {"device": "cpu", "threads": 1, "workers": 0, "batch_size": 16}


def blind(folder: Path) -> WantedModel:
    """A network whose features are the same for every image."""
    path = folder / "blind.py"
    path.write_text(
        "import nets\nfrom torch import nn\n"
        "class Blind(nets.Net):\n"
        "    def forward(self, x):\n"
        "        return super().forward(0 * x)\n"
        "def blind():\n    return Blind(4).eval()\n"
        "blind.preprocessing = nets.wide.preprocessing\n",
        encoding="utf-8",
    )
    return WantedModel(ModelRef.parse(f"py:{path}:blind"), "blind")


def network(folder: Path, name: str) -> WantedModel:
    return WantedModel(ModelRef.parse(f"py:{folder / 'nets.py'}:{name}"), name)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TransferDataset:
    make_study(tmp_path)  # for its networks
    monkeypatch.syspath_prepend(tmp_path)
    folder = make_dataset(tmp_path / "scenes", strength=120, seed=3, n=30, test=4)
    for path in (folder / "test").rglob("*.png"):
        path.write_bytes(b"no image, and not to be opened")
    return folder_dataset(folder)


def ticking(steps: list[float]) -> Iterator[float]:
    """Times that a clock shows, one after the other; the last one stays."""
    yield from steps
    while True:
        yield steps[-1]


def test_ranks_models_and_says_who_ties(data: TransferDataset, tmp_path: Path) -> None:
    models = [blind(tmp_path), network(tmp_path, "narrow"), network(tmp_path, "wide")]
    found = pick(data, models, tmp_path / "store", run=RUN)
    assert found.untried == ()
    assert {one.model for one in found.candidates} == {"blind", "narrow", "wide"}
    last = found.candidates[-1]
    assert (last.model, last.group) == ("blind", 2)
    assert last.accuracy == pytest.approx(1 / 3)
    assert [one.group for one in found.candidates[:2]] == [1, 1]
    for one in found.candidates:
        assert one.low < one.accuracy <= one.high
        assert one.milliseconds > 0
        assert one.scores.keys() == {"logme", "h-score", "nleep"}
    assert (found.n_train, found.n_judged, found.n_classes) == (72, 18, 3)
    assert found.advice.startswith("These images cannot tell the first 2 models apart.")
    assert found.notes == (
        "Judged by 20% of the training images, drawn with seed 0; no test image was opened.",
    )
    assert json.loads(json.dumps(found.to_dict()))["schema"] == "freshset.transfer-pick/1"


def test_prices_fine_tuning_of_the_first(data: TransferDataset, tmp_path: Path) -> None:
    models = [network(tmp_path, "narrow"), network(tmp_path, "wide")]
    found = pick(data, models, tmp_path / "store", PickSettings(top=1), run=RUN)
    first, second = found.candidates
    assert second.finetuning == {}
    # 500 steps of 512 images once; 20 trials and the final run of 5,000 steps of 64 images.
    seconds = 3 * first.milliseconds / 1000
    assert first.finetuning["hyperrule"] == pytest.approx(500 * 512 * seconds)
    assert first.finetuning["lite"] == pytest.approx(21 * 5_000 * 64 * seconds)


def test_an_own_validation_set_judges(data: TransferDataset, tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "with", strength=120, seed=4, n=12, test=5)
    (folder / "test").rename(folder / "val")
    found = pick(folder_dataset(folder), [network(tmp_path, "wide")], tmp_path / "s", run=RUN)
    assert (found.n_train, found.n_judged) == (36, 15)
    assert found.notes[-1] == "Judged by the validation images; no test image was opened."
    assert found.advice == "wide is the only model that was tried."


def test_a_model_that_does_not_fit_is_named(data: TransferDataset, tmp_path: Path) -> None:
    models = [network(tmp_path, "narrow"), network(tmp_path, "wide")]
    # From 0 s; half a second for the first, which takes longer than anybody thought.
    clock = Clock(100, now=ticking([0, 0, 1, 150]).__next__)
    found = pick(data, models, tmp_path / "store", run=RUN, clock=clock)
    assert [one.model for one in found.candidates] == ["narrow"]
    assert [(one.model, one.reason) for one in found.untried] == [("wide", "No time was left.")]
    # What is there takes no time, and what is not is not begun in no time.
    again = pick(data, models, tmp_path / "store", PickSettings(seconds=1e-6), run=RUN)
    assert again.candidates == found.candidates
    tiny = Clock(1e-3, now=ticking([0, 0]).__next__)
    late = pick(data, models[1:], tmp_path / "store", run=RUN, clock=tiny)
    assert "Would take about" in late.untried[0].reason
    assert late.advice == "No model was tried to the end."


def test_models_that_cannot_be_tried_stop_no_others(data: TransferDataset, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text(
        "import nets, torch\n"
        "class Broken(nets.Net):\n"
        "    def forward(self, x):\n"
        "        raise RuntimeError('a wire is loose')\n"
        "def broken():\n    return Broken(4).eval()\n"
        "broken.preprocessing = nets.wide.preprocessing\n",
        encoding="utf-8",
    )
    models = [
        WantedModel(ModelRef.parse(f"py:{path}:broken"), "broken"),
        WantedModel(ModelRef.parse(f"py:{tmp_path / 'nets.py'}:nobody"), "nobody"),
        network(tmp_path, "wide"),
    ]
    found = pick(data, models, tmp_path / "store", run=RUN)
    assert [one.model for one in found.candidates] == ["wide"]
    reasons = {one.model: one.reason for one in found.untried}
    assert "a wire is loose" in reasons["broken"]
    assert "nobody" in reasons["nobody"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"seconds": 0}, "budget"), ({"top": -1}, "top"), ({"share": 1}, "share")],
)
def test_refuses_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        PickSettings(**settings)


def test_refuses_no_models(data: TransferDataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No models"):
        pick(data, [], tmp_path)
