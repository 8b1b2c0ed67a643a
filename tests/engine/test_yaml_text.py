from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.engine.yaml_text import Problem, place_text, read_file, read_yaml


def test_values_and_their_lines() -> None:
    document = read_yaml("a: 1\nb:\n  - x\n  - {c: no, 01: y}\n")
    assert document.value == {"a": 1, "b": ["x", {"c": False, "01": "y"}]}
    assert document.problems == []
    lines = {place_text(place): line for place, line in document.lines.items()}
    assert lines == {"a": 1, "b": 2, "b[0]": 3, "b[1]": 4, "b[1].c": 4, "b[1].01": 4}
    assert document.line(("b", 1, "missing")) == 4
    assert document.line(("z",)) == 0


def test_dates_are_texts_and_aliases_are_followed() -> None:
    document = read_yaml("a: &x {d: 2024-01-01}\nb: *x\n")
    assert document.value == {"a": {"d": "2024-01-01"}, "b": {"d": "2024-01-01"}}


def test_all_keys_that_occur_twice() -> None:
    document = read_yaml("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n")
    assert document.value == {"a": 1, "b": {"c": 1}}
    assert [problem.where for problem in document.problems] == ["line 2, a", "line 5, b.c"]
    assert "first in line 4" in document.problems[1].message


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a:\n\t- x\n", 2, "A tab where YAML wants spaces."),
        ("m:\n  - @list.txt\n", 2, 'Quote it: "@list.txt".'),
        ("a: b: c", 1, "Quote texts that hold ': '."),
        ("a: [1, 2\n", 2, "Not valid YAML"),
        ("- a\n- b: 1\n c: 2\n", 3, "Not valid YAML"),
        ("--- a\n--- b\n", 2, "another document"),
        ("a: &x [*x]\n", 1, "aliases that never end"),
        ("a: !!python/object:os.x {}", 1, "could not determine a constructor"),
        ("a: !!int x", 1, "invalid literal"),
        ("a: *x", 1, "undefined alias"),
        ("? [a]\n: b", 1, "not a plain word"),
        ("<<: {a: 1}", 1, "not a plain word"),
        ("[" * 5000, 0, "Nested too deeply."),
        ("a: \x00", 0, "Not readable as YAML"),
    ],
)
def test_what_is_no_yaml_says_where(text: str, line: int, says: str) -> None:
    (problem,) = read_yaml(text).problems
    assert problem.line == line
    assert says in f"{problem.message} {problem.hint}"


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 12):
        names = ", ".join([f"*a{i - 1}"] * 10)
        lines.append(f"a{i}: &a{i} [{names}]")
    (problem,) = read_yaml("\n".join(lines)).problems
    assert "never end" in problem.message


def test_an_empty_file_has_no_value() -> None:
    document = read_yaml("# nothing\n")
    assert (document.value, document.problems) == (None, [])


def test_problems_say_where() -> None:
    assert Problem("x", place=("a", 0, "b"), line=3, file="f").where == "f, line 3, a[0].b"
    assert Problem("x").where == ""
    document = read_yaml("a:\n  - 1\n")
    document.complain(("a", 0), "bad")
    assert document.complained("a")
    assert not document.complained("b")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("\ufefftitle: x\n".encode())
    assert read_file(tmp_path / "a.yaml").value == {"title": "x"}
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"b\.yaml: not UTF-8 text"):
        read_file(tmp_path / "b.yaml")
    with pytest.raises(DataError, match=r"c\.yaml: cannot be read"):
        read_file(tmp_path / "c.yaml")
