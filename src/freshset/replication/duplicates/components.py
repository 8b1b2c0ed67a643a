"""Connected components of duplicates, and which one image of each is kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from freshset.core.frequencies import Frequencies
from freshset.replication.duplicates.graph import component_numbers
from freshset.replication.duplicates.state import Pair, State
from freshset.stats.bins import at_least

GOOD = 0.7
FALLBACK = 0.6

# Frequency by image and class; images that are good, and fair; good candidates by class.
_Knowledge = tuple[
    Mapping[str, Mapping[str, float]], Mapping[str, Mapping[str, set[str]]], Mapping[str, int]
]


@dataclass(frozen=True, slots=True)
class Component:
    """Images that duplicate each other, directly or through others.

    Attributes
    ----------
    items
        Ids, rising.
    edges
        Pairs with why they are linked: ``verdict``, ``pixels`` or ``photo``.  Long chains link images
        that have nothing in common; cut an edge where that happened.
    originals
        Those that are original images; then all candidates are out.
    kept
        The candidate that stays; empty when none does.
    reason
        Why it stays, or why none does: ``original``, ``asked``, ``good``, ``fair``, ``best`` or
        ``excluded``.
    """

    items: tuple[str, ...]
    edges: Mapping[Pair, str]
    originals: tuple[str, ...]
    kept: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "items": list(self.items),
            "edges": [[a, b, why] for (a, b), why in sorted(self.edges.items())],
            "originals": list(self.originals),
            "kept": self.kept,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Resolution:
    """All components, and the candidates that are out.

    Attributes
    ----------
    components
        Largest first.
    out
        Ids of candidates that duplicate an original image, or one that is kept.
    """

    components: tuple[Component, ...]
    out: frozenset[str]


def resolve(
    state: State,
    frequencies: Frequencies,
    *,
    good: float = GOOD,
    fallback: float = FALLBACK,
) -> Resolution:
    """Decide which candidates are near-duplicates: the rule of ImageNetV2.

    In a component that touches an original image every candidate is out.  In any other exactly one
    stays: one that was asked for; else, of the classes whose best selection frequency in the component
    is at least ``good`` (or, when there is none, ``fallback``; or else the best), the class with the
    fewest good candidates, among equals the lowest key; of that class the image with the highest
    frequency, among equals the highest id.

    Parameters
    ----------
    frequencies
        As far as they are known; an unknown one is less than any other.
    good, fallback
        Selection frequencies.
    """
    connected = _connected(state.edges())
    linked = {item for items, _ in connected for item in items}
    known, enough = _frequencies(state, linked, frequencies, (good, fallback))
    stock = _stock(state, frequencies, good)
    out = {item for item in state.originals if item in state.candidates}
    components = []
    for items, edges in connected:
        originals = tuple(item for item in items if item in state.originals)
        candidates = [item for item in items if item in state.candidates]
        free = [item for item in candidates if item not in state.excluded]
        if originals:
            kept, reason = "", "original"
        elif not free:
            kept, reason = "", "excluded"
        else:
            kept, reason = _choice(free, state.asked, (known, enough, stock))
        out |= set(candidates) - {kept}
        components.append(Component(items, edges, originals, kept, reason))
    components.sort(key=lambda one: (-len(one.items), one.items))
    return Resolution(tuple(components), frozenset(out))


def _choice(
    free: Collection[str],
    asked: Collection[str],
    knowledge: _Knowledge,
) -> tuple[str, str]:
    wanted = sorted(set(asked).intersection(free))
    if wanted:
        return wanted[-1], "asked"
    known, enough, _ = knowledge
    for reason, level in enough.items():
        keys = {key for item in free for key in level.get(item, ())}
        if keys:
            return _of_class(keys, free, knowledge), reason
    best = {
        key: max(known[item][key] for item in free if key in known[item])
        for key in {key for item in free for key in known[item]}
    }
    highest = max(best.values())
    keys = {key for key, value in best.items() if value == highest}
    return _of_class(keys, free, knowledge), "best"


def _of_class(keys: Collection[str], free: Collection[str], knowledge: _Knowledge) -> str:
    """The best image of the class with the fewest good ones."""
    known, _, stock = knowledge
    key = min(keys, key=lambda one: (stock.get(one, 0), one))
    return max((known[item][key], item) for item in free if key in known[item])[1]


def _frequencies(
    state: State, linked: Collection[str], frequencies: Frequencies, limits: tuple[float, float]
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, set[str]]]]:
    """Selection frequency by linked image and class, -1 where unknown; those that reach a limit."""
    keys_of = {item: state.candidates[item] for item in linked if item in state.candidates}
    known = {item: dict.fromkeys(keys, -1.0) for item, keys in keys_of.items()}
    enough: dict[str, dict[str, set[str]]] = {"good": {}, "fair": {}}
    some = frequencies[[item in known for item in frequencies.item_ids.tolist()]]
    some = some[some.answers > 0]
    reached = [at_least(some.selected, some.answers, limit).tolist() for limit in limits]
    columns = (some.item_ids.tolist(), some.class_keys.tolist(), some.value.tolist(), *reached)
    for item, key, value, *levels in zip(*columns, strict=True):
        if key in known[item]:
            known[item][key] = value
            for level, is_enough in zip(enough.values(), levels, strict=True):
                if is_enough:
                    level.setdefault(item, set()).add(key)
    return known, enough


def _stock(state: State, frequencies: Frequencies, good: float) -> Counter[str]:
    """Good candidates of each class."""
    some = frequencies[at_least(frequencies.selected, frequencies.answers, good)]
    return Counter(
        key
        for item, key in zip(some.item_ids.tolist(), some.class_keys.tolist(), strict=True)
        if key in state.candidates.get(item, ()) and item not in state.excluded
    )


def _connected(edges: Mapping[Pair, str]) -> list[tuple[tuple[str, ...], dict[Pair, str]]]:
    numbers = component_numbers(edges)
    members: defaultdict[int, list[str]] = defaultdict(list)
    inside: defaultdict[int, dict[Pair, str]] = defaultdict(dict)
    for item, number in numbers.items():
        members[number].append(item)
    for pair, why in edges.items():
        inside[numbers[pair[0]]][pair] = why
    return [(tuple(items), inside[number]) for number, items in members.items()]
