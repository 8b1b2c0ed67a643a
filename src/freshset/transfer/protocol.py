"""How a transfer study is done: every choice that changes a number, as one value.

The paper (Kornblith, Shlens and Le (2019), "Do better ImageNet models transfer better?", arXiv
1805.08974) leaves some of them open.  Those are named as open in the attributes below; the value is
stored with each result, so that nobody needs to guess.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from freshset.core.errors import UsageError, did_you_mean
from freshset.models.base import Pooling
from freshset.models.preprocessing import View
from freshset.models.training.recipe import Augmentation, Schedule

Budget = Literal["paper", "lite", "hyperrule"]
NormRule = Literal["paper", "own"]
Stopping = Literal["none", "median", "halving"]


@dataclass(frozen=True, slots=True)
class Splitting:
    """What the validation set is.

    Attributes
    ----------
    official
        Whether official validation sets are used where there are some.
    share
        Of the training set, held out elsewhere.  Open in the paper; 0.2 is that of ssl-transfer.
    stratified
        Whether each class gives that share (every class keeps one training image).  Open.
    """

    official: bool = True
    share: float = 0.2
    stratified: bool = True


@dataclass(frozen=True, slots=True)
class Features:
    """What fixed features are.

    Attributes
    ----------
    layer
        ``penultimate``, what the classifier is given; or the name of a module, whose output is taken.
    pooling
        Of outputs with positions: ``mean`` over them, the ``first`` token, or ``none``, which
        flattens.  The penultimate layer is pooled as the network itself does.
    view
        How images are seen; ``whole`` is the paper's.
    storage
        ``float32`` or ``float16``.  Open.
    """

    layer: str = "penultimate"
    pooling: Pooling = "mean"
    view: View = "whole"
    storage: Literal["float32", "float16"] = "float32"


@dataclass(frozen=True, slots=True)
class ProbeProtocol:
    """How the logistic regression is fitted.

    Attributes
    ----------
    penalties
        L2 penalties on the sum of losses: 45 from 1e-6 to 1e5.  Which form the objective has is open
        in the paper's text; ours is ``sum of losses + penalty / 2 * |W|^2``, intercepts free.
    tolerance, refit_tolerance
        Of the path and of the final fit.  Open.
    refit
        Whether the final fit learns from training and validation set together.
    """

    penalties: tuple[float, ...] = tuple(float(p) for p in np.logspace(-6, 5, 45))
    tolerance: float = 1e-6
    refit_tolerance: float = 1e-8
    refit: bool = True


@dataclass(frozen=True, slots=True)
class Training:
    """How networks are trained, fine-tuned or from scratch.

    Attributes
    ----------
    steps, batch
        Of each run.
    rule
        ``fixed``: the steps above.  ``bit``: 500 steps below 20,000 training images, 10,000 below
        500,000, else 20,000 (Kolesnikov and others (2020), "Big Transfer", arXiv 1912.11370).
    rates
        Learning rates of the grid.
    decays
        Weight decays of the grid, each divided by the learning rate where it is used.
    momentum, nesterov, schedule, warmup
        Of SGD; see `freshset.models.training.recipe.Recipe`.
    norm
        ``paper``: momentum of batch normalisation ``max(1 - 10 / s, 0.9)`` for s steps an epoch, as
        TensorFlow means it.  ``own``: that of the network.
    augmentation
        Of training images.
    view
        How images are seen when the network is judged.  Open: the paper chose it on the validation
        set.
    refit
        Whether the chosen rate and decay are used once more on training and validation set together.
    precision, compile
        Of forward and backward pass.
    measure_every
        Steps between measurements that the convergence figure shows; 0 for none.
    stopping
        Whether trials that do badly are given up after a measurement: ``none``, which is the paper's,
        or a rule of Optuna, ``median`` or ``halving``.  Which trials that are depends on those that
        were done before.
    """

    steps: int = 20_000
    batch: int = 256
    rule: Literal["fixed", "bit"] = "fixed"
    rates: tuple[float, ...] = tuple(float(r) for r in np.logspace(-4, -1, 7))
    decays: tuple[float, ...] = (0.0, *(float(d) for d in np.logspace(-6, -3, 7)))
    momentum: float = 0.9
    nesterov: bool = True
    schedule: Schedule = "cosine"
    warmup: int = 0
    norm: NormRule = "paper"
    augmentation: Augmentation = field(default_factory=Augmentation)
    view: View = "whole"
    refit: bool = True
    precision: Literal["fp32", "tf32", "fp16", "bf16"] = "fp32"
    compile: bool = False
    measure_every: int = 0
    stopping: Stopping = "none"

    def steps_for(self, n: int) -> int:
        """Steps of a run on n training images."""
        if self.rule == "fixed":
            return self.steps
        return 500 if n < 20_000 else 10_000 if n < 500_000 else 20_000

    @property
    def grid(self) -> tuple[tuple[float, float], ...]:
        """Rates and weight decays of all trials; the decay is that which SGD adds."""
        return tuple((rate, decay / rate) for rate in self.rates for decay in self.decays)


@dataclass(frozen=True, slots=True)
class Subsets:
    """How networks are trained on some of the training images, for the figure of accuracy by size.

    Rate and decay are chosen for each subset, on the whole validation set, and the final fit learns
    from the subset alone.

    Attributes
    ----------
    steps, epochs
        Of each run, whichever is more.
    batch
        Images of a step, at most.
    rate_share
        What the rates of the grid are multiplied by, as the batch is smaller.
    """

    steps: int = 1_000
    epochs: int = 100
    batch: int = 64
    rate_share: float = 0.25

    def training(self, whole: Training, n: int) -> Training:
        """How a network is trained on n images, where on all images it is as ``whole`` says."""
        batch = min(self.batch, n)
        return replace(
            whole,
            rule="fixed",
            steps=max(self.steps, math.ceil(self.epochs * n / batch)),
            batch=batch,
            rates=tuple(rate * self.rate_share for rate in whole.rates),
            refit=False,
            measure_every=0,
            stopping="none",
        )


@dataclass(frozen=True, slots=True)
class Protocol:
    """All of it; see the parts."""

    budget: Budget = "paper"
    splitting: Splitting = field(default_factory=Splitting)
    features: Features = field(default_factory=Features)
    probe: ProbeProtocol = field(default_factory=ProbeProtocol)
    finetune: Training = field(default_factory=Training)
    scratch: Training = field(default_factory=Training)
    subsets: Subsets = field(default_factory=Subsets)

    @classmethod
    def of(cls, budget: Budget, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Protocol:
        """Protocol of a budget, with changes to its parts.

        Parameters
        ----------
        budget
            ``paper``: as in the paper, 56 runs of 20,000 steps for each cell.  ``lite``: that of
            ssl-transfer, 20 runs of 5,000 steps of 64 images.  ``hyperrule``: one run a cell, as Big
            Transfer's rule says.
        changes
            Values by part and name, such as ``{"finetune": {"steps": 100}}``.

        Raises
        ------
        UsageError
            For names that there are not, or values that cannot be.
        """
        if budget not in _BUDGETS:
            raise UsageError(f"No budget {budget!r}.", did_you_mean(budget, _BUDGETS))
        made = _BUDGETS[budget]
        for part, given in (changes or {}).items():
            if part == "budget" or part not in {f.name for f in fields(cls)}:
                known = [f.name for f in fields(cls) if f.name != "budget"]
                raise UsageError(f"A protocol has no part {part!r}.", did_you_mean(part, known))
            made = replace(made, **{part: _changed(getattr(made, part), given, part)})
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def _changed(value: Any, given: Mapping[str, Any], where: str) -> Any:
    known = {f.name: f for f in fields(value)}
    out: dict[str, Any] = {}
    for name, new in given.items():
        if name not in known:
            raise UsageError(f"{where} has no {name!r}.", did_you_mean(name, known))
        old = getattr(value, name)
        if isinstance(new, Mapping):
            out[name] = _changed(old, new, f"{where}.{name}")
        elif isinstance(old, tuple):
            out[name] = tuple(float(one) for one in new)
        else:
            out[name] = new
    return replace(value, **out)


_LITE = Training(
    steps=5_000,
    batch=64,
    rates=tuple(float(r) for r in np.logspace(-4, -1, 4)),
    decays=(0.0, *(float(d) for d in np.logspace(-6, -3, 4))),
)
# Big Transfer: 0.003 for a batch of 512, no decay, a tenth at 30, 60 and 90 % of the steps.
_RULE = Training(
    steps=500, batch=512, rule="bit", rates=(0.003,), decays=(0.0,), schedule="staircase"
)
_BUDGETS: dict[str, Protocol] = {
    "paper": Protocol(
        "paper",
        # The number of steps from scratch is open in the paper; 40,000 is SimCLR's.
        scratch=Training(
            steps=40_000,
            rates=tuple(float(r) for r in np.logspace(-3, 0, 7)),
            decays=tuple(float(d) for d in np.logspace(-5, -1.5, 8)),
        ),
    ),
    "lite": Protocol(
        "lite",
        finetune=_LITE,
        scratch=replace(
            _LITE,
            rates=tuple(float(r) for r in np.logspace(-3, 0, 4)),
            decays=tuple(float(d) for d in np.logspace(-5, -1.5, 5)),
        ),
    ),
    # Big Transfer says nothing of training from scratch; ten times the rate is ours.
    "hyperrule": Protocol("hyperrule", finetune=_RULE, scratch=replace(_RULE, rates=(0.03,))),
}
BUDGETS: tuple[Budget, ...] = get_args(Budget)
