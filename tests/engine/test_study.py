from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.config import CompareSettings, RunSettings
from freshset.core.errors import DataError, UsageError
from freshset.engine.study import load_study

STUDY = """\
title: Mine, old and new
store: results
models:
  - fake:one
  - {model: "fake:two?seed=2", name: two}
testsets:
  - {id: mine/old, adapter: fake, path: x}
  - {id: mine/new, adapter: fake, path: x, n: 30}
run: {batch_size: 8, memory: 1MB, offline: true, trust: m.pkl}
compare:
  - {old: mine/old, new: mine/new, bootstrap: 1000, exclude: "two"}
  - {old: mine/new, new: mine/old, title: Backwards}
report: out/report
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, STUDY)
    study = load_study("study.yaml")
    assert study.path == tmp_path / "study.yaml"
    assert (study.title, study.store) == ("Mine, old and new", tmp_path / "results")
    assert study.report == tmp_path / "out" / "report"
    assert [model.title for model in study.models] == ["fake:one", "two"]
    assert [ref.id for ref in study.testsets] == ["mine/old", "mine/new"]
    assert study.testsets[1].options == {"n": 30}
    first, second = study.compare
    assert first.title == "mine/old and mine/new"
    assert first.settings == CompareSettings(bootstrap=1000, exclude=("two",))
    assert second.title == "Backwards"


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, STUDY))
    wanted = study.wanted({"batch_size": 2, "limit": 5})
    assert wanted.settings == RunSettings(
        batch_size=2, limit=5, memory=10**6, offline=True, trust=("m.pkl",)
    )
    assert wanted.root == tmp_path
    assert all(ref.offline for ref in wanted.testsets)
    assert not any(ref.offline for ref in study.wanted({"offline": False}).testsets)
    with pytest.raises(UsageError, match=r"No setting 'batchsize'. Did you mean 'batch_size'"):
        study.wanted({"batchsize": 2})


def test_defaults(tmp_path: Path) -> None:
    text = "models: [fake:one]\ntestsets: [{id: a, adapter: fake, path: x}]\n"
    study = load_study(write(tmp_path, text))
    assert (study.title, study.store, study.report) == ("study", tmp_path / "store", None)
    assert study.compare == ()
    assert study.wanted().settings == RunSettings()


def test_one_problem_has_its_hint(tmp_path: Path) -> None:
    path = write(tmp_path, STUDY.replace("title: Mine", "titel: Mine"))
    with pytest.raises(UsageError) as caught:
        load_study(path)
    assert caught.value.message == f"{path}, line 1, titel: Unknown key 'titel'."
    assert caught.value.hint == "Did you mean 'title'?"


def test_all_problems_are_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        STUDY.replace("title: Mine", "titel: Mine")
        .replace("fake:one", "fke:one")
        .replace("path: x, n: 30", "n: 30")
        .replace("batch_size: 8", "batch_size: 0")
        .replace("bootstrap: 1000", "bootstrap: 10")
        .replace("new: mine/old, title", "new: mine/odl, title")
        + "title: x\n"
    )
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_study(path)
    head, *lines = caught.value.message.splitlines()
    assert head == f"{path}: 7 problems:"
    starts = [
        "line 1, titel: Unknown key",
        "line 4, models[0]: No model adapter",
        "line 8, testsets[1]: No key 'path'.",
        "line 9, run: batch_size is 0.",
        "line 11, compare[0]: bootstrap is 10",
        "line 12, compare[1].old: 'mine/new' is not among the test sets of the study.",
        "line 12, compare[1].new: 'mine/odl' is not among the test sets of the study. Did you mean",
    ]
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(f"  - {start}")
    assert caught.value.exit_code == 2


def test_duplicate_keys_do_not_hide_the_rest(tmp_path: Path) -> None:
    text = "models: [fake:one]\nmodels: [fke:two]\ntestsets: []\n"
    with pytest.raises(UsageError) as caught:
        load_study(write(tmp_path, text))
    assert "line 2, models: The key 'models' occurs twice" in caught.value.message
    assert "line 3, testsets: No test sets." in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The file is empty."),
        ("- a\n", "Not a mapping of keys to values."),
        ("models:\n\t- a\n", "line 2: A tab where YAML wants spaces."),
        ("testsets: [{id: a, adapter: fake, path: x}]\n", "models: No models."),
    ],
)
def test_files_that_are_no_studies(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_study(write(tmp_path, text))
    assert says in caught.value.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(DataError, match="cannot be read"):
        load_study(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"title: caf\xe9\n")
    with pytest.raises(DataError, match="not UTF-8"):
        load_study(tmp_path / "latin.yaml")


def test_old_and_new_must_differ(tmp_path: Path) -> None:
    path = write(tmp_path, STUDY.replace("new: mine/old, title", "new: mine/new, title"))
    with pytest.raises(UsageError, match="Old and new are both 'mine/new'"):
        load_study(path)


def test_what_is_excluded_must_be_there(tmp_path: Path) -> None:
    path = write(tmp_path, STUDY.replace('exclude: "two"', 'exclude: ["fake:*", "twoo"]'))
    with pytest.raises(UsageError) as caught:
        load_study(path)
    assert "compare[0].exclude: 'twoo' matches no model of the study." in caught.value.message
    assert "'two'" in caught.value.hint
