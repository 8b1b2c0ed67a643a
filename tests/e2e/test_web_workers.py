"""Many workers at once, through the app's own interface: what they say is what is kept."""

from __future__ import annotations

import multiprocessing
import shutil
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import sqlalchemy as sa
from fakes.crowd import add_images
from fakes.labellers import Labeller, over_http, serve
from fakes.web import Client
from starlette.responses import Response
from starlette.testclient import TestClient

from freshset.replication import tables
from freshset.replication.labelling.answers.base import grid_records
from freshset.replication.labelling.answers.importing import hash_worker, import_answers
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.people import Person, invite, join
from freshset.replication.project import Project
from freshset.replication.revisions.chain import load
from freshset.replication.revisions.freeze import freeze
from freshset.replication.revisions.review import Judgement, set_reviews
from freshset.replication.sampling.choose import draw_revision
from freshset.webapp.app import create_app
from freshset.webapp.identity import open_session

ME = {"who": "ada", "why": "test"}
SPEC = """\
name: animals/fresh
original: animals/test
per_class: 8
tasks: {{grid: 12, positives: 2, negatives: 2, answers: {answers}, seconds: {seconds}}}
sampling: {{strategy: threshold, threshold: 0.7, min_answers: 5}}
workers: {{policy: drop, min_accuracy: 0.8, min_controls: 8}}
classes:
  - {{key: cat, confused_with: lynx}}
  - {{key: lynx, confused_with: cat}}
"""
SPAWN = multiprocessing.get_context("spawn")


def make(folder: Path, *, answers: int = 10, seconds: int = 600) -> Project:
    """A project of 120 candidates a class, without files, and their tasks."""
    text = SPEC.format(answers=answers, seconds=seconds)
    project = Project.create(folder, text, **ME)
    add_images(project, "candidate", {"cat": 120, "lynx": 120})
    add_images(project, "test", {"cat": 30, "lynx": 30})
    make_tasks(project, **ME)
    return project


def truth(project: Project) -> Callable[[str], bool]:
    """Candidates with an even first digit show their class."""
    shown = tables.task_items.c
    with project.read() as connection:
        rows = connection.execute(sa.select(shown.token, shown.item_id, shown.role)).all()
    right = {
        token: role == "positive" or (role == "candidate" and item[0] in "02468ace")
        for token, item, role in rows
    }
    return right.__getitem__


def people(project: Project, count: int) -> list[Person]:
    invitation = invite(project, "worker", uses=count, who="ada")
    return [join(project, invitation.invitation_id, f"worker {n}") for n in range(count)]


def frozen(project: Project) -> tuple[str, list[str]]:
    """Frequencies, a sample, its review and its freezing; returns its digest and its images."""
    pooled = pooled_frequencies(project)
    assert len(pooled.quality.workers[pooled.quality.failed]) > 3
    head = draw_revision(project, pooled.frequencies, name="one", **ME)
    set_reviews(project, "one", [Judgement(key, "good") for key in ("cat", "lynx")], **ME)
    assert freeze(project, "one", **ME).digest == head.digest
    with project.read() as connection:
        return head.digest, [item.item_id for item in load(connection, "one").items]


def test_the_web_and_a_file_lead_to_the_same_frozen_set(tmp_path: Path) -> None:
    """Fifty scripted workers with known error rates; their answers once more, from a file."""
    rng = np.random.default_rng(7)
    make(tmp_path / "web").close()
    shutil.copytree(tmp_path / "web", tmp_path / "file")
    with Project.open(tmp_path / "web") as web:
        app, right = create_app(web), truth(web)
        with TestClient(app):
            labellers = []
            for person, errors in zip(people(web, 50), rng.beta(1, 6, 50), strict=True):
                client = Client(app, person)

                def post(path: str, body: object, client: Client = client):
                    answer = client.post(path, body)
                    return answer.status_code, answer.json()

                labellers.append(Labeller(person.person_id, post, right, float(errors)))
            with ThreadPoolExecutor(6) as pool:
                # In turns, so that each of them is asked a few times.
                for _ in range(7):
                    list(pool.map(lambda one: one.work(1), labellers))
                list(pool.map(lambda one: one.work(), labellers))
        rows = pd.DataFrame([row for one in labellers for row in one.accepted])
        assert len(rows) == 30 * 10
        assert rows["worker"].nunique() == 50
        by_web = frozen(web)
        assert web.verify_log()
    with Project.open(tmp_path / "file") as file:
        records = grid_records(
            tmp_path / "answers.csv", {str(name): rows[name] for name in rows.columns}
        )
        report = import_answers(file, records, source="mturk", **ME)
        assert report.closed == 30
        assert frozen(file) == by_web
    assert len(by_web[1]) == 16


def test_a_killed_server_loses_no_answer_and_its_leases_return(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    with make(folder, answers=5, seconds=2) as project:
        app, right = create_app(project), truth(project)
        labellers = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        for person in people(project, 12):
            response = Response()
            session = open_session(response, app.state.services, person)
            cookie = response.headers["set-cookie"].split(";")[0]
            post, close = over_http(url, cookie, session.csrf)
            labellers.append(Labeller(person.person_id, post, right, 0.1, close))
    server = started(folder, url, port)
    threads = [threading.Thread(target=until_it_breaks, args=(one,)) for one in labellers]
    for thread in threads:
        thread.start()
    while sum(len(one.accepted) for one in labellers) < 20:
        time.sleep(0.01)
    server.kill()
    server.join()
    for thread in threads:
        thread.join()
    with Project.open(folder) as project:
        kept = check(project, labellers)
        left = states(project).count("leased")
        assert kept < 150  # it was killed in the midst of it
        assert left
    time.sleep(2.1)
    server = started(folder, url, port)
    for one in labellers:
        one.work()
        one.close()
    server.terminate()
    server.join()
    with Project.open(folder) as project:
        assert check(project, labellers) == 150
        assert set(states(project)) == {"done"}


def started(folder: Path, url: str, port: int) -> multiprocessing.process.BaseProcess:
    process = SPAWN.Process(target=serve, args=(folder, port))
    process.start()
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            assert process.is_alive()
            time.sleep(0.05)
        else:
            return process


def until_it_breaks(one: Labeller) -> None:
    try:
        one.work()
    except httpx.TransportError:
        return


def states(project: Project) -> list[str]:
    with project.read() as connection:
        return list(connection.execute(sa.select(tables.slots.c.state)).scalars())


def check(project: Project, labellers: list[Labeller]) -> int:
    """Compare what was accepted with what is there; returns how many submissions there are."""
    given = sa.select(
        tables.answers.c.worker, tables.answers.c.task_id, tables.answers.c.assignment_id
    )
    with project.read() as connection:
        there = {tuple(row) for row in connection.execute(given.distinct())}
        workers = sa.select(sa.func.count(tables.answers.c.worker.distinct()))
        assert max(connection.execute(workers.group_by(tables.answers.c.task_id)).scalars()) <= 5
    promised = {
        (hash_worker(one.name, project.salt), row["task_id"], row["assignment_id"])
        for one in labellers
        for row in one.accepted
    }
    assert promised <= there
    # At most one more for each: taken, but the answer did not come any more.
    assert len(there - promised) <= len(labellers)
    assert project.verify_log()
    submits = list(project.entries(action="answers.submit"))
    assert len(submits) == len(there)
    return len(there)
