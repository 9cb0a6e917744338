"""Mail as it was sent, or would be: kept whole, so that anybody can see what a customer was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chatdesk.ticket import TicketNumber


class MailLine(Struct, frozen=True):
    """What a list shows of a mail. ``message_id`` has its angle brackets; ``at`` is in UTC."""

    message_id: str
    ticket: TicketNumber | None
    recipient: str
    subject: str
    at: datetime


class StoredMail(MailLine, frozen=True):
    """A mail; ``source`` is the whole message."""

    source: bytes


class Mailbox(Protocol):
    """Where outgoing mail is kept."""

    async def keep(self, mail: StoredMail) -> StoredMail:
        """Keep ``mail`` and return what is kept under its Message-ID: the first one, if there was one."""

    async def rewrite(self, message_id: str, mail: StoredMail | None) -> None:
        """Keep another mail under that Message-ID, None for none at all: what was kept has not left."""

    async def newest(self, limit: int, before: str = "") -> Sequence[MailLine]:
        """Return up to ``limit`` mails, newest first; those older than ``before``, a Message-ID, if given."""

    async def read(self, message_id: str) -> StoredMail | None:
        """Return the mail with that Message-ID, or None."""

    async def came_back(self, message_id: str) -> bool:
        """Tell whether the desk's own copy of that mail has come to it."""

    async def counts(self, recipient: str, since: datetime) -> Mapping[TicketNumber, int]:
        """Return how many mails about which ticket went to that mailbox since then.

        All forms of an address that mean the same mailbox count as one [chatdesk.mail_address.counted].
        """
