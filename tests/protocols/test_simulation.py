from __future__ import annotations

import json
from dataclasses import replace

import pytest

from freshset.core.errors import UsageError
from freshset.protocols.policies import PolicySpec
from freshset.protocols.simulation import (
    SCHEMA,
    FeedbackSettings,
    default_policies,
    feedback_study,
)

SMALL = FeedbackSettings(n_public=200, n_fresh=200, counts=(2, 20), repetitions=3)


def test_plain_feedback_overfits_by_points_and_the_ladder_by_sampling_error() -> None:
    settings = FeedbackSettings(n_public=2000, n_fresh=8000, counts=(400,), repetitions=12)
    policies = {"plain": PolicySpec("exact"), "ladder": PolicySpec("ladder")}
    study = feedback_study(settings, attacks=("boosting",), policies=policies)
    plain, ladder = (study.curve("boosting", name).error[0] for name in policies)
    assert study.sampling_error == pytest.approx(1.118, abs=0.001)
    # Whoever guesses 400 times is lucky once by 2.97 standard errors; the Ladder leaves no more.
    luck = 2.97 * study.sampling_error
    assert ladder.low < luck
    assert ladder.high < 4 * study.sampling_error
    assert plain.low > 7 * study.sampling_error
    assert plain.low - ladder.high > 4
    assert ladder.value == pytest.approx(2.9, abs=0.6)
    assert plain.value == pytest.approx(9.9, abs=0.8)
    assert study.curve("boosting", "plain").fresh[0] == pytest.approx(0.5, abs=0.006)


def test_the_document_and_the_words() -> None:
    done: list[str] = []
    study = feedback_study(SMALL, step=done.append)
    assert len(done) == len(study.curves) == 3 * len(default_policies(200))
    data = json.loads(json.dumps(study.to_dict()))
    assert data["schema"] == SCHEMA
    assert data["settings"]["counts"] == [2, 20]
    assert len(data["curves"][0]["error"]) == 2
    assert len(study.findings) == 3
    assert study.findings[0].startswith("After 20 submissions (boosting) the board flatters")
    assert "Ladder, parameter-free" in study.findings[0]


def test_a_seed_decides_all_and_policies_face_the_same_coins() -> None:
    one, other = feedback_study(SMALL), feedback_study(SMALL)
    assert one == other
    assert feedback_study(replace(SMALL, seed=1)) != one
    alone = feedback_study(SMALL, attacks=("random",), policies={"plain": PolicySpec("exact")})
    assert alone.curves[0] == one.curve("random", "plain")


def test_bad_settings() -> None:
    with pytest.raises(UsageError, match="two repetitions"):
        feedback_study(replace(SMALL, repetitions=1))
    with pytest.raises(UsageError, match="Unknown attack"):
        feedback_study(SMALL, attacks=("none",))
