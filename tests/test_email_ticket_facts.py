"""What a mail is made from: of a ticket and one of its own conversations only."""

from __future__ import annotations

import pytest

from adapters.email.ticket_facts import TicketFacts
from chatdesk.conversation import ConversationId
from chatdesk.errors import NotFound
from chatdesk.ticket import TicketNumber
from tests.running_desk import ANSWERS, customer, serving


async def test_a_mail_about_another_tickets_conversation_is_not_written() -> None:
    async with serving() as desk, customer(desk.base) as dana:
        await dana.next("ready")
        await dana.send(t="start", id="1", answers=ANSWERS)
        await dana.next("ready")
        facts = TicketFacts(desk.running.services.staff_reads)
        for words in (True, False):
            with pytest.raises(NotFound, match="The ticket was not found"):
                await facts.read(TicketNumber(9), ConversationId("x"), words=words)
            with pytest.raises(NotFound, match="The conversation was not found"):
                await facts.read(TicketNumber(1001), ConversationId("x"), words=words)
