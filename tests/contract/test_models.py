"""Every model adapter keeps the contract, with a small model in its real format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from models.digits_net import shared_digits_net
from models.torch_checkpoints import SUBJECTS, shared_checkpoints
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB

from freshset.core.contract import Check
from freshset.models.base import FeatureModel, Runtime, Start, Trainable
from freshset.models.contract import Subject, checks
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.models.registry import ADAPTERS, trainable

Maker = Callable[[Path], Subject]


def subject(reference: str, items: list[object], root: Path) -> Subject:
    adapter = ADAPTERS.load(ModelRef.parse(reference).adapter)
    return Subject(adapter, reference, items, Runtime(device="cpu", root=str(root)))


def digits(name: str) -> Maker:
    def make(root: Path) -> Subject:
        net = shared_digits_net(root)
        return subject(name, list(net.images[:5]), net.folder)

    return make


def checkpoint(name: str) -> Maker:
    def make(root: Path) -> Subject:
        reference, items = SUBJECTS[name]
        return subject(reference, items, shared_checkpoints(root).folder)

    return make


def onnx_fixed_batch(root: Path) -> Subject:
    import torch
    from models.digits_net import export

    export(torch.nn.Flatten(), root / "m.onnx", shape=(3, 4, 4), batch=4)
    net = shared_digits_net(root)
    return subject("onnx:m.onnx?size=4&mean=0.5&std=0.25", list(net.images[:5]), root)


def sklearn_arrays(root: Path) -> Subject:
    data = load_digits()
    skops.io.dump(GaussianNB().fit(data.data, data.target), root / "m.skops")
    return subject("sklearn:m.skops", list(data.data[:5]), root)


def sklearn_images(root: Path) -> Subject:
    data = load_digits()
    skops.io.dump(RidgeClassifier().fit(data.data, data.target), root / "m.skops")
    net = shared_digits_net(root)
    reference = "sklearn:m.skops?input=image&size=8&mode=L&std=0.0625"
    return subject(reference, list(net.images[:5]), root)


def stored_classes(root: Path) -> Subject:
    frame = pd.DataFrame({"item_id": list("abcde"), "pred": [2, 0, 1, 1, 0]})
    frame.to_csv(root / "p.csv", index=False)
    return subject("preds:p.csv", list("abc"), root)


def stored_probabilities(root: Path) -> Subject:
    scores = np.random.default_rng(0).dirichlet(np.ones(3), size=5)
    np.savez(root / "p.npz", item_id=np.array(list("abcde")), probabilities=scores)
    return subject("preds:p.npz", list("abc"), root)


MAKERS: dict[str, Maker] = {
    "sklearn, arrays": sklearn_arrays,
    "sklearn, images": sklearn_images,
    "onnx": digits("onnx:digits.onnx"),
    "onnx, fixed batch": onnx_fixed_batch,
    "py, torch": digits("py:./digits.py:net"),
    "py, callable": digits("py:./digits.py:plain"),
    "preds, classes": stored_classes,
    "preds, probabilities": stored_probabilities,
    **{name: checkpoint(name) for name in SUBJECTS},
}


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Subject]:
    """Subjects by name, each made and loaded once."""
    made: dict[str, Subject] = {}

    def get(name: str) -> Subject:
        if name not in made:
            made[name] = MAKERS[name](tmp_path_factory.mktemp("subject"))
        return made[name]

    return get


@pytest.mark.parametrize("check", checks(), ids=str)
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_contract_is_kept(
    subjects: Callable[[str], Subject], name: str, check: Check[Subject]
) -> None:
    check(subjects(name))


NETWORKS = (
    "timm, local-dir", "timm, random", "torchvision", "hf, images", "open-clip", "py, torch",
)  # fmt: skip


def test_networks_give_features_and_nothing_else_does(
    subjects: Callable[[str], Subject],
) -> None:
    giving = {name for name in MAKERS if isinstance(subjects(name).model, FeatureModel)}
    assert giving == set(NETWORKS)


@pytest.mark.parametrize("start", ["pretrained", "random"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_can_be_trained(
    subjects: Callable[[str], Subject], name: str, start: Start
) -> None:
    import torch

    subject = subjects(name)

    def made(seed: int) -> Trainable:
        return trainable(subject.ref, subject.runtime, n_outputs=7, start=start, seed=seed)

    before = torch.random.get_rng_state()
    first, again, other = made(1), made(1), made(2)
    assert torch.equal(torch.random.get_rng_state(), before)
    states = [one.network.state_dict() for one in (first, again, other)]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    head = tuple(f"{name}." for name in first.head)
    changed = {key for key, value in states[0].items() if not torch.equal(value, states[2][key])}
    assert any(key.startswith(head) for key in changed)
    assert all(key.startswith(head) for key in changed) == (start == "pretrained")
    # The new classifier on the model's own features is the network, for weights that were kept.
    info, preprocessing = first.info, subject.info.preprocessing
    assert (info.n_outputs, info.classes, info.preprocessing.key) == (7, None, preprocessing.key)
    batch = subject.batch()
    if start == "random":
        return
    inner = getattr(preprocessing, "inner", preprocessing)
    ready = inner.normalise(batch) if isinstance(inner, ImagePreprocessing) else batch
    with torch.inference_mode():
        logits = first.network.eval()(torch.from_numpy(ready))
        features = torch.from_numpy(subject.model.features(batch, "penultimate", "mean"))
        wanted = first.network.get_submodule(first.head[0])(features)
    torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=1e-4)


def test_no_adapter_is_left_out() -> None:
    assert {name.partition(",")[0] for name in MAKERS} == set(ADAPTERS.builtin)
