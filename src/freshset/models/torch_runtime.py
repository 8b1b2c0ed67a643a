"""How every torch model is run: device, precision, threads, and the way of a batch through it."""

from __future__ import annotations

import operator
import platform
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import torch

from freshset.core.errors import UsageError
from freshset.models.base import ModelInfo, Pooling, Preprocessing, Runtime
from freshset.models.layers import Layers, classifier
from freshset.models.preprocessing import ImagePreprocessing

_AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}
PRECISIONS = ("fp32", "tf32", *_AUTOCAST)


class TorchRunner:
    """A network on its device, run the same way whatever library it comes from.

    In ``fp32`` TF32 is off, in ``fp16`` and ``bf16`` the forward pass runs under autocast.  Settings
    of torch that other code may rely on are put back after every batch.

    Parameters
    ----------
    network
        Called with what `images` or a tokeniser gives; moved to the device and put in eval mode.

    Raises
    ------
    UsageError
        For a device or precision that there is not.
    """

    def __init__(self, network: Any, runtime: Runtime) -> None:
        self.device = device_of(runtime)
        check_precision(runtime)
        self._precision = runtime.precision
        self._threads = runtime.threads
        self.network = network.eval().to(device=self.device, memory_format=torch.channels_last)

    def described(self, info: ModelInfo) -> ModelInfo:
        """Add the device to what is known of a model."""
        return replace(info, versions={**info.versions, **device_versions(self.device)})

    def images(self, batch: npt.NDArray[Any], preprocessing: Preprocessing) -> torch.Tensor:
        """Put a batch on the device, normalised where its preprocessing says so.

        Parameters
        ----------
        batch
            uint8 (n, height, width, channels) for `ImagePreprocessing`; else what the network takes.

        Returns
        -------
        Tensor, float32, shape (n, channels, height, width), channels last in memory
        """
        if not isinstance(preprocessing, ImagePreprocessing):
            return as_given(batch, self.device)
        key = f"{self.device} {preprocessing.key}"
        return _NORMALISED.of(batch, key, lambda: normalised(batch, preprocessing, self.device))

    def run(self, forward: Callable[[], Any]) -> npt.NDArray[np.float32]:
        """Call a function that returns a tensor, in the right precision; float32 comes back."""
        settings = torch_settings(self._precision, self._threads)
        with torch.inference_mode(), settings, autocast(self.device, self._precision):
            out = forward()
        return _float32(out)


class LastBatch:
    """The last batch as a tensor, for the next network that wants the same of it.

    The networks of a job run one after the other on one batch.  The batch is held weakly: its tensor
    goes when it goes.  A tensor that a network wrote into is made anew.
    """

    def __init__(self) -> None:
        self._held: tuple[weakref.ref[Any], str, torch.Tensor, int] | None = None

    def of(
        self, batch: npt.NDArray[Any], key: str, make: Callable[[], torch.Tensor]
    ) -> torch.Tensor:
        """Return the tensor of a batch; `key` says all that it depends on besides."""
        held = self._held
        if held is not None:
            reference, made_for, tensor, version = held
            if reference() is batch and made_for == key and _writes(tensor) == version:
                return tensor
        self._held = held = None
        with torch.inference_mode(mode=False):  # only such tensors count what is written to them
            tensor = make()
        self._held = weakref.ref(batch, self._forget), key, tensor, _writes(tensor)
        return tensor

    def _forget(self, reference: weakref.ref[Any]) -> None:
        if self._held is not None and self._held[0] is reference:
            self._held = None


def _writes(tensor: torch.Tensor) -> int:
    return tensor._version  # noqa: SLF001  # torch's documented counter of writes has no other name


_NORMALISED = LastBatch()


class LastAnswers:
    """What a network answered while its features were taken, for who asks about the same batch next.

    The batch is held weakly, as by `LastBatch`.
    """

    def __init__(self) -> None:
        self._held: tuple[weakref.ref[Any], torch.Tensor] | None = None

    def keep(self, batch: npt.NDArray[Any], given: Any) -> Any:
        """Keep what a network gave for a batch, where both are arrays; returns it."""
        arrays = isinstance(batch, np.ndarray) and isinstance(given, torch.Tensor)
        self._held = (weakref.ref(batch), given) if arrays else None
        return given

    def of(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32] | None:
        """Return the answers to a batch, float32; ``None`` when it was another one."""
        if self._held is None or self._held[0]() is not batch:
            return None
        return _float32(self._held[1]).copy()


