"""The one list of model adapters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from freshset.core.errors import UsageError
from freshset.core.registry import Entry, Registry
from freshset.models.base import (
    Adapter,
    FeatureModel,
    Model,
    ModelInfo,
    Runtime,
    Start,
    Trainable,
    TrainableAdapter,
)
from freshset.models.reference import ModelRef
from freshset.models.training.data import TrainingData
from freshset.models.training.outcome import Trained
from freshset.models.training.recipe import Execution, Recipe

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

_NETWORKS = "Name a network for images or arrays: timm, torchvision, hf, open-clip, or py with a torch module."

_LOOPS = Registry(
    "training loop",
    {
        "torch": Entry(
            f"{_HERE}.training.loop:train", "torchvision", ("torch", "safetensors"), "torch"
        )
    },
    group="freshset.training",
)


def describe(ref: ModelRef, runtime: Runtime) -> ModelInfo:
    """Say what a model is, by its adapter; see `freshset.models.base.Adapter.describe`."""
    adapter: Adapter = ADAPTERS.load(ref.adapter)
    return adapter.describe(ref, runtime)


def load(ref: ModelRef, runtime: Runtime) -> Model:
    """Load a model by its adapter; see `freshset.models.base.Adapter.load`."""
    adapter: Adapter = ADAPTERS.load(ref.adapter)
    return adapter.load(ref, runtime)


def load_features(ref: ModelRef, runtime: Runtime) -> FeatureModel:
    """Load a model for its features.

    Raises
    ------
    UsageError
        For a model that has none to give.
    """
    return feature_model(load(ref, runtime))


def feature_model(model: Model) -> FeatureModel:
    """Return a loaded model as one that gives features.

    Raises
    ------
    UsageError
        When it has none to give.
    """
    if isinstance(model, FeatureModel):
        return model
    raise UsageError(
        f"{model.info.reference}: has no features to give, only answers.",
        _NETWORKS,
    )


def trainable(
    ref: ModelRef, runtime: Runtime, *, n_outputs: int, start: Start, seed: int
) -> Trainable:
    """Build the network of a model with a new classifier.

    Parameters
    ----------
    n_outputs
        Classes of the new classifier.
    start
        ``pretrained`` keeps the model's weights but for the classifier's; ``random`` keeps nothing,
        and fetches and reads no weights: all are initialised as the library itself does it.
    seed
        Of all that is random; torch's own generator is left as it was.

    Raises
    ------
    UsageError
        For a model that cannot be trained here, or has no classifier to replace.
    """
    adapter = ADAPTERS.load(ref.adapter)
    if not isinstance(adapter, TrainableAdapter):
        raise UsageError(
            f"{ref}: models of {ref.adapter!r} cannot be trained.",
            _NETWORKS,
        )
    if n_outputs < 1 or seed < 0:
        raise UsageError(f"{ref}: {n_outputs} outputs and the seed {seed} cannot be meant.")
    return adapter.trainable(ref, runtime, n_outputs=n_outputs, start=start, seed=seed)


def train(
    ref: ModelRef,
    runtime: Runtime,
    recipe: Recipe,
    execution: Execution,
    data: TrainingData,
    folder: Path,
    stop: Callable[[int, float], bool] | None = None,
) -> Trained:
    """Train the network of a model on classes of one's own; see `freshset.models.training.loop.train`.

    Raises
    ------
    UsageError
        As `trainable`, and for a device that there is not.
    DataError
        For items that cannot be read, or a checkpoint of another run.
    """
    made = trainable(ref, runtime, n_outputs=data.n_outputs, start=recipe.start, seed=recipe.seed)
    trained: Trained = _LOOPS.load("torch")(made, recipe, execution, data, folder, runtime, stop)
    return trained
