from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.models.local_code import LocalPreprocessing, load_file, portable
from freshset.models.preprocessing import ImagePreprocessing, TransformPreprocessing

CODE = """
import numpy as np

def transform(image):
    return np.asarray(image)[:2]

class Own:
    key = shared = "own"
    def prepare(self, item):
        return 42

def local():
    class Inner(Own):
        pass
    return Inner()
"""


def test_two_files_of_one_content_are_two_modules(tmp_path: Path) -> None:
    modules = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(CODE, encoding="utf-8")
        modules.append(load_file(tmp_path / folder / "net.py", f"{folder}/net.py"))
    assert modules[0] is not modules[1]
    assert modules[0] is load_file(tmp_path / "a" / "net.py", "a/net.py")
    assert [Path(str(m.__file__)).parent.name for m in modules] == ["a", "b"]


def test_the_name_is_the_same_on_every_machine(tmp_path: Path) -> None:
    names = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(CODE, encoding="utf-8")
        module = load_file(tmp_path / folder / "net.py", "net.py")
        names.append(module.__name__)
        assert module.__file__ == str(tmp_path / folder / "net.py")
    assert names[0] == names[1]


def test_a_file_that_changed_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    for value in (1, 2):
        path.write_text(f"value = {value}", encoding="utf-8")
        assert load_file(path, "net.py").value == value


def test_a_file_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("1 / 0", encoding="utf-8")
    before = set(sys.modules)
    with pytest.raises(ZeroDivisionError):
        load_file(tmp_path / "net.py", "net.py")
    assert set(sys.modules) == before
    (tmp_path / "net.txt").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="not a Python file"):
        load_file(tmp_path / "net.txt", "net.txt")


def test_other_processes_load_the_file_first(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CODE, encoding="utf-8")
    module = load_file(tmp_path / "net.py", "./net.py")
    for inner, shape in (
        (TransformPreprocessing.of(module.transform), "(2, 4, 3)"),
        (module.Own(), "42"),
    ):
        made = portable(inner, module, "./net.py")
        assert isinstance(made, LocalPreprocessing)
        assert (made.key, made.shared) == (inner.key, inner.shared)
        (tmp_path / "p.pickle").write_bytes(pickle.dumps(made))
        code = (
            "import pickle, numpy, PIL.Image\n"
            f"made = pickle.load(open({str(tmp_path / 'p.pickle')!r}, 'rb'))\n"
            "out = made.prepare(PIL.Image.new('RGB', (4, 4)))\n"
            "print(getattr(out, 'shape', out), made.key)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert done.stdout.strip() == f"{shape} {made.key}", done.stderr


def test_what_needs_no_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CODE, encoding="utf-8")
    module = load_file(tmp_path / "net.py", "net.py")
    plain = ImagePreprocessing()
    assert portable(plain, module, "net.py") is plain
    own = module.Own()
    assert portable(own, pytest, "an installed module") is own


def test_what_cannot_travel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CODE, encoding="utf-8")
    module = load_file(tmp_path / "net.py", "net.py")
    with pytest.raises(UsageError, match="preprocessing of net.py cannot be pickled"):
        portable(module.local(), module, "net.py")


def test_code_that_changed_in_between_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(CODE, encoding="utf-8")
    module = load_file(path, "net.py")
    state = pickle.dumps(portable(module.Own(), module, "net.py"))
    assert pickle.loads(state).prepare(Image.new("L", (1, 1))) == 42
    path.write_text(CODE + "\n# another", encoding="utf-8")
    del sys.modules[module.__name__]
    with pytest.raises(DataError, match="changed while it was in use"):
        pickle.loads(state)