class TorchImageModel:
    """A network that classifies images; a `freshset.models.base.Model`.

    Parameters
    ----------
    forward
        From the network and normalised images to a tensor of shape (n, n_outputs).
    embedding
        Name of the module that gives the penultimate layer; by default it is what the classifier is
        given.
    """

    def __init__(
        self,
        info: ModelInfo,
        network: Any,
        runtime: Runtime,
        forward: Callable[[Any, torch.Tensor], torch.Tensor] = operator.call,
        embedding: str = "",
    ) -> None:
        self._runner = TorchRunner(network, runtime)
        self._forward = forward
        head = () if embedding else classifier(network, info.n_outputs)
        self._layers = Layers(network, str(info.reference), head, embedding)
        self._answers = LastAnswers()
        self.info = self._runner.described(info)

    def predict(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return logits of shape (n, n_outputs) for prepared images; see `Model.predict`."""
        known = self._answers.of(batch)
        if known is not None:
            return known
        images = self._runner.images(batch, self.info.preprocessing)
        return self._runner.run(lambda: self._forward(self._runner.network, images))

    def features(
        self, batch: npt.NDArray[Any], layer: str, pooling: Pooling
    ) -> npt.NDArray[np.float32]:
        """Return features of shape (n, d); see `freshset.models.base.FeatureModel.features`."""
        images = self._runner.images(batch, self.info.preprocessing)

        def forward() -> Any:
            return self._answers.keep(batch, self._forward(self._runner.network, images))

        return self._runner.run(lambda: self._layers.take(forward, layer, pooling, len(batch)))


def _float32(tensor: torch.Tensor) -> npt.NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)


def device_of(runtime: Runtime) -> torch.device:
    """Return the device to run on.

    Raises
    ------
    UsageError
        When there is no such device.
    """
    if runtime.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(runtime.device)
        # Devices are only found out to be missing when something is put there.
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(
            f"There is no device {runtime.device!r} ({str(error).splitlines()[0]}).",
            "Use auto, cpu, cuda or cuda:1.",
        ) from error
    return device


def as_given(batch: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy a batch that is no image to a device; double precision becomes single, as weights are."""
    copied = np.array(batch, dtype=np.float32 if batch.dtype == np.float64 else None)
    return torch.from_numpy(copied).to(device)


def normalised(
    batch: npt.NDArray[np.uint8], preprocessing: ImagePreprocessing, device: torch.device
) -> torch.Tensor:
    """Images on a device as a network takes them: float32 (n, channels, h, w), channels last."""
    if device.type == "cpu":
        ready = preprocessing.normalise(batch, channels_last=True)
        return torch.from_numpy(ready).permute(0, 3, 1, 2)
    raw = torch.from_numpy(batch if batch.flags.writeable else batch.copy())
    # From pinned memory, and nothing that waits for the GPU: the next batch is on its way while the
    # GPU is still at work on the last one.
    pinned = raw.pin_memory() if device.type == "cuda" else raw
    tensor = pinned.to(device, non_blocking=True).permute(0, 3, 1, 2).to(torch.float32)
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1).to(device, non_blocking=True)
        for values in (preprocessing.mean, preprocessing.std)
    )
    return tensor.div_(255).sub_(mean).div_(std)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Lower precision of a forward pass, where ``fp16`` or ``bf16`` is wanted."""
    dtype = _AUTOCAST.get(precision)
    return torch.autocast(device.type, dtype=dtype) if dtype else nullcontext()


@contextmanager
def torch_settings(precision: str, threads: int) -> Iterator[None]:
    """TF32 only where the precision is ``tf32``, and so many threads; put back in the end."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    held = torch.get_num_threads()
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    if threads and threads != held:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
        if torch.get_num_threads() != held:
            torch.set_num_threads(held)


def check_precision(runtime: Runtime) -> None:
    """Raise `UsageError` for a precision that torch models do not run in."""
    if runtime.precision not in PRECISIONS:
        raise UsageError(
            f"No precision {runtime.precision!r}.", f"Use one of: {', '.join(PRECISIONS)}."
        )


def versions(*libraries: Any) -> Mapping[str, str]:
    """Versions of what makes the numbers of a torch model."""
    found = {library.__name__: str(library.__version__) for library in libraries}
    return {
        **found,
        "torch": str(torch.__version__),
        "pillow": PIL.__version__,
        "python": platform.python_version(),
    }


def device_versions(device: torch.device) -> Mapping[str, str]:
    """Say what a device is, and what runs it."""
    if device.type != "cuda":
        return {"device": device.type}
    name = torch.cuda.get_device_name(device)
    cudnn = torch.backends.cudnn.version()
    return {"device": name, "cuda": str(torch.version.cuda), "cudnn": str(cudnn)}
