"""Figures as inline SVG: colours that follow the page, and marks that can be pointed at."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from freshset.reports.figures.base import Figure, Marks, to_svg
from freshset.reports.figures.style import PALETTE

_HREF = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"(font-family:|font: (?:[\w]+ )*?[\d.]+px) [^;]*")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_COLOURS = {light: f"var(--{name})" for name, light, _ in PALETTE}
_COLOUR = re.compile("|".join(map(re.escape, _COLOURS)))


def inline(figure: Figure, prefix: str) -> str:
    """Return a figure as an ``<svg>`` element for a page.

    Ids start with ``prefix``, so that many figures fit on one page; colours are the page's
    variables; every mark has a ``<title>``.  The element is labelled by the element with the id
    ``<prefix>-caption``, which the page must have.
    """
    root = ET.fromstring(to_svg(figure))  # noqa: S314 - drawn a moment ago, not read
    groups = {element.get("id", ""): element for element in root.iter()}
    for marks in figure.marks:
        _tag(groups[marks.gid], marks)
    if "cells-frame" in groups:
        groups["cells-frame"].set("class", "frame")
    _drop(root, "metadata", "style")
    _rename_ids(root, prefix)
    for element in root.iter():
        _restyle(element)
    # The width in points: letters of all figures come out equally large.
    root.set("style", f"--w: {float(root.attrib['viewBox'].split()[2]):.0f}")
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-caption")
    root.set("tabindex", "0")
    return ET.tostring(root, encoding="unicode")


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _tag(group: ET.Element, marks: Marks) -> None:
    """Give every drawn mark of a group its title."""
    hidden = {id(inner) for defs in group.iter() if _local(defs) == "defs" for inner in defs}
    drawn = [
        element
        for element in group.iter()
        if _local(element) in ("use", "path") and id(element) not in hidden
    ]
    if len(drawn) != len(marks.titles):
        raise ValueError(f"{marks.gid}: {len(drawn)} marks drawn for {len(marks.titles)} models")
    for element, title in zip(drawn, marks.titles, strict=True):
        element.set("class", "mark")
        if marks.cells:
            element.set("data-cells", marks.cells)
        ET.SubElement(element, "title").text = title


def _drop(root: ET.Element, *names: str) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child) in names:
                parent.remove(child)


def _rename_ids(root: ET.Element, prefix: str) -> None:
    """Prefix the ids that something refers to, and remove all others."""
    used = {element.attrib[_HREF][1:] for element in root.iter() if _HREF in element.attrib}
    for element in root.iter():
        for value in element.attrib.values():
            used.update(_REFERENCE.findall(value))
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"{prefix}-{name}")
        if target := element.attrib.pop(_HREF, None):
            element.set("href", f"#{prefix}-{target[1:]}")
        for key, value in element.attrib.items():
            element.set(key, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _restyle(element: ET.Element) -> None:
    element.tag = _local(element)
    element.tail = None
    if element.text and not element.text.strip():
        element.text = None
    if style := element.get("style"):
        style = _COLOUR.sub(lambda match: _COLOURS[match[0]], style)
        element.set("style", _FONT.sub(r"\1 var(--sans)", style))
    for key in ("d", "x", "y", "transform", "width", "height"):
        if value := element.get(key):
            element.set(key, _LONG_NUMBER.sub(_shorter, " ".join(value.split())))


def _shorter(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
