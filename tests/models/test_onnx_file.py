from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from models.digits_net import DigitsNet
from onnx import TensorProto, helper, numpy_helper

from freshset.core.errors import DataError
from freshset.models.onnx_file import OnnxFile, Port, read_onnx


def saved(path: Path, *, external: dict[str, str] | None = None, loop: bool = False) -> Path:
    """y = x @ w, where w may be in another file, within a branch of a graph, or both."""
    weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    if external is not None:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in external.items():
            weight.external_data.add(key=key, value=value)
    body = helper.make_graph(
        [helper.make_node("Constant", [], ["w"], value=weight)],
        "body",
        [],
        [helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3])],
    )
    yes = numpy_helper.from_array(np.ones((), bool), "yes")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    if loop:
        nodes.insert(0, helper.make_node("If", ["yes"], ["w"], then_branch=body, else_branch=body))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [yes] if loop else [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"author": "né", "freshset": "{}"})
    path.write_bytes(model.SerializeToString())
    return path


def test_the_outline_is_what_onnx_reads(tmp_path: Path) -> None:
    found = read_onnx(saved(tmp_path / "m.onnx"))
    assert found == OnnxFile(
        (Port("x", TensorProto.FLOAT, (0, 4)),),
        (Port("y", TensorProto.FLOAT, (0, 3)),),
        (),
        {"author": "né", "freshset": "{}"},
    )


def test_a_net_from_torch_is_read_as_onnx_reads_it(digits_net: DigitsNet) -> None:
    path = digits_net.folder / "digits.onnx"
    graph = onnx.load(path).graph
    found = read_onnx(path)
    for ours, theirs in ((found.inputs, graph.input), (found.outputs, graph.output)):
        assert [
            (one.name, one.type.tensor_type.elem_type,
             tuple(d.dim_value for d in one.type.tensor_type.shape.dim))
            for one in theirs
        ] == [(port.name, port.kind, port.shape) for port in ours]  # fmt: skip


def test_weights_in_other_files_are_named(digits_net: DigitsNet, tmp_path: Path) -> None:
    model = onnx.load(digits_net.folder / "digits.onnx")
    names = sorted(one.name for one in model.graph.initializer)
    path = tmp_path / "m.onnx"
    onnx.save(
        model, path, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0
    )
    assert list(read_onnx(path).external) == names
    onnx.save(
        onnx.load(path), path, save_as_external_data=True, location="w.data", size_threshold=0
    )
    assert read_onnx(path).external == ("w.data",)


def test_weights_within_a_branch_are_found_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", external={"location": "sub/w.bin", "offset": "0"}, loop=True)
    assert read_onnx(path).external == ("sub/w.bin",)


def test_weights_of_sparse_tensors_are_found_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx")
    model = onnx.load(path)
    values = numpy_helper.from_array(np.ones(1, np.float32), "v")
    for name, attach in (
        ("a.bin", model.graph.sparse_initializer.add().CopyFrom),
        ("b.bin", model.graph.node[0].attribute.add(name="s").sparse_tensor.CopyFrom),
    ):
        values.data_location = TensorProto.EXTERNAL
        del values.external_data[:]
        values.external_data.add(key="location", value=name)
        attach(onnx.SparseTensorProto(values=values, dims=[4]))
    path.write_bytes(model.SerializeToString())
    assert read_onnx(path).external == ("a.bin", "b.bin")


@pytest.mark.parametrize(
    "location", ["../w.bin", "/etc/passwd", "sub/../../w", "..\\w.bin", "C:\\w.bin", "C:w", ""]
)
def test_weights_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    path = saved(tmp_path / "m.onnx", external={"location": location})
    with pytest.raises(DataError, match="keeps weights in .*, which is outside its folder"):
        read_onnx(path)


def test_inputs_with_a_value_are_no_inputs(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.input.add().CopyFrom(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3]))
    path.write_bytes(model.SerializeToString())
    assert [port.name for port in read_onnx(path).inputs] == ["x"]


def test_shapes_that_are_not_said_and_sequences_are_told_apart(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.INT64, None))
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [1]))
    model.graph.output[0].CopyFrom(helper.make_value_info("y", kind))
    path.write_bytes(model.SerializeToString())
    found = read_onnx(path)
    assert found.inputs == (Port("x", TensorProto.INT64, None),)
    assert found.outputs == (Port("y", 0, None),)


@pytest.mark.parametrize("kept", [1, 10, 100, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = saved(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="m.onnx: not an ONNX file, or one that is cut short"):
        read_onnx(path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"not a model", b"\xff" * 30])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(DataError, match="not an ONNX file|an empty file"):
        read_onnx(tmp_path / "m.onnx")
