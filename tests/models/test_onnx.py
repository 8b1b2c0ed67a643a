from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from models.digits_net import DigitsNet, export
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Model, ModelInfo, Runtime, stacked
from freshset.models.onnx import ADAPTER
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef

SAID = "size=8&mean=0&std=1"
DIGITS = tuple("0123456789")


def describe(root: Path, text: str = "m.onnx", **runtime: Any) -> ModelInfo:
    return ADAPTER.describe(ModelRef.parse(f"onnx:{text}"), Runtime(root=str(root), **runtime))


def load(root: Path, text: str = "m.onnx", **runtime: Any) -> Model:
    runtime = {"device": "cpu"} | runtime
    return ADAPTER.load(ModelRef.parse(f"onnx:{text}"), Runtime(root=str(root), **runtime))


def mean_model(
    path: Path, shape: list[Any], kind: int = TensorProto.FLOAT, **properties: str
) -> Path:
    """Scores are the mean of every channel: shape (n, channels)."""
    channels_last = shape[-1] in {1, 3}
    axes = [1, 2] if channels_last else [2, 3]
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f"], ["y"], axes=axes, keepdims=0),
    ]
    out = [shape[0], shape[-1] if channels_last else shape[1]]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)],
    )
    return save(path, graph, properties)


def save(path: Path, graph: Any, properties: dict[str, str] | None = None) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, properties or {})
    onnx.save(model, path)
    return path


def image(red: int = 255, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new("RGB", size, (red, 51, 0))


def scores(model: Model, *items: Any) -> Any:
    return model.predict(stacked([model.info.preprocessing.prepare(item) for item in items]))


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (["n", 3, 8, 8], TensorProto.FLOAT),
        (["n", 8, 8, 3], TensorProto.FLOAT),
        (["n", 3, "h", "w"], TensorProto.DOUBLE),
        ([1, 3, 8, 8], TensorProto.FLOAT16),
    ],
)
def test_layout_and_type_are_those_of_the_input(
    tmp_path: Path, shape: list[Any], kind: int
) -> None:
    mean_model(tmp_path / "m.onnx", shape, kind)
    model = load(tmp_path, "m.onnx?size=8&mean=0.5,0,0&std=0.5,1,1")
    assert model.info.n_outputs == 3
    np.testing.assert_allclose(scores(model, image()), [[1, 0.2, 0]], atol=1e-3)


def test_a_model_of_bytes_gets_bytes(tmp_path: Path) -> None:
    mean_model(tmp_path / "m.onnx", ["n", 8, 8, 3], TensorProto.UINT8)
    assert scores(load(tmp_path, "m.onnx?size=8"), image()).tolist() == [[255, 51, 0]]
    mean_model(tmp_path / "f.onnx", ["n", 3, 8, 8], TensorProto.UINT8)
    assert scores(load(tmp_path, "f.onnx?size=8"), image()).tolist() == [[255, 51, 0]]
    with pytest.raises(UsageError, match="takes bytes, so mean has nothing to work on"):
        describe(tmp_path, f"m.onnx?{SAID}")


