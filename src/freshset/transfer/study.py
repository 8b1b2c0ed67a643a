"""The file of a transfer study: which models, on which data sets, in which regimes, and how."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from freshset.core.errors import FreshsetError, did_you_mean
from freshset.core.identifiers import canonical_testset
from freshset.engine.study import run_section
from freshset.engine.study_models import Models
from freshset.engine.study_sections import read_section
from freshset.engine.study_testsets import full_path
from freshset.engine.wanted import Wanted, WantedModel, run_settings
from freshset.engine.yaml_text import Document, Place, from_file
from freshset.models.training.recipe import Execution
from freshset.transfer.datasets.base import TransferDataset
from freshset.transfer.datasets.declaring import TransferDatasets
from freshset.transfer.protocol import Protocol
from freshset.transfer.recipes import check_protocol
from freshset.transfer.results import Regime, SourceModel
from freshset.transfer.study_sections import (
    PROTOCOL_PARTS,
    ChosenSection,
    ConvergenceSection,
    EmbeddingsSection,
    OwnFeaturesSection,
    ProtocolSection,
    Score,
    SourceModelSection,
    SourceSection,
    SubsetsSection,
    TrainingSection,
    TransferSection,
)


@dataclass(frozen=True, slots=True)
class Source:
    """The source benchmark.

    Attributes
    ----------
    name
        As people write it.
    testset
        Canonical id of a test set in the store, on which the models' accuracies were measured; empty
        where the study says them.
    """

    name: str = ""
    testset: str = ""


@dataclass(frozen=True, slots=True)
class Extra:
    """What is done beyond the cells of the study, for some models and data sets.

    Attributes
    ----------
    models, datasets
        Names and ids.
    values
        Lengths in steps, sizes in training images, or the number of images to embed.
    draws
        Random subsets of each size.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    values: tuple[int, ...]
    draws: int = 1

    def has(self, model: str, dataset: str) -> bool:
        """Whether a model on a data set is among them."""
        return model in self.models and dataset in self.datasets


