"""``croissant.json``: metadata of the package in the Croissant format of MLCommons, version 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from freshset.core.files import pretty_json, sha256_file
from freshset.replication.package.base import IMAGES, Contents
from freshset.replication.package.huggingface import COLUMNS, METADATA
from freshset.replication.package.image_folder import CLASSES
from freshset.replication.package.webdataset import SHARDS

CROISSANT = "croissant.json"

_JSON_TERMS = ("data", "examples")
_PLAIN_TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject",
    "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
    "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
_NUMBERS = {
    "label": "sc:Integer", "width": "sc:Integer", "height": "sc:Integer", "selected": "sc:Float",
    "answers": "sc:Float", "selection_frequency": "sc:Float",
}  # fmt: skip
_MIME = {
    "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif",
    "bmp": "image/bmp", "tif": "image/tiff", "ppm": "image/x-portable-pixmap",
}  # fmt: skip


def croissant_json(contents: Contents, folder: Path) -> str:
    """Content of the file.

    Parameters
    ----------
    folder
        The package, whose other files are there already: tables and shards are named with their
        checksums.  Those of the images are in the table of the images.

    References
    ----------
    MLCommons (2024), Croissant Format Specification, version 1.0,
    https://docs.mlcommons.org/croissant/docs/croissant-spec.html
    """
    shards = sorted((folder / SHARDS).glob("*.tar")) if (folder / SHARDS).is_dir() else []
    suffixes = sorted({image.suffix for image in contents.images})
    licences = sorted({image.origin["licence"] or "unknown" for image in contents.images})
    document = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "name": contents.testset.replace("/", "-"),
        "description": _description(contents),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "creator": {"@type": "sc:Person", "name": contents.frozen.who},
        "datePublished": contents.frozen.at[:10],
        "license": licences,
        # A package lies wherever it is put; its content has one name.
        "url": f"urn:sha256:{contents.head.digest}",
        "citeAs": f"{contents.testset}, sha256:{contents.head.digest}",
        "version": f"{len(contents.chain)}.0.0",
        "distribution": [
            _file(folder, METADATA, "text/csv"),
            _file(folder, CLASSES, "text/csv"),
            *(_file(folder, f"{SHARDS}/{path.name}", "application/x-tar") for path in shards),
            {
                "@type": "cr:FileSet",
                "@id": "image-files",
                "name": "image-files",
                "encodingFormat": [_MIME.get(suffix, f"image/{suffix}") for suffix in suffixes],
                "includes": [f"{IMAGES}/*/*.{suffix}" for suffix in suffixes],
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "classes",
                "name": "classes",
                "key": {"@id": "classes/id"},
                "field": _fields("classes", CLASSES, ("id", "key", "name", "folder")),
            },
            {
                "@type": "cr:RecordSet",
                "@id": "images",
                "name": "images",
                "key": {"@id": "images/sha256"},
                "field": [*_fields("images", METADATA, COLUMNS), *_content()],
            },
        ],
    }
    return pretty_json(document)


def _context() -> dict[str, Any]:
    """Meaning of the words, as the specification gives it."""
    context: dict[str, Any] = {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    }
    context |= {term: {"@id": f"cr:{term}", "@type": "@json"} for term in _JSON_TERMS}
    return context | {term: f"cr:{term}" for term in _PLAIN_TERMS}


def _description(contents: Contents) -> str:
    text = (
        f"Revision {contents.head.name} of a fresh test set for {contents.spec.original}: "
        f"{len(contents.images):,} images in {len(contents.classes):,} classes, sampled by "
        f"{contents.revision.strategy}."
    )
    return f"{text} Adaptively touched: {contents.touched}." if contents.touched else text


def _file(folder: Path, name: str, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": kind,
        "sha256": sha256_file(folder / name),
    }


def _fields(records: str, file: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    numbers = {"id": "sc:Integer"} if records == "classes" else _NUMBERS
    return [
        {
            "@type": "cr:Field",
            "@id": f"{records}/{column}",
            "name": column,
            "dataType": numbers.get(column, "sc:Text"),
            "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
        }
        for column in columns
    ]


def _content() -> list[dict[str, Any]]:
    """The image itself, found by the checksum that is its file's name."""
    return [
        {
            "@type": "cr:Field",
            "@id": "images/file_sha256",
            "name": "file_sha256",
            "dataType": "sc:Text",
            "references": {"fileObject": {"@id": METADATA}, "extract": {"column": "sha256"}},
            "source": {
                "fileSet": {"@id": "image-files"},
                "extract": {"fileProperty": "filename"},
                "transform": {"regex": "^([0-9a-f]{64})"},
            },
        },
        {
            "@type": "cr:Field",
            "@id": "images/image",
            "name": "image",
            "dataType": "sc:ImageObject",
            "source": {
                "fileSet": {"@id": "image-files"},
                "extract": {"fileProperty": "content"},
            },
        },
    ]
