"""``freshset testset new``, ``spec``, ``status`` and ``log``: a project, its rules and its record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshset.cli.output import columns, emit, say, warn
from freshset.cli.testset.options import (
    DatabaseOption,
    JsonOption,
    OutputOption,
    ProjectOption,
    WhoOption,
    WhyOption,
    opened,
    person,
)
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.replication.journal import Entry
    from freshset.replication.project import Project
    from freshset.replication.spec import Spec
    from freshset.replication.status import Status


def new(
    spec: Annotated[Path, typer.Argument(help="Spec of the fresh test set.", metavar="SPEC.yaml")],
    project: ProjectOption,
    why: WhyOption,
    who: WhoOption = "",
    database: DatabaseOption = "",
) -> None:
    """Begin a project with a spec, before any data is seen."""
    from freshset.replication.project import Project
    from freshset.replication.spec import load_spec

    text = load_spec(spec)
    with Project.create(project, text, who=person(who), why=why, database=database) as begun:
        rules = begun.spec
        say(f"Began {project}: {rules.name}; classes: {len(rules.classes):,}.")


def spec(
    project: ProjectOption,
    file: Annotated[
        Path | None,
        typer.Argument(help="Spec to put in force; without it, the one in force is printed."),
    ] = None,
    why: Annotated[str, typer.Option("--why", help="Reason of the change.")] = "",
    who: WhoOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Print the spec in force, or put another in force; the log keeps what changed."""
    from freshset.replication.spec import load_spec

    text = None if file is None else load_spec(file)
    with opened(project, database) as there:
        if text is None:
            rules = there.spec
            data: dict[str, Any] = {
                "schema": "freshset.spec/1",
                "digest": rules.digest,
                "spec": rules.model_dump(mode="json"),
            }
            emit(data, there.spec_text, as_json=json, output=output)
            return
        before = there.spec
        version = there.change_spec(text, who=person(who), why=why)
        *_, entry = there.entries(action="spec.change")
        warn(_redefined(there, before))
    changes = entry.detail["changes"]
    data = {"schema": "freshset.spec-change/1", "version": version, "changes": changes}
    lines = [f"Version {version} is in force."]
    lines += [f"{place}: {before} -> {after}" for place, (before, after) in changes.items()]
    emit(data, "\n".join(lines), as_json=json, output=output)


def _redefined(project: Project, before: Spec) -> Iterator[str]:
    """What was done for classes of which people are told something else now."""
    from freshset.replication.status import read_status

    former = before.by_key
    changed = {
        one.key
        for one in project.spec.classes
        if one.key in former and former[one.key].digest != one.digest
    }
    for one in read_status(project).classes if changed else ():
        if one.key in changed and one.answers:
            yield (
                f"{one.key}: people were told something else before. Its {one.answers:,} answers "
                "still count; its reviews no longer do."
            )


def upgrade(
    project: ProjectOption,
    why: WhyOption,
    who: WhoOption = "",
    database: DatabaseOption = "",
) -> None:
    """Bring a project of an older freshset to this one; make a copy of it before."""
    from freshset.replication.project import Project

    done = Project.upgrade(project, database=database, who=person(who), why=why)
    say(f"{project} is upgraded." if done else f"{project} is up to date.")


