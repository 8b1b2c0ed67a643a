from __future__ import annotations

import json

from freshset.core.config import CompareSettings
from freshset.generalization.compare import analyse
from freshset.generalization.comparison import RankChange, methods


def test_nothing_that_json_cannot_hold(make_scores) -> None:
    for models in (1, 2, 3):
        result = analyse(
            make_scores(models, n_old=20, n_new=10),
            CompareSettings(bootstrap=200, item_bootstrap=200),
        )
        json.dumps(result.to_dict(), allow_nan=False)


def test_methods_say_what_was_approximate(make_scores) -> None:
    result = analyse(make_scores(), CompareSettings(bootstrap=200, item_bootstrap=200))
    assert methods(result)["accuracy_interval"] == "clopper-pearson"
    assert methods(result)["item_noise"] == "shared item resamples"


def test_what_was_resampled_is_said_and_not_what_was_asked_for(make_scores) -> None:
    fast = CompareSettings(bootstrap=200, item_bootstrap=200, resample="items")
    assert methods(analyse(make_scores(), fast))["resampled"] == "items"
    counts = analyse(make_scores(per_example=False), fast)
    assert methods(counts)["resampled"].startswith("models (lines)")
    assert (
        methods(analyse(make_scores(2), CompareSettings(resample="models")))["resampled"] == "items"
    )


def test_beyond_noise_excludes_zero() -> None:
    def change(low: int, high: int) -> RankChange:
        return RankChange(1, 1, 0, low, high, tied_old=False, tied_new=False)

    assert change(1, 4).beyond_noise
    assert change(-4, -1).beyond_noise
    assert not change(0, 4).beyond_noise
