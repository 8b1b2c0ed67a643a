"""References to models: ``adapter:name[@revision][?key=value&key=value]``."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from freshset.core.errors import UsageError

_ADAPTER = re.compile(r"[a-z][a-z0-9_.-]*")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A reference, parsed; ``str`` gives it back in canonical form.

    Attributes
    ----------
    adapter
        Name of the adapter, for example ``timm``.
    name
        What the adapter calls the model: a name, a path, or ``module:factory``.
    revision
        Of a hub repository; empty for the default one.
    options
        Literal values (numbers, booleans, ``None``, lists, strings); never evaluated.
    """

    adapter: str
    name: str
    revision: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Parse a reference.

        Raises
        ------
        UsageError
            When it has no adapter, no name, or an option that is not ``key=value``.
        """
        adapter, colon, rest = text.partition(":")
        if not colon or not _ADAPTER.fullmatch(adapter) or not rest:
            raise UsageError(
                f"{text!r} is not a model reference.",
                "Write adapter:name, for example timm:resnet50.a1_in1k or onnx:model.onnx.",
            )
        path, question, query = rest.partition("?")
        # Only the last segment can carry a revision, so that folders may have an @ in their name.
        head, at, revision = path.rpartition("@")
        if not at or "/" in revision or "\\" in revision:
            head, revision = path, ""
        if not head or (at and path.endswith("@")):
            raise UsageError(f"{text!r} has no model name or an empty revision.")
        return cls(adapter, head, revision, _options(query, text) if question else {})

    def __str__(self) -> str:
        text = f"{self.adapter}:{self.name}"
        if self.revision:
            text += f"@{self.revision}"
        if self.options:
            text += "?" + "&".join(
                f"{key}={_written(self.options[key])}" for key in sorted(self.options)
            )
        return text

    def __hash__(self) -> int:
        return hash(str(self))

    def option(self, name: str, default: Any = None) -> Any:
        """Value of an option."""
        return self.options.get(name, default)

    def check_options(self, known: tuple[str, ...]) -> None:
        """Raise `UsageError` for an option that the adapter does not know."""
        for name in self.options:
            if name not in known:
                raise UsageError(
                    f"{self}: the adapter {self.adapter!r} has no option {name!r}.",
                    f"Known: {', '.join(known)}." if known else "It takes no options.",
                )


def _options(query: str, text: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for part in query.split("&"):
        key, equals, value = part.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise UsageError(f"{text!r}: {part!r} is not key=value.")
        if key in out:
            raise UsageError(f"{text!r}: the option {key!r} occurs twice.")
        out[key] = _literal(unquote(value))
    return out


def _literal(value: str) -> Any:
    named = {"true": True, "false": False, "none": None}
    if value.lower() in named:
        return named[value.lower()]
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def _written(value: Any) -> str:
    text = value if isinstance(value, str) and _literal(value) == value else repr(value)
    return quote(text, safe="/:.,+-_ ()[]'\"{}*")
