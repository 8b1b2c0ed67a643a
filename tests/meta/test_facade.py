from __future__ import annotations

import subprocess
import sys

import pytest

import freshset


def test_every_public_name_loads() -> None:
    for name in freshset.__all__:
        assert getattr(freshset, name) is not None
    assert set(freshset._WHERE) | {"__version__"} == set(freshset.__all__)
    assert dir(freshset) == freshset.__all__
    assert len(freshset.__all__) <= 20


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = freshset.nonsense


def test_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert version("freshset") == freshset.__version__


def test_the_command_is_installed() -> None:
    out = subprocess.run(
        [sys.executable, "-m", "freshset", "--version"], capture_output=True, text=True, check=False
    )
    assert out.stdout == f"freshset {freshset.__version__}\n"
