"""``freshset testset revisions``, ``review``, ``freeze`` and ``unfreeze``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshset.cli.output import columns, emit, say, warn
from freshset.cli.testset.options import (
    DatabaseOption,
    JsonOption,
    ProjectOption,
    WhoOption,
    WhyOption,
    opened,
    person,
)
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.replication.revisions.chain import Chain
    from freshset.replication.revisions.review import ClassReview, Judgement, Shown

RevisionArgument = Annotated[str, typer.Argument(help="Name of a revision.", metavar="REVISION")]


def revisions(
    project: ProjectOption,
    name: Annotated[
        str, typer.Argument(help="One of them; by default all.", metavar="REVISION")
    ] = "",
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every digest back to the first revision.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            help="Write a csv by which 'freshset run' reads the frozen revision's images.",
            metavar="FILE.csv",
        ),
    ] = None,
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """List the revisions, or show one: what it was drawn from, and what lacks."""
    from freshset.replication.revisions.chain import head, heads, load
    from freshset.replication.revisions.chain import verify as verify_chain
    from freshset.replication.revisions.freeze import problems_of, write_manifest

    if manifest is not None and not name:
        raise UsageError("--manifest is for one revision.", "Name it.")
    with opened(project, database) as open_project:
        with open_project.read() as connection:
            known = [head(connection, name)] if name else heads(connection)
            document = load(connection, name).to_dict() if name else {}
            problems = problems_of(connection, name) if name else ()
        chains: dict[str, Chain] = {}
        for one in (
            reversed(known) if verify else ()
        ):  # the last first, whose chains have the others
            if not any(one.name in chain.names for chain in chains.values()):
                chains[one.name] = verify_chain(open_project, one.name)
        # The log has the counts of every draw; the documents themselves are long.
        drawn = {e.subject: e.detail for e in open_project.entries(action="revision.sample")}
        if manifest is not None:
            gone = write_manifest(open_project, name, manifest)
            say(f"Wrote {manifest}.")
            warn([f"{len(gone):,} images were taken down and are not in it."] if gone else [])
    rows = [dict(drawn.get(one.name, {})) | one.to_dict() for one in known]
    verified = {name for chain in chains.values() for name in chain.names}
    for row in rows:
        row["verified"] = row["name"] in verified
    if name:
        rows[0] |= {"problems": [one.message for one in problems], "document": document}
    if name in chains:
        rows[0]["chain"] = chains[name].to_dict()
    data = {"schema": "freshset.revisions/1", "revisions": rows}
    emit(data, _one(rows[0]) if name else _list(rows), as_json=json, output=None)


def review(
    project: ProjectOption,
    revision: RevisionArgument,
    class_key: Annotated[
        str, typer.Argument(help="A class, to see its images or judge them.", metavar="CLASS")
    ] = "",
    verdict: Annotated[
        str, typer.Option("--verdict", help="good, problematic or open; with CLASS.")
    ] = "",
    version: Annotated[
        int,
        typer.Option(
            "--version", help="Version of the review that you saw; 0 when there was none."
        ),
    ] = 0,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            help="Verdicts on many classes: csv with class, verdict, version; all or none count.",
            metavar="FILE.csv",
        ),
    ] = None,
    why: WhyOption = "",
    who: WhoOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Show the reviews of a revision, or the images of a class of it, or give verdicts."""
    from freshset.replication.revisions.review import images_to_review, reviews_of, set_reviews

    data: dict[str, Any] = {"schema": "freshset.review/1", "revision": revision}
    judgements = _judgements(class_key, verdict, version, file)
    with opened(project, database) as open_project:
        if judgements:
            given = set_reviews(open_project, revision, judgements, who=person(who), why=why)
            data["classes"] = [one.to_dict() for one in given]
            text = _reviews(given)
        else:
            with open_project.read() as connection:
                reviews = reviews_of(connection, revision)
                shown = images_to_review(connection, revision, class_key) if class_key else ()
            data["classes"] = [r.to_dict() for r in reviews if class_key in {"", r.class_key}]
            data["images"] = [one.to_dict() for one in shown]
            text = _images(open_project.folder, shown) if class_key else _reviews(reviews)
    emit(data, text, as_json=json, output=None)


