"""Counts for the monitor, from the desk's first moment on; what counts them is loaded soon after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from chatdesk.metrics import BatchReport, Figures

if TYPE_CHECKING:
    from adapters.web.instruments import Instruments

EARLY = 1_000
"""Batches and requests that are remembered before the instruments are loaded for them."""


class Meter:
    """Counts what happens in this process [adapters.web.instruments]."""

    def __init__(self) -> None:
        self._early: list[Callable[[Instruments], None]] = []
        self._loaded: Instruments | None = None

    def batch(self, report: BatchReport) -> None:
        """Count one batch of events."""
        self._count(lambda instruments: instruments.batch(report))

    def request(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count one HTTP request by its route's pattern; ``seconds`` None for a live connection."""
        self._count(lambda instruments: instruments.request(route, method, status, seconds))

    def render(self, figures: Figures, sockets: int) -> bytes:
        """Return everything in Prometheus's text format."""
        return self.load().render(figures, sockets)

    def load(self) -> Instruments:
        """Return the instruments, which have counted everything so far."""
        if self._loaded is None:
            # Their library takes as long to import as all of the desk's settings to read.
            from adapters.web.instruments import Instruments

            self._loaded = Instruments()
            for count in self._early:
                count(self._loaded)
            self._early.clear()
        return self._loaded

    def _count(self, count: Callable[[Instruments], None]) -> None:
        if self._loaded is None and len(self._early) < EARLY:
            self._early.append(count)
        else:
            count(self.load())


METER = web.AppKey("meter", Meter)
