from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.core.errors import UsageError
from freshset.models.reference import ModelRef


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timm:resnet50.a1_in1k", ("timm", "resnet50.a1_in1k", "", {})),
        ("hf:google/vit-base@main", ("hf", "google/vit-base", "main", {})),
        ("timm:local-dir:/data/nets@home/net", ("timm", "local-dir:/data/nets@home/net", "", {})),
        (
            "py:pkg.mod:make?depth=3&wide=true",
            ("py", "pkg.mod:make", "", {"depth": 3, "wide": True}),
        ),
        ("onnx:net.onnx?mean=[0.5,0.5]", ("onnx", "net.onnx", "", {"mean": [0.5, 0.5]})),
        ("open-clip:ViT-B-32/laion?t=None", ("open-clip", "ViT-B-32/laion", "", {"t": None})),
        ("onnx:a%20b.onnx?x=a%26b", ("onnx", "a%20b.onnx", "", {"x": "a&b"})),
    ],
)
def test_parts(text: str, expected: tuple[object, ...]) -> None:
    ref = ModelRef.parse(text)
    assert (ref.adapter, ref.name, ref.revision, dict(ref.options)) == expected
    assert ModelRef.parse(str(ref)) == ref


@pytest.mark.parametrize(
    "text",
    ["resnet50", "timm:", ":x", "Timm:x", "timm:@main", "timm:x@", "timm:x?y", "timm:x?y=1&y=2"],
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError):
        ModelRef.parse(text)


values = st.one_of(
    st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8), st.lists(st.integers(), max_size=3),
)  # fmt: skip


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), values, max_size=3))
def test_any_literal_survives(options: dict[str, object]) -> None:
    ref = ModelRef("py", "pkg:make", "", options)
    assert ModelRef.parse(str(ref)) == ref


def test_values_are_never_evaluated() -> None:
    ref = ModelRef.parse("py:a:b?x=__import__('os').getcwd()")
    assert ref.options["x"] == "__import__('os').getcwd()"


def test_the_order_of_options_does_not_matter() -> None:
    a, b = ModelRef.parse("py:m:f?a=1&b=2"), ModelRef.parse("py:m:f?b=2&a=1")
    assert a == b
    assert str(a) == str(b)
    assert hash(a) == hash(b)


def test_unknown_options_are_refused() -> None:
    ref = ModelRef.parse("py:m:f?size=1")
    ref.check_options(("size",))
    with pytest.raises(UsageError, match="no option 'size'"):
        ref.check_options(("sizes",))
    assert ref.option("size") == 1
    assert ref.option("other", 7) == 7
