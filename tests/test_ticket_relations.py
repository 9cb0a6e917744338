from __future__ import annotations

from datetime import timedelta

import pytest

from chatdesk.conversation import DialogueState, Ended, Live
from chatdesk.effects import MailKind, MailRequester, MoveConversations, Record, SplitOff, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketMerged, TicketSplit
from chatdesk.ticket import ACTIVE, Ticket, TicketNumber, TicketStatus
from flows.ticket_work import step
from tests.desk_builders import (
    CHAT,
    MARCUS,
    TICKET,
    TUESDAY,
    at,
    external_id,
    mails,
    posts,
    situation,
    ticket,
)

NOW = TUESDAY + timedelta(minutes=48)
OTHER = TicketNumber(1001)


def merged(about: Ticket, into: TicketNumber = OTHER, state: DialogueState | None = None) -> TicketDecision:
    event = TicketMerged(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, into=into
    )
    return step(about, event, situation(about, state or Ended(TUESDAY)))


def split(
    about: Ticket, messages: tuple[int, ...] = (3, 4), subject: str = "Printer", number: int | None = 1030
) -> TicketDecision:
    event = TicketSplit(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, conversation=CHAT,
        messages=messages, subject=subject,
    )  # fmt: skip
    return step(about, event, situation(about, Ended(TUESDAY), next_number=number))


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_a_duplicate_becomes_part_of_the_other_ticket(status: TicketStatus) -> None:
    decision = merged(ticket(status=status))
    text = "Your request is now part of HD-1001."
    assert (decision.ticket.status, decision.ticket.merged_into) == (TicketStatus.MERGED, OTHER)
    assert Record("merged", MARCUS.author, "into HD-1001", status, TicketStatus.MERGED) in decision.effects
    assert posts(decision.effects) == [text]
    assert mails(decision.effects) == [MailRequester(MailKind.STATUS, text)]


def test_the_conversations_move_after_all_that_speaks_of_the_old_ticket() -> None:
    assert merged(ticket()).effects[-1] == MoveConversations(OTHER, MARCUS.author)


def test_who_reads_of_the_merge_in_the_chat_gets_no_mail() -> None:
    assert mails(merged(ticket(), state=Live(("marcus",))).effects) == []


def test_an_unrelated_matter_becomes_a_ticket_of_its_own() -> None:
    about = ticket(
        status=TicketStatus.WAITING_ON_VENDOR, assignee="marcus", waiting_until=at("09-17 09:00"),
        promised_at=TUESDAY, first_response_at=TUESDAY, workaround="Use the web.", needed_by=TUESDAY,
    )  # fmt: skip
    decision = split(about, subject=" Printer\0\n blinks ")
    [made] = [effect for effect in decision.effects if isinstance(effect, SplitOff)]
    fresh = ticket(
        number=TicketNumber(1030), subject="Printer blinks", opened_at=NOW, changed_at=NOW,
        due_at=at("09-15 15:00"), linked_to=TICKET, version=0,
    )  # fmt: skip
    news = "Part of your request is now ticket HD-1030: Printer blinks"
    assert made == SplitOff(fresh, situation(about, Ended(TUESDAY)).conversation, (3, 4), news)
    assert decision.ticket == about
    assert Record("split", MARCUS.author, "into HD-1030: Printer blinks") in decision.effects


def test_the_customer_reads_the_new_number_here_and_in_the_new_ticket_s_mail_alone() -> None:
    decision = split(ticket())
    assert posts(decision.effects) == ["Part of your request is now ticket HD-1030: Printer"]
    assert mails(decision.effects) == []


@pytest.mark.parametrize(
    ("messages", "subject", "number", "field"),
    [((), "Printer", 1030, "messages"), ((3,), " ", 1030, "subject"), ((3,), "Printer", None, "messages")],
)
def test_a_split_needs_messages_and_a_subject(
    messages: tuple[int, ...], subject: str, number: int | None, field: str
) -> None:
    with pytest.raises(EventRefused) as refused:
        split(ticket(), messages, subject, number)
    assert refused.value.field == field
