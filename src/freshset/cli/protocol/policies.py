"""``freshset protocol ladder``, ``thresholdout`` and ``simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from freshset.cli.options import JsonOption, OutputOption, SeedOption
from freshset.cli.output import columns, emit, say, wrapped
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.protocols.policies import PolicySpec
    from freshset.protocols.policy import Policy
    from freshset.protocols.replay import Replay

FilesArgument = Annotated[
    list[Path],
    typer.Argument(help="Predictions, in the order of their submission.", metavar="PREDICTIONS..."),
]
LabelsOption = Annotated[
    Path, typer.Option("--labels", help="The labels; whoever runs this knows them.", metavar="FILE")
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="Go on where this file was written, and write it anew. It can hold what gives labels "
        "away; keep it as secret as they are.",
        metavar="FILE",
    ),
]


def ladder(
    predictions: FilesArgument,
    labels: LabelsOption,
    step: Annotated[
        str,
        typer.Option(
            "--step", help="Fixed step, such as 0.01; by default the standard error decides."
        ),
    ] = "",
    state: StateOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Replay submissions through the Ladder: what the board would have shown after each."""
    from freshset.protocols.policies import PolicySpec

    spec = PolicySpec("ladder-step", step=step) if step else PolicySpec("ladder")
    _replayed(spec, (predictions, labels, state), json=json, output=output)


def thresholdout(
    predictions: FilesArgument,
    labels: LabelsOption,
    threshold: Annotated[
        float, typer.Option("--threshold", help="T, a fraction, such as 0.04.", metavar="T")
    ],
    sigma: Annotated[
        float, typer.Option("--sigma", help="Scale of the noise, a fraction.", metavar="S")
    ],
    claimed: Annotated[
        list[float] | None,
        typer.Option(
            "--claimed",
            help="Accuracy on known data, a fraction; one for each submission, in order.",
        ),
    ] = None,
    budget: Annotated[
        int, typer.Option("--budget", help="Answers from the hidden part; 0 for no limit.", min=0)
    ] = 100,
    noise: Annotated[
        Literal["laplace", "gaussian"], typer.Option("--noise", help="Kind of noise.")
    ] = "laplace",
    seed: SeedOption = 0,
    state: StateOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Replay submissions through Thresholdout: the claimed score unless the hidden one is far off."""
    from freshset.protocols.policies import PolicySpec

    spec = PolicySpec(
        "thresholdout", threshold=threshold, sigma=sigma, budget=budget or None, noise=noise
    )
    _replayed(
        spec,
        (predictions, labels, state),
        claimed=claimed or (),
        seed=seed,
        json=json,
        output=output,
    )


def simulate(
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Write the figure as svg.", metavar="FILE")
    ] = None,
    submissions: Annotated[
        int, typer.Option("--submissions", help="Submissions to each board.", min=1)
    ] = 1000,
    repetitions: Annotated[
        int, typer.Option("--repetitions", help="Boards for each attack and policy.", min=2)
    ] = 20,
    items: Annotated[int, typer.Option("--items", help="Examples behind a board.", min=2)] = 4000,
    seed: SeedOption = 0,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Attack simulated leaderboards: by how much each policy flatters its leader."""
    from freshset.protocols.simulation import FeedbackSettings, feedback_study
    from freshset.reports.figures.base import to_svg
    from freshset.reports.figures.feedback import feedback

    usual = {k for k in (10, 30, 100, 200, 400, 700) if k < submissions}
    counts = tuple(sorted(usual | {submissions}))
    study = feedback_study(FeedbackSettings(items, 2 * items, counts, repetitions, seed))
    if figure is not None:
        from freshset.core.files import write_atomic

        write_atomic(figure, to_svg(feedback(study)))
        say(f"Wrote {figure}.")
    emit(study.to_dict(), wrapped(study.findings), as_json=json, output=output)


def _replayed(
    spec: PolicySpec,
    files: tuple[list[Path], Path, Path | None],
    *,
    claimed: list[float] | tuple[()] = (),
    seed: int = 0,
    json: bool,
    output: Path | None,
) -> None:
    from freshset.protocols.replay import read_labels, read_submitted, replay

    predictions, labels, state = files
    policy = _taken_up(spec, state, seed)
    result = replay(policy, read_submitted(read_labels(labels), predictions), claimed=claimed)
    if state is not None:
        _kept(policy, state)
    emit(result.to_dict(), replay_text(result), as_json=json, output=output)


def _taken_up(spec: PolicySpec, state: Path | None, seed: int) -> Policy:
    from freshset.core.files import read_json
    from freshset.protocols.policies import policy_from_dict

    fresh = spec.make(seed)
    if state is None or not state.exists():
        return fresh
    saved = read_json(state)
    wanted = fresh.to_dict()
    if any(saved.get(name) != wanted[name] for name in wanted if name != "state"):
        raise UsageError(
            f"{state} was written with other settings.", "Give the same ones, or another file."
        )
    return policy_from_dict(saved)


def _kept(policy: Policy, state: Path) -> None:
    from freshset.core.files import pretty_json, write_atomic

    if not state.exists():
        state.parent.mkdir(parents=True, exist_ok=True)
        state.touch(mode=0o600)
    write_atomic(state, pretty_json(policy.to_dict()))
    state.chmod(0o600)


def replay_text(result: Replay) -> str:
    """Lay out answers, one line a submission."""
    rows = [
        [
            name,
            "refused" if answer.accuracy is None else f"{100 * answer.accuracy:.2f} %",
            "better" if answer.improved else "",
            "" if answer.remaining is None else f"{answer.remaining:,}",
        ]
        for name, answer in result.answers
    ]
    header = ["submission", "shown", "", "left"]
    if all(answer.remaining is None for _, answer in result.answers):
        header, rows = header[:3], [row[:3] for row in rows]
    return columns(header, rows, left=(0, 2))
