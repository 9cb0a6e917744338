"""Tells waiting visitors their place whenever the queue moves [R24]."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from adapters.web.visitor_session import VisitorSession
from chatdesk.config import QueueOrder
from chatdesk.errors import StorageError
from chatdesk.hub import DeskNews, QueueChanged
from chatdesk.reading import StaffReads
from chatdesk.situation import queue_key

log = structlog.get_logger(__name__)


class QueuePlaces:
    """The open pages of visitors; the queue is read once however many wait, and once for many moves."""

    def __init__(self, reads: StaffReads, order: QueueOrder) -> None:
        self._reads = reads
        self._order = order
        self._sessions: set[VisitorSession] = set()
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def add(self, session: VisitorSession) -> None:
        self._sessions.add(session)

    def remove(self, session: VisitorSession) -> None:
        self._sessions.discard(session)

    def on_news(self, news: DeskNews) -> None:
        if isinstance(news, QueueChanged):
            self.refresh()

    def refresh(self) -> None:
        """Tell everybody who waits; asked for again meanwhile, it is done once more afterwards."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        while self._again:
            self._again = False
            waiting = [session for session in self._sessions if session.waits]
            if not waiting:
                return
            try:
                queue = await self._reads.waiting()
            except StorageError as error:
                log.warning("queue_not_read", error=str(error))
                return
            ordered = sorted(queue, key=lambda entry: queue_key(self._order, entry.since, entry.priority))
            places = {entry.conversation: place for place, entry in enumerate(ordered, start=1)}
            for session in waiting:
                place = places.get(session.conversation_id) if session.conversation_id else None
                if place is not None:
                    session.tell_place(place)


PLACES = web.AppKey("places", QueuePlaces)
