"""What a start leaves out is loaded a little later, or when the first page asks for it.

It is imported in a thread of its own: the event loop gets its turn every few milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module

from aiohttp import web

from adapters.web.late_routes import LATE
from adapters.web.metrics import METER
from adapters.web.widget_assets import ASSETS, WidgetAssets
from chatdesk.mail_parts import DeskMail, load_works
from storage import orm

WAIT = 3.0
"""Seconds from listening on: by then all pages of a desk that was restarted are back."""
MODULES = (
    "storage.models",
    "storage.sqlite_client",
    "tortoise.context",
    "adapters.web.chat_routes",
    "adapters.web.console_routes",
    "adapters.web.demo_routes",
    "adapters.web.file_routes",
    "adapters.web.form_routes",
    "adapters.web.link_routes",
    "adapters.web.mail_room_routes",
    "adapters.web.mail_routes",
    "adapters.web.mail_stop_routes",
    "adapters.web.report_routes",
    "adapters.web.start_routes",
    "adapters.web.transcript_routes",
    "adapters.web.instruments",
    "storage.reports",
    "argon2",
    "puremagic",
)


def _nothing_else() -> None:
    """This desk has no further parts."""


class Warming:
    """Loads what a start has left out, once; ``also`` loads, in any thread, what this desk alone has."""

    def __init__(
        self, application: web.Application, mail: DeskMail, also: Callable[[], None] = _nothing_else
    ) -> None:
        self._application = application
        self._mail = mail
        self._also = also
        self._loading: asyncio.Task[None] | None = None

    async def later(self, wait: float = WAIT) -> None:
        """Load it ``wait`` seconds from now, if nobody has needed it by then."""
        await asyncio.sleep(wait)
        await self.now()

    async def now(self) -> None:
        """Load it; who asks meanwhile waits for the same. Raises ImportError when a part is not installed."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load(), name="loading")
        # One who goes away does not take it from the others.
        await asyncio.shield(self._loading)

    async def _load(self) -> None:
        application = self._application
        await asyncio.to_thread(_prepare, application[ASSETS])
        await asyncio.to_thread(self._also)
        for load in (orm.load, application[METER].load, lambda: self._mail.works, application[LATE].load):
            _ = load()
            await asyncio.sleep(0)


def _prepare(assets: WidgetAssets) -> None:
    from chatdesk import transcript_html

    for module in MODULES:
        import_module(module)
    load_works()
    transcript_html.load()
    assets.make()
