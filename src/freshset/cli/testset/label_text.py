"""What ``freshset testset answers``, ``frequencies`` and ``forecast`` print for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from freshset.cli.output import columns

if TYPE_CHECKING:
    from freshset.replication.labelling.answers.importing import ImportReport
    from freshset.replication.sampling.forecast import Forecast, Range


def render_import(report: ImportReport) -> str:
    """Lay out what became of every answer."""
    lines = [
        f"Imported {report.added:,} of {report.rows:,} answers of {report.workers:,} workers.",
        f"Known already: {report.known:,}. Later answers of the same worker: {report.later:,}.",
    ]
    if report.replaced:
        lines.append(f"Replaced by earlier answers: {report.replaced:,}.")
    lines += [f"Not counted: {n:,} {status}." for status, n in report.not_counted.items()]
    lines += [f"Skipped: {n:,} {what}." for what, n in report.skipped.items()]
    if report.closed:
        lines.append(f"Tasks that now have all their answers: {report.closed:,}.")
    return "\n".join(lines)


def render_frequencies(data: dict[str, Any]) -> str:
    """Lay out the summary of frequencies, agreement and workers."""
    known = data["frequencies"]
    least, most = known["answers_per_image"]
    mean = "unknown" if known["mean"] is None else f"{known['mean']:.3f}"
    counted = f"{known['images']:,} images and classes, {known['unknown']:,} without answers"
    lines = [
        f"{counted}; {least} to {most} answers each.",
        f"Mean selection frequency {mean}.",
        columns(
            ("frequency", "images"), [[name, f"{n:,}"] for name, n in known["histogram"].items()]
        ),
    ]
    agreement = data.get("agreement") or {}
    names = {
        "percent": "pairs that agree", "alpha": "Krippendorff's alpha", "alpha_yes": "alpha of yes",
        "kappa": "Fleiss' kappa",
    }  # fmt: skip
    told = [f"{name} {agreement[key]:.3f}" for key, name in names.items() if agreement.get(key)]
    if told:
        lines.append(f"Agreement: {', '.join(told)}.")
    consensus = data.get("dawid_skene")
    if consensus is not None and consensus["correlation"] is not None:
        lines.append(
            f"Dawid-Skene consensus: correlation {consensus['correlation']:.3f} with the frequencies, "
            f"{100 * consensus['same_side']:.1f} % on the same side of one half."
        )
    policy = data.get("policy")
    if policy is not None:
        failed, raw = len(policy["failed"]), policy["raw"]["mean"]
        lines.append(
            f"Workers: {data['workers']:,}, of whom {failed:,} failed the controls; policy "
            f"{policy['name']} changes {policy['changed']:,} frequencies (mean without it "
            f"{'unknown' if raw is None else f'{raw:.3f}'})."
        )
    return "\n".join(lines)


def render_forecast(result: Forecast) -> str:
    """Lay out totals, and a row for every class that lacks images."""
    spent = f"Further tasks: {_range(result.tasks)}; cost ${_range(result.cost, '.2f')}"
    lines = [f"{spent} ({100 * result.level:g} % of simulations)."]
    lacking = [one for one in result.classes if one.missing]
    if not lacking:
        return "Nothing is missing: the set can be sampled now."
    if result.unreachable:
        lines.append(
            f"Not in these sums, as nothing says how to reach them: {', '.join(result.unreachable)}."
        )
    rows = [
        [
            one.class_key,
            ", ".join(f"{name}: {n}" for name, n in one.missing.items()),
            str(one.unlabelled),
            _range(one.candidates),
            _range(one.collect),
            _range(one.tasks),
        ]
        for one in lacking
    ]
    header = ("class", "missing", "unlabelled", "to label", "to collect", "tasks")
    return "\n".join([*lines, columns(header, rows, left=(0, 1))])


def _range(numbers: Range, format: str = ".0f") -> str:
    if numbers.expected is None:
        return "unknown"
    high = "more" if numbers.high is None else f"{numbers.high:,{format}}"
    low = "more" if numbers.low is None else f"{numbers.low:,{format}}"
    return f"{numbers.expected:,{format}} ({low} to {high})"
