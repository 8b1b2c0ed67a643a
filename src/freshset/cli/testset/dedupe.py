"""``freshset testset dedupe``, ``pairs``, ``verdict`` and ``components``: near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from freshset.cli.output import columns, emit, say, warn
from freshset.cli.study_options import parse_shard
from freshset.cli.testset.options import (
    DatabaseOption,
    FrequenciesOption,
    JsonOption,
    OutputOption,
    ProjectOption,
    WhoOption,
    WhyOption,
    frequencies_of,
    opened,
    person,
)
from freshset.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from freshset.replication.duplicates.components import Component, Resolution
    from freshset.replication.duplicates.dedupe import Report
    from freshset.replication.duplicates.pairs import Pending
    from freshset.replication.duplicates.state import State
    from freshset.replication.project import Project
    from freshset.replication.spec_sections import DuplicatesSpec

_SHORT = 12


def dedupe(
    project: ProjectOption,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            help="pixels, pixelsN (N x N), ssim, phash or fc7; repeatable. "
            "Those with a threshold in the spec, by default.",
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features",
            help="Features of any model as another metric: an npz file with ids and features.",
            metavar="NAME=FILE",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="State dict of torchvision's vgg16, for fc7."),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(
            "--device", help="Where products are made; a GPU by torch where there is one."
        ),
    ] = "auto",
    memory: Annotated[
        int, typer.Option("--memory", help="Megabytes that may be used beside the images.", min=64)
    ] = 2048,
    shard: Annotated[
        str,
        typer.Option(
            "--shard",
            help="Only this part of the candidates, such as 1/4; parts may run at the same time.",
            metavar="I/N",
        ),
    ] = "1/1",
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate",
            help="By an index of faiss: for millions of images. It misses some neighbours (their share "
            "is estimated), so no review counts as complete.",
        ),
    ] = False,
    backend: Annotated[
        Literal["local", "ray"],
        typer.Option("--backend", help="Search here, or on Ray, where all nodes see the project."),
    ] = "local",
    address: Annotated[
        str, typer.Option("--address", help="Address of the Ray cluster; else one starts here.")
    ] = "",
    who: WhoOption = "",
    why: WhyOption = "search for near-duplicates",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Find the nearest images of every candidate in all metrics; running it again does what is new."""
    from freshset.core.config import RunSettings
    from freshset.engine.execute import backend_for
    from freshset.replication.duplicates.dedupe import find_neighbours
    from freshset.replication.duplicates.finder import Options

    place = backend_for(RunSettings(backend=backend, address=address))
    files = dict(_named_file(one) for one in features or ())
    part = parse_shard(shard)
    with closing(place), opened(project, database) as open_project:
        thresholds = open_project.spec.duplicates.thresholds
        wanted = [*(metric or ()), *files] or sorted(thresholds)
        if not wanted:
            raise UsageError(
                "The spec has no thresholds of duplicates, so there is no metric.",
                "Give --metric, or duplicates.thresholds in the spec, such as {pixels: 1.2e8}.",
            )
        options = Options(files, weights, device, memory << 20, part, approximate, place)
        reports = find_neighbours(open_project, wanted, options=options, who=person(who), why=why)
    data = {"schema": "freshset.dedupe/1", "metrics": [one.to_dict() for one in reports]}
    warn(
        f"{one.metric}: the index finds {one.recall:.1%} of the neighbours; no review is complete by it."
        for one in reports
        if one.recall is not None
    )
    emit(data, render_reports(reports), as_json=json, output=None)


