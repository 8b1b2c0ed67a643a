"""``datasheet.md``: what the test set is and how it was made, every number from the project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from freshset.replication.package.base import Contents, PackagedImage
from freshset.replication.package.facts import Facts

DATASHEET = "datasheet.md"


def datasheet(contents: Contents, facts: Facts) -> str:
    """Content of the file, in the order of the questions of Gebru et al.

    References
    ----------
    Gebru et al. (2021), "Datasheets for Datasets", Communications of the ACM 64:86.
    """
    lines = [f"# Datasheet of {contents.testset}", "", *_head(contents)]
    for title, section in (
        ("Composition", _composition(contents)),
        ("Collection", _collection(facts)),
        ("Labels", _labels(contents, facts)),
        ("Near-duplicates and exclusions", _exclusions(contents, facts)),
        ("Sampling", _sampling(contents)),
        ("Review and freezing", _review(contents, facts)),
        ("Use", _use(contents)),
        ("Licences and takedowns", _licences(contents, facts)),
    ):
        lines += ["", f"## {title}", "", *section]
    return "\n".join(lines) + "\n"


def _head(contents: Contents) -> Iterator[str]:
    yield (
        f"A fresh test set for {contents.spec.original}: revision {contents.head.name} "
        f"(digest `{contents.head.digest}`), frozen on {contents.frozen.at[:10]} by "
        f"{contents.frozen.who}: {contents.frozen.why}"
    )
    if contents.touched:
        yield ""
        yield (
            "**Adaptively touched.** The set was changed after its predictions may have been seen: "
            f"{contents.touched}."
        )


def _composition(contents: Contents) -> Iterator[str]:
    yield f"{len(contents.images):,} images in {len(contents.classes):,} classes."
    yield ""
    yield "| id | class | name | images | asked for | mean selection frequency |"
    yield "| --- | --- | --- | --- | --- | --- |"
    by_class: defaultdict[int, list[PackagedImage]] = defaultdict(list)
    for image in contents.images:
        by_class[image.of.label].append(image)
    for one in contents.classes:
        own = by_class[one.label]
        known = [image.selected / image.answers for image in own if image.answers]
        mean = f"{np.mean(known):.3f}" if known else "unknown"
        wanted = contents.spec.size_of(one.key)
        key, name = _cell(one.key), _cell(one.name)
        yield f"| {one.label} | {key} | {name} | {len(own):,} | {wanted:,} | {mean} |"


def _collection(facts: Facts) -> Iterator[str]:
    yield (
        f"The project holds {facts.pools.get('candidate', 0):,} candidates, "
        f"{facts.pools.get('train', 0):,} images of the original training set and "
        f"{facts.pools.get('test', 0):,} of the original test set."
    )
    if facts.found or facts.failed:
        yield ""
        yield "| source | found | failed |"
        yield "| --- | --- | --- |"
        for source in sorted({*facts.found, *facts.failed}):
            numbers = facts.found.get(source, 0), facts.failed.get(source, 0)
            yield f"| {_cell(source)} | {numbers[0]:,} | {numbers[1]:,} |"


def _labels(contents: Contents, facts: Facts) -> Iterator[str]:
    policy = contents.spec.workers.policy
    yield (
        f"{facts.workers:,} workers gave {facts.answers:,} answers in {facts.tasks:,} tasks. "
        f"{facts.asked:,} of the answers are about the images of this set. Workers who miss "
        f"controls: policy `{policy}`."
    )
    if not np.isnan(facts.alpha):
        yield ""
        yield (
            f"On these images two answers agree in {100 * facts.agreement:.1f} % of all pairs; "
            f"Krippendorff's alpha is {facts.alpha:.3f}. Alpha is low where nearly all answers are "
            "yes, as they are for images that were chosen for it."
        )
    unknown = sum(not image.answers for image in contents.images)
    if unknown:
        yield ""
        yield f"Images without answers: {unknown:,}. Their selection frequency is unknown, not 0."


def _exclusions(contents: Contents, facts: Facts) -> Iterator[str]:
    yield f"Reviewed pairs: {_numbers(facts.verdicts)}. Excluded images: {_numbers(facts.excluded)}."
    yield ""
    yield f"Distances up to which neighbours were reviewed: {_thresholds(contents)}."
    reasons: dict[str, int] = {}
    for counts in contents.revision.eligibility.values():
        for reason, number in counts.items():
            reasons[reason] = reasons.get(reason, 0) + number
    yield ""
    yield f"Candidates when the sample was drawn, by the first reason: {_numbers(reasons)}."


def _sampling(contents: Contents) -> Iterator[str]:
    revision = contents.revision
    missing = sum(sum(counts.values()) for counts in revision.missing.values())
    upward = sum(sum(counts.values()) for counts in revision.upward.values())
    yield (
        f"Strategy `{revision.strategy}`, seed {revision.seed}. Images that were asked for and not "
        f"found: {missing:,}. Images from a higher bin than asked for: {upward:,}."
    )
    yield ""
    yield f"Revisions, from this one back to the first: {', '.join(contents.chain)}."


def _review(contents: Contents, facts: Facts) -> Iterator[str]:
    yield f"{facts.reviewed:,} of {len(contents.classes):,} classes were reviewed by eye."
    waived = contents.frozen.detail.get("waived", [])
    if waived:
        yield ""
        yield "Frozen although:"
        yield ""
        yield from (f"- {text}" for text in waived)


def _use(contents: Contents) -> Iterator[str]:
    yield (
        f"For evaluation only. `testset.yaml` is the section of a study file; the class ids are "
        f"those of `classes.csv`, and never the places of the folders. What the set was drawn by is "
        f"in `spec.yaml` and `revision.json`, what was decided in `log.jsonl`, of "
        f"{len(contents.entries):,} entries. Pictures are shown upright when their EXIF orientation "
        "is applied."
    )
    yield ""
    yield "Check the files with `sha256sum -c SHA256SUMS`."


def _licences(contents: Contents, facts: Facts) -> Iterator[str]:
    yield f"By licence: {_numbers(facts.licences)}. `LICENSES` and `test/metadata.csv` give each image."
    yield ""
    yield f"Images that were taken down: {len(contents.tombstones):,}. `takedowns.csv` lists their ids."


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'unknown'} {n:,}" for name, n in counts.items()) or "none"


def _thresholds(contents: Contents) -> str:
    limits = contents.spec.duplicates.thresholds
    return ", ".join(f"{metric} {limit:g}" for metric, limit in sorted(limits.items())) or "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
