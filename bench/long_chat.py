"""A chat of many messages, and a hand-made read of it written out as text or HTML: what is to be compared."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Self

import asyncpg

from chatdesk.changes import Changes
from chatdesk.conversation import (
    Author,
    AuthorKind,
    Conversation,
    ConversationId,
    Ended,
    FileRef,
    Message,
    Revision,
    Visibility,
)
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus, TicketType
from storage.database import Database, postgres_address, sqlite_file
from storage.store import TortoiseStore

NUMBER, CHAT = TicketNumber(1001), ConversationId("c" * 32)
BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)
DANA = Author(AuthorKind.CUSTOMER, "visitor-dana", "Dana Reyes")
MARCUS = Author(AuthorKind.AGENT, "marcus", "Marcus Bell")
TEXTS = (
    "It works again, thank you.",
    "The printer on the second floor says paper jam, but there is none. I opened every tray and closed it.",
    "OK",
    "Have you tried to switch it off and on again? Please wait for half a minute in between, then print the "
    "test page from the menu and tell me what it says; if nothing comes out, look for the green light.",
    "Früher ging es: „Fach 2“, siehe https://help.example.com/print?page=2&lang=de",
    "<b>No</b> & it beeps",
)
COLUMNS = "seq, author_kind, author_name, visibility, text, at, files, edited_at, deleted_at"
MESSAGES = f"SELECT {COLUMNS} FROM message WHERE conversation = '{CHAT}' ORDER BY seq"
REVISIONS = f"SELECT seq, at, author_name, before, deleted FROM revision WHERE conversation = '{CHAT}'"


async def write_chat(database: Database, messages: int) -> None:
    """Write a ticket and its chat; of a hundred messages seven are edited, deleted, notes or with a file."""
    last = 2 * messages
    made = Changes(conversations={CHAT: _conversation(last)}, tickets={NUMBER: _ticket()})
    for n in range(messages):
        message = _message(2 * n + 1, n)
        if n % 25 == 7:
            at = message.at + timedelta(minutes=1)
            before, deleted = "It said something else", n % 100 == 7
            by = message.author
            made.revisions.append(Revision(CHAT, message.seq, message.seq + 1, by, at, before, deleted))
        made.messages.append(message)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)


def _message(seq: int, n: int) -> Message:
    at = BEGAN + timedelta(seconds=11 * n)
    changed = at + timedelta(minutes=1)
    deleted = n % 100 == 7
    return Message(
        conversation=CHAT,
        seq=seq,
        author=MARCUS if n % 3 else DANA,
        visibility=Visibility.INTERNAL if n % 50 == 1 else Visibility.PUBLIC,
        text="" if deleted else TEXTS[n % len(TEXTS)],
        at=at,
        files=(FileRef(f"f{n}", f"shot {n}.png", "image/png", 120_400),) if n % 50 == 9 else (),
        changed=seq + 1 if n % 25 == 7 else seq,
        edited_at=changed if n % 25 == 7 else None,
        deleted_at=changed if deleted else None,
    )


def _ticket() -> Ticket:
    return Ticket(
        number=NUMBER,
        status=TicketStatus.CLOSED,
        type=TicketType.INCIDENT,
        priority=Priority.HIGH,
        subject="Printer offline",
        channel="web",
        opened_at=BEGAN,
        changed_at=BEGAN,
        requester_name="Dana Reyes",
        requester_email="dana@contoso.example",
        requester_phone="555-0134",
        company="Contoso",
        version=1,
    )


def _conversation(last: int) -> Conversation:
    return Conversation(
        id=CHAT,
        channel="web",
        visitor="visitor-dana",
        customer_name="Dana Reyes",
        widget="desk",
        company_id="",
        ticket=NUMBER,
        flow="live_chat",
        flow_version=1,
        state=Ended(BEGAN),
        opened_at=BEGAN,
        changed_at=BEGAN,
        last_seq=last,
        version=1,
    )


class RawRead:
    """Reads the chat's rows by hand and writes them out; no more is done than that takes."""

    def __init__(self, connection: sqlite3.Connection | asyncpg.Connection[Any]) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str) -> AsyncIterator[Self]:
        """Connect to the database at a desk's address."""
        if address.startswith("sqlite"):
            with closing(sqlite3.connect(sqlite_file(address))) as connection:
                yield cls(connection)
        else:
            server = await asyncpg.connect(postgres_address(address))
            yield cls(server)
            await server.close()

    async def write(self, form: str) -> bytes:
        """Return the chat written out."""
        changes: dict[int, list[Sequence[Any]]] = {}
        for change in await self._rows(REVISIONS):
            changes.setdefault(change[0], []).append(change)
        write = _as_text if form == "text" else _as_html
        messages = await self._rows(MESSAGES)
        return "".join([write(row, changes.get(row[0], ())) for row in messages]).encode()

    async def _rows(self, query: str) -> Sequence[Sequence[Any]]:
        if isinstance(self._connection, sqlite3.Connection):
            return self._connection.execute(query).fetchall()
        rows: Sequence[Sequence[Any]] = await self._connection.fetch(query)
        return rows


def _as_text(row: Sequence[Any], changes: Sequence[Sequence[Any]]) -> str:
    _, kind, name, visibility, text, at, files, _, deleted = row
    said = f"deleted {deleted}" if deleted else text
    lines = f"{at} {name} ({kind}, {visibility})\n    {said}\n"
    if files != "[]":
        lines += f"    {files}\n"
    for _, when, who, before, _ in changes:
        lines += f"    {when} {who}: {before}\n"
    return lines


def _as_html(row: Sequence[Any], changes: Sequence[Sequence[Any]]) -> str:
    _, kind, name, visibility, text, at, files, _, deleted = row
    said = f"deleted {deleted}" if deleted else escape(text)
    lines = f"<article class='{kind} {visibility}'><header>{at} {escape(name)}</header><p>{said}</p>"
    if files != "[]":
        lines += f"<p>{escape(files)}</p>"
    for _, when, who, before, _ in changes:
        lines += f"<p>{when} {escape(who)}: {escape(before)}</p>"
    return lines + "</article>\n"
