from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Runtime
from freshset.models.local import (
    class_space,
    existing_file,
    no_revision,
    one_of,
    only_fp32,
    read_classes,
    versions,
)
from freshset.models.reference import ModelRef

REF = ModelRef.parse("onnx:sub/m.onnx?kind=scores")


def test_files_are_found_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.onnx").write_bytes(b"x")
    runtime = Runtime(root=str(tmp_path))
    assert existing_file(REF, runtime, REF.name) == tmp_path / "sub" / "m.onnx"
    absolute = str(tmp_path / "sub" / "m.onnx")
    assert existing_file(REF, Runtime(root="/elsewhere"), absolute) == Path(absolute)
    for name in ("none.onnx", "sub"):
        with pytest.raises(UsageError, match=f"onnx:sub/m.onnx.*no file .*{name}"):
            existing_file(REF, runtime, name)


def test_precision_revision_and_choices_are_checked() -> None:
    only_fp32(REF, Runtime(), "it is so")
    with pytest.raises(UsageError, match="cannot run in fp16: it is so. Use --precision fp32"):
        only_fp32(REF, Runtime(precision="fp16"), "it is so")
    no_revision(REF)
    with pytest.raises(UsageError, match="@v2 means nothing here"):
        no_revision(ModelRef.parse("onnx:m.onnx@v2"))
    assert one_of(REF, "kind", ("logits", "scores")) == "scores"
    assert one_of(REF, "other", ("first", "second")) == "first"
    with pytest.raises(UsageError, match="kind is 'scores'. Use one of: logits, classes"):
        one_of(REF, "kind", ("", "logits", "classes"))


def test_versions_are_of_what_makes_the_numbers() -> None:
    found = versions(onnxruntime)
    assert set(found) == {"onnxruntime", "numpy", "pillow", "python"}
    assert found["onnxruntime"] == onnxruntime.__version__


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("c.txt", "cat\n dog \n\n7\n", ()),
        ("c.json", '["cat", "dog", 7]', ()),
        ("c.json", '{"keys": ["cat", "dog", "7"], "names": ["Cat", "Dog", "Seven"]}', ("Cat",)),
    ],
)
def test_classes_are_read_in_order(
    tmp_path: Path, name: str, text: str, names: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    space = read_classes(tmp_path / name)
    assert space.keys == ("cat", "dog", "7")
    assert space.names[:1] == names


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "not a list of classes"),
        ("cat", "not a list of classes"),
        ({"names": ["cat"]}, "not a list of classes"),
        ([1.5], "neither a text nor a whole number"),
        (["a", None], "neither a text nor a whole number"),
        (["a", "b", "a"], "'a' occurs twice"),
        ({"keys": ["a", "b"], "names": ["A"]}, "1 names for 2 keys"),
    ],
)
def test_what_is_no_class_list_is_refused(value: object, message: str) -> None:
    with pytest.raises(DataError, match=f"^here: .*{message}"):
        class_space(value, "here")


def test_a_class_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_classes(tmp_path / "c.txt")
