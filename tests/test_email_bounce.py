"""Mail that comes back: each recipient of a report counts for itself; the copy to the desk is no failure."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.email.parse import parse_mail
from chatdesk.inbox import InboundStatus
from chatdesk.outbox import DeliveryStatus
from chatdesk.ticket import TicketNumber
from tests.mail_builders import DESK_ADDRESS, MAIL_DESK, all_sent, mail, sent_mail, take_in, ticket_file
from tests.running_desk import ServedDesk, serving

FAILED = """\
Final-Recipient: rfc822; dana@contoso.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user
"""
RELAYED = f"Final-Recipient: rfc822; {DESK_ADDRESS}\nAction: relayed\nStatus: 2.0.0\n"
DELAYED = "Final-Recipient: rfc822; erik@contoso.example\nAction: delayed\nStatus: 4.4.1\n"
COPY = f"""\
Final-Recipient: rfc822; <{DESK_ADDRESS.upper()}>
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 mailbox full
"""
FORWARDED = f"""\
Original-Recipient: rfc822;{DESK_ADDRESS}
Final-Recipient: rfc822;somebody@mail.northwind.example
Action: failed
Status: 5.2.2
"""


def report(message_id: str, *blocks: str) -> bytes:
    """Return a mail system's report with a block for each recipient (RFC 3464)."""
    text = "\n".join(("Reporting-MTA: dns; mx.contoso.example\n", *blocks))
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.contoso.example>
To: {DESK_ADDRESS}
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

{text}
--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}

--b--
""".replace("\n", "\r\n").encode()


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving(MAIL_DESK, demo=False) as served:
        yield served


async def opened(desk: ServedDesk) -> tuple[TicketNumber, str]:
    """Dana opens a ticket by mail; return its number and the Message-ID of the first mail."""
    number = (await take_in(desk, mail())).ticket
    assert number is not None
    first = await sent_mail(desk, lambda found: found.ticket == number)
    _ = await all_sent(desk)
    return number, first.message_id


@pytest.mark.parametrize(
    ("blocks", "failures"),
    [
        ((FAILED, RELAYED), [("dana@contoso.example", "550 no such user")]),
        ((RELAYED, DELAYED, FAILED), [("dana@contoso.example", "550 no such user")]),
        ((COPY, FAILED), [(DESK_ADDRESS, "552 mailbox full"), ("dana@contoso.example", "550 no such user")]),
        ((FORWARDED,), [(DESK_ADDRESS, "5.2.2")]),
        (("Status: 5.0.0\n",), [("", "5.0.0")]),
        ((RELAYED, DELAYED), []),
        ((), []),
    ],
)
def test_each_recipient_of_a_report_counts_for_itself(
    blocks: tuple[str, ...], failures: list[tuple[str, str]]
) -> None:
    parsed, _ = parse_mail(report("<1@northwind.example>", *blocks))
    assert parsed.bounce is not None
    assert [(one.recipient, one.reason) for one in parsed.bounce.failures] == failures


@pytest.mark.parametrize("blocks", [(FAILED, RELAYED), (FAILED, DELAYED), (COPY, FAILED)])
async def test_a_mail_that_failed_for_one_of_its_recipients_is_marked(
    desk: ServedDesk, blocks: tuple[str, ...]
) -> None:
    number, identity = await opened(desk)
    came = await take_in(desk, report(identity, *blocks))
    note = (await ticket_file(desk, number)).deliveries[0]
    assert (came.status, came.ticket) == (InboundStatus.BOUNCE, number)
    assert (note.status, "550 no such user" in note.error) == (DeliveryStatus.FAILED, True)


@pytest.mark.parametrize("block", [COPY, FORWARDED])
async def test_the_desks_own_copy_that_comes_back_is_no_failure(desk: ServedDesk, block: str) -> None:
    number, identity = await opened(desk)
    came = await take_in(desk, report(identity, block))
    assert (came.status, came.ticket) == (InboundStatus.BOUNCE, number)
    assert (await ticket_file(desk, number)).deliveries[0].status is DeliveryStatus.DONE