def freeze(
    project: ProjectOption,
    revision: RevisionArgument,
    why: WhyOption,
    who: WhoOption = "",
    allow_incomplete: Annotated[
        str,
        typer.Option(
            "--allow-incomplete",
            help="The reason to freeze it although images or reviews lack.",
            metavar="REASON",
        ),
    ] = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Freeze a revision: from then on it is never changed, and may be predicted on."""
    from freshset.replication.revisions import freeze as freezing

    with opened(project, database) as open_project:
        head = freezing.freeze(
            open_project, revision, who=person(who), why=why, allow_incomplete=allow_incomplete
        )
    lines = [f"Froze {revision}: {head.digest}"]
    if head.touched:
        lines.append("It is adaptively touched: it, or one it comes from, was un-frozen before.")
    lines.append(f"Next: freshset testset package {revision} --output DIR")
    data = {"schema": "freshset.frozen/1"} | head.to_dict()
    emit(data, "\n".join(lines), as_json=json, output=None)


def unfreeze(
    project: ProjectOption,
    revision: RevisionArgument,
    why: WhyOption,
    who: WhoOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Make a frozen revision a draft again; it is marked as adaptively touched for ever."""
    from freshset.replication.revisions import freeze as freezing

    with opened(project, database) as open_project:
        marked = freezing.unfreeze(open_project, revision, who=person(who), why=why)
    text = f"{revision} is a draft again. Adaptively touched for ever: {', '.join(marked)}."
    data = {"schema": "freshset.unfrozen/1", "revision": revision, "touched": list(marked)}
    emit(data, text, as_json=json, output=None)


def _judgements(class_key: str, verdict: str, version: int, file: Path | None) -> list[Judgement]:
    """Verdicts of the options or of a file; what they say is checked where they are given."""
    from freshset.replication.revisions.review import Judgement

    if file is not None:
        from freshset.store.importers.tables import need_columns
        from freshset.store.table_files import numbers, read_table, texts

        if class_key or verdict:
            raise UsageError("The verdicts are in the file.", "Leave CLASS and --verdict away.")
        table = read_table(file)
        need_columns(table, ("class", "verdict", "version"), file)
        keys, verdicts = (texts(table[name], file) for name in ("class", "verdict"))
        rows = zip(keys, verdicts, numbers(table["version"], file), strict=True)
        return [Judgement(key, said, int(seen)) for key, said, seen in rows]
    if not verdict:
        return []
    if not class_key:
        raise UsageError(
            "A verdict is on a class.", f"Write: review REVISION CLASS --verdict {verdict}"
        )
    return [Judgement(class_key, verdict, version)]  # type: ignore[arg-type]  # checked there


def _reviews(found: Sequence[ClassReview]) -> str:
    rows = [
        [one.class_key, one.verdict, "no" if one.stale else "yes", str(one.version), one.who, one.at[:19]]
        for one in found
    ]  # fmt: skip
    header = ("class", "verdict", "definition unchanged", "version", "who", "at (UTC)")
    good = sum(one.holds for one in found)
    note = f"{good:,} of {len(found):,} classes are good."
    return columns(header, rows, left=(0, 1, 2, 4, 5)) + f"\n\n{note}"


def _images(folder: Path, found: Sequence[Shown]) -> str:
    rows = [
        [
            one.part,
            f"{one.selected:g} of {one.answers:g}" if one.answers else "-",
            one.group or "-",
            one.how or "-",
            str(folder / one.path) if one.path else f"taken down: {one.item_id}",
        ]
        for one in found
    ]
    return columns(("image", "selected", "group", "how", "file"), rows, left=(0, 2, 3, 4))


def _list(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "No revisions yet. Draw one: freshset testset sample --project DIR --why REASON"
    header = ("revision", "parent", "state", "images", "kept", "upward", "missing", "digest")
    return columns(header, [_row(one) for one in rows], left=(0, 1, 2, 7))


def _row(one: dict[str, Any]) -> list[str]:
    state = one["state"] + (", touched" if one["touched"] else "")
    numbers = [f"{one.get(name, 0):,}" for name in ("images", "kept", "upward", "missing")]
    chain = " verified" if one["verified"] else ""
    return [one["name"], one["parent"] or "-", state, *numbers, one["digest"][:12] + chain]


def _one(one: dict[str, Any]) -> str:
    document = one["document"]
    lines = [
        _list([one]),
        "",
        f"strategy {one['strategy']}, seed {one['seed']}",
        *(f"{name} {document[name]}" for name in ("spec", "policy", "pools", "parent")),
        f"digest {one['digest']}",
    ]
    total: dict[str, int] = {}
    for counts in document["eligibility"].values():
        for reason, n in counts.items():
            total[reason] = total.get(reason, 0) + n
    lines.append("candidates: " + ", ".join(f"{reason} {n:,}" for reason, n in total.items()))
    if one["parent"]:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in one["removed"].items()) or "none"
        lines.append(f"removed since {one['parent']}: {reasons}")
    if "chain" in one:
        names, gone = one["chain"]["names"], one["chain"]["tombstones"]
        lines.append(f"chain verified: {' <- '.join(names)}")
        if gone:
            lines.append(f"taken down since, ids kept: {', '.join(gone)}")
    if one["state"] == "draft":
        problems = one["problems"]
        lines += [f"not ready: {text}" for text in problems] or ["ready to be frozen"]
    return "\n".join(lines)
