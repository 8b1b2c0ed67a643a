"""Links within the documentation lead somewhere, and every page can be reached."""

from __future__ import annotations

import re
from pathlib import Path

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def pages(docs: Path) -> list[Path]:
    return [
        p for p in sorted(docs.rglob("*.md")) if not p.relative_to(docs).parts[0].startswith("_")
    ]


def anchors(page: Path) -> set[str]:
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w -]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }


def test_internal_links_lead_somewhere(docs: Path) -> None:
    for page in pages(docs):
        for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
            assert not target.startswith("http"), (
                f"{page.name}: name the source, link nothing remote"
            )
            file, _, anchor = target.partition("#")
            found = (page.parent / file).resolve() if file else page
            assert found.exists(), f"{page.name} links to {target}"
            if anchor:
                assert anchor in anchors(found), f"{page.name} links to {target}"


def test_every_page_is_in_the_table_of_contents(docs: Path) -> None:
    index = (docs / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([\w/.-]+)$", index, re.MULTILINE))
    for page in pages(docs):
        name = page.relative_to(docs).with_suffix("").as_posix()
        assert name == "index" or name in listed, name


def test_modules_and_functions_that_pages_name_exist(docs: Path) -> None:
    from importlib import import_module

    text = (docs / "explanation" / "methods.md").read_text(encoding="utf-8")
    rooms = "intervals|fits|ranks|paired|multiplicity|power|equivalence|robustness|agreement"
    named = set(re.findall(rf"`({rooms}|difficulty|topk|classes)\.(\w+)`", text))
    assert len(named) > 25
    for module, function in named:
        assert hasattr(import_module(f"freshset.stats.{module}"), function), f"{module}.{function}"


def test_example_scripts_that_pages_name_exist(docs: Path) -> None:
    for page in pages(docs):
        for name in re.findall(r"examples/(\w+\.py)", page.read_text(encoding="utf-8")):
            assert (docs.parent / "examples" / name).exists(), f"{page.name} names {name}"
