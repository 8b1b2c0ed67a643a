from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from freshset.core import registry as module
from freshset.core.errors import MissingExtraError, UsageError
from freshset.core.registry import Entry, Registry

REGISTRY = Registry(
    "test adapter",
    {
        "good": Entry("json:loads", summary="reads json"),
        "missing": Entry("freshset_not_there.adapter:X", "fancy", ("freshset_not_there",)),
        "broken": Entry("json:nothing"),
    },
    group="freshset.tests",
)


def test_an_adapter_is_imported_when_it_is_asked_for() -> None:
    import json

    assert REGISTRY.load("good") is json.loads


def test_a_missing_extra_names_its_install_line() -> None:
    with pytest.raises(MissingExtraError, match="needs freshset_not_there") as caught:
        REGISTRY.load("missing")
    assert caught.value.hint == 'Install it: pip install "freshset[fancy]"'


def test_names_that_are_unknown_or_broken() -> None:
    with pytest.raises(UsageError, match="No test adapter 'goood'") as caught:
        REGISTRY.load("goood")
    assert "'good'" in caught.value.hint
    with pytest.raises(UsageError, match="'broken' is broken"):
        REGISTRY.load("broken")


def test_plugins_join_and_never_take_a_name_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("extra", "json:dumps", "freshset.tests"),
        EntryPoint("good", "json:dumps", "freshset.tests"),
        EntryPoint("gone", "freshset_gone:X", "freshset.tests"),
    ]

    def found(*, group: str) -> Any:
        return [point for point in points if point.group == group]

    monkeypatch.setattr(module, "entry_points", found)
    import json

    assert REGISTRY.load("extra") is json.dumps
    assert REGISTRY.load("good") is json.loads
    with pytest.raises(UsageError, match="'gone' cannot be imported"):
        REGISTRY.load("gone")
    assert REGISTRY.entries()["extra"].summary == "plugin json"