def test_where_the_channels_are_may_have_to_be_said(tmp_path: Path) -> None:
    mean_model(tmp_path / "m.onnx", ["n", 3, 8, 3])
    for text in ("m.onnx?size=8", "m.onnx?size=8&layout=hwc"):
        with pytest.raises(UsageError, match="channels come first or last"):
            describe(tmp_path, text)
    info = describe(tmp_path, "m.onnx?size=3x8&mean=0&std=1&layout=nhwc")
    assert info.preprocessing.prepare(image()).shape == (3, 8, 3)
    mean_model(tmp_path / "d.onnx", ["n", "c", 8, 8])
    with pytest.raises(UsageError, match="mode is None for any number of channels"):
        describe(tmp_path, f"d.onnx?{SAID}&layout=nchw")
    assert "image L" in describe(tmp_path, f"d.onnx?{SAID}&layout=nchw&mode=L").preprocessing.key
    mean_model(tmp_path / "g.onnx", ["n", 1, 8, 8])
    with pytest.raises(UsageError, match="mode is 'RGB' for 1 channels"):
        describe(tmp_path, f"g.onnx?{SAID}&mode=RGB")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "nothing says how images are prepared"),
        ("?size=8", "nothing says how images are prepared"),
        ("?mean=0&std=1", "size that images must get is not given"),
        ("?size=9&mean=0&std=1", "takes images of 8x8, not 9x9"),
        ("?sise=8&mean=0&std=1", "no option 'sise'"),
        ("?size=8&mean=0&std=1&kind=votes", "kind is 'votes'"),
        ("?size=8&mean=0&std=1&input=text", "input is 'text'"),
        ("?size=8&mean=0&std=1&output=z", "no output 'z'. Did you mean|no output 'z'. Known: y"),
        ("?size=8&mean=0&std=1&classes=none.txt", "no file .*none.txt"),
        ("@v2?size=8", "@v2 means nothing here"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(tmp_path: Path, query: str, message: str) -> None:
    mean_model(tmp_path / "m.onnx", ["n", 3, 8, 8])
    with pytest.raises(UsageError, match=message):
        describe(tmp_path, f"m.onnx{query}")


def test_what_belongs_to_the_model_is_kept_with_it(tmp_path: Path) -> None:
    inside = {"size": 8, "mean": [0.1, 0.1, 0.1], "std": 1, "classes": ["r", "g", "b"]}
    mean_model(tmp_path / "m.onnx", ["n", 3, 8, 8], freshset=json.dumps(inside), stride="32")
    info = describe(tmp_path)
    assert isinstance(info.preprocessing, ImagePreprocessing)
    assert info.preprocessing.mean == (0.1,) * 3
    assert info.classes is not None
    assert info.classes.keys == ("r", "g", "b")
    beside = {"mean": 0.2, "kind": "scores", "classes": {"keys": ["x", "y", "z"]}}
    (tmp_path / "m.json").write_text(json.dumps(beside), encoding="utf-8")
    info = describe(tmp_path)
    assert isinstance(info.preprocessing, ImagePreprocessing)
    assert (info.preprocessing.mean, info.outputs) == ((0.2,) * 3, "scores")
    assert info.classes is not None
    assert info.classes.keys == ("x", "y", "z")
    (tmp_path / "c.txt").write_text("p\nq\nr\n", encoding="utf-8")
    info = describe(tmp_path, "m.onnx?crop=8&mean=0.3&classes=c.txt&kind=logits")
    assert isinstance(info.preprocessing, ImagePreprocessing)
    assert (info.preprocessing.mean, info.preprocessing.resize) == ((0.3,) * 3, None)
    assert info.outputs == "logits"
    assert info.classes is not None
    assert info.classes.keys == ("p", "q", "r")


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ("[1]", "m.json: not a JSON object"),
        ('{"layout": "nchw"}', "m.json: unknown key 'layout'"),
        ('{"sizes": 8}', "unknown key 'sizes'. Did you mean 'size'"),
        ('{"classes": ["a"], "size": 8, "mean": 0, "std": 1}', "3 outputs, but 1 classes"),
        ("{", "not valid JSON"),
    ],
)
def test_a_wrong_file_beside_it_is_refused(tmp_path: Path, beside: str, message: str) -> None:
    mean_model(tmp_path / "m.onnx", ["n", 3, 8, 8])
    (tmp_path / "m.json").write_text(beside, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        describe(tmp_path)


def test_wrong_metadata_are_refused(tmp_path: Path) -> None:
    mean_model(tmp_path / "m.onnx", ["n", 3, 8, 8], freshset="{")
    with pytest.raises(DataError, match="metadata entry 'freshset' is not JSON"):
        describe(tmp_path)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_a_fixed_batch_is_filled_up_and_nothing_of_it_comes_back(
    digits_net: DigitsNet, tmp_path: Path, batch: int, n: int
) -> None:
    class Ranks(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1)

    export(Ranks(), tmp_path / "m.onnx", batch=batch)
    model = load(tmp_path, f"m.onnx?{SAID}")
    items = digits_net.images[:n]
    out = scores(model, *items)
    assert out.shape == (n, 64)
    np.testing.assert_array_equal(out, np.concatenate([scores(model, one) for one in items]))
    assert len(np.unique(out, axis=0)) == n


def vectors(path: Path, *, batch: Any = "n", kind: int = TensorProto.FLOAT) -> Path:
    """Two outputs of vectors of 4: probabilities, and labels, as converters of sklearn write."""
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32)[:, :3], "w")
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["f", "w"], ["z"]),
            helper.make_node("Softmax", ["z"], ["probability"]),
            helper.make_node("ArgMax", ["z"], ["label"], axis=1, keepdims=0),
        ],
        "g",
        [helper.make_tensor_value_info("x", kind, [batch, 4])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [batch]),
            helper.make_tensor_value_info("probability", TensorProto.FLOAT, [batch, None]),
        ],
        [weight],
    )
    return save(path, graph)


def test_arrays_and_several_outputs(tmp_path: Path) -> None:
    vectors(tmp_path / "m.onnx")
    with pytest.raises(UsageError, match="several outputs: label, probability"):
        describe(tmp_path)
    items = np.eye(4)[[2, 0, 1]]
    model = load(tmp_path, "m.onnx?output=probability&kind=probabilities")
    assert model.info.input == "array"
    assert model.info.preprocessing.key == "array"
    out = scores(model, *items)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-6)
    assert out.argmax(axis=1).tolist() == [2, 0, 1]
    model = load(tmp_path, "m.onnx?output=label&kind=classes")
    assert scores(model, *items).tolist() == [2, 0, 1]
    with pytest.raises(UsageError, match="size says how images are prepared"):
        describe(tmp_path, "m.onnx?output=label&size=8")


def test_fractions_are_not_cut_to_whole_numbers(tmp_path: Path) -> None:
    vectors(tmp_path / "m.onnx", kind=TensorProto.INT64)
    model = load(tmp_path, "m.onnx?output=probability&kind=probabilities")
    assert scores(model, np.arange(4)).shape == (1, 3)
    with pytest.raises(DataError, match="takes int64, but the items are float64"):
        scores(model, np.arange(4.0))


