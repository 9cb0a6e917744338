"""What a start leaves out is loaded a little later, so that nobody waits for it in the midst of the day.

It is imported in a thread of its own: the event loop gets its turn every few milliseconds. Who needs some of
it earlier loads that part at once.
"""

from __future__ import annotations

import asyncio
from importlib import import_module

from adapters.web.late_routes import LATE
from adapters.web.metrics import METER
from adapters.web.widget_assets import ASSETS
from chatdesk.bootstrap import RunningDesk
from storage import orm

WAIT = 3.0
"""Seconds from listening on: by then all pages of a desk that was restarted are back."""
MODULES = (
    "storage.models",
    "storage.sqlite_client",
    "chatdesk.mail_works",
    "adapters.web.console_routes",
    "adapters.web.demo_routes",
    "adapters.web.file_routes",
    "adapters.web.form_routes",
    "adapters.web.link_routes",
    "adapters.web.mail_room_routes",
    "adapters.web.mail_routes",
    "adapters.web.mail_stop_routes",
    "adapters.web.transcript_routes",
    "adapters.web.instruments",
    "argon2",
    "puremagic",
)


async def warm(desk: RunningDesk, wait: float = WAIT) -> None:
    """Load, ``wait`` seconds from now, what nobody has needed yet."""
    await asyncio.sleep(wait)
    await asyncio.to_thread(_import_all)
    application = desk.application
    for load in (
        orm.load,
        application[METER].load,
        application[ASSETS].make,
        application[LATE].load,
        lambda: desk.mail.works,
    ):
        _ = load()
        await asyncio.sleep(0)


def _import_all() -> None:
    for module in MODULES:
        import_module(module)
