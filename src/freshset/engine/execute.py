"""Run a study: plan it, and make what the store lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from freshset.core.config import RunSettings
from freshset.core.registry import Entry, Registry
from freshset.engine.backends.base import Backend
from freshset.engine.plan import Plan, make_plan
from freshset.engine.progress import Progress
from freshset.engine.run import RunReport, run_plan
from freshset.engine.study import StudyFile, load_study
from freshset.store.base import Store
from freshset.store.parquet import opened

BACKENDS = Registry(
    "backend",
    {
        "local": Entry("freshset.engine.backends.local:LocalBackend", summary="this machine"),
        "ray": Entry(
            "freshset.engine.backends.ray:RayBackend", "ray", ("ray",), "a Ray cluster, or Ray here"
        ),
    },
    group="freshset.backends",
)


def run(
    study: StudyFile | Path | str,
    *,
    store: Store | Path | str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> RunReport:
    """Evaluate the models of a study on its test sets, as far as the store lacks them.

    Running again resumes: what is stored is not run again, and rows that were recorded before an
    interruption are not either.

    Parameters
    ----------
    study
        The study, or the path of its file.
    store
        In place of the store that the study names.
    progress
        Is told what happens.
    **settings
        Fields of `freshset.core.config.RunSettings` that win over those of the study, such as
        ``batch_size=128`` or ``limit=100``.

    Raises
    ------
    UsageError
        When the study, a test set or a setting is wrong; one message for all that is.
    StoreError
        When the store is no store, or holds something else under a name of the study.
    """
    if not isinstance(study, StudyFile):
        study = load_study(study)
    wanted = study.wanted(settings)
    place = opened(study.store if store is None else store, create=True)
    return execute(make_plan(wanted, place), place, progress)


def execute(plan: Plan, store: Store, progress: Progress | None = None) -> RunReport:
    """Run a plan where its settings say; see `freshset.engine.run.run_plan`."""
    backend = backend_for(plan.wanted.settings)
    try:
        return run_plan(plan, store, backend, progress)
    finally:
        backend.close()


def backend_for(settings: RunSettings) -> Backend:
    """Return the backend that settings name.

    Raises
    ------
    MissingExtraError
        When its package is not installed.
    """
    backend: Backend = BACKENDS.load(settings.backend)(settings)
    return backend
