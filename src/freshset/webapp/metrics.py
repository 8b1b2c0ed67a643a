"""What Prometheus may know: requests, the writer, and how far the labelling is; and the access log."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freshset.replication.labelling.activity import count_slots
from freshset.replication.people import count_people
from freshset.replication.project import Project
from freshset.webapp.errors import answer
from freshset.webapp.proxies import Proxies
from freshset.webapp.writer import Writer

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

access = logging.getLogger("freshset.access")


class Metrics:
    """Counts of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._by_key: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "freshset_requests", "Requests by route.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "freshset_request_seconds", "Time until a request was answered.", ("route",),
            registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip
        self._batches = Histogram(
            "freshset_writer_batch", "Changes that shared a transaction.",
            registry=self.registry, buckets=_BATCHES,
        )  # fmt: skip

    def saw_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (method if method in _METHODS else "other", route, str(status))
        found = self._by_key.get(key)
        if found is None:  # looking them up takes longer than counting
            found = (self._requests.labels(*key), self._seconds.labels(route))
            self._by_key[key] = found
        found[0].inc()
        found[1].observe(seconds)

    def saw_batch(self, size: int) -> None:
        """Count a transaction of the writer."""
        self._batches.observe(size)

    def watch(self, project: Project, writer: Writer) -> None:
        """Also tell of a project and its writer, which are looked at whenever somebody asks."""
        self.registry.register(_Project(project, writer))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Project(Collector):
    def __init__(self, project: Project, writer: Writer) -> None:
        self._project, self._writer = project, writer

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise the database would be read when this is registered

    def collect(self) -> Iterator[Metric]:
        with self._project.read() as connection:
            people = count_people(connection)
            slots = count_slots(connection)
        by_role = GaugeMetricFamily("freshset_people", "People who may come in.", labels=("role",))
        for role, count in people.items():
            by_role.add_metric((role,), count)
        yield by_role
        yield CounterMetricFamily(
            "freshset_submissions", "Tasks that workers have submitted.", value=slots.done
        )
        yield GaugeMetricFamily("freshset_leases", "Tasks that workers have now.", value=slots.live)
        yield GaugeMetricFamily("freshset_places", "Places still free in tasks.", value=slots.free)
        yield GaugeMetricFamily(
            "freshset_writer_waiting", "Changes that wait.", value=self._writer.waiting
        )


class Watch:
    """Counts every request, logs it where that is wanted, and answers where the app broke down."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, *, proxies: Proxies, access_log: bool
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._proxies = proxies
        self._log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception:  # goes on to the server, which logs it
            if not status:
                said = ("Something broke on our side.", "Try again; if it stays, tell the owner.")
                await answer(Request(scope), 500, *said)(scope, receive, note)
            raise
        finally:
            self._saw(scope, status, time.perf_counter() - begun)

    def _saw(self, scope: Scope, status: int, seconds: float) -> None:
        # By template, never by address: that has ids in it, and there are endlessly many.
        route = getattr(scope.get("route"), "path", "")
        if not route:
            route = "/static" if scope["path"].startswith("/static/") else "other"
        self._metrics.saw_request(scope["method"], route, status, seconds)
        if self._log:
            access.info(
                "%s %s %s %d %.0f ms",
                self._proxies.address(scope) or "-", scope["method"], printable(scope["path"]),
                status, 1_000 * seconds,
            )  # fmt: skip


def printable(path: str) -> str:
    """Return a path for one line of a log; what follows the question mark is no part of it."""
    return "".join(sign if sign.isprintable() and sign != " " else "?" for sign in path)
