"""Mail that came, in the database: kept once a place, whole, and what became of it [chatdesk.inbox]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.email.outbound import TAKEN_BACK
from chatdesk.bootstrap import now
from chatdesk.changes import Changes
from chatdesk.conversation import ConversationId
from chatdesk.ids import new_id
from chatdesk.inbox import InboundStatus, KnownSender
from chatdesk.outbox import AGAIN, Delivery, DeliveryKind, DeliveryResult, DeliveryStatus
from chatdesk.ticket import TicketNumber
from storage.connection import fetch
from storage.database import Database
from storage.inbox import _SENT_AS, TortoiseDeliveries, TortoiseInbox
from storage.mail_updates import TortoiseMailUpdates
from storage.outbox import TortoiseOutbox
from storage.store import TortoiseStore
from tests.desk_builders import conversation, ticket
from tests.running_desk import database_url

NOON = now()
NUMBER = TicketNumber(1024)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(database_url(tmp_path)) as opened:
        yield opened


@pytest.fixture
def inbox(database: Database) -> TortoiseInbox:
    return TortoiseInbox(database, new_id)


def a_delivery(identity: str, mail: str = "comment", to: str = "dana@contoso.example") -> Delivery:
    return Delivery(
        id=identity,
        target="email",
        kind=DeliveryKind.MAIL,
        lane=identity,
        due_at=NOON,
        created_at=NOON,
        ticket=NUMBER,
        payload={"mail": mail, "to": to, "text": "News"},
    )


async def test_a_mail_is_kept_once_a_place_and_whole(inbox: TortoiseInbox) -> None:
    source = bytes(range(256)) * 50
    first = await inbox.keep("imap:inbox/1/7", source, NOON)
    assert await inbox.keep("imap:inbox/1/7", b"again", NOON) == first
    assert await inbox.keep("imap:inbox/1/8", source, NOON) != first
    assert await inbox.source(first) == source
    assert await inbox.source("nobody") is None


async def test_work_is_taken_oldest_first_and_once(inbox: TortoiseInbox) -> None:
    late = await inbox.keep("late", b"x", NOON + timedelta(seconds=9))
    early = await inbox.keep("early", b"x", NOON)
    waiting = await inbox.unfinished(10)
    assert [mail.id for mail in waiting] == [early, late]
    await inbox.finish(replace(waiting[0], status=InboundStatus.FILED, ticket=NUMBER))
    assert [mail.id for mail in await inbox.unfinished(10)] == [late]
    assert [mail.id for mail in await inbox.of_ticket(NUMBER)] == [early]


async def test_hostile_text_is_kept_as_far_as_a_database_can(inbox: TortoiseInbox) -> None:
    identity = await inbox.keep("p", b"x", NOON)
    mail = await inbox.read(identity)
    assert mail is not None
    nasty = "a\x00b\ud800'; DROP TABLE mail; --" + "x" * 1000
    facts = {"preview": nasty}
    await inbox.finish(
        replace(mail, subject=nasty, sender=nasty, message_id=nasty, reason=nasty, facts=facts)
    )
    found = await inbox.read(identity)
    assert found is not None
    assert found.subject.startswith("a\ufffdb")
    assert len(found.subject) == 300


async def test_a_question_is_queued_with_the_mail_that_is_held(
    inbox: TortoiseInbox, database: Database
) -> None:
    identity = await inbox.keep("p", b"x", NOON)
    mail = await inbox.read(identity)
    assert mail is not None
    held = replace(mail, status=InboundStatus.HELD, sender="sam@x.example", facts={"asked": "now"})
    await inbox.finish(held, a_delivery("q1", "question"))
    leased = await TortoiseOutbox(database).lease(NOON, NOON + timedelta(minutes=2), 10)
    assert [delivery.id for delivery in leased] == ["q1"]
    assert await inbox.was_asked("sam@x.example", NOON - timedelta(days=7))
    assert not await inbox.was_asked("sam@x.example", NOON + timedelta(days=1))
    assert not await inbox.was_asked("eve@x.example", NOON - timedelta(days=7))


@pytest.mark.parametrize("status", [InboundStatus.HELD, InboundStatus.FILED, InboundStatus.DISMISSED])
async def test_who_was_asked_was_asked_whatever_became_of_the_mail(
    inbox: TortoiseInbox, status: InboundStatus
) -> None:
    identities = [await inbox.keep(f"p{n}", b"x", NOON + timedelta(seconds=n)) for n in range(60)]
    for identity in identities:
        mail = await inbox.read(identity)
        assert mail is not None
        facts = {"asked": "now"} if identity == identities[0] else {}
        await inbox.finish(replace(mail, status=status, sender="sam@x.example", facts=facts))
    assert await inbox.was_asked("sam@x.example", NOON - timedelta(days=7))


async def test_a_message_id_leads_to_the_ticket_it_was_filed_on(inbox: TortoiseInbox) -> None:
    identity = await inbox.keep("p", b"x", NOON)
    mail = await inbox.read(identity)
    assert mail is not None
    filed = replace(mail, status=InboundStatus.FILED, ticket=NUMBER, message_id="<m@x>")
    await inbox.finish(filed)
    assert await inbox.ticket_of_message(["<other@x>", "<m@x>"]) == NUMBER
    assert await inbox.ticket_of_message(["<other@x>"]) is None
    assert [found.id for found in await inbox.same_message("<m@x>")] == [identity]
    assert await inbox.same_message("") == []


@pytest.mark.parametrize(
    ("channel", "known"),
    [
        ("email", True), ("portal", True), ("phone", True), ("direct", True),
        ("web", False), ("form", False), ("desktop", False), ("slack", False), ("teams", False), ("", False),
    ],
)  # fmt: skip
async def test_a_sender_is_known_by_a_ticket_whose_address_was_more_than_typed(
    inbox: TortoiseInbox, database: Database, channel: str, known: bool
) -> None:
    opened = ticket(channel=channel, requester_email="Dana@Contoso.example")
    async with TortoiseStore(database).batch() as batch:
        await batch.write(Changes(tickets={opened.number: opened}))
    expected = KnownSender("Dana Reyes", "Contoso", "555-0134") if known else None
    assert await inbox.known_sender("DANA@contoso.example") == expected


async def test_a_sender_is_known_by_the_other_form_of_their_domain(
    inbox: TortoiseInbox, database: Database
) -> None:
    opened = ticket(channel="phone", requester_email="dana@bücher.example")
    async with TortoiseStore(database).batch() as batch:
        await batch.write(Changes(tickets={opened.number: opened}))
    assert await inbox.known_sender("dana@xn--bcher-kva.example") is not None


async def test_what_failed_can_be_sent_again_and_nothing_else(
    inbox: TortoiseInbox, database: Database
) -> None:
    deliveries, outbox = TortoiseDeliveries(database), TortoiseOutbox(database)
    identity = await inbox.keep("p", b"x", NOON)
    mail = await inbox.read(identity)
    assert mail is not None
    await inbox.finish(mail, a_delivery("d1"))
    assert not await deliveries.retry("d1", NOON)
    until = NOON + timedelta(minutes=2)
    _ = await outbox.lease(NOON, until, 10)
    done = DeliveryResult("d1", 1, DeliveryStatus.DONE, "<d1@northwind.example>")
    await outbox.finish([done], NOON)
    assert not await deliveries.retry("d1", NOON)
    assert await deliveries.bounced("<d1@northwind.example>", "550 no\x00", NOON) == NUMBER
    assert await deliveries.bounced("<d2@northwind.example>", "550 no", NOON) is None
    assert await deliveries.retry("d1", NOON)
    again = await outbox.lease(NOON, until, 10)
    assert [(one.id, one.attempts, one.uncertain) for one in again] == [("d1", 1, False)]
    assert again[0].payload[AGAIN] is True


SENT_BEFORE = """
    INSERT INTO delivery
        (id, target, kind, lane, payload, status, attempts, due_at, created_at, external_id, error)
    SELECT 'd' || n, 'email', 'ReplyByMail', 'lane', '{}', 'done', 1, now(), now(),
        '<d' || n || '@northwind.example>', '' FROM generate_series(1, 1000) AS n"""


async def test_what_bounced_is_found_along_an_index_of_what_was_sent(database: Database) -> None:
    postgres = database.dialect == "postgres"
    explained = f"{'EXPLAIN' if postgres else 'EXPLAIN QUERY PLAN'} {_SENT_AS}"
    async with database.transaction() as connection:
        if postgres:
            # Of an empty table every index is as good as any other, once it is known to be empty.
            await connection.execute_script(f"{SENT_BEFORE}; ANALYZE delivery")
        plan = await fetch(connection, explained, "<d1@northwind.example>")
    assert any("delivery_by_external_id" in str(step) for step in plan), plan


async def test_updates_wait_for_one_another_only_for_one_reader(
    inbox: TortoiseInbox, database: Database
) -> None:
    identity = await inbox.keep("p", b"x", NOON)
    mail = await inbox.read(identity)
    assert mail is not None
    queued = [
        a_delivery("u1"),
        a_delivery("u2", "status"),
        a_delivery("u3", "transcript"),
        a_delivery("u4", to="erik@contoso.example"),
    ]
    for delivery in queued:
        await inbox.finish(mail, delivery)
    updates = TortoiseMailUpdates(database)
    assert [other.id for other in await updates.waiting(queued[0])] == ["u2"]
    await updates.cover(["u2"], "<u1@northwind.example>", NOON)
    await updates.cover(["u2"], "<other@northwind.example>", NOON)
    assert await updates.covered_by("u2") == "<u1@northwind.example>"
    assert await updates.covered_by("u1") is None
    await updates.stop(NUMBER, "Dana@Contoso.example", NOON)
    assert not await updates.wanted(NUMBER, "dana@contoso.example")
    await updates.resume(NUMBER, "dana@contoso.example")
    assert await updates.wanted(NUMBER, "dana@contoso.example")
    await updates.stop(NUMBER, "dana@xn--bcher-kva.example", NOON)
    assert not await updates.wanted(NUMBER, "dana@bücher.example")


@pytest.mark.parametrize(
    ("status", "sent_as", "counted"),
    [
        (DeliveryStatus.DONE, "<u1@northwind.example>", 1),
        (DeliveryStatus.DONE, TAKEN_BACK, 0),
        (DeliveryStatus.FAILED, "", 0),
    ],
)
async def test_the_mails_with_answers_to_one_reader_are_counted_each_once(
    inbox: TortoiseInbox, database: Database, status: DeliveryStatus, sent_as: str, counted: int
) -> None:
    identity = await inbox.keep("p", b"x", NOON)
    mail = await inbox.read(identity)
    assert mail is not None
    kinds = {"u1": "comment", "u2": "comment", "u3": "status"}
    for name, kind in kinds.items():
        await inbox.finish(mail, a_delivery(name, kind))
    await inbox.finish(mail, a_delivery("u4", to="erik@contoso.example"))
    outbox, updates = TortoiseOutbox(database), TortoiseMailUpdates(database)
    leased = await outbox.lease(NOON, NOON + timedelta(minutes=2), 10)
    results = [DeliveryResult(each.id, each.attempts, status, sent_as) for each in leased]
    await outbox.finish(results, NOON + timedelta(seconds=2))
    assert await updates.answers_sent(NUMBER, "Dana@Contoso.example", NOON) == counted
    assert await updates.answers_sent(NUMBER, "dana@contoso.example", NOON + timedelta(seconds=3)) == 0


@pytest.mark.parametrize("stopped", [1001, 1002])
async def test_updates_that_were_stopped_stay_stopped_on_the_ticket_that_a_merge_made_of_it(
    inbox: TortoiseInbox, database: Database, stopped: int
) -> None:
    numbers = [TicketNumber(number) for number in (1001, 1002, 1003)]
    tickets = {n: ticket(number=n, merged_into=TicketNumber(n + 1) if n < 1003 else None) for n in numbers}
    theirs = conversation(id=ConversationId("theirs"), ticket=numbers[2], opened_with=numbers[0], version=1)
    own = conversation(id=ConversationId("own"), ticket=numbers[2], visitor="another", version=1)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(Changes(tickets=tickets, conversations={c.id: c for c in (theirs, own)}))
    updates = TortoiseMailUpdates(database)
    assert await updates.wanted(numbers[2], "dana@contoso.example", theirs.id)
    await updates.stop(TicketNumber(stopped), "dana@contoso.example", NOON)
    assert not await updates.wanted(numbers[2], "dana@contoso.example", theirs.id)
    assert await updates.wanted(numbers[2], "dana@contoso.example", own.id)
    assert await updates.wanted(numbers[2], "pat@contoso.example", theirs.id)
    await updates.resume(TicketNumber(stopped), "dana@contoso.example")
    assert await updates.wanted(numbers[2], "dana@contoso.example", theirs.id)
