"""YAML as plain values that remember their lines, so that every problem can say where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from freshset.core.errors import DataError, UsageError

Place = tuple[str | int, ...]
Study = TypeVar("Study")

# More than any study has; a few lines of aliases to aliases could make it billions.
_MOST_NODES = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes
    ----------
    message, hint
        As of `freshset.core.errors.FreshsetError`.
    place
        Keys and positions (from 0) that lead to it.
    line
        From 1; 0 when it is not known.
    file
        Where it is not the file that is being read.
    """

    message: str
    hint: str = ""
    place: Place = ()
    line: int = 0
    file: str = ""

    @property
    def where(self) -> str:
        """File, line and place, as far as they are known."""
        line = f"line {self.line}" if self.line else ""
        return ", ".join(filter(None, (self.file, line, place_text(self.place))))


@dataclass(slots=True)
class Document:
    """What a YAML file holds.

    Attributes
    ----------
    value
        Mappings, lists, texts, numbers, booleans and ``None``.  Keys are texts as they are written.
    lines
        Line (from 1) of every key and list entry.
    problems
        What is wrong with it as YAML; after a syntax error there is no value.
    """

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """Line of a place, or of what is around it where it does not exist."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)

    def complain(self, place: Place, message: str, hint: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(message, hint, place, self.line(place)))

    def complained(self, key: str) -> bool:
        """Whether anything under a key of the file is wrong."""
        return any(problem.place[:1] == (key,) for problem in self.problems)


def place_text(place: Place) -> str:
    """Return a place as people write it, such as ``models[2].name``; counts from 0."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def read_yaml(text: str) -> Document:
    """Read YAML; what is wrong is among the problems of the document."""
    document = Document()
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            document.value = _Converter(loader, document).value(node, ())
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax(error, text))
    except yaml.YAMLError as error:  # a character that YAML does not allow
        said = " ".join(str(error).split())
        document.problems.append(Problem(f"Not readable as YAML ({said})."))
    except RecursionError:
        document.problems.append(Problem("Nested too deeply."))
    return document


def read_file(path: Path) -> Document:
    """Read a study file; what is wrong with it as YAML is among the problems of the document.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        hint = "Give the path of a study file, such as study.yaml."
        raise DataError(f"{path}: cannot be read ({error.strerror}).", hint) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text.", "Save the study as UTF-8.") from error
    return read_yaml(text)


def from_file(path: Path | str, make: Callable[[Document, Path], Study | None]) -> Study:
    """Read a study file, and make of it what it stands for.

    Parameters
    ----------
    make
        Is given the document and the absolute path; adds what is wrong to the document's problems, and
        returns ``None`` where nothing is left to be made.

    Raises
    ------
    UsageError
        When anything in it is wrong: one message with all that is, each with line and place.
    DataError
        When it cannot be read.
    """
    path = Path(path).absolute()
    document = read_file(path)
    made = None
    if document.value is not None or not document.problems:
        made = make(document, path)
    if made is None or document.problems:
        raise problems_error(str(path), document.problems)
    return made


def problems_error(name: str, problems: list[Problem]) -> UsageError:
    """Return one error that says all that is wrong with a file, in the order of its lines."""
    ordered = sorted(problems, key=lambda problem: (problem.file, problem.line))
    if len(ordered) == 1:
        (one,) = ordered
        where = ", ".join(filter(None, ("" if one.file else name, one.where)))
        return UsageError(f"{where}: {one.message}", one.hint)
    lines = [
        "\n  - " + ": ".join(filter(None, (p.where, f"{p.message} {p.hint}".strip())))
        for p in ordered
    ]
    return UsageError(f"{name}: {len(ordered)} problems:{''.join(lines)}")


class _Loader(yaml.SafeLoader):
    """Dates stay texts: nothing here is a date, and titles or ids may look like one."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Converter:
    def __init__(self, loader: _Loader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, node: Node, place: Place) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES or id(node) in self._open:
            raise yaml.MarkedYAMLError(
                problem="aliases that never end", problem_mark=node.start_mark
            )
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self._entry(inner, (*place, i)) for i, inner in enumerate(node.value)]
            return self._mapping(node, place)
        finally:
            self._open.remove(id(node))

    def _scalar(self, node: ScalarNode) -> Any:
        try:
            return self._loader.construct_object(node)
        except ValueError as error:  # such as '!!int x'
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error

    def _entry(self, node: Node, place: Place) -> Any:
        self._document.lines[place] = node.start_mark.line + 1
        return self.value(node, place)

    def _mapping(self, node: Node, place: Place) -> dict[str, Any]:
        if not isinstance(node, MappingNode) or node.tag != "tag:yaml.org,2002:map":
            self._loader.construct_object(node)  # raises for what is not plain
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or key_node.tag.endswith(":merge"):
                problem = Problem("A key that is not a plain word.", "", place, line)
                self._document.problems.append(problem)
                continue
            key = str(key_node.value)
            inner = (*place, key)
            if key in out:
                first = self._document.lines[inner]
                text = f"The key {key!r} occurs twice, first in line {first}."
                self._document.problems.append(Problem(text, "Remove one.", inner, line))
                continue
            self._document.lines[inner] = line
            out[key] = self.value(value_node, inner)
        return out


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 0
    rest = _rest(text, mark)
    if rest.startswith("\t"):
        return Problem("A tab where YAML wants spaces.", "Indent with spaces.", line=line)
    if rest[:1] in {"@", "`", "%"}:
        word = rest.split()[0]
        return Problem(f"A word that starts with {rest[0]!r}.", f'Quote it: "{word}".', line=line)
    problem = error.problem or error.context or "not readable"
    return Problem(f"Not valid YAML: {problem}.", _EXPECTED.get(problem, ""), line=line)


_EXPECTED = {
    "mapping values are not allowed here": "Quote texts that hold ': '.",
    "expected <block end>, but found '-'": "Entries of one list start in one column.",
    "expected <block end>, but found '<block mapping start>'": "Keys of one level start in one "
    "column.",
}


def _rest(text: str, mark: yaml.Mark | None) -> str:
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return ""
    return lines[mark.line][mark.column :]
