"""Check a study before it is run: its test sets, its models, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from freshset.core.errors import StoreError
from freshset.core.issues import SEVERITIES, Issue, Severity, at_least
from freshset.core.sizes import size_text
from freshset.datasets.base import Reader
from freshset.engine.check_items import check_items, read_all
from freshset.engine.pairing import suitable
from freshset.engine.plan import Plan, describe_models, failure_of, open_testsets, plan_cells
from freshset.engine.probe import Probe, probe
from freshset.engine.progress import Progress, Silent
from freshset.engine.wanted import Wanted, WantedModel
from freshset.models.base import ModelInfo
from freshset.models.reference import ModelRef
from freshset.models.registry import describe, load
from freshset.store.base import Store
from freshset.store.testsets import check_same


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How thoroughly to check.

    Attributes
    ----------
    sample
        Items of each test set to read, spread evenly; 0 for all.
    probe
        Model to probe with, by its name in the study or by a reference; empty for the first of the
        study that fits and is on this machine.
    probe_items
        Items of each test set to probe on, about; 0 for no probe.
    """

    sample: int = 0
    probe: str = ""
    probe_items: int = 1000


@dataclass(frozen=True, slots=True)
class CheckedTestSet:
    """A test set that could be opened; ``read`` is how many items were read to check them."""

    id: str
    n: int
    n_classes: int
    item: str
    read: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found, faults first, and what it looked at.

    Attributes
    ----------
    models
        How many there are.
    cells
        Model and test set pairs that fit.
    """

    testsets: tuple[CheckedTestSet, ...]
    models: int
    cells: int
    probes: tuple[Probe, ...]
    issues: tuple[Issue, ...]

    def at_least(self, severity: Severity) -> tuple[Issue, ...]:
        """Issues of this severity or worse."""
        return at_least(self.issues, severity)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.check/1``."""
        return {
            "schema": "freshset.check/1",
            "testsets": [asdict(testset) for testset in self.testsets],
            "models": self.models,
            "cells": self.cells,
            "probes": [
                asdict(one) | {"pairs": [list(p) for p in one.pairs]} for one in self.probes
            ],
            "issues": [issue.to_dict() for issue in self.issues],
        }


