"""Whether a model fits into the time that is left: its speed on a few images, tried beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from freshset.core.config import RunSettings
from freshset.engine.loader import read_batch, workers_for
from freshset.models.registry import load_features
from freshset.transfer.features.wanted import WantedFeatures

_IMAGES = 16


@dataclass(slots=True)
class Clock:
    """Time that may be spent.

    Attributes
    ----------
    seconds
        In all.
    now
        A clock that never goes back.
    """

    seconds: float
    now: Callable[[], float] = time.monotonic
    _began: float = 0.0

    def __post_init__(self) -> None:
        self._began = self.now()

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return self.now() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left; below 0 when more were spent."""
        return self.seconds - self.spent


def seconds_for(
    wanted: WantedFeatures,
    settings: RunSettings,
    images: int,
    now: Callable[[], float] = time.perf_counter,
) -> float:
    """Estimate how long a model takes for some images, by running it on the first few twice.

    Parameters
    ----------
    images
        Of which features are to be taken.

    Returns
    -------
    float
        Seconds: reading by as many processes as a run would use, and the network, one after the
        other; a run overlaps them, so that it is rather quicker.

    Raises
    ------
    Whatever the model raises.
    """
    model = load_features(wanted.info.reference, wanted.runtime)
    rows = range(min(_IMAGES, settings.batch_size, wanted.images))
    began = now()
    batch = read_batch(wanted.reader, wanted.preprocessing, rows)[2]
    reading = now() - began
    layer, pooling = wanted.features.layer, wanted.features.pooling
    model.features(batch, layer, pooling)  # the first run prepares itself
    began = now()
    model.features(batch, layer, pooling)
    running = now() - began
    workers = max(1, workers_for(wanted.reader, settings.workers, images))
    return (reading / workers + running) / len(rows) * images
