from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from freshset.webapp.params import ItemId, Reason, Remark, SomeItemsBecause, Version


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ItemId, "../../etc/passwd"), (ItemId, "A" * 64), (ItemId, "a" * 64 + "\n"),
        (Reason, " "), (Reason, "a\0b"), (Reason, "a\nb"), (Reason, "x" * 501), (Reason, "\ud800"),
        (Remark, "a\0"), (Version, -1), (Version, 10**10),
    ],
)  # fmt: skip
def test_what_nobody_can_mean_is_refused(kind: object, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_reasons_are_trimmed_and_otherwise_kept() -> None:
    body = SomeItemsBecause(items=["a" * 64], reason="  <b>blurred</b> „sehr“ ")
    assert body.reason == "<b>blurred</b> „sehr“"
