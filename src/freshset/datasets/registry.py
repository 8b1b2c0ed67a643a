"""The one list of test-set adapters."""

from __future__ import annotations

from freshset.core.registry import Entry, Registry
from freshset.datasets.base import DatasetAdapter, Reader, TestSetRef

_HERE = "freshset.datasets"

ADAPTERS = Registry(
    "test-set adapter",
    {
        "image-folder": Entry(
            f"{_HERE}.image_folder:ADAPTER", summary="one folder a class, by wnid or a table"
        ),
        "arrays": Entry(f"{_HERE}.arrays:ADAPTER", summary="images or vectors in npz or npy"),
        "manifest": Entry(
            f"{_HERE}.manifest:ADAPTER", summary="csv or Parquet of image paths or bytes"
        ),
        "webdataset": Entry(
            f"{_HERE}.webdataset:ADAPTER", "webdataset", ("fsspec",), "tar shards, local or s3://"
        ),
        "hf-datasets": Entry(
            f"{_HERE}.huggingface:ADAPTER",
            "datasets",
            ("datasets",),
            "Hugging Face datasets, hub or folder",
        ),
        "torchvision": Entry(
            f"{_HERE}.torchvision:ADAPTER",
            "torchvision",
            ("torchvision", "torch"),
            "torchvision data sets",
        ),
        "voc": Entry(
            f"{_HERE}.voc:ADAPTER", summary="PASCAL VOC, images that show several classes"
        ),
        "text": Entry(f"{_HERE}.text:ADAPTER", summary="text classification, csv, jsonl, Parquet"),
        "squad": Entry(f"{_HERE}.squad:ADAPTER", summary="extractive question answering, SQuAD"),
        "documents": Entry(
            f"{_HERE}.documents:ADAPTER", summary="language modelling, one item a document"
        ),
    },
    group="freshset.datasets",
)


def open_testset(ref: TestSetRef) -> Reader:
    """Open a test set by its adapter; see `freshset.datasets.base.DatasetAdapter.open`."""
    from freshset.datasets.relabel import open_relabelled

    adapter: DatasetAdapter = ADAPTERS.load(ref.adapter)
    return open_relabelled(ref, adapter.open)
