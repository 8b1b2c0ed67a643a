"""The form that a worker sees: a plain page with one tick box an image."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.mturk import FIELD
from freshset.replication.spec import ClassSpec

MOST_BYTES = 65_535
"""Longest page that MTurk takes in a question."""

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script>
<style>
body {{ font-family: sans-serif; max-width: 64rem; margin: auto; padding: 1rem }}
.grid {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 1rem }}
label {{ display: block; border: 3px solid #ccc; padding: .25rem; cursor: pointer }}
label:has(:checked) {{ border-color: #06c; background: #def }}
label:focus-within {{ outline: 3px solid #000 }}
img {{ width: 100%; display: block }}
</style></head><body>
<form name="mturk_form" method="post" id="mturk_form" action="{action}">
<input type="hidden" name="assignmentId" id="assignmentId" value="">
<input type="hidden" name="{field}" id="{field}" value="">
<h1>Which images show: {title}?</h1>
<p>{definition}</p>{links}
<p>Tick an image if it shows at least one object of this kind, also when it is partly hidden, small, or
among other things. Tick photographs only, no drawings or paintings. Leave all others without a tick.</p>
<div class="grid">
{images}
</div>
<p><button type="submit">Submit</button></p>
</form>
<script>
var form = document.getElementById("mturk_form");
form.addEventListener("submit", function () {{
  var chosen = form.querySelectorAll(".grid input:checked");
  document.getElementById("{field}").value =
    Array.prototype.map.call(chosen, function (box) {{ return box.value; }}).join("|");
}});
if (window.turkSetAssignmentID) {{ turkSetAssignmentID(); }}
</script></body></html>
"""
_IMAGE = (
    '<label><input type="checkbox" value="{token}"> Image {number}<img src="{url}" alt=""></label>'
)
_QUESTION = """\
<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/\
HTMLQuestion.xsd"><HTMLContent><![CDATA[{page}]]></HTMLContent><FrameHeight>0</FrameHeight>\
</HTMLQuestion>"""
_EXTERNAL = """\
<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/\
ExternalQuestion.xsd"><ExternalURL>{url}</ExternalURL><FrameHeight>0</FrameHeight></ExternalQuestion>"""


def task_page(one: ClassSpec, images: Iterable[tuple[str, str]], *, submit_to: str) -> str:
    """Make the page of a task.

    Parameters
    ----------
    one
        The class that is asked for.
    images
        Token and URL of each, in the order shown.
    submit_to
        URL that the form is sent to.
    """
    links = "".join(f'<p><a href="{escape(url)}">{escape(url)}</a></p>' for url in one.links)
    names = [one.title, *(word for word in one.synonyms if word != one.title)]
    return _PAGE.format(
        title=escape(" or ".join(names)),
        definition=escape(one.definition),
        links=links,
        action=escape(submit_to),
        field=FIELD,
        images="\n".join(
            _IMAGE.format(token=escape(token), url=escape(url), number=number)
            for number, (token, url) in enumerate(images, start=1)
        ),
    )


def html_question(page: str) -> str:
    """Wrap a page for MTurk.

    Raises
    ------
    DataError
        When it is longer than MTurk takes.
    """
    question = _QUESTION.format(page=page.replace("]]>", "]]&gt;"))
    size = len(question.encode())
    if size > MOST_BYTES:
        raise DataError(
            f"The page of a task has {size:,} bytes; MTurk takes {MOST_BYTES:,}.",
            "Use shorter image URLs, fewer images a task, or a page of your own (--page-url).",
        )
    return question


def external_question(url: str) -> str:
    """Point MTurk to a page on another server."""
    return _EXTERNAL.format(url=escape(url))
