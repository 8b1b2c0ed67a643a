"""What a transfer study takes before it is run, here and under the budgets of the literature."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from freshset.engine.works import PlannedWork, in_shard
from freshset.store.works import Works
from freshset.transfer.cells.cell import Context
from freshset.transfer.cells.listing import cells_of
from freshset.transfer.cells.training import Final, Trial
from freshset.transfer.features.wanted import passes
from freshset.transfer.protocol import BUDGETS, Protocol
from freshset.transfer.running import Stage, TransferPlan


@dataclass(frozen=True, slots=True)
class TransferCost:
    """What the missing work of one shard takes.

    Attributes
    ----------
    states
        Work by kind and state, in all shards; ``features``, ``probe``, ``trial``, ``final``, ...
    features, training
        Images that go through networks once, and images that are trained on.
    seconds
        By the speed of what the store holds of the same models, else of others; ``None`` where it
        holds nothing.
    download
        Models whose weights are to be fetched.
    budgets
        Images that all cells of the study take under each budget, trials included.
    """

    states: dict[str, dict[str, int]]
    features: int
    training: int
    seconds: float | None
    download: tuple[str, ...]
    budgets: dict[str, int]


def transfer_cost(plan: TransferPlan, stage: Stage = None) -> TransferCost:
    """Estimate what a plan takes; reads the store, and writes nothing."""
    works, shard = plan.works, plan.settings.shard
    planned = plan.planned(stage)
    wanted = plan.features(stage)
    absent = [one for one in wanted if not works.has(one.spec)]
    todo = [one for one in planned if one.state != "done" and in_shard(one.item, shard)]
    states = _states(planned)
    if wanted:
        own = Counter(states.pop("features", {}))
        taken = own + Counter(done=len(wanted) - len(absent), missing=len(absent))
        states = {"features": dict(taken), **states}
    speeds = _Speeds(works)
    for one in passes(wanted):
        speeds.add("features", one.model, one.spec)
    for work in planned:
        if isinstance(work.item, Trial | Final) and work.state == "done":
            speeds.add("training", work.item.cell.model, work.item.spec)
    trained = [one.item for one in todo if isinstance(one.item, Trial | Final)]
    passed = passes(absent)
    needs = [("features", one.model, one.images) for one in passed]
    needs += [("training", item.cell.model, item.images) for item in trained]
    return TransferCost(
        states,
        sum(one.images for one in passed),
        sum(item.images for item in trained),
        speeds.seconds(needs),
        tuple(sorted(name for name, info in plan.infos.items() if info.download)),
        {budget: _under(plan, Protocol.of(budget)) for budget in BUDGETS},
    )


def _states(planned: Iterable[PlannedWork[Context]]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in planned:
        found[one.item.spec.kind][one.state] += 1
    return {kind: dict(counts) for kind, counts in found.items()}


class _Speeds:
    """Images a second that the store's documents tell of."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._known: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, kind: str, model: str, spec: Any) -> None:
        """Look at one piece of work."""
        work = self._works.get(spec)
        if work is None:
            return
        found = work.document.get("trained", work.document)
        images, seconds = found.get("images", found.get("rows", 0)), found["seconds"]
        if images and seconds:
            self._known[kind, model].append(images / seconds)

    def seconds(self, needs: Iterable[tuple[str, str, int]]) -> float | None:
        """Time of some images of some models, one after the other."""
        total = 0.0
        for kind, model, images in needs:
            known = self._known.get((kind, model)) or [
                speed for (other, _), speeds in self._known.items() if other == kind
                for speed in speeds
            ]  # fmt: skip
            if not known:
                return None
            total += images / median(known)
        return total


def _under(plan: TransferPlan, protocol: Protocol) -> int:
    """Images of all cells of the study, but for its extra figures, under a protocol."""
    total = 0
    for cell in cells_of(plan.study):
        opened = plan.datasets[cell.dataset, cell.seed]
        n = len(opened.train) + len(opened.validation)
        if cell.steps or cell.subset[0]:
            continue
        if cell.regime == "features":
            # The seeds share them.
            first = cell.seed == plan.study.seeds[0]
            total += n + len(opened.test) if first else 0
            continue
        training = protocol.finetune if cell.regime == "finetune" else protocol.scratch
        runs = len(training.grid) + 1 if len(training.grid) > 1 else 1
        total += runs * training.steps_for(n) * training.batch
    return total
