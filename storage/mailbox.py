"""Outgoing mail in the database, by Message-ID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.json import encode as to_json

from chatdesk.errors import StorageError
from chatdesk.inbox import InboundStatus
from chatdesk.mail_address import counted
from chatdesk.mailbox import MailLine, StoredMail
from chatdesk.ticket import TicketNumber
from storage.columns import Record, moment
from storage.database import Database
from storage.gathering import Gathering
from storage.parameters import given, in_list, numbered
from storage.selecting import Selecting

_LINE = "id, ticket, recipient, subject, at"
_COLUMNS = f"{_LINE}, source"
_KEEP = f"INSERT INTO mail ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
_COUNTED = (
    "LOWER(CASE WHEN strpos(recipient, '+') > 1 "
    "THEN substr(recipient, 1, strpos(recipient, '+') - 1) || substr(recipient, strpos(recipient, '@')) "
    "ELSE recipient END)"
)
"""What chatdesk.mail_address.counted makes of a recipient, whose domain is in ASCII; it is indexed."""
_COUNTS = (
    f"SELECT ticket, COUNT(*) AS mails FROM mail WHERE at >= ? AND {_COUNTED} = ? "
    "AND ticket IS NOT NULL GROUP BY ticket"
)
_CAME_BACK = (
    f"SELECT id FROM inbound_mail WHERE message_id = ? AND status = '{InboundStatus.OWN.value}' LIMIT 1"
)
MAX_SUBJECT = 300


class TortoiseMailbox:
    """The mail of one database [chatdesk.mailbox.Mailbox]."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)
        self._keeping: Gathering[StoredMail, StoredMail] = Gathering(self._keep)

    async def keep(self, mail: StoredMail) -> StoredMail:
        """Keep a mail once [chatdesk.mailbox.Mailbox.keep]. Raises StorageError when it cannot be."""
        return await self._keeping.ask(mail)

    async def _keep(self, mails: Sequence[StoredMail]) -> Sequence[StoredMail | Exception]:
        """Keep mails in one transaction; if one is in the way of that, each in its own."""
        try:
            kept = await self._keep_together(mails)
        except Exception as error:
            if isinstance(error, StorageError) or len(mails) == 1:
                return [error] * len(mails)
            return [answer for mail in mails for answer in await self._keep([mail])]
        return [kept[mail.message_id] for mail in mails]

    async def _keep_together(self, mails: Sequence[StoredMail]) -> Mapping[str, StoredMail]:
        dialect = self._database.dialect
        select = f"SELECT {_COLUMNS} FROM mail WHERE id IN {in_list(dialect)}"
        ids = to_json([mail.message_id for mail in mails]).decode()
        async with self._database.writing() as connection:
            await connection.execute_many(
                numbered(_KEEP, dialect), [given(_row(mail), dialect) for mail in mails]
            )
            kept = await connection.execute_query_dict(select, [ids])
        return {mail.message_id: mail for mail in map(_to_mail, kept)}

    async def rewrite(self, message_id: str, mail: StoredMail | None) -> None:
        """Keep another mail under a Message-ID [chatdesk.mailbox.Mailbox.rewrite]."""
        dialect = self._database.dialect
        async with self._database.writing() as connection:
            forget = numbered("DELETE FROM mail WHERE id = ?", dialect)
            await connection.execute_query(forget, given([message_id], dialect))
            if mail is not None:
                await connection.execute_many(numbered(_KEEP, dialect), [given(_row(mail), dialect)])

    async def newest(self, limit: int, before: str = "") -> Sequence[MailLine]:
        """Return a page of mail, newest first [chatdesk.mailbox.Mailbox.newest]."""
        where = "WHERE (at, id) < (SELECT at, id FROM mail WHERE id = ?)" if before else ""
        query = f"SELECT {_LINE} FROM mail {where} ORDER BY at DESC, id DESC LIMIT {int(limit)}"
        found = await self._selecting.one(query, *((before,) if before else ()))
        return [
            MailLine(row["id"], row["ticket"], row["recipient"], row["subject"], moment(row["at"]))
            for row in found
        ]

    async def read(self, message_id: str) -> StoredMail | None:
        """Return one mail [chatdesk.mailbox.Mailbox.read]."""
        found = await self._selecting.one(f"SELECT {_COLUMNS} FROM mail WHERE id = ?", message_id)
        return _to_mail(found[0]) if found else None

    async def came_back(self, message_id: str) -> bool:
        """Tell whether the desk's own copy has come [chatdesk.mailbox.Mailbox.came_back]."""
        return bool(await self._selecting.one(_CAME_BACK, message_id))

    async def counts(self, recipient: str, since: datetime) -> Mapping[TicketNumber, int]:
        """Return how often a mailbox was told of which ticket [chatdesk.mailbox.Mailbox.counts]."""
        query = _COUNTS if self._database.dialect == "postgres" else _COUNTS.replace("strpos", "instr")
        found = await self._selecting.one(query, since, counted(recipient))
        return {TicketNumber(row["ticket"]): row["mails"] for row in found}


def _row(mail: StoredMail) -> list[Any]:
    subject = mail.subject[:MAX_SUBJECT]
    return [mail.message_id, mail.ticket, mail.recipient, subject, mail.at, mail.source]


def _to_mail(row: Record) -> StoredMail:
    return StoredMail(
        message_id=row["id"],
        ticket=row["ticket"],
        recipient=row["recipient"],
        subject=row["subject"],
        at=moment(row["at"]),
        source=bytes(row["source"]),
    )