NOTHING = Extra((), (), ())


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Features that the user brings, of one model on one data set.

    Attributes
    ----------
    train, validation, test
        Files with a row for each item of the sets that these parts are of; parts of one set of items
        have one file.
    """

    train: Path
    validation: Path
    test: Path


@dataclass(frozen=True, slots=True)
class TransferStudy:
    """A study file that was read and found right.

    Attributes
    ----------
    path
        Of the file, absolute; paths in it start at its folder.
    title
        Its title, or the file's name.
    store
        Folder of the store, absolute.
    source
        The source benchmark.
    models
        In the order of the file, wildcards and lists replaced by what they stand for.
    known
        What the file says of each model, in the same order, and then of those of which only features
        are there.
    own
        Features that the user brings, by model and data set.
    scores
        Of transferability, that need no training.
    datasets
        In the order of the file.
    regimes, seeds
        Each model is transferred to each data set in each regime with each seed.
    protocol
        All that changes a number.
    training
        Where and how training happens; see `freshset.models.training.recipe.Execution`.
    run
        Settings that the file has; see `freshset.core.config.RunSettings`.
    convergence, subsets, embeddings
        For the figures of these; with the first seed.
    report
        Folder of the report; ``None`` for no report.
    simulated
        Whether the data are generated.
    """

    path: Path
    title: str
    store: Path
    source: Source
    models: tuple[WantedModel, ...]
    known: tuple[SourceModel, ...]
    datasets: tuple[TransferDataset, ...]
    regimes: tuple[Regime, ...]
    seeds: tuple[int, ...]
    protocol: Protocol
    training: Execution = field(default_factory=Execution)
    run: Mapping[str, Any] = field(default_factory=dict)
    convergence: Extra = NOTHING
    subsets: Extra = NOTHING
    embeddings: Extra = NOTHING
    report: Path | None = None
    simulated: bool = False
    own: Mapping[tuple[str, str], OwnFiles] = field(default_factory=dict)
    scores: tuple[Score, ...] = get_args(Score)

    def wanted(self, overrides: Mapping[str, Any] | None = None) -> Wanted:
        """Return the models and how to run them; there are no test sets in it.

        Parameters
        ----------
        overrides
            Settings that win over those of the file.

        Raises
        ------
        UsageError
            For a setting that does not exist, or a value that it cannot have.
        """
        settings = run_settings({**self.run, **(overrides or {})})
        return Wanted(self.models, (), settings, self.path.parent)


def load_transfer(path: Path | str) -> TransferStudy:
    """Read the file of a transfer study.

    Raises
    ------
    UsageError
        When anything in it is wrong: one message with all that is, each with line and place.
    DataError
        When the file cannot be read.
    """
    return from_file(path, _study)


def _study(document: Document, path: Path) -> TransferStudy | None:
    if document.value is None:
        text = "A transfer study has at least models and datasets."
        document.complain((), "The file is empty.", text)
        return None
    section = read_section(TransferSection, document.value, (), document)
    if section is None:
        return None
    root = path.parent
    found = Models(root, document, SourceModelSection)
    models = found.read(section.models) if section.models or not section.features else ()
    datasets = TransferDatasets(root, document).read(section.datasets, ("datasets",))
    if not section.datasets and not document.complained("datasets"):
        document.complain(("datasets",), "No data sets.", "List at least one.")
    known = tuple(_known(model.title, found.sections[model.title]) for model in models)
    own = _Own([one.id for one in datasets], root, document)
    own.read(section.features, {model.title for model in models})
    extras = _Extras([m.title for m in models], [d.id for d in datasets], document)
    return TransferStudy(
        path=path,
        title=section.title or path.stem,
        store=full_path(section.store, root),
        source=_source(section.source, document),
        models=models,
        known=(*known, *own.known.values()),
        datasets=datasets,
        regimes=tuple(dict.fromkeys(_some(section.regimes, "regimes", document))),
        seeds=_seeds(section.seeds, document),
        protocol=_protocol(section.protocol, document),
        training=_training(section.training, document),
        run=run_section(section.run, document),
        convergence=extras.read("convergence", ConvergenceSection, section.convergence),
        subsets=extras.read("subsets", SubsetsSection, section.subsets),
        embeddings=extras.read("embeddings", EmbeddingsSection, section.embeddings),
        report=None if section.report is None else full_path(section.report, root),
        simulated=section.simulated,
        own=own.files,
        scores=tuple(dict.fromkeys(section.scores)),
    )


def _some(values: Sequence[Any], key: str, document: Document) -> Sequence[Any]:
    if not values and not document.complained(key):
        document.complain((key,), f"No {key}.", "List at least one, or leave the key out.")
    return values


def _source(value: Any, document: Document) -> Source:
    if value is None or isinstance(value, str):
        return Source(value or "")
    section = read_section(SourceSection, value, ("source",), document)
    if section is None:
        return Source()
    testset = canonical_testset(section.testset) if section.testset else ""
    return Source(section.name or testset, testset)


def _known(name: str, section: Any) -> SourceModel:
    return SourceModel(name, section.family, section.accuracy, section.n, section.recipe)


def _seeds(value: Any, document: Document) -> tuple[int, ...]:
    """Seeds of a list, or as many as a number says, from 0."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    seeds = list(range(value)) if whole else value
    right = isinstance(seeds, list) and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not right or not seeds or len(set(seeds)) < len(seeds):
        hint = "Give how many, such as 3, or a list, such as [0, 1, 2]."
        document.complain(("seeds",), f"Seeds cannot be {value!r}.", hint)
        return (0,)
    return tuple(seeds)


