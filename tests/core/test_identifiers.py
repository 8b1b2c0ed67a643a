from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.core.errors import UsageError
from freshset.core.identifiers import (
    canonical_testset,
    resolve_suffix_aliases,
    slug,
)
from freshset.core.identifiers import testset_title as title_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("imagenet-validation-original", "imagenet/val"),
        ("imagenetv2-b-33", "imagenetv2/matched-frequency"),
        ("imagenetv2/b-33", "imagenetv2/matched-frequency"),
        ("imagenetv2-a-44", "imagenetv2/threshold-0.7"),
        ("imagenetv2-c-12", "imagenetv2/top-images"),
        ("imagenetv2-a-16", "imagenetv2/a-16"),
        ("imagenetv2-matched-frequency", "imagenetv2/matched-frequency"),
        ("imagenet-annotatedval20k-0", "imagenet/annotatedval20k-0"),
        ("cifar10.1", "cifar10.1/v6"),
        ("mnist/test", "mnist/test"),
    ],
)
def test_canonical_names(name: str, expected: str) -> None:
    assert canonical_testset(name) == expected
    assert canonical_testset(expected) == expected


@pytest.mark.parametrize("name", ["", "/", "a//b", "../secret", "a b", "-x", "a/../b"])
def test_names_that_are_no_ids(name: str) -> None:
    with pytest.raises(UsageError, match="not a test-set id"):
        canonical_testset(name)


def test_title_of_an_unknown_set_is_its_id() -> None:
    assert title_of("imagenetv2/matched-frequency") == "ImageNetV2 MatchedFrequency"
    assert title_of("mine/test") == "mine/test"


@given(st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=2, unique=True))
def test_slugs_are_distinct_file_names(names: list[str]) -> None:
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == 2
    for text in slugs:
        assert "/" not in text
        assert "\\" not in text
        assert text not in (".", "..")
        assert not text.startswith(".")
        assert len(text.encode()) <= 255
        assert not set(text) & set("*?[]")


def test_suffix_aliases() -> None:
    folders = {"a": {"fv", "net"}, "b": {"fv_model", "net"}, "c": {"other_model"}}
    assert resolve_suffix_aliases(folders) == {"fv_model": "fv"}


def test_two_models_in_one_folder_are_no_aliases() -> None:
    assert resolve_suffix_aliases({"a": {"x", "x_model"}, "b": {"x_model"}}) == {}
