from __future__ import annotations

import json

import pytest

from freshset.core.errors import UsageError
from freshset.protocols.policies import NAMES, PolicySpec, policy_from_dict

SPECS = (
    PolicySpec("exact"),
    PolicySpec("rounded", step="0.01"),
    PolicySpec("ladder-step", step="0.01"),
    PolicySpec("ladder"),
    PolicySpec("thresholdout", threshold=0.04, sigma=0.01, budget=5),
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_every_policy_is_made_saved_and_taken_up(spec: PolicySpec) -> None:
    assert PolicySpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    policy = spec.make(seed=5)
    assert policy.kind == spec.kind
    assert policy.submit([1, 0, 1], claimed=0.5).improved
    again = policy_from_dict(json.loads(json.dumps(policy.to_dict())))
    assert again.submissions == policy.submissions == 1
    assert again.submit([0, 0, 1], claimed=0.3) == policy.submit([0, 0, 1], claimed=0.3)
    assert again.to_dict() == policy.to_dict()


def test_the_names_are_complete() -> None:
    assert {spec.kind for spec in SPECS} == set(NAMES)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (PolicySpec("laddr"), "Unknown policy 'laddr'"),
        (PolicySpec("rounded"), "needs a step"),
        (PolicySpec("ladder", step="0.1"), "takes no step"),
        (PolicySpec("thresholdout", sigma=0.1), "needs threshold"),
        (PolicySpec("ladder", threshold=0.1), "takes no threshold"),
        (PolicySpec("exact", budget=3), "takes no budget"),
    ],
)
def test_settings_that_do_not_fit(spec: PolicySpec, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        spec.make()
    with pytest.raises(UsageError, match="Unknown policy"):
        policy_from_dict({})
