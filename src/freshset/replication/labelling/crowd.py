"""What the answers say of the people who gave them: agreement, consensus, quality."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from freshset.core.frequencies import Frequencies
from freshset.replication.labelling.answer_table import AnswerTable
from freshset.replication.labelling.frequencies import Pooled, pool
from freshset.stats.annotators import Consensus, dawid_skene
from freshset.stats.answer_agreement import (
    answer_counts,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
)
from freshset.stats.bins import bin_names, frequency_bins
from freshset.stats.selection import beta_posterior
from freshset.stats.types import FloatArray, none_if_nan

SCHEMA = "freshset.frequencies-summary/1"
EDGES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far workers agree; ``None`` where the statistic is not defined.

    Attributes
    ----------
    questions, paired
        Images and classes asked about, and those with two answers or more.
    percent
        Share of pairs of answers to one question that agree.
    alpha
        Krippendorff's alpha with "maybe" as a third value.
    alpha_yes
        With yes against everything else.
    kappa
        Fleiss' kappa, only where all questions have equally many answers.
    """

    questions: int
    paired: int
    percent: float | None
    alpha: float | None
    alpha_yes: float | None
    kappa: float | None


def agreement_of(answers: AnswerTable) -> Agreement:
    """Agreement of all workers on all questions."""
    table = answer_counts(answers.question, answers.values, 3)
    n = table.sum(axis=1)
    paired = int((n >= 2).sum())
    if not paired:
        return Agreement(len(n), 0, None, None, None, None)
    yes = np.stack([table[:, 2], n - table[:, 2]], axis=1)
    return Agreement(
        len(n),
        paired,
        percent_agreement(table),
        krippendorff_alpha(table),
        krippendorff_alpha(yes),
        fleiss_kappa(table) if np.all(n == n[0]) else None,
    )


def consensus_of(answers: AnswerTable) -> Consensus | None:
    """Dawid and Skene's estimate of what is true; "maybe" is half a yes and half a no.

    ``None`` where all answers are one value, so that nothing can be estimated.
    """
    maybe = answers.selected == 0.5
    yes = answers.selected == 1
    if not len(answers) or not (maybe | yes).any() or (yes & ~maybe).all():
        return None
    weight = np.where(maybe, 0.5, 1.0)
    parts = (
        np.concatenate([answers.question, answers.question[maybe]]),
        np.concatenate([answers.worker, answers.worker[maybe]]),
        np.concatenate([yes, np.ones(int(maybe.sum()), dtype=bool)]).astype(np.int64),
    )
    return dawid_skene(parts, weight=np.concatenate([weight, weight[maybe]]))


def summary(
    answers: AnswerTable, frequencies: Frequencies, pooled: Pooled | None = None
) -> dict[str, Any]:
    """Everything about the answers, as JSON-ready values, schema `SCHEMA`.

    Parameters
    ----------
    frequencies
        Those that are used.
    pooled
        With the policy on workers, where there is a project; both versions are told then.
    """
    consensus = consensus_of(answers)
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "answers": len(answers),
        "workers": len(answers.workers),
        "frequencies": describe(frequencies),
        "agreement": asdict(agreement_of(answers)),
        "dawid_skene": None if consensus is None else _compared(consensus, pool(answers)),
    }
    if pooled is not None:
        out["policy"] = policy_effect(pooled)
        out["by_worker"] = pooled.quality.to_dict()
        skill = [None] * len(answers.workers) if consensus is None else consensus.accuracy.tolist()
        for one, value in zip(out["by_worker"], skill, strict=True):
            one["dawid_skene_accuracy"] = value
    return out


def policy_effect(pooled: Pooled) -> dict[str, Any]:
    """What the policy on workers does, as JSON-ready values.

    Its name, the workers who ``failed``, the frequencies without it (``raw``, see `describe`), and how
    many are ``changed`` by it.
    """
    changed = pooled.raw.selected * pooled.frequencies.answers
    changed = changed - pooled.frequencies.selected * pooled.raw.answers
    return {
        "name": pooled.policy,
        "failed": pooled.quality.workers[pooled.quality.failed].tolist(),
        "raw": describe(pooled.raw),
        "changed": int((np.abs(changed) > 1e-9).sum()),
    }


def image_table(answers: AnswerTable, frequencies: Frequencies, raw: Frequencies) -> pd.DataFrame:
    """Everything about each image, one row an image and class.

    Parameters
    ----------
    frequencies, raw
        With and without the policy on workers, of the questions of `answers`.

    Returns
    -------
    DataFrame
        ``item_id``, ``class``, ``selected``, ``answers`` (so that it reads as a file of frequencies),
        ``frequency``, the posterior's ``mean``, ``low`` and ``high`` (95 %, uniform prior),
        ``raw_selected``, ``raw_answers``, and ``dawid_skene``, the probability of yes by that
        consensus, which has no policy.
    """
    posterior = beta_posterior(frequencies.selected, frequencies.answers)
    consensus = consensus_of(answers)
    unknown = np.full(len(frequencies), np.nan)
    return pd.DataFrame(
        {
            "item_id": frequencies.item_ids,
            "class": frequencies.class_keys,
            "selected": frequencies.selected,
            "answers": frequencies.answers,
            "frequency": frequencies.value,
            "mean": posterior.mean,
            "low": posterior.low,
            "high": posterior.high,
            "raw_selected": raw.selected,
            "raw_answers": raw.answers,
            "dawid_skene": unknown if consensus is None else consensus.probability[:, 1],
        }
    )


def describe(frequencies: Frequencies) -> dict[str, Any]:
    """Counts and histogram of frequencies."""
    known = frequencies.answers > 0
    bins = frequency_bins(frequencies.selected, frequencies.answers, EDGES)
    mean = float(np.mean(frequencies.value[known])) if known.any() else float("nan")
    least, most = (
        (int(frequencies.answers[known].min()), int(frequencies.answers.max()))
        if known.any()
        else (0, 0)
    )
    return {
        "images": len(frequencies),
        "unknown": int((~known).sum()),
        "mean": none_if_nan(mean),
        "answers_per_image": [least, most],
        "histogram": {
            name: int((bins == number).sum()) for number, name in enumerate(bin_names(EDGES))
        },
    }


def _compared(consensus: Consensus, frequencies: Frequencies) -> dict[str, Any]:
    posterior, share = consensus.probability[:, 1], frequencies.value
    return {
        "correlation": none_if_nan(_correlation(posterior, share)),
        "same_side": float(np.mean((posterior > 0.5) == (share > 0.5))),
        "prior": float(consensus.prior[1]),
        "rounds": consensus.rounds,
        "converged": consensus.converged,
    }


def _correlation(a: FloatArray, b: FloatArray) -> float:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
