from __future__ import annotations

from typing import get_args

import pytest

from freshset.core.errors import MissingExtraError, UsageError
from freshset.core.registry import Entry, Registry
from freshset.transfer import stopping
from freshset.transfer.protocol import Stopping, Training
from freshset.transfer.stopping import RULES, rule


def test_the_protocol_knows_the_rules() -> None:
    assert {"none", *RULES.builtin} == set(get_args(Stopping))
    for name in get_args(Stopping):
        assert Training(stopping=name).stopping == name
    with pytest.raises(UsageError, match="No rule for stopping 'best'"):
        rule("best")


def test_a_rule_whose_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("no_such_package.rules:median", "tune", ("no_such_package",))
    monkeypatch.setattr(stopping, "RULES", Registry("rule", {"median": entry}, "freshset.x"))
    with pytest.raises(MissingExtraError) as info:
        rule("median")
    assert "freshset[tune]" in info.value.hint
