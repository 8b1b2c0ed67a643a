"""One net through three adapters: the same answers, example by example."""

from __future__ import annotations

import numpy as np
import pytest
from models.digits_net import DigitsNet

from freshset.models.base import Runtime, stacked
from freshset.models.reference import ModelRef
from freshset.models.registry import load

REFERENCES = ("onnx:digits.onnx", "py:./digits.py:net", "py:./digits.py:plain")


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_adapter_gives_what_torch_gives(digits_net: DigitsNet, reference: str) -> None:
    model = load(ModelRef.parse(reference), Runtime(device="cpu", root=str(digits_net.folder)))
    prepare = model.info.preprocessing.prepare
    parts = [digits_net.images[at : at + 64] for at in range(0, len(digits_net.images), 64)]
    scores = np.concatenate([model.predict(stacked([prepare(i) for i in part])) for part in parts])
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores.argmax(axis=1), digits_net.scores.argmax(axis=1))
    np.testing.assert_allclose(scores, digits_net.scores, atol=1e-4, rtol=1e-4)
    assert model.info.classes is not None
    assert model.info.classes.keys == tuple("0123456789")


def test_the_net_has_learnt_something(digits_net: DigitsNet) -> None:
    assert (digits_net.scores.argmax(axis=1) == digits_net.labels).mean() > 0.88


def test_adapters_of_one_way_share_their_batches(digits_net: DigitsNet) -> None:
    runtime = Runtime(root=str(digits_net.folder))
    onnx, _, plain = (load(ModelRef.parse(one), runtime).info for one in REFERENCES)
    assert onnx.preprocessing.key == plain.preprocessing.key
    assert onnx.preprocessing.shared == plain.preprocessing.shared
