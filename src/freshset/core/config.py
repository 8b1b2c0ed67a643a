"""Settings of the analyses, with their defaults; a flag's default lives here, not in the CLI."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from freshset.core.errors import UsageError

_MOST_RESAMPLES = 10_000_000

Metric = Literal["top1", "top5", "exact-match"]
Resample = Literal["models", "items", "both"]
Scale = Literal["linear", "probit", "logit"]

SCALES: tuple[Scale, ...] = get_args(Scale)


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """How an old test set is compared with a new one.

    Attributes
    ----------
    metric
        ``top1`` (first prediction right), ``top5`` (label among the first five) or
        ``exact-match`` (question answering).
    exclude
        Shell patterns (``fv_*``) of model names to leave out.
    resample
        What the intervals of the fits and of the mean drop resample.  Rank intervals always
        resample items, since a rank is a statement about these models.
    bootstrap
        Number of model resamples (``models`` and ``both``).
    item_bootstrap
        Number of item resamples (ranks always; fits and mean drop for ``items`` and ``both``).
    seed
        Seed of every resample; the same seed gives the same bytes.
    level
        Confidence level of every interval.
    margin
        Equivalence margin in percentage points: how much change still counts as "survived".
    power
        Probability with which a drop of ``margin`` must be detectable before "survived" is said.
    same_distribution
        True only when the new set is a random draw from the old set's own distribution; then, and
        only then, the adaptivity gap is identified.
    """

    metric: Metric = "top1"
    exclude: tuple[str, ...] = ()
    resample: Resample = "both"
    bootstrap: int = 100_000
    item_bootstrap: int = 2_000
    seed: int = 0
    level: float = 0.95
    margin: float = 1.0
    power: float = 0.8
    same_distribution: bool = False

    def __post_init__(self) -> None:
        _one_of("metric", self.metric, get_args(Metric))
        _one_of("resample", self.resample, get_args(Resample))
        for name in ("bootstrap", "item_bootstrap"):
            if getattr(self, name) < 100:
                raise UsageError(
                    f"{name} is {getattr(self, name)}, too few for an interval.",
                    "Use at least 100; 1,000 or more for anything that is published.",
                )
            if getattr(self, name) > _MOST_RESAMPLES:
                raise UsageError(f"{name} is more than {_MOST_RESAMPLES:,}.", "Use fewer.")
        if not 0 < self.level < 1:
            raise UsageError(f"level is {self.level}, not between 0 and 1.", "Use 0.95 for 95 %.")
        for name in ("bootstrap", "item_bootstrap"):
            if getattr(self, name) * (1 - self.level) / 2 < 1:
                raise UsageError(
                    f"{name} is {getattr(self, name):,}, too few for a level of {self.level}.",
                    f"Use at least {math.ceil(2 / (1 - self.level)):,}.",
                )
        if not 0 < self.power < 1:
            raise UsageError(f"power is {self.power}, not between 0 and 1.", "Use 0.8 for 80 %.")
        if not 0 < self.margin <= 50:
            raise UsageError(
                f"margin is {self.margin}, not between 0 and 50.", "Give percentage points."
            )
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}.", "Use a whole number from 0.")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self) | {"exclude": list(self.exclude)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CompareSettings:
        """Inverse of `to_dict`."""
        return cls(**(data | {"exclude": tuple(data.get("exclude", ()))}))


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} is {value!r}.", f"Use one of: {', '.join(known)}.")


OnExisting = Literal["only-missing", "always", "never", "only-cache"]
Precision = Literal["fp32", "tf32", "fp16", "bf16"]
Save = Literal["topk", "scores"]
Backend = Literal["local", "ray"]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How models are run on test sets.

    Only ``precision`` and ``limit`` are part of a cell's identity; the rest may change between the
    runs that fill one store.

    Attributes
    ----------
    on_existing
        ``only-missing`` runs what the store lacks; ``always`` runs all again; ``never`` refuses to
        start when anything is there already; ``only-cache`` runs nothing.
    batch_size
        Items in one forward pass; halved for a model that runs out of memory.
    precision
        Of the forward pass; ``fp32`` has TF32 off.
    save
        ``topk`` keeps the best classes of every item, ``scores`` also all scores (float16).
    topk
        Classes kept for every item.
    limit
        Only the first so many items; 0 for all.  Such cells belong to another test set,
        ``<id>@first-<limit>``, which no report takes.
    shard
        Part i of n (from 1) of the cells, dealt by a stable hash.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
    workers
        Processes that read and prepare items; 0 reads in the running process, -1 takes as many as
        there are cores.
    threads
        Threads of the forward pass; 0 leaves it to the library.
    memory
        Most bytes of prepared items that wait for a model at any time.
    models_at_once
        Models that are in memory together and share prepared items.
    offline
        Never ask a hub.
    trust
        Files that may be unpickled.
    backend, address
        Where to run; the address of a Ray cluster, empty to start one here.
    actors
        Ray actors that hold the models and share out the items; 0 for as many as the cluster has
        room for when a job starts.
    actor_cpus, actor_gpus
        CPUs and GPUs that each of them takes; 0.25 puts four on a GPU, and -1 takes one GPU where
        the cluster has any and the device is not ``cpu``.
    """

    on_existing: OnExisting = "only-missing"
    batch_size: int = 64
    precision: Precision = "fp32"
    save: Save = "topk"
    topk: int = 5
    limit: int = 0
    shard: tuple[int, int] = (1, 1)
    device: str = "auto"
    workers: int = -1
    threads: int = 0
    memory: int = 1 << 30
    models_at_once: int = 16
    offline: bool = False
    trust: tuple[str, ...] = ()
    backend: Backend = "local"
    address: str = ""
    actors: int = 0
    actor_cpus: float = 1.0
    actor_gpus: float = -1.0

    def __post_init__(self) -> None:
        _one_of("on_existing", self.on_existing, get_args(OnExisting))
        _one_of("precision", self.precision, get_args(Precision))
        _one_of("save", self.save, get_args(Save))
        _one_of("backend", self.backend, get_args(Backend))
        least = {"batch_size": 1, "topk": 1, "limit": 0, "workers": -1, "threads": 0}
        for name, low in (least | {"memory": 1, "models_at_once": 1, "actors": 0}).items():
            if getattr(self, name) < low:
                raise UsageError(f"{name} is {getattr(self, name)}.", f"Use at least {low}.")
        for name, special in (("actor_cpus", ()), ("actor_gpus", (0, -1))):
            amount = getattr(self, name)
            if amount not in special and not (0 < amount < 1 or (amount >= 1 and amount % 1 == 0)):
                raise UsageError(
                    f"{name} is {amount}.", "Use a whole number, or a fraction below 1."
                )
        part, parts = self.shard
        if not 1 <= part <= parts:
            raise UsageError(
                f"shard is {part}/{parts}.", "Use 1/4 to 4/4 for the parts of four machines."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self) | {"trust": list(self.trust), "shard": list(self.shard)}
