"""Audit of a test set, anyone's: duplicates, blacklisted images, labels, balance, overlaps.

Everything here is pure: sets of (image, class) and what is known of the images come in, one report
goes out.  Where they come from is the business of `audit_project`, `audit_folder` and
`audit_archive`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from freshset.core.frequencies import Frequencies
from freshset.core.issues import SEVERITIES, Issue, Severity
from freshset.replication.auditing.report import (
    AuditReport,
    Group,
    Named,
    OriginalDuplicate,
    Overlap,
    SetAudit,
)
from freshset.replication.duplicates.graph import component_numbers

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Members:
    """A set that is audited.

    Attributes
    ----------
    name
        What to call it.
    rows
        Its (item id, class key) pairs; an image may wrongly occur twice.
    """

    name: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the images, beside the sets that they are in.

    Attributes
    ----------
    links
        Near-duplicate pairs; links through images of no set count too.
    original
        Class key of every image of the original data set, empty where it is not known.
    blacklist
        Reason for every image that no set may hold.
    unreadable
        What is wrong with every image that cannot be used, by item id.
    sizes
        Images that each class should have, which other classes should not; empty when nothing says.
    frequencies
        Selection frequencies; ``None`` when there are no answers.
    damaged
        One sentence for every file that is not as it was written.
    touched
        Why a set is adaptively touched, by its name.
    """

    links: tuple[tuple[str, str], ...] = ()
    original: Mapping[str, str] = field(default_factory=dict)
    blacklist: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    frequencies: Frequencies | None = None
    damaged: tuple[str, ...] = ()
    touched: Mapping[str, str] = field(default_factory=dict)


def audit(sets: Sequence[Members], known: Known) -> AuditReport:
    """Look for everything that should not be in a test set.

    Parameters
    ----------
    sets
        The sets, of different names.
    known
        What is known of their images.

    Notes
    -----
    Near-duplicates are judged by connected components of the graph of links, so that two images
    that a third one links count, wherever that one is (Recht et al. 2019, appendix B).
    """
    index = _Index.of(known)
    audits = [_audit_set(one, index) for one in sets]
    overlaps = [
        Overlap(a.name, b.name, len({i for i, _ in a.rows} & {i for i, _ in b.rows}))
        for a, b in combinations(sets, 2)
    ]
    issues = [Issue("damaged", "fault", "", (), text) for text in known.damaged]
    issues += [issue for found in audits for issue in _issues(found, known)]
    issues += [
        Issue("touched", "warning", one.name, (), f"{one.name} is adaptively touched: {why}.")
        for one in sets
        if (why := known.touched.get(one.name, ""))
    ]
    for o in overlaps:
        if o.shared:
            text = (
                f"{o.a} and {o.b} share {o.shared:,} images: results on them are not independent."
            )
            issues.append(Issue("overlap", "note", o.b, (), text))
    issues.sort(key=lambda issue: SEVERITIES.index(issue.severity))
    union = len({item for one in sets for item, _ in one.rows})
    return AuditReport(tuple(audits), tuple(overlaps), union, tuple(issues))


@dataclass(frozen=True, slots=True)
class _Index:
    """What is known, by image.

    Attributes
    ----------
    component
        Number of the component of every image that has a link.
    original_of
        An original image of every component that has one: the first by name.
    direct
        An original image of every image that is linked to one: the first by name.
    frequency
        Selection frequency by image and class.
    """

    known: Known
    component: Mapping[str, int]
    original_of: Mapping[int, str]
    direct: Mapping[str, str]
    frequency: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, known: Known) -> _Index:
        component = component_numbers(known.links)
        original_of: dict[int, str] = {}
        for item, number in component.items():  # in the order of the items
            if item in known.original:
                original_of.setdefault(number, item)
        direct: dict[str, str] = {}
        for pair in known.links:
            for item, other in (pair, pair[::-1]):
                if other in known.original and item not in known.original:
                    direct[item] = min(direct.get(item, other), other)
        return cls(known, component, original_of, direct, _by_image(known.frequencies))


def _by_image(frequencies: Frequencies | None) -> dict[tuple[str, str], float]:
    if frequencies is None:
        return {}
    keys = zip(frequencies.item_ids.tolist(), frequencies.class_keys.tolist(), strict=True)
    return dict(zip(keys, frequencies.value.tolist(), strict=True))


