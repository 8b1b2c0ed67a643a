"""Selection frequencies: answers pooled by image and class, with their numbers kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from freshset.core.frequencies import Frequencies
from freshset.replication.collecting.sources.testset import ORIGINAL
from freshset.replication.labelling.answer_table import AnswerTable, project_answers
from freshset.replication.labelling.quality import WorkerQuality, worker_quality
from freshset.replication.project import Project
from freshset.replication.spec_sections import Policy
from freshset.replication.tables import origins
from freshset.stats.types import FloatArray


@dataclass(frozen=True, slots=True)
class Pooled:
    """Frequencies with and without the policy on workers.

    Attributes
    ----------
    answers
        What they come from.
    policy
        The policy that the spec declares.
    raw
        All answers pooled.
    frequencies
        The same under the policy: these are used.  With ``warn`` they are `raw`.
    quality
        The workers.
    """

    answers: AnswerTable
    policy: Policy
    raw: Frequencies
    frequencies: Frequencies
    quality: WorkerQuality


def pooled_frequencies(project: Project) -> Pooled:
    """Pool the answers of a project, as they are and under the spec's policy on workers.

    Images that nobody was asked about do not occur; their frequency is unknown.
    """
    with project.read() as connection:
        answers = project_answers(connection)
    rules = project.spec.workers
    quality = worker_quality(answers, rules)
    raw = pool(answers)
    weighed = raw if rules.policy == "warn" else pool(answers, weight=quality.weight)
    return Pooled(answers, rules.policy, raw, weighed, quality)


def under_original_names(project: Project, frequencies: Frequencies) -> Frequencies:
    """Call original images as the test set does that they come from, and not by SHA-256.

    A comparison of test sets looks for items by those names.  An image that the test set holds twice
    gets a row for each name; images that are no originals keep their ids.
    """
    c = origins.c
    query = sa.select(c.item_id, c.key).where(c.source.startswith(ORIGINAL), c.item_id.is_not(None))
    names: dict[str, list[str]] = {}
    with project.read() as connection:
        for item, name in connection.execute(query.distinct().order_by(c.item_id, c.key)):
            names.setdefault(item, []).append(name)
    called = [names.get(item, [item]) for item in frequencies.item_ids.tolist()]
    rows = np.repeat(np.arange(len(called)), [len(one) for one in called])
    ids = np.array([name for one in called for name in one], dtype=object)
    there = frequencies[rows]
    return Frequencies(ids, there.class_keys, there.selected, there.answers)


def pool(answers: AnswerTable, *, weight: FloatArray | None = None) -> Frequencies:
    """Pool answers by image and class.

    Parameters
    ----------
    weight
        Of each worker's answers, shape (workers,); 1 by default.

    Returns
    -------
    Frequencies
        ``answers`` is the number of answers with a weight above 0, and ``selected`` is that number
        times the weighted share of yes, so that weighting changes frequencies and not how many
        answers stand behind them.  Where all weights are 0 there are no answers: unknown.
    """
    n = len(answers.item_ids)
    each = np.ones(len(answers)) if weight is None else weight[answers.worker]
    total = np.bincount(answers.question, each, minlength=n)
    yes = np.bincount(answers.question, each * answers.selected, minlength=n).astype(np.float64)
    count = np.bincount(answers.question[each > 0], minlength=n).astype(np.float64)
    share = np.divide(yes, total, out=np.zeros(n), where=total > 0)
    # Sums of weights may round a share to just above 1.
    selected = np.minimum(count * share, count) if weight is not None else yes
    return Frequencies(answers.item_ids, answers.class_keys, selected, count)


def labels_at(
    item_ids: npt.NDArray[np.object_],
    class_keys: npt.NDArray[np.object_],
    share: npt.ArrayLike,
    threshold: float,
) -> dict[str, tuple[str, ...]]:
    """Classes of each image whose share of yes, or consensus, is at least a threshold.

    Parameters
    ----------
    item_ids, class_keys
        What was asked about, shape (n,).
    share
        Shape (n,); nan is below every threshold.

    Returns
    -------
    dict
        Classes by image, in the order given; an image without any has an empty tuple.

    References
    ----------
    Beyer et al. (2020), "Are we done with ImageNet?": the labels of ReaL are those at .8.
    """
    out: dict[str, list[str]] = {str(item): [] for item in item_ids.tolist()}
    for row in np.flatnonzero(np.asarray(share, dtype=np.float64) >= threshold).tolist():
        out[str(item_ids[row])].append(str(class_keys[row]))
    return {item: tuple(keys) for item, keys in out.items()}
