from __future__ import annotations

from typing import get_args

from freshset.cli.options import MetricName, ResampleName
from freshset.core.config import Metric, Resample


def test_choices_are_those_of_the_settings() -> None:
    assert tuple(MetricName) == get_args(Metric)
    assert tuple(ResampleName) == get_args(Resample)
