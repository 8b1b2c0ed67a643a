from __future__ import annotations

import subprocess
import sys

import pytest

from freshset.core.errors import UsageError
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.models.registry import ADAPTERS, describe, load


@pytest.mark.parametrize("name", sorted(ADAPTERS.builtin))
def test_every_adapter_loads_and_says_what_it_is(name: str) -> None:
    adapter = ADAPTERS.load(name)
    for method in ("expand", "describe", "load"):
        assert callable(getattr(adapter, method))
    assert ADAPTERS.builtin[name].summary


def test_the_list_itself_loads_no_library() -> None:
    code = (
        "import sys; import freshset.models.registry\n"
        "print([m for m in ('torch', 'timm', 'transformers', 'onnxruntime') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_an_unknown_adapter_is_named() -> None:
    ref = ModelRef.parse("tim:resnet50")
    for function in (describe, load):
        with pytest.raises(UsageError, match="No model adapter 'tim'") as caught:
            function(ref, Runtime())
        assert "'timm'" in caught.value.hint
