"""Small checkpoints with random weights, in the real formats of the torch libraries."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "on",
    "mat",
    "good",
    "bad",
    "film",
    "plot",
    "was",
    "is",
    "in",
    "paris",
    "london",
    "who",
    "where",
    "lived",
    "ran",
    "red",
    "blue",
    ".",
    "?",
]
LABELS = ("ant", "bee", "cat", "dog")
# Wide, tall, odd, smaller than every crop, and one that needs no resize.
SIZES = ((120, 80), (61, 157), (257, 255), (23, 17), (3, 200), (224, 224))


@dataclass(frozen=True, slots=True)
class Question:
    """What a question looks like to a model."""

    context: str
    question: str


QUESTIONS = [
    Question("the cat sat on the mat . the dog ran in paris", "who sat"),
    Question("the cat lived in london . " * 12, "where is the cat"),
    Question("a red film", "is the film good or bad"),
]
TEXTS = ["the cat sat on the mat", "good film", "the plot was bad bad bad . " * 20]


def images(sizes: tuple[tuple[int, int], ...] = SIZES) -> list[Image.Image]:
    """Noise of some sizes (width, height): every pixel of a resize depends on its neighbours."""
    rng = np.random.default_rng(5)
    return [
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in sizes
    ]


def seeded(make: Callable[[], Any]) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def timm_folder(folder: Path, labels: Any = LABELS) -> Path:
    """A ``local-dir:`` as timm's ``save_for_hf`` writes it."""
    import timm

    folder.mkdir(exist_ok=True)
    network = seeded(lambda: timm.create_model("test_resnet", num_classes=len(labels)))
    save_file(network.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": "test_resnet",
        "num_classes": len(labels),
        "num_features": 96,
        "global_pool": "avg",
        "label_names": list(labels),
        "model_args": {"num_classes": len(labels), "in_chans": 3, "global_pool": "avg"},
        "pretrained_cfg": {
            "tag": "r160_in1k",
            "custom_load": False,
            "input_size": [3, 48, 48],
            "test_input_size": [3, 64, 64],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": 0.9,
            "test_crop_pct": 0.95,
            "crop_mode": "center",
            "mean": [0.5, 0.4, 0.3],
            "std": [0.5, 0.6, 0.7],
            "num_classes": len(labels),
            "pool_size": [2, 2],
            "first_conv": "conv1.0",
            "classifier": "fc",
            "license": "apache-2.0",
        },
    }
    write_json(folder / "config.json", config)
    return folder


def torchvision_file(path: Path, classes: int = 4) -> Path:
    from torchvision.models import get_model

    network = seeded(lambda: get_model("mobilenet_v3_small", num_classes=classes))
    torch.save(network.state_dict(), path)
    return path


def tokeniser(special: list[str], **names: Any) -> Any:
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: i for i, word in enumerate([*special, *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    if "[CLS]" in special:
        inner.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
        )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", **names)


def save(folder: Path, *parts: Any) -> Path:
    from freshset.models.huggingface_source import quiet

    with quiet():
        for part in parts:
            part.save_pretrained(folder)
    return folder


BERT = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "model_max_length": 32}
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def hf_text(folder: Path, **settings: Any) -> Path:
    import transformers as t

    names = ("negative", "neutral", "positive")
    config = t.DistilBertConfig(
        vocab_size=len(BERT_SPECIAL) + len(WORDS), dim=16, n_heads=2, n_layers=1, hidden_dim=32,
        max_position_embeddings=32, id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)}, initializer_range=0.5, **settings,
    )  # fmt: skip
    network = seeded(lambda: t.DistilBertForSequenceClassification(config))
    return save(folder, network, tokeniser(BERT_SPECIAL, **BERT))


def hf_questions(folder: Path) -> Path:
    import transformers as t

    config = t.BertConfig(
        vocab_size=len(BERT_SPECIAL) + len(WORDS), hidden_size=16, num_attention_heads=2,
        num_hidden_layers=1, intermediate_size=32, max_position_embeddings=32,
        initializer_range=0.5,
    )  # fmt: skip
    network = seeded(lambda: t.BertForQuestionAnswering(config))
    return save(folder, network, tokeniser(BERT_SPECIAL, **BERT))


def hf_language(folder: Path) -> Path:
    import transformers as t

    end = "<|end|>"
    config = t.GPT2Config(
        vocab_size=2 + len(WORDS), n_embd=16, n_layer=1, n_head=2, n_positions=16, bos_token_id=1,
        eos_token_id=1, initializer_range=0.5,
    )  # fmt: skip
    network = seeded(lambda: t.GPT2LMHeadModel(config))
    names = {"bos_token": end, "eos_token": end, "model_max_length": 16}
    return save(folder, network, tokeniser(["[UNK]", end], **names))


def hf_images(folder: Path, labels: tuple[str, ...] = LABELS) -> Path:
    import transformers as t

    config = t.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic",
        id2label=dict(enumerate(labels)), label2id={name: i for i, name in enumerate(labels)},
    )  # fmt: skip
    network = seeded(lambda: t.ResNetForImageClassification(config))
    processor = t.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.875)
    return save(folder, network, processor)


CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "patch_size": 16, "head_width": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def clip_folder(folder: Path) -> Path:
    """A ``local-dir:`` in open_clip's layout, with class names beside it."""
    from open_clip.model import CLIP as Network

    folder.mkdir(exist_ok=True)
    network = seeded(lambda: Network(**CLIP))
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    images_ = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear"}
    content = {"model_cfg": CLIP, "preprocess_cfg": {**images_, "resize_mode": "shortest"}}
    write_json(folder / "open_clip_config.json", content)
    (folder / "classes.txt").write_text("cat\ndog\nred bus\n", encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """One folder with all of them, made once a session and never changed.

    ``timm/``, ``torchvision.pth``, ``text/``, ``questions/``, ``language/``, ``images/``, ``clip/``.
    """

    folder: Path


_MADE: dict[str, Checkpoints] = {}


def shared_checkpoints(folder: Path) -> Checkpoints:
    """Make all checkpoints once a session, in the folder of whoever needs them first."""
    if "all" not in _MADE:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of writers that close nothing
            timm_folder(folder / "timm")
            torchvision_file(folder / "torchvision.pth")
            hf_text(folder / "text")
            hf_questions(folder / "questions")
            hf_language(folder / "language")
            hf_images(folder / "images")
            clip_folder(folder / "clip")
        _MADE["all"] = Checkpoints(folder)
    return _MADE["all"]


# Reference and items by the name of the adapter and the kind of model, for the contract suite.
SUBJECTS: dict[str, tuple[str, list[Any]]] = {
    "timm, local-dir": ("timm:local-dir:timm", images()),
    "timm, random": (
        "timm:test_resnet?pretrained=false&num_classes=5&in_chans=1&img_size=48", images(),
    ),
    "torchvision": (
        "torchvision:mobilenet_v3_small?checkpoint_path=torchvision.pth&num_classes=4", images()[:3],
    ),
    "hf, images": ("hf:images", images()),
    "hf, text": ("hf:text", TEXTS),
    "hf, questions": ("hf:questions?no_answer=true", QUESTIONS),
    "hf, language": ("hf:language?stride=5", TEXTS),
    "open-clip": ("open-clip:local-dir:clip?classes=clip/classes.txt", images()),
}  # fmt: skip
