"""``freshset testset collect``, ``original``, ``blacklist`` and ``takedown``: images come and go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshset.cli.output import emit, is_terminal, say, warn
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
    from freshset.replication.collecting.candidates import Collection
    from freshset.replication.collecting.excluding import Excluded

RetryOption = Annotated[bool, typer.Option("--retry", help="Try again what failed before.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Option of the source, as KEY=VALUE; repeatable.", metavar="KEY=VALUE"
    ),
]
ImagesArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Ids, their beginnings, or where images were found.", metavar="IMAGE"),
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", help="File with an image a line; what follows a tab or # is not read."),
]


def collect(
    source: Annotated[
        str,
        typer.Argument(help="folder, table, openverse, flickr, huggingface, or a plugin's."),
    ],
    project: ProjectOption,
    why: WhyOption,
    path: Annotated[
        str, typer.Argument(help="What the source reads, where it reads a file or folder.")
    ] = "",
    options: SetOption = None,
    retry: RetryOption = False,
    max_bytes: Annotated[
        str, typer.Option("--max-bytes", help="Largest file that is taken, such as 50MB.")
    ] = "50MB",
    workers: Annotated[
        int, typer.Option("--workers", help="Images fetched at once.", min=1, max=64)
    ] = 8,
    who: WhoOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Collect candidates from a source; run again, it goes on where it stopped."""
    from freshset.core.sizes import parse_size
    from freshset.replication.collecting.candidates import Collecting
    from freshset.replication.collecting.candidates import collect as run
    from freshset.replication.collecting.sources.registry import open_source

    given = settings(options) | ({"path": path} if path else {})
    how = Collecting(max_bytes=parse_size(max_bytes), workers=workers, retry=retry)
    place = open_source(source, given)
    with opened(project, database) as there:
        done = run(there, place, who=person(who), why=why, how=how, progress=_progress())
    _report(done, json)


def original(
    path: Annotated[str, typer.Argument(help="Folder or file of the original images.")],
    project: ProjectOption,
    why: WhyOption,
    pool: Annotated[
        str, typer.Option("--pool", help="test or train: which part of the original it is.")
    ] = "test",
    known: Annotated[
        str,
        typer.Option("--as", help="Id of the catalogue that says how it is read: imagenet/val."),
    ] = "",
    adapter: Annotated[
        str, typer.Option("--adapter", help="What reads it, where the catalogue does not say.")
    ] = "image-folder",
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Option of the adapter, as KEY=VALUE; repeatable.", metavar="KEY=VALUE"
        ),
    ] = None,
    keyword: Annotated[
        str, typer.Option("--keyword", help="Stratum with the sub-class of each image.")
    ] = "",
    name: Annotated[
        str, typer.Option("--name", help="Of this part, where there are several.")
    ] = "",
    retry: RetryOption = False,
    who: WhoOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Add images of the original test or training set, from anything freshset can read."""
    from freshset.replication.collecting.candidates import Collecting
    from freshset.replication.collecting.candidates import collect as run
    from freshset.replication.collecting.sources.testset import ORIGINAL, TestSetSource

    if pool not in {"test", "train"}:
        raise UsageError(f"--pool {pool!r} is neither test nor train.", "Give --pool test.")
    place = TestSetSource(
        known=known,
        adapter=adapter,
        path=path,
        label=f"{ORIGINAL}{pool}{f':{name}' if name else ''}",
        settings=settings(options),
        keyword=keyword,
        every_class=True,
    )
    how = Collecting(pool="train" if pool == "train" else "test", retry=retry)
    with opened(project, database) as there:
        done = run(there, place, who=person(who), why=why, how=how, progress=_progress())
    _report(done, json)


def blacklist(
    project: ProjectOption,
    why: WhyOption,
    images: ImagesArgument = None,
    file: FromOption = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take them off the blacklist.")] = False,
    who: WhoOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Keep images out of all samples from now on."""
    from freshset.replication.collecting import excluding

    act = excluding.release if undo else excluding.blacklist
    with opened(project, database) as there:
        done = act(there, _named(images, file), who=person(who), why=why)
    what = "Taken off the blacklist" if undo else "New on the blacklist"
    emit(done.to_dict(), _told(done, what), as_json=json, output=None)


def takedown(
    project: ProjectOption,
    why: WhyOption,
    images: ImagesArgument = None,
    file: FromOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask; the files are gone for good.")
    ] = False,
    who: WhoOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Remove the files of images for good; a tombstone stays, so that revisions can be verified."""
    from freshset.replication.collecting.excluding import find_images, take_down

    names = _named(images, file)
    with opened(project, database) as there:
        with there.read() as connection:
            ids = find_images(connection, names)
        if not yes:
            if not is_terminal():
                raise UsageError(
                    f"Files would be removed for good; images: {len(ids):,}.", "Add --yes."
                )
            typer.confirm(f"Remove files for good (images: {len(ids):,})?", abort=True, err=True)
        done = take_down(there, ids, who=person(who), why=why)
    text = _told(done, "Taken down") + f" Files removed: {done.files:,}."
    emit(done.to_dict(), text, as_json=json, output=None)


def settings(texts: list[str] | None) -> dict[str, Any]:
    """Options given as KEY=VALUE; values are read as YAML reads them, so 3 is a number.

    Raises
    ------
    UsageError
        When one is not KEY=VALUE, or occurs twice.
    """
    from freshset.engine.yaml_text import read_yaml

    out: dict[str, Any] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"{text!r} is not KEY=VALUE.", "Write --set max_per_class=200.")
        if key in out:
            raise UsageError(f"{key!r} is given twice.", "Give it once.")
        document = read_yaml(value)
        out[key] = document.value if value.strip() and not document.problems else value
    return out


def _named(images: list[str] | None, file: Path | None) -> list[str]:
    names = list(images or ())
    if file is not None:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        names += [
            text for line in lines if (text := line.split("\t")[0].partition(" #")[0].strip())
        ]
    if not names:
        raise UsageError("No image is named.", "Give ids, or --from FILE.")
    return names


def _progress() -> Callable[[Collection], None] | None:
    if not is_terminal():
        return None

    def show(done: Collection) -> None:
        say(f"{done.found:,} found, {done.new:,} new, {done.failures.total():,} failed")

    return show


def _report(done: Collection, as_json: bool) -> None:
    if done.several_classes:
        shown = ", ".join(item_id[:12] for item_id in done.several_classes[:5])
        n = len(done.several_classes)
        warn([f"Images that are in several classes now: {n:,}, such as {shown}."])
    first = (
        f"{done.source}: {done.found:,} found, {done.new:,} new, {done.known:,} known before, "
        f"{done.same_picture:,} of a file that was there."
    )
    lines = [first]
    lines += [f"  {key}: {n:,}" for key, n in sorted(done.by_class.items())]
    if done.failures:
        lines.append(f"Failed: {done.failures.total():,}.")
        lines += [f"  {n:,} x {reason}" for reason, n in done.failures.most_common(10)]
        lines.append("Next: freshset testset status --failures")
    emit(done.to_dict(), "\n".join(lines), as_json=as_json, output=None)


def _told(done: Excluded, what: str) -> str:
    text = f"{what}: {len(done.changed):,}."
    return f"{text} So before: {len(done.unchanged):,}." if done.unchanged else text
