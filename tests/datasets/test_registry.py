from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import UsageError
from freshset.datasets.base import TestSetRef
from freshset.datasets.registry import ADAPTERS, open_testset


@pytest.mark.parametrize("name", sorted(ADAPTERS.builtin))
def test_every_adapter_loads_and_says_what_it_is(name: str) -> None:
    assert callable(ADAPTERS.load(name).open)
    assert ADAPTERS.builtin[name].summary


def test_an_unknown_adapter_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No test-set adapter 'image-folders'") as caught:
        open_testset(TestSetRef("mine/test", "image-folders", str(tmp_path)))
    assert "'image-folder'" in caught.value.hint
