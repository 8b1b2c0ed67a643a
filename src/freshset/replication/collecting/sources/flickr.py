"""Candidates from Flickr, searched for as ImageNetV2's were.

Source: Recht et al. 2019, appendix B.1.1; https://www.flickr.com/services/api/flickr.photos.search.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

from pydantic import model_validator

from freshset.core.errors import DataError, UsageError
from freshset.replication.collecting.sources.base import Found, Source, shares
from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec_sections import ClassSpec, Positive

API = "https://api.flickr.com/services/rest/"
KEY = "FLICKR_API_KEY"

# The largest first: original, 2048, 1600, 1024, 800, 640 and 500 pixels; the API calls two of them by
# other letters than the addresses of the files do.
_SIZES = ("o", "k", "h", "b", "l", "c", "z", "-", "m")
_EXTRAS = ",".join(
    ("license", "owner_name", "date_taken", "date_upload", *(f"url_{size}" for size in _SIZES))
)
_PAGE = 500
# Of any one search Flickr shows the first 4,000 results, then repeats itself.
_DEEPEST = 4_000
_BUSY = 105


class Flickr(Source):
    """Photos that a search finds for each keyword of each class, the oldest upload first.

    Only what Flickr takes for a photograph and calls safe is asked for.

    The key that registering gives is read from the environment, as FLICKR_API_KEY.

    Attributes
    ----------
    max_per_class
        Results of a class, in equal parts by keyword.
    taken_from, taken_to, uploaded_from, uploaded_to
        Dates, both ends included; a fresh set of an old benchmark takes the time just after it.
    license
        Flickr's numbers of licences, such as ``4,5,9``; all by default.
    """

    max_per_class: Positive = 200
    taken_from: date | None = None
    taken_to: date | None = None
    uploaded_from: date | None = None
    uploaded_to: date | None = None
    license: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for kind in ("taken", "uploaded"):
            first, last = getattr(self, f"{kind}_from"), getattr(self, f"{kind}_to")
            if first and last and first > last:
                raise ValueError(f"{kind}_from {first} is later than {kind}_to {last}.")
        return self

    @property
    def name(self) -> str:
        """What the origins of images are recorded under."""
        return "flickr"

    def find(self, classes: Sequence[ClassSpec], web: Web) -> Iterator[Found]:
        """Search; see `freshset.replication.collecting.sources.base.Source`."""
        key = os.environ.get(KEY, "")
        if not key:
            raise UsageError(
                f"Flickr wants a key, which is read from {KEY}.",
                "Get one at https://www.flickr.com/services/apps/create/ and set the variable.",
            )
        licences = _licences(_ask(web, key, "flickr.photos.licenses.getInfo", {}))
        for one in classes:
            for word, most in shares(one, self.max_per_class):
                for photo in self._search(word, most, web, key):
                    yield _found(photo, one.key, word, licences)

    def _search(self, word: str, most: int, web: Web, key: str) -> Iterator[dict[str, Any]]:
        asked: dict[str, str | int] = {
            "text": word,
            "sort": "date-posted-asc",
            "media": "photos",
            "content_type": 1,
            "safe_search": 1,
            "extras": _EXTRAS,
            "per_page": _PAGE,
            **self._filters(),
        }
        page, pages, left = 1, 1, min(most, _DEEPEST)
        while left > 0 and page <= pages:
            answer = _ask(web, key, "flickr.photos.search", asked | {"page": page})
            try:
                photos, pages = list(answer["photos"]["photo"]), int(answer["photos"]["pages"])
            except (KeyError, TypeError, ValueError) as error:
                raise DataError("Flickr answered something else than photos.") from error
            yield from photos[:left]
            left -= len(photos)
            page += 1
            if not photos:
                return

    def _filters(self) -> dict[str, str]:
        def second(day: date, *, end: bool) -> str:
            return f"{day.isoformat()} {'23:59:59' if end else '00:00:00'}"

        def unix(day: date, *, end: bool) -> str:
            at = datetime.fromisoformat(second(day, end=end)).replace(tzinfo=UTC)
            return str(int(at.timestamp()))

        out = {
            "min_taken_date": self.taken_from and second(self.taken_from, end=False),
            "max_taken_date": self.taken_to and second(self.taken_to, end=True),
            "min_upload_date": self.uploaded_from and unix(self.uploaded_from, end=False),
            "max_upload_date": self.uploaded_to and unix(self.uploaded_to, end=True),
            "license": self.license,
        }
        return {name: value for name, value in out.items() if value}


def _ask(web: Web, key: str, method: str, params: dict[str, str | int]) -> Any:
    """Ask one method of the API; the key is in the body, so that it stands in no address."""
    asked = {"method": method, "api_key": key, "format": "json", "nojsoncallback": 1, **params}
    answer = web.ask(API, asked, post=True, busy=_is_busy)
    if not isinstance(answer, dict) or answer.get("stat") != "ok":
        said = answer.get("message", "") if isinstance(answer, dict) else ""
        raise DataError(
            f"Flickr refuses {method}: {str(said).replace(key, '***')[:200]}.",
            "Run the command again later." if _is_busy(answer) else f"Check {KEY} and the options.",
        )
    return answer


def _is_busy(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("code") == _BUSY


def _licences(answer: Any) -> dict[str, str]:
    """Names of the licences by Flickr's numbers."""
    try:
        return {str(one["id"]): str(one["name"]) for one in answer["licenses"]["license"]}
    except (KeyError, TypeError) as error:
        raise DataError("Flickr answered something else than licences.") from error


def _found(photo: dict[str, Any], class_key: str, word: str, licences: dict[str, str]) -> Found:
    id, owner = str(photo.get("id", "")), str(photo.get("owner", ""))
    uploaded = str(photo.get("dateupload", ""))
    if uploaded.isdigit():
        uploaded = datetime.fromtimestamp(int(uploaded), UTC).isoformat()
    return Found(
        id,
        class_key,
        word,
        url=next((str(url) for size in _SIZES if (url := photo.get(f"url_{size}"))), ""),
        page=f"https://www.flickr.com/photos/{owner}/{id}",
        author=str(photo.get("ownername") or owner),
        licence=licences.get(str(photo.get("license", "")), ""),
        taken_at=str(photo.get("datetaken", "")),
        uploaded_at=uploaded,
    )
