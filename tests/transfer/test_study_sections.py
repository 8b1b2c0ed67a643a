from __future__ import annotations

from dataclasses import fields

from freshset.engine.study_sections import Section, read_section
from freshset.engine.yaml_text import read_yaml
from freshset.transfer.protocol import Protocol
from freshset.transfer.study_sections import (
    PROTOCOL_PARTS,
    ConvergenceSection,
    EmbeddingsSection,
    ProtocolSection,
    SourceModelSection,
    SubsetsSection,
    TrainingSection,
    TransferSection,
)


def problems(kind: type[Section], text: str) -> list[str]:
    document = read_yaml(text)
    read_section(kind, document.value, (), document)
    return [f"{p.where}: {p.message} {p.hint}".strip() for p in document.problems]


def test_the_protocol_can_be_changed_part_by_part() -> None:
    parts = {field.name for field in fields(Protocol)} - {"budget"}
    assert set(PROTOCOL_PARTS) == parts
    assert set(ProtocolSection.model_fields) == parts | {"budget"}
    for name, kind in PROTOCOL_PARTS.items():
        known = {field.name for field in fields(getattr(Protocol.of("paper"), name))}
        assert set(kind.model_fields) == known


def test_readers_and_memory_are_said_once() -> None:
    assert set(TrainingSection.model_fields) == {"checkpoint_every", "micro_batch", "channels_last"}


def test_what_cannot_be_is_said() -> None:
    for kind, text, expected in (
        (TransferSection, "model: []", "Unknown key 'model'. Did you mean 'models'?"),
        (TransferSection, "regimes: [probe]", "line 1, regimes[0]: 'probe': input should be"),
        (SourceModelSection, "{model: a, accuracy: 80.4}", "80.4: input should be less than 1."),
        (ConvergenceSection, "lengths: []", "lengths: []: list should have at least 1 item"),
        (SubsetsSection, "{sizes: [5], draws: 0}", "draws: 0: input should be greater than"),
        (EmbeddingsSection, "images: 1", "images: 1: input should be greater than"),
        (PROTOCOL_PARTS["finetune"], "augmentation: {flipp: 1}", "line 1, augmentation.flipp"),
    ):
        (said,) = problems(kind, text)
        assert expected in said
