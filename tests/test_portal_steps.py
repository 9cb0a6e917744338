"""What a signed-in customer does, as the flows see it: each deed with each state of the ticket [R17, R33]."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chatdesk.conversation import AuthorKind, Conversation, DialogueState, Ended, Ticketed, Waiting
from chatdesk.effects import Announce, Decision, MailKind, Post, Record, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import PortalCommented, PortalPrioritised, PortalSolved
from chatdesk.situation import Situation
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus
from flows import live_chat, ticket_work
from tests.desk_builders import (
    FRIDAY_EVENING,
    NORTHWIND,
    TUESDAY,
    conversation,
    desk,
    external_id,
    mails,
    posts,
    situation,
    submitted,
    ticket,
)

DANA = "dana@contoso.example"
OWN = conversation(Ticketed(), channel="portal", visitor=f"mail:{DANA}", widget="")
CHAT = conversation(Ended(TUESDAY))
LATER = TUESDAY + timedelta(hours=2)
Deed = PortalCommented | PortalSolved | PortalPrioritised


def commented(text: str = "It squeaks too.") -> PortalCommented:
    return PortalCommented(**shared(), text=text)


def solved() -> PortalSolved:
    return PortalSolved(**shared())


def prioritised(priority: Priority = Priority.HIGH) -> PortalPrioritised:
    return PortalPrioritised(**shared(), priority=priority)


def shared() -> dict[str, Any]:
    return {
        "at": LATER,
        "channel": "portal",
        "external_id": external_id(),
        "conversation": OWN.id,
        "ticket": TicketNumber(1024),
        "sender": DANA,
        "name": "Dana Reyes",
    }


def stepped(
    event: Deed, about: Ticket, state: DialogueState | None = None, *others: Conversation
) -> tuple[Decision, TicketDecision]:
    """Step both flows, as the desk does."""
    own = replace(OWN, state=state or Ticketed())
    here: Situation = situation(about, chat=own, others=others)
    decision = live_chat.step(own.state, event, here)
    after = replace(here, conversation=replace(own, state=decision.state))
    return decision, ticket_work.step(about, event, after)


def test_a_comment_is_the_customers_and_staff_are_told() -> None:
    dialogue, work = stepped(commented(), ticket())
    (post,) = [effect for effect in dialogue.effects if isinstance(effect, Post)]
    assert (post.text, post.author.name) == ("It squeaks too.", "Dana Reyes")
    assert post.author.kind is AuthorKind.CUSTOMER
    assert Announce("customer wrote") in dialogue.effects
    assert dialogue.state == Ticketed()
    assert work.ticket == ticket()


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_comment_is_refused(text: str) -> None:
    with pytest.raises(EventRefused, match="Write a message first"):
        stepped(commented(text), ticket())


@pytest.mark.parametrize("status", [TicketStatus.RESOLVED, TicketStatus.CLOSED])
def test_a_comment_opens_a_ticket_that_was_done_for_the_same_technician(status: TicketStatus) -> None:
    done = ticket(status=status, assignee="marcus", resolved_at=TUESDAY, resolution="Done")
    dialogue, work = stepped(commented(), done, Ended(TUESDAY))
    assert dialogue.state == Ticketed()
    assert (work.ticket.status, work.ticket.assignee) == (TicketStatus.ASSIGNED, "marcus")
    assert [mail.text for mail in mails(work.effects)] == ["HD-1024 is open again."]


def test_a_comment_is_the_answer_that_was_waited_for() -> None:
    waits = ticket(status=TicketStatus.WAITING_ON_CUSTOMER, assignee="marcus")
    assert stepped(commented(), waits)[1].ticket.status is TicketStatus.IN_PROGRESS


@pytest.mark.parametrize("status", sorted(TicketStatus))
def test_a_comment_of_somebody_affected_moves_nothing_and_opens_nothing(status: TicketStatus) -> None:
    event, about = PortalCommented(**shared(), text="Here too.", affected=True), ticket(status=status)
    assert event.visitor == f"affects:{DANA}"
    if not about.is_active:
        with pytest.raises(EventRefused, match=f"HD-1024 is {status.value}. Please open a new ticket."):
            stepped(event, about)
        return
    dialogue, work = stepped(event, about)
    assert [effect.text for effect in dialogue.effects if isinstance(effect, Post)] == ["Here too."]
    assert Announce("customer wrote") in dialogue.effects
    assert work == TicketDecision(about)


@pytest.mark.parametrize("status", [TicketStatus.MERGED, TicketStatus.CANCELLED])
@pytest.mark.parametrize("event", [commented(), solved(), prioritised()])
def test_nothing_is_done_to_a_ticket_that_is_over(status: TicketStatus, event: Deed) -> None:
    with pytest.raises(EventRefused, match=r"HD-1024 (was|is) \w+"):
        stepped(event, ticket(status=status))


def test_a_comment_after_the_time_to_reopen_is_refused() -> None:
    config = desk(('reopen_window = "always"', 'reopen_window = "1h"'))
    done = ticket(status=TicketStatus.CLOSED, resolved_at=TUESDAY)
    with pytest.raises(EventRefused, match="closed too long ago"):
        live_chat.step(Ticketed(), commented(), situation(done, config=config, chat=OWN))


def test_who_says_that_it_is_solved_closes_the_ticket_and_its_requester_is_told() -> None:
    dialogue, work = stepped(solved(), ticket(assignee="marcus"), None, CHAT)
    assert dialogue.state == Ended(LATER)
    assert posts(dialogue.effects) == [mail.text for mail in mails(work.effects)]
    assert posts(dialogue.effects)[0].startswith("HD-1024 is closed.")
    assert [mail.kind for mail in mails(work.effects)] == [MailKind.STATUS]
    assert (work.ticket.status, work.ticket.resolution) == (TicketStatus.CLOSED, "Solved, says the customer.")


@pytest.mark.parametrize("status", [TicketStatus.RESOLVED, TicketStatus.CLOSED])
def test_what_is_done_is_not_solved_again(status: TicketStatus) -> None:
    with pytest.raises(EventRefused, match="already"):
        stepped(solved(), ticket(status=status))


def test_a_ticket_is_not_closed_over_a_chat_that_is_going_on() -> None:
    chat = conversation(Waiting(TUESDAY, LATER), id="other")
    with pytest.raises(EventRefused, match="Please say there that it is solved"):
        stepped(solved(), ticket(), None, chat)


def test_the_customers_priority_moves_the_due_time_and_is_not_confirmed() -> None:
    before = ticket(priority_confirmed=True, due_at=TUESDAY + timedelta(hours=4))
    dialogue, work = stepped(prioritised(), before)
    assert posts(dialogue.effects) == ["Dana Reyes has set the priority of HD-1024 to high."]
    assert (work.ticket.priority, work.ticket.priority_confirmed) == (Priority.HIGH, False)
    assert work.ticket.due_at == TUESDAY + timedelta(hours=2)
    (record,) = [effect for effect in work.effects if isinstance(effect, Record)]
    assert (record.what, record.why, record.by.name) == ("priority changed", "to high", "Dana Reyes")
    assert Announce("priority changed by the customer") in work.effects


def test_the_same_priority_changes_nothing() -> None:
    dialogue, work = stepped(prioritised(Priority.STANDARD), ticket(priority_confirmed=True))
    assert (dialogue.effects, work.effects) == ((), ())
    assert work.ticket == ticket(priority_confirmed=True)


def test_a_paused_ticket_loses_no_time_by_another_priority() -> None:
    paused = ticket(status=TicketStatus.WAITING_ON_VENDOR, due_at=TUESDAY + timedelta(hours=4))
    _, work = stepped(prioritised(Priority.STANDARD), paused)
    assert work.ticket == paused
    _, work = stepped(prioritised(Priority.CRITICAL), paused)
    assert work.ticket.changed_at == LATER
    assert work.ticket.due_at is not None


@pytest.mark.parametrize(("channel", "words"), [("portal", "Our help desk is"), ("web", "Our chat is")])
def test_after_hours_the_portal_speaks_of_the_help_desk_and_not_of_a_chat(channel: str, words: str) -> None:
    event = replace(submitted(FRIDAY_EVENING, live=False), channel=channel)
    chat = conversation(channel=channel, ticket=None)
    here = situation(chat=chat, config=NORTHWIND, next_number=1024)
    decision = live_chat.step(chat.state, event, here)
    assert posts(decision.effects)[-1].startswith(words)
