"""Simulated colleagues who use the web app by its own interface; they stand in for people.

Run it:
    python examples/testset/colleagues.py invite OWNER_LINK    print a link for five colleagues, then
                                                               the one by which the owner comes back
    python examples/testset/colleagues.py label LINK           five join by it and label all tasks
    python examples/testset/colleagues.py review OWNER_LINK    look at pairs, draw, replace, freeze

A colleague sees what a person in a browser sees: pages, a question, and pictures under random names.
The clearer a digit is, the likelier they say what it shows; one of the five hardly looks.
"""

from __future__ import annotations

import io
import json
import re
import sys
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from annotate import look

from freshset.demo.digits import load_digits
from freshset.demo.rebuilt import NAMES, chances

COLLEAGUES = ("Ada", "Bo", "Cleo", "Dan", "Eve")
HASTY = "Eve"


class Browser:
    """What a browser does: keeps a cookie, follows redirects, sends the token of its page back."""

    def __init__(self, link: str) -> None:
        place = urlsplit(link)
        self.http = httpx.Client(
            base_url=f"{place.scheme}://{place.netloc}", follow_redirects=True, timeout=60
        )
        self.page = self.http.get(link).text

    def open(self, path: str) -> str:
        """Go to a page; returns where that led."""
        answer = self.http.get(path).raise_for_status()
        self.page = answer.text
        return answer.url.path

    def submit(self, path: str, **fields: Any) -> None:
        """Send the form of the page."""
        hidden = {key: self.field(key) for key in ("csrf", "token") if f'name="{key}"' in self.page}
        self.page = self.http.post(path, data=hidden | fields).raise_for_status().text

    def field(self, name: str) -> str:
        """Value of a hidden field of the page."""
        return found_on(self.page, rf'name="{name}" value="([^"]*)"')

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Do what a script of the page does."""
        token = re.search(r'name="csrf-token" content="([^"]*)"', self.page)
        headers = {"X-CSRF-Token": token[1]} if token else {}
        answer = self.http.request(method, path, json=body, headers=headers)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.text}")
        return answer.json()


class Eyes:
    """Somebody who looks at digits."""

    def __init__(self, name: str) -> None:
        self.rng = np.random.default_rng([ord(letter) for letter in name])
        self.digits = load_digits()
        self.chance = chances(self.digits)
        self.hasty = name == HASTY

    def ticked(self, browser: Browser, key: str, images: list[dict[str, str]]) -> list[str]:
        """Tokens of the images that seem to show a class."""
        seen = [look(io.BytesIO(browser.http.get(one["url"]).content)) for one in images]
        far = ((np.array(seen)[:, None] - self.digits.images[None]) ** 2).sum(axis=2)
        p = self.chance[far.argmin(axis=1), NAMES.index(key)]
        yes = self.rng.random(len(p)) < (0.5 if self.hasty else p)
        return [one["token"] for one, said in zip(images, yes, strict=True) if said]


def invite(owner_link: str) -> None:
    """Come in as the owner and make a link for five workers."""
    owner = come_in(owner_link, "Grace")
    owner.open("/people")
    owner.submit("/people/invitations", role="worker", uses=len(COLLEAGUES), days=7, note="Friends")
    print(found_on(owner.page, r'"(https?://[^"]+/join\?token=[^"]+)"'))
    owner.open("/me")
    print(found_on(owner.page, r'"(https?://[^"]+/enter\?token=[^"]+)"'))


def found_on(page: str, pattern: str) -> str:
    """The part of a page that a pattern is about."""
    found = re.search(pattern, page)
    if found is None:
        raise SystemExit(f"the page has nothing like {pattern}")
    return unescape(found[1]).strip()


def label(link: str) -> None:
    """Let five colleagues join and label until nothing is left."""
    for name in COLLEAGUES:
        browser, eyes = come_in(link, name), Eyes(name)
        if browser.open("/label") == "/label/consent":
            browser.submit("/label/consent", digest=browser.field("digest"))
        # Three trials at most; who is hasty may need them, or fail.
        while browser.open("/label") == "/label/trial" and 'id="trial"' in browser.page:
            take_trial(browser, Eyes("careful") if name == HASTY else eyes)
        done = work(browser, eyes)
        print(f"{name} labelled {done['done']} tasks.")


def take_trial(browser: Browser, eyes: Eyes) -> None:
    """Tick the images of a trial."""
    images = json.loads(found_on(browser.page, r"data-images='([^']*)'"))
    asked = found_on(browser.page, r'<h1 id="asked"[^>]*>([^<]*)<')
    chosen = eyes.ticked(browser, asked, images)
    browser.submit("/label/trial", number=browser.field("number"), chosen=chosen)


def work(browser: Browser, eyes: Eyes) -> dict[str, Any]:
    """Label one task after the other; returns how far it went."""
    desk = browser.call("POST", "/api/labelling/next")
    while (task := desk["task"]) is not None:
        chosen = eyes.ticked(browser, task["asked"]["key"], task["images"])
        path = f"/api/labelling/tasks/{task['task_id']}/submission"
        desk = browser.call("POST", path, {"lease": task["lease"], "chosen": chosen})
    return dict(desk["progress"])


def review(owner_link: str) -> None:
    """Judge pairs, draw a set, replace an image, find all classes good, and freeze."""
    owner = come_in(owner_link, "Grace")
    owner.open("/pairs")
    queue = owner.call("GET", "/api/pairs?most=1000")
    for pair in queue["pairs"]:
        one, other = (
            look(io.BytesIO(owner.http.get(f"/items/{pair[side]}/picture").content))
            for side in ("a", "b")
        )
        verdict = "duplicate" if np.corrcoef(one, other)[0, 1] > 0.999 else "different"
        body = {"verdict": verdict, "version": pair["version"], "reason": "Simulated reviewer"}
        owner.call("PUT", f"/api/pairs/{pair['a']}/{pair['b']}", body)
    print(f"Judged {len(queue['pairs'])} pairs.")
    first = owner.call("POST", "/api/revisions", {"reason": "First draw"})["name"]
    owner.open(f"/revisions/{first}/classes/three")
    bad = re.findall(r'<li class="tile[^>]*data-item="([0-9a-f]+)"', owner.page)[0]
    body = {"items": [bad], "reason": "More an eight than a three"}
    second = owner.call("POST", f"/api/revisions/{first}/replace", body)["name"]
    print(f"Replaced an image of {first}: {second}.")
    for key in NAMES:
        body = {"verdict": "good", "version": 0, "reason": "Looked at all images"}
        known = {one["class_key"]: one for one in revision(owner, second)["reviews"]}
        body["version"] = known[key]["version"]
        owner.call("PUT", f"/api/revisions/{second}/classes/{key}", body)
    owner.call("POST", f"/api/revisions/{second}/freeze", {"reason": "Ready"})
    print(f"Froze {second}.")


def revision(owner: Browser, name: str) -> dict[str, Any]:
    """What is known of a revision."""
    return dict(owner.call("GET", f"/api/revisions/{name}"))


def come_in(link: str, name: str) -> Browser:
    """Join by an invitation, or come back by a link of one's own."""
    browser = Browser(link)
    if "/join" in link:
        browser.submit("/join", name=name)
    else:
        browser.submit("/enter")
    browser.open("/")
    return browser


if __name__ == "__main__":
    {"invite": invite, "label": label, "review": review}[sys.argv[1]](sys.argv[2])
