"""What a cell is: its spec, and the versioned hash by which the same cell is known everywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from freshset.core.files import canonical_json, sha256_bytes

IDENTITY_VERSION = 1


@dataclass(frozen=True, slots=True)
class RunSpec:
    """How predictions are made: every field here can change them, so all of them are hashed.

    Attributes
    ----------
    adapter
        Name of the model adapter and the version of what it computes, for example ``timm/1``.
    reference
        The model as it was asked for, in canonical form.
    weights
        SHA-256 of the weights; empty when there are none.
    preprocessing
        Everything between an item and the model's input, as canonical text.
    outputs
        What the model's numbers are: ``logits``, ``probabilities``, ``scores``, ``answers``, ...
    classes
        Digest of the class space of the outputs; empty when there is none.
    precision
        Of the forward pass: ``fp32``, ``tf32``, ``fp16`` or ``bf16``.
    reading
        How items are read, with a digest of the bytes that are read, as canonical text.
    mapping
        From the model's classes to those of the test set: name and digest; empty for none.
    """

    adapter: str
    reference: str
    weights: str
    preprocessing: str
    outputs: str
    classes: str
    precision: str
    reading: str
    mapping: str


def model_part(model: str, run: RunSpec) -> str:
    """Return the part of a run's identity that a model has on every test set."""
    parts = (model, run.adapter, run.reference, run.weights, run.preprocessing, run.outputs)
    return "\0".join((*parts, run.classes, run.precision))


def testset_part(testset: str, fingerprint: str, reading: str) -> str:
    """Return the part of a run's identity that a test set has for every model."""
    return "\0".join((testset, fingerprint, reading))


def run_identity(model: str, testset: str, mapping: str) -> str:
    """Identity of a cell that a run makes, of its two parts and the mapping between them.

    Plans compute hundreds of thousands, so the parts are made once each.
    """
    return sha256_bytes(f"freshset.run/{IDENTITY_VERSION}\0{model}\0{testset}\0{mapping}".encode())


@dataclass(frozen=True, slots=True)
class CellSpec:
    """What a cell is: every field here can change its numbers, so all of them are hashed.

    Attributes
    ----------
    model, testset
        Canonical names.
    fingerprint
        Of the test set's items.
    content
        Of imported cells: SHA-256 of the predictions (int32, row order of the test set) or of the
        counts.  Empty where predictions are made by a run, whose inputs say what they will be.
    repair
        The correction that was applied on import, or ``none``.
    run
        How predictions are made; ``None`` for imported cells.
    """

    model: str
    testset: str
    fingerprint: str
    content: str
    repair: str = "none"
    run: RunSpec | None = None

    @property
    def identity(self) -> str:
        """Versioned hash of the spec; the same spec has the same identity everywhere."""
        if self.run is not None:
            testset = testset_part(self.testset, self.fingerprint, self.run.reading)
            return run_identity(model_part(self.model, self.run), testset, self.run.mapping)
        return sha256_bytes(canonical_json(self.to_dict() | {"version": IDENTITY_VERSION}))

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain values; cells that were imported have no ``run``."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CellSpec:
        """Inverse of `to_dict`."""
        run = data.get("run")
        return cls(**(data | {"run": None if run is None else RunSpec(**run)}))