def _audit_set(one: Members, index: _Index) -> SetAudit:
    known = index.known
    sizes = Counter(class_key for _, class_key in one.rows)
    values = np.array([index.frequency.get(row, np.nan) for row in one.rows], dtype=np.float64)
    seen = Counter(item for item, _ in one.rows)
    has = ~np.isnan(values)
    declared = sorted(sizes.keys() | known.sizes.keys()) if known.sizes else []
    wrong = [
        (key, sizes.get(key, 0), known.sizes.get(key, 0))
        for key in declared
        if sizes.get(key, 0) != known.sizes.get(key, 0)
    ]
    return SetAudit(
        name=one.name,
        items=len(one.rows),
        classes=len(sizes),
        smallest=min(sizes.values(), default=0),
        largest=max(sizes.values(), default=0),
        original_duplicates=tuple(_original_duplicates(one, index)),
        groups=tuple(_groups(one, index.component)),
        blacklisted=tuple(_named(one, known.blacklist)),
        unreadable=tuple(_named(one, known.unreadable)),
        repeated=tuple(sorted(item for item, count in seen.items() if count > 1)),
        wrong_sizes=tuple(wrong),
        mean_frequency=float(values[has].mean()) if has.any() else float("nan"),
        unknown_frequency=int((~has).sum()),
    )


def _original_duplicates(one: Members, index: _Index) -> Iterator[OriginalDuplicate]:
    original = index.known.original
    for item, class_key in sorted(set(one.rows)):
        # An image that is itself an original one duplicates it as much as can be.
        if item in original:
            found, direct = item, True
        elif index.component.get(item, -1) in index.original_of:
            direct = item in index.direct
            found = index.direct.get(item, index.original_of[index.component[item]])
        else:
            continue
        yield OriginalDuplicate(item, class_key, found, original[found], direct)


def _groups(one: Members, component: Mapping[str, int]) -> Iterator[Group]:
    by_component: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for item, class_key in sorted(set(one.rows)):
        if item in component:
            by_component[component[item]].append((item, class_key))
    for rows in by_component.values():
        if len({item for item, _ in rows}) > 1:
            yield Group(tuple(item for item, _ in rows), tuple(key for _, key in rows))


def _named(one: Members, reasons: Mapping[str, str]) -> Iterator[Named]:
    for item, class_key in sorted(set(one.rows)):
        if item in reasons:
            yield Named(item, class_key, reasons[item])


def _issues(found: SetAudit, known: Known) -> Iterator[Issue]:
    original = found.original_duplicates
    relabelled = [d for d in original if d.original_class not in {"", d.class_key}]
    same = found.same_class_groups
    across = [group for group in found.groups if not group.same_class]
    checks: tuple[tuple[str, Severity, str, Iterable[str]], ...] = (
        ("unreadable", "fault", "images that cannot be used", map(_reason, found.unreadable)),
        ("repeated", "fault", "images that occur more than once", found.repeated),
        (
            "original-duplicate", "fault", "near-duplicates of original images",
            (f"{d.item_id} ~ {d.original}" for d in original),
        ),
        (
            "label", "fault", "labels other than that of the original image",
            (f"{d.item_id} is {d.class_key}, {d.original} is {d.original_class}" for d in relabelled),
        ),
        ("blacklisted", "fault", "blacklisted images", map(_reason, found.blacklisted)),
        (
            "inside-duplicate", "warning", "groups of near-duplicates in one class",
            (" ~ ".join(group.item_ids) for group in same),
        ),
        (
            "label", "warning", "groups of near-duplicates in different classes",
            (_with_classes(group) for group in across),
        ),
        (
            "balance", "warning", "classes without as many images as they should have",
            (f"{key} has {has} of {wanted}" for key, has, wanted in found.wrong_sizes),
        ),
    )  # fmt: skip
    for check, severity, what, names in checks:
        if listed := list(names):
            text = f"{found.name}: {what}: {len(listed):,}. {_some(listed)}."
            yield Issue(check, severity, found.name, (), text)
    if found.smallest != found.largest and not known.sizes:
        text = f"{found.name}: classes have from {found.smallest:,} to {found.largest:,} images."
        yield Issue("balance", "note", found.name, (), text)
    if known.frequencies is not None and found.unknown_frequency:
        text = (
            f"{found.name}: images without answers, whose selection frequency is unknown: "
            f"{found.unknown_frequency:,}."
        )
        yield Issue("unknown-frequency", "warning", found.name, (), text)


def _reason(one: Named) -> str:
    return f"{one.item_id} ({one.reason})"


def _with_classes(group: Group) -> str:
    pairs = zip(group.item_ids, group.class_keys, strict=True)
    return " ~ ".join(f"{item} ({key})" for item, key in pairs)


def _some(names: list[str]) -> str:
    rest = len(names) - _NAMED
    return "; ".join(names[:_NAMED]) + (f"; and {rest:,} more" if rest > 0 else "")
