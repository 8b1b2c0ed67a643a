from __future__ import annotations

from pathlib import Path

import pytest
from fakes.small_transfer import make_study

from freshset.transfer.running import make_transfer_plan, run_transfer
from freshset.transfer.study import load_transfer

optuna = pytest.importorskip("optuna")

from freshset.transfer.optuna_rules import halving, median  # noqa: E402  # is an extra

GOOD = [{10: 0.5 + 0.01 * i, 20: 0.6 + 0.01 * i, 30: 0.7 + 0.01 * i} for i in range(5)]


def test_median(capsys: pytest.CaptureFixture[str]) -> None:
    stop = median(GOOD)
    assert not stop(10, 0.53)
    assert stop(20, 0.55)  # the median of the others is 0.62
    assert not median(GOOD)(10, 0.52)
    assert median(GOOD)(10, 0.51)
    assert not median(GOOD[:4])(10, 0.0)  # too few to say
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_halving() -> None:
    first = halving([])
    assert not first(10, 0.1)
    assert not first(20, 0.1)
    later = halving(GOOD)
    assert not later(10, 0.9)


def test_trials_that_do_badly_are_given_up_and_never_chosen(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    training = {
        "steps": 12, "batch": 8, "rates": [0.05, 0.06, 0.07, 0.08, 0.09, 1e-9], "decays": [0.0],
        "measure_every": 3, "stopping": "median", "augmentation": {"scale": [1, 1], "flip": 0},
    }  # fmt: skip
    path = make_study(
        tmp_path,
        models=["py:nets.py:wide"],
        datasets=["bright"],
        protocol={"budget": "lite", "scratch": training},
    )
    plan = make_transfer_plan(load_transfer(path))
    assert run_transfer(plan, stage="scratch").complete
    *trials, final = plan.items("scratch")
    bad = plan.works.get(trials[-1].spec)
    assert bad is not None
    assert bad.document["score"] is None
    assert bad.document["trained"]["stopped"] < 12
    done = plan.works.get(final.spec)
    assert done is not None
    assert done.document["chosen"]["rate"] > 0.01
    assert any("given up early (rule 'median')" in text for text in done.document["warnings"])