def status(
    project: ProjectOption,
    failures: Annotated[
        bool, typer.Option("--failures", help="List the images that could not be had, and why.")
    ] = False,
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show what each class has, and what has been done."""
    from freshset.replication.status import read_failures, read_status

    with opened(project, database) as there:
        if failures:
            failed = read_failures(there)
            data = {"schema": "freshset.failures/1", "failures": [asdict(one) for one in failed]}
            text = columns(
                ("source", "class", "image", "reason"),
                [(one.source, one.class_key, one.key, one.reason) for one in failed],
            )
            emit(data, text if failed else "Nothing failed.", as_json=json, output=output)
            return
        found = read_status(there)
    short = [one.key for one in found.classes if one.short]
    if short and found.images:
        named = ", ".join(short[:8]) + (", ..." if len(short) > 8 else "")
        warn([f"Fewer candidates than images wanted (classes: {len(short):,}): {named}."])
    emit(found.to_dict(), render_status(found), as_json=json, output=output)


def log(
    project: ProjectOption,
    action: Annotated[
        str, typer.Option("--action", help="Only actions that begin so, such as answers.")
    ] = "",
    subject: Annotated[
        str, typer.Option("--subject", help="Only what was done to this image, class or revision.")
    ] = "",
    by: Annotated[str, typer.Option("--by", help="Only what this person did.")] = "",
    last: Annotated[
        int | None, typer.Option("--last", help="Only the last entries.", metavar="N", min=1)
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Check that no entry was changed, removed or put in between."
        ),
    ] = False,
    known: Annotated[
        str,
        typer.Option(
            "--known",
            help="With --verify: a digest that was noted elsewhere, which the log must hold.",
            metavar="DIGEST",
        ),
    ] = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show who did what, when and why; or verify that the log is whole."""
    if known and not verify:
        raise UsageError("--known goes with --verify.", "Add --verify.")
    with opened(project, database) as there:
        if verify:
            _verify(there, known, json, output)
            return
        entries = [
            one for one in there.entries(action=action, subject=subject) if not by or one.who == by
        ]
    entries = entries if last is None else entries[-last:]
    data = {"schema": "freshset.log/1", "entries": [one.to_dict() for one in entries]}
    emit(data, "\n".join(map(render_entry, entries)), as_json=json, output=output)


def _verify(project: Project, known: str, as_json: bool, output: Path | None) -> None:
    n = project.verify_log(known)
    *_, newest = project.entries()
    data = {"schema": "freshset.log-check/1", "entries": n, "digest": newest.digest}
    text = f"The log is whole: {n:,} entries, the last with digest {newest.digest}."
    emit(data, text, as_json=as_json, output=output)


def render_entry(entry: Entry) -> str:
    """One entry as text: what is short on one line, each detail on a line of its own."""
    what = f"{entry.action} {entry.subject}".strip()
    lines = [f"{entry.seq}  {entry.at[:19]}Z  {entry.who}  {what}", f"    why: {entry.why}"]
    if "clock" in entry.detail:
        lines.append(f"    the clock went back: before was {entry.detail['clock']['before']}")
    for key, value in entry.detail.items():
        if key != "clock":
            text = str(value)
            lines.append(f"    {key}: {text if len(text) <= 200 else text[:200] + ' ...'}")
    return "\n".join(lines)


def render_status(found: Status) -> str:
    """Status as text."""
    header = ("class", "wanted", "candidates", "excluded", "failed", "test", "train", "answers")
    rows = [
        (
            one.key + (" (short)" if one.short else ""),
            *(
                f"{n:,}"
                for n in (
                    one.wanted, one.candidates, one.excluded, one.failures,
                    one.test, one.train, one.answers,
                )
            ),
        )
        for one in found.classes
    ]  # fmt: skip
    lines = [
        f"{found.name} after {found.original}, by {found.strategy}; images: {found.images:,}.",
        columns(header, rows),
    ]
    if found.several_classes:
        lines.append(f"Images that are candidates of several classes: {found.several_classes:,}.")
    if missing := [quota for quota in found.quotas if quota.missing]:
        lines.append(
            "Keywords with too few candidates: "
            + ", ".join(f"{q.class_key}/{q.keyword} {q.missing:,}" for q in missing[:20])
            + (", ..." if len(missing) > 20 else "")
        )
    for name in ("tasks", "verdicts", "revisions"):
        counts = getattr(found, name)
        if counts:
            said = ", ".join(f"{n:,} {state}" for state, n in counts.items())
            lines.append(f"{name.capitalize()}: {said}.")
    return "\n".join(lines)
