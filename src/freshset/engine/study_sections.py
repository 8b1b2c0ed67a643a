"""The study file's keys and their types; what they mean is `freshset.engine.study`'s business."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from freshset.core.config import CompareSettings, RunSettings
from freshset.core.errors import UsageError, did_you_mean
from freshset.core.sizes import parse_size
from freshset.engine.yaml_text import Document, Place

# What belongs to one command, or to one machine, and not to a study.
COMMAND_LINE_ONLY = ("on_existing", "limit", "shard")


class Section(BaseModel):
    """A mapping in which every key is known."""

    __test__ = False
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    def given(self) -> dict[str, Any]:
        """Return the keys that the file has, those of sections within it too."""
        found = {name: getattr(self, name) for name in self.model_fields_set}
        return {n: one.given() if isinstance(one, Section) else one for n, one in found.items()}

    def options(self) -> dict[str, Any]:
        """Return the keys that are not the section's own, where it takes any."""
        return dict(self.model_extra or {})


SomeSection = TypeVar("SomeSection", bound=Section)


class StudySection(Section):
    """The whole file; every part of it is read by itself."""

    title: str = ""
    store: str = "store"
    models: list[Any] = []
    testsets: list[Any] = []
    run: dict[str, Any] = {}
    compare: list[Any] = []
    report: str | None = None


class ModelSection(Section):
    """A reference, a wildcard, or ``@FILE`` with a reference a line."""

    model: str
    name: str = ""


class TestSetSection(Section, extra="allow"):
    """A test set with an adapter; keys beyond these are options of the adapter."""

    id: str
    adapter: str
    path: str
    mapping: str = ""


class BuiltinSection(Section, extra="allow"):
    """A test set of the catalogue; keys beyond these are options of its adapter."""

    data: str
    mapping: str | None = None


def _size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_size(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def settings_section(
    name: str, kind: type, base: type[SomeSection], leave_out: Iterable[str] = ()
) -> type[SomeSection]:
    """Return a section with the fields of a settings class: a file has its keys and defaults.

    Fields that are settings classes themselves become mappings of the same sort.
    """
    hints = get_type_hints(kind)
    reading = {"memory": _size, "exclude": _list, "trust": _list}
    out: dict[str, Any] = {}
    for field in fields(kind):
        hint = hints[field.name]
        if field.name in leave_out:
            continue
        if is_dataclass(hint) and isinstance(hint, type):
            out[field.name] = (settings_section(hint.__name__, hint, Section) | None, None)
            continue
        before = reading.get(field.name)
        hint = hint if before is None else Annotated[hint, BeforeValidator(before)]
        # Only what the file has is ever asked for.
        out[field.name] = (hint, None if field.default is MISSING else field.default)
    made: type[SomeSection] = create_model(name, __base__=base, **out)
    return made


class PairSection(Section):
    """Two test sets to compare."""

    old: str
    new: str
    title: str = ""


RunSection = settings_section("RunSection", RunSettings, Section, COMMAND_LINE_ONLY)
CompareSection = settings_section("CompareSection", CompareSettings, PairSection)


def read_section(
    kind: type[SomeSection], value: Any, place: Place, document: Document
) -> SomeSection | None:
    """Check one section.

    Keys that are wrong are left out of what is returned, so that the others can be looked at too;
    ``None`` when nothing is left.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
    # A key that is misspelt is both missing and unknown; it is said once.
    missing = {
        str(one["loc"][-1]): [key for key in one["input"] if key not in kind.model_fields]
        for one in found
        if one["type"] == "missing"
    }
    typos = {n: close for n, keys in missing.items() for close in get_close_matches(n, keys, n=1)}
    for one in found:
        key = str(one["loc"][-1]) if one["loc"] else ""
        if key in typos and kind.model_config.get("extra") == "allow":
            # What looks like a slip may be an option of the adapter.
            document.complain(place, f"No key {key!r}.", f"Is it meant by {typos[key]!r}?")
        elif key in typos:
            text = f"Unknown key {typos[key]!r}."
            document.complain((*place, typos[key]), text, f"Did you mean {key!r}?")
        elif key not in typos.values():
            _complain(one, kind, place, document)
    wrong = {one["loc"][0] for one in found if one["loc"]}
    if not isinstance(value, dict) or not wrong:
        return None
    try:
        return kind.model_validate({key: one for key, one in value.items() if key not in wrong})
    except ValidationError:
        return None


_WORDS = {
    "model_type": "Not a mapping of keys to values.",
    "dict_type": "Not a mapping of keys to values.",
    "list_type": "Not a list.",
    "tuple_type": "Not a list.",
}


def _complain(error: ErrorDetails, kind: type[Section], place: Place, document: Document) -> None:
    inner: Place = (*place, *error["loc"])
    name = str(inner[-1]) if inner else ""
    if error["type"] == "missing":
        document.complain(place, f"No key {name!r}.")
    elif error["type"] == "extra_forbidden":
        hint = did_you_mean(name, kind.model_fields)
        if kind is RunSection and name in COMMAND_LINE_ONLY:
            hint = f"Give it on the command line, as --{name.replace('_', '-')}."
        document.complain(inner, f"Unknown key {name!r}.", hint)
    elif error["input"] is None:
        document.complain(inner, "No value.")
    elif error["type"] == "value_error":
        document.complain(inner, str(error["ctx"]["error"]))
    elif error["type"] in _WORDS:
        document.complain(inner, _WORDS[error["type"]])
    else:
        choices = error["type"] == "literal_error"
        said = error["msg"] if choices else error["msg"].partition(",")[0]
        document.complain(inner, f"{error['input']!r}: {said[:1].lower()}{said[1:]}.")
