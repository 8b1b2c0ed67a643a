"""Claim: 100,000 bootstrap lines cost no more than scipy's bootstrap of the slope alone.

And the 200-point confidence band of these lines takes at most twice the time of the fits.

67 simulated models.  The peer is ``scipy.stats.bootstrap`` at its best: vectorised, paired, in
batches that stay small, with a closed form whose sums need no temporary products.  It returns the
slope only; freshset returns slope, intercept and both means.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from freshset.stats.fits import band, bootstrap_models
from freshset.stats.intervals import percentile_interval

_MODELS, _GRID, _BATCH = 67, 200, 10_000
Floats = npt.NDArray[np.float64]


def closed_form_slope(x: Any, y: Any, axis: int = -1) -> Floats:
    """Least-squares slope along an axis, of points that are nearly centred."""
    m = x.shape[axis]
    sx, sy = x.sum(axis=axis), y.sum(axis=axis)
    sxx, sxy = np.vecdot(x, x, axis=axis), np.vecdot(x, y, axis=axis)
    return np.asarray((m * sxy - sx * sy) / (m * sxx - sx * sx))


def peer(x: Floats, y: Floats, resamples: int, seed: int) -> Any:
    """Percentile bootstrap of the slope by scipy."""
    return stats.bootstrap(
        (x - x.mean(), y - y.mean()), closed_form_slope, n_resamples=resamples, batch=_BATCH,
        paired=True, vectorized=True, method="percentile", rng=np.random.default_rng(seed),
    )  # fmt: skip


def median_time(function: Callable[[], object], repeats: int) -> float:
    """Median wall time in seconds, after one run to warm up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> int:
    """Measure fits and band; 1 when a claim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=9, help="runs of each, after a warm-up")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    resamples, repeats, seed = arguments.resamples, arguments.repeats, arguments.seed

    rng = np.random.default_rng(seed)
    x = rng.normal(74, 5, _MODELS)
    y = 1.11 * x - 20.3 + rng.normal(0, 0.56, _MODELS)
    grid = np.linspace(x.min(), x.max(), _GRID)

    samples = bootstrap_models(x, y, resamples, rng=np.random.default_rng(seed))
    ours, theirs = percentile_interval(samples.slope), peer(x, y, resamples, seed)
    # Only the law must agree, although both sides may draw alike from one seed: percentiles of B
    # samples differ by about 3.8 / sqrt(B) of a standard error, both being estimated.
    tolerance = 4 * 3.8 / np.sqrt(resamples) * theirs.standard_error
    bounds = np.array([ours.low, ours.high]), np.array(theirs.confidence_interval)
    same = bool(np.abs(bounds[0] - bounds[1]).max() <= tolerance)
    in_band = band(samples, grid)
    first = percentile_interval(samples.intercept + samples.slope * grid[0])
    same &= bool(in_band.low[0] == first.low and in_band.high[0] == first.high)

    fits = median_time(
        lambda: bootstrap_models(x, y, resamples, rng=np.random.default_rng(seed)), repeats
    )
    scipy_fits = median_time(lambda: peer(x, y, resamples, seed), repeats)
    bands = median_time(lambda: band(samples, grid), repeats)

    print(
        f"{resamples:,} bootstrap lines through {_MODELS} models (simulated), median of {repeats}"
    )
    print(f"  freshset, line and means     {fits:8.4f} s")
    print(f"  scipy.stats.bootstrap, slope {scipy_fits:8.4f} s")
    print(f"  ratio                        {scipy_fits / fits:8.2f}    (claim: at least 1)")
    print(f"  band on {_GRID} points           {bands:8.4f} s")
    print(f"  band / fits                  {bands / fits:8.2f}    (claim: at most 2)")
    print(f"  95 % interval of the slope: {bounds[0].round(4)} and {bounds[1].round(4)}")
    held = same and scipy_fits >= fits and bands <= 2 * fits
    if not held:
        print("A claim was missed." if same else "The two sides disagree.")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