def check(
    wanted: Wanted,
    store: Store,
    settings: CheckSettings | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check everything that a study names; what is wrong is in the report and is not raised.

    Parameters
    ----------
    store
        The store that the study will be run into; nothing is written to it.
    progress
        Is told of the items that are read.

    Raises
    ------
    UsageError
        When there is no such model as the one to probe with.
    """
    settings, progress = settings or CheckSettings(), progress or Silent()
    readers, closed = open_testsets(wanted)
    infos, errors = describe_models(wanted)
    opened = replace(wanted, testsets=tuple(ref for ref in wanted.testsets if ref.id in readers))
    plan = plan_cells(opened, infos, errors, readers, store)
    issues = [Issue("open", "fault", name, (), str(error)) for name, error in closed.items()]
    issues += _models(plan)
    issues += _fits(plan)
    issues += _against_store(readers, store)
    testsets = []
    sizes = [min(r.testset.n, settings.sample or r.testset.n) for r in readers.values()]
    progress.begin(len(readers), sum(sizes))
    try:
        for name, reader in readers.items():
            progress.working((), name)
            issues += check_items(reader)
            read, found = _read(reader, wanted, settings, progress)
            issues += found
            testset = reader.testset
            testsets.append(
                CheckedTestSet(testset.id, testset.n, testset.n_classes, reader.item, read)
            )
    finally:
        progress.end()
    probes, found = _probes(plan, settings)
    issues += found
    issues.sort(key=lambda issue: SEVERITIES.index(issue.severity))
    cells = sum(cell.state not in {"failed", "skipped"} for cell in plan.cells)
    return CheckReport(tuple(testsets), len(wanted.models), cells, probes, tuple(issues))


def _read(
    reader: Reader, wanted: Wanted, settings: CheckSettings, progress: Progress
) -> tuple[int, list[Issue]]:
    run = wanted.settings
    try:
        return read_all(reader, settings.sample, run.workers, run.memory, progress.advance)
    except Exception as error:  # such as a worker process that a decoder has killed
        failure = failure_of("", reader.testset.id, "read", error)
        return 0, [Issue("decode", "fault", reader.testset.id, (), failure.error)]


def _models(plan: Plan) -> Iterator[Issue]:
    for name, error in plan.errors.items():
        failure = failure_of(name, "", "load", error)
        text = f"{failure.error} {failure.hint}".strip()
        yield Issue("model", "fault", "", (name,), text)
    absent = {name: info.download for name, info in plan.infos.items() if info.download}
    if absent:
        known = sum(size for size in absent.values() if size > 0)
        more = " and more" if any(size < 0 for size in absent.values()) else ""
        text = f"{len(absent):,} models have to be fetched: {size_text(known)}{more}."
        yield Issue("download", "note", "", tuple(absent), text)


def _fits(plan: Plan) -> Iterator[Issue]:
    """Pairs that cannot be run, with one issue for all models that one thing keeps from it."""
    same: dict[tuple[str, str], list[str]] = {}
    said: dict[tuple[str, str], str] = {}
    for (model, testset), failure in plan.failures.items():
        if model in plan.infos:
            key = testset, failure.error.replace(model, "")
            same.setdefault(key, []).append(model)
            said.setdefault(key, f"{failure.error} {failure.hint}".strip())
    for (testset, error), models in same.items():
        more = f" So it is with {len(models) - 1:,} more models." if len(models) > 1 else ""
        yield Issue("fit", "fault", testset, tuple(models), said[testset, error] + more)
    fit = [cell for cell in plan.cells if cell.state not in {"failed", "skipped"}]
    failed = {cell.model for cell in plan.cells if cell.state == "failed"}
    for model in sorted(plan.infos.keys() - {cell.model for cell in fit} - failed):
        info = plan.infos[model]
        text = f"{model} does {info.task} of {info.input} items, and no test set is of that kind."
        yield Issue("fit", "warning", "", (model,), text)
    useful = {
        cell.testset for cell in plan.cells if cell.state != "skipped" and cell.model in plan.infos
    }
    for testset in (reader.testset.id for reader in plan.readers.values()):
        if testset not in useful and plan.infos:
            text = "No model of the study does what this test set asks."
            yield Issue("fit", "warning", testset, (), text)
    imported = [cell for cell in plan.cells if cell.state == "imported"]
    for cell in imported[:1]:
        text = (
            f"The store holds imported results of {cell.model!r} and {len(imported) - 1:,} more "
            "cells of this study. Give the models other names, or use another store."
        )
        names = tuple(dict.fromkeys(one.model for one in imported))
        yield Issue("store", "fault", cell.testset, names, text)


def _against_store(readers: Mapping[str, Reader], store: Store) -> Iterator[Issue]:
    known = set(store.testsets())
    for reader in readers.values():
        testset = reader.testset
        if testset.id in known:
            try:
                check_same(store.testset(testset.id), testset)
            except StoreError as error:
                yield Issue("store", "fault", testset.id, (), str(error))


def _probes(plan: Plan, settings: CheckSettings) -> tuple[tuple[Probe, ...], list[Issue]]:
    if not settings.probe_items:
        return (), []
    probes: list[Probe] = []
    issues: list[Issue] = []
    candidates = _probers(plan, settings.probe)
    for ref in plan.wanted.testsets:
        reader = plan.readers[ref.id]
        testset, labels = reader.testset.id, reader.testset.labels
        if labels is None or (labels == labels[0]).all():
            continue  # there is nothing to be right about by more than chance
        fit = [
            (model, info)
            for model, info in candidates
            if suitable(info, reader) and (model.title, testset) not in plan.failures
        ]
        if not fit:
            text = "Not probed: no model fits it and is on this machine."
            issues.append(Issue("probe", "note", testset, (), text))
            continue
        model, info = fit[0]
        try:
            here = load(model.ref, plan.wanted.runtime).info if info.download else info
            made = probe(model.title, here, reader, ref, plan.wanted, settings.probe_items)
        except Exception as error:  # whatever a model raises, the probe could not be made
            failure = failure_of(model.title, testset, "probe", error)
            text = f"The probe failed: {failure.error}"
            issues.append(Issue("probe", "fault", testset, (model.title,), text))
            continue
        probes.append(made)
        issues += made.issues()
    return tuple(probes), issues


def _probers(plan: Plan, name: str) -> list[tuple[WantedModel, ModelInfo]]:
    """Models to probe with: the one that is named, else all that are on this machine."""
    models = plan.wanted.models
    if name:
        ours = [model for model in models if model.title == name]
        model = ours[0] if ours else WantedModel(ModelRef.parse(name))
        info = plan.infos.get(model.title)
        return [(model, info or describe(model.ref, plan.wanted.runtime))]
    known = [(m, plan.infos[m.title]) for m in models if m.title in plan.infos]
    return [(model, info) for model, info in known if not info.download]