def pairs(
    project: ProjectOption,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write the queue as csv; - for stdout.")
    ] = None,
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="The verdicts so far, in place of the queue.")
    ] = False,
    import_: Annotated[
        Path | None,
        typer.Option("--import", help="Record the verdicts of a csv file: a, b, verdict, version."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="Pairs to show; 0 shows all.", min=0)] = 20,
    who: WhoOption = "",
    why: WhyOption = "review of near-duplicates",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Show the pairs that wait for a verdict, closest first; or export or import verdicts."""
    from freshset.replication.duplicates.completeness import review_bounds
    from freshset.replication.duplicates.pairs import (
        export_pairs,
        export_verdicts,
        pending_pairs,
        record_verdicts,
    )
    from freshset.replication.duplicates.state import read_state

    if import_ is not None and (export is not None or verdicts):
        raise UsageError(
            "--import goes with neither --export nor --verdicts.", "Do one, then the other."
        )
    with opened(project, database) as open_project:
        if import_ is not None:
            said = _verdicts_of(import_)
            changed = record_verdicts(open_project, said, who=person(who), why=why)
            text = f"Recorded {changed:,} verdicts of {len(said):,}; the others were there already."
            emit({"recorded": changed, "given": len(said)}, text, as_json=json, output=None)
            return
        spec = open_project.spec.duplicates
        with open_project.read() as connection:
            state = read_state(connection)
            queue = pending_pairs(connection, spec.thresholds, spec.neighbours, state)
            if export is not None:
                text = export_verdicts(state) if verdicts else export_pairs(connection, queue)
                emit({}, text, as_json=False, output=export)
                return
            if not queue and not verdicts:
                warn(_unfinished(review_bounds(connection, spec.thresholds, state), state, spec))
    shown = queue[:limit] if limit else queue
    data = {
        "schema": "freshset.pairs/1",
        "pending": len(queue),
        "pairs": [one.to_dict() for one in shown],
        "verdicts": [
            {"a": a, "b": b, "verdict": one.verdict, "version": one.version, "who": one.who}
            for (a, b), one in sorted(state.verdicts.items())
        ],
    }
    text = render_verdicts(state) if verdicts else render_queue(queue, shown)
    emit(data, text, as_json=json, output=None)


def _unfinished(
    bounds: Mapping[str, Mapping[str, float]], state: State, spec: DuplicatesSpec
) -> Iterator[str]:
    """What still keeps candidates from being eligible when no pair waits."""
    if not spec.thresholds:
        yield "The spec has no thresholds of duplicates, so that no pair is ever reviewed."
    for metric, threshold in spec.thresholds.items():
        there = (x for item, x in bounds[metric].items() if item not in state.excluded)
        near = sum(x <= threshold for x in there)
        if near:
            yield (
                f"{metric}: candidates that count as unreviewed all the same: {near:,}. Run freshset "
                f"testset dedupe; those that it has compared already have more neighbours within "
                f"{threshold:g} than the {spec.neighbours} that are reviewed, which "
                "duplicates.neighbours in the spec can raise."
            )


def verdict(
    a: Annotated[str, typer.Argument(help="Id of an image, or its first letters.")],
    b: Annotated[str, typer.Argument(help="Id of the other.")],
    verdict: Annotated[
        Literal["duplicate", "different", "cut"],
        typer.Argument(help="What they are; cut undoes a link."),
    ],
    project: ProjectOption,
    version: Annotated[
        int, typer.Option("--version", help="Of the verdict that you saw; 0 where there was none.")
    ] = 0,
    who: WhoOption = "",
    why: WhyOption = "review of near-duplicates",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Record whether two images are duplicates; refused when somebody else was quicker."""
    from freshset.replication.duplicates.pairs import Said, record_verdicts

    with opened(project, database) as open_project:
        one, other = (_whole_id(open_project, name) for name in (a, b))
        said = [Said(one, other, verdict, version)]
        changed = record_verdicts(open_project, said, who=person(who), why=why)
    text = "Recorded." if changed else "There already."
    data = {"a": one, "b": other, "verdict": verdict, "changed": bool(changed)}
    emit(data, text, as_json=json, output=None)