def _protocol(value: dict[str, Any], document: Document) -> Protocol:
    section = read_section(ProtocolSection, value, ("protocol",), document)
    given = {} if section is None else section.given()
    budget = given.pop("budget", "lite")
    changes: dict[str, dict[str, Any]] = {}
    for name, kind in PROTOCOL_PARTS.items():
        part = read_section(kind, given.get(name, {}), ("protocol", name), document)
        changes[name] = {} if part is None else part.given()
    made = Protocol.of(budget)
    for name, change in changes.items():
        try:
            made = replace(made, **{name: getattr(Protocol.of(budget, {name: change}), name)})
        except FreshsetError as error:
            document.complain(("protocol", name), error.message, error.hint)
    for name, wrong in check_protocol(made).items():
        document.complain(("protocol", name), wrong.message, wrong.hint)
    return made


def _training(value: dict[str, Any], document: Document) -> Execution:
    section = read_section(TrainingSection, value, ("training",), document)
    given = {} if section is None else section.given()
    for name in ("checkpoint_every", "micro_batch"):
        if given.get(name, 0) < 0:
            document.complain(("training", name), f"{name} is {given[name]}.", "Use at least 0.")
    return Execution(**given)


@dataclass(slots=True)
class _Own:
    """Reads what features the user brings."""

    datasets: Sequence[str]
    root: Path
    document: Document
    files: dict[tuple[str, str], OwnFiles] = field(default_factory=dict)
    known: dict[str, SourceModel] = field(default_factory=dict)

    def read(self, entries: Sequence[Any], models: Collection[str]) -> None:
        """Read all entries."""
        for number, entry in enumerate(entries):
            place = ("features", number)
            section = read_section(OwnFeaturesSection, entry, place, self.document)
            if section is None:
                continue
            key = (section.model, section.dataset)
            if section.dataset not in self.datasets:
                text = f"{section.dataset!r} is not among the data sets of the study."
                hint = did_you_mean(section.dataset, self.datasets)
                self.document.complain((*place, "dataset"), text, hint)
            if section.model in models or key in self.files:
                text = f"{section.model!r} is there already."
                self.document.complain((*place, "model"), text, "Give it another name.")
            names = (
                section.train,
                section.validation or section.train,
                section.test or section.train,
            )
            paths = [full_path(name, self.root) for name in names]
            for path in dict.fromkeys(paths):
                if not path.is_file():
                    hint = "Paths start at the folder of the study file."
                    self.document.complain(place, f"There is no file {path}.", hint)
            self.files[key] = OwnFiles(*paths)
            self.known.setdefault(section.model, _known(section.model, section))


@dataclass(slots=True)
class _Extras:
    """Reads what is done for some models and data sets only."""

    models: Sequence[str]
    datasets: Sequence[str]
    document: Document

    def read(self, key: str, kind: type[ChosenSection], value: dict[str, Any] | None) -> Extra:
        """Return what a key asks for."""
        if value is None:
            return NOTHING
        section = read_section(kind, value, (key,), self.document)
        if section is None:
            return NOTHING
        models = self._matched(section.models, self.models, (key, "models"))
        datasets = self._matched(section.datasets, self.datasets, (key, "datasets"))
        values, draws = self._values(section, key)
        return Extra(models, datasets, values, draws)

    def _values(self, section: ChosenSection, key: str) -> tuple[tuple[int, ...], int]:
        found, draws = [1], 1
        if isinstance(section, ConvergenceSection):
            found = section.lengths
        elif isinstance(section, SubsetsSection):
            found, draws = section.sizes, section.draws
        elif isinstance(section, EmbeddingsSection):
            found = [section.images]
        if min(found) < 1:
            self.document.complain((key,), f"{min(found)} is among the numbers.", "From 1 on.")
        return tuple(sorted(set(found))), draws

    def _matched(
        self, patterns: Sequence[str], names: Sequence[str], place: Place
    ) -> tuple[str, ...]:
        for pattern in patterns:
            if names and not any(fnmatchcase(name, pattern) for name in names):
                hint = did_you_mean(pattern, names)
                self.document.complain(place, f"{pattern!r} matches nothing of the study.", hint)
        return tuple(n for n in names if any(fnmatchcase(n, pattern) for pattern in patterns))
