"""Adapters by name: those that come with freshset, and those of installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from freshset.core.errors import MissingExtraError, UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an adapter lives.

    Attributes
    ----------
    target
        ``module:attribute``, imported when the adapter is first used.
    extra
        The extra of freshset that installs what the adapter needs; empty when nothing is needed.
    packages
        Import names of those packages.
    summary
        What it reads or runs, in a few words.
    """

    target: str
    extra: str = ""
    packages: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Registry:
    """One kind of adapter.

    Attributes
    ----------
    kind
        What one is called in messages, for example ``model adapter``.
    builtin
        Those that come with freshset.
    group
        Entry-point group in which other packages register theirs.
    """

    kind: str
    builtin: Mapping[str, Entry]
    group: str

    def entries(self) -> dict[str, Entry]:
        """All adapters by name; freshset's own win over plugins of the same name."""
        plugins = {
            point.name: Entry(point.value, summary=f"plugin {point.value.partition(':')[0]}")
            for point in entry_points(group=self.group)
        }
        return plugins | dict(self.builtin)

    def load(self, name: str) -> Any:
        """Import an adapter.

        Raises
        ------
        UsageError
            When no adapter has the name, or a plugin is broken.
        MissingExtraError
            When a package it needs is not installed.
        """
        # Looking for plugins takes longer than most adapters take to describe a model.
        entry = self.builtin.get(name) or self.entries().get(name)
        if entry is None:
            raise UsageError(f"No {self.kind} {name!r}.", did_you_mean(name, self.entries()))
        module, _, attribute = entry.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except ImportError as error:
            missing = (error.name or "").partition(".")[0]
            if entry.extra and missing in entry.packages:
                raise MissingExtraError(
                    f"The {self.kind} {name!r} needs {missing}, which is not installed.",
                    f'Install it: pip install "freshset[{entry.extra}]"',
                ) from error
            raise UsageError(f"The {self.kind} {name!r} cannot be imported ({error}).") from error
        except AttributeError as error:
            raise UsageError(f"The {self.kind} {name!r} is broken: {error}.") from error
