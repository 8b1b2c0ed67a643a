"""Candidates from Openverse, a search engine for openly licensed images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from freshset.core.errors import DataError
from freshset.replication.collecting.sources.base import Found, Source, shares
from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec_sections import ClassSpec, Positive

API = "https://api.openverse.org/v1/images/"
TOKEN = "OPENVERSE_TOKEN"  # noqa: S105  # the variable's name, not a token

# What is answered without a token: more is refused with 401.
_PAGE = 20


class Openverse(Source):
    """Results of a search for each keyword of each class, in the order of their relevance.

    Without a token, Openverse shows 20 results a page and 240 a search.  The token that registering
    gives is read from the environment, as OPENVERSE_TOKEN.  Openverse knows no dates.

    Attributes
    ----------
    max_per_class
        Results of a class, in equal parts by keyword.
    license
        Codes of licences, such as ``cc0,by,by-sa``; all by default.
    license_type
        ``commercial``, ``modification`` or both, ``commercial,modification``.
    source
        Collections to search, such as ``flickr,wikimedia``; all by default.
    page_size
        Results a page; up to 500 with a token.
    """

    max_per_class: Positive = 200
    license: str = ""
    license_type: str = ""
    source: str = ""
    page_size: Annotated[int, Field(ge=1, le=500)] = _PAGE

    @property
    def name(self) -> str:
        """What the origins of images are recorded under."""
        return "openverse"

    def find(self, classes: Sequence[ClassSpec], web: Web) -> Iterator[Found]:
        """Search; see `freshset.replication.collecting.sources.base.Source`."""
        for one in classes:
            for word, most in shares(one, self.max_per_class):
                yield from self._search(one.key, word, most, web)

    def _search(self, class_key: str, word: str, most: int, web: Web) -> Iterator[Found]:
        token = os.environ.get(TOKEN, "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        size = self.page_size if token else min(self.page_size, _PAGE)
        filters = {
            key: value
            for key in ("license", "license_type", "source")
            if (value := getattr(self, key))
        }
        page, pages, left = 1, 1, most
        while left > 0 and page <= pages:
            asked = {"q": word, "page": page, "page_size": size, "mature": "false", **filters}
            answer = web.ask(API, asked, headers=headers)
            results, pages = _results(answer)
            for result in results[:left]:
                yield _found(result, class_key, word)
            left -= len(results)
            page += 1


def _results(answer: Any) -> tuple[list[dict[str, Any]], int]:
    try:
        results, pages = list(answer["results"]), int(answer["page_count"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError("Openverse answered something else than results.") from error
    return results, pages if results else 0


def _found(result: dict[str, Any], class_key: str, word: str) -> Found:
    def text(name: str) -> str:
        return str(result.get(name) or "")

    code = text("license")
    public = {"cc0": "CC0", "pdm": "PDM"}
    licence = public.get(code, f"CC {code.upper()}" if code else "")
    return Found(
        text("id"),
        class_key,
        word,
        url=text("url"),
        page=text("foreign_landing_url"),
        author=text("creator"),
        licence=f"{licence} {text('license_version')}".strip(),
    )
