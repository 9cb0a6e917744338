"""The desk's figures as Prometheus reads them (text format 0.0.4); times are in seconds."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from chatdesk.metrics import BatchReport, Figures

disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BATCHES = (1, 2, 5, 10, 25, 50, 100, 250, 500)
COMMITS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Instruments:
    """Counts what happens in this process, and writes it down together with the database's figures."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._batches = _Batches()
        registry.register(self._batches)
        self._requests = Counter(
            "chatdesk_requests", "HTTP requests answered.", ("route", "method", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "chatdesk_request_seconds", "Time until a request ended.", ("route",), registry=registry
        )
        self._sockets = Gauge("chatdesk_live_sockets", "Open live connections.", registry=registry)

    def batch(self, report: BatchReport) -> None:
        """Count one batch of events."""
        self._batches.count(report)

    def request(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count one HTTP request by its route's pattern; ``seconds`` None for a live connection."""
        self._requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        if seconds is not None:
            self._request_seconds.labels(route).observe(seconds)

    def render(self, figures: Figures, sockets: int) -> bytes:
        """Return everything in Prometheus's text format."""
        self._sockets.set(sockets)
        of_database = CollectorRegistry()
        of_database.register(_OfDatabase(figures))
        return generate_latest(self._registry) + generate_latest(of_database)


class _Distribution:
    """Counts values by upper bounds. The library's own histogram takes ten times as long to count one."""

    def __init__(self, name: str, documentation: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self) -> HistogramMetricFamily:
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        return HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum)


class _Batches(Collector):
    """What became of batches and their events; it counts a thousand times a second on a busy desk."""

    def __init__(self) -> None:
        self._sizes = _Distribution("chatdesk_batch_events", "Events of a batch.", BATCHES)
        self._commits = _Distribution("chatdesk_commit_seconds", "Time to step and commit a batch.", COMMITS)
        self._events: Tally[tuple[str, str]] = Tally()

    def count(self, report: BatchReport) -> None:
        self._sizes.observe(len(report.results))
        self._commits.observe(report.seconds)
        self._events.update(report.results)

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily(
            "chatdesk_events", "Events by type and result.", labels=["type", "result"]
        )
        for labels, count in self._events.items():
            events.add_metric(labels, count)
        yield events
        yield self._sizes.family()
        yield self._commits.family()


class _OfDatabase(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        yield GaugeMetricFamily("chatdesk_queue_waiting", "Waiting customers.", figures.waiting)
        yield GaugeMetricFamily("chatdesk_set_aside", "Events set aside, ever.", figures.set_aside)
        tickets = GaugeMetricFamily("chatdesk_tickets", "Active tickets by status.", labels=["status"])
        for status, count in figures.tickets.items():
            tickets.add_metric([status], count)
        yield tickets
        outbox = GaugeMetricFamily("chatdesk_outbox", "Deliveries not done, by status.", labels=["status"])
        for delivery_status, count in figures.outbox.items():
            outbox.add_metric([delivery_status], count)
        yield outbox
        yield GaugeMetricFamily(
            "chatdesk_outbox_overdue_seconds",
            "How long the oldest delivery that is due has waited.",
            figures.overdue.total_seconds(),
        )