def test_an_output_that_is_no_row_an_item_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    save(tmp_path / "m.onnx", graph)
    with pytest.raises(DataError, match="the output 'y' is .* for 2 items"):
        scores(load(tmp_path), np.ones(4), np.ones(4))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([("a", TensorProto.FLOAT, [1, 2]), ("b", TensorProto.FLOAT, [1, 2])], "'a', 'b'"),
        ([("a", TensorProto.STRING, [1])], "no array of numbers"),
        ([("a", TensorProto.FLOAT, None)], "no array of numbers"),
        ([("a", TensorProto.FLOAT, [])], "no array of numbers"),
        ([("a", TensorProto.INT64, [1, 3, 8, 8])], "no batch of images"),
    ],
)
def test_inputs_that_cannot_be_fed_are_refused(
    tmp_path: Path, inputs: list[Any], message: str
) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["a"], ["y"])],
        "g",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info("y", inputs[0][1], None)],
    )
    save(tmp_path / "m.onnx", graph)
    with pytest.raises(UsageError, match=message):
        describe(tmp_path)


def test_the_digest_is_of_all_files(digits_net: DigitsNet, tmp_path: Path) -> None:
    model = onnx.load(digits_net.folder / "digits.onnx")
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="m.onnx.data", size_threshold=0)
    text = f"m.onnx?{SAID}"
    before = describe(tmp_path, text).weights
    item = digits_net.images[0]
    whole = load(digits_net.folder, f"digits.onnx?{SAID}")
    np.testing.assert_array_equal(scores(load(tmp_path, text), item), scores(whole, item))
    data = bytearray((tmp_path / "m.onnx.data").read_bytes())
    data[7] ^= 1
    (tmp_path / "m.onnx.data").write_bytes(data)
    assert describe(tmp_path, text).weights != before
    with pytest.raises(DataError, match="which is not the one asked for"):
        describe(tmp_path, f"{text}&sha256={before}")
    (tmp_path / "m.onnx.data").unlink()
    with pytest.raises(DataError, match="its weights are in m.onnx.data, which is not beside it"):
        describe(tmp_path, text)


def test_weights_outside_the_folder_are_refused_here_and_by_the_runtime(
    digits_net: DigitsNet, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    model = onnx.load(digits_net.folder / "digits.onnx")
    onnx.save(
        model, inner / "m.onnx", save_as_external_data=True, location="w.data", size_threshold=0
    )
    moved = onnx.load(inner / "m.onnx", load_external_data=False)
    for tensor in moved.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../w.data"
    (inner / "w.data").rename(tmp_path / "w.data")
    (inner / "m.onnx").write_bytes(moved.SerializeToString())
    with pytest.raises(DataError, match=r"'\.\./w.data', which is outside its folder"):
        load(inner, f"m.onnx?{SAID}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with pytest.raises(Exception, match=r"external|escape|outside|directory|path"):
        onnxruntime.InferenceSession(
            str(inner / "m.onnx"), options, providers=["CPUExecutionProvider"]
        )


def test_precision_and_device_are_what_is_asked_for(tmp_path: Path) -> None:
    mean_model(tmp_path / "m.onnx", ["n", 3, 8, 8])
    text = f"m.onnx?{SAID}"
    for precision in ("tf32", "fp16", "bf16"):
        with pytest.raises(
            UsageError, match=f"cannot run in {precision}: the precision of an ONNX"
        ):
            describe(tmp_path, text, precision=precision)
    with pytest.raises(UsageError, match="no device 'tpu'"):
        load(tmp_path, text, device="tpu")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(UsageError, match="this ONNX Runtime has no CUDA"):
            load(tmp_path, text, device="cuda")
    model = load(tmp_path, text, threads=1)
    assert model.info.versions["provider"] == "CPUExecutionProvider"


def test_threads_are_those_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mean_model(tmp_path / "m.onnx", ["n", 3, 8, 8])
    seen = []
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda p, o, q: seen.append(o) or real(p, o, q)
    )
    load(tmp_path, f"m.onnx?{SAID}", threads=3)
    assert seen[0].intra_op_num_threads == 3


def test_memory_that_runs_out_is_a_memory_error(tmp_path: Path) -> None:
    size = numpy_helper.from_array(np.array([1 << 44], np.int64), "size")
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["size"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["top"], keepdims=0),
            helper.make_node("Add", ["x", "top"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [size],
    )
    save(tmp_path / "m.onnx", graph)
    with pytest.raises(MemoryError):
        scores(load(tmp_path), np.ones(4))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"not a model at all", "not an ONNX file"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(DataError, match=message):
        describe(tmp_path)


def test_a_graph_that_cannot_run_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("NoSuchOperator", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
    )
    save(tmp_path / "m.onnx", graph)
    with pytest.raises(DataError, match="ONNX Runtime cannot load it .*NoSuchOperator"):
        load(tmp_path)
