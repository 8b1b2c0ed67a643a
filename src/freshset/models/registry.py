"""The one list of model adapters."""

from __future__ import annotations

from freshset.core.registry import Entry, Registry
from freshset.models.base import Adapter, Model, ModelInfo, Runtime
from freshset.models.reference import ModelRef

_HERE = "freshset.models"

ADAPTERS = Registry(
    "model adapter",
    {
        "timm": Entry(
            f"{_HERE}.timm:ADAPTER", "timm", ("timm", "torch"), "timm models, hub or local-dir:"
        ),
        "torchvision": Entry(
            f"{_HERE}.torchvision:ADAPTER",
            "torchvision",
            ("torchvision", "torch"),
            "torchvision classifiers, NAME/WEIGHTS",
        ),
        "hf": Entry(
            f"{_HERE}.huggingface:ADAPTER",
            "transformers",
            ("transformers", "torch"),
            "Hugging Face transformers, hub or folder",
        ),
        "open-clip": Entry(
            f"{_HERE}.open_clip:ADAPTER",
            "open-clip",
            ("open_clip", "torch"),
            "open_clip zero-shot, NAME/PRETRAINED",
        ),
        "onnx": Entry(
            f"{_HERE}.onnx:ADAPTER", "onnx", ("onnxruntime",), "an ONNX file, through ONNX Runtime"
        ),
        "sklearn": Entry(
            f"{_HERE}.sklearn:ADAPTER", "sklearn", ("skops",), "a fitted estimator, FILE.skops"
        ),
        "py": Entry(f"{_HERE}.function:ADAPTER", summary="any Python callable, module:factory"),
        "preds": Entry(f"{_HERE}.stored:ADAPTER", summary="stored predictions, FILE"),
    },
    group="freshset.models",
)


def describe(ref: ModelRef, runtime: Runtime) -> ModelInfo:
    """Say what a model is, by its adapter; see `freshset.models.base.Adapter.describe`."""
    adapter: Adapter = ADAPTERS.load(ref.adapter)
    return adapter.describe(ref, runtime)


def load(ref: ModelRef, runtime: Runtime) -> Model:
    """Load a model by its adapter; see `freshset.models.base.Adapter.load`."""
    adapter: Adapter = ADAPTERS.load(ref.adapter)
    return adapter.load(ref, runtime)
