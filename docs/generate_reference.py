"""Write the reference (command line, Python, models, test sets) from the program itself.

Run ``python docs/generate_reference.py`` after a change of a command or of a public docstring; a test
compares the pages with what this script would write.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

sys.path.insert(0, str(Path(__file__).parent))  # tests load this script from elsewhere

import adapter_pages
import transfer_pages

import freshset
from freshset import stats
from freshset.cli.main import EXIT_CODES, app

HERE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by docs/generate_reference.py; edit the program, not this page. -->"
_PROTOCOLS = (
    "protocols.folds.data", "protocols.folds.splits", "protocols.folds.learners",
    "protocols.folds.making", "protocols.folds.kfold", "protocols.folds.result",
    "protocols.folds.compare", "protocols.policy", "protocols.ladder", "protocols.thresholdout",
    "protocols.policies", "protocols.replay", "protocols.simulation", "protocols.sealed.cipher",
    "protocols.sealed.submission", "protocols.sealed.rules", "protocols.sealed.holdout",
    "protocols.sealed.opened", "protocols.leaderboard.limits", "protocols.leaderboard.setup",
    "protocols.leaderboard.board", "protocols.competition.table", "protocols.competition.audit",
    "protocols.looks", "protocols.budget", "reports.section", "reports.competition",
    "reports.validation", "reports.looks",
)  # fmt: skip
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


def pages() -> dict[Path, str]:
    """Return the text of every generated page by its path."""
    return {
        HERE / "cli.md": cli_page(),
        HERE / "python.md": python_page(),
        HERE / "models.md": adapter_pages.models_page(_NOTE, _table, _text),
        HERE / "test-sets.md": adapter_pages.testsets_page(_NOTE, _table, _text),
        HERE / "transfer-datasets.md": transfer_pages.datasets_page(_NOTE, _table),
    }


# The command line


def cli_page() -> str:
    """Return the reference of every command."""
    root = typer.main.get_command(app)
    parts = [
        "# Command line",
        _NOTE,
        (
            "Results go to stdout, messages and warnings to stderr. Every command that answers something "
            "takes `--json`; the documents are described in [JSON documents](comparison-json.md). "
            "`-h` is short for `--help`. `freshset --install-completion` installs completion for your "
            "shell, `freshset --show-completion` prints it."
        ),
        "## Exit codes",
        _table(("Code", "Meaning"), [(f"`{code}`", text) for code, text in EXIT_CODES.items()]),
        (
            "An error is one or two lines on stderr: what is wrong and where (`Error:`), and what to do "
            "(`Next:`). `--debug` shows the traceback instead."
        ),
    ]
    for path, command in _commands("freshset", root):
        parts += _command(path, command)
    return "\n\n".join(parts) + "\n"


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(f"{path} {name}", inner)


def _command(path: str, command: Any) -> list[str]:
    # What typer's own options (completion) look like depends on its version; they have one line.
    types = get_type_hints(command.callback, include_extras=True) if command.callback else {}
    shown = [p for p in command.params if p.name in types]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    options = [p for p in shown if p.param_type_name == "option"]
    usage = [path, *(a.metavar or a.name.upper() for a in arguments)]
    usage += [f"{o.opts[0]} {_value(o, types[o.name])}" for o in options if o.required]
    if any(not o.required for o in options):
        usage.append("[OPTIONS]")
    if getattr(command, "commands", None):
        usage.append("COMMAND ...")
    parts = [f"## {path}", _text(command.help or ""), "```text\n" + " ".join(usage) + "\n```"]
    if arguments:
        rows = [(f"`{a.metavar or a.name.upper()}`", _text(a.help or "")) for a in arguments]
        parts.append(_table(("Argument", "Meaning"), rows))
    if options:
        rows = [_option(option, types[option.name]) for option in options]
        parts.append(_table(("Option", "Value", "Default", "Meaning"), rows))
    if inner := getattr(command, "commands", None):
        rows = [(f"[`{path} {name}`](#{_anchor(f'{path} {name}')})", _text(c.help or ""))
                for name, c in inner.items()]  # fmt: skip
        parts.append(_table(("Command", "Does"), rows))
    return parts


def _option(option: Any, hint: Any) -> tuple[str, ...]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = _value(option, hint)
    if option.required:
        default = "required"
    elif option.is_flag or option.default in {None, ()}:
        default = ""
    else:
        default = f"`{getattr(option.default, 'value', option.default)}`"
    if option.envvar:
        default += f"{', ' if default else ''}or `${option.envvar}`"
    help_text = _text(option.help or "")
    return names, f"`{value}`".replace("|", r"\|") if value else "", default, help_text


def _value(option: Any, hint: Any) -> str:
    """Return what an option takes: its own word, its choices, or the name of its type."""
    if option.is_flag:
        return ""
    if option.metavar:
        return str(option.metavar)
    plain = str(get_args(hint)[0]) if get_origin(hint) is Annotated else str(hint)
    kind = get_args(hint)[0]
    for one in (kind, *get_args(kind)):  # an option that may be left out is a union with None
        if inspect.isclass(one) and issubclass(one, Enum):
            return "|".join(member.value for member in one)
        if get_origin(one) is Literal:
            return "|".join(get_args(one))
    words = {"Path": "PATH", "str": "TEXT", "int": "INTEGER", "float": "NUMBER"}
    return next(word for name, word in words.items() if name in plain)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


# The Python facade


def python_page() -> str:
    """Return the reference of the public names, and a list of the statistics."""
    parts = [
        "# Python",
        _NOTE,
        "`import freshset` gives the names below; each is loaded when it is first used.",
    ]
    for name in freshset.__all__:
        if name == "__version__":
            parts += ["## `__version__`", "The version of the installed package, a string."]
        else:
            parts += _public(name, getattr(freshset, name))
    parts += [
        "## Statistics",
        (
            "The functions of `freshset.stats` are pure: arrays in, one frozen result out. They raise "
            "`ValueError` and draw random numbers only from the generator they are given. "
            "[Methods](../explanation/methods.md) explains them; `help()` shows parameters, units and "
            "sources."
        ),
    ]
    for module in pkgutil.iter_modules(stats.__path__):
        parts += _module(f"freshset.stats.{module.name}")
    parts += [
        "## Protocols",
        (
            "What the commands of `freshset protocol` are made of, and how their results enter a report. "
            "[Keep a test set honest in Python](../how-to/protocols-in-python.md) shows them at work."
        ),
    ]
    for name in _PROTOCOLS:
        parts += _module(f"freshset.{name}")
    return "\n\n".join(parts) + "\n"


def _public(name: str, thing: Any) -> list[str]:
    head = f"class {name}" if inspect.isclass(thing) else name
    parts = [f"## `{name}`", f"```text\n{head}{_signature(thing)}\n```", *_docstring(thing)]
    if inspect.isclass(thing):
        rows = [(f"`{member}`", text) for member, text in _members(thing)]
        if rows:
            parts.append(_table(("Member", "Does"), rows))
    return parts


def _signature(thing: Any) -> str:
    signature = inspect.signature(thing)
    parts: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        parts.append(_parameter(parameter))
    result = signature.return_annotation
    end = (
        "" if inspect.isclass(thing) or result is signature.empty else f" -> {_annotation(result)}"
    )
    line = f"({', '.join(parts)}){end}"
    return line if len(line) < 80 else "(\n    " + ",\n    ".join(parts) + f",\n){end}"


def _parameter(parameter: inspect.Parameter) -> str:
    text = "**" * (parameter.kind is parameter.VAR_KEYWORD) + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {_annotation(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        default = repr(parameter.default)
        text += f" = {'...' if default.startswith('<') else default}"
    return text


def _annotation(value: Any) -> str:
    # Annotations are strings already, since the sources postpone their evaluation.
    return value if isinstance(value, str) else getattr(value, "__name__", str(value))


def _members(thing: type) -> Iterator[tuple[str, str]]:
    for name, member in vars(thing).items():
        if name.startswith("_"):
            continue
        function = member.fget if isinstance(member, property) else member
        function = getattr(function, "__func__", function)
        if inspect.isfunction(function):
            call = "" if isinstance(member, property) else _signature(function)
            call = re.sub(r"\(\s*(self|cls)(,\s*)?", "(", " ".join(call.split()))
            documented = inspect.getdoc(function) or _inherited(name)
            yield f"{name}{call}".replace("|", r"\|"), _text(documented.split("\n\n")[0])


def _inherited(name: str) -> str:
    """Return the docstring of a method that a port documents."""
    from freshset.store.base import Store

    return inspect.getdoc(getattr(Store, name, None)) or ""


def _module(path: str) -> list[str]:
    module = importlib.import_module(path)
    rows = [
        (f"`{name}`", _text((inspect.getdoc(thing) or "").split("\n\n")[0]))
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and getattr(thing, "__module__", "") == path
        and (inspect.isfunction(thing) or inspect.isclass(thing))
    ]
    head = _text((inspect.getdoc(module) or "").split("\n\n")[0])
    return [f"### `{path}`", head, _table(("Name", "Is"), rows)] if rows else []


def _docstring(thing: Any) -> list[str]:
    """Return a NumPy-style docstring as Markdown."""
    pieces = _SECTION.split(inspect.getdoc(thing) or "")
    parts = [_text(pieces[0])]
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        parts += [f"**{title}**", _section(title, body)]
    return parts


def _section(title: str, body: str) -> str:
    if title in {"Notes", "References"}:
        return _text(body)
    items: list[tuple[str, list[str]]] = []
    for line in body.strip("\n").split("\n"):
        if line and not line.startswith(" "):
            items.append((line, []))
        elif items:
            items[-1][1].append(line.strip())
    return "\n\n".join(
        f"`{name}`\n: {_text(' '.join(text)) or '-'}" for name, text in items
    )  # fmt: skip


# Markdown


def _text(text: str) -> str:
    """Return docstring text as Markdown: double backticks are code, other signs are themselves."""
    pieces = re.split(r"(``.+?``|`.+?`)", text.strip(), flags=re.DOTALL)
    out = []
    for i, piece in enumerate(pieces):
        if i % 2:
            out.append("`" + piece.strip("`") + "`")
        else:
            out.append(re.sub(r"([*_<>|\[\]])", r"\\\1", piece))
    return "".join(out)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split("\n")) for cell in line) + " |" for line in lines
    )


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
