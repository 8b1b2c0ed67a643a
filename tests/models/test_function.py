from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Model, ModelInfo, Runtime, stacked
from freshset.models.function import ADAPTER
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.models.registry import load_features

CODE = '''
from pathlib import Path

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.models.base import ModelInfo
from freshset.models.preprocessing import ArrayPreprocessing, ImagePreprocessing
from freshset.models.reference import ModelRef

CALLS = Path(__file__).with_name("calls.txt")


def note(what):
    with CALLS.open("a") as stream:
        stream.write(what + "\\n")


def scaled(factor=1.0, *, offset=0):
    note("scaled")
    return lambda batch: batch * factor + offset


def image():
    def call(batch):
        assert batch.dtype == np.float32 and batch.shape[1:] == (3, 2, 2)
        return batch.mean(axis=(2, 3))

    note("image")
    return call


image.preprocessing = ImagePreprocessing(
    resize=(2, 2), crop=None, resizing="squash", mean=(0.5,) * 3, std=(0.5,) * 3
)
image.classes = ["r", "g", "b"]
image.outputs = "scores"


def first_pixel(image):
    return np.asarray(image, dtype=np.float32)[0, 0]


def pair():
    return (lambda batch: batch), first_pixel


class Said:
    """All is said by what is returned."""

    preprocessing = staticmethod(first_pixel)
    classes = ClassSpace("rgb", ("r", "g", "b"))
    outputs = "classes"
    weights = "w.bin"

    def __call__(self, batch):
        return batch.argmax(axis=1)


class Port:
    def __init__(self, runtime=None):
        ref = ModelRef("mine", "x")
        self.info = ModelInfo(
            ref, "mine/7", ArrayPreprocessing("mine"), "logits", input="array", n_outputs=2
        )
        self.device = None if runtime is None else runtime.device

    def predict(self, batch):
        return batch[:, :2].astype(np.float32)


def port():
    return Port()


def ported(runtime):
    assert runtime.device == "cpu"
    return Port(runtime)


def answers():
    call = lambda batch: (question.upper() for question in batch)
    call.input, call.outputs, call.task = "question", "answers", "question-answering"
    return call


def likelihoods():
    call = lambda batch: [[len(text), 1, 2] for text in batch]
    call.input, call.outputs, call.task = "text", "likelihoods", "language-modelling"
    return call


def ids():
    call = lambda batch: np.array([[int(item), 0] for item in batch])
    call.input = "id"
    return call


def fails(text="no file"):
    raise OSError(text)


def nothing():
    return 7


def tensors():
    import torch

    weight = torch.eye(2, requires_grad=True)
    return lambda batch: torch.from_numpy(batch).float() @ weight


def votes():
    return len


votes.outputs = "votes"


def unprepared():
    return len


unprepared.input = "image"


def twice():
    return Said(), first_pixel


def odd():
    return len


odd.preprocessing = 7


def lost():
    return len


lost.weights = ["none.bin"]
NOT_A_FACTORY = 7
built_in = dict
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "w.bin").write_bytes(b"weights")
    return tmp_path


def describe(root: Path, text: str, **runtime: Any) -> ModelInfo:
    return ADAPTER.describe(ModelRef.parse(f"py:{text}"), Runtime(root=str(root), **runtime))


def load(root: Path, text: str, **runtime: Any) -> Model:
    return ADAPTER.load(ModelRef.parse(f"py:{text}"), Runtime(root=str(root), **runtime))


def predict(model: Model, *items: Any) -> Any:
    return model.predict(stacked([model.info.preprocessing.prepare(item) for item in items]))


def calls(root: Path) -> list[str]:
    path = root / "calls.txt"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def test_options_are_the_arguments_of_the_factory(root: Path) -> None:
    model = load(root, "./code.py:scaled?factor=2&offset=1")
    assert predict(model, np.array([1.0, 2])).tolist() == [[3, 5]]
    assert predict(model, np.array([1.0, 2])).dtype == np.float32
    assert str(model.info.reference) == "py:./code.py:scaled?factor=2&offset=1"
    assert (model.info.input, model.info.outputs) == ("array", "logits")
    with pytest.raises(
        UsageError, match="cannot be called with these options .*factr.*factor, off"
    ):
        describe(root, "./code.py:scaled?factr=2")


def test_a_factory_that_says_nothing_is_called_once_to_describe_it(root: Path) -> None:
    for _ in range(3):
        describe(root, "./code.py:scaled")
    assert calls(root) == ["scaled"]
    load(root, "./code.py:scaled")
    assert calls(root) == ["scaled"] * 2


def test_a_factory_that_says_all_is_not_called_to_describe_it(root: Path) -> None:
    info = describe(root, "code.py:image")
    assert calls(root) == []
    assert info.classes is not None
    assert (info.classes.keys, info.n_outputs) == (("r", "g", "b"), 3)
    assert (info.input, info.outputs) == ("image", "scores")
    assert isinstance(info.preprocessing, ImagePreprocessing)
    model = load(root, "code.py:image")
    assert model.info == info
    out = predict(model, Image.new("RGB", (5, 5), (255, 0, 51)))
    np.testing.assert_allclose(out, [[1, -1, -0.6]], atol=1e-6)


def test_a_transform_may_come_with_the_callable(root: Path) -> None:
    model = load(root, "./code.py:pair")
    assert model.info.input == "image"
    assert "first_pixel" in model.info.preprocessing.key
    assert predict(model, Image.new("RGB", (3, 3), (7, 8, 9))).tolist() == [[7, 8, 9]]


def test_what_is_returned_can_say_it_too(root: Path) -> None:
    model = load(root, "./code.py:Said")
    assert model.info.classes is not None
    assert (model.info.classes.name, model.info.outputs) == ("rgb", "classes")
    assert predict(model, Image.new("RGB", (3, 3), (7, 9, 8))).tolist() == [1]


def test_an_object_that_keeps_the_port_is_taken_as_it_is(root: Path) -> None:
    model = load(root, "./code.py:port")
    assert str(model.info.reference) == "py:./code.py:port"
    assert model.info.adapter == "py/1"
    assert model.info.preprocessing.key == "array mine"
    assert predict(model, np.arange(3.0)).tolist() == [[0, 1]]
    assert load(root, "./code.py:ported", device="cpu").info.n_outputs == 2
    assert describe(root, "./code.py:ported", device="cpu", precision="fp16").n_outputs == 2
    with pytest.raises(UsageError, match="its factory takes no runtime"):
        describe(root, "./code.py:port", precision="fp16")


def test_tasks_other_than_classification(root: Path) -> None:
    model = load(root, "./code.py:answers")
    assert (model.info.task, model.info.preprocessing.key) == ("question-answering", "question")
    assert predict(model, "why", "how") == ["WHY", "HOW"]
    out = predict(load(root, "./code.py:likelihoods"), "some text")
    assert out.dtype == np.float64
    assert out.tolist() == [[9, 1, 2]]
    model = load(root, "./code.py:ids")
    assert (model.info.input, predict(model, "7").tolist()) == ("id", [[7, 0]])


def test_tensors_become_arrays(root: Path) -> None:
    out = predict(load(root, "./code.py:tensors"), np.array([1.0, 2]))
    assert isinstance(out, np.ndarray)
    assert out.tolist() == [[1, 2]]


NET = """
import torch

class Doubled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(2.0))
        self.weights = torch.nn.Parameter(torch.ones(3))
        self.outputs = "those of the last layer"
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x):
        assert not torch.is_grad_enabled()
        return self.drop(x).flatten(1) * self.factor

def net():
    return Doubled()

def as_tensor(image):
    return torch.tensor(image.getpixel((0, 0)), dtype=torch.float32)

def pair():
    return Doubled(), as_tensor
"""


def test_a_torch_module_is_run_as_one(root: Path) -> None:
    (root / "net.py").write_text(NET, encoding="utf-8")
    model = load(root, "./net.py:net", device="cpu")
    assert predict(model, np.array([1.0, 2])).tolist() == [[2, 4]]
    assert model.info.versions["torch"] == str(torch.__version__)
    model = load(root, "./net.py:pair", device="cpu")
    assert predict(model, Image.new("RGB", (2, 2), (1, 2, 3))).tolist() == [[2, 4, 6]]
    assert model.info.versions["device"] == "cpu"
    described = describe(root, "./net.py:pair", precision="bf16")
    assert replace(described, versions=model.info.versions) == model.info
    with pytest.raises(UsageError, match="No precision 'fp7'"):
        describe(root, "./net.py:pair", precision="fp7")


def test_without_torch_modules_torch_is_not_imported(root: Path) -> None:
    code = (
        "import sys\n"
        "from freshset.models.base import Runtime\n"
        "from freshset.models.function import ADAPTER\n"
        "from freshset.models.reference import ModelRef\n"
        f"ADAPTER.load(ModelRef.parse('py:./code.py:pair'), Runtime(root={str(root)!r}))\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_installed_modules_are_named_as_they_are_imported(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "code.py").rename(root / "freshset_test_package.py")
    monkeypatch.syspath_prepend(root)
    model = load(root, "freshset_test_package:pair")
    assert model.info.weights == describe(root, "./freshset_test_package.py:pair").weights
    assert predict(model, Image.new("RGB", (3, 3), (7, 8, 9))).tolist() == [[7, 8, 9]]
    del sys.modules["freshset_test_package"]
    with pytest.raises(UsageError, match="no_such_module cannot be imported: ModuleNotFoundError"):
        describe(root, "no_such_module:factory")


def test_the_digest_is_of_the_code_and_the_weights(root: Path) -> None:
    info = describe(root, "./code.py:Said")
    first = info.weights
    assert first != describe(root, "./code.py:image").weights
    (root / "w.bin").write_bytes(b"others")
    second = describe(root, "./code.py:Said").weights
    (root / "code.py").write_text(CODE + "\n# a comment", encoding="utf-8")
    third = describe(root, "./code.py:Said").weights
    assert len({first, second, third}) == 3
    # Without its weights a network is still its code.
    assert info.network != describe(root, "./code.py:Said").network


def test_weights_that_changed_are_seen_where_the_factory_was_called(root: Path) -> None:
    code = root / "late.py"
    code.write_text(
        "from pathlib import Path\n"
        "def factory():\n"
        "    call = lambda batch: batch\n"
        "    call.classes = Path(__file__).with_name('w.bin').read_text().split()\n"
        "    call.weights = ['w.bin']\n"
        "    return call\n",
        encoding="utf-8",
    )
    for text, n in (("a b", 2), ("a b c", 3)):
        (root / "w.bin").write_text(text, encoding="utf-8")
        assert describe(root, "./late.py:factory").n_outputs == n


def test_the_file_of_a_factory_from_elsewhere_counts(root: Path) -> None:
    (root / "other.py").write_text(
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        "from pathlib import Path\n"
        "spec = spec_from_file_location('inner', Path(__file__).with_name('inner.py'))\n"
        "inner = module_from_spec(spec)\n"
        "spec.loader.exec_module(inner)\n"
        "factory = inner.factory\n",
        encoding="utf-8",
    )
    digests = set()
    for value in (1, 2):
        (root / "inner.py").write_text(
            f"def factory():\n    return lambda batch: batch * {value}\n", encoding="utf-8"
        )
        (root / "other.py").touch()
        sys.modules.pop(next((n for n in sys.modules if "freshset_file_other" in n), ""), None)
        digests.add(describe(root, "./other.py:factory").weights)
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code.py", "names no factory"),
        ("./none.py:scaled", "no file .*none.py"),
        ("./code.py:scald", "no callable 'scald' in ./code.py. Did you mean 'scaled'"),
        ("./code.py:NOT_A_FACTORY", "no callable 'NOT_A_FACTORY'"),
        ("./code.py:scaled@v2", "@v2 means nothing"),
        ("./code.py:fails", r"the factory failed: OSError: no file \(code.py, line \d+\)"),
        ("./code.py:nothing", "returned int, which is not callable"),
        ("./code.py:built_in", "returned dict, which is not callable"),
        ("./code.py:votes", "outputs is 'votes'"),
        ("./code.py:unprepared", "nothing says how images are prepared"),
        ("./code.py:twice", "its preprocessing is said by an attribute and by a pair"),
        ("./code.py:odd", "its preprocessing is 7, which is not callable"),
        ("./code.py:lost", "its weights .*none.bin do not exist"),
        ("./broken.py:f", r"cannot be imported: ZeroDivisionError: .*\(broken.py, line 1\)"),
        ("./sibling.py:f", "cannot be imported: ModuleNotFoundError.*not the files beside it"),
    ],
)
def test_wrong_use_is_refused(root: Path, text: str, message: str) -> None:
    (root / "broken.py").write_text("1 / 0", encoding="utf-8")
    (root / "sibling.py").write_text("import code_beside_it", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        describe(root, text)


def test_a_callable_has_the_precision_that_it_has(root: Path) -> None:
    with pytest.raises(UsageError, match="cannot run in fp16: a callable computes as it was writ"):
        describe(root, "./code.py:scaled", precision="fp16")
    with pytest.raises(UsageError, match="cannot run in fp16"):
        load(root, "./code.py:image", precision="fp16")


def test_errors_of_ones_own_pass_through(root: Path) -> None:
    (root / "own.py").write_text(
        "from freshset.core.errors import DataError\n"
        "def factory():\n    raise DataError('a wrong file')\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError, match="a wrong file"):
        describe(root, "./own.py:factory")


NETWORKS = """
import torch
from torch import nn


def net(bias=True):
    return nn.Sequential(nn.Linear(4, 5, bias=bias), nn.ReLU(), nn.Linear(5, 3))


def headed():
    return nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3), nn.Linear(3, 3))


headed.head = "1"


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.scale


def scaled():
    return nn.Sequential(nn.Linear(4, 3), Scale())


def plain():
    return lambda batch: batch
"""


def train(folder, name, **settings):
    (folder / "nets.py").write_text(NETWORKS)
    ref = ModelRef.parse(f"py:./nets.py:{name}")
    return ADAPTER.trainable(ref, Runtime(device="cpu", root=str(folder)), **settings)


@pytest.mark.parametrize("start", ["pretrained", "random"])
def test_a_torch_module_can_be_trained_by_seed(tmp_path, start):
    before = torch.random.get_rng_state()
    first, again, other = (
        train(tmp_path, "net?bias=False", n_outputs=7, start=start, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (first.head, first.info.n_outputs) == (("2",), 7)
    assert first.network(torch.zeros(2, 4)).shape == (2, 7)
    states = [made.network.state_dict() for made in (first, again, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not torch.equal(states[0]["2.weight"], states[2]["2.weight"])


def test_the_factory_may_name_the_head(tmp_path):
    made = train(tmp_path, "headed", n_outputs=3, start="pretrained", seed=0)
    assert made.head == ("1",)
    ref = ModelRef.parse("py:./nets.py:headed")
    model = ADAPTER.load(ref, Runtime(device="cpu", root=str(tmp_path)))
    batch = np.ones((2, 4))
    np.testing.assert_array_equal(
        model.features(batch, "penultimate", "mean"), model.features(batch, "0", "mean")
    )


def test_what_cannot_be_trained_says_why(tmp_path):
    train(tmp_path, "scaled", n_outputs=2, start="pretrained", seed=0)
    with pytest.raises(UsageError, match=r"scaled: '1' cannot be initialised anew"):
        train(tmp_path, "scaled", n_outputs=2, start="random", seed=0)
    with pytest.raises(UsageError, match=r"returned function, which cannot be trained"):
        train(tmp_path, "plain", n_outputs=2, start="random", seed=0)


def test_a_model_of_the_users_own_may_give_features(tmp_path):
    code = (
        CODE
        + """

class Own:
    def __init__(self, ref):
        self.info = ModelInfo(ref, "mine/1", ArrayPreprocessing(), "logits", input="array")

    def predict(self, batch):
        return batch.astype(np.float32)


class Featured(Own):
    def features(self, batch, layer, pooling):
        return 2 * self.predict(batch)


def own():
    return Own(ModelRef("py", "own"))


def featured():
    return Featured(ModelRef("py", "own"))
"""
    )
    (tmp_path / "own.py").write_text(code)
    runtime = Runtime(device="cpu", root=str(tmp_path))
    model = load_features(ModelRef.parse("py:./own.py:featured"), runtime)
    assert model.features(np.ones((1, 2)), "penultimate", "mean").tolist() == [[2.0, 2.0]]
    with pytest.raises(UsageError, match="has no features to give"):
        load_features(ModelRef.parse("py:./own.py:own"), runtime)
