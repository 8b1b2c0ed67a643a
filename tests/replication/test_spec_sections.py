from __future__ import annotations

import pytest
from pydantic import ValidationError

from freshset.replication.spec_sections import ClassSpec, SamplingSpec, TasksSpec, WorkersSpec


def test_defaults_are_those_of_the_paper() -> None:
    tasks, sampling = TasksSpec(), SamplingSpec()
    assert tasks.grid - tasks.positives - tasks.negatives == 42
    assert (tasks.answers, tasks.reward, tasks.seconds) == (10, 0.10, 600)
    assert sampling.bins == (0.2, 0.4, 0.6, 0.8)
    assert (sampling.threshold, sampling.min_answers, sampling.min_original_images) == (0.7, 10, 20)
    assert WorkersSpec().policy == "warn"


@pytest.mark.parametrize("key", ["", " cat", "a/b", "a\\b", "..", ".hidden", "a\nb", "x" * 256])
def test_keys_name_folders(key: str) -> None:
    with pytest.raises(ValidationError, match="is no key"):
        ClassSpec(key=key)


@pytest.mark.parametrize("key", ["n01440764", "café", "red fox", "1", "x" * 255])
def test_keys(key: str) -> None:
    assert ClassSpec(key=key).title == key


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_fractions(value: float) -> None:
    with pytest.raises(ValidationError, match="not between 0 and 1"):
        ClassSpec(key="a", threshold=value)
