"""Access ends when its session does: by signing out, by its age, or because the account was closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from aiohttp import WSCloseCode, web

from adapters.web.services import Services
from chatdesk.errors import ChatdeskError

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between looks: an account may be closed by another process, as by the command line."""


class SessionWatch:
    """The sessions that hold live connections; one query looks after all of them."""

    def __init__(self, services: Services, every: float = EVERY) -> None:
        self._services = services
        self._every = every
        self._open: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, session: str) -> None:
        """Look after a session that opened a live connection."""
        self._open[session] = self._open.get(session, 0) + 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())

    def remove(self, session: str) -> None:
        """One live connection of the session was closed."""
        left = self._open.get(session, 0) - 1
        if left > 0:
            self._open[session] = left
        else:
            self._open.pop(session, None)

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def check(self) -> None:
        """Close every live connection whose session has ended."""
        services, looked_at = self._services, frozenset(self._open)
        standing = await services.staff.open_sessions(looked_at, services.clock())
        for ended in looked_at - standing:
            services.sockets.close(ended, WSCloseCode.POLICY_VIOLATION, b"signed out")

    async def _look(self) -> None:
        while self._open:
            await asyncio.sleep(self._every)
            try:
                await self.check()
            except ChatdeskError as error:
                log.warning("sessions_not_checked", error=str(error))


SESSION_WATCH = web.AppKey("session_watch", SessionWatch)


def add_session_watch(application: web.Application, services: Services) -> None:
    """Look after sessions as long as the application runs."""
    watch = SessionWatch(services)
    application[SESSION_WATCH] = watch

    async def stop(_: web.Application) -> None:
        await watch.stop()

    application.on_cleanup.append(stop)
