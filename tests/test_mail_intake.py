"""A mail as the flow sees it: the ticket it opens, the promise it gets, the reply that is added [R3]."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chatdesk.conversation import AuthorKind, ConversationId, Ended, Surveying, Ticketed, Visibility
from chatdesk.effects import Announce, MailKind, MailRequester, OpenTicket, Post, Record
from chatdesk.errors import EventRefused
from chatdesk.events import MailReceived, MailReplied
from chatdesk.sender import Standing
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus
from flows import live_chat, ticket_work
from flows.mail_intake import CUT
from flows.message_text import MAX_TEXT
from tests.desk_builders import FRIDAY_EVENING, TUESDAY, conversation, desk, external_id, situation, ticket

DANA = "dana@contoso.example"
LETTER = conversation(Ticketed(), channel="email", visitor=f"mail:{DANA}", widget="")


def received(**changes: object) -> MailReceived:
    event = MailReceived(
        at=TUESDAY,
        channel="email",
        external_id=external_id(),
        conversation=ConversationId("m" * 24),
        sender=DANA,
        name="Dana Reyes",
        subject="Printer offline",
        text="It is offline.",
        company="Contoso",
        phone="555-0134",
        standing=Standing.VERIFIED,
    )
    return replace(event, **changes)


def replied(**changes: object) -> MailReplied:
    event = MailReplied(
        at=TUESDAY,
        channel="email",
        external_id=external_id(),
        conversation=LETTER.id,
        ticket=TicketNumber(1024),
        sender=DANA,
        name="Dana Reyes",
        text="Any news?",
        standing=Standing.VERIFIED,
    )
    return replace(event, **changes)


def opened(event: MailReceived) -> tuple[Ticket, list[object]]:
    fresh = conversation(Surveying(), channel="email", visitor=event.visitor, ticket=None, widget="")
    decision = live_chat.step(Surveying(), event, situation(chat=fresh, next_number=1024))
    (ticket,) = [effect.ticket for effect in decision.effects if isinstance(effect, OpenTicket)]
    return ticket, list(decision.effects)


def test_a_mail_opens_a_ticket_with_everything_it_says() -> None:
    ticket, effects = opened(received())
    assert (ticket.subject, ticket.requester_name, ticket.company) == (
        "Printer offline",
        "Dana Reyes",
        "Contoso",
    )
    assert (ticket.requester_email, ticket.requester_phone) == (DANA, "555-0134")
    assert dict(ticket.answers)["sender"] == "verified"
    assert [effect.text for effect in effects if isinstance(effect, Post)] == ["It is offline."]
    assert Announce("ticket by mail") in effects


def test_in_its_hours_the_first_contact_is_due_by_the_policy() -> None:
    ticket, _ = opened(received())
    # Standard priority asks for 4 hours, the e-mail channel for 6: the earlier counts.
    assert (ticket.due_at, ticket.promised_at) == (TUESDAY + timedelta(hours=4), None)


def test_outside_its_hours_the_next_business_day_is_promised() -> None:
    ticket, effects = opened(received(at=FRIDAY_EVENING))
    mails = [effect.text for effect in effects if isinstance(effect, MailRequester)]
    assert ticket.promised_at is not None
    assert ["Monday, September 21" in text for text in mails] == [True]


def test_no_acknowledgement_where_the_caps_forbid_one() -> None:
    _, effects = opened(received(acknowledge=False))
    assert not any(isinstance(effect, MailRequester) for effect in effects)


@pytest.mark.parametrize("standing", [Standing.UNVERIFIED, Standing.FAILED])
def test_staff_and_nobody_else_are_told_of_a_doubtful_sender(standing: Standing) -> None:
    _, effects = opened(received(standing=standing))
    notes = [e for e in effects if isinstance(e, Post) and e.visibility is Visibility.INTERNAL]
    assert len(notes) == 1
    assert "may be forged" in notes[0].text


def test_a_mail_that_named_a_foreign_ticket_is_linked_and_says_why() -> None:
    ticket, effects = opened(received(linked_to=TicketNumber(1001)))
    assert ticket.linked_to == 1001
    assert [e.why for e in effects if isinstance(e, Record) and e.what == "linked"] == [
        "the mail names HD-1001; its sender takes no part there"
    ]


@pytest.mark.parametrize(
    ("subject", "text", "shown"),
    [
        ("  Printer\toffline ", "x", "Printer offline"),
        ("", "First line\nSecond", "First line"),
        ("", "", "(no subject)"),
        ("x" * 500, "", "x" * 149 + "…"),
    ],
)
def test_the_subject_is_the_mails_or_its_first_line(subject: str, text: str, shown: str) -> None:
    ticket, _ = opened(received(subject=subject, text=text))
    assert ticket.subject == shown


def test_a_very_long_mail_is_cut_and_says_where_the_rest_is() -> None:
    _, effects = opened(received(text="y" * (MAX_TEXT * 2)))
    post = next(effect for effect in effects if isinstance(effect, Post))
    assert len(post.text) <= MAX_TEXT
    assert post.text.endswith(CUT.strip())


def test_a_mail_that_is_a_ticket_already_is_refused() -> None:
    with pytest.raises(EventRefused) as refused:
        _ = live_chat.step(Ticketed(), received(), situation(ticket(), chat=LETTER, next_number=1025))
    assert refused.value.code == "placed"


def test_a_reply_is_the_senders_own_message() -> None:
    decision = live_chat.step(Ended(TUESDAY), replied(), situation(ticket(), chat=LETTER))
    post = next(effect for effect in decision.effects if isinstance(effect, Post))
    assert (post.text, post.author.kind, post.author.name) == ("Any news?", AuthorKind.CUSTOMER, "Dana Reyes")
    assert decision.state == Ticketed()


@pytest.mark.parametrize("status", [TicketStatus.RESOLVED, TicketStatus.CLOSED])
def test_a_reply_opens_a_ticket_that_is_done_for_the_same_technician(status: TicketStatus) -> None:
    done = ticket(status=status, assignee="marcus", resolved_at=TUESDAY)
    decision = ticket_work.step(done, replied(), situation(done, chat=LETTER))
    assert (decision.ticket.status, decision.ticket.assignee) == (TicketStatus.ASSIGNED, "marcus")
    assert any(isinstance(e, MailRequester) and e.kind is MailKind.STATUS for e in decision.effects)


def test_a_reply_ends_the_wait_for_the_customer() -> None:
    waiting = ticket(status=TicketStatus.WAITING_ON_CUSTOMER, assignee="marcus")
    decision = ticket_work.step(waiting, replied(), situation(waiting, chat=LETTER))
    assert decision.ticket.status is TicketStatus.IN_PROGRESS


def test_a_reply_too_many_is_kept_and_staff_are_told() -> None:
    done = ticket(status=TicketStatus.CLOSED, assignee="marcus", resolved_at=TUESDAY)
    where = situation(done, chat=LETTER)
    event = replied(reopens=False)
    texts = [e.text for e in live_chat.step(Ticketed(), event, where).effects if isinstance(e, Post)]
    assert texts[0] == "Any news?"
    assert "too often today" in texts[1]
    assert ticket_work.step(done, event, where).ticket == done


@pytest.mark.parametrize("status", [TicketStatus.MERGED, TicketStatus.CANCELLED])
def test_a_ticket_that_is_over_takes_no_reply(status: TicketStatus) -> None:
    over = ticket(status=status)
    with pytest.raises(EventRefused) as refused:
        _ = live_chat.step(Ticketed(), replied(), situation(over, chat=LETTER))
    assert refused.value.code == "ticket_over"


def test_a_reply_after_the_window_is_refused() -> None:
    config = desk(('reopen_window = "always"', 'reopen_window = "7d"'))
    done = ticket(status=TicketStatus.CLOSED, resolved_at=TUESDAY - timedelta(days=8))
    with pytest.raises(EventRefused) as refused:
        _ = live_chat.step(Ticketed(), replied(), situation(done, chat=LETTER, config=config))
    assert refused.value.code == "reopen_window"