def components(
    project: ProjectOption,
    cut: Annotated[
        list[str] | None,
        typer.Option("--cut", help="Undo the link between two images; repeatable.", metavar="A,B"),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="Let this image stay in its component; repeatable."),
    ] = None,
    frequencies: FrequenciesOption = None,
    who: WhoOption = "",
    why: WhyOption = "resolution of near-duplicates",
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show groups of linked images with the one that stays of each; cut links that are wrong."""
    from freshset.replication.duplicates import dedupe as glue
    from freshset.replication.duplicates.components import resolve
    from freshset.replication.duplicates.state import read_state

    with opened(project, database) as open_project:
        for text in cut or ():
            ends = [one.strip() for one in text.split(",")]
            if len(ends) != 2:
                raise UsageError(f"--cut {text!r} is not two images.", "Use --cut A,B")
            one, other = (_whole_id(open_project, end) for end in ends)
            glue.cut(open_project, one, other, who=person(who), why=why)
        for item in keep or ():
            glue.keep(open_project, _whole_id(open_project, item), who=person(who), why=why)
        answers = frequencies_of(open_project, frequencies)
        with open_project.read() as connection:
            state = read_state(connection)
        found = resolve(state, answers, good=open_project.spec.duplicates.good)
    long = [len(one.items) for one in found.components if len(one.items) > 10]
    if long:
        warn(
            [
                f"{len(long):,} components of more than 10 images, the largest of {max(long):,}: look at them for links that chain different pictures."
            ]
        )
    data = {
        "schema": "freshset.components/1",
        "components": [one.to_dict() for one in found.components],
        "out": sorted(found.out),
    }
    emit(data, render_components(found), as_json=json, output=output)


def render_reports(reports: Sequence[Report]) -> str:
    """Lay out what each search has done."""
    rows = [
        [
            one.metric,
            f"{one.images:,}",
            f"{one.whole:,}",
            f"{one.added:,}",
            f"{one.kept:,}",
            "-" if one.within is None else f"{one.within:,}",
        ]
        for one in reports
    ]
    header = ["metric", "images", "compared with all", "with new ones", "known", "within threshold"]
    return columns(header, rows) + "\nNext: freshset testset pairs"


def render_queue(queue: Sequence[Pending], shown: Sequence[Pending]) -> str:
    """Lay out pairs that wait."""
    if not queue:
        return "No pair waits for a verdict."
    rows = [
        [one.a[:_SHORT], one.b[:_SHORT], ", ".join(f"{m} {d:g}" for m, d in one.distances.items())]
        for one in shown
    ]
    said = f"{len(queue):,} {'pair waits' if len(queue) == 1 else 'pairs wait'} for a verdict"
    said += f"; the closest {len(shown):,}:" if len(shown) < len(queue) else ":"
    table = columns(["image", "image", "distances"], rows, left=(0, 1, 2))
    return f"{said}\n{table}\nNext: freshset testset verdict A B duplicate|different"


def render_verdicts(state: State) -> str:
    """Lay out verdicts."""
    if not state.verdicts:
        return "No verdicts yet."
    rows = [
        [a[:_SHORT], b[:_SHORT], one.verdict, str(one.version), one.who]
        for (a, b), one in sorted(state.verdicts.items())
    ]
    return columns(["image", "image", "verdict", "version", "who"], rows, left=(0, 1, 2, 4))


def render_components(found: Resolution) -> str:
    """Lay out components with their links."""
    lines = [
        f"Components: {len(found.components):,}. Near-duplicates among the candidates: {len(found.out):,}."
    ]
    for one in found.components:
        lines += ["", _heading(one)]
        lines += [f"  {item[:_SHORT]}{_role(one, item)}" for item in one.items]
        lines += [
            f"  {a[:_SHORT]} - {b[:_SHORT]}  {why}" for (a, b), why in sorted(one.edges.items())
        ]
    return "\n".join(lines)


_REASONS: Mapping[str, str] = {
    "original": "none stays: it touches an original image",
    "excluded": "none stays: all are excluded",
    "asked": "one stays, as asked",
    "good": "one stays, of the class with the fewest good images",
    "fair": "one stays; none is good, this one is fair",
    "best": "one stays: the best there is so far",
}


def _heading(one: Component) -> str:
    return f"{len(one.items):,} images, {_REASONS[one.reason]}"


def _role(one: Component, item: str) -> str:
    if item in one.originals:
        return "  original"
    return "  stays" if item == one.kept else "  out"


def _named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise UsageError(f"--features {text!r} is not NAME=FILE.", "Such as features=clip.npz")
    return name, Path(path)


def _verdicts_of(path: Path) -> list[Any]:
    from freshset.replication.duplicates.pairs import parse_verdicts

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).", "Give a csv file.") from error
    said = parse_verdicts(text, str(path))
    if not said:
        say(f"{path} has no verdicts.")
    return said


def _whole_id(project: Project, start: str) -> str:
    """Complete the first letters of an id."""
    import sqlalchemy as sa

    from freshset.replication.tables import members

    column = members.c.item_id
    query = sa.select(column).where(column.startswith(start, autoescape=True)).distinct().limit(2)
    with project.read() as connection:
        found = list(connection.execute(query).scalars())
    if len(found) != 1:
        what = "several images" if found else "no image"
        raise UsageError(f"{start!r} is the beginning of {what}.", "Give the whole id.")
    return str(found[0])
