from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from freshset.core.errors import UsageError
from freshset.core.registry import Entry
from freshset.engine.study_models import Models, is_pattern, matching
from freshset.engine.study_sections import ModelSection
from freshset.engine.yaml_text import read_yaml
from freshset.models import registry
from freshset.models.reference import ModelRef

Read = Callable[[str], tuple[list[str], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def call(text: str) -> tuple[list[str], list[str]]:
        document = read_yaml(text)
        models = Models(tmp_path, document).read(document.value["models"])
        said = [f"{p.where}: {p.message} {p.hint}".strip() for p in document.problems]
        return [model.title for model in models], said

    return call


def test_references_names_and_wildcards(read: Read) -> None:
    text = "models: ['fake:one?seed=1', {model: fake:one, name: mine}, 'fake:t*?seed=2']"
    names = ["fake:one?seed=1", "mine", "fake:three?seed=2", "fake:two?seed=2"]
    assert read(text) == (names, [])


def test_a_wildcard_may_match_what_is_there_already(read: Read) -> None:
    for text in ("[fake:two, 'fake:*']", "['fake:*', fake:two]"):
        names, said = read(f"models: {text}")
        assert sorted(names) == ["fake:one", "fake:three", "fake:two"]
        assert said == []


def test_lists_in_files(read: Read, tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text("# all of mine\nfake:one  # the first\n\n  fake:t*\n")
    assert read('models: ["@m.txt"]') == (["fake:one", "fake:three", "fake:two"], [])
    (tmp_path / "bad.txt").write_text("fake:one\nno-reference\n")
    _, (said,) = read('models: ["@bad.txt"]')
    assert "bad.txt, line 2: 'no-reference' is not a model reference." in said
    _, (said,) = read('models: ["@none.txt"]')
    assert "none.txt: cannot be read" in said
    _, (said,) = read('models: [{model: "@m.txt", name: x}]')
    assert "One name for a list of models." in said
    (tmp_path / "latin.txt").write_bytes(b"fake:caf\xe9\n")
    _, (said,) = read('models: ["@latin.txt"]')
    assert "not UTF-8" in said


def test_files_by_wildcard(read: Read, tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    for name in ("a.fake", "b.fake", "c.txt"):
        (tmp_path / "nets" / name).write_text("")
    assert read("models: ['fake:nets/*.fake']") == (["fake:nets/a.fake", "fake:nets/b.fake"], [])


def test_everything_that_is_wrong_is_said_at_once(read: Read) -> None:
    lines = [
        "fake:one",
        "fake:one",
        "fke:one",
        "word",
        "fake: two",
        "'fake:thre*x'",
        "{model: 'fake:*', name: all}",
        "{modl: fake:one}",
        "3",
    ]
    _, said = read("models:\n" + "".join(f"  - {line}\n" for line in lines))
    expected = [
        "line 5, models[3]: 'word' is not a model reference",
        "line 6, models[4]: 'fake' is an adapter, not a key. Write fake:two without a space.",
        "line 3, models[1]: The model 'fake:one' occurs twice, first at line 2.",
        "line 4, models[2]: No model adapter 'fke'. Did you mean 'fake'",
        "line 7, models[5]: fake:thre*x matches no model. Did you mean 'three'",
        "line 8, models[6]: One name, 'all', for all models",
        "line 9, models[7].modl: Unknown key 'modl'. Did you mean 'model'?",
        "line 10, models[8]: Not a mapping",
    ]
    assert len(said) == len(expected)
    for words in expected:
        assert any(words in line for line in said), words


def test_a_model_whose_library_is_not_installed_sinks_no_other(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Entry("nowhere_at_all.module:ADAPTER", "big", ("nowhere_at_all",))
    monkeypatch.setitem(registry.ADAPTERS.builtin, "big", entry)
    names, said = read("models: [big:a, big:b, 'big:*', 'big:x*', fake:one]")
    # Patterns cannot be matched without it, which is said once.
    assert names == ["big:a", "big:b", "fake:one"]
    (line,) = said
    assert 'Install it: pip install "freshset[big]"' in line


def test_no_models(read: Read) -> None:
    assert read("models: []")[1] == ["line 1, models: No models. List at least one."]


def test_patterns() -> None:
    assert is_pattern("timm:res*?x=1")
    assert is_pattern("timm:resnet[13]4")
    assert not is_pattern("hf:a/b?prompts=['*']")
    assert not is_pattern("onnx:a[.onnx")


def test_an_adapter_that_lists_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fakes import testbed

    monkeypatch.setattr(testbed.FakeAdapter, "expand", lambda self, pattern: ())
    with pytest.raises(UsageError, match="matches no file in .*lists no models"):
        matching(ModelRef.parse("fake:*.fake"), tmp_path)


def test_entries_may_have_keys_of_their_own(tmp_path: Path) -> None:
    class Known(ModelSection):
        family: str = ""

    text = """
    models:
      - {model: 'fake:t*', family: t}
      - {model: fake:two, family: mine}
      - {model: "@m.txt", family: listed}
    """
    (tmp_path / "m.txt").write_text("fake:one\n")
    document = read_yaml(text)
    models = Models(tmp_path, document, Known)
    found = [model.title for model in models.read(document.value["models"])]
    assert document.problems == []
    families = {name: models.sections[name] for name in found}
    assert {n: s.family for n, s in families.items() if isinstance(s, Known)} == {
        "fake:three": "t",
        "fake:two": "mine",
        "fake:one": "listed",
    }
