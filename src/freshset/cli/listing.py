"""``freshset ls``: what there is to choose from, and what a store or a study has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshset.cli.options import JsonOption
from freshset.cli.output import columns, emit
from freshset.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from freshset.core.registry import Entry as AdapterEntry
    from freshset.datasets.builtin import Entry

app = typer.Typer(
    help="List models, test sets, mappings, metrics and adapters.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PatternArgument = Annotated[
    str, typer.Argument(help="Only these names, by shell pattern.", metavar="PATTERN")
]
FromStoreOption = Annotated[
    Path | None, typer.Option("--store", help="List what is in this store.", metavar="DIR")
]
_LONGEST = 40
# Mappings that follow from the class keys alone.
RULE_TITLES = {
    "permute": "the same classes in another order; found without being named",
    "restrict": "some of the model's classes; the others are left out",
    "drop-background": "all of the model's classes but one",
}


@app.command("models")
def list_models(
    pattern: Annotated[
        str,
        typer.Argument(help="ADAPTER:PATTERN, or a study file.", metavar="PATTERN"),
    ] = "",
    store: FromStoreOption = None,
    json: JsonOption = False,
) -> None:
    """List the models of an adapter, of a study, or of a store."""
    if store is not None:
        rows = _stored_models(store, pattern)
        text = columns(("model", "test sets"), [(r["name"], str(r["testsets"])) for r in rows])
    elif pattern.endswith((".yaml", ".yml")):
        from freshset.engine.study import load_study

        found = load_study(pattern).models
        rows = [{"name": model.title, "reference": str(model.ref)} for model in found]
        text = "\n".join(row["name"] for row in rows)
    else:
        rows = [{"name": name} for name in _known_models(pattern)]
        text = "\n".join(row["name"] for row in rows)
    _emit("models", rows, text, json)


@app.command("testsets")
def list_testsets(
    pattern: Annotated[
        str,
        typer.Argument(
            help="Everything about this one, or only these by shell pattern.",
            metavar="NAME",
        ),
    ] = "*",
    store: FromStoreOption = None,
    json: JsonOption = False,
) -> None:
    """List the test sets that freshset knows by name, or those of a store."""
    if store is not None:
        rows = _stored_testsets(store, pattern)
        counts = [(r["id"], f"{r['n']:,}", f"{r['classes']:,}", str(r["models"])) for r in rows]
        _emit("testsets", rows, columns(("test set", "items", "classes", "models"), counts), json)
        return
    from freshset.core.identifiers import canonical_testset
    from freshset.datasets.builtin import builtin, entries

    if not _is_pattern(pattern):
        entry = builtin(canonical_testset(pattern))
        _emit("testsets", [_entry_dict(entry)], _entry_text(entry), json)
        return
    found = [entries()[id] for id in _matching(pattern, list(entries()), "test set")]
    table = [(e.id, f"{e.n:,}", e.classes, _cut(e.licence), e.source) for e in found]
    text = columns(("test set", "items", "classes", "licence", "source"), table, left=(0, 2, 3, 4))
    _emit("testsets", [_entry_dict(entry) for entry in found], text, json)


@app.command("mappings")
def list_mappings(pattern: PatternArgument = "*", json: JsonOption = False) -> None:
    """List the mappings from the classes of models to those of test sets."""
    from freshset.datasets.mapping_tables import shipped_tables

    rows: list[dict[str, Any]] = [
        {"name": name, "how": name, "title": title, "classes": None, "source": ""}
        for name, title in RULE_TITLES.items()
    ]
    rows += [
        {"name": t.name, "how": t.how, "title": t.title, "classes": len(t.members),
         "source": t.source}
        for t in shipped_tables().values()
    ]  # fmt: skip
    rows = _by_name(rows, pattern, "mapping")
    table = [(r["name"], r["how"], str(r["classes"] or "any"), r["title"]) for r in rows]
    text = columns(("mapping", "how", "classes", "what"), table, left=(0, 1, 3))
    _emit("mappings", rows, text, json)


@app.command("metrics")
def list_metrics(pattern: PatternArgument = "*", json: JsonOption = False) -> None:
    """List the metrics, and what of the predictions each needs."""
    from freshset.stats.metrics import METRICS

    rows: list[dict[str, Any]] = [
        {"name": m.name, "title": m.title, "needs": list(m.needs), "better": m.better,
         "unit": m.unit}
        for m in METRICS.values()
    ]  # fmt: skip
    rows = _by_name(rows, pattern, "metric")
    table = [(r["name"], r["better"], r["unit"], ", ".join(r["needs"]), r["title"]) for r in rows]
    head = ("metric", "better", "unit", "needs", "what")
    _emit("metrics", rows, columns(head, table, left=range(5)), json)


@app.command("adapters")
def list_adapters(pattern: PatternArgument = "*", json: JsonOption = False) -> None:
    """List what can read models and test sets, and what has to be installed for it."""
    from freshset.datasets.registry import ADAPTERS as TESTSETS
    from freshset.models.registry import ADAPTERS as MODELS

    rows = [
        _adapter(kind, name, entry)
        for kind, registry in (("model", MODELS), ("test set", TESTSETS))
        for name, entry in registry.entries().items()
    ]
    rows = _by_name(rows, pattern, "adapter")
    table = [(r["name"], r["of"], r["summary"], "yes" if r["installed"] else r["install"])
             for r in rows]  # fmt: skip
    head = ("adapter", "of", "what", "installed")
    _emit("adapters", rows, columns(head, table, left=range(4)), json)


def _emit(kind: str, rows: Sequence[dict[str, Any]], text: str, as_json: bool) -> None:
    document = {"schema": "freshset.ls/1", "kind": kind, "entries": list(rows)}
    emit(document, text, as_json=as_json, output=None)


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _matching(pattern: str, names: Sequence[str], kind: str) -> list[str]:
    """Return the names that a pattern matches; raises `UsageError` when there is none."""
    from fnmatch import fnmatchcase

    found = [name for name in names if fnmatchcase(name, pattern)]
    if not found and pattern not in {"", "*"}:
        hint = did_you_mean(pattern.strip("*"), names)
        raise UsageError(f"No {kind} matches {pattern!r}.", hint)
    return found


def _by_name(rows: list[dict[str, Any]], pattern: str, kind: str) -> list[dict[str, Any]]:
    found = set(_matching(pattern, [row["name"] for row in rows], kind))
    return [row for row in rows if row["name"] in found]


def _known_models(pattern: str) -> list[str]:
    from freshset.engine.study_models import is_pattern, matching
    from freshset.models.reference import ModelRef
    from freshset.models.registry import ADAPTERS

    adapter, _, name = pattern.partition(":")
    if not adapter:
        known = ", ".join(f"'{one}:*'" for one in ADAPTERS.entries())
        raise UsageError("Whose models?", f"Give one of {known}, a study file, or --store DIR.")
    if not name:
        name = "*"
    elif not is_pattern(f"{adapter}:{name}"):
        name = f"*{name}*"
    ref = ModelRef.parse(f"{adapter}:{name}")
    return [f"{adapter}:{one}" for one in matching(ref, Path())]


def _stored_models(store: Path, pattern: str) -> list[dict[str, Any]]:
    from collections import Counter

    from freshset.store.parquet import ParquetStore

    counts = Counter(cell.spec.model for cell in ParquetStore(store).cells())
    names = _matching(pattern or "*", sorted(counts), "model")
    return [{"name": name, "testsets": counts[name]} for name in names]


def _stored_testsets(store: Path, pattern: str) -> list[dict[str, Any]]:
    from collections import Counter

    from freshset.store.parquet import ParquetStore

    opened = ParquetStore(store)
    counts = Counter(cell.spec.testset for cell in opened.cells())
    found = [opened.testset(id) for id in _matching(pattern, opened.testsets(), "test set")]
    return [{"id": t.id, "n": t.n, "classes": t.n_classes, "models": counts[t.id]} for t in found]


def _entry_dict(entry: Entry) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(entry)


def _entry_text(entry: Entry) -> str:
    facts = {
        "id": entry.id,
        "items": f"{entry.n:,}",
        "classes": entry.classes,
        "mapping": entry.mapping,
        "layout": entry.layout,
        "licence": entry.licence,
        "source": entry.source,
        "citation": entry.citation,
        "note": entry.note,
        "in a study": f"- {entry.id}: PATH",
    }
    lines = [entry.title, *(f"  {name:<12}{value}" for name, value in facts.items() if value)]
    for download in entry.downloads:
        lines.append(f"  {'download':<12}{download.url}")
        digests = {"sha256": download.sha256, "md5": download.md5}
        said = [f"{name} {value}" for name, value in digests.items() if value]
        if download.bytes:
            said.insert(0, f"{download.bytes:,} bytes")
        if said:
            by = f" (says {download.checked})" if download.checked else ""
            lines.append(f"  {'':<12}{', '.join(said)}{by}")
    return "\n".join(lines)


def _adapter(kind: str, name: str, entry: AdapterEntry) -> dict[str, Any]:
    from importlib.util import find_spec

    installed = all(find_spec(package) is not None for package in entry.packages)
    install = f'pip install "freshset[{entry.extra}]"' if entry.extra else ""
    return {
        "name": name,
        "of": kind,
        "summary": entry.summary,
        "installed": installed,
        "install": install,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4].rstrip()} ..."
