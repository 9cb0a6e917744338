"""Outgoing mail in the database: kept once, whole, and listed newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.mailbox import Mailbox, MailLine, StoredMail
from chatdesk.ticket import TicketNumber
from storage.connection import fetch
from storage.database import Database
from storage.mailbox import _COUNTS, TortoiseMailbox
from tests.core_builders import url

NOON = datetime(2026, 9, 18, 16, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


@pytest.fixture
def mailbox(database: Database) -> Mailbox:
    return TortoiseMailbox(database)


def a_mail(number: int = 1, **changes: object) -> StoredMail:
    """Mail ``number``, sent that many seconds after noon."""
    mail = StoredMail(
        message_id=f"<m{number}@northwind.example>",
        ticket=TicketNumber(1000 + number),
        recipient="dana@contoso.example",
        subject="[HD-1024] Printer offline",
        source=b"Subject: [HD-1024] Printer offline\r\n\r\nHello\r\n",
        at=NOON + timedelta(seconds=number),
    )
    return replace(mail, **changes)


def line_of(mail: StoredMail) -> MailLine:
    return MailLine(mail.message_id, mail.ticket, mail.recipient, mail.subject, mail.at)


async def test_what_is_kept_is_read_back_whole(mailbox: Mailbox) -> None:
    mail = a_mail(source=bytes(range(256)) * 100, subject="[HD-1] שלום 👩‍💻 '; DROP TABLE mail; --")
    assert await mailbox.keep(mail) == mail
    assert await mailbox.read(mail.message_id) == mail


async def test_a_mail_without_a_ticket_and_with_microseconds_is_kept(mailbox: Mailbox) -> None:
    mail = a_mail(ticket=None, at=NOON.replace(microsecond=123_456))
    assert await mailbox.keep(mail) == mail
    assert await mailbox.read(mail.message_id) == mail


async def test_what_was_never_kept_is_not_there(mailbox: Mailbox) -> None:
    await mailbox.keep(a_mail())
    assert await mailbox.read("<other@northwind.example>") is None
    assert await mailbox.read("' OR 1=1 --") is None


async def test_the_first_mail_kept_under_a_message_id_stays(mailbox: Mailbox) -> None:
    first = a_mail()
    await mailbox.keep(first)
    assert await mailbox.keep(replace(first, subject="changed", source=b"changed")) == first
    assert await mailbox.read(first.message_id) == first
    assert await mailbox.newest(10) == [line_of(first)]


async def test_a_long_subject_is_shortened_to_what_fits(mailbox: Mailbox) -> None:
    kept = await mailbox.keep(a_mail(subject="x" * 500))
    assert kept.subject == "x" * 300


async def test_pages_are_newest_first_without_gaps_or_repetitions(mailbox: Mailbox) -> None:
    mails = [
        await mailbox.keep(a_mail(number, at=NOON + timedelta(seconds=number // 3)))
        for number in (4, 7, 1, 9, 0, 3, 8, 2, 6, 5)
    ]
    pages = [list(await mailbox.newest(4))]
    while pages[-1]:
        pages.append(list(await mailbox.newest(4, before=pages[-1][-1].message_id)))
    assert [len(page) for page in pages] == [4, 4, 2, 0]
    assert [mail for page in pages for mail in page] == sorted(
        map(line_of, mails), key=lambda mail: (mail.at, mail.message_id), reverse=True
    )


async def test_mail_to_an_address_is_counted_by_ticket_since_a_moment_whatever_its_case(
    mailbox: Mailbox,
) -> None:
    for number in range(5):
        await mailbox.keep(a_mail(number, ticket=TicketNumber(2000 + number // 2)))
    await mailbox.keep(a_mail(7, recipient="marcus@contoso.example"))
    await mailbox.keep(a_mail(8, ticket=None))
    assert await mailbox.counts("Dana@Contoso.Example", NOON) == {2000: 2, 2001: 2, 2002: 1}
    assert await mailbox.counts("dana@contoso.example", NOON + timedelta(seconds=4)) == {2002: 1}
    assert await mailbox.counts("dana@contoso.example", NOON + timedelta(seconds=9)) == {}


@pytest.mark.parametrize(
    "asked", ["dana@xn--bcher-kva.example", "Dana+9@bücher.example", "dana+1@BÜCHER.example"]
)
async def test_mail_to_one_mailbox_is_counted_whatever_tag_and_form_of_domain_it_was_sent_to(
    mailbox: Mailbox, asked: str
) -> None:
    same = ("dana", "dana+1", "Dana+2", "dana+a+b", "dana+")
    for number, local in enumerate((*same, "danae", "+dana", "dan", "dana-1", "dana%2", "d_na")):
        sent = a_mail(number, ticket=TicketNumber(2000), recipient=f"{local}@xn--bcher-kva.example")
        await mailbox.keep(sent)
    await mailbox.keep(a_mail(20, recipient="dana+1@contoso.example"))
    assert await mailbox.counts(asked, NOON) == {2000: len(same)}


async def test_the_mail_of_one_mailbox_is_counted_without_reading_all_mail_of_the_hour(
    database: Database,
) -> None:
    postgres = database.dialect == "postgres"
    query = _COUNTS if postgres else _COUNTS.replace("strpos", "instr")
    explained = f"{'EXPLAIN' if postgres else 'EXPLAIN QUERY PLAN'} {query}"
    async with database.transaction() as connection:
        if postgres:
            # An empty table is always read whole.
            await connection.execute_query("SET LOCAL enable_seqscan = off")
            await connection.execute_query("DROP INDEX idx_mail_at_4fb413")
        plan = await fetch(connection, explained, NOON, "dana@contoso.example")
    assert "idx_mail_counted_at" in str([tuple(row.values()) for row in plan])


async def test_another_mail_is_kept_in_the_place_of_one_that_has_not_left(mailbox: Mailbox) -> None:
    mail, other = await mailbox.keep(a_mail()), a_mail(source=b"Another", at=NOON)
    await mailbox.rewrite(mail.message_id, other)
    assert await mailbox.read(mail.message_id) == other
    await mailbox.rewrite(mail.message_id, None)
    assert await mailbox.read(mail.message_id) is None
