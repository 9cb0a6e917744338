"""A database that is away for a moment costs the sender of a mail nothing that the mail would have got."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.email import intake
from chatdesk.bootstrap import now
from chatdesk.desk import Desk
from chatdesk.errors import StorageError
from chatdesk.events import MailReceived, MailReplied, TicketResolved, TicketTaken
from storage.inbox import TortoiseInbox
from tests.mail_builders import MAIL_DESK, all_sent, mail, reply_address, sent_mail, take_in, ticket_file
from tests.running_desk import ServedDesk, serving

FAULTS = 25
"""More than the tickets that one sender may open in an hour."""


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ServedDesk]:
    monkeypatch.setattr(intake, "RETRY", 0.001)
    async with serving(MAIL_DESK, demo=False) as served:
        yield served


def fail_first(monkeypatch: pytest.MonkeyPatch, kind: type, method: str, *, only: tuple[type, ...]) -> None:
    """Let the database be away for the method's first calls, those about something else aside."""
    real, failed = getattr(kind, method), 0

    async def failing(self: object, given: object, *further: object) -> Any:
        nonlocal failed
        if isinstance(given, only) and failed < FAULTS:
            failed += 1
            raise StorageError("the database is away")
        return await real(self, given, *further)

    monkeypatch.setattr(kind, method, failing)


async def test_a_new_ticket_is_acknowledged_once_the_database_is_back(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_first(monkeypatch, Desk, "receive", only=(MailReceived,))
    came = await take_in(desk, mail())
    assert came.ticket is not None
    assert [found.ticket for found in await all_sent(desk)] == [came.ticket]


async def test_a_reply_opens_its_ticket_again_once_the_database_is_back(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = (await take_in(desk, mail())).ticket
    assert number is not None
    first = await sent_mail(desk, lambda found: found.ticket == number)
    account = await desk.running.staff.add("Marcus Bell", "marcus@northwind.example", None, now())
    common: dict[str, Any] = {"at": now(), "channel": "web", "ticket": number, "agent": account.agent}
    _ = await desk.running.desk.receive(TicketTaken(external_id="1", **common))
    _ = await desk.running.desk.receive(TicketResolved(external_id="2", resolution="Done.", **common))
    fail_first(monkeypatch, Desk, "receive", only=(MailReplied,))
    _ = await take_in(desk, mail("Not yet.", to=reply_address(first)))
    assert (await ticket_file(desk, number)).ticket.is_active


async def test_a_stranger_is_asked_once_the_database_is_back(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.running.mail.intake._filing._questions._limit = 1
    fail_first(monkeypatch, TortoiseInbox, "finish", only=(object,))
    _ = await take_in(desk, mail("Help!", sender="Sam <sam@unknown.example>", vouched=""))
    assert len(await all_sent(desk)) == 1
