"""The page of the data sets of transfer studies, made of the catalogue; see generate_reference.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from freshset.transfer.datasets.base import Division
from freshset.transfer.datasets.builtin import Entry, entries

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]

_INTRO = """\
A transfer study trains on a data set and tests on it, so it wants a training set, a test set and, where there is one, \
an official validation set. An entry of `datasets` in the study file is one of the following.

```yaml
datasets:
  - data: dtd                        # known by name; see the table below
    path: /data/textures             # where torchvision, or its owners, put it
  - my-photos                        # a folder, see below
  - path: my-photos                  # the same, with more to say
    id: photos
    metric: mean-per-class
    division: {share: 0.3, seed: 1}
  - id: tags                         # any test sets that freshset can read
    title: Tagged photographs
    metric: map11
    train: {adapter: manifest, path: train.csv, separator: ";"}
    test: {adapter: manifest, path: test.csv, separator: ";"}
  - data: stanford-cars              # known by name, but its parts are elsewhere
    train: {adapter: hf-datasets, path: tanganke/stanford_cars, split: train}
    test: {adapter: hf-datasets, path: tanganke/stanford_cars, split: test}
```

## Keys

{keys}

Further keys of an entry with `data` are options of its adapter, for all parts: `download: true` lets torchvision fetch \
what is missing, `arguments: {partition: 2}` takes another partition of DTD. Further keys of a folder are options of \
[`image-folder`](test-sets.md#image-folder). Parts take every adapter of [the test sets](test-sets.md) with its options, \
and test sets that are known by name (`test: {cifar10.1/v6: PATH}`); a part that has only a `path` is a folder of \
class folders.

A **folder** holds one folder a class, or the folders `train`, `val` and `test` with them (`training`, `valid`, \
`validation` and `testing` are understood). Without `test` a test set is held out, as `division` says, and the results \
say so; without `val` the validation set is held out of the training set.

## Training, validation and test set

Rates, decays and penalties are chosen on the validation set; then the final fit learns from training and validation \
set together. Where there is no official validation set, or `splitting: {official: false}` in the protocol wants \
none, it is held out of the training images (20 % of each class) by the seed of the run. Every class keeps a training \
image.

The test set never depends on the seeds of a study: all results on a data set are on the same items. Where it is drawn \
(`division`), it is drawn by a seed of its own. Items of a part that are also in another one are an error: rows of one \
set by their ids, items of two sets by their content where they have one name.

The classes of all parts are matched by their keys, so that a test folder that lacks a class has the same class ids. A \
class that only the test set has counts as wrong under `top1`, and is an error under `mean-per-class` and `map11`, \
which weigh all classes alike. What is odd goes with the results as a note.

## Sizes

`expected` says how many items the parts must have and how many classes; the table below is what entries with `data` \
expect. All that differs is one error before anything runs. `allow_sizes: true` makes it a note of the results, such \
as "1,855 of 2,443 test images", and no result with such a note should be compared with those of others.

## Images that show several classes

The metric `map11` is the mean over classes of the 11-point interpolated average precision. It wants data that say all \
classes of an image: `voc`, or `manifest` with a `separator`. Classes in the column `ignored` (in VOC, those of which all \
objects are called difficult) count neither way, in training and in the score. Of data of one class an image it ranks \
each class against the rest.

## Data sets that are known by name

The twelve of Kornblith, Shlens and Le (2019), "Do better ImageNet models transfer better?". Validation images in \
brackets are held out of the training images."""


def datasets_page(note: str, table: Table) -> str:
    """Return the page of data sets of transfer studies."""
    parts = [
        "# Data sets of transfer studies",
        note,
        _INTRO.replace("{keys}", table(*_KEYS)),
        _sizes(table),
    ]
    for entry in entries().values():
        parts += [f"### {entry.id}", _about(entry)]
    return "\n\n".join(parts) + "\n"


_DEFAULTS = {field.name: field.default for field in fields(Division)}
_KEYS = (
    ("Key", "Value", "Default", "Meaning"),
    [
        ("`data`", "name", "", "a data set of the table below"),
        ("`path`", "folder", "", "where its data are"),
        ("`id`", "name", "that of the folder", "unique in the study"),
        ("`title`", "text", "the id", "as people write it"),
        (
            "`metric`",
            "`top1`, `mean-per-class`, `map11`",
            "its own, else `top1`",
            "how it is scored",
        ),
        ("`train`, `validation`, `test`", "test set", "", "its parts"),
        (
            "`division`",
            "`per_class`, `share`, `seed`",
            ", ".join(f"`{name}: {value}`" for name, value in _DEFAULTS.items()),
            "without a test set: so many training images of each class, or this share for the test set",
        ),
        ("`expected`", "`train`, `validation`, `test`, `classes`", "", "sizes that it must have"),
        ("`allow_sizes`", "true, false", "`false`", "other sizes are a note and no error"),
        ("`note`", "text", "", "what one should know before using it"),
    ],
)


def _sizes(table: Table) -> str:
    rows = []
    for entry in entries().values():
        validation = entry.expected.get("validation")
        rows.append(
            (
                f"[`{entry.id}`](#{entry.id})",
                entry.title,
                f"{entry.expected['classes']:,}",
                f"{entry.expected['train']:,}",
                f"{validation:,}" if validation else "(20 %)",
                f"{entry.expected['test']:,}",
                f"`{entry.metric}`",
            )
        )
    head = ("Name", "Data set", "Classes", "Training", "Validation", "Test", "Metric")
    return table(head, rows)


def _about(entry: Entry) -> str:
    said = [
        f"`path` is {entry.layout}. Read by `{entry.adapter}`.",
        f"{entry.note[:1].upper()}{entry.note[1:]}." if entry.note else "",
        f"Sizes: {entry.sizes}. Licence: {entry.licence}. From <{entry.source}>. {entry.citation}.",
    ]
    return " ".join(filter(None, said))
