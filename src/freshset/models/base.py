"""The port: what a run asks of a model adapter, and of a model that is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.records import Task
from freshset.models.reference import ModelRef

Outputs = Literal["logits", "probabilities", "scores", "classes", "answers", "likelihoods"]
Input = Literal["image", "text", "question", "array", "id"]
Pooling = Literal["mean", "first", "none"]
Start = Literal["pretrained", "random"]

PENULTIMATE = "penultimate"
"""The layer of features that is no module: what the classifier is given."""

OUTPUTS = "outputs"
"""As a layer of features: the answers of any model that gives a number for each class."""


@runtime_checkable
class Preprocessing(Protocol):
    """What happens to an item before the model sees it; a value that travels to worker processes.

    Models whose `shared` texts are equal are given the same prepared batches, whatever their
    adapter, so whatever differs between them (normalisation, layout, device) is left to
    `Model.predict`.
    """

    @property
    def key(self) -> str:
        """Canonical text of everything between the item and the model's input; is hashed."""

    @property
    def shared(self) -> str:
        """Canonical text of what `prepare` does."""

    def prepare(self, item: Any) -> Any:
        """Prepare one item: an array of one fixed shape and dtype, or a text or question as it is."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model before it is loaded.

    Attributes
    ----------
    reference
        As it was asked for, in canonical form.
    adapter
        Name of the adapter and the version of what it computes, for example ``timm/1``; the version
        rises only when the adapter's own code starts to give other numbers.
    task, input
        What it does, and what an item must be.  ``id``: its id, and nothing is read or decoded.
    preprocessing
        From an item to what `Model.predict` takes.
    outputs
        ``logits``, ``probabilities``, ``scores`` (an order, no probabilities) or ``classes`` (one
        class id an item) for classification; ``answers`` (texts) for question answering;
        ``likelihoods`` for language modelling.
    classes
        What its outputs stand for, in order; ``None`` when the model does not say, in which case
        `n_outputs` must equal the number of classes of the test set.
    n_outputs
        Number of outputs; 0 when not known before it is loaded, or not of fixed number.
    weights
        SHA-256 of the weights, and of a configuration or of prompts that the reference does not
        name; empty when there are none, or they are not on this machine yet.
    network
        Digest of what the network is, its weights aside, where the reference does not name it: a
        configuration beside the weights, or code.  It counts where training starts from nothing.
    download
        Bytes still to fetch; 0 when all is here, -1 when the size is not known.
    versions
        Library versions that made the numbers; recorded, not hashed.
    """

    reference: ModelRef
    adapter: str
    preprocessing: Preprocessing
    outputs: Outputs
    task: Task = "classification"
    input: Input = "image"
    classes: ClassSpace | None = None
    n_outputs: int = 0
    weights: str = ""
    network: str = ""
    download: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Runtime:
    """How to run a model.

    Attributes
    ----------
    device
        ``cpu``, ``cuda``, ``cuda:1``; ``auto`` takes a GPU when there is one.
    precision
        ``fp32`` (TF32 off), ``tf32``, ``fp16`` or ``bf16``; the only field that is hashed.
    threads
        Threads of the forward pass; 0 leaves the library's default.
    trust
        Files that may be unpickled, by path as they are named in the reference.
    offline
        Never ask a hub.
    root
        Folder that relative paths in references start from.
    """

    device: str = "auto"
    precision: str = "fp32"
    threads: int = 0
    trust: frozenset[str] = frozenset()
    offline: bool = False
    root: str = "."


class Model(Protocol):
    """A model that is loaded."""

    @property
    def info(self) -> ModelInfo:
        """As `Adapter.describe` gives it, with everything filled in."""

    def predict(self, batch: Any) -> Any:
        """Run the model on one batch.

        Parameters
        ----------
        batch
            The prepared items, stacked along a new first axis where they are arrays (shape
            ``(n, *item)``), else a list of n items.

        Returns
        -------
        For classification a float32 array of shape (n, n_outputs), or an int array of shape (n,), or
        (n, k) best first, where the outputs are ``classes``; for question answering a list of n texts; for language
        modelling a float64 array of shape (n, 3): negative log-likelihood in nats, tokens scored,
        and UTF-8 bytes of the text.

        Raises
        ------
        Whatever the library raises.  Running out of memory is recognised by the caller, which tries
        again with half the batch.
        """


class Adapter(Protocol):
    """Makes models from references.  Adapters are modules or objects without state."""

    def expand(self, pattern: str) -> Sequence[str]:
        """Names that a shell pattern matches (or all for ``*``); empty when names cannot be listed."""

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """Say what a model is without loading weights into memory.

        Raises
        ------
        UsageError
            For a name, option or file that does not exist.
        DataError
            For weights that cannot be loaded safely.
        """

    def load(self, ref: ModelRef, runtime: Runtime) -> Model:
        """Load a model, fetching it first where it is not here."""


@runtime_checkable
class FeatureModel(Protocol):
    """A loaded model that gives more than its answers; what only some have."""

    @property
    def info(self) -> ModelInfo:
        """As `Model.info`."""

    def features(self, batch: Any, layer: str, pooling: Pooling) -> npt.NDArray[np.float32]:
        """Give what a layer of the model gives.

        Parameters
        ----------
        batch
            As `Model.predict` takes it.
        layer
            ``penultimate``: what the classifier is given, pooled as the network itself does it.  Else
            the name of a module, whose output is taken.
        pooling
            Of outputs with positions, shape (n, positions, d) or (n, d, height, width): their
            ``mean``, the ``first`` of (n, positions, d), or ``none``, all numbers in one row.

        Returns
        -------
        Array, float32, shape (n, d)

        Raises
        ------
        UsageError
            For a layer that there is not, that gives nothing that can be a row for each item, or
            whose output cannot be pooled so.
        """


@dataclass(frozen=True, slots=True)
class Trainable:
    """A network to be trained on classes of one's own.

    Attributes
    ----------
    network
        A ``torch.nn.Module`` on the CPU, in float32, which calls images to logits: from
        (n, channels, height, width), normalised as `info` says, to (n, n_outputs).  Arrays go in as
        they are.
    head
        Names of the modules that are the classifier, as ``network.named_modules()`` gives them.
    info
        Of the model that it was made from; `n_outputs` is that of the new head, and there are no
        `classes`.
    """

    network: Any
    head: tuple[str, ...]
    info: ModelInfo


@runtime_checkable
class TrainableAdapter(Protocol):
    """An adapter whose networks can be trained; what only some are."""

    def trainable(
        self, ref: ModelRef, runtime: Runtime, *, n_outputs: int, start: Start, seed: int
    ) -> Trainable:
        """Build a network with a new classifier; see `freshset.models.registry.trainable`."""


def feature_outputs(layer: str, pooling: Pooling) -> str:
    """Say what features are, as the field ``outputs`` of a run's identity.

    Pooling does not change what the classifier is given, so it is left out there.
    """
    return f"features {layer}" if layer == PENULTIMATE else f"features {layer} {pooling}"


def stacked(prepared: Sequence[Any]) -> npt.NDArray[Any] | list[Any]:
    """Stack prepared items into a batch: one array where they are arrays, else a list."""
    first = prepared[0]
    if isinstance(first, np.ndarray):
        return np.stack(list(prepared))
    return list(prepared)
