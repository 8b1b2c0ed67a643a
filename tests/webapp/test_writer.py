"""One thread that writes for all: each change by itself, and nobody told before it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from freshset.core.errors import ConflictError, FreshsetError, StoreError
from freshset.replication import tables
from freshset.replication.project import Project, Together, now
from freshset.webapp.writer import MOST, Writer

ME = {"who": "ada", "why": "test"}
SPEC = "{name: a/fresh, original: a/test, classes: [{key: cat}], tasks: {negatives: 0}}"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "project", SPEC, **ME) as project:
        yield project


@pytest.fixture
def run(project: Project) -> Callable[..., list[Any]]:
    """Write all at once; returns what came of each."""

    def run(
        *works: Callable[[Together], Any], saw: Callable[[int], None] = lambda _: None
    ) -> list[Any]:
        async def main() -> list[Any]:
            writer = Writer(project, saw=saw)
            begun = [asyncio.ensure_future(writer.write(work)) for work in works]
            await asyncio.sleep(0)  # all wait
            assert writer.waiting == len(works)
            writer.start()
            done = await asyncio.gather(*begun, return_exceptions=True)
            writer.stop()
            return done

        return asyncio.run(main())

    return run


def add(key: str, *, fail: Exception | None = None) -> Callable[[Together], str]:
    def work(together: Together) -> str:
        with together.change("x.add", subject=key, **ME) as change:
            change.connection.execute(sa.insert(tables.settings), [{"key": key, "value": 1}])
            if fail is not None:
                raise fail
        return key

    return work


def added(project: Project) -> list[str]:
    assert project.verify_log()
    return [entry.subject for entry in project.entries(action="x.add")]


def test_changes_that_wait_share_a_transaction(project: Project, run) -> None:
    sizes: list[int] = []
    keys = [f"k{n}" for n in range(MOST + 10)]
    assert run(*map(add, keys), saw=sizes.append) == keys
    assert sizes == [MOST, 10]
    assert added(project) == keys


def test_a_refused_change_is_undone_and_disturbs_no_other(project: Project, run) -> None:
    sizes: list[int] = []
    refusal = ConflictError("too late")
    done = run(add("a"), add("b", fail=refusal), add("c"), saw=sizes.append)
    assert done == ["a", refusal, "c"]
    assert sizes == [3]
    assert added(project) == ["a", "c"]
    with project.read() as connection:
        assert "b" not in set(connection.execute(sa.select(tables.settings.c.key)).scalars())


def test_a_change_that_breaks_its_transaction_fails_alone(project: Project, run) -> None:
    """A fault in the code, or what the database refuses: the others are done without it."""
    sizes: list[int] = []
    fault = ZeroDivisionError()
    done = run(add("a"), add("b", fail=fault), add("c"), add("a"), saw=sizes.append)
    assert (done[0], done[2]) == ("a", "c")
    assert done[1] is fault
    assert isinstance(done[3], StoreError)
    assert "UNIQUE" in str(done[3])
    assert sizes == [1, 1, 1, 1]
    assert added(project) == ["a", "c"]


def test_when_the_database_is_gone_everybody_is_told(project: Project, run) -> None:
    project.close()
    (project.folder / "project.db").rename(project.folder / "elsewhere")
    (project.folder / "project.db").mkdir()
    done = run(add("a"), add("b"))
    assert all(isinstance(one, StoreError) and "unable to open" in str(one) for one in done)


def test_nobody_is_told_before_the_transaction_has_ended(project: Project, run) -> None:
    def second(together: Together) -> bool:
        del together
        with project.read() as connection:  # as another process would see it
            return "a" in set(connection.execute(sa.select(tables.settings.c.key)).scalars())

    assert run(add("a"), second) == ["a", False]
    assert run(second) == [True]


def test_who_gave_up_waiting_changes_nothing(project: Project) -> None:
    async def main() -> list[Any]:
        writer = Writer(project)
        begun = [asyncio.ensure_future(writer.write(add(key))) for key in "abc"]
        await asyncio.sleep(0)
        begun[1].cancel()
        await asyncio.sleep(0)
        writer.start()
        done = await asyncio.gather(*begun, return_exceptions=True)
        writer.stop()
        return done

    a, b, c = asyncio.run(main())
    assert (a, c) == ("a", "c")
    assert isinstance(b, asyncio.CancelledError)
    assert added(project) == ["a", "c"]


def test_stopping_does_what_waits(project: Project) -> None:
    async def main() -> list[Any]:
        writer = Writer(project)
        begun = [asyncio.ensure_future(writer.write(add(f"k{n}"))) for n in range(100)]
        await asyncio.sleep(0)
        writer.start()
        writer.stop()
        return await asyncio.gather(*begun)

    assert len(asyncio.run(main())) == len(added(project)) == 100


def test_what_waits_for_one_function_is_given_to_it_together(project: Project) -> None:
    calls: list[list[str]] = []
    refusal = ConflictError("too late")

    def add_all(together: Together, keys: Sequence[str]) -> list[str | FreshsetError]:
        calls.append(list(keys))
        if "bad" in keys:
            raise ZeroDivisionError
        at = now()
        for key in keys:
            if key != "late":
                together.note("x.add", subject=key, at=at, detail={}, **ME)
        return [refusal if key == "late" else key.upper() for key in keys]

    def all_of(*keys: str) -> list[Any]:
        async def main() -> list[Any]:
            writer = Writer(project)
            begun = [
                asyncio.ensure_future(
                    writer.write(add(key)) if key == "one" else writer.write_of(add_all, key)
                )
                for key in keys
            ]
            await asyncio.sleep(0)
            writer.start()
            done = await asyncio.gather(*begun, return_exceptions=True)
            writer.stop()
            return done

        calls.clear()
        return asyncio.run(main())

    # In the order in which they came, also where others are in between.
    assert all_of("a", "late", "b", "one", "c") == ["A", refusal, "B", "one", "C"]
    assert calls == [["a", "late", "b"], ["c"]]
    assert added(project) == ["a", "b", "one", "c"]
    a, bad, b = all_of("a", "bad", "b")
    assert (a, b) == ("A", "B")
    assert isinstance(bad, ZeroDivisionError)
    assert calls == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]
    assert added(project) == ["a", "b", "one", "c", "a", "b"]
