"""How a network is trained, as values: what can change its weights, and what cannot."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from freshset.core.errors import UsageError
from freshset.models.base import Start
from freshset.models.preprocessing import Interpolation, View

Schedule = Literal["cosine", "staircase", "constant"]
Precision = Literal["fp32", "tf32", "fp16", "bf16"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random crops as those of Inception, and flips.

    Attributes
    ----------
    scale
        Least and largest share of the image's area that a crop covers; (1, 1) takes the whole image.
    ratio
        Least and largest ratio of width to height.
    flip
        Probability of a left-right flip.
    interpolation
        Filter of the resize.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        for name, (low, high) in (("scale", self.scale), ("ratio", self.ratio)):
            if not 0 < low <= high:
                raise UsageError(f"{name} is ({low}, {high}).", "Give two numbers, least first.")
        if self.scale[1] > 1 or not 0 <= self.flip <= 1:
            raise UsageError("No crop covers more than the image, and flip is a probability.")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run: every field here can change the weights, or what is known of them.

    Attributes
    ----------
    start
        ``pretrained``: the model's weights under a new head; ``random``: nothing is kept of them.
    steps, batch
        Updates, and images of each.
    rate
        Largest learning rate.
    decay
        L2 weight decay, as SGD adds it to the gradient.
    momentum, nesterov
        Of SGD.
    schedule, warmup
        ``cosine`` falls to 0 after the last step, ``staircase`` to a tenth at 30, 60 and 90 % of the
        steps; the rate rises linearly over the first ``warmup`` steps.
    norm_momentum
        Of the running statistics of batch normalisation, as torch means it (share of the new batch);
        ``None`` leaves the network's own.
    augmentation
        Of training images.
    view
        How images are seen otherwise: ``whole`` squashed to the input's size, ``centre`` as the weights
        say with the central 87.5 %, ``weights`` exactly as the weights say.
    precision
        Of forward and backward pass; weights are float32 always.
    compile
        Whether torch compiles the network.
    measure_every
        Steps between measurements of the evaluation sets; 0 measures after the last step only.
    seed
        Of the head, of all weights for ``random``, of the order of images and of their augmentation.
    """

    start: Start
    steps: int
    batch: int
    rate: float
    decay: float = 0.0
    momentum: float = 0.9
    nesterov: bool = True
    schedule: Schedule = "cosine"
    warmup: int = 0
    norm_momentum: float | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    view: View = "whole"
    precision: Precision = "fp32"
    compile: bool = False
    measure_every: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (
            ("start", self.start, get_args(Start)),
            ("schedule", self.schedule, get_args(Schedule)),
            ("view", self.view, get_args(View)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in known:
                raise UsageError(f"{name} is {value!r}.", f"Use one of: {', '.join(known)}.")
        if self.steps < 1 or self.batch < 1 or self.warmup < 0 or self.seed < 0:
            raise UsageError("Steps and batch are at least 1, warmup and seed at least 0.")
        if not self.rate > 0 or self.decay < 0 or not 0 <= self.momentum < 1:
            raise UsageError("The rate is above 0, the decay at least 0, the momentum below 1.")
        if self.norm_momentum is not None and not 0 < self.norm_momentum <= 1:
            raise UsageError(f"norm_momentum is {self.norm_momentum}.", "Give a share, or nothing.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Execution:
    """Where and how a run happens: nothing here is meant to change the weights.

    Attributes
    ----------
    checkpoint_every
        Steps between checkpoints; 0 for none.
    micro_batch
        Images of one forward and backward pass; 0 for the whole batch.  Gradients of the parts are
        added, so that only batch normalisation sees a difference.
    workers
        Processes that read and prepare images; 0 reads in the running process.
    memory
        Most bytes of decoded images that are kept in memory.
    channels_last
        Layout of images and weights in memory.
    """

    checkpoint_every: int = 500
    micro_batch: int = 0
    workers: int = 0
    memory: int = 1 << 30
    channels_last: bool = True


def norm_momentum(steps_per_epoch: float) -> float:
    """Momentum of batch normalisation that the paper uses, as torch means it.

    ``1 - max(1 - 10 / s, 0.9)`` for s steps an epoch (SimCLR, arXiv 2002.05709, appendix B.8, on
    Kornblith, Shlens and Le (2019)); 0.1 at most.
    """
    return min(10 / steps_per_epoch, 0.1)
