"""Tells waiting visitors their place whenever the queue moves [R24]."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from aiohttp import web

from adapters.web.visitor_session import VisitorSession
from chatdesk.config import QueueOrder
from chatdesk.conversation import ConversationId
from chatdesk.errors import StorageError
from chatdesk.hub import DeskNews, QueueChanged
from chatdesk.reading import StaffReads
from chatdesk.situation import queue_key

log = structlog.get_logger(__name__)

SHARE = 0.05
"""The share of its time that telling places may take: with thousands waiting they move all the time."""

Told = tuple[ConversationId, datetime, int]


class QueuePlaces:
    """The open pages of visitors; the queue is read once however many wait, and once for many moves.

    A page is told its place when that is another one than it was told last.
    """

    def __init__(self, reads: StaffReads, order: QueueOrder) -> None:
        self._reads = reads
        self._order = order
        self._sessions: set[VisitorSession] = set()
        self._told: dict[VisitorSession, Told] = {}
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def add(self, session: VisitorSession) -> None:
        self._sessions.add(session)

    def remove(self, session: VisitorSession) -> None:
        self._sessions.discard(session)
        self._told.pop(session, None)

    def on_news(self, news: DeskNews) -> None:
        if isinstance(news, QueueChanged):
            self.refresh()

    def refresh(self) -> None:
        """Tell everybody who waits; asked for again meanwhile, it is done once more afterwards."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._again:
            self._again = False
            began = clock()
            try:
                if not await self._tell_all():
                    return
            except StorageError as error:
                log.warning("queue_not_read", error=str(error))
                return
            await asyncio.sleep((clock() - began) * (1 / SHARE - 1))

    async def _tell_all(self) -> bool:
        """Tell each page its place; False when nobody waits."""
        waiting = [session for session in self._sessions if session.waits]
        if not waiting:
            self._told.clear()
            return False
        queue = await self._reads.waiting()
        ordered = sorted(queue, key=lambda entry: queue_key(self._order, entry.since, entry.priority))
        places = {
            entry.conversation: (entry.conversation, entry.since, place)
            for place, entry in enumerate(ordered, start=1)
        }
        for session in waiting:
            told = places.get(session.conversation_id) if session.conversation_id else None
            # A page that went while the queue was read is told nothing, and not remembered.
            if told is not None and session in self._sessions and self._told.get(session) != told:
                self._told[session] = told
                session.tell_place(told[2])
        return True


PLACES = web.AppKey("places", QueuePlaces)
