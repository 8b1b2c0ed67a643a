from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import DataError, StoreError
from freshset.models.training.outcome import Trained
from freshset.store.works import WorkSpec
from freshset.transfer.cells import training
from freshset.transfer.cells.cell import Cell
from freshset.transfer.cells.judging import answers, judge
from freshset.transfer.cells.training import Final, Trial, network
from freshset.transfer.running import TransferPlan, context_of

pytestmark = pytest.mark.xdist_group("transfer")  # one process makes the finished study
pytest.importorskip("torch")


def finals(done: TransferPlan) -> list[Final]:
    return [item for item in done.listed.items if isinstance(item, Final)]


def test_the_best_trial_is_chosen_and_of_equal_ones_the_first(done: TransferPlan) -> None:
    for final in finals(done):
        scores = []
        for trial in final.trials:
            work = done.works.get(trial.spec)
            assert work is not None
            scores.append(work.document["score"])
        recipe, document = final.choice(done.works)
        assert recipe is final.trials[int(np.argmax(scores))].recipe
        assert document["score"] == max(scores)
        stored = done.works.get(final.spec)
        assert stored is not None
        assert stored.document["chosen"] == {"rate": recipe.rate, "decay": recipe.decay}
        assert stored.document["validation"] == max(scores)


def test_a_final_run_is_judged_on_the_test_part(done: TransferPlan) -> None:
    for final in finals(done):
        work = done.works.get(final.spec)
        assert work is not None
        test = done.datasets[final.cell.dataset, final.cell.seed].test
        predictions = work.array("predictions")
        assert predictions.dtype == np.int32
        one_hot = np.eye(3)[predictions]
        metric = done.datasets[final.cell.dataset, final.cell.seed].declared.metric
        assert judge(test, metric, one_hot) == work.document["score"]
        np.testing.assert_array_equal(answers(test, one_hot), predictions)
        assert ("embedding" in {p.stem for p in work.folder.glob("*.npy")}) == bool(final.embedded)


def test_choosing_without_trials_and_with_none_that_converged(done: TransferPlan) -> None:
    final = done.listed.cells[Cell("wide", "dim", "finetune", 0)]
    assert isinstance(final, Final)
    alone = Final(final.cell, (), final.training, final.only, final.spec)
    assert alone.choice(done.works) == (final.only, {})
    assert alone.needs == ()
    unknown = Trial(final.cell, final.only, WorkSpec.of("trial", nobody=1))
    with pytest.raises(StoreError, match="is not in the store"):
        Final(final.cell, (unknown,), final.training, final.only, final.spec).choice(done.works)
    claim = done.works.claim(unknown.spec)
    assert claim is not None
    with claim:
        claim.finish({"score": None, "trained": {}}, {})
    with pytest.raises(DataError, match="All 1 trials diverged"):
        Final(final.cell, (unknown,), final.training, final.only, final.spec).choice(done.works)


def test_what_of_a_model_counts(done: TransferPlan) -> None:
    info = done.infos["wide"]
    assert network(info) == {
        "adapter": "py/1",
        "reference": "py:nets.py:wide",
        "weights": info.weights,
        "preprocessing": info.preprocessing.key,
    }


def test_a_batch_that_did_not_fit_into_memory_is_said(
    done: TransferPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = done.listed.cells[Cell("wide", "dim", "scratch", 0)]
    assert isinstance(final, Final)
    stored = done.works.get(final.spec)
    assert stored is not None
    assert stored.document["warnings"] == []
    logits = np.zeros((30, 3), dtype=np.float32)
    outcome = Trained({"final": logits}, (), None, None, "d", 1.0, 48, 2)
    monkeypatch.setattr(training, "train", lambda *_: outcome)
    claim = done.works.claim(WorkSpec.of("final", other=1))
    assert claim is not None
    with claim:
        made = final.perform(claim, done.works, context_of(done))
    assert made.document["warnings"] == [
        "Memory held 2 images of a step at a time; gradients were added up."
    ]
