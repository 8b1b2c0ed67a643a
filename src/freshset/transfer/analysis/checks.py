"""Whether results can be what they say: known names, one test set a data set, scores that fit answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from freshset.core.errors import DataError
from freshset.transfer.probe.scores import share_right
from freshset.transfer.results import Result, TargetSet, TransferResults

_Key = TypeVar("_Key", bound=Hashable)

# Scores come from other programs too, which round.
_SLACK = 1e-4


def check_results(results: TransferResults) -> None:
    """Refuse results that contradict themselves.

    Raises
    ------
    DataError
        With everything that is wrong, a line each: names that occur twice or are unknown, answers of
        another number than the test set has items, scores that are none or that answers disagree with.
    """
    faults = [*_names(results), *_cells(results)]
    if faults:
        shown = [*faults[:20], *([f"and {len(faults) - 20:,} more"] if len(faults) > 20 else [])]
        raise DataError("The results contradict themselves:\n  " + "\n  ".join(shown))


def _names(results: TransferResults) -> Iterator[str]:
    for what, names in (
        ("model", [m.name for m in results.models]),
        ("data set", [d.id for d in results.datasets]),
    ):
        yield from (f"the {what} {name!r} occurs twice" for name in _twice(names))
    for model in results.models:
        if model.accuracy is not None and not 0 <= model.accuracy <= 1:
            yield f"{model.name}: source accuracy {model.accuracy} is no fraction"
    models = {m.name for m in results.models}
    datasets = {d.id for d in results.datasets}
    lists = (results.results, results.missing, results.lengths, results.subsets, results.embeddings)
    unknown = {
        *(f"no model {one.model!r} is declared" for part in lists for one in part
          if one.model not in models),
        *(f"no data set {one.dataset!r} is declared" for part in lists for one in part
          if one.dataset not in datasets),
    }  # fmt: skip
    yield from sorted(unknown)


def _cells(results: TransferResults) -> Iterator[str]:
    datasets: Mapping[str, TargetSet] = {d.id: d for d in results.datasets}
    keys = [(r.model, r.dataset, r.regime, r.seed) for r in results.results]
    for twice in _twice(keys):
        yield f"{' / '.join(map(str, twice))} occurs twice"
    for one in results.results:
        if one.dataset in datasets and (fault := _fault(one, datasets[one.dataset])):
            yield f"{one.model} on {one.dataset} ({one.regime}, seed {one.seed}): {fault}"


def _fault(one: Result, dataset: TargetSet) -> str:
    """Say what is wrong with a result; empty when nothing is."""
    if not 0 <= one.score <= 1:
        return f"score {one.score} is no fraction"
    if len(one.predictions) != dataset.n_test:
        return (
            f"{len(one.predictions):,} answers, but the test set has {dataset.n_test:,} items: "
            "scores on different test sets are not compared"
        )
    if one.predictions.shape != dataset.labels.shape:
        return f"answers of shape {one.predictions.shape}, labels of {dataset.labels.shape}"
    if dataset.metric == "map11":
        return ""
    again = share_right(one.predictions == dataset.labels, dataset.labels, dataset.metric)
    if abs(again - one.score) > _SLACK:
        return f"score {one.score:.4f}, but its answers score {again:.4f}"
    return ""


def _twice(values: Iterable[_Key]) -> list[_Key]:
    return [value for value, n in Counter(values).items() if n > 1]
