"""Runs jobs on a Ray cluster: actors read, prepare and run the models, this process collects."""

from __future__ import annotations

import heapq
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

# Ray reads both when it is imported or started: without the first it ships the working folder to
# all nodes under 'uv run', without the second a cluster that is started here reports its use.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from freshset.core.config import RunSettings
from freshset.core.errors import UsageError
from freshset.engine.allocator import kept_memory
from freshset.engine.backends.base import Part, Result
from freshset.engine.backends.reaching import check_reachable, reason
from freshset.engine.backends.room import actors_that_fit, gpus_each
from freshset.engine.evaluator import Evaluator
from freshset.engine.job import Broken, Job, Outcome, Rows
from freshset.engine.loader import ReadAhead, read_batch
from freshset.version import __version__

# Of each actor: while one chunk is run, the next one is read.
_CHUNKS_AT_ONCE = 2
# A chunk whose process dies so often is at fault itself; nodes that are taken away are rarer.
_TRIES = 5


class RayBackend:
    """See `freshset.engine.backends.base.Backend`.

    One pool of actors is made for each job.  Each actor holds all models of the job and is given
    chunks in any order; when an actor or its node is lost, another actor takes its place, and its
    chunks are run again.

    Parameters
    ----------
    settings
        ``address``, ``actors``, ``actor_cpus``, ``actor_gpus``, ``workers`` (threads that read, of
        each actor; by default one for each of its CPUs) and ``memory`` (of each actor).

    Raises
    ------
    UsageError
        For a device that an actor cannot have.
    """

    def __init__(self, settings: RunSettings) -> None:
        if ":" in settings.device:
            raise UsageError(
                f"The device {settings.device!r} names one GPU, but Ray deals them out.",
                "Use cuda, and actor_gpus for the share that each actor takes.",
            )
        self._settings = settings
        self._connected = False

    def run(self, job: Job) -> Generator[Outcome, None, None]:
        """Run one job; raises `UsageError` when the cluster is missing or has no room for it."""
        self._connect()
        pool = _Pool(job, self._settings)
        try:
            yield from pool.outcomes()
        finally:
            pool.close()

    def map(
        self,
        function: Callable[[Part], Result],
        parts: Sequence[Part],
        *,
        gpus: bool = False,
        lost: Callable[[Part, str], Result] | None = None,
    ) -> Iterator[Result]:
        """Call a function on every part, on any node; a part whose node is lost is run again."""
        self._connect()
        share = gpus_each(self._settings, _nodes()) if gpus else 0.0
        call = _CALL.options(num_cpus=self._settings.actor_cpus, num_gpus=share, max_retries=_TRIES)
        what = ray.put(function)
        waiting = deque((part, call.remote(what, part)) for part in parts)
        try:
            while waiting:
                part, ref = waiting.popleft()
                yield _result(part, ref, lost)
        finally:
            for _, ref in waiting:
                ray.cancel(ref, force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._connected:
            ray.shutdown()
        self._connected = False

    def _connect(self) -> None:
        if ray.is_initialized():
            return  # by the program that calls us, or for the job before
        address = self._settings.address
        try:
            check_reachable(address)
            ray.init(
                address or "local",
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"No Ray cluster at {address or 'this machine'} ({reason(error)}).",
                "Start one with 'ray start --head', or give no address to start one here.",
            ) from error
        self._connected = True
        # Ray prints the deaths of workers to the standard output of this process whatever it is
        # told, in the midst of what freshset writes there; what matters of them is reported.
        ray._private.worker._worker_logs_enabled = False  # noqa: SLF001


class _Worker:
    """Holds the models of a job on some node."""

    def __init__(self, job: Job, readers: int, memory: int) -> None:
        self._job = job
        self._evaluator = Evaluator(job)
        self._broken: dict[int, Broken] = {}
        self._readers = readers
        self._memory = memory // _CHUNKS_AT_ONCE
        self._reading = ThreadPoolExecutor(readers)
        # Libraries keep settings by thread, so that one thread does all that touches a model.
        self._running = ThreadPoolExecutor(1)
        self._turns = threading.Condition()
        self._turn = 0

    def load(self) -> tuple[str, list[Broken]]:
        """Load all models; returns the version of freshset, and models that cannot be loaded."""
        return __version__, self._running.submit(lambda: list(self._evaluator.load())).result()

    def chunk(self, turn: int, rows: range, without: frozenset[int]) -> list[Outcome]:
        """Run the models on a chunk; is called for the next one while it is at this one.

        Parameters
        ----------
        turn
            How many chunks this actor was given before: Ray may start two calls in any order.
        without
            Models that broke elsewhere.
        """
        job = self._job
        batches = ReadAhead(
            lambda part: self._reading.submit(read_batch, job.reader, job.preprocessing, part),
            job.batches(rows),
            self._readers,
            self._memory,
        )
        with self._turns:
            self._turns.wait_for(lambda: self._turn == turn)
            found = self._running.submit(self._run, rows, without, batches).result()
            self._turn += 1
            self._turns.notify_all()
        return found

    def _run(self, rows: range, without: frozenset[int], batches: ReadAhead) -> list[Outcome]:
        for index in without:
            self._evaluator.stop(index)
        with kept_memory():
            found = list(self._evaluator.chunk(rows, batches))
        # Said again with every chunk: the answer that said it first may have been lost.
        again = [self._broken[index] for index in sorted(self._broken.keys() - without)]
        self._broken.update({one.model: one for one in found if isinstance(one, Broken)})
        return found + again


def _result(
    part: Part, ref: ray.ObjectRef[Any], lost: Callable[[Part, str], Result] | None
) -> Result:
    try:
        found: Result = ray.get(ref)
    except RayTaskError as error:
        raise error.cause from error
    except RayError as error:
        if lost is not None:
            return lost(part, reason(error))
        text = f"Lost a part too often: {reason(error)}."
        raise UsageError(text, "Look at the nodes.") from error
    return found


# Not a decorator: Ray's processes must find the class itself under its name, with their own version.
_ACTOR = ray.remote(_Worker)
_CALL = ray.remote(lambda function, part: function(part))


@dataclass(slots=True, eq=False)
class _Member:
    """An actor as the pool sees it.

    Attributes
    ----------
    deaths
        Of the actors before it in its place that were lost while they started.
    load
        Chunks that it was given and has not returned.
    turn
        Chunks that it was given in all.
    """

    actor: Any
    deaths: int
    load: int = 0
    turn: int = 0


class _Pool:
    """The actors of one job, and what each of them is doing."""

    def __init__(self, job: Job, settings: RunSettings) -> None:
        self._job = job
        self._chunks = job.chunks()
        self._memory = settings.memory
        nodes = _nodes()
        gpus = gpus_each(settings, nodes)
        self._size = min(actors_that_fit(settings, gpus, nodes), len(self._chunks))
        cpus = settings.actor_cpus
        self._options = {
            "num_cpus": cpus,
            "num_gpus": gpus,
            "max_concurrency": _CHUNKS_AT_ONCE,
            # Lost actors are replaced here, where it is known which chunk was at fault.
            "max_restarts": 0,
        }
        readers = max(1, int(cpus) if settings.workers < 0 else settings.workers)
        self._arguments = (ray.put(job), readers, settings.memory)
        self._starting: dict[ray.ObjectRef[Any], _Member] = {}
        self._running: dict[ray.ObjectRef[Any], tuple[_Member, int, int]] = {}
        self._members: list[_Member] = []
        self._todo = list(range(len(self._chunks)))
        self._tries: Counter[int] = Counter()
        # Finished chunks by number that wait for an earlier one, and their bytes.
        self._done: dict[int, list[Outcome]] = {}
        self._held = 0
        self._next = 0
        # Models that broke, the first time that it became known; which of them were reported.
        self._broken: dict[int, Broken] = {}
        self._reported: set[int] = set()

    def outcomes(self) -> Iterator[Outcome]:
        """Run all chunks."""
        for _ in range(self._size):
            self._start(deaths=0)
        while self._next < len(self._chunks) and len(self._reported) < len(self._job.models):
            self._submit()
            ready, _ = ray.wait([*self._starting, *self._running])
            for ref in ready:
                if ref in self._starting:
                    yield from self._started(ref)
                else:
                    self._returned(ref)
            yield from self._in_order()

    def close(self) -> None:
        """End all actors."""
        for member in [*self._starting.values(), *self._members]:
            ray.kill(member.actor)
        self._members.clear()
        self._starting.clear()

    def _start(self, deaths: int) -> None:
        actor = _ACTOR.options(**self._options).remote(*self._arguments)
        self._starting[actor.load.remote()] = _Member(actor, deaths)

    def _started(self, ref: ray.ObjectRef[Any]) -> Iterator[Outcome]:
        member = self._starting.pop(ref)
        try:
            version, broken = ray.get(ref)
        except RayTaskError:
            raise
        except RayError as error:
            failed = isinstance(error, RayActorError) and error.actor_init_failed
            if failed or member.deaths + 1 >= _TRIES:
                raise UsageError(
                    f"A Ray actor cannot start: {reason(error)}.",
                    "Install freshset and what the study needs alike on all nodes."
                    if failed
                    else "Load fewer models at once, or give each actor more of a node.",
                ) from error
            self._start(member.deaths + 1)
            return
        if version != __version__:
            raise UsageError(
                f"A node of the cluster has freshset {version}, this machine {__version__}.",
                "Install the same version on all nodes.",
            )
        self._members.append(member)
        for one in broken:
            self._broken.setdefault(one.model, one)
            yield from self._report(one)

    def _submit(self) -> None:
        """Give chunks to actors, not too far ahead of the next one that is due."""
        while self._todo:
            number = self._todo[0]
            far = number >= self._next + 2 * _CHUNKS_AT_ONCE * self._size
            if far or (self._held >= self._memory and number != self._next):
                return
            # One whose process died runs alone, so that none beside it is taken for the culprit.
            load = _CHUNKS_AT_ONCE if self._tries[number] else 1
            free = [one for one in self._members if one.load + load <= _CHUNKS_AT_ONCE]
            if not free:
                return
            member = min(free, key=lambda one: one.load)
            heapq.heappop(self._todo)
            rows, without = self._chunks[number], frozenset(self._broken)
            ref = member.actor.chunk.remote(member.turn, rows, without)
            self._running[ref] = member, number, load
            member.load += load
            member.turn += 1

    def _returned(self, ref: ray.ObjectRef[Any]) -> None:
        member, number, load = self._running.pop(ref)
        member.load -= load
        try:
            found: list[Outcome] = ray.get(ref)
        except RayTaskError:
            raise
        except RayError as error:
            self._replace(member)
            again = self._again(number, error)
            if again is None:
                return
            found = again
        for one in found:
            if isinstance(one, Broken):
                self._broken.setdefault(one.model, one)
        self._done[number] = found
        self._held += sum(one.nbytes for one in found if isinstance(one, Rows))

    def _replace(self, member: _Member) -> None:
        if member in self._members:
            self._members.remove(member)
            # It may be out of reach only; its answers are not waited for any more.
            ray.kill(member.actor)
            self._start(deaths=0)

    def _again(self, number: int, error: RayError) -> list[Outcome] | None:
        """Have a chunk run once more; after too many tries, return what to report instead."""
        self._tries[number] += 1
        if self._tries[number] < _TRIES:
            heapq.heappush(self._todo, number)
            return None
        rows = self._chunks[number]
        text = (
            f"The process that ran rows {rows.start:,} to {rows.stop - 1:,} died {_TRIES} times: "
            f"{reason(error)}."
        )
        hint = "Run one model at a time to find the one at fault, or give each actor more memory."
        left = sorted(set(range(len(self._job.models))) - self._reported)
        return [Broken(index, "predict", text, hint) for index in left]

    def _in_order(self) -> Iterator[Outcome]:
        while (found := self._done.pop(self._next, None)) is not None:
            self._next += 1
            self._held -= sum(one.nbytes for one in found if isinstance(one, Rows))
            # A chunk that is run again may lack models that broke in a later one meanwhile; their
            # rows of the chunks between would leave a hole.
            there = {one.model for one in found}
            for one in [*found, *(b for i, b in self._broken.items() if i not in there)]:
                yield from self._report(one)

    def _report(self, one: Outcome) -> Iterator[Outcome]:
        if one.model not in self._reported:
            if isinstance(one, Broken):
                self._reported.add(one.model)
            yield one


def _nodes() -> list[dict[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
