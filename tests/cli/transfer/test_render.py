from __future__ import annotations

from pathlib import Path
from typing import Any

from freshset.cli.transfer.render import intent_text, plan_text, result_text
from freshset.core.errors import UsageError
from freshset.engine.works import PlannedWork, WorkReport
from freshset.store.works import WorkFailure, WorkSpec
from freshset.transfer.cells.cell import Cell
from freshset.transfer.costs import TransferCost
from freshset.transfer.features.extract import FeatureReport
from freshset.transfer.running import TransferRun


def a_cost(**changes: Any) -> TransferCost:
    given: dict[str, Any] = {
        "states": {"trial": {"done": 2, "missing": 1}, "final": {"waiting": 1}},
        "features": 0,
        "training": 640,
        "seconds": 7200.0,
        "download": (),
        "budgets": {"paper": 5_000_000},
    }
    return TransferCost(**(given | changes))


class _Item:
    title = "a net on dtd"
    spec = WorkSpec.of("final")


class _Plan:
    store = "there"

    def __init__(self) -> None:
        error = UsageError("No such model.", "Name another.")
        self.listed = type("L", (), {"impossible": {Cell("x", "dtd", "scratch", 1): error}})()


PLAN: Any = _Plan()


def test_intent() -> None:
    assert intent_text(a_cost()) == (
        "Images to take features of: 0; to train on: 640 in 2 runs. About 2.0 h, by the speed "
        "measured so far."
    )
    assert "nobody knows how long" in intent_text(a_cost(seconds=None))
    assert intent_text(a_cost(training=0)) == "2 pieces of work without a network."
    assert (
        intent_text(a_cost(training=0, states={"probe": {"done": 4}})) == "Nothing is left to do."
    )


def test_plan() -> None:
    text = plan_text(PLAN, "run", a_cost(download=("x",)))
    assert text.splitlines()[0].split() == ["work", "done", "missing", "waiting"]
    assert "Weights to fetch first, of 1 models." in text
    assert "5,000,000" in text
    assert "x on dtd, from scratch, seed 1: No such model. Name another." in text
    assert text.endswith("Nothing was written.")
    assert "5,000,000" not in plan_text(PLAN, "scratch", a_cost())


def test_result() -> None:
    item: Any = _Item()
    failure = WorkFailure(WorkSpec.of("trial"), "a trial", "It broke.", "Mend it.")
    left = PlannedWork(item, "waiting", "Needs a trial, which failed: It broke.")
    works: WorkReport[Any] = WorkReport([item], [failure], [left])
    result = TransferRun(PLAN, FeatureReport(), works, PLAN.listed.impossible)
    assert not result.complete
    text = result_text(result, ("Models differ.",), Path("report/index.html"))
    for expected in (
        "1 pieces of work made, 1 failed.",
        "Left for later or to other processes: 1.",
        "a net on dtd: Needs a trial, which failed: It broke.",
        "a trial: It broke. Mend it.",
        "No such model.",
        "Store:  there",
        "- Models differ.",
        "Report: report/index.html",
    ):
        assert expected in text
