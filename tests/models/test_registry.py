from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from models.training.pictures import CLASSES, items

from freshset.core.errors import UsageError
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.models.registry import ADAPTERS, describe, load, load_features, train, trainable
from freshset.models.training.data import TrainingData
from freshset.models.training.recipe import Execution, Recipe


@pytest.mark.parametrize("name", sorted(ADAPTERS.builtin))
def test_every_adapter_loads_and_says_what_it_is(name: str) -> None:
    adapter = ADAPTERS.load(name)
    for method in ("expand", "describe", "load"):
        assert callable(getattr(adapter, method))
    assert ADAPTERS.builtin[name].summary


def test_the_list_itself_loads_no_library() -> None:
    code = (
        "import sys; import freshset.models.registry\n"
        "print([m for m in ('torch', 'timm', 'transformers', 'onnxruntime') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_an_unknown_adapter_is_named() -> None:
    ref = ModelRef.parse("tim:resnet50")
    for function in (describe, load):
        with pytest.raises(UsageError, match="No model adapter 'tim'") as caught:
            function(ref, Runtime())
        assert "'timm'" in caught.value.hint


def test_models_that_only_answer_have_no_features_and_cannot_be_trained(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("item_id,pred\na,0\n")
    ref, runtime = ModelRef.parse("preds:p.csv"), Runtime(root=str(tmp_path))
    with pytest.raises(UsageError, match=r"preds:p.csv: has no features.*timm") as caught:
        load_features(ref, runtime)
    assert "array" in caught.value.hint
    with pytest.raises(UsageError, match="models of 'preds' cannot be trained"):
        trainable(ref, runtime, n_outputs=2, start="random", seed=0)


def test_a_network_has_outputs_and_a_seed_that_can_be() -> None:
    ref = ModelRef.parse("timm:test_resnet?pretrained=false")
    for n_outputs, seed in ((0, 0), (2, -1)):
        with pytest.raises(UsageError, match="cannot be meant"):
            trainable(ref, Runtime(), n_outputs=n_outputs, start="random", seed=seed)


def test_the_network_of_a_model_is_trained_on_other_classes(tmp_path: Path) -> None:
    ref = ModelRef.parse("timm:test_vit?pretrained=false&img_size=160")
    data = TrainingData(
        items(0, 6), CLASSES, {"test": items(9, 12)}, lambda _, logits: 0.5, ("test", 2)
    )
    recipe, runtime = Recipe("random", 2, 2, 0.01), Runtime(device="cpu", threads=1)
    found = train(ref, runtime, recipe, Execution(), data, tmp_path)
    assert found.logits["test"].shape == (3, CLASSES)
    assert found.features is not None
    assert found.features.shape == (2, 64)
    assert {"timm", "torch"} <= found.versions.keys()
    assert train(ref, runtime, recipe, Execution(), data, tmp_path / "again").digest == found.digest
