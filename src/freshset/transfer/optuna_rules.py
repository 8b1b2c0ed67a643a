"""Rules of Optuna for giving up trials; see `freshset.transfer.stopping`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.pruners import BasePruner, MedianPruner, SuccessiveHalvingPruner

from freshset.transfer.stopping import Curve, Stop

# As Optuna itself has it: nothing is given up before so many trials are known.
_FIRST = 5


def median(before: Sequence[Curve]) -> Stop:
    """Give up a trial whose best score so far is below the median of the others at that step."""
    return _stop(MedianPruner(n_startup_trials=_FIRST, n_warmup_steps=0), before)


def halving(before: Sequence[Curve]) -> Stop:
    """Keep the best quarter of trials at each rung (Li and others (2020), arXiv 1810.05934)."""
    return _stop(SuccessiveHalvingPruner(), before)


def _stop(pruner: BasePruner, before: Sequence[Curve]) -> Stop:
    with _quiet():
        study = optuna.create_study(direction="maximize", pruner=pruner)
        for curve in before:
            study.add_trial(
                optuna.trial.create_trial(value=curve[max(curve)], intermediate_values=dict(curve))
            )
        trial = study.ask()

    def stop(step: int, score: float) -> bool:
        trial.report(score, step)
        return bool(trial.should_prune())

    return stop


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of every study that is made; a library prints nothing."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
