"""Outgoing mail in the database, by Message-ID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chatdesk.mailbox import StoredMail
from chatdesk.ticket import TicketNumber
from storage import rows
from storage.database import Database

_COLUMNS = "id, ticket, recipient, subject, source, at"
MAX_SUBJECT = 300


class TortoiseMailbox:
    """The mail of one database [chatdesk.mailbox.Mailbox]."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, mail: StoredMail) -> StoredMail:
        """Keep a mail once [chatdesk.mailbox.Mailbox.keep]. Raises StorageError when it cannot be."""
        values: list[Any] = [
            mail.message_id,
            mail.ticket,
            mail.recipient,
            mail.subject[:MAX_SUBJECT],
            mail.source,
            self._moment(mail.at),
        ]
        places = self._places(len(values))
        insert = f"INSERT INTO mail ({_COLUMNS}) VALUES ({places}) ON CONFLICT (id) DO NOTHING"
        select = f"SELECT {_COLUMNS} FROM mail WHERE id = {self._places(1)}"
        async with self._database.transaction() as connection:
            await connection.execute_query(insert, values)
            kept = await connection.execute_query_dict(select, [mail.message_id])
        return _to_mail(kept[0])

    async def newest(self, limit: int, before: StoredMail | None = None) -> Sequence[StoredMail]:
        """Return a page of mail, newest first [chatdesk.mailbox.Mailbox.newest]."""
        values: list[Any] = []
        where = ""
        if before is not None:
            at, message_id = self._places(2).split(", ")
            where = f"WHERE (at, id) < ({at}, {message_id})"
            values = [self._moment(before.at), before.message_id]
        query = f"SELECT {_COLUMNS} FROM mail {where} ORDER BY at DESC, id DESC LIMIT {int(limit)}"
        return [_to_mail(row) for row in await self._read(query, values)]

    async def read(self, message_id: str) -> StoredMail | None:
        """Return one mail [chatdesk.mailbox.Mailbox.read]."""
        query = f"SELECT {_COLUMNS} FROM mail WHERE id = {self._places(1)}"
        found = await self._read(query, [message_id])
        return _to_mail(found[0]) if found else None

    async def counts(self, recipient: str, since: datetime) -> Mapping[TicketNumber, int]:
        """Return how often an address was told of which ticket [chatdesk.mailbox.Mailbox.counts]."""
        at, address = self._places(2).split(", ")
        query = (
            f"SELECT ticket, COUNT(*) AS mails FROM mail WHERE at >= {at} "
            f"AND LOWER(recipient) = LOWER({address}) AND ticket IS NOT NULL GROUP BY ticket"
        )
        found = await self._read(query, [self._moment(since), recipient])
        return {TicketNumber(row["ticket"]): row["mails"] for row in found}

    async def _read(self, query: str, values: list[Any]) -> Sequence[rows.Record]:
        return await self._database.reader.execute_query_dict(query, values)

    def _places(self, count: int) -> str:
        if self._database.dialect == "sqlite":
            return ", ".join("?" * count)
        return ", ".join(f"${number}" for number in range(1, count + 1))

    def _moment(self, at: datetime) -> datetime | str:
        return rows.timestamp(at) if self._database.dialect == "sqlite" else at


def _to_mail(row: rows.Record) -> StoredMail:
    return StoredMail(
        message_id=row["id"],
        ticket=row["ticket"],
        recipient=row["recipient"],
        subject=row["subject"],
        source=bytes(row["source"]),
        at=rows.moment(row["at"]),
    )
