"""The pages of models and of test sets, made of the adapters' own words; see generate_reference.py."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from freshset.core.registry import Entry, Registry
from freshset.core.spaces import KNOWN, known_space
from freshset.datasets import builtin
from freshset.datasets import registry as datasets
from freshset.datasets.mapping_tables import shipped_tables
from freshset.datasets.mappings import RULES
from freshset.datasets.options import COMMON
from freshset.models import registry as models

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
Text = Callable[[str], str]

_MODELS = """\
A model is referred to as `adapter:name[@revision][?key=value&key=value]`. Values are literals (numbers, \
booleans, `None`, lists, texts) and are never evaluated; `%26` stands for `&`. Paths are relative to the \
study file. The name may be a shell pattern where the adapter can list its models.

Weights are read from safetensors, ONNX or skops files, or from PyTorch files that hold nothing but tensors. \
A file that would have to be unpickled can run any code when it is read, so it is refused unless \
`--trust FILE` names it. `sha256=...` checks the weights before they are loaded.

Each adapter is an extra, installed with `pip install "freshset[EXTRA]"`. Another package adds an adapter by an entry \
point of the group `freshset.models`; `examples/plugin` \
is one, and `freshset.models.contract` has the checks that every adapter must pass."""

_FEATURES = """\
## Features and training

A transfer study asks more of a model than its answers: the features of a layer, and a network with a new \
classifier that can be trained. Networks for images or arrays give both; ONNX files, scikit-learn estimators, \
stored predictions and networks for texts give neither, and say so.

{table}

The layer `penultimate` is what the classifier is given, pooled as the network itself pools it. Any other name is \
that of a module, as `named_modules()` has it, and its output is taken. Of outputs with positions, `mean` takes \
their average and `none` all numbers in one row; `first` takes the first of a sequence, such as the class token of \
a vision transformer. Maps whose channels come last are told by their two equal sides, or by the network's \
`output_fmt`. A module that runs several times gives what it gave last. Several heads whose answers are averaged, \
as those of a distilled transformer, have the average of what they are given as their penultimate layer, or one \
beside the other where they differ in length. A model without a classifier has no penultimate layer: name a module \
with the option `layer`.

For training, all weights but the classifier's are kept (`pretrained`), or none (`random`: no weights are fetched or \
read). The classifier, and all weights of a random start, are initialised as the library does it, by the seed of the \
run; torch's own generator is left alone. The auxiliary classifiers of the Inception networks of torchvision are left \
out.

How much of an image a network sees is its view: `whole` squashes the image to the size of the input (what the \
paper on transfer does), `centre` resizes the shorter side to 8/7 of that size and crops the centre, `weights` is exactly what the \
weights say. Preprocessing that cannot be said in numbers knows only `weights`; arrays have one view."""

_NETWORKS = (
    ("timm", "input of `get_classifier()`", "as timm makes it"),
    ("torchvision", "input of the last linear layer or convolution", "as torchvision makes it"),
    ("hf", "input of the classifier; of models for images", "as transformers makes it"),
    (
        "open-clip",
        "`encode_image`, not put on the unit sphere",
        "a linear layer on that, without the text tower",
    ),
    (
        "py",
        "input of the last linear layer or convolution, or of what the factory's attribute `head` names",
        "the same layer of another size; all else by `reset_parameters` of each module",
    ),
)

_TESTSETS = """\
A test set is given by its `id`, an `adapter`, a `path` relative to the study file, and the adapter's options; \
see [the study file](study-file.md). Every adapter also takes {common}, which change no number but for \
`expected_n`: another number of items is an error. A test set with classes also takes `accept` (a file of the \
classes that count as right, such as `real.json`) and `subset` (keep the items of some classes).

Images are decoded by Pillow to RGB as the loaders of timm and torchvision do, with four differences: a \
truncated or damaged file is an error that names it; 16-bit images are scaled to 8 bits instead of clipped; an \
image of more than `max_pixels` (89,478,485) is refused before it is decoded; and the EXIF orientation, which is \
ignored by default as it is there, is applied with `orientation: apply`. Of animated images the first frame is \
taken. `freshset check` tells which of this concerns how many images.

Another package adds an adapter by an entry point of the group `freshset.datasets`; `freshset.datasets.contract` \
has the checks that every reader must pass."""


def models_page(note: str, table: Table, text: Text) -> str:
    """Return the page of model references."""
    parts = ["# Models", note, _MODELS, _list(models.ADAPTERS, table)]
    parts += _sections(models.ADAPTERS, text)
    rows = [(f"[`{name}`](#{name})", layer, head) for name, layer, head in _NETWORKS]
    head = ("Adapter", "Penultimate layer", "New classifier, and random start")
    parts.append(_FEATURES.format(table=table(head, rows)))
    return "\n\n".join(parts) + "\n"


def testsets_page(note: str, table: Table, text: Text) -> str:
    """Return the page of test-set adapters, the catalogue, class spaces and mappings."""
    common = ", ".join(f"`{name}`" for name in COMMON)
    intro = _TESTSETS.format(common=common)
    parts = ["# Test sets", note, intro, _list(datasets.ADAPTERS, table)]
    parts += _sections(datasets.ADAPTERS, text)
    parts += ["## Public test sets", _catalogue(table), "## Class spaces and mappings"]
    parts += [
        (
            "A class space is a list of keys; class id i is the i-th key. Spaces are compared by key: the same keys "
            "in another order are permuted, and nothing else is guessed. Known by name:"
        ),
        table(
            ("Class space", "Classes", "First key"),
            [(f"`{n}`", f"{len(known_space(n)):,}", f"`{known_space(n).keys[0]}`") for n in KNOWN],
        ),
        "`mapping` names how a model's classes become those of the test set: "
        + ", ".join(f"`{name}`" for name in (*RULES, *shipped_tables()))
        + ", or a table of your own (csv, json or toml). "
        + text(_docstring("freshset.datasets.mappings").split("\n\n")[0])
        + " A mapping that needs the scores of all classes says so, and is refused where only the best ones are stored.",
    ]
    return "\n\n".join(parts) + "\n"


def _list(registry: Registry, table: Table) -> str:
    rows = [
        (f"[`{name}`](#{name})", entry.summary, f"`{entry.extra}`" if entry.extra else "")
        for name, entry in registry.builtin.items()
    ]
    return table(("Adapter", "For", "Extra"), rows)


def _sections(registry: Registry, text: Text) -> list[str]:
    parts = []
    for name, entry in registry.builtin.items():
        parts.append(f"## {name}")
        parts += [text(part) for part in _paragraphs(entry)]
    return parts


def _paragraphs(entry: Entry) -> list[str]:
    # Lists keep their line breaks; everything else is one paragraph a block.
    return _docstring(entry.target.partition(":")[0]).split("\n\n")


def _docstring(module: str) -> str:
    """Docstring of a module, read without importing what the module needs."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return ast.get_docstring(tree) or ""


def _catalogue(table: Table) -> str:
    rows = [
        (f"`{e.id}`", e.title, f"{e.n:,}", f"`{e.classes}`", e.layout, f"`{e.source}`")
        for e in builtin.entries().values()
    ]
    head = table(("Id", "Name", "Items", "Classes", "What the path is", "From"), rows)
    return (
        "Named in a study as `ID: PATH`. Nothing is downloaded; `freshset ls testsets ID` shows where the owners "
        "offer it, the checksums that were published, licence and citation.\n\n" + head
    )
