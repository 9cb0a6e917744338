"""A page's visitor asks for a ticket of before, or of another browser, and is told nothing of it [R19]."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from adapters.web import frames
from adapters.web.frames import encode
from adapters.web.submission import Ack, Submission
from adapters.web.ticket_finding import Named, TicketFinding
from adapters.web.visitor_events import Common
from chatdesk.config import WidgetSettings
from chatdesk.events import ChatContinued

ANSWERED = 0.6
"""Seconds after which it is answered that a code was asked for; a commit takes a fraction of it."""


class VisitorFinding:
    """What ``finding`` does for one page: of ``visitor`` on ``widget``, from a network ``address``."""

    __slots__ = ("_address", "_finding", "_send", "_submission", "_visitor", "_widget")

    def __init__(
        self,
        finding: TicketFinding,
        submission: Submission,
        send: Callable[[str], None],
        visitor: str,
        widget: WidgetSettings,
        address: str | None,
    ) -> None:
        self._finding = finding
        self._submission = submission
        self._send = send
        self._visitor = visitor
        self._widget = widget
        self._address = address

    def count_try(self, at: datetime) -> None:
        """Count one more attempt. Raises EventRefused (``attempts``)."""
        self._finding.count_try(self._address, at)

    async def mail_code(self, frame: frames.Find, common: Common) -> None:
        """Acknowledge after the same time whether or not a code was mailed: neither is to be told."""
        named = Named(frame.ticket, frame.email)
        mailed = asyncio.create_task(self._finding.mail_code(named, common, self._visitor))
        await asyncio.gather(mailed, asyncio.sleep(ANSWERED), return_exceptions=True)
        error = mailed.exception()
        if isinstance(error, Exception):
            self._submission.refuse(error, frame.id)
        else:
            self._send(encode(Ack(frame.id, 0)))

    async def continued(self, frame: frames.Join, common: Common) -> ChatContinued | None:
        """Return the event of a customer whose code fits; None after telling the page why it does not."""
        named = Named(frame.ticket, frame.email)
        try:
            return await self._finding.continued(named, frame.code, common, self._visitor, self._widget.key)
        except Exception as error:
            self._submission.refuse(error, frame.id)
            return None
